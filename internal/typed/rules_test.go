package typed_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/typed"
)

func TestDatesAreNeitherCompletedNorShifted(t *testing.T) {
	const none, year, month, day, at = pb.DatePrecision_DATE_PRECISION_UNSPECIFIED, pb.DatePrecision_DATE_PRECISION_YEAR,
		pb.DatePrecision_DATE_PRECISION_MONTH, pb.DatePrecision_DATE_PRECISION_DAY, pb.DatePrecision_DATE_PRECISION_TIME
	for _, tt := range []struct {
		text      string
		precision pb.DatePrecision
		instant   string
	}{
		{"2019", year, ""},
		{"2019-03", month, ""},
		{"2019-03-28", day, ""},
		{"2020-02-29", day, ""},
		{"2019-03-31T01:30:00", at, ""}, // an hour that the UK did not have; nobody asks
		{"2019-03-28T10:30:00Z", at, "2019-03-28T10:30:00Z"},
		{"2019-06-28T10:30:00+01:00", at, "2019-06-28T09:30:00Z"},
		{"2019-06-28T00:30:00.25-05:30", at, "2019-06-28T06:00:00.25Z"},
		{"2019-06-28T10:30:00.1234567891+00:00", at, "2019-06-28T10:30:00.123456789Z"},
		{"2019-06-28T10:30:00.5", at, ""},
		{"2019-06-28T10:30:00+14:00", at, "2019-06-27T20:30:00Z"},
		{"0001-01-01T00:00:00+01:00", at, ""}, // before the first instant that a message can hold
		{"0000", none, ""},
		{"2019-13", none, ""},
		{"2019-02-30", none, ""},
		{"19", none, ""},
		{"28/03/2019", none, ""},
		{"2019-3-28", none, ""},
		{"2019-03-28T10:30", none, ""},
		{"2019-03-28T10:30Z", none, ""},
		{"2019-03-28 10:30:00", none, ""},
		{"2019-03-28T24:00:00", none, ""},
		{"2019-03-28T10:30:60Z", none, ""},
		{"2019-03-28T10:30:00+14:01", none, ""},
		{"2019-03-28T10:30:00+1:00", none, ""},
		{"2019-03-28T10:30:00+0100", none, ""},
		{"2019-03-28T10:30:00,5Z", none, ""},
		{"2019-03-28T10:30:00.Z", none, ""},
		{"2019-03-28T10:30:00z", none, ""},
		{"unknown", none, ""},
	} {
		e := typed.Entry(0, fmt.Appendf(nil, `{"resourceType":"Observation","issued":%q}`, tt.text), nil)
		got := e.GetObservation().GetIssued()
		instant := ""
		if got.GetInstant() != nil {
			instant = got.GetInstant().AsTime().Format("2006-01-02T15:04:05.999999999Z07:00")
		}
		if got.GetText() != tt.text || got.GetPrecision() != tt.precision || instant != tt.instant {
			t.Errorf("%q: text %q, %v, instant %q, want %v, %q", tt.text, got.GetText(), got.GetPrecision(), instant, tt.precision, tt.instant)
		}
	}
}

func TestReferencesSayWhatTheyPointAt(t *testing.T) {
	for _, tt := range []struct {
		reference string
		want      pb.ReferenceKind
	}{
		{`{"reference":"Observation/1"}`, pb.ReferenceKind_REFERENCE_KIND_RELATIVE},
		{`{"reference":"Practioner/1","display":"x"}`, pb.ReferenceKind_REFERENCE_KIND_RELATIVE},
		{`{"reference":"Consultation1-Topic1"}`, pb.ReferenceKind_REFERENCE_KIND_RELATIVE},
		{`{"reference":"#1"}`, pb.ReferenceKind_REFERENCE_KIND_CONTAINED},
		{`{"reference":"https://gp.example/Patient/1"}`, pb.ReferenceKind_REFERENCE_KIND_ABSOLUTE},
		{`{"reference":"urn:uuid:0"}`, pb.ReferenceKind_REFERENCE_KIND_ABSOLUTE},
		{`{"identifier":{"value":"1"},"display":"x"}`, pb.ReferenceKind_REFERENCE_KIND_IDENTIFIER},
		{`{"display":"x"}`, pb.ReferenceKind_REFERENCE_KIND_DISPLAY_ONLY},
		{`{"reference":"Referral items are not supported"}`, pb.ReferenceKind_REFERENCE_KIND_DISPLAY_ONLY},
		{`{}`, pb.ReferenceKind_REFERENCE_KIND_UNSPECIFIED},
	} {
		e := typed.Entry(0, []byte(`{"resourceType":"Observation","subject":`+tt.reference+`}`), nil)
		if got := e.GetObservation().GetSubject().GetKind(); got != tt.want {
			t.Errorf("%s is %v, want %v", tt.reference, got, tt.want)
		}
	}
}

