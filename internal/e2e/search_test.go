package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/simulator"
)

// traced is somebody of the embedded Spine: their dates are relative to today, so that a search has to ask for them first.
func (g *gateway) traced(t *testing.T, number string) *pb.PdsPatient {
	t.Helper()
	answer, err := g.trace.TracePatient(g.as(t, clinician), &pb.TracePatientRequest{NhsNumber: number})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetPatient()
}

// bornAs is a search for a family name and the birth date of somebody.
func (g *gateway) bornAs(t *testing.T, number, family string) *pb.SearchPatientsRequest {
	t.Helper()
	day := g.traced(t, number).GetBirthDate().GetText()
	return &pb.SearchPatientsRequest{Family: family, BirthDateStart: day, BirthDateEnd: day}
}

func (g *gateway) found(t *testing.T, req *pb.SearchPatientsRequest) *pb.SearchPatientsResponse {
	t.Helper()
	answer, err := g.trace.SearchPatients(g.as(t, clinician), req)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func numbers(answer *pb.SearchPatientsResponse) string {
	var all []string
	for _, m := range answer.GetMatches() {
		all = append(all, m.GetPatient().GetNhsNumber())
	}
	return strings.Join(all, " ")
}

// People are found as PDS finds them, and whoever is not found is not thereby absent: this gateway's access shows one
// match at most.
func TestASearchFindsWhoIsMeant(t *testing.T) {
	g := start(t)
	for _, tt := range []struct {
		name, number, family string
		change               func(*pb.SearchPatientsRequest)
		want                 string
	}{
		{"by name and birth date", "9990000018", "TESTWELL", nil, "9990000018"},
		{"in any case, by a beginning", "9990000018", "testw*", nil, "9990000018"},
		{"with a ceiling of one", "9990000018", "TESTWELL", func(r *pb.SearchPatientsRequest) { r.MaxResults = 1 }, "9990000018"},
		{"with names in their order", "9990000484", "TESTSMYTHE", func(r *pb.SearchPatientsRequest) { r.Given = []string{"Mary Jane", "Louisa"} }, "9990000484"},
		{"by a homophone, in a fuzzy search", "9990000484", "TESTSMITH", func(r *pb.SearchPatientsRequest) {
			r.Given, r.Mode = []string{"Mary Jane"}, pb.SearchMode_SEARCH_MODE_FUZZY
		}, "9990000484"},
		{"not by a homophone in an ordinary one", "9990000484", "TESTSMITH", nil, ""},
		{"exactly", "9990000018", "TESTWELL", func(r *pb.SearchPatientsRequest) { r.Mode = pb.SearchMode_SEARCH_MODE_EXACT }, "9990000018"},
		{"the survivor, and never the number that was merged", "9990000042", "TESTSON", nil, "9990000042"},
		{"nobody", "9990000018", "NOBODYATALL", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := g.bornAs(t, tt.number, tt.family)
			if tt.change != nil {
				tt.change(req)
			}
			answer := g.found(t, req)
			if got := numbers(answer); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
			if answer.AbsenceNotProven == nil || !answer.GetAbsenceNotProven() {
				t.Error("absence is not proven by a search that shows one match only")
			}
		})
	}
}

func TestASearchSaysWhereItComesFromAndLeavesEvidence(t *testing.T) {
	g := start(t)
	req := g.bornAs(t, "9990000018", "Testw*")
	answer := g.found(t, req)
	if len(answer.GetMatches()) != 1 {
		t.Fatalf("%d matches", len(answer.GetMatches()))
	}
	match, p := answer.GetMatches()[0], answer.GetProvenance()
	if match.GetRestriction() != pb.Restriction_RESTRICTION_UNRESTRICTED || !strings.HasPrefix(match.GetScore(), "0.") ||
		match.GetPatient().GetName().GetFamily() != "TESTWELL" || len(match.GetPatient().GetAddresses()) != 1 ||
		!strings.Contains(string(match.GetPatient().GetJson()), `"9990000018"`) {
		t.Errorf("match = %v", match)
	}
	if !p.GetSimulated() || p.GetRetrievedAt() == nil || p.GetTracedAt() != nil || p.GetTraceIds().GetPdsRequestId() == "" ||
		p.GetTraceIds().GetCorrelationId() == "" {
		t.Errorf("provenance = %v", p)
	}
	kinds := map[audit.Kind]int{}
	for e, err := range g.audit.Entries(t.Context(), audit.Query{ID: p.GetTraceIds().GetCallId()}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind]++
		if !e.Subject.IsZero() || e.Access != nil && !e.Access.Subject.IsZero() {
			t.Error("a search is about nobody in particular")
		}
		if e.Access != nil && (e.Access.Route != "/Patient" || e.Access.RequestID != p.GetTraceIds().GetPdsRequestId()) {
			t.Errorf("access = %+v", e.Access)
		}
		if e.Outcome != nil && e.Outcome.Resources["Patient"] != 1 {
			t.Errorf("outcome = %+v", e.Outcome)
		}
		text := strings.ToLower(fmt.Sprintf("%+v %+v %+v", e, e.Access, e.Outcome))
		if strings.Contains(text, "testw") || strings.Contains(text, req.GetBirthDateStart()) {
			t.Errorf("the %s holds the criteria", e.Kind)
		}
	}
	if diff := cmp.Diff(map[audit.Kind]int{audit.KindAttempt: 1, audit.KindAccess: 1, audit.KindOutcome: 1}, kinds); diff != "" {
		t.Errorf("the trail (-want +got):\n%s", diff)
	}
}

