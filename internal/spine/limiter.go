package spine

import (
	"net/http"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// limited spaces attempts. One whose turn would not come before the deadline is refused and takes no turn.
func limited(hop pb.Hop, quota *Quota, send next) next {
	if quota == nil {
		return send
	}
	return func(t *trip, r *http.Request) (*http.Response, error) {
		line := atScreen
		if t.Turn != nil {
			line = bulk
		}
		if t.Turn == nil || t.attempt > 1 {
			if err := quota.await(hop, r, t.Consumer, line); err != nil {
				return nil, err
			}
		}
		answer, err := send(t, r)
		if answer != nil {
			quota.answered(answer)
		}
		return answer, err
	}
}
