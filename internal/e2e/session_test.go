package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	servertest.Keys(t) // made outside: they are shared
	synctest.Test(t, f)
}

func encounter(id string) *pb.CallContext { return &pb.CallContext{SessionId: id} }

const (
	thisVisit = "encounter-of-this-visit"
	nextVisit = "encounter-of-the-next-one"
)

// lookUps counts the questions for an Endpoint by interaction, without what all of them share.
func (g *gateway) lookUps() map[string]int {
	out := map[string]int{}
	for _, e := range g.spine.Transcript().Of(simulator.SDSEndpoint) {
		_, id, _ := strings.Cut(e.Query, "urn:nhs:names:services:gpconnect:")
		out[id]++
	}
	return out
}

// outcome is how the call of an answer ended, by its provenance.
func (g *gateway) outcome(t *testing.T, p *pb.Provenance) *audit.Outcome {
	t.Helper()
	for e, err := range g.audit.Entries(t.Context(), audit.Query{ID: p.GetTraceIds().GetCallId(), Kind: audit.KindOutcome}) {
		if err != nil {
			t.Fatal(err)
		}
		return e.Outcome
	}
	t.Fatal("the call has no OUTCOME")
	return nil
}

func (g *gateway) resolve(t *testing.T, persona, session, ods string) *pb.ResolveEndpointResponse {
	t.Helper()
	answer, err := g.directory.ResolveEndpoint(g.as(t, persona), &pb.ResolveEndpointRequest{
		Context: encounter(session), OdsCode: ods, Interaction: known(pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT),
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// visit is a journey in one session: what the practice can do, its slots, a booking, the record, and all but the booking
// once more.
func (g *gateway) visit(t *testing.T, in *pb.CallContext) {
	t.Helper()
	for round := range 2 {
		ctx := g.as(t, clinician)
		if _, err := g.practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{Context: in, OdsCode: "A20047"}); err != nil {
			t.Fatal(err)
		}
		day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
		found := g.search(t, &pb.SearchSlotsRequest{Context: in, OdsCodes: []string{"A20047"}, Start: day, End: day})
		if len(found.slots) == 0 {
			t.Fatal("no slots")
		}
		if round == 0 {
			request := booking("9990000018", found.slots[0])
			request.Context = in
			if _, err := g.practices.BookAppointment(ctx, request); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := g.record(t, &pb.GetStructuredRecordRequest{Context: in, NhsNumber: "9990000018"}); err != nil || r.closing == nil {
			t.Fatal(err)
		}
	}
}

// The interactions of a visit, as lookUps has them.
var ofAVisit = []string{
	"fhir:rest:read:metadata-1", "structured:fhir:rest:read:metadata-1", "documents:fhir:rest:read:metadata-1",
	"fhir:rest:search:slot-1", "fhir:rest:create:appointment-1", "fhir:rest:search:patient-1", "fhir:operation:gpc.getstructuredrecord-1",
}

func TestADirectoryIsAskedOnceInASessionAndAgainInTheNext(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		once := map[string]int{}
		for _, interaction := range ofAVisit {
			once[interaction] = 1
		}
		for _, session := range []string{thisVisit, nextVisit} {
			g.spine.Transcript().Reset()
			g.visit(t, encounter(session))
			if diff := cmp.Diff(once, g.lookUps()); diff != "" {
				t.Errorf("in %s (-want +got):\n%s", session, diff)
			}
			if n := len(g.spine.Transcript().Of(simulator.SDSDevice)); n != len(ofAVisit) {
				t.Errorf("%d questions for a Device, want %d", n, len(ofAVisit))
			}
			for _, i := range []nhs.Interaction{nhs.ReadMetadata, nhs.ReadStructuredMetadata, nhs.ReadDocumentsMetadata} {
				if n := len(g.spine.Transcript().With(simulator.Proxy, i)); n != 1 {
					t.Errorf("%d requests for the statement %s, want one", n, i)
				}
			}
			// What is about a patient is asked for each time.
			if n := len(g.spine.Transcript().Of(simulator.PDS)); n != 3 {
				t.Errorf("PDS was asked %d times, want three", n)
			}
		}
		g.spine.Transcript().Reset()
		g.visit(t, nil)
		for interaction, n := range g.lookUps() {
			if n < 2 && interaction != "fhir:rest:create:appointment-1" && interaction != "fhir:rest:search:patient-1" {
				t.Errorf("without a session %s was looked up %d times", interaction, n)
			}
		}
	})
}

func TestWhatIsReusedSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		first := g.resolve(t, clinician, thisVisit, "A20047")
		if o := g.outcome(t, first.GetProvenance()); o.ReusedTotal != 0 || len(o.Reused) != 0 {
			t.Errorf("of the first call the trail says %+v", o.Reused)
		}
		time.Sleep(5 * time.Minute)
		g.spine.Transcript().Reset()
		again := g.resolve(t, clinician, thisVisit, "A20047")
		if len(g.spine.Transcript().All()) != 0 {
			t.Error("something was asked for")
		}
		if diff := cmp.Diff(first.GetEndpoint().String(), again.GetEndpoint().String()); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
		at := first.GetProvenance().GetRetrievedAt().AsTime()
		if got := again.GetProvenance().GetRetrievedAt().AsTime(); !got.Equal(at) {
			t.Errorf("retrieved at %s, want the time of the first, %s", got, at)
		}
		if again.GetProvenance().GetTraceIds().GetCallId() == first.GetProvenance().GetTraceIds().GetCallId() {
			t.Error("both calls have one id")
		}
		want := []audit.Reuse{{What: "ROUTE", Practice: ods(t, "A20047"), Interaction: nhs.SearchSlot, RetrievedAt: at}}
		if o := g.outcome(t, again.GetProvenance()); o.ReusedTotal != 1 || fmt.Sprint(o.Reused) != fmt.Sprint(want) {
			t.Errorf("the trail says %+v, want %+v", o.Reused, want)
		}
		ask := func() *pb.GetCapabilitiesResponse {
			answer, err := g.practices.GetCapabilities(g.as(t, clinician), &pb.GetCapabilitiesRequest{Context: encounter(thisVisit), OdsCode: "A20047"})
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		before := ask()
		time.Sleep(time.Minute)
		g.spine.Transcript().Reset()
		after := ask()
		if len(g.spine.Transcript().All()) != 0 || g.outcome(t, after.GetProvenance()).ReusedTotal != 6 {
			t.Error("three routes and three statements are to be used again, and nothing asked for")
		}
		for i, root := range after.GetRoots() {
			was := before.GetRoots()[i].GetProvenance()
			if p := root.GetProvenance(); !p.GetRetrievedAt().AsTime().Equal(was.GetRetrievedAt().AsTime()) ||
				p.GetTraceIds().GetSspTraceId() != was.GetTraceIds().GetSspTraceId() || p.GetAsid() != was.GetAsid() {
				t.Errorf("%s: %v, want what was said of the first: %v", root.GetCapability(), p, was)
			}
			if string(root.GetJson()) != string(before.GetRoots()[i].GetJson()) {
				t.Errorf("%s: another text", root.GetCapability())
			}
		}
	})
}