func TestCodesShowWhatTheClinicianSaw(t *testing.T) {
	const (
		snomed   = `{"system":"http://snomed.info/sct","code":"1","display":"SNOMED"}`
		selected = `{"system":"http://read.info/readv2","code":"2","display":"selected","userSelected":true}`
		local    = `{"system":"https://fhir.hl7.org.uk/Id/egton-codes","code":"3","display":"local"}`
		degraded = `{"system":"http://snomed.info/sct","code":"196411000000103","display":"Transfer-degraded record entry"}`
		blank    = `{"system":"http://snomed.info/sct","code":"4"}`
	)
	for _, tt := range []struct {
		codings, text, display string
		degradation            pb.Degradation
	}{
		{snomed + "," + selected, `"text"`, "text", 0},
		{snomed + "," + selected, `""`, "selected", 0},
		{local + "," + snomed, `null`, "SNOMED", 0},
		{blank + "," + local, `null`, "local", 0},
		{blank, `null`, "", 0},
		{degraded, `"true wording"`, "true wording", pb.Degradation_DEGRADATION_OTHER},
		{local + "," + degraded, `null`, "Transfer-degraded record entry", pb.Degradation_DEGRADATION_OTHER},
		{strings.Replace(degraded, "196411000000103", "196461000000101", 1), `"x"`, "x", pb.Degradation_DEGRADATION_DRUG_ALLERGY},
		{strings.Replace(degraded, "196411000000103", "196421000000109", 1), `"x"`, "x", pb.Degradation_DEGRADATION_MEDICATION},
	} {
		e := typed.Entry(0, []byte(`{"resourceType":"Observation","code":{"coding":[`+tt.codings+`],"text":`+tt.text+`}}`), nil)
		got := e.GetObservation().GetCode()
		if got.GetDisplay() != tt.display || got.GetDegradation() != tt.degradation {
			t.Errorf("%s, %s: shows %q, %v, want %q, %v", tt.codings, tt.text, got.GetDisplay(), got.GetDegradation(), tt.display, tt.degradation)
		}
	}
}

// TestListsAreToldByTheirCode goes through the table of the contract, 6.3, and its 21 titles of secondary Lists.
func TestListsAreToldByTheirCode(t *testing.T) {
	type want struct{ area, role string }
	lists := map[string]want{
		`{"system":"http://snomed.info/sct","code":"886921000000105"}`:                 {"ALLERGIES", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"1103671000000101"}`:                {"ALLERGIES", "ENDED_ALLERGIES"},
		`{"system":"http://snomed.info/sct","code":"933361000000108"}`:                 {"MEDICATIONS", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"1149501000000101"}`:                {"CONSULTATIONS", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"717711000000103"}`:                 {"PROBLEMS", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"1102181000000102"}`:                {"IMMUNISATIONS", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"826501000000100"}`:                 {"UNCATEGORISED", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"887191000000108"}`:                 {"INVESTIGATIONS", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"792931000000107"}`:                 {"REFERRALS", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"714311000000108"}`:                 {"DIARY", "PRIMARY"},
		`{"system":"http://snomed.info/sct","code":"325851000000107"}`:                 {"UNSPECIFIED", "STRUCTURE_CONSULTATION"},
		`{"system":"http://snomed.info/sct","code":"25851000000105"}`:                  {"UNSPECIFIED", "STRUCTURE_TOPIC"},
		`{"system":"http://snomed.info/sct","code":"24781000000107"}`:                  {"UNSPECIFIED", "STRUCTURE_CATEGORY"},
		`{"system":"http://snomed.info/sct","code":"TBD","display":"Ended allergies"}`: {"UNSPECIFIED", "OTHER"},
		`{"system":"https://other.example","code":"886921000000105"}`:                  {"UNSPECIFIED", "OTHER"},
		``: {"UNSPECIFIED", "UNSPECIFIED"},
	}
	secondary := func(title string, w want) {
		for _, hyphens := range []string{"-", "---"} {
			code := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(title), " - ", hyphens), " ", "-")
			lists[fmt.Sprintf(`{"system":"https://fhir.hl7.org.uk/STU3/CodeSystem/GPConnect-SecondaryListValues-1","code":%q}`, code)] = w
		}
	}
	for what, area := range map[string]string{
		"allergies": "ALLERGIES", "allergies that have been ended": "ALLERGIES", "diary entries": "DIARY",
		"documents": "DOCUMENTS", "immunisations": "IMMUNISATIONS", "investigations": "INVESTIGATIONS",
		"medications": "MEDICATIONS", "problems": "PROBLEMS", "uncategorised data": "UNCATEGORISED",
		"consultations": "CONSULTATIONS", "outbound referrals": "REFERRALS",
	} {
		if what != "consultations" && what != "outbound referrals" {
			secondary("Consultations - "+what+" contained in consultations", want{area, "SECONDARY_CONSULTATIONS"})
		}
		if what != "problems" {
			secondary("Problems - "+what+" related to problems", want{area, "SECONDARY_PROBLEMS"})
		}
	}
	secondary("Consultations - outbound referrals in consultations", want{"REFERRALS", "SECONDARY_CONSULTATIONS"})
	secondary("Problems - linked problems not relating to the primary query", want{"PROBLEMS", "LINKED_PROBLEMS"})
	secondary("Problems - prophecies related to problems", want{"UNSPECIFIED", "SECONDARY_PROBLEMS"})
	secondary("Prophecies", want{"UNSPECIFIED", "OTHER"})
	for coding, w := range lists {
		e := typed.Entry(0, []byte(`{"resourceType":"List","title":"Problems","code":{"coding":[`+coding+`]}}`), nil)
		got := want{
			strings.TrimPrefix(e.GetList().GetArea().String(), "CLINICAL_AREA_"),
			strings.TrimPrefix(e.GetList().GetRole().String(), "LIST_ROLE_"),
		}
		if got != w {
			t.Errorf("%s is %v, want %v", coding, got, w)
		}
	}
}

