package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/typed"
)

// GetStructuredRecord streams a patient's record from the practice where they are registered.
func (s *GPConnect) GetStructuredRecord(req *pb.GetStructuredRecordRequest, stream grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]) error {
	ctx := stream.Context()
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return err
	}
	// What can be refused without asking anybody is refused first.
	selection := selectionOf(req.GetSelection())
	if selection != nil {
		if err := selection.Check(gpconnect.Version{}, time.Now()); err != nil {
			return err
		}
		if err := permitted(a, selection); err != nil {
			return err
		}
	}
	patient, err := s.patient(ctx, a, req.GetNhsNumber(), registration)
	if err != nil {
		return err
	}
	system, err := s.recordSystem(ctx, a, patient.Registration.ODS)
	if err != nil {
		return err
	}
	if selection == nil {
		everything := gpconnect.Everything(system.version())
		selection = &everything
	}
	if err := selection.Check(system.version(), time.Now()); err != nil {
		return err
	}
	if err := permitted(a, selection); err != nil {
		return err
	}
	out := &recordStream{
		core: s.core, stream: stream, view: req.GetView(), patient: patient, expected: stated(req.GetExpected()),
		system: system, selection: selection, record: audit.FromContext(ctx), digest: sha256.New(),
	}
	return out.run(ctx, a)
}

// recordSystem is the practice's system for structured records.
type recordSystem struct {
	route sds.Route
	// statement is nil when it could not be read: then the version is unknown, and everything may be asked for.
	statement *gpconnect.Statement
}

func (r recordSystem) version() gpconnect.Version {
	if r.statement == nil {
		return gpconnect.Version{}
	}
	return r.statement.Version
}

// statementTime is how long a capability statement may keep a record waiting. Without it the version is unknown, which is
// a worse question to the practice and still a right one.
const statementTime = 5 * time.Second

// recordSystem finds the system, and meanwhile what version it speaks.
func (s *GPConnect) recordSystem(ctx context.Context, a asker, ods nhs.ODSCode) (recordSystem, error) {
	bounded, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	statements := make(chan *gpconnect.Statement, 1)
	go func() {
		var statement *gpconnect.Statement
		_ = guard.Run(bounded, func() error { // after a panic the version is as unknown as after any other failure
			statement = s.recordStatement(bounded, a, ods)
			return nil
		})
		statements <- statement
	}()
	route, err := s.route(ctx, a, ods, nhs.GetStructuredRecord)
	if err != nil {
		cancel()
		<-statements
		return recordSystem{}, err
	}
	return recordSystem{route: route, statement: <-statements}, nil
}

// recordStatement reads the statement of the structured root, or of the combined one where older practices have no other.
// Why it could not be read does not matter here: what cannot be read is unknown.
func (s *GPConnect) recordStatement(ctx context.Context, a asker, ods nhs.ODSCode) *gpconnect.Statement {
	for _, interaction := range []nhs.Interaction{nhs.ReadStructuredMetadata, nhs.ReadMetadata} {
		route, err := s.route(ctx, a, ods, interaction)
		if errors.Is(err, notRegistered) {
			continue
		}
		if err != nil {
			return nil
		}
		statement, _, err := s.statement(ctx, a, route)
		if err != nil {
			return nil
		}
		return statement
	}
	return nil
}

// recordStream is one record on its way to the caller.
type recordStream struct {
	*core

	stream    grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]
	view      pb.RecordView
	patient   *pds.Trace
	expected  demographics
	system    recordSystem
	selection *gpconnect.Selection
	record    *audit.Record

	provenance *pb.Provenance
	sequence   int32
	chunks     chunker
	digest     hash.Hash // over the JSON of entries, in the order sent
	doubts     int       // warnings of our own about typed forms
}

