package e2e

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// journey walks the whole road once and returns the slot that it booked at its end.
func journey(t *testing.T, g *gateway) *pb.Slot {
	t.Helper()
	ctx := g.as(t, clinician)
	if answer := g.found(t, g.bornAs(t, "9990000018", "Testwell")); numbers(answer) != "9990000018" {
		t.Fatalf("search = %v", answer)
	}
	related, err := g.trace.ListRelatedPersons(ctx, &pb.ListRelatedPersonsRequest{NhsNumber: "9990000018"})
	if err != nil || len(related.GetRelatedPersons()) == 0 {
		t.Fatalf("related = %v, %v", related, err)
	}
	trace, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{
		NhsNumber: "9990000018", Expected: &pb.ExpectedDemographics{Family: "testwell"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if trace.GetRegistration().GetStatus() != pb.RegistrationStatus_REGISTRATION_STATUS_REGISTERED ||
		trace.GetComparison().GetFamily() != pb.Comparison_COMPARISON_MATCH || !trace.GetProvenance().GetSimulated() {
		t.Errorf("trace = %v", trace)
	}
	if many := g.many(t, "9990000018", "9990000034", "9990000379", "9990000019"); many.GetResultsTotal() != 2 || many.GetFailuresTotal() != 2 {
		t.Errorf("many = %v", many)
	}
	simulated := map[string]*pb.Provenance{"TracePatient": trace.GetProvenance()}
	practice := trace.GetRegistration().GetOdsCode()
	endpoint, err := g.directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
		OdsCode: practice, Interaction: known(pb.KnownInteraction_KNOWN_INTERACTION_GET_STRUCTURED_RECORD),
	})
	if err != nil || endpoint.GetEndpoint().GetAsid() != "918000000001" {
		t.Fatalf("endpoint = %v, %v", endpoint, err)
	}
	simulated["ResolveEndpoint"] = endpoint.GetProvenance()
	capabilities, err := g.practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{OdsCode: practice})
	if err != nil || len(capabilities.GetRoots()) != 3 {
		t.Fatalf("capabilities = %v, %v", capabilities, err)
	}
	simulated["GetCapabilities"] = capabilities.GetProvenance()
	for _, view := range []pb.RecordView{pb.RecordView_RECORD_VIEW_TYPED, pb.RecordView_RECORD_VIEW_FHIR} {
		record, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018", View: view})
		if err != nil || record.closing.GetVerdict() != pb.Verdict_VERDICT_WHOLE {
			t.Fatalf("record = %v, %v", record.closing, err)
		}
		simulated[view.String()+" opening"], simulated[view.String()] = record.opening.GetProvenance(), record.closing.GetProvenance()
	}
	found := g.slots(t, practice)
	if len(found.slots) < 2 || found.closing.GetVerdict() != pb.Verdict_VERDICT_WHOLE {
		t.Fatalf("%d slots, %v", len(found.slots), found.closing)
	}
	simulated["SearchSlots"], simulated["SearchSlots result"] = found.closing.GetProvenance(), found.results[practice].GetProvenance()
	booked, err := g.practices.BookAppointment(ctx, booking("9990000018", found.slots[0]))
	if err != nil || booked.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED {
		t.Fatalf("booking = %v, %v", booked, err)
	}
	simulated["BookAppointment"] = booked.GetProvenance()
	for method, p := range simulated {
		if !p.GetSimulated() || p.GetEnvironment() != pb.Environment_ENVIRONMENT_EMBEDDED {
			t.Errorf("%s does not say that it is simulated: %v", method, p)
		}
	}
	return found.slots[0]
}

