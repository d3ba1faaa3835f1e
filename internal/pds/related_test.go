package pds_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/simulator"
)

// relating lets PDS answer about the relations so, and about the patient as the embedded people are.
func (r rig) relating(t *testing.T, status int, body string) {
	t.Helper()
	r.answering(t, status, body)
	// Of two faults the later one happens first, once.
	if _, err := r.Faults().Set(simulator.Fault{Upstream: simulator.PDS, MediaType: "application/fhir+json", Times: 1}); err != nil {
		t.Fatal(err)
	}
}

func relative(id, patient, members string) string {
	return fmt.Sprintf(`{"fullUrl":"https://pds.example/FHIR/R4/Patient/9990000018/RelatedPerson/%[1]s","resource":{"resourceType":"RelatedPerson","id":%[1]q,`+
		`"patient":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":%[2]q}}%[3]s}}`, id, patient, members)
}

func kinship(codings string) string { return `,"relationship":[{"coding":[` + codings + `]}]` }

func TestRelatedPersons(t *testing.T) {
	bubble(t, "listed, in PDS's order", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		const first = "http://hl7.org/fhir/ValueSet/relatedperson-relationshiptype"
		r.relating(t, 200, searchset(
			relative("R1", "9990000018", kinship(`{"system":"`+first+`","code":"MTH"},{"system":"`+first+`","code":"N"}`)),
			relative("R2", "9990000042", kinship(`{"system":"https://fhir.nhs.uk/R4/CodeSystem/UKCore-AdditionalRelatedPersonRole","code":"N"}`)),
			`{"resource":{"resourceType":"RelatedPerson"}}`,
		))
		got, err := r.RelatedPersons(t.Context(), number(t, "9990000018"), consumer(t))
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, p := range got.Related {
			rows = append(rows, fmt.Sprint(p.Person.ID, " ", p.Number.Digits(), " ", p.NextOfKin))
		}
		if diff := cmp.Diff([]string{"R1  true", "R2 9990000042 false", "  false"}, rows); diff != "" || got.Status != pds.RelationsListed {
			t.Errorf("status %d (-want +got):\n%s", got.Status, diff)
		}
		sent := r.Transcript().Of(simulator.PDS)
		if len(sent) != 2 || sent[1].Path != "/personal-demographics/FHIR/R4/Patient/9990000018/RelatedPerson" || sent[1].Query != "" {
			t.Errorf("%d requests", len(sent))
		}
		if sent[0].Header.Get("X-Request-Id") == sent[1].Header.Get("X-Request-Id") || got.RequestID != sent[1].Header.Get("X-Request-Id") ||
			got.Patient.RequestID != sent[0].Header.Get("X-Request-Id") {
			t.Error("each reading has an id of its own")
		}
		for _, span := range r.spans.Ended() {
			if text := fmt.Sprint(span.Name(), span.Attributes()); strings.Contains(text, "9990000") {
				t.Errorf("a span holds a number: %s", text)
			}
		}
	})
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"none, as live says it": {200, searchset()},
		"none, as documented":   {404, `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"not-found","details":{"coding":[{"code":"RESOURCE_NOT_FOUND"}]}}]}`},
	} {
		bubble(t, name, func(t *testing.T) {
			r := start(t, simulator.Options{}, nil)
			r.relating(t, answer.status, answer.body)
			got, err := r.RelatedPersons(t.Context(), number(t, "9990000018"), consumer(t))
			if err != nil || got.Status != pds.RelationsNoneRecorded || got.RetrievedAt.IsZero() || !got.Simulated || got.RequestID == "" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	for digits, restriction := range map[string]pds.Restriction{"9990000026": pds.Restricted, "9990000204": pds.VeryRestricted} {
		bubble(t, "withheld from "+digits, func(t *testing.T) {
			r := start(t, simulator.Options{}, nil)
			got, err := r.RelatedPersons(t.Context(), number(t, digits), consumer(t))
			if err != nil || got.Status != pds.RelationsWithheld || got.Patient.Restriction != restriction || len(got.Related) > 0 {
				t.Errorf("%+v, %v", got, err)
			}
			if sent := r.Transcript().Of(simulator.PDS); len(sent) != 1 || strings.Contains(sent[0].Path, "RelatedPerson") {
				t.Errorf("%d requests", len(sent))
			}
		})
	}
	bubble(t, "withheld where a restriction is not ruled out", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		r.answering(t, 200, `{"resourceType":"Patient","id":"9990000018","meta":{"versionId":"1"}}`)
		got, err := r.RelatedPersons(t.Context(), number(t, "9990000018"), consumer(t))
		if err != nil || got.Status != pds.RelationsWithheld || len(r.Transcript().Of(simulator.PDS)) != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestRelatedPersonsFails(t *testing.T) {
	for _, tt := range []struct {
		name, digits string
		status       int
		body         string
		reason       pb.ErrorReason
	}{
		{"an unknown patient", "9990000379", 0, "", pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND},
		{"a number that was withdrawn", "9990000212", 0, "", pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED},
		{"a number that was merged", "9990000034", 0, "", pb.ErrorReason_ERROR_REASON_PATIENT_SUPERSEDED},
		{"withdrawn between the two", "9990000018", 404, `{"resourceType":"OperationOutcome","issue":[{"details":{"coding":[{"code":"INVALIDATED_RESOURCE"}]}}]}`, pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED},
		{"a 404 of somebody else", "9990000018", 404, `<html>`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"an outcome", "9990000018", 200, tooMany, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"not granted", "9990000018", 403, `{}`, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED},
		{"unavailable", "9990000018", 502, `<html>`, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE},
		{"fewer than the total", "9990000018", 200, `{"resourceType":"Bundle","type":"searchset","total":1}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"a patient among them", "9990000018", 200, searchset(entry("9990000042", "1", "U")), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"somebody else's relations", "9990000018", 200, searchset(strings.Replace(relative("R1", "9990000018", ""), "Patient/9990000018", "Patient/9990000042", 1)), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"a bad number", "9990000018", 200, searchset(relative("R1", "9990000019", "")), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			r := start(t, simulator.Options{}, nil)
			if tt.status != 0 {
				r.relating(t, tt.status, tt.body)
			}
			got, err := r.RelatedPersons(t.Context(), number(t, tt.digits), consumer(t))
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || got != nil || e.Reason != tt.reason || e.Hop != pb.Hop_HOP_PDS {
				t.Fatalf("%+v, %v; want %s", got, err, tt.reason)
			}
			if tt.status == 0 && len(r.Transcript().Of(simulator.PDS)) != 1 {
				t.Error("more was asked than the patient")
			}
			if strings.Contains(fault.Status(err, nil).Proto().String(), "99900000") {
				t.Error("a number is in the status")
			}
		})
	}
}

// What is published of related people: one inline, one by reference. There the reference is the patient's own number.
func TestPublishedRelatedPersons(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "fixtures", "pds", "related-person")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	for file, want := range map[string]int{"related_person_9000000009.json": 2, "Referenced_RelatedPersonBundle.json": 1} {
		bubble(t, file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, simulator.Options{}, open)
			r.answering(t, 200, string(text))
			if _, err := r.Faults().Set(simulator.Fault{
				Upstream: simulator.PDS, Status: 200, Times: 1,
				Body: `{"resourceType":"Patient","id":"9000000009","meta":{"versionId":"2","security":[{"code":"U"}]}}`,
			}); err != nil {
				t.Fatal(err)
			}
			got, err := r.RelatedPersons(t.Context(), number(t, "9000000009"), consumer(t))
			if err != nil || len(got.Related) != want || got.Status != pds.RelationsListed {
				t.Fatalf("%+v, %v", got, err)
			}
			for _, p := range got.Related {
				if !p.Number.IsZero() || p.NextOfKin || p.Person.Active == nil || !*p.Person.Active {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}
