// Package service tells the story of each call, once and top to bottom: who was asked, what was refused, what was found.
//
// Identity, authorisation, limits, validation and the audit record are settled before a call comes here (package
// interceptor). Whatever goes upstream from here passes the audit trail's hook in package spine; this package itself
// commits one thing, the RELEASE of a record.
//
// The order of promises is that of the code: a patient who may not be asked about stops a call before SDS, a system that
// is not the only one stops it before the practice, and an answer about somebody else stops it before a byte is released.
package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/journal"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/spine"
)

// Config is what the services work with. All of it is required, but for Manufacturer.
type Config struct {
	// Environment is which Spine is asked.
	Environment pb.Environment
	// Demographics is PDS.
	Demographics demographicsService
	// Directory is SDS.
	Directory directory
	// Practices asks GP systems through the proxy.
	Practices *gpconnect.Client
	// Handles seals what travels to callers and back.
	Handles *handle.Sealer
	// Journal remembers writes.
	Journal *journal.Journal
	// Organisations are those that may call, as this gateway is configured.
	Organisations map[nhs.ODSCode]Organisation
	// Device is this gateway, as practices are told.
	Device spine.Device
	// Issuer is the URL of the consumer system's Spine endpoint, for the audit token.
	Issuer string
	// Manufacturer is this gateway's supplier, by which the directory knows the systems of organisations without an ASID;
	// zero where all have one.
	Manufacturer nhs.ODSCode
	// Concurrency is how many practices one call asks at once.
	Concurrency int
	// ItemBudget is how long PDS may take for one item of a stream, retries included.
	ItemBudget time.Duration
}

// Organisation is one that may call.
type Organisation struct {
	// ASID is what it is known by at the proxy; zero is looked up by the Manufacturer.
	ASID nhs.ASID
	// Endpoint is the URL of its own Spine endpoint, for the audit token; empty is Config.Issuer.
	Endpoint string
	// Phone is given to practices with a booking.
	Phone string
	// Areas are the clinical areas that it may ask for; empty means all.
	Areas []pb.ClinicalArea
	// PDSAccess is as whom its users ask PDS.
	PDSAccess PDSAccess
	// RequireDevice and RequireRelationship make those fields of CallContext mandatory.
	RequireDevice, RequireRelationship bool
}

type demographicsService interface {
	bulkDemographics
	Patient(ctx context.Context, number nhs.Number, by pds.Requester) (*pds.Trace, error)
	Search(ctx context.Context, criteria pds.Criteria, by pds.Requester) (*pds.Found, error)
	RelatedPersons(ctx context.Context, number nhs.Number, by pds.Requester) (*pds.Relations, error)
}

type directory interface {
	Route(ctx context.Context, q sds.Question) (sds.Route, error)
	Sender(ctx context.Context, q sds.SenderQuestion) (sds.Sender, error)
}

// core is what the three services share.
type core struct {
	Config

	rules   itemRules
	senders *senders
}

// PatientTrace implements the service of that name.
type PatientTrace struct {
	pb.UnimplementedPatientTraceServer
	*core
}

// EndpointDirectory implements the service of that name.
type EndpointDirectory struct {
	pb.UnimplementedEndpointDirectoryServer
	*core
}

// GPConnect implements the service of that name.
type GPConnect struct {
	pb.UnimplementedGPConnectServer
	*core
}

// New makes the three services.
func New(c Config) (*PatientTrace, *EndpointDirectory, *GPConnect, error) {
	if c.Environment == pb.Environment_ENVIRONMENT_UNSPECIFIED || c.Demographics == nil || c.Directory == nil ||
		c.Practices == nil || c.Handles == nil || c.Journal == nil || c.Concurrency < 1 || c.ItemBudget <= 0 {
		return nil, nil, nil, errors.New("service: the configuration is incomplete")
	}
	rules, err := newItemRules()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("service: %w", err)
	}
	shared := &core{c, rules, newSenders(c.Organisations)}
	return &PatientTrace{core: shared}, &EndpointDirectory{core: shared}, &GPConnect{core: shared}, nil
}

