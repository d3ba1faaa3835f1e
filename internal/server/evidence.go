package server

import (
	"context"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/spine"
)

// evidence hangs before every request to the Spine: one to PDS or through the proxy goes only when its ACCESS is durable.
// It is asked for every attempt, so no service can forget it, and a request outside of a recorded call is refused.
// Directory look-ups are covered by the ATTEMPT of each call that asks (see directory), and fetches of tokens are nobody's.
func evidence(ctx context.Context, a spine.Access) error {
	ids, mode := &pb.TraceIds{CorrelationId: a.CorrelationID}, ""
	switch a.Hop {
	case pb.Hop_HOP_TOKEN, pb.Hop_HOP_SDS:
		return nil
	case pb.Hop_HOP_PDS:
		ids.PdsRequestId = a.RequestID
		mode = string(config.ApplicationRestricted)
		if a.AsWorker {
			mode = string(config.HealthcareWorker)
		}
	default:
		ids.SspTraceId = a.SSPTraceID
	}
	interceptor.NoteIDs(ctx, ids)
	item := audit.ItemFrom(ctx)
	return unrecorded(ctx, audit.FromContext(ctx).Access(ctx, audit.Access{
		Hop: strings.TrimPrefix(a.Hop.String(), "HOP_"), Method: a.Method, Route: a.Template,
		Interaction: a.Interaction, Practice: a.Practice, SSPTraceID: a.SSPTraceID, SSPFrom: a.From, SSPTo: a.To,
		RequestID: a.RequestID, CorrelationID: a.CorrelationID, Mode: mode, Role: a.Role, Subject: item.Subject, Item: item.ID,
	}))
}

// unrecorded explains that evidence could not be written, unless the call itself has ended.
func unrecorded(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return fault.New(pb.Hop_HOP_AUDIT, pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE, err)
	}
}

// demographics is PDS, saying where a call's time goes. An organisation with an application of its own asks through that.
type demographics struct {
	shared *pds.Client
	own    map[nhs.ODSCode]*pds.Client
}

// of is the application by which an organisation asks: it follows from who asks, and from nothing else.
func (d demographics) of(organisation nhs.ODSCode) *pds.Client {
	if own := d.own[organisation]; own != nil {
		return own
	}
	return d.shared
}

// Patient asks PDS.
func (d demographics) Patient(ctx context.Context, number nhs.Number, by pds.Requester) (*pds.Trace, error) {
	defer interceptor.EnterHop(ctx, pb.Hop_HOP_PDS)()
	return d.of(by.Organisation).Patient(ctx, number, by)
}

// Search asks PDS for people.
func (d demographics) Search(ctx context.Context, criteria pds.Criteria, by pds.Requester) (*pds.Found, error) {
	defer interceptor.EnterHop(ctx, pb.Hop_HOP_PDS)()
	return d.of(by.Organisation).Search(ctx, criteria, by)
}

// RelatedPersons asks PDS about a patient, and then for the people related to them.
func (d demographics) RelatedPersons(ctx context.Context, number nhs.Number, by pds.Requester) (*pds.Relations, error) {
	defer interceptor.EnterHop(ctx, pb.Hop_HOP_PDS)()
	return d.of(by.Organisation).RelatedPersons(ctx, number, by)
}

// Turn waits for leave to make one request of a bulk job. No hop is entered: the time goes here.
func (d demographics) Turn(ctx context.Context, consumer nhs.ODSCode) (*spine.Turn, error) {
	return d.of(consumer).Turn(ctx, consumer)
}

// PatientInTurn asks PDS with such leave.
func (d demographics) PatientInTurn(
	ctx context.Context, turn *spine.Turn, number nhs.Number, by pds.Requester,
) (*pds.Trace, error) {
	defer interceptor.EnterHop(ctx, pb.Hop_HOP_PDS)()
	return d.of(by.Organisation).PatientInTurn(ctx, turn, number, by)
}

// directory is SDS. Calls that ask the same share one look-up, so the evidence of each is written here, before it joins.
type directory struct{ client *sds.Client }

// Route asks SDS.
func (d directory) Route(ctx context.Context, q sds.Question) (sds.Route, error) {
	if err := unrecorded(ctx, audit.FromContext(ctx).Attempt(ctx)); err != nil {
		return sds.Route{}, err
	}
	defer interceptor.EnterHop(ctx, pb.Hop_HOP_SDS)()
	return d.client.Route(ctx, q)
}

// Sender asks SDS which system the consumer is known by.
func (d directory) Sender(ctx context.Context, q sds.SenderQuestion) (sds.Sender, error) {
	if err := unrecorded(ctx, audit.FromContext(ctx).Attempt(ctx)); err != nil {
		return sds.Sender{}, err
	}
	defer interceptor.EnterHop(ctx, pb.Hop_HOP_SDS)()
	return d.client.Sender(ctx, q)
}
