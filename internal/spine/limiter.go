package spine

import (
	"net/http"
	"time"

	"golang.org/x/time/rate"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// limited spaces attempts. One whose turn would not come before the deadline is refused at once and takes no turn.
func limited(hop pb.Hop, limiter *rate.Limiter, send next) next {
	if limiter == nil {
		return send
	}
	return func(t *trip, r *http.Request) (*http.Response, error) {
		turn := limiter.Reserve()
		if !turn.OK() || !fits(r, turn.Delay()) {
			wait := turn.Delay()
			turn.Cancel()
			e := fault.New(hop, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, nil)
			e.Operator = "This gateway's own share of the quota is in use."
			e.RetryAfter = min(wait, time.Hour)
			return nil, refuse(e)
		}
		select {
		case <-time.After(turn.Delay()):
		case <-r.Context().Done():
			turn.Cancel()
			return nil, refuse(r.Context().Err())
		}
		return send(t, r)
	}
}
