package typed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/typed"
)

// form is the message inside an entry.
func form(tb testing.TB, resource string) protoreflect.Message {
	tb.Helper()
	e := typed.Entry(0, []byte(resource), nil)
	m := e.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("typed"))
	if field == nil {
		tb.Fatalf("%v for %s", e.GetTypedState(), resource)
	}
	return m.Get(field).Message()
}

type choiceCase struct{ oneof, field, resource string }

// choices are the kinds of choices that the examples do not use.
func choices() []choiceCase {
	var out []choiceCase
	add := func(kind, oneof string, members ...string) {
		for _, member := range members {
			name := member[1 : 1+strings.Index(member[1:], `"`)]
			out = append(out, choiceCase{oneof, snake(name), fmt.Sprintf(`{"resourceType":%q,%s}`, kind, member)})
		}
	}
	onset := []string{
		`"onsetDateTime":"2001"`, `"onsetAge":{"value":3}`, `"onsetPeriod":{"start":"2001"}`, `"onsetRange":{"low":{"value":1}}`,
		`"onsetString":"as a child"`,
	}
	add("AllergyIntolerance", "onset", onset...)
	add("Condition", "onset", onset...)
	add("Condition", "abatement", `"abatementDateTime":"2001"`, `"abatementAge":{"value":3}`, `"abatementBoolean":true`,
		`"abatementPeriod":{"end":"2001"}`, `"abatementRange":{"high":{"value":1}}`, `"abatementString":"at forty"`)
	add("MedicationStatement", "medication", `"medicationReference":{"reference":"Medication/1"}`, `"medicationCodeableConcept":{"text":"x"}`)
	add("MedicationStatement", "effective", `"effectiveDateTime":"2001"`, `"effectivePeriod":{"start":"2001"}`)
	add("MedicationRequest", "medication", `"medicationReference":{"reference":"Medication/1"}`, `"medicationCodeableConcept":{"text":"x"}`)
	add("Observation", "effective", `"effectiveDateTime":"2001"`, `"effectivePeriod":{"start":"2001"}`)
	add("Observation", "value", `"valueQuantity":{"value":1}`, `"valueCodeableConcept":{"text":"x"}`, `"valueString":"x"`,
		`"valueBoolean":false`, `"valueRange":{"low":{"value":1}}`, `"valueRatio":{"numerator":{"value":1}}`, `"valueTime":"10:00:00"`,
		`"valueDateTime":"2001"`, `"valuePeriod":{"start":"2001"}`, `"valueAttachment":{"title":"x"}`)
	add("DiagnosticReport", "effective", `"effectiveDateTime":"2001"`, `"effectivePeriod":{"start":"2001"}`)
	add("ProcedureRequest", "occurrence", `"occurrenceDateTime":"2001"`, `"occurrencePeriod":{"start":"2001"}`)
	add("ReferralRequest", "occurrence", `"occurrenceDateTime":"2001"`, `"occurrencePeriod":{"start":"2001"}`)
	add("Patient", "deceased", `"deceasedBoolean":true`, `"deceasedDateTime":"2001"`)
	return append(out,
		choiceCase{"", "", `{"resourceType":"Specimen","collection":{"collectedPeriod":{"start":"2001"}}}`},
		choiceCase{"", "", `{"resourceType":"ReferralRequest","priority":"urgent"}`})
}

