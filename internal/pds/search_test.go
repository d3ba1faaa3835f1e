package pds_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/simulator"
)

// known is a search that breaks no rule.
var known = pds.Criteria{Family: "EXAMPLE", Born: pds.Days{First: "1971-08-30", Last: "1971-08-30"}}

// open makes the client one of the open sandbox: no tokens, and up to fifty people.
func open(c *pds.Config) {
	c.Upstream.Tokens, c.Upstream.Environment = nil, pb.Environment_ENVIRONMENT_SANDBOX
}

// answering lets PDS answer every request so.
func (r rig) answering(t *testing.T, status int, body string) {
	t.Helper()
	if _, err := r.Faults().Set(simulator.Fault{
		Upstream: simulator.PDS, Status: status, Body: body, MediaType: "application/fhir+json",
	}); err != nil {
		t.Fatal(err)
	}
}

// searchset is an answer with these entries.
func searchset(entries ...string) string {
	if len(entries) == 0 {
		return `{"resourceType":"Bundle","type":"searchset","timestamp":"2026-02-03T09:15:00+00:00","total":0}`
	}
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset","total":%d,"entry":[%s]}`, len(entries), strings.Join(entries, ","))
}

func entry(id, score, label string, members ...string) string {
	return fmt.Sprintf(`{"fullUrl":"https://pds.example/FHIR/R4/Patient/%[1]s","search":{"score":%[2]s},"resource":{"resourceType":"Patient","id":%[1]q,`+
		`"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":%[1]q}],"meta":{"versionId":"3","security":[{"code":%[3]q}]}%[4]s}}`,
		id, score, label, strings.Join(append([]string{""}, members...), ","))
}

const (
	tooMany = `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"multiple-matches","details":{"coding":[
		{"system":"https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode","version":"1","code":"TOO_MANY_MATCHES","display":"Too Many Matches"}]}}]}`
	notSupported = `{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"not-supported","diagnostics":"no example"}]}`
)

