package spine

import (
	"net/http"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// stamp puts on an attempt what holds for a moment only: the proxy's headers with the audit token, and a body that is made
// anew each time. It stands last, so that what it says of the time is true.
func stamp(send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		if t.ssp != nil {
			if err := t.ssp.stamp(r.Context(), r.Header, t.sspTraceID, time.Now()); err != nil {
				return nil, refuse(err)
			}
		}
		if t.body != nil {
			body, err := t.body()
			if err != nil {
				return nil, refuse(fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, err))
			}
			t.Body = body
		}
		return send(t, r)
	}
}