// run asks the practice and passes on what comes.
func (r *recordStream) run(ctx context.Context, a asker) error {
	r.provenance = r.describe(ctx)
	if err := r.open(); err != nil {
		return err
	}
	answer, by, err := visit(ctx, r.core, a, r.system.route, func(to gpconnect.Target) (*gpconnect.Record, error) {
		request := gpconnect.RecordRequest{Number: r.patient.Current, Selection: *r.selection, Version: r.system.version()}
		if to.Destination != destination(r.system.route) {
			request.Version = gpconnect.Version{} // what the statement says is another system's
		}
		return r.Practices.Record(ctx, to, request)
	})
	if err != nil {
		return err
	}
	defer answer.Close()
	if !sameSystem(by, r.system.route) { // another system answered than the one whose statement was read
		r.system = recordSystem{route: by}
		r.provenance = r.describe(ctx)
	}
	answered(r.provenance, answer.Response.RetrievedAt, answer.Response.SSPTraceID, answer.Response.Simulated)
	for {
		event, err := answer.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.pass(ctx, event); err != nil {
			return err
		}
	}
}

// describe is where the record comes from, as far as that is known before it comes.
func (r *recordStream) describe(ctx context.Context) *pb.Provenance {
	return labelled(described(routed(traced(r.core.provenance(ctx), r.patient), r.system.route), r.system.statement))
}

func (r *recordStream) open() error {
	requested, others := areasOf(r.selection)
	var names []string
	for _, area := range r.selection.Requested() {
		names = append(names, area.String())
	}
	r.record.SetAsked(names...)
	return r.send(&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Opening{Opening: &pb.RecordOpening{
		Provenance:                    cloned(r.provenance),
		Selection:                     echo(r.selection),
		View:                          r.effectiveView(),
		RequestedAreas:                requested,
		NotRequestedAreas:             others,
		ExcludesImmunisationsNotGiven: r.selection.ExcludesNotGiven(),
		SpecificationVersion:          r.provenance.GetSpecificationVersion(),
	}}})
}

func (r *recordStream) effectiveView() pb.RecordView {
	if r.view == pb.RecordView_RECORD_VIEW_FHIR {
		return r.view
	}
	return pb.RecordView_RECORD_VIEW_TYPED
}

func (r *recordStream) fhir() bool { return r.view == pb.RecordView_RECORD_VIEW_FHIR }

// pass turns one event of the answer into messages.
func (r *recordStream) pass(ctx context.Context, event gpconnect.Event) error {
	switch e := event.(type) {
	case *gpconnect.Patient:
		return r.admit(ctx, e)
	case *gpconnect.Entry:
		return r.entry(e)
	case *gpconnect.Warning:
		return r.warn(e)
	case *gpconnect.Tail:
		if r.fhir() {
			return r.chunk(e.Raw)
		}
	case *gpconnect.Index:
		return r.index(e)
	case *gpconnect.Summary:
		return r.close(e)
	}
	return nil
}

// admit is where the gate opens: the release is on record before anything clinical leaves.
func (r *recordStream) admit(ctx context.Context, p *gpconnect.Patient) error {
	held := heldByPractice(p)
	comparison := compare(heldByPDS(r.patient), held)
	released := audit.Release{Practice: r.system.route.ODS, Interaction: nhs.GetStructuredRecord, Differences: differences(comparison)}
	for _, area := range r.selection.Requested() {
		released.Areas = append(released.Areas, area.String())
	}
	if err := r.record.Release(ctx, released); err != nil {
		return auditFailed(err)
	}
	r.record.Count(p.Entry.ResourceType, 1)
	if p.Practice.Name != "" {
		r.provenance.PracticeName = p.Practice.Name
	}
	entry := typed.Entry(p.Entry.Position, p.Entry.JSON, p.Entry.Rest)
	return r.sendEntry(entry, func(e *pb.RecordEntry, last bool) *pb.GetStructuredRecordResponse {
		patient := &pb.AnswerPatient{Patient: e}
		if last {
			patient.Comparison, patient.ExpectedComparison = comparison, compare(r.expected, held)
			patient.Provenance = cloned(r.provenance)
		}
		return &pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Patient{Patient: patient}}
	})
}

func heldByPractice(p *gpconnect.Patient) demographics {
	return demographics{
		family: p.Name.Family, given: p.Name.Given, gender: p.Gender, birthDate: p.BirthDate, postalCode: p.PostalCode,
		practice: p.Practice.ODS,
	}
}