// A record that went by a remembered route has the ids of its own call: PDS was asked in it.
func TestARecordOnAKnownRouteHasItsOwnIDs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		for range 2 {
			r, err := g.record(t, &pb.GetStructuredRecordRequest{Context: encounter(thisVisit), NhsNumber: "9990000018"})
			if err != nil {
				t.Fatal(err)
			}
			ids := r.closing.GetProvenance().GetTraceIds()
			if ids.GetTraceId() == "" || strings.ReplaceAll(ids.GetCorrelationId(), "-", "") != ids.GetTraceId() {
				t.Errorf("correlation id %s, want that of the trace, %s", ids.GetCorrelationId(), ids.GetTraceId())
			}
		}
	})
}

// An answer lives for fifteen minutes, whatever its session does; and a session that is over knows nothing.
func TestReuseEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		asked := func() bool {
			g.spine.Transcript().Reset()
			g.resolve(t, clinician, thisVisit, "A20047")
			return len(g.spine.Transcript().All()) > 0
		}
		if !asked() {
			t.Fatal("the first call asks")
		}
		for range 14 {
			time.Sleep(time.Minute)
			if asked() {
				t.Fatal("asked again within fifteen minutes")
			}
		}
		time.Sleep(time.Minute)
		if !asked() {
			t.Error("an answer of fifteen minutes ago was used")
		}
		time.Sleep(15 * time.Minute)
		if !asked() {
			t.Error("a session that was idle for fifteen minutes knows something")
		}
		for range 2 {
			g.spine.Transcript().Reset()
			g.resolve(t, clinician, "", "A20047")
			if len(g.spine.Transcript().All()) != 2 {
				t.Error("a call without a session used an answer again")
			}
		}
	})
}