// snake is a member's name as a field's.
func snake(member string) string {
	var b strings.Builder
	for _, r := range member {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func TestChoicesKeepTheirKind(t *testing.T) {
	for _, c := range choices() {
		if c.oneof == "" {
			continue
		}
		m := form(t, c.resource)
		if field := m.WhichOneof(m.Descriptor().Oneofs().ByName(protoreflect.Name(c.oneof))); field == nil || string(field.Name()) != c.field {
			t.Errorf("%s is %v, want %s", c.resource, field, c.field)
		}
	}
}

// TestStatusesKeepTheirCode tries every value of every enum that stands for a code, and codes that this version does not
// know.
func TestStatusesKeepTheirCode(t *testing.T) {
	const extension = `{"resourceType":%q,"extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-%s-1",%s}]}`
	member := func(kind, name string) string { return fmt.Sprintf(`{"resourceType":%q,%q:%%q}`, kind, name) }
	ext := func(kind, name, value string) string { return fmt.Sprintf(extension, kind, name, value) }
	for _, tt := range []struct{ template, field string }{
		{member("AllergyIntolerance", "clinicalStatus"), "clinical_status"},
		{member("AllergyIntolerance", "verificationStatus"), "verification_status"},
		{member("AllergyIntolerance", "type"), "type"},
		{member("AllergyIntolerance", "criticality"), "criticality"},
		{`{"resourceType":"AllergyIntolerance","category":[%q]}`, "category"},
		{`{"resourceType":"AllergyIntolerance","reaction":[{"severity":%q}]}`, "reaction.severity"},
		{member("MedicationStatement", "status"), "status"},
		{member("MedicationStatement", "taken"), "taken"},
		{ext("MedicationStatement", "PrescribingAgency", `"valueCodeableConcept":{"coding":[{"code":%q}]}`), "prescribing_agency"},
		{member("MedicationRequest", "status"), "status"},
		{member("MedicationRequest", "intent"), "intent"},
		{ext("MedicationRequest", "PrescriptionType", `"valueCodeableConcept":{"coding":[{"code":%q}]}`), "prescription_type"},
		{ext("MedicationRequest", "PrescriptionType", `"valueCodeableConcept":{"text":%q}`), "prescription_type"},
		{member("Condition", "clinicalStatus"), "clinical_status"},
		{member("Condition", "verificationStatus"), "verification_status"},
		{ext("Condition", "ProblemSignificance", `"valueCode":%q`), "problem_significance"},
		{ext("Condition", "ProblemSignificance", `"valueCode":[{"code":%q}]`), "problem_significance"},
		{ext("Condition", "RelatedProblemHeader", `"extension":[{"url":"Type","valueCode":%q}]`), "related_problem_header.type"},
		{member("Encounter", "status"), "status"},
		{member("Immunization", "status"), "status"},
		{member("Observation", "status"), "status"},
		{`{"resourceType":"Observation","related":[{"type":%q}]}`, "related.type"},
		{member("DiagnosticReport", "status"), "status"},
		{member("Specimen", "status"), "status"},
		{member("ProcedureRequest", "intent"), "intent"},
		{member("ProcedureRequest", "priority"), "priority"},
		{member("ReferralRequest", "status"), "status"},
		{member("ReferralRequest", "intent"), "intent"},
		{member("ReferralRequest", "priority"), "priority"},
		{member("DocumentReference", "status"), "status"},
		{member("DocumentReference", "docStatus"), "doc_status"},
		{member("QuestionnaireResponse", "status"), "status"},
		{member("List", "status"), "status"},
		{member("List", "mode"), "mode"},
		{ext("List", "ListWarningCode", `"valueCode":%q`), "warning.reason"},
		{member("Location", "status"), "status"},
		{member("Patient", "gender"), "gender"},
		{`{"resourceType":"Patient","contact":[{"gender":%q}]}`, "contact.gender"},
		{member("Practitioner", "gender"), "gender"},
		{`{"resourceType":"OperationOutcome","issue":[{"severity":%q}]}`, "issue.severity"},
	} {
		m, field := find(form(t, fmt.Sprintf(tt.template, "x")), tt.field)
		values := m.Descriptor().Fields().ByName(field).Enum().Values()
		tried := map[string]protoreflect.EnumNumber{"of-tomorrow": 0, "UPPER": 0, "unspecified": 0, "under_score": 0}
		for i := range values.Len() - 1 {
			tried[fhirCode(values.Get(i+1))] = values.Get(i + 1).Number()
		}
		for code, want := range tried {
			m, field := find(form(t, fmt.Sprintf(tt.template, code)), tt.field)
			if got := first(m, field).Enum(); got != want {
				t.Errorf("%s %s: %q is %d, want %d", m.Descriptor().Name(), tt.field, code, got, want)
			}
			if got := first(m, field+"_code").String(); got != code {
				t.Errorf("%s %s: %q came as %q", m.Descriptor().Name(), tt.field, code, got)
			}
		}
	}
}

// fhirCode is the code for which a value stands.
func fhirCode(value protoreflect.EnumValueDescriptor) string {
	if value.Parent().Name() == "MedicationTaken" {
		return map[protoreflect.EnumNumber]string{1: "y", 2: "n", 3: "unk", 4: "na"}[value.Number()]
	}
	prefix := strings.ToUpper(snake(string(value.Parent().Name()))[1:]) + "_"
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(string(value.Name()), prefix), "_", "-"))
}

// find follows a path of fields, through the first of each list, to the message of the last.
func find(m protoreflect.Message, path string) (protoreflect.Message, protoreflect.Name) {
	name, rest, more := strings.Cut(path, ".")
	if !more {
		return m, protoreflect.Name(name)
	}
	return find(first(m, protoreflect.Name(name)).Message(), rest)
}

func first(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	field := m.Descriptor().Fields().ByName(name)
	if v := m.Get(field); !field.IsList() {
		return v
	} else if v.List().Len() > 0 {
		return v.List().Get(0)
	}
	return protoreflect.Value{}
}

