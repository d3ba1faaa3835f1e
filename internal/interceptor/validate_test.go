package interceptor

import (
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