// TestNothingIsCalledEndedByChance: an allergy that a List of others contains is ended only if it says so itself.
func TestNothingIsCalledEndedByChance(t *testing.T) {
	const list = `{"resourceType":"List","code":{"coding":[{"system":%q,"code":%q}]},"contained":[{"resourceType":"AllergyIntolerance","clinicalStatus":%q}]}`
	for _, tt := range []struct {
		system, code, status string
		ended                int
	}{
		{"http://snomed.info/sct", "1103671000000101", "active", 1},
		{"http://snomed.info/sct", "886921000000105", "resolved", 1},
		{"http://snomed.info/sct", "886921000000105", "active", 0},
		{"x/GPConnect-SecondaryListValues-1", "problems-allergies-that-have-been-ended-related-to-problems", "", 1},
		{"x/GPConnect-SecondaryListValues-1", "problems-allergies-related-to-problems", "", 0},
	} {
		e := typed.Entry(0, fmt.Appendf(nil, list, tt.system, tt.code, tt.status), nil)
		if got := len(e.GetList().GetEndedAllergy()); got != tt.ended || (e.GetTypedState() == pb.TypedState_TYPED_STATE_SET) != (got > 0) {
			t.Errorf("%s, %s: %d ended, %v, want %d", tt.code, tt.status, got, e.GetTypedState(), tt.ended)
		}
	}
}

func TestEntryTooLarge(t *testing.T) {
	big := func(n int) string { return strings.Repeat("x", n) }
	nested := func(n int) string {
		return strings.Repeat(`{"answer":[{"item":[`, n-1) + `{"text":"x"}` + strings.Repeat(`]}]}`, n-1)
	}
	for _, tt := range []struct {
		name, resource, rest string
		want                 pb.TypedState
		omitted              int64
		id                   string
	}{
		{"a comment that fits", `{"resourceType":"Observation","id":"1","comment":"` + big(400<<10) + `"}`, "", pb.TypedState_TYPED_STATE_SET, 0, "1"},
		{"a comment that does not", `{"resourceType":"Observation","id":"1","comment":"` + big(600<<10) + `"}`, "", pb.TypedState_TYPED_STATE_TOO_LARGE, 0, "1"},
		{"narrative that no form shows", `{"resourceType":"Observation","id":"1","text":{"div":"` + big(600<<10) + `"}}`, "", pb.TypedState_TYPED_STATE_SET, 0, "1"},
		{"a resource that is not tried", `{"resourceType":"Observation","text":{"div":"` + big(5<<20) + `"},"id":"1"}`, "", pb.TypedState_TYPED_STATE_TOO_LARGE, 0, "1"},
		{"objects beyond number", `{"resourceType":"Observation","id":"1","performer":[` + strings.Repeat("{},", 40_000) + `{}]}`, "", pb.TypedState_TYPED_STATE_TOO_LARGE, 0, "1"},
		{"labels beyond number", `{"resourceType":"Observation","id":"1","meta":{"security":[` + strings.Repeat("{},", 40_000) + `{}]}}`, "", pb.TypedState_TYPED_STATE_TOO_LARGE, 0, "1"},
		{"a list longer than any", `{"resourceType":"List","id":"1","entry":[` + strings.Repeat(`{"item":{"reference":"Observation/0123456789"}},`, 8_000) + `{}]}`, "", pb.TypedState_TYPED_STATE_SET, 0, "1"},
		{"a rest that fits", `{"resourceType":"Observation","id":"1"}`, big(64 << 10), pb.TypedState_TYPED_STATE_SET, 0, "1"},
		{"a rest that does not", `{"resourceType":"Observation","id":"1"}`, big(64<<10 + 1), pb.TypedState_TYPED_STATE_TOO_LARGE, 64<<10 + 1, "1"},
		{"an id that is none", `{"resourceType":"Observation","id":"` + big(600<<10) + `"}`, "", pb.TypedState_TYPED_STATE_TOO_LARGE, 0, ""},
		{"questions nested to the bound", `{"resourceType":"QuestionnaireResponse","id":"1","item":[` + nested(16) + `]}`, "", pb.TypedState_TYPED_STATE_SET, 0, "1"},
		{"questions nested beyond it", `{"resourceType":"QuestionnaireResponse","id":"1","item":[` + nested(17) + `]}`, "", pb.TypedState_TYPED_STATE_TOO_LARGE, 0, "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := typed.Entry(0, []byte(tt.resource), []byte(tt.rest))
			if e.GetTypedState() != tt.want || e.GetEntryRestOmitted() != tt.omitted || e.GetId() != tt.id {
				t.Errorf("%v, %d omitted, id %.9q, want %v, %d, %q", e.GetTypedState(), e.GetEntryRestOmitted(), e.GetId(), tt.want, tt.omitted, tt.id)
			}
			checkPromises(t, e, []byte(tt.resource))
		})
	}
}