func TestPublishedHabitsAreRead(t *testing.T) {
	for _, tt := range []struct{ name, resource, want string }{
		{
			"one value where a list belongs",
			`{"resourceType":"Observation","performer":{"display":"x"},"category":{"text":"c"},"identifier":{"value":"1"}}`,
			`{"performer":[{"display":"x","kind":5}],"category":[{"text":"c","display":"c"}],"identifier":[{"idText":"1"}]}`,
		},
		{"text where a concept belongs", `{"resourceType":"Condition","category":"problem-list-item"}`, `{"category":[{"text":"problem-list-item","display":"problem-list-item"}]}`},
		{"text where a note belongs", `{"resourceType":"Condition","note":"remark"}`, `{"note":[{"text":"remark"}]}`},
		{"numbers as text, and text as numbers", `{"resourceType":"Observation","comment":12.50,"valueQuantity":{"value":"007.10"}}`, `{"comment":"12.50","valueQuantity":{"amount":"007.10"}}`},
		{"a boolean as text", `{"resourceType":"Immunization","notGiven":"true"}`, `{"notGiven":1}`},
		{"nulls everywhere", `{"resourceType":"Observation","id":null,"meta":null,"code":null,"status":null,"performer":null,"valueQuantity":null,"valueSampledData":null,"component":[null],"note":null,"extension":[null],"related":[{"target":null}]}`, `{"related":[{}]}`},
		{"a null among references", `{"resourceType":"DiagnosticReport","result":[null,{"reference":"Observation/1"},{}]}`, `{"result":[{},{"target":"Observation/1","kind":1},{}]}`},
		{"empty objects, lists and texts", `{"resourceType":"Condition","code":{},"note":[],"category":[{"coding":[]}],"assertedDate":"","asserter":{}}`, `{"code":{},"category":[{}],"asserter":{}}`},
		{"a list of one where one value belongs", `{"resourceType":"Practitioner","name":[{"family":["TESTWELL"]}]}`, `{"name":[{"family":"TESTWELL"}]}`},
		{"extensions by their last segment", `{"resourceType":"Immunization","extension":[{"url":"http://other.example/x/Extension-CareConnect-ParentPresent-1","valueBoolean":false},{"url":"Extension-CareConnect-GPC-DateRecorded-1","valueDateTime":"2001"}]}`, `{"parentPresent":2,"dateRecorded":{"text":"2001","precision":1}}`},
		{"the misspelt extension of a coding", `{"resourceType":"Observation","code":{"coding":[{"code":"1","extension":[{"url":"https://fhir.hl7.org.uk/Extension-coding-sctdecsid","extension":[{"url":"DescriptionID","valueId":"2"}]}]}]}}`, `{"code":{"codings":[{"code":"1","descriptionId":"2"}]}}`},
		{"extensions that nobody knows", `{"resourceType":"Medication","extension":[{"url":"https://vendor.example/x","valueSomething":{"a":[1]}}],"unknown":{"a":[{}]}}`, `{}`},
		{"either whole number", `{"resourceType":"MedicationRequest","extension":[{"url":"x/Extension-CareConnect-GPC-MedicationRepeatInformation-1","extension":[{"url":"numberOfRepeatPrescriptionsAllowed","valuePositiveInt":"6"},{"url":"numberOfRepeatPrescriptionsIssued","valueUnsignedInt":0}]}]}`, `{"repeatInformation":{"numberOfRepeatPrescriptionsAllowed":6,"numberOfRepeatPrescriptionsIssued":0}}`},
		{"verification of the NHS Number, not of another", `{"resourceType":"Patient","identifier":[{"value":"4711","extension":[{"url":"x/Extension-CareConnect-NHSNumberVerificationStatus-1","valueCodeableConcept":{"text":"other"}}]},{"system":"https://fhir.nhs.uk/Id/nhs-number","extension":[{"url":"x/Extension-CareConnect-GPC-NHSNumberVerificationStatus-1","valueCodeableConcept":{"text":"02"}}]}]}`, `{"identifier":[{"idText":"4711"},{"system":"https://fhir.nhs.uk/Id/nhs-number"}],"nhsNumberVerificationStatus":{"text":"02","display":"02"}}`},
		{"a warning without its code", `{"resourceType":"List","extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-ListWarningCode-1"}]}`, `{"warning":[{}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := form(t, tt.resource).Interface()
			want := got.ProtoReflect().New().Interface()
			if err := protojson.Unmarshal([]byte(tt.want), want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCouldMisleadHasNoForm(t *testing.T) {
	for _, tt := range []struct{ name, resource, id string }{
		{"a member twice", `{"resourceType":"Observation","id":"1","status":"final","status":"cancelled"}`, "1"},
		{"a member twice inside what no form shows", `{"resourceType":"Medication","id":"1","unknown":{"a":1,"a":2}}`, "1"},
		{"the id twice", `{"resourceType":"Medication","id":"1","id":"2"}`, ""},
		{"the type twice", `{"resourceType":"Medication","resourceType":"Patient","id":"1"}`, "1"},
		{"another shape", `{"resourceType":"AllergyIntolerance","id":"1","clinicalStatus":{"coding":[{"code":"active"}]}}`, "1"},
		{"two where one belongs", `{"resourceType":"AllergyIntolerance","id":"1","clinicalStatus":["active","resolved"]}`, "1"},
		{"two addresses of a place", `{"resourceType":"Location","id":"1","address":[{"city":"a"},{"city":"b"}]}`, "1"},
		{"no yes and no no", `{"resourceType":"Immunization","id":"1","notGiven":"perhaps"}`, "1"},
		{"no whole number", `{"resourceType":"MedicationRequest","id":"1","dispenseRequest":{"numberOfRepeatsAllowed":1.5}}`, "1"},
		{"a number too large", `{"resourceType":"MedicationRequest","id":"1","dispenseRequest":{"numberOfRepeatsAllowed":4294967296}}`, "1"},
		{"two values of a choice", `{"resourceType":"Observation","id":"1","valueString":"a","valueBoolean":false}`, "1"},
		{"two values of a component", `{"resourceType":"Observation","id":"1","component":[{"valueString":"a","valueTime":"b"}]}`, "1"},
		{"a value without a field", `{"resourceType":"Observation","id":"1","valueSampledData":{"data":"1 2"}}`, "1"},
		{"a time without a field", `{"resourceType":"ProcedureRequest","id":"1","occurrenceTiming":{"event":["2001"]}}`, "1"},
		{"an extension that changes the meaning", `{"resourceType":"Observation","id":"1","component":[{"modifierExtension":[{"url":"x"}]}]}`, "1"},
		{"rules that change the meaning", `{"resourceType":"Observation","id":"1","implicitRules":"x"}`, "1"},
		{"an ended allergy of another shape", `{"resourceType":"List","id":"1","contained":[{"resourceType":"AllergyIntolerance","onsetString":"a","onsetDateTime":"b"}]}`, "1"},
		{"a header of another shape", `{"resourceType":"Slot","id":"1","meta":[]}`, "1"},
		{"cut short", `{"resourceType":"Observation","id":"1","comment":"ab`, "1"},
		{"bytes that are no text", "{\"resourceType\":\"Observation\",\"id\":\"1\",\"comment\":\"\xff\"}", "1"},
		{"no type", `{"id":"1"}`, "1"},
		{"a type that is no text", `{"resourceType":["Observation"],"id":"1"}`, "1"},
		{"no object", `["Observation"]`, ""},
		{"null", `null`, ""},
		{"nothing", ``, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := typed.Entry(0, []byte(tt.resource), nil)
			if e.GetTypedState() != pb.TypedState_TYPED_STATE_UNREADABLE || e.GetTyped() != nil {
				t.Errorf("state %v, form %v, want none", e.GetTypedState(), e.GetTyped())
			}
			if e.GetId() != tt.id {
				t.Errorf("id %q, want %q", e.GetId(), tt.id)
			}
			if string(e.GetJson()) != tt.resource {
				t.Error("its JSON changed")
			}
		})
	}
}

func TestHeaderIsReadWithoutAForm(t *testing.T) {
	const header = `"id":"1","meta":{"versionId":"2","security":[{"code":"NOPAT"}]},"resourceType":`
	for _, tt := range []struct {
		resource string
		want     pb.TypedState
	}{
		{`{` + header + `"Slot"}`, pb.TypedState_TYPED_STATE_NOT_MODELLED},
		{`{` + header + `"Observation","status":{}}`, pb.TypedState_TYPED_STATE_UNREADABLE},
	} {
		e := typed.Entry(7, []byte(tt.resource), []byte(`{"fullUrl":"urn:x"}`))
		want := &pb.RecordEntry{
			Position: 7, ResourceType: e.GetResourceType(), Id: new("1"), VersionId: new("2"),
			SecurityLabels: []*pb.Coding{{Code: "NOPAT"}}, Json: []byte(tt.resource), EntryRest: []byte(`{"fullUrl":"urn:x"}`),
			TypedState: tt.want,
		}
		if diff := cmp.Diff(want, e, protocmp.Transform()); diff != "" {
			t.Errorf("entry (-want +got):\n%s", diff)
		}
	}
}