func TestSearch(t *testing.T) {
	bubble(t, "people in PDS's order, with the score as it was written", func(t *testing.T) {
		r := start(t, simulator.Options{}, open)
		r.answering(t, 200, searchset(
			entry("9990000042", "0.9300", "U", `"name":[{"use":"usual","family":"B"}]`),
			entry("9990000018", "1", "U", `"name":[{"use":"nickname","family":"C"},{"use":"usual","family":"A"}]`, `"unheardOf":1.0`),
		))
		got, err := r.Search(t.Context(), known, consumer(t))
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for _, m := range got.Matches {
			rows = append(rows, fmt.Sprint(m.Current.Digits(), " ", m.Score, " ", m.Name.Family, " ", m.Version, " ", len(m.OtherNames())))
			if m.Restriction != pds.Unrestricted || !strings.Contains(string(m.Person.JSON), m.Current.Digits()) {
				t.Errorf("restriction %d, JSON of %d bytes", m.Restriction, len(m.Person.JSON))
			}
		}
		if diff := cmp.Diff([]string{"9990000042 0.9300 B 3 0", "9990000018 1 A 3 1"}, rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !got.Simulated || got.RetrievedAt.IsZero() || got.RequestID == "" || got.CorrelationID == "" {
			t.Errorf("where it comes from is not said: %+v", got.Source)
		}
	})
	bubble(t, "nobody", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		r.answering(t, 200, searchset())
		got, err := r.Search(t.Context(), known, consumer(t))
		if err != nil || len(got.Matches) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
	bubble(t, "a restricted person is found, and where they are is not told", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		for _, label := range []string{"R", "V", "X"} {
			r.Faults().Clear()
			r.answering(t, 200, searchset(entry("9990000026", "0.75", label, `"name":[{"use":"usual","family":"SAMPLE"}]`, `"address":[{"line":["SECRETPLACE"]}]`)))
			got, err := r.Search(t.Context(), known, consumer(t))
			if err != nil || len(got.Matches) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			m := got.Matches[0]
			if m.Restriction == pds.Unrestricted || m.Name == nil || strings.Contains(fmt.Sprintf("%+v %s", m, m.Person.JSON), "SECRETPLACE") {
				t.Errorf("labelled %s: restriction %d, name %v", label, m.Restriction, m.Name)
			}
		}
	})
	bubble(t, "what is sent, and what of it is told", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		r.answering(t, 503, "")
		_, err := r.Search(t.Context(), pds.Criteria{Family: "Exam*", Given: []string{"Mary Jane"}, Born: known.Born, AtMost: 1}, consumer(t))
		if err == nil {
			t.Fatal("it cannot have been answered")
		}
		sent := r.Transcript().Of(simulator.PDS)
		if len(sent) != 3 {
			t.Fatalf("%d attempts", len(sent))
		}
		for _, x := range sent {
			if x.Path != "/personal-demographics/FHIR/R4/Patient" || x.Query != "_max-results=1&birthdate=eq1971-08-30&family=Exam%2A&given=Mary+Jane" {
				t.Errorf("%s?%s", x.Path, x.Query)
			}
			if x.Header.Get("X-Request-Id") != sent[0].Header.Get("X-Request-Id") || x.Header.Get("Nhsd-End-User-Organisation-Ods") != "Q8X01" {
				t.Errorf("the headers are %v", x.Header)
			}
		}
		texts := []string{err.Error(), fault.Status(err, nil).Proto().String()}
		for _, span := range r.spans.Ended() {
			texts = append(texts, fmt.Sprint(span.Name(), span.Attributes(), span.Events(), span.Status()))
		}
		for _, text := range texts {
			for _, personal := range []string{"Exam*", "Exam%", "Mary", "1971"} {
				if strings.Contains(text, personal) {
					t.Errorf("%q is in %q", personal, text)
				}
			}
		}
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.HasPrefix(s, "PDS GET /Patient[") }) {
			t.Errorf("no span is named after the template: %q", texts)
		}
	})
	bubble(t, "each search is a request of its own", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		r.answering(t, 200, searchset())
		seen := map[string]bool{}
		for range 3 {
			got, err := r.Search(t.Context(), known, consumer(t))
			if err != nil || seen[got.RequestID] {
				t.Errorf("%v, or an id that was used before", err)
			}
			seen[got.RequestID] = true
		}
	})
}

