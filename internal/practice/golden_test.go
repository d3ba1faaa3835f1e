package practice_test

import (
	"bytes"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

var update = flag.Bool("update", false, "write the golden files")

// One line is one entry. In a synctest bubble it is always midnight of 1 January 2000, so that the dates of the answer are fixed.
func TestPlainRecordIsAsWritten(t *testing.T) {
	const golden = "testdata/plain.json"
	synctest.Test(t, func(t *testing.T) {
		system, err := practice.New(practice.Config{
			ODS: must(nhs.ParseODSCode("A20047")), Name: "Riverside Surgery", ASID: must(nhs.ParseASID(ownASID)), Version: "1.6.2",
			Roots:    practice.Roots{Foundations: foundation, Structured: foundation + "/structured", Documents: foundation + "/documents"},
			Patients: people()[:1],
		})
		if err != nil {
			t.Fatal(err)
		}
		root := foundation + "/structured"
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, pathOf(root)+"/Patient/$gpc.getstructuredrecord",
			strings.NewReader(parametersFor("9990000018", everything()...)))
		for name, value := range map[string]string{
			"Ssp-TraceID": "12345678-90ab-cdef-1234-567890abcdef", "Ssp-From": "200000000115", "Ssp-To": ownASID,
			"Ssp-InteractionID": nhs.GetStructuredRecord.String(), "Content-Type": "application/fhir+json", "Accept": "application/fhir+json",
			"Authorization": "Bearer " + tokenOf(doc{"alg": "none", "typ": "JWT"}, claimsFor(root, "patient/*.read")),
		} {
			req.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		system.ServeHTTP(w, req)
		got := bytes.ReplaceAll(w.Body.Bytes(), []byte(`{"resource":`), []byte("\n{\"resource\":"))
		got = append(got, '\n')
		if *update {
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("plain (-want +got), -update writes it:\n%s", diff)
		}
		if got := time.Now().UTC().Format(time.DateOnly); got != "2000-01-01" {
			t.Errorf("the bubble begins at %s", got)
		}
	})
}
