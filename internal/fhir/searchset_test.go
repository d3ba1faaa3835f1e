package fhir_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/fhir"
)

func TestReadSearchset(t *testing.T) {
	const resource = `{"resourceType":"Patient" , "id":"1","x":1.10}`
	for _, tt := range []struct {
		name, text string
		want       []fhir.SearchEntry
	}{
		{"nobody, as PDS writes it", `{"resourceType":"Bundle","type":"searchset","timestamp":"2026-02-03T09:15:00+00:00","total":0}`, []fhir.SearchEntry{}},
		{"nobody, with an empty list", `{"entry":[],"total":0,"type":"searchset","resourceType":"Bundle"}`, []fhir.SearchEntry{}},
		{"nobody, with null", `{"entry":null,"total":0,"type":"searchset","resourceType":"Bundle"}`, []fhir.SearchEntry{}},
		{"in their order, digit for digit", `{"resourceType":"Bundle","type":"searchset","total":3,"entry":[
			{"fullUrl":"u","search":{"score":0.9300},"resource":` + resource + `},
			{"search":{"score":1},"resource":` + resource + `},
			{"search":{"score":null,"mode":"match"},"resource":null}]}`, []fhir.SearchEntry{
			{FullURL: "u", Score: "0.9300", Resource: jsontext.Value(resource)},
			{Score: "1", Resource: jsontext.Value(resource)},
			{},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fhir.ReadSearchset([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadSearchsetRefuses(t *testing.T) {
	for text, want := range map[string]error{
		`{"resourceType":"OperationOutcome"}`:          fhir.ErrResourceType,
		`{"resourceType":"Patient","id":"9990000018"}`: fhir.ErrResourceType,
		`{"total":0}`: fhir.ErrNotResource,
		`{"resourceType":"Bundle","type":"collection","total":0}`:                                     fhir.ErrNotSearchset,
		`{"resourceType":"Bundle","total":0}`:                                                         fhir.ErrNotSearchset,
		`{"resourceType":"Bundle","type":"searchset"}`:                                                fhir.ErrTotal,
		`{"resourceType":"Bundle","type":"searchset","total":null}`:                                   fhir.ErrTotal,
		`{"resourceType":"Bundle","type":"searchset","total":2,"entry":[{}]}`:                         fhir.ErrTotal,
		`{"resourceType":"Bundle","type":"searchset","total":0,"entry":[{"x":"9990000018"}]}`:         fhir.ErrTotal,
		`{"resourceType":"Bundle","type":"searchset","total":"1","entry":[{}]}`:                       fhir.ErrShape,
		`{"resourceType":"Bundle","type":"searchset","total":1,"entry":{}}`:                           fhir.ErrShape,
		`{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"search":{"score":"0.5"}}]}`: fhir.ErrShape,
		`{"resourceType":"Bundle","type":"searchset","total":0,"total":0}`:                            fhir.ErrMalformed,
		`{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{`:                            fhir.ErrMalformed,
	} {
		_, err := fhir.ReadSearchset([]byte(text))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "999") {
			t.Error("the error quotes the text")
		}
	}
}

func TestReadRelatedPerson(t *testing.T) {
	text := ` {"resourceType":"RelatedPerson","id":"R1","active":false,"period":{"start":"2020"},"gender":"female","photo":[{"size":1.0}],
	  "patient":{"identifier":{"system":"s","value":"9990000018"}},"name":null,
	  "relationship":[{"coding":[{"system":"a","code":"N"},{"code":"Carer"}],"text":"aunt"}],
	  "extension":[{"url":"rank","valuePositiveInt":7},{"url":"copy","valueBoolean":true}]} `
	got, err := fhir.ReadRelatedPerson([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(got.JSON) != strings.TrimSpace(text) {
		t.Error("the JSON is not what was received")
	}
	if string(got.Unknown) != `{"gender":"female","photo":[{"size":1.0}]}` {
		t.Errorf("unknown members: %s", got.Unknown)
	}
	if rank := got.Extensions.Find("rank").PositiveInt; rank == nil || *rank != 7 {
		t.Errorf("rank: %v", rank)
	}
	no := false
	got.JSON, got.Unknown, got.Extensions = nil, nil, nil
	want := fhir.RelatedPerson{
		ResourceType: "RelatedPerson", ID: "R1", Active: &no, Period: fhir.Period{Start: "2020"},
		Patient:      fhir.Reference{Identifier: fhir.Identifier{System: "s", Value: "9990000018"}},
		Relationship: []fhir.Concept{{Coding: []fhir.Coding{{System: "a", Code: "N"}, {Code: "Carer"}}, Text: "aunt"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, want := range map[string]error{
		`{"resourceType":"Patient","id":"9990000018"}`:                                          fhir.ErrResourceType,
		`{"resourceType":"RelatedPerson","relationship":{}}`:                                    fhir.ErrShape,
		`{"resourceType":"RelatedPerson","extension":[{"url":"r","valuePositiveInt":1e12}]}`:    fhir.ErrShape,
		`{"resourceType":"RelatedPerson","extension":[{"url":"r","valuePositiveInt":"first"}]}`: fhir.ErrShape,
	} {
		if _, err := fhir.ReadRelatedPerson([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// Every published answer to a search, and every one of who is related, decodes, and what is carried of it is the same
// JSON: put back in its place it gives the document again.
func TestPublishedSearchsets(t *testing.T) {
	files := fixtures(t, "pds/search/*.json")
	maps.Copy(files, fixtures(t, "pds/related-person/*.json"))
	if len(files) == 0 {
		t.Skip("the published fixtures are not beside the checkout")
	}
	for name, text := range files {
		switch kind, err := fhir.ResourceType(text); {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case kind == "Bundle":
			checkSearchset(t, name, text)
		case kind == "Patient":
			p, err := fhir.ReadPatient(text)
			if err != nil || diff(t, text, p.JSON) != "" {
				t.Errorf("%s: %v", name, err)
			}
		case kind != "OperationOutcome":
			t.Errorf("%s is a %s", name, kind)
		}
	}
}

func checkSearchset(t *testing.T, name string, text []byte) {
	t.Helper()
	entries, err := fhir.ReadSearchset(text)
	if err != nil || len(entries) == 0 {
		t.Errorf("%s: %d entries, %v", name, len(entries), err)
		return
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	rebuilt := make([]any, 0, len(entries))
	for _, e := range entries {
		entry := map[string]any{"fullUrl": e.FullURL, "resource": carried(t, e.Resource)}
		if e.Score != "" {
			entry["search"] = map[string]any{"score": jsontext.Value(e.Score)}
		}
		rebuilt = append(rebuilt, entry)
	}
	document["entry"] = rebuilt
	again, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(t, text, again); d != "" {
		t.Errorf("%s (-received +carried):\n%s", name, d)
	}
}

// carried is the JSON that the reader of a resource hands on.
func carried(t *testing.T, resource jsontext.Value) jsontext.Value {
	t.Helper()
	kind, err := fhir.ResourceType(resource)
	if err != nil {
		t.Fatal(err)
	}
	if kind == "RelatedPerson" {
		p, err := fhir.ReadRelatedPerson(resource)
		if err != nil {
			t.Error(err)
		}
		return p.JSON
	}
	p, err := fhir.ReadPatient(resource)
	if err != nil {
		t.Error(err)
	}
	return p.JSON
}

func diff(t *testing.T, a, b []byte) string {
	t.Helper()
	var texts [2]string
	for i, text := range [][]byte{a, b} {
		value := jsontext.Value(text).Clone()
		if err := value.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		texts[i] = string(value)
	}
	return cmp.Diff(texts[0], texts[1])
}

func FuzzReadSearchset(f *testing.F) {
	for _, text := range fixtures(f, "pds/search/*.json") {
		f.Add(text)
	}
	f.Add([]byte(`{"resourceType":"Bundle","type":"searchset","total":2,"entry":[{"search":{"score":1e-400},"resource":{}},null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := fhir.ReadSearchset(text)
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.Resource != nil && !e.Resource.IsValid() {
				t.Error("a resource is not JSON")
			}
			if e.Score != "" && jsontext.Value(e.Score).Kind() != '0' {
				t.Errorf("the score is %q", e.Score)
			}
		}
	})
}

func FuzzReadRelatedPerson(f *testing.F) {
	f.Add([]byte(`{"resourceType":"RelatedPerson","active":true,"relationship":[{"coding":[{"code":"N"}]}],"x":{"y":[1e400]}}`))
	f.Add([]byte(`{"resourceType":"RelatedPerson","extension":[{"url":"r","valuePositiveInt":99}],"patient":{"identifier":{"value":"1"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := fhir.ReadRelatedPerson(text)
		if err != nil {
			return
		}
		if !p.JSON.IsValid() || len(p.Unknown) > 0 && !p.Unknown.IsValid() {
			t.Error("what was accepted is not JSON")
		}
	})
}
