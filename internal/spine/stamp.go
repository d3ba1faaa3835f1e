package spine

import (
	"net/http"
	"time"
)

// stamp puts the proxy's headers on an attempt, with the audit token. It stands last, so that what that says of the time is
// true.
func stamp(send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		if t.ssp != nil {
			if err := t.ssp.stamp(r.Context(), r.Header, t.sspTraceID, time.Now()); err != nil {
				return nil, refuse(err)
			}
		}
		return send(t, r)
	}
}