// A restricted person is found by name, without location; a postcode or a practice hides them, whatever they are.
func TestARestrictedPersonIsFoundWithoutLocation(t *testing.T) {
	g := start(t)
	answer := g.found(t, g.bornAs(t, "9990000425", "TESTSHIELD"))
	if numbers(answer) != "9990000425" {
		t.Fatalf("found %q", numbers(answer))
	}
	match := answer.GetMatches()[0]
	person := match.GetPatient()
	if match.GetRestriction() != pb.Restriction_RESTRICTION_RESTRICTED || person.GetName().GetFamily() != "TESTSHIELD" ||
		len(person.GetAddresses())+len(person.GetTelecoms())+len(person.GetEmergencyContacts()) > 0 {
		t.Errorf("match = %v", match)
	}
	for name, change := range map[string]func(*pb.SearchPatientsRequest){
		"postcode": func(r *pb.SearchPatientsRequest) { r.PostalCode = "ZZ*" },
		"practice": func(r *pb.SearchPatientsRequest) { r.PracticeOdsCode = "A20047" },
	} {
		req := g.bornAs(t, "9990000425", "TESTSHIELD")
		change(req)
		if answer := g.found(t, req); len(answer.GetMatches()) != 0 || !answer.GetAbsenceNotProven() {
			t.Errorf("with a %s: %q", name, numbers(answer))
		}
	}
}

func TestRelatedPersonsAreListed(t *testing.T) {
	g := start(t)
	answer, err := g.trace.ListRelatedPersons(g.as(t, clinician), &pb.ListRelatedPersonsRequest{NhsNumber: "9990000018"})
	if err != nil {
		t.Fatal(err)
	}
	if answer.GetStatus() != pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_LISTED || len(answer.GetRelatedPersons()) != 2 {
		t.Fatalf("%s, %d people", answer.GetStatus(), len(answer.GetRelatedPersons()))
	}
	spouse, mother := answer.GetRelatedPersons()[0], answer.GetRelatedPersons()[1]
	if spouse.GetNhsNumber() != "" || spouse.GetName().GetFamily() == "" || spouse.GetAddress().GetPostalCode() == "" || len(spouse.GetTelecoms()) != 1 ||
		spouse.GetNextOfKin() != pb.NextOfKin_NEXT_OF_KIN_YES || spouse.GetContactRank() != 1 || !spouse.GetCopiesCorrespondence() ||
		len(spouse.GetRelationships()) != 3 || spouse.GetPeriod().GetStart() == nil || !spouse.GetActive() {
		t.Errorf("inline: %v", spouse)
	}
	if mother.GetNhsNumber() != "9990000468" || mother.GetName() != nil || mother.GetNextOfKin() != pb.NextOfKin_NEXT_OF_KIN_NOT_CODED ||
		mother.GetContactRank() != 2 || mother.CopiesCorrespondence == nil || mother.GetCopiesCorrespondence() {
		t.Errorf("by number: %v", mother)
	}
	for _, r := range answer.GetRelatedPersons() {
		if r.GetId() == "" || !strings.Contains(string(r.GetJson()), r.GetId()) {
			t.Errorf("the JSON of %q is not carried", r.GetId())
		}
	}
	p := answer.GetProvenance()
	if p.GetRetrievedAt() == nil || p.GetTracedAt() == nil || !p.GetSimulated() || p.GetTraceIds().GetPdsRequestId() == "" {
		t.Errorf("provenance = %v", p)
	}
	for e, err := range g.audit.Entries(t.Context(), audit.Query{ID: p.GetTraceIds().GetCallId()}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Subject.Digits() != "9990000018" || e.Outcome != nil && e.Outcome.Resources["RelatedPerson"] != 2 {
			t.Errorf("%s: %+v", e.Kind, e.Outcome)
		}
	}
}

// "Nobody" and "not to be told" are two answers, and for the second one only the patient's own record is read.
func TestAnEmptyListOfRelationsSaysWhy(t *testing.T) {
	g := start(t)
	for number, want := range map[string]struct {
		status   pb.RelatedPersonsStatus
		requests int
	}{
		"9990000026": {pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_WITHHELD, 1},
		"9990000204": {pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_WITHHELD, 1},
		"9990000042": {pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_NONE_RECORDED, 2},
	} {
		g.Forget()
		answer, err := g.trace.ListRelatedPersons(g.as(t, clinician), &pb.ListRelatedPersonsRequest{NhsNumber: number})
		if err != nil {
			t.Fatal(err)
		}
		if answer.GetStatus() != want.status || len(answer.GetRelatedPersons()) != 0 {
			t.Errorf("%s: %s, %d people", number, answer.GetStatus(), len(answer.GetRelatedPersons()))
		}
		if got := len(g.spine.Transcript().Of(simulator.PDS)); got != want.requests {
			t.Errorf("%s: %d requests, want %d", number, got, want.requests)
		}
	}
}

// A search is part of no encounter, so that it takes no session.
func TestASearchTakesNoSession(t *testing.T) {
	g := start(t)
	req := &pb.SearchPatientsRequest{Family: "TESTWELL", BirthDateStart: "1950-01-01", Context: &pb.CallContext{SessionId: "encounter-0123456789"}}
	_, err := g.trace.SearchPatients(g.as(t, clinician), req)
	wantFailure(t, err, codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, pb.Hop_HOP_GATEWAY)
}