// poisoned has the directory answer the next look-up with a wrong system.
func (g *gateway) poisoned(t *testing.T, interaction nhs.Interaction, address, asid string) {
	t.Helper()
	code := "A20047"
	for upstream, body := range map[simulator.Upstream]string{
		simulator.SDSEndpoint: endpointOf(code, interaction, address), simulator.SDSDevice: deviceOf(code, asid),
	} {
		if _, err := g.spine.Faults().Set(simulator.Fault{
			Upstream: upstream, ODS: code, Interaction: interaction, Times: 1, Status: 200, Body: body,
		}); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	riverside     = "https://gp.a20047.example/A20047/STU3/1/gpconnect"
	riversideASID = "918000000001"
)

func endpointOf(ods string, interaction nhs.Interaction, address string) string {
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Endpoint","address":%q,`+
		`"managingOrganization":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":%q}},`+
		`"identifier":[{"system":"https://fhir.nhs.uk/Id/nhsMhsPartyKey","value":"A20047-8000001"}],`+
		`"extension":[{"url":"https://fhir.nhs.uk/StructureDefinition/Extension-SDS-NhsServiceInteractionId","valueReference":{"identifier":`+
		`{"system":"https://fhir.nhs.uk/Id/nhsServiceInteractionId","value":%q}}}]}}]}`, address, ods, interaction)
}

func deviceOf(ods, asid string) string {
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Device",`+
		`"owner":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":%q}},`+
		`"identifier":[{"system":"https://fhir.nhs.uk/Id/nhsSpineASID","value":%q},`+
		`{"system":"https://fhir.nhs.uk/Id/nhsMhsPartyKey","value":"A20047-8000001"}]}}]}`, ods, asid)
}

// Whatever one session was told, nobody else gets it: no other organisation, user or patient, nor a call without a session.
func TestSessionsSeeOnlyTheirOwnAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		const wrong = "https://gp.elsewhere.example/wrong"
		g.poisoned(t, nhs.SearchSlot, wrong, "918000000099")
		if got := g.resolve(t, clinician, thisVisit, "A20047").GetEndpoint().GetAddress(); got != wrong {
			t.Fatalf("the directory was not poisoned: %s", got)
		}
		for name, got := range map[string]*pb.ResolveEndpointResponse{
			"another organisation":         g.resolve(t, "nurse", "encounter-of-the-nurse", "A20047"),
			"another user":                 g.resolve(t, receptionist, "encounter-of-reception", "A20047"),
			"another session of the user":  g.resolve(t, clinician, nextVisit, "A20047"),
			"a call without a session":     g.resolve(t, clinician, "", "A20047"),
			"an organisation's own system": g.resolve(t, "system", "encounter-of-a-system", "A20047"),
		} {
			if got.GetEndpoint().GetAddress() != riverside || got.GetEndpoint().GetAsid() != riversideASID {
				t.Errorf("%s got %s, %s", name, got.GetEndpoint().GetAddress(), got.GetEndpoint().GetAsid())
			}
		}
		if got := g.resolve(t, clinician, thisVisit, "A20047").GetEndpoint().GetAddress(); got != wrong {
			t.Errorf("the session itself has %s", got)
		}
	})
}

// Of many who ask the same at once, one asks the directory; and those who come later ask nobody.
func TestManyCallersShareOneLookUp(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.SDSEndpoint, Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 30 { // what the gateway lets one person do at once
			all.Go(func() { g.resolve(t, clinician, thisVisit, "A20047") })
		}
		all.Wait()
		g.resolve(t, clinician, thisVisit, "A20047")
		if n := len(g.spine.Transcript().All()); n != 2 {
			t.Errorf("%d questions, want the two of one look-up", n)
		}
	})
}
