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
		system, err := practice.New(config())
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		system.ServeHTTP(w, call{
			method: http.MethodPost, root: foundation + "/structured", path: "Patient/$gpc.getstructuredrecord",
			interaction: nhs.GetStructuredRecord, scope: "patient/*.read", body: parametersFor("9990000018", everything()...),
			header: map[string]string{"Ssp-TraceID": "12345678-90ab-cdef-1234-567890abcdef"},
		}.request(t, "", ownASID))
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
