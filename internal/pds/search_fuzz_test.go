package pds

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// seeds are the published answers of a kind, where they are beside the checkout.
func seeds(f *testing.F, kind string) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "pds", kind, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// Whatever a searchset holds: every match is under a checked number, and none that is restricted says where it is.
func FuzzMatches(f *testing.F) {
	seeds(f, "search")
	f.Add([]byte(`{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"fullUrl":"/Patient/9990000042","search":{"score":1},"resource":` +
		record("9990000018", `"meta":{"security":[{"code":"R"}]}`, practice("A20047", "")) + `}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := fhir.ReadSearchset(text)
		if err != nil {
			return
		}
		matches, err := matchesOf(entries, dayOf(summer))
		if err != nil {
			if strings.ContainsAny(err.Error(), "0123456789") {
				t.Errorf("the error tells something: %v", err)
			}
			return
		}
		if len(matches) != len(entries) {
			t.Error("an entry was skipped")
		}
		for _, m := range matches {
			p := m.Person
			if m.Current.IsZero() || m.Restriction == RestrictionUnset {
				t.Error("something was left open")
			}
			if m.Restriction != Unrestricted && len(p.Address)+len(p.Telecom)+len(p.Contact)+len(p.GeneralPractitioner)+len(p.Extensions)+len(p.Unknown) > 0 {
				t.Error("a restricted person's whereabouts are told")
			}
		}
	})
}

// Whatever a list of relations holds: nobody is skipped, and nobody's own number is the patient's.
func FuzzRelated(f *testing.F) {
	seeds(f, "related-person")
	f.Add([]byte(`{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"resource":{"resourceType":"RelatedPerson","patient":{"identifier":
		{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000042"}},"relationship":[{"coding":[{"code":"N"}]}]}}]}`))
	patient, err := nhs.ParseNumber("9990000018")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := fhir.ReadSearchset(text)
		if err != nil {
			return
		}
		all, err := relatedOf(entries, patient)
		if err != nil {
			return
		}
		if len(all) != len(entries) {
			t.Error("an entry was skipped")
		}
		for _, r := range all {
			if r.Number == patient {
				t.Error("somebody is related to themself")
			}
		}
	})
}
