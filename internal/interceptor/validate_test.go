package interceptor

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// A field that was left out is told as such. Of one that is wrong, the rule is told.
func TestAViolationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	rules, err := newValidator()
	if err != nil {
		t.Fatal(err)
	}
	search := func(change func(*pb.SearchSlotsRequest)) proto.Message {
		r := &pb.SearchSlotsRequest{OdsCodes: []string{"A20047"}, Start: "2030-01-01", End: "2030-01-02"}
		change(r)
		return r
	}
	for _, tt := range []struct {
		name     string
		request  proto.Message
		field    string
		required bool
	}{
		{"an empty text", search(func(r *pb.SearchSlotsRequest) { r.Start = "" }), "start", true},
		{"a wrong text", search(func(r *pb.SearchSlotsRequest) { r.Start = "tomorrow" }), "start", false},
		{"an empty list", search(func(r *pb.SearchSlotsRequest) { r.OdsCodes = nil }), "ods_codes", true},
		{"a wrong item", search(func(r *pb.SearchSlotsRequest) { r.OdsCodes = []string{"?"} }), "ods_codes[0]", false},
		{"a message that is not there", &pb.ResolveEndpointRequest{OdsCode: "A20047"}, "interaction", false},
		{"no number", &pb.TracePatientRequest{}, "nhs_number", true},
		{"a gender that PDS does not write", &pb.TracePatientRequest{
			NhsNumber: "9990000018", Expected: &pb.ExpectedDemographics{Gender: "F"},
		}, "expected.gender", false},
	} {
		e := fault.Of(rules.check(&call{}, tt.request))
		if e == nil || len(e.Violations) != 1 || e.Violations[0].GetField() != tt.field {
			t.Errorf("%s: %v", tt.name, e)
			continue
		}
		if said := e.Violations[0].GetDescription(); (said == "is required") != tt.required || said == "" {
			t.Errorf("%s: %q", tt.name, said)
		}
	}
	for _, gender := range []string{"", "female", "Female", "UNKNOWN"} {
		if err := rules.check(&call{}, &pb.TracePatientRequest{NhsNumber: "9990000018", Expected: &pb.ExpectedDemographics{Gender: gender}}); err != nil {
			t.Errorf("gender %q: %v", gender, err)
		}
	}
}

// No list that is longer than the contract allows anywhere is walked: what it holds could break a rule each.
func TestACrowdedRequestIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	rules, err := newValidator()
	if err != nil {
		t.Fatal(err)
	}
	for field, request := range map[string]proto.Message{
		"channels":           &pb.SearchSlotsRequest{Channels: make([]pb.DeliveryChannel, mostItems+1)},
		"expected.given":     &pb.TracePatientRequest{Expected: &pb.ExpectedDemographics{Given: make([]string, mostItems+1)}},
		"selection.problems": &pb.GetStructuredRecordRequest{Selection: &pb.RecordSelection{Problems: make([]*pb.ProblemSelection, mostItems+1)}},
	} {
		e := fault.Of(rules.check(&call{}, request))
		if e == nil || len(e.Violations) != 1 || e.Violations[0].GetField() != field || e.Violations[0].GetRule() != "repeated.max_items" {
			t.Errorf("%s: %v", field, e)
		}
	}
	most := &pb.ResolveEndpointsRequest{
		OdsCodes:     slices.Repeat([]string{"A20047"}, mostItems),
		Interactions: []*pb.Interaction{{Name: &pb.Interaction_Known{Known: pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT}}},
	}
	if err := rules.check(&call{}, most); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
}