// entry passes on one entry, or its bytes. The Patient went out when the gate opened, so that every entry is sent once.
func (r *recordStream) entry(e *gpconnect.Entry) error {
	if !e.Told {
		r.record.Count(e.ResourceType, 1)
	}
	if r.fhir() {
		return r.chunk(e.Raw)
	}
	if e.Told {
		return nil
	}
	entry := typed.Entry(e.Position, e.JSON, e.Rest)
	err := r.sendEntry(entry, func(e *pb.RecordEntry, _ bool) *pb.GetStructuredRecordResponse {
		return &pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Entry{Entry: e}}
	})
	if err != nil {
		return err
	}
	return r.doubt(entry)
}

// doubt warns of an entry without a typed form that should have one.
func (r *recordStream) doubt(e *pb.RecordEntry) error {
	kind, ok := map[pb.TypedState]pb.RecordWarningKind{
		pb.TypedState_TYPED_STATE_UNREADABLE: pb.RecordWarningKind_RECORD_WARNING_KIND_UNREADABLE_ENTRY,
		pb.TypedState_TYPED_STATE_TOO_LARGE:  pb.RecordWarningKind_RECORD_WARNING_KIND_OVERSIZE_ENTRY,
	}[e.GetTypedState()]
	if !ok {
		return nil
	}
	r.doubts++
	return r.send(&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Warning{Warning: &pb.RecordWarning{
		Kind: kind, Position: e.GetPosition(), Text: "This entry could not be shown in full. Its exact content is there.",
	}}})
}

func (r *recordStream) warn(w *gpconnect.Warning) error {
	return r.send(&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Warning{Warning: &pb.RecordWarning{
		Kind: warningKinds[w.Kind], Area: areas[w.Area], WarningCode: w.Code, Text: w.Text, Diagnostics: w.Diagnostics,
		Position: int32(w.Position), //nolint:gosec // an index in a bounded answer
	}}})
}

func (r *recordStream) index(i *gpconnect.Index) error {
	return r.send(&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Index{Index: &pb.AreaIndex{
		Area: areas[i.Area], Listed: i.Listed, Unlisted: i.Unlisted, Unresolved: i.Unresolved,
	}}})
}

// close says what became of it. The chain makes the outcome durable before this message leaves.
func (r *recordStream) close(s *gpconnect.Summary) error {
	if err := r.flush(); err != nil {
		return err
	}
	if s.Practice.Name != "" {
		r.provenance.PracticeName = s.Practice.Name
	}
	closing := recordClosing(s, r.doubts)
	closing.Provenance = cloned(r.provenance)
	if !r.fhir() {
		closing.EntriesSha256 = r.digest.Sum(nil)
	}
	return r.send(&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Closing{Closing: closing}})
}

// send numbers a message and sends it. Bytes that were gathered go first.
func (r *recordStream) send(m *pb.GetStructuredRecordResponse) error {
	if m.GetChunk() == nil {
		if err := r.flush(); err != nil {
			return err
		}
	}
	m.Sequence = r.sequence
	if !m.GetContinues() {
		r.sequence++
	}
	return r.stream.Send(m)
}

// sendEntry sends one entry in as many messages as it takes.
func (r *recordStream) sendEntry(e *pb.RecordEntry, wrap func(e *pb.RecordEntry, last bool) *pb.GetStructuredRecordResponse) error {
	_, _ = r.digest.Write(e.GetJson())
	for piece, last := range pieces(e) {
		m := wrap(piece, last)
		m.Continues = !last
		if err := r.send(m); err != nil {
			return err
		}
	}
	return nil
}

// chunk gathers the provider's bytes and sends them when there are enough.
func (r *recordStream) chunk(raw []byte) error {
	for chunk := range r.chunks.add(raw) {
		if err := r.sendChunk(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (r *recordStream) flush() error {
	if chunk := r.chunks.rest(); chunk != nil {
		return r.sendChunk(chunk)
	}
	return nil
}

func (r *recordStream) sendChunk(c *pb.FhirChunk) error {
	return r.send(&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Chunk{Chunk: c}})
}

func cloned(p *pb.Provenance) *pb.Provenance { return proto.CloneOf(p) }
