package spine

import (
	"context"
	"net/http"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Before is asked before the bytes of one attempt go. If it fails nothing is sent, nothing is tried again, and the caller
// gets what it failed with. It is where the audit trail writes an access, so it may take the time of a durable write.
type Before func(context.Context, Access) error

// Access is one request that is about to go, without anything that identifies a patient.
type Access struct {
	Hop    pb.Hop
	Method string
	// Template is the path with {names} for what identifies anybody.
	Template    string
	Interaction nhs.Interaction
	// Practice is the organisation asked about; zero where there is none.
	Practice nhs.ODSCode
	// Consumer is the organisation whose user asks.
	Consumer nhs.ODSCode
	// AsWorker says that it is made in the name of a clinician who is signed in with CIS2.
	AsWorker bool
	// Role is the one that the clinician works in, where it is said.
	Role string
	// SSPTraceID, From and To are the Ssp-* headers; empty except through the proxy.
	SSPTraceID string
	From, To   nhs.ASID
	// RequestID and CorrelationID are the X- headers; empty where they are not sent.
	RequestID, CorrelationID string
	// Attempt counts from 1.
	Attempt int
}

// before asks the hook. It stands inside retry, so that every request on the wire was agreed to.
func before(hop pb.Hop, hook Before, send next) next {
	if hook == nil {
		return send
	}
	return func(t *trip, r *http.Request) (*http.Response, error) {
		access := Access{
			Hop: hop, Method: t.Method, Template: t.Template, Interaction: t.Interaction, Practice: t.Practice,
			Consumer: t.Consumer, SSPTraceID: t.sspTraceID, RequestID: t.RequestID, CorrelationID: t.CorrelationID,
			Attempt: t.attempt,
		}
		if t.Worker != nil {
			access.AsWorker, access.Role = true, t.Worker.Role
		}
		if t.ssp != nil {
			access.From, access.To = t.ssp.from, t.ssp.to
		}
		if err := hook(r.Context(), access); err != nil {
			return nil, refuse(err)
		}
		return send(t, r)
	}
}
