package fhir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/fhir"
)

func TestReadOutcome(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       fhir.Outcome
		ok         bool
	}{
		{"R4, as PDS writes it", `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","details":{"coding":[
			{"system":"s","version":"1","code":"INVALID_VALUE","display":"d"}]},"diagnostics":"x"}]}`, fhir.Outcome{Issues: []fhir.Issue{{
			Severity: "error", Type: "value", Codings: []fhir.Coding{{System: "s", Code: "INVALID_VALUE", Display: "d"}}, Diagnostics: "x",
		}}}, true},
		{
			"STU3, with its profile", `{"issue":[{}],"meta":{"profile":["p"]},"resourceType":"OperationOutcome"}`,
			fhir.Outcome{Profiles: []string{"p"}, Issues: []fhir.Issue{{}}},
			true,
		},
		{
			"without details", `{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"token","details":null}]}`,
			fhir.Outcome{Issues: []fhir.Issue{{Severity: "fatal", Type: "token"}}},
			true,
		},
		{"without an issue", `{"resourceType":"OperationOutcome"}`, fhir.Outcome{}, true},
		{"after a byte order mark", "\ufeff  {\"resourceType\":\"OperationOutcome\"}", fhir.Outcome{}, true},
		{
			"the gateway's raw fault", `{"fault":{"faultstring":"quota","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}`,
			fhir.Outcome{Issues: []fhir.Issue{{Severity: "error", Codings: []fhir.Coding{{Code: "policies.ratelimit.QuotaViolation"}}, Diagnostics: "quota"}}},
			true,
		},
		{
			"an OAuth error", `{"error":"public_key error","error_description":"JWT signature verification failed","message_id":"rrt-1"}`,
			fhir.Outcome{Issues: []fhir.Issue{{
				Severity: "error", Codings: []fhir.Coding{{Code: "public_key error"}},
				Diagnostics: "JWT signature verification failed (message id rrt-1)",
			}}},
			true,
		},
		{"XML", `<?xml version="1.0"?><OperationOutcome xmlns="http://hl7.org/fhir"><meta><profile value="p"/></meta><issue><severity value="error"/>` +
			`<code value="invalid"/><details><coding><system value="s"/><code value="400"/><display value="d"/></coding><text value="t"/></details>` +
			`<diagnostics value="x"/></issue><issue><code value="b"/></issue></OperationOutcome>`, fhir.Outcome{
			Profiles: []string{"p"},
			Issues: []fhir.Issue{
				{Severity: "error", Type: "invalid", Codings: []fhir.Coding{{System: "s", Code: "400", Display: "d"}}, Text: "t", Diagnostics: "x"},
				{Type: "b"},
			},
		}, true},
		{"XML with a document type", `<!DOCTYPE x [<!ENTITY e "e">]><OperationOutcome><issue/></OperationOutcome>`, fhir.Outcome{}, false},
		{"XML of another kind", `<html><body>OperationOutcome</body></html>`, fhir.Outcome{}, false},
		{"another resource", `{"resourceType":"Patient","id":"1"}`, fhir.Outcome{}, false},
		{"two readings", `{"resourceType":"OperationOutcome","issue":[],"resourceType":"Patient"}`, fhir.Outcome{}, false},
		{"cut", `{"resourceType":"OperationOutcome","issue":[{"sev`, fhir.Outcome{}, false},
		{"text", "Bad gateway", fhir.Outcome{}, false},
		{"nothing", "", fhir.Outcome{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := fhir.ReadOutcome([]byte(tt.body))
			if ok != tt.ok {
				t.Errorf("understood: %v", ok)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheMostSeriousIssueDecides(t *testing.T) {
	o := fhir.Outcome{Issues: []fhir.Issue{
		{Severity: "information", Type: "a"}, {Severity: "error", Type: "b"}, {Severity: "odd", Type: "c"}, {Severity: "error", Type: "d"},
	}}
	if got := o.Worst().Type; got != "b" {
		t.Errorf("Worst is %q, want the first error", got)
	}
	if got := (fhir.Outcome{}).Worst().Code(); got != "" {
		t.Errorf("of nothing the worst is %q", got)
	}
	coded := fhir.Issue{Codings: []fhir.Coding{{}, {Code: " access denied "}}}
	if got := coded.Code(); got != "ACCESS_DENIED" {
		t.Errorf("Code = %q", got)
	}
}

// fixtures are published files, found beside the checkout.
func fixtures(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", filepath.FromSlash(pattern)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = text
	}
	return files
}

func TestPublishedOutcomes(t *testing.T) {
	seen := 0
	for _, pattern := range []string{
		"pds/operation-outcomes-*/*.json", "gpconnect/operation-outcome/*/*.json", "sds/errors/*/*.json", "pds/search/TOO_MANY_MATCHES.json",
	} {
		for name, text := range fixtures(t, pattern) {
			seen++
			o, ok := fhir.ReadOutcome(text)
			if !ok || len(o.Issues) == 0 {
				t.Errorf("%s is not understood", name)
			}
			if o.Worst().Code() == "" && !strings.Contains(name, "NOT_SUPPORTED") {
				t.Errorf("%s has no code", name)
			}
		}
	}
	if seen == 0 {
		t.Skip("the published fixtures are not beside the checkout")
	}
}

func FuzzReadOutcome(f *testing.F) {
	for _, text := range fixtures(f, "*/operation-outcome*/*/*.json") {
		f.Add(text)
	}
	f.Add([]byte(`<OperationOutcome><issue><code value="a"/></issue></OperationOutcome>`))
	f.Add([]byte(`{"fault":{"faultstring":"x"}}`))
	f.Add([]byte(`</a>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, ok := fhir.ReadOutcome(text)
		if !ok && len(o.Issues)+len(o.Profiles) > 0 {
			t.Error("something was read from what is not understood")
		}
		if len(o.Issues) > 64 {
			t.Errorf("%d issues were kept", len(o.Issues))
		}
		_, _ = o.Narrative(), o.Worst().Code()
	})
}
