package spine

import (
	"net/http"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// compose makes the body of an attempt where it is made anew each time. It stands outside of attempt: what is signed may be
// signed by a device that takes its time, and that time is not the upstream's.
func compose(hop pb.Hop, send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		if t.body != nil {
			body, err := t.body()
			if err != nil {
				e := fault.New(hop, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, err)
				e.Operator = "The application's key did not sign: is the agent that holds it there, and unlocked?"
				return nil, refuse(e)
			}
			t.Body = body
		}
		return send(t, r)
	}
}
