package simulator_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/simulator"
)

// relative is what a test looks at of a RelatedPerson.
type relative struct {
	FullURL, ID, Patient, Family string
	Codes                        []string
}

func TestRelatedPersons(t *testing.T) {
	r := start(t, simulator.Options{DataDir: write(t, map[string]string{
		"related/9990000042.json": `[{"resourceType":"RelatedPerson","id":"X1","patient":{"identifier":{"value":"9990000018"}}}]`,
	})})
	url := func(number, id string) string { return r.PDSURL() + "/Patient/" + number + "/RelatedPerson/" + id }
	survivor := []relative{{url("9990000042", "X1"), "X1", "9990000018", "", nil}}
	for _, tt := range []struct {
		name, number string
		want         []relative
	}{
		{"one with details, one by NHS number", "9990000018", []relative{
			{url("9990000018", "R0018A"), "R0018A", "9990000018", "TESTWELL", []string{"SPS", "N", "Carer"}},
			{url("9990000018", "R0018B"), "R0018B", "9990000468", "", []string{"MTH"}},
		}},
		{"none", "9990000115", nil},
		{"restricted, whoever there is", "9990000026", nil},
		{"very restricted", "9990000204", nil},
		{"of a survivor", "9990000042", survivor},
		{"of a superseded number", "9990000034", survivor},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, token := range []string{r.token(), r.userToken(clinician)} {
				s := foundIn(t, r.read(token, "/Patient/"+tt.number+"/RelatedPerson"))
				var got []relative
				for _, e := range s.Entry {
					if e.Search.Score != "" {
						t.Error("an entry has a score")
					}
					got = append(got, relativeOf(t, e.FullURL, e.Resource))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func relativeOf(t *testing.T, fullURL string, resource map[string]json.RawMessage) relative {
	t.Helper()
	raw, err := json.Marshal(resource)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		ResourceType, ID string
		Patient          struct{ Identifier struct{ Value string } }
		Name             []struct{ Family string }
		Relationship     []struct{ Coding []struct{ Code string } }
	}
	if err := json.Unmarshal(raw, &p); err != nil || p.ResourceType != "RelatedPerson" {
		t.Fatalf("not a RelatedPerson: %v %s", err, raw)
	}
	related := relative{FullURL: fullURL, ID: p.ID, Patient: p.Patient.Identifier.Value}
	for _, n := range p.Name {
		related.Family = n.Family
	}
	for _, rel := range p.Relationship {
		for _, c := range rel.Coding {
			related.Codes = append(related.Codes, c.Code)
		}
	}
	return related
}

func TestRelatedPersonsRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	for _, tt := range []struct {
		name, path string
		status     int
		want       issue
	}{
		{"wrong check digit", "/Patient/9990000019/RelatedPerson", http.StatusBadRequest, issue{
			"error", "value", pdsCodes, "INVALID_RESOURCE_ID", "Resource Id is invalid", "",
		}},
		{"nobody's number", "/Patient/9990000379/RelatedPerson", http.StatusNotFound, issue{
			"information", "not-found", pdsCodes, "RESOURCE_NOT_FOUND", "Resource not found", "",
		}},
		{"invalidated", "/Patient/9990000212/RelatedPerson", http.StatusNotFound, issue{
			"error", "processing", pdsCodes, "INVALIDATED_RESOURCE",
			"Resource that has been marked as invalid was requested - invalid resources cannot be retrieved", "",
		}},
		{"one of them", "/Patient/9990000018/RelatedPerson/R0018A", http.StatusBadRequest, issue{
			"error", "processing", pdsCodes, "UNSUPPORTED_SERVICE", "Unsupported Service", "",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.read(r.token(), tt.path)
			if diff := cmp.Diff(tt.want, issueOf(t, a.body)); a.status != tt.status || diff != "" {
				t.Errorf("%d (-want +got):\n%s", a.status, diff)
			}
		})
	}
}
