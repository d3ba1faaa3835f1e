package fhir_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/fhir"
)

func TestResourceType(t *testing.T) {
	deep := strings.Repeat("[", fhir.MaxDepth+1) + strings.Repeat("]", fhir.MaxDepth+1)
	for _, tt := range []struct {
		name, text, want string
		err              error
	}{
		{"first", `{"resourceType":"Patient","id":"1"}`, "Patient", nil},
		{"last", `{"id":"1","a":{"resourceType":"Bundle"},"b":["resourceType","x"],"resourceType":"Patient"}`, "Patient", nil},
		{"only inside", `{"entry":[{"resource":{"resourceType":"Patient"}}]}`, "", fhir.ErrNotResource},
		{"as a value", `{"a":"resourceType","b":"Patient"}`, "", fhir.ErrNotResource},
		{"in other letters", `{"resourcetype":"Patient"}`, "", fhir.ErrNotResource},
		{"twice", `{"resourceType":"Patient","resourceType":"Bundle"}`, "", fhir.ErrMalformed},
		{"twice, escaped", `{"resourceType":"Patient","resource\u0054ype":"Bundle"}`, "", fhir.ErrMalformed},
		{"not text", `{"resourceType":1}`, "", fhir.ErrNotResource},
		{"an array", `[{"resourceType":"Patient"}]`, "", fhir.ErrNotResource},
		{"two values", `{"resourceType":"Patient"} {}`, "", fhir.ErrMalformed},
		{"followed by something", `{"resourceType":"Patient"}x`, "", fhir.ErrMalformed},
		{"cut", `{"resourceType":"Patient"`, "", fhir.ErrMalformed},
		{"not UTF-8", "{\"resourceType\":\"Patient\",\"a\":\"\xff\"}", "", fhir.ErrMalformed},
		{"too deep", `{"resourceType":"Patient","a":` + deep + `}`, "", fhir.ErrTooDeep},
		{"nothing", ``, "", fhir.ErrNotResource},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := fhir.ResourceType([]byte(tt.text)); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestReadPatient(t *testing.T) {
	text := `
	{"resourceType":"Patient","id":"9990000018","birthDate":"1950","multipleBirthInteger":2,"futureElement":{"decimal":1.10,"list":[1,2]},
	 "meta":{"versionId":"7","security":[{"code":"U"}],"lastUpdated":"2026-01-01T00:00:00Z"},
	 "name":[{"id":"x","use":"usual","given":["Testa","May"],"family":"EXAMPLE"},{"use":"old"}],
	 "address":[{"use":"home","line":["9 SAMPLE ROW",null,"TESTON"],"_line":[null,{"extension":[]},null],"postalCode":null}],
	 "telecom":null,
	 "generalPractitioner":[{"identifier":{"system":"s","value":"A20047","period":{"start":"2018-01-15"}}}],
	 "extension":[{"url":"a","extension":[{"url":"b","valueCodeableConcept":{"coding":[{"code":"1"}]}}]},{"url":"c","valueInteger":3}]}
	`
	got, err := fhir.ReadPatient([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(got.JSON) != strings.TrimSpace(text) {
		t.Error("the JSON is not what was received")
	}
	if string(got.Unknown) != `{"futureElement":{"decimal":1.10,"list":[1,2]}}` {
		t.Errorf("unknown members: %s", got.Unknown)
	}
	if code := got.Extensions.Find("a").Extensions.Find("b").Concept.Code(); code != "1" {
		t.Errorf("extension: %q", code)
	}
	if none := got.Extensions.Find("none"); none.URL != "" || none.Concept.Code() != "" {
		t.Error("an extension that is not there was found")
	}
	birth := 2
	got.JSON, got.Unknown, got.Extensions = nil, nil, nil
	want := fhir.Patient{
		ResourceType: "Patient", ID: "9990000018", BirthDate: "1950", MultipleBirth: &birth,
		Name:    []fhir.HumanName{{Use: "usual", Given: []string{"Testa", "May"}, Family: "EXAMPLE"}, {Use: "old"}},
		Address: []fhir.Address{{Use: "home", Line: []string{"9 SAMPLE ROW", "", "TESTON"}}},
		GeneralPractitioner: []fhir.Reference{
			{Identifier: fhir.Identifier{System: "s", Value: "A20047", Period: fhir.Period{Start: "2018-01-15"}}},
		},
	}
	want.Meta.VersionID, want.Meta.Security = "7", []fhir.Coding{{Code: "U"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadPatientRefuses(t *testing.T) {
	for text, want := range map[string]error{
		`{"resourceType":"OperationOutcome"}`:                   fhir.ErrResourceType,
		`{"resourceType":"Patient","id":1}`:                     fhir.ErrShape,
		`{"resourceType":"Patient","generalPractitioner":{}}`:   fhir.ErrShape,
		`{"resourceType":"Patient","id":"1","id":"9990000018"}`: fhir.ErrMalformed,
		`9990000018`: fhir.ErrNotResource,
	} {
		_, err := fhir.ReadPatient([]byte(text))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if strings.Contains(err.Error(), "9990000018") {
			t.Error("the error quotes the text")
		}
	}
}

func TestPublishedPatients(t *testing.T) {
	files := fixtures(t, "pds/*patients/*.json")
	if len(files) == 0 {
		t.Skip("the published fixtures are not beside the checkout")
	}
	for name, text := range files {
		p, err := fhir.ReadPatient(text)
		if err != nil || p.ID == "" || string(p.JSON) != strings.TrimSpace(string(text)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadPatient(f *testing.F) {
	for _, text := range fixtures(f, "pds/patients/*.json") {
		f.Add(text)
	}
	f.Add([]byte(`{"resourceType":"Patient","x":{"a":[1e400,null]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := fhir.ReadPatient(text)
		if err != nil {
			return
		}
		if !p.JSON.IsValid() {
			t.Error("what was accepted is not JSON")
		}
		if len(p.Unknown) > 0 && !jsontext.Value(p.Unknown).IsValid() {
			t.Error("the unknown members are not JSON")
		}
	})
}