// many traces people on one stream. The ids say what they should not.
func (g *gateway) many(t *testing.T, numbers ...string) *pb.TraceClosing {
	t.Helper()
	stream, err := g.trace.TracePatients(g.as(t, clinician))
	if err != nil {
		t.Fatal(err)
	}
	send := func(m *pb.TracePatientsRequest) {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	send(&pb.TracePatientsRequest{Event: &pb.TracePatientsRequest_Start{Start: &pb.TraceStart{}}})
	for i, number := range numbers {
		send(&pb.TracePatientsRequest{Event: &pb.TracePatientsRequest_Item{Item: &pb.TraceItem{
			ItemId: fmt.Sprintf("row %d: Testwell", i), NhsNumber: number, Expected: &pb.ExpectedDemographics{Family: "Testwell"},
		}}})
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetClosing() != nil {
			return m.GetClosing()
		}
	}
}

func booking(number string, slots ...*pb.Slot) *pb.BookAppointmentRequest {
	req := &pb.BookAppointmentRequest{
		RequestId: uuid.NewString(), NhsNumber: number, OdsCode: slots[0].GetOdsCode(), Description: "Follow-up",
	}
	for _, s := range slots {
		req.SlotHandles = append(req.SlotHandles, s.GetHandle())
	}
	return req
}

// diary is what a search for slots brought.
type diary struct {
	slots    []*pb.Slot
	results  map[string]*pb.PracticeResult
	failures map[string]*pb.PracticeFailure
	closing  *pb.SlotsClosing
}

// slots searches the next days of some practices, and holds the stream against its promises.
func (g *gateway) slots(t *testing.T, practices ...string) *diary {
	t.Helper()
	now := time.Now()
	return g.search(t, &pb.SearchSlotsRequest{
		OdsCodes: practices, Start: now.AddDate(0, 0, 1).Format(time.DateOnly), End: now.AddDate(0, 0, 4).Format(time.DateOnly),
	})
}

func (g *gateway) search(t *testing.T, req *pb.SearchSlotsRequest, as ...context.Context) *diary {
	t.Helper()
	ctx := g.as(t, clinician)
	if len(as) > 0 {
		ctx = as[0]
	}
	stream, err := g.practices.SearchSlots(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	d := &diary{results: map[string]*pb.PracticeResult{}, failures: map[string]*pb.PracticeFailure{}}
	for next := int32(0); ; next++ {
		m, err := stream.Recv()
		if err == io.EOF { //nolint:errorlint // as gRPC returns it
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.GetSequence() != next || (m.GetOpening() != nil) != (next == 0) || d.closing != nil {
			t.Fatalf("message %d where %d was due, or out of place: %v", m.GetSequence(), next, m)
		}
		switch e := m.GetEvent().(type) {
		case *pb.SearchSlotsResponse_Slot:
			d.slots = append(d.slots, e.Slot)
		case *pb.SearchSlotsResponse_Result:
			d.results[e.Result.GetOdsCode()] = e.Result
		case *pb.SearchSlotsResponse_Failure:
			d.failures[e.Failure.GetOdsCode()] = e.Failure
		case *pb.SearchSlotsResponse_Closing:
			d.closing = e.Closing
		}
	}
	if d.closing == nil {
		t.Fatal("the search ended with OK and without its closing message")
	}
	if int(d.closing.GetResultsTotal()) != len(d.results) || int(d.closing.GetFailuresTotal()) != len(d.failures) ||
		int(d.closing.GetSlotsTotal()) != len(d.slots) {
		t.Errorf("the closing message miscounts: %v", d.closing)
	}
	return d
}

// The journey leaves what each promise asks for: the caller in every token, evidence in its order, a slot that is gone.
func TestTheJourney(t *testing.T) {
	g := start(t)
	booked := journey(t, g)

	t.Run("the caller, and nobody else, is in every token that reached a practice", func(t *testing.T) {
		calls := g.spine.Transcript().Of(simulator.Provider)
		if len(calls) < 8 {
			t.Fatalf("only %d requests reached the practice", len(calls))
		}
		traces := map[string]bool{}
		for _, x := range calls {
			practitioner, _ := x.JWT.Claims["requesting_practitioner"].(map[string]any)
			organisation, _ := x.JWT.Claims["requesting_organization"].(map[string]any)
			if practitioner["id"] != "u-1001" || organisation["name"] != "Example Urgent Care" {
				t.Errorf("%s was asked for by %v of %v", x.Path, practitioner["id"], organisation["name"])
			}
			if id := x.Header.Get("Ssp-TraceID"); traces[id] || id == "" {
				t.Errorf("the trace id %q is not fresh", id)
			} else {
				traces[id] = true
			}
		}
	})

	t.Run("evidence stands in its order", func(t *testing.T) {
		number, err := nhs.ParseNumber("9990000018")
		if err != nil {
			t.Fatal(err)
		}
		about, byCall := map[string]bool{}, map[string][]audit.Entry{}
		for e, err := range g.audit.Entries(t.Context(), audit.Query{Patient: number, Limit: 1000}) {
			if err != nil {
				t.Fatal(err)
			}
			about[e.Call] = true
		}
		for _, e := range g.Entries(t) { // a stream of many is about the patient in one entry only
			if about[e.Call] {
				byCall[e.Call] = append(byCall[e.Call], e)
			}
		}
		if len(byCall) < 4 {
			t.Fatalf("only %d calls about the patient", len(byCall))
		}
		for _, entries := range byCall {
			if entries[0].Method != pb.PatientTrace_TracePatients_FullMethodName { // one call about many patients
				checkOrder(t, entries)
			}
		}
	})

	t.Run("the booked slot is gone", func(t *testing.T) {
		for _, s := range g.slots(t, "A20047").slots {
			if s.GetStart().GetLocal() == booked.GetStart().GetLocal() && s.GetSessionHandle() == booked.GetSessionHandle() {
				t.Error("the slot is still offered")
			}
		}
		if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 1 {
			t.Errorf("the practice holds %d bookings", n)
		}
	})
}

// checkOrder holds the entries of one call against the order in which they must have become durable: who asks, what is
// sent and for what, what is released, how it ended.
func checkOrder(t *testing.T, entries []audit.Entry) {
	t.Helper()
	var order []string
	for i, e := range entries {
		step := string(e.Kind)
		if e.Access != nil {
			step += " " + e.Access.Hop
		}
		if len(order) == 0 || order[len(order)-1] != step {
			order = append(order, step)
		}
		if i > 0 && e.Seq <= entries[i-1].Seq {
			t.Errorf("%s: entry %d is not in the order of commitment", e.Method, i)
		}
	}
	first, last := entries[0], entries[len(entries)-1]
	if want, ok := orders[first.Method]; !ok || !slices.Equal(order, want) {
		t.Errorf("%s went %v, want %v", first.Method, order, want)
	}
	isRecord := first.Method == pb.GPConnect_GetStructuredRecord_FullMethodName
	if isRecord && (last.Outcome.Resources["Patient"] != 1 || len(last.Outcome.Resources) < 5 || len(last.Outcome.SHA256) != 32) {
		t.Errorf("the outcome does not say what was released: %v", last.Outcome)
	}
	if first.Caller.Family == "" || first.Context.Purpose != "DIRECT_CARE" {
		t.Errorf("the attempt does not say who asked and why: %+v", first.Context)
	}
}

// orders are the steps of each method about one patient.
var orders = map[string][]string{
	pb.PatientTrace_TracePatient_FullMethodName:       {"ATTEMPT", "ACCESS PDS", "OUTCOME"},
	pb.PatientTrace_ListRelatedPersons_FullMethodName: {"ATTEMPT", "ACCESS PDS", "OUTCOME"},
	pb.GPConnect_GetStructuredRecord_FullMethodName:   {"ATTEMPT", "ACCESS PDS", "ACCESS SSP", "RELEASE", "OUTCOME"},
	pb.GPConnect_BookAppointment_FullMethodName:       {"ATTEMPT", "ACCESS PDS", "ACCESS SSP", "OUTCOME"},
}

func ods(t *testing.T, code string) nhs.ODSCode {
	t.Helper()
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Practices that fail, fail alone and each in its own way; the others' slots arrive.
func TestASearchOfManyPracticesGoesOn(t *testing.T) {
	g := start(t)
	d := g.slots(t, "a20047", "A20047", "C81002", "D82003", "E83004", "G85006", "K88009")
	if len(d.slots) == 0 || len(d.results) != 1 || d.closing.GetVerdict() != pb.Verdict_VERDICT_PARTIAL {
		t.Errorf("%d slots of %d practices, %s", len(d.slots), len(d.results), d.closing.GetVerdict())
	}
	for code, want := range map[string]pb.ErrorReason{
		"C81002": pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS,
		"D82003": pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND,
		"E83004": pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF,
		"G85006": pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE,
		"K88009": pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT,
	} {
		if got := d.failures[code].GetError().GetReason(); got != want {
			t.Errorf("%s failed with %s, want %s", code, got, want)
		}
	}
}

// Limits cut the answer short, say whom they cut, and make it less than whole.
func TestLimitsOfASearchAreTold(t *testing.T) {
	g := start(t)
	day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	d := g.search(t, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047", "B84001"}, Start: day, End: day, MaxSlotsPerPractice: 2})
	if len(d.slots) != 4 || d.closing.GetCutShortTotal() != 2 || d.closing.GetVerdict() != pb.Verdict_VERDICT_PARTIAL {
		t.Errorf("per practice: %d slots, %v", len(d.slots), d.closing)
	}
	d = g.search(t, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047", "B84001"}, Start: day, End: day, MaxSlots: 3})
	if len(d.slots) != 3 || d.closing.GetCutShortTotal() == 0 || d.closing.GetVerdict() != pb.Verdict_VERDICT_PARTIAL {
		t.Errorf("in all: %d slots, %v", len(d.slots), d.closing)
	}
	d = g.search(t, &pb.SearchSlotsRequest{
		OdsCodes: []string{"A20047"}, Start: day, End: day, Channels: []pb.DeliveryChannel{pb.DeliveryChannel_DELIVERY_CHANNEL_TELEPHONE},
	})
	for _, s := range d.slots {
		if s.GetChannel() != pb.DeliveryChannel_DELIVERY_CHANNEL_TELEPHONE {
			t.Errorf("a slot by %s passed", s.GetChannelCode())
		}
	}
	if d.closing.GetVerdict() != pb.Verdict_VERDICT_WHOLE || d.results["A20047"].GetFilteredTotal() == 0 {
		t.Errorf("by channel: %v", d.closing)
	}
}