// checkPromises holds for every entry, whatever came.
func checkPromises(tb testing.TB, e *pb.RecordEntry, resource []byte) {
	tb.Helper()
	if !bytes.Equal(e.GetJson(), resource) {
		tb.Error("its JSON changed")
	}
	if (e.GetTyped() != nil) != (e.GetTypedState() == pb.TypedState_TYPED_STATE_SET) {
		tb.Errorf("a form with state %v, or the reverse", e.GetTypedState())
	}
	e.Json = nil
	wire, err := proto.Marshal(e)
	if err != nil {
		tb.Errorf("cannot be sent: %v", err)
	}
	if len(wire) > typed.MaxSize {
		tb.Errorf("%d bytes beside the JSON", len(wire))
	}
	// Java and C++ decode a hundred levels unless told otherwise.
	if err := (proto.UnmarshalOptions{RecursionLimit: 100}).Unmarshal(wire, new(pb.RecordEntry)); err != nil {
		tb.Errorf("cannot be read in every language: %v", err)
	}
	if _, err := protojson.Marshal(e); err != nil {
		tb.Errorf("cannot be written as JSON: %v", err)
	}
}

func FuzzEntry(f *testing.F) {
	for _, resource := range examples(f) {
		f.Add(resource, []byte(`{"fullUrl":"urn:x"}`))
	}
	for _, c := range choices() {
		f.Add([]byte(c.resource), []byte{})
	}
	f.Fuzz(func(t *testing.T, resource, rest []byte) {
		e := typed.Entry(1, resource, rest)
		again := typed.Entry(1, resource, rest)
		if !proto.Equal(e, again) {
			t.Error("twice the same is not the same")
		}
		checkPromises(t, e, resource)
	})
}

// TestFormsTellAbsenceFromZero holds the shape of the messages to what the contract says of them.
func TestFormsTellAbsenceFromZero(t *testing.T) {
	var wrong []string
	eachField((&pb.RecordEntry{}).ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{}, func(field protoreflect.FieldDescriptor) {
		file := string(field.ParentFile().Path())
		if !strings.Contains(file, "/record_") || field.Parent().Name() == "RecordEntry" {
			return // what RecordEntry itself has, and what other calls share
		}
		name := string(field.Name())
		switch {
		case field.Kind() == protoreflect.BoolKind:
			wrong = append(wrong, name+" is a bare bool: "+file)
		case name == "current":
			wrong = append(wrong, name+" judges: "+file)
		case field.Enum() != nil && field.Enum().Name() == "Stated", name == "area", name == "role":
		case field.Enum() != nil:
			sibling := field.ContainingMessage().Fields().ByName(field.Name() + "_code")
			if sibling == nil || sibling.Kind() != protoreflect.StringKind || sibling.IsList() != field.IsList() {
				wrong = append(wrong, name+" has no code beside it: "+file)
			}
		case field.Message() == nil && !field.IsList() && !field.HasPresence() && !strings.HasSuffix(name, "_code"):
			wrong = append(wrong, name+" does not tell absent from zero: "+file)
		}
	})
	if diff := cmp.Diff([]string(nil), wrong); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