func TestAbsence(t *testing.T) {
	practice, err := nhs.ParseODSCode("A20047")
	if err != nil {
		t.Fatal(err)
	}
	located, placed := known, known
	located.PostalCode, placed.Practice = "ZZ*", practice
	for _, tt := range []struct {
		name   string
		by     pds.Criteria
		change func(*pds.Config)
		want   bool
	}{
		{"nothing hides anybody", known, open, false},
		{"a postcode hides restricted people", located, open, true},
		{"a practice hides restricted people", placed, open, true},
		{"a mode that shows one match hides the others", known, nil, true},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			r := start(t, simulator.Options{}, tt.change)
			r.answering(t, 200, searchset())
			got, err := r.Search(t.Context(), tt.by, consumer(t))
			if err != nil || got.AbsenceNotProven != tt.want {
				t.Errorf("%+v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// Nothing that is not a list of people is ever an empty one.
func TestSearchFails(t *testing.T) {
	coded := func(code string) string { return strings.Replace(tooMany, "TOO_MANY_MATCHES", code, 1) }
	good := entry("9990000018", "1", "U")
	for _, tt := range []struct {
		name     string
		status   int
		body     string
		reason   pb.ErrorReason
		attempts int
	}{
		{"too many", 200, tooMany, pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES, 1},
		{"what the sandbox has no answer for", 200, notSupported, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"another outcome", 200, coded("SOMETHING"), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"an outcome that says nothing", 200, `{"resourceType":"OperationOutcome"}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"a patient", 200, `{"resourceType":"Patient","id":"9990000018"}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"no resource", 200, `{"total":0}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"HTML", 200, `<html>`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"no total", 200, `{"resourceType":"Bundle","type":"searchset"}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"fewer than the total", 200, strings.Replace(searchset(good), `"total":1`, `"total":2`, 1), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"more than may be shown", 200, searchset(good, entry("9990000042", "1", "U")), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"a number with a wrong check digit", 200, searchset(entry("9990000019", "1", "U")), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"two numbers for one", 200, searchset(strings.Replace(good, `"value":"9990000018"`, `"value":"9990000042"`, 1)), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"another's address", 200, searchset(strings.Replace(good, `Patient/9990000018`, `Patient/9990000042`, 1)), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"an entry without a resource", 200, searchset(`{"search":{"score":1}}`), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"an entry that is an outcome", 200, searchset(`{"resource":` + tooMany + `}`), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"a score in words", 200, searchset(entry("9990000018", `"high"`, "U")), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"too few criteria", 400, coded("INVALID_SEARCH_DATA"), pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, 1},
		{"a value that PDS will not have", 400, coded("INVALID_VALUE"), pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, 1},
		{"a parameter that PDS does not know", 400, coded("ADDITIONAL_PROPERTIES"), pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, 1},
		{"a value that PDS misses", 400, coded("MISSING_VALUE"), pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, 1},
		{"a number, where none was sent", 400, coded("INVALID_RESOURCE_ID"), pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, 1},
		{"a service that is not there", 400, coded("UNSUPPORTED_SERVICE"), pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, 1},
		{"an interaction that was not granted", 401, coded("ACCESS_DENIED"), pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, 2},
		{"more than one is forbidden", 403, coded("INVALID_VALUE"), pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, 1},
		{"404 is not nobody", 404, `<html>`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"408", 408, coded("UNABLE_TO_CALL_SERVICE"), pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
		{"429", 429, coded("TOO_MANY_REQUESTS"), pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, 3},
		{"500", 500, coded("UNKNOWN_ERROR"), pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
		{"502, HTML", 502, `<html>`, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			r := start(t, simulator.Options{}, nil)
			r.answering(t, tt.status, tt.body)
			found, err := r.Search(t.Context(), known, consumer(t))
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || found != nil || e.Reason != tt.reason || e.Hop != pb.Hop_HOP_PDS || e.HTTPStatus != tt.status {
				t.Errorf("%v, %v; want %s", found, err, tt.reason)
			}
			if got := len(r.Transcript().Of(simulator.PDS)); got != tt.attempts {
				t.Errorf("%d attempts, want %d", got, tt.attempts)
			}
			if strings.Contains(fault.Status(err, nil).Proto().String(), "99900000") {
				t.Error("a number is in the status")
			}
		})
	}
	bubble(t, "the sandbox's gap says what it is", func(t *testing.T) {
		r := start(t, simulator.Options{}, open)
		r.answering(t, 200, notSupported)
		_, err := r.Search(t.Context(), known, consumer(t))
		if detail := fault.Detail(err, nil); !strings.Contains(detail.GetOperatorMessage(), "sandbox") {
			t.Errorf("the operator is told %q", detail.GetOperatorMessage())
		}
	})
}

// What breaks a rule never reaches PDS.
func TestBadCriteriaLeaveNothing(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		two := known
		two.AtMost = 2
		for field, by := range map[string]pds.Criteria{
			"birth_date_start": {Family: "EXAMPLE"},
			"max_results":      two, // one match only, in application-restricted access
		} {
			_, err := r.Search(t.Context(), by, consumer(t))
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Reason != pb.ErrorReason_ERROR_REASON_SEARCH_INVALID || e.Hop != pb.Hop_HOP_GATEWAY ||
				len(e.Violations) != 1 || e.Violations[0].GetField() != field {
				t.Errorf("%v, want a violation of %s", err, field)
			}
		}
		if heard := r.Transcript().Upstreams(); len(heard) > 0 {
			t.Errorf("%v heard of it", heard)
		}
	})
}

// What the sandbox answers, and what it means (PDS contract, 15).
func TestPublishedSearches(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "fixtures", "pds", "search")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	type found struct {
		Numbers, Scores string
		Restriction     pds.Restriction
	}
	twenty := strings.TrimSpace(strings.Repeat("0.965 ", 20))
	for file, want := range map[string]found{
		"PatientSearch.json":                  {"9000000009", "0.75", pds.Unrestricted},
		"Minimal_PatientSearch.json":          {"9000000033", "0.75", pds.Unrestricted},
		"Sensitive_PatientSearch.json":        {"9000000025", "0.75", pds.Restricted},
		"search_patient_9000000025.json":      {"9000000025", "1", pds.Restricted},
		"bill_garton_searchset.json":          {"9693632109", "1", pds.Unrestricted},
		"fuzzy_single_searchset.json":         {"5900022366", "0.8827", pds.Unrestricted},
		"general_practitioner_searchset.json": {"9733162337", "0.9259", pds.Unrestricted},
		"historic_email_searchset.json":       {"5900020584", "1", pds.Unrestricted},
		"martha_massam_searchset.json":        {"9693632966", "1", pds.Unrestricted},
		"mock_single_searchset.json":          {"5900054586", "1", pds.Unrestricted},
		"pauline_attison_searchset.json":      {"9693633148 9693633121", "0.9317 0.9077", pds.Unrestricted},
		"youds_searchset.json":                {"9693633679 9693633687 9693633695 9693633709", "1 1 1 1", pds.Unrestricted},
		"postalcode_wildcard_searchset.json":  {"", twenty, pds.Unrestricted},
	} {
		bubble(t, file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, simulator.Options{}, open)
			r.answering(t, 200, string(text))
			got, err := r.Search(t.Context(), known, consumer(t))
			if err != nil {
				t.Fatal(err)
			}
			var numbers, scores, genders []string
			for _, m := range got.Matches {
				numbers, scores, genders = append(numbers, m.Current.Digits()), append(scores, m.Score), append(genders, m.Person.Gender)
				if m.Restriction != want.Restriction {
					t.Errorf("restriction %d", m.Restriction)
				}
				if m.Restriction != pds.Unrestricted && (len(m.Person.Address) > 0 || len(m.Person.Extensions) > 0) {
					t.Error("a restricted person's record is told whole")
				}
			}
			if file == "youds_searchset.json" && !slices.Equal(genders, []string{"male", "female", "unknown", "other"}) {
				t.Errorf("genders %q", genders)
			}
			if want.Numbers != "" && strings.Join(numbers, " ") != want.Numbers || strings.Join(scores, " ") != want.Scores {
				t.Errorf("%q with %q", numbers, scores)
			}
		})
	}
	for file, want := range map[string]pb.ErrorReason{
		"TOO_MANY_MATCHES.json":                                 pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES,
		"john_paul_smith_searchset.json":                        pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, // its number fails the check digit
		"search_patient_9000000009.json":                        pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, // a bare Patient
		"../operation-outcomes-spine/NOT_SUPPORTED_SEARCH.json": pb.ErrorReason_ERROR_REASON_ANSWER_INVALID,
	} {
		bubble(t, file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, simulator.Options{}, open)
			r.answering(t, 200, string(text))
			if _, err := r.Search(t.Context(), known, consumer(t)); fault.ReasonOf(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// A deadline holds for a search too, and says where the time went.
func TestASearchThatIsNotAnswered(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		if _, err := r.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Delay: time.Hour}); err != nil {
			t.Fatal(err)
		}
		_, err := r.Search(t.Context(), known, consumer(t))
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT {
			t.Errorf("%v", err)
		}
	})
}