// asker is who asks, and what is configured for their organisation.
type asker struct {
	identity.Caller
	Organisation
}

// asker finds out for whom a call is made, and holds the call's circumstances against what the organisation demands.
func (c *core) asker(ctx context.Context, circumstances *pb.CallContext) (asker, error) {
	caller, ok := identity.FromContext(ctx)
	if !ok {
		return asker{}, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_TOKEN_MISSING, nil)
	}
	organisation, ok := c.Organisations[caller.Organisation.ODS]
	if !ok {
		return asker{}, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_ORGANISATION_NOT_PERMITTED, nil)
	}
	switch {
	case organisation.RequireDevice && circumstances.GetDevice() == "":
		return asker{}, fault.Invalid("context.device", "organisation.required", "this organisation must name the device")
	case organisation.RequireRelationship && circumstances.GetRelationship() == pb.Relationship_RELATIONSHIP_UNSPECIFIED:
		return asker{}, fault.Invalid("context.relationship", "organisation.required", "this organisation must state the relationship")
	}
	return asker{caller, organisation}, nil
}

// ods is the organisation whose user asks.
func (a asker) ods() nhs.ODSCode { return a.Caller.Organisation.ODS }

// traceIDs are those of the call itself.
func traceIDs(ctx context.Context) *pb.TraceIds {
	ids := &pb.TraceIds{CallId: audit.FromContext(ctx).ID()}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		ids.TraceId = span.TraceID().String()
	}
	return ids
}

// provenance is what can be said before anybody answered.
func (c *core) provenance(ctx context.Context) *pb.Provenance {
	return &pb.Provenance{
		Environment: c.Environment,
		Simulated:   c.Environment == pb.Environment_ENVIRONMENT_EMBEDDED,
		RetrievedAt: timestamppb.Now(),
		TraceIds:    traceIDs(ctx),
	}
}

// traced adds what PDS said of the patient.
func traced(p *pb.Provenance, t *pds.Trace) *pb.Provenance {
	p = told(p, t.Source)
	p.TracedAt = timestamppb.New(t.RetrievedAt)
	return p
}

var pdsAccesses = map[pds.Access]pb.PdsAccess{
	pds.AsApplication: pb.PdsAccess_PDS_ACCESS_APPLICATION,
	pds.AsWorker:      pb.PdsAccess_PDS_ACCESS_CLINICIAN,
	pds.Open:          pb.PdsAccess_PDS_ACCESS_OPEN,
}

// told adds by which ids a request to PDS is known, and in whose name it was made.
func told(p *pb.Provenance, s pds.Source) *pb.Provenance {
	p.Simulated = p.GetSimulated() || s.Simulated
	p.TraceIds.PdsRequestId, p.TraceIds.CorrelationId = s.RequestID, s.CorrelationID
	p.PdsAccess = pdsAccesses[s.Access]
	return p
}

// routed adds which system is asked, and with what. The id of a look-up that the session remembers is an earlier call's, and
// does not replace this one's.
func routed(p *pb.Provenance, r sds.Route) *pb.Provenance {
	p.PracticeOdsCode, p.Asid, p.InteractionId = r.ODS.String(), r.ASID.String(), r.Interaction.String()
	p.TraceIds.CorrelationId = cmp.Or(p.GetTraceIds().GetCorrelationId(), r.CorrelationID)
	p.Simulated = p.GetSimulated() || r.Simulated
	return p
}

// answered adds when and how the practice answered.
func answered(p *pb.Provenance, at time.Time, sspTraceID string, simulated bool) *pb.Provenance {
	p.RetrievedAt = timestamppb.New(at)
	p.TraceIds.SspTraceId = sspTraceID
	p.Simulated = p.GetSimulated() || simulated
	return p
}

// described adds what a capability statement says of the system.
func described(p *pb.Provenance, s *gpconnect.Statement) *pb.Provenance {
	if s != nil {
		p.Supplier, p.SpecificationVersion = s.SoftwareName, s.VersionText
	}
	return p
}
