package gpconnect

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

const (
	askedDigits = "9990000018"
	otherDigits = "9990000042"
)

func number(tb testing.TB, digits string) nhs.Number {
	tb.Helper()
	n, err := nhs.ParseNumber(digits)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// told is what a Record yielded.
type told struct {
	patient  *Patient
	entries  []*Entry
	warnings []Warning
	indexes  []Index
	raw      []byte
	tail     bool
	summary  *Summary
	order    string // one letter an event
	err      error
}

// drain reads a Record to its end. Events are copied, as they are valid until the next call only.
func drain(r *Record) (out told) {
	defer r.Close()
	for {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			out.err = err
			return out
		}
		switch e := event.(type) {
		case *Patient:
			out.patient, out.order = e, out.order+"P"
		case *Entry:
			out.entries = append(out.entries, &Entry{Entry: e.Clone(), Told: e.Told})
			out.raw, out.order = append(out.raw, e.Raw...), out.order+"e"
		case *Warning:
			out.warnings, out.order = append(out.warnings, *e), out.order+"w"
		case *Tail:
			out.raw, out.tail, out.order = append(out.raw, e.Raw...), true, out.order+"t"
		case *Index:
			out.indexes, out.order = append(out.indexes, *e), out.order+"i"
		case *Summary:
			out.summary, out.order = e, out.order+"S"
		}
	}
}

// open reads content as the answer for the number asked.
func open(tb testing.TB, content io.Reader, s Selection, c Config) *Record {
	tb.Helper()
	return New(nil, c).newRecord(content, number(tb, askedDigits), s)
}

func readRecord(tb testing.TB, content string, s Selection) told {
	tb.Helper()
	return drain(open(tb, strings.NewReader(content), s, Config{}))
}

// bundleOf is a Bundle of resources.
func bundleOf(resources ...string) string {
	var entries []string
	for _, r := range resources {
		entries = append(entries, `{"resource":`+r+`}`)
	}
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
}

// patientOf is a Patient of a number.
func patientOf(id, digits string) string {
	return `{"resourceType":"Patient","id":"` + id + `","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + digits +
		`"}],"name":[{"use":"official","family":"TESTWELL","given":["Ada"]}],"gender":"female","birthDate":"1970-02-01","address":[{"postalCode":"ZZ99 9ZZ"}],"managingOrganization":{"reference":"Organization/o"}}`
}

func listOf(code string, references ...string) string {
	var items []string
	for _, r := range references {
		items = append(items, `{"item":{"reference":"`+r+`"}}`)
	}
	return `{"resourceType":"List","code":{"coding":[{"system":"http://snomed.info/sct","code":"` + code +
		`"}]},"subject":{"reference":"Patient/p"},"entry":[` + strings.Join(items, ",") + `]}`
}

const (
	problemsList     = "717711000000103"
	allergiesList    = "886921000000105"
	endedList        = "1103671000000101"
	medicationsList  = "933361000000108"
	condition        = `{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"}}`
	theOrganization  = `{"resourceType":"Organization","id":"o","name":"Riverside Surgery","identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"A20047"}]}`
	numberSystemJSON = `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`
)

func problems() Selection { return Selection{Problems: []ProblemFilter{{}}} }

func TestRecordTellsThePatientFirstWhereverItStands(t *testing.T) {
	thePatient := patientOf("p", askedDigits)
	list := listOf(problemsList, "Condition/c")
	for name, resources := range map[string][]string{
		"first":  {thePatient, condition, list, theOrganization},
		"middle": {list, thePatient, condition, theOrganization},
		"last":   {condition, theOrganization, list, thePatient},
	} {
		t.Run(name, func(t *testing.T) {
			content := bundleOf(resources...)
			got := readRecord(t, content, problems())
			if got.err != nil {
				t.Fatal(got.err)
			}
			if got.order != "PeeeetiS" {
				t.Errorf("order of events is %s", got.order)
			}
			want := &Patient{
				ID: "p", Name: Name{Use: "official", Family: "TESTWELL", Given: []string{"Ada"}}, Gender: "female",
				BirthDate: "1970-02-01", PostalCode: "ZZ99 9ZZ", Practice: Practice{ODS: "A20047", Name: "Riverside Surgery"},
			}
			if diff := cmp.Diff(want, got.patient, cmpopts.IgnoreFields(Patient{}, "Number", "Entry")); diff != "" {
				t.Errorf("patient (-want +got):\n%s", diff)
			}
			if string(got.patient.Entry.JSON) != thePatient || got.patient.Number.Digits() != askedDigits {
				t.Error("the Patient event is not the Patient's entry")
			}
			for i, e := range got.entries {
				if string(e.JSON) != resources[i] || e.Told != (resources[i] == thePatient) {
					t.Errorf("entry %d is %s", i, e.JSON)
				}
			}
			if string(got.raw) != content {
				t.Error("the raw bytes are not the content")
			}
			wantSummary := &Summary{
				Verdict: Whole, Entries: 4, Length: int64(len(content)), SHA256: sha256.Sum256([]byte(content)),
				Practice: Practice{ODS: "A20047", Name: "Riverside Surgery"},
			}
			for _, a := range Areas() {
				wantSummary.Areas = append(wantSummary.Areas, AreaResult{Area: a, Status: NotRequested})
			}
			wantSummary.Areas[Problems-1] = AreaResult{Area: Problems, Status: Complete, Listed: 1}
			if diff := cmp.Diff(wantSummary, got.summary, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]Index{{Area: Problems, Listed: []string{"Condition/c"}}}, got.indexes, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("index (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordRefusesAnotherPerson(t *testing.T) {
	right, list := patientOf("p", askedDigits), listOf(problemsList)
	for _, tt := range []struct {
		name     string
		bundle   string
		reason   pb.ErrorReason
		released int // entries
	}{
		{"another patient", bundleOf(patientOf("p", otherDigits), condition), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 0},
		{"another patient, last", bundleOf(condition, list, patientOf("p", otherDigits)), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 0},
		{"nobody", bundleOf(condition, list), pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT, 0},
		{"no entries", `{"resourceType":"Bundle"}`, pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT, 0},
		{"nobody, though a subject is somebody", bundleOf(`{"resourceType":"List","subject":{"identifier":` + numberSystemJSON + otherDigits + `"}}}`), pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT, 0},
		{"a patient without a number", bundleOf(`{"resourceType":"Patient","id":"p"}`), pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED, 0},
		{"a patient with a bad check digit", bundleOf(patientOf("p", "9990000019")), pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED, 0},
		{"a patient with two numbers", bundleOf(strings.Replace(right, `"identifier":[`, `"identifier":[`+numberSystemJSON+otherDigits+`"},`, 1)), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 0},
		{"a patient that cannot be read", bundleOf(`{"resourceType":"Patient","id":"p","identifier":"x"}`), pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED, 0},
		{"a second patient", bundleOf(right, theOrganization, condition, patientOf("q", otherDigits)), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 3},
		{"a second patient without a number", bundleOf(right, theOrganization, `{"resourceType":"Patient","id":"q"}`), pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED, 2},
		{"another subject", bundleOf(right, theOrganization, `{"resourceType":"List","subject":{"reference":"Patient/p","identifier":`+numberSystemJSON+otherDigits+`"}}}`), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another subject, spaced out", bundleOf(right, theOrganization, `{"resourceType":"List","subject":{"identifier":`+numberSystemJSON+`999 000 0042"}}}`), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another subject, escaped", bundleOf(right, theOrganization, `{"resourceType":"List","s\u0075bject":{"identifier":{"valu\u0065":"999000004\u0032","system":"https://fhir.nhs.uk/Id/nhs-number"}}}`), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another subject held earlier", bundleOf(`{"resourceType":"Observation","subject":{"identifier":`+numberSystemJSON+otherDigits+`"}}}`, right), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 0},
		{"another subject deep inside", bundleOf(right, theOrganization, `{"resourceType":"X","a":[{"b":{"patient":{"identifier":`+numberSystemJSON+otherDigits+`"}}}}]}`), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another subject in a contained resource", bundleOf(right, theOrganization, `{"resourceType":"List","contained":[{"patient":{"identifier":`+numberSystemJSON+otherDigits+`"}},"resourceType":"AllergyIntolerance"}]}`), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another patient contained", bundleOf(right, theOrganization, `{"subject":{"reference":"#x"},"contained":[{"id":"x","identifier":[`+numberSystemJSON+otherDigits+`"}],"resourceType":"Patient"}],"resourceType":"Condition"}`), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another patient as a bare resource", strings.Replace(bundleOf(right, theOrganization, `{}`), `{"resource":{}}`, patientOf("q", otherDigits), 1), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 2},
		{"another number by an older system", bundleOf(strings.ReplaceAll(patientOf("p", otherDigits), "https://fhir.nhs.uk/Id", "http://fhir.nhs.net/Id")), pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 0},
		{"no Bundle", `{"resourceType":"OperationOutcome","issue":[{"severity":"error","details":{"coding":[{"code":"X"}]}}]}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 0},
		{"no JSON", `<html>`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 0},
		{"no Bundle after all", strings.Replace(bundleOf(right, theOrganization), `"Bundle"`, `"Parameters"`, 1), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 0},
		{"rubbish behind", bundleOf(right, theOrganization) + `{}`, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 2},
		{"depth", bundleOf(right, theOrganization, `{"a":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`}`), pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 2},
	} {
		for _, slow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s slow=%t", tt.name, slow), func(t *testing.T) {
				var content io.Reader = strings.NewReader(tt.bundle)
				if slow {
					content = iotest.OneByteReader(content)
				}
				r := open(t, content, problems(), Config{})
				got := drain(r)
				if reason := fault.ReasonOf(got.err); reason != tt.reason {
					t.Errorf("error is %v, want %v", got.err, tt.reason)
				}
				if len(got.entries) != tt.released || got.summary != nil || got.tail || (tt.released == 0) != (got.patient == nil) {
					t.Errorf("released %s, want %d entries and no end", got.order, tt.released)
				}
				if r.pool.free != 256<<20 {
					t.Error("memory was not given back")
				}
				for e := got.err; e != nil; e = errors.Unwrap(e) {
					if text := fmt.Sprintf("%v", e); regexp.MustCompile(`[0-9]{9}|TESTWELL`).MatchString(text) {
						t.Errorf("the error tells of the patient: %s", text)
					}
				}
			})
		}
	}
}

func TestRecordCountsSubjectsThatLeadNowhere(t *testing.T) {
	content := bundleOf(
		`{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/gone"}}`,
		`{"resourceType":"Observation","id":"2","subject":{"reference":"Patient/q"}}`,
		patientOf("p", askedDigits), theOrganization, listOf(problemsList),
		`{"resourceType":"Observation","id":"3","subject":{"display":"somebody"}}`,
		`{"resourceType":"Observation","id":"4","subject":{"identifier":`+numberSystemJSON+`1234567890"}}}`,
		`{"resourceType":"Observation","id":"5","subject":{"identifier":`+numberSystemJSON+askedDigits+`"},"reference":"Patient/elsewhere"}}`,
		`{"resourceType":"Observation","id":"6","subject":{"reference":"Patient/p/_history/2"}}`,
		`{"resourceType":"Observation","id":"7","subject":{"reference":"#x"},"contained":[{"resourceType":"Patient","id":"x"}]}`,
		patientOf("q", askedDigits),
	)
	got := readRecord(t, content, problems())
	if got.err != nil {
		t.Fatal(got.err)
	}
	want := []Warning{
		{Kind: RepeatedEntry, Position: 10, Total: 1},
		{Kind: SubjectUnresolved, Position: -1, Total: 4},
	}
	if diff := cmp.Diff(want, got.warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if got.summary.Verdict != Warned || got.summary.Warnings != 2 {
		t.Errorf("verdict %v with %d warnings", got.summary.Verdict, got.summary.Warnings)
	}
}

func TestRecordIsTheSameWhateverTheOrderOfMembers(t *testing.T) {
	content := `{"entry":[{"fullUrl":"urn:x","resource":` + `{"entry":[{"item":{"reference":"Condition/c"}}],"subject":{"reference":"Patient/p"},"code":{"coding":[{"code":"` + problemsList + `","system":"http://snomed.info/sct"}]},"resourceType":"List"}` +
		`},{"resource":{"subject":{"reference":"Patient/p"},"id":"c","resourceType":"Condition"}},{"resource":{"identifier":[{"value":"` + askedDigits + `","system":"https://fhir.nhs.uk/Id/nhs-number"}],"id":"p","resourceType":"Patient"},"search":{}}],"type":"collection","resourceType":"Bundle"}`
	got := readRecord(t, content, problems())
	if got.err != nil || got.order != "PeeetiS" || got.summary.Verdict != Whole {
		t.Errorf("%s, verdict %+v, %v", got.order, got.summary, got.err)
	}
	wrong := strings.Replace(content, `"identifier":[`, `"identifier":[{"value":"`+otherDigits+`","system":"https://fhir.nhs.uk/Id/nhs-number"},`, 1)
	if got := readRecord(t, wrong, problems()); fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_WRONG_PATIENT || got.order != "" {
		t.Errorf("%s, %v", got.order, got.err)
	}
}

func TestRecordHoldsNoMoreThanItMay(t *testing.T) {
	filler := `{"resourceType":"Observation","comment":"` + strings.Repeat("x", 10_000) + `"}`
	late := bundleOf(filler, filler, filler, filler, patientOf("p", askedDigits), listOf(problemsList))
	for _, tt := range []struct {
		name    string
		content string
		config  Config
		reason  pb.ErrorReason
	}{
		{"within", late, Config{HeldPerCall: 60_000}, pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
		{"beyond the call's", late, Config{HeldPerCall: 30_000}, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_SEEN},
		{"beyond what all have", late, Config{HeldInAll: 30_000}, pb.ErrorReason_ERROR_REASON_OVERLOADED},
		{"many small entries", bundleOf(strings.Split(strings.Repeat(`{},`, 1000)+`{}`, ",")...), Config{HeldPerCall: 60_000}, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_SEEN},
		{"little is enough when the patient is first", bundleOf(patientOf("p", askedDigits), theOrganization, filler, filler, listOf(problemsList)), Config{HeldPerCall: 4000}, pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t, strings.NewReader(tt.content), problems(), tt.config)
			before := r.pool.free
			got := drain(r)
			if reason := fault.ReasonOf(got.err); reason != tt.reason {
				t.Errorf("error is %v, want %v", got.err, tt.reason)
			}
			if (got.err != nil) != (got.order == "") {
				t.Errorf("released %s", got.order)
			}
			if r.pool.free != before {
				t.Errorf("%d bytes are free, %d were", r.pool.free, before)
			}
		})
	}
}

func TestRecordGivesMemoryBackOnceNothingIsHeld(t *testing.T) {
	filler := `{"resourceType":"Observation","comment":"` + strings.Repeat("x", lookAheadBytes) + `"}`
	r := open(t, strings.NewReader(bundleOf(condition, patientOf("p", askedDigits), filler, filler, filler)), problems(), Config{})
	for events := 0; ; events++ {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if r.pool.free == 256<<20 {
			// Held were the patient, told twice, what stood before it and one entry behind it.
			if events != 4 {
				t.Errorf("memory was given back after %d events", events)
			}
			return
		}
	}
}

func TestRecordGivesMemoryBackWhenClosedEarly(t *testing.T) {
	r := open(t, strings.NewReader(bundleOf(condition, patientOf("p", askedDigits))), problems(), Config{})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if r.pool.free == 256<<20 {
		t.Error("nothing was taken from the pool while entries are held")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r.pool.free != 256<<20 {
		t.Error("memory was not given back")
	}
	if event, err := r.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a closed record yields %T, %v", event, err)
	}
}

func TestRecordThatIsCutNeverHasASummary(t *testing.T) {
	content := bundleOf(condition, patientOf("p", askedDigits), theOrganization, listOf(problemsList, "Condition/c"), listOf(allergiesList))
	for percent := range 101 {
		at := len(content) * percent / 100
		got := readRecord(t, content[:at], problems())
		if at == len(content) {
			if got.err != nil || got.summary == nil {
				t.Errorf("the whole: %v", got.err)
			}
			continue
		}
		if fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT || got.summary != nil || got.tail || len(got.indexes) > 0 {
			t.Errorf("cut at %d of %d: %s, %v", at, len(content), got.order, got.err)
		}
	}
}

func TestRecordPassesOnWhatTheTransportSays(t *testing.T) {
	broken := fault.New(pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, io.ErrUnexpectedEOF)
	content := bundleOf(patientOf("p", askedDigits))
	for _, at := range []int{10, len(content)} {
		r := open(t, io.MultiReader(strings.NewReader(content[:at]), iotest.ErrReader(broken)), problems(), Config{})
		if got := drain(r); fault.Of(got.err) != broken || got.summary != nil {
			t.Errorf("after %d bytes: %v", at, got.err)
		}
	}
}

// published are the bundles that NHS England's projects publish; tests are skipped where there are none.
func published(tb testing.TB) []string {
	tb.Helper()
	const root = "../../../shared/fixtures/gpconnect/structured"
	var paths []string
	for _, pattern := range []string{"*.json", "emis-real/*.json", "invalid/*.json", "large/*.json", "spec-1.6.2/*.json"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range found {
			if !strings.Contains(path, "_request") {
				paths = append(paths, path)
			}
		}
	}
	if len(paths) == 0 {
		tb.Skip("published bundles are not beside the checkout (" + root + ")")
	}
	return paths
}

// publishedBundle is what a test needs to know of a bundle, read in another way than the Record reads it.
type publishedBundle struct {
	content   []byte
	resources []jsontext.Value
	patients  int
	listed    map[string]int // items by SNOMED code of the List
}

// readPublished reads a bundle and gives its Patient the number asked for: most carry one whose check digit is wrong.
func readPublished(tb testing.TB, path string) publishedBundle {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	type resource struct {
		ResourceType string `json:"resourceType"`
		Identifier   []struct {
			System string `json:"system"`
			Value  string `json:"value"`
		} `json:"identifier"`
		Code struct {
			Coding []struct {
				System string `json:"system"`
				Code   string `json:"code"`
			} `json:"coding"`
		} `json:"code"`
		Entry []jsontext.Value `json:"entry"`
	}
	parse := func() (b publishedBundle, old string) {
		b = publishedBundle{content: content, listed: map[string]int{}}
		var in struct {
			Entry []jsontext.Value `json:"entry"`
		}
		if err := json.Unmarshal(bytes.TrimPrefix(content, []byte("\ufeff")), &in); err != nil {
			tb.Fatal(err)
		}
		for _, element := range in.Entry {
			var e struct {
				Resource jsontext.Value `json:"resource"`
			}
			if err := json.Unmarshal(element, &e); err != nil {
				tb.Fatal(err)
			}
			if e.Resource == nil {
				e.Resource = element
			}
			b.resources = append(b.resources, e.Resource)
			var kind struct {
				ResourceType string `json:"resourceType"`
			}
			if err := json.Unmarshal(e.Resource, &kind); err != nil {
				tb.Fatal(err)
			}
			if kind.ResourceType != "Patient" && kind.ResourceType != "List" {
				continue
			}
			var r resource
			if err := json.Unmarshal(e.Resource, &r); err != nil {
				tb.Fatal(err)
			}
			switch kind.ResourceType {
			case "Patient":
				b.patients++
				for _, i := range r.Identifier {
					if i.System == nhsNumberSystem {
						old = i.Value
					}
				}
			default:
				for _, c := range r.Code.Coding {
					if c.System == "http://snomed.info/sct" {
						b.listed[c.Code] += len(r.Entry)
					}
				}
			}
		}
		return b, old
	}
	b, old := parse()
	if old != "" {
		pattern := regexp.MustCompile(`("value"\s*:\s*")` + regexp.QuoteMeta(old) + `"`)
		content = pattern.ReplaceAll(content, []byte(`${1}`+askedDigits+`"`))
		b, _ = parse()
	}
	return b
}

// refused are the published bundles that may not pass, and why.
var refused = map[string]pb.ErrorReason{
	"missing-patient-wiremock.json": pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT,
	"no-patient-resource.json":      pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT,
	"split_plan.json":               pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT,
	"skeleton_full_record.json":     pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED,
	// Three of its Lists name another valid number than its Patient (docs/decisions/0003-unresolved-subjects.md).
	"9690937287.structuredRecord.json": pb.ErrorReason_ERROR_REASON_WRONG_PATIENT,
}

func TestRecordOnPublishedBundles(t *testing.T) {
	for _, path := range published(t) {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			want := readPublished(t, path)
			got := drain(open(t, iotest.HalfReader(bytes.NewReader(want.content)), Everything(Version{}), Config{}))
			if reason := fault.ReasonOf(got.err); reason != refused[name] {
				t.Fatalf("error is %v, want %v", got.err, refused[name])
			}
			if got.err != nil {
				if got.summary != nil {
					t.Error("a refused bundle has a summary")
				}
				return
			}
			if !bytes.Equal(got.raw, want.content) || got.summary.SHA256 != sha256.Sum256(want.content) {
				t.Error("raw bytes or digest are not the file's")
			}
			if len(got.entries) != len(want.resources) || got.summary.Entries != len(want.resources) {
				t.Fatalf("%d entries, want %d", len(got.entries), len(want.resources))
			}
			patients := 0
			for i, e := range got.entries {
				if e.Position != i || !bytes.Equal(e.JSON, want.resources[i]) {
					t.Errorf("entry %d is not the file's", i)
				}
				if e.Told {
					patients++
				}
			}
			if patients != 1 || got.order[0] != 'P' || got.order[len(got.order)-1] != 'S' {
				t.Errorf("order of events is %s", got.order)
			}
			listed := map[string]int{}
			for _, code := range []string{
				allergiesList, medicationsList, "1149501000000101", problemsList, "1102181000000102", "826501000000100",
				"887191000000108", "792931000000107", "714311000000108",
			} {
				area, _ := areaOfPrimary(code)
				if n := got.summary.Areas[area-1].Listed; n > 0 {
					listed[code] = n
				}
				if want.listed[code] == 0 {
					delete(want.listed, code)
				}
			}
			for code := range want.listed {
				if area, ended := areaOfPrimary(code); area == 0 || ended {
					delete(want.listed, code)
				}
			}
			if diff := cmp.Diff(want.listed, listed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("items by List (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordOfAPublishedBundleThatIsCut(t *testing.T) {
	for _, path := range published(t) {
		b := readPublished(t, path)
		// One of a supplier and one of the specification: a hundred reads of every bundle would take minutes.
		if supplier := strings.Contains(path, "emis-real") && len(b.content) < 300_000; !supplier && !strings.Contains(path, "meds_response") {
			continue
		}
		for percent := range 100 {
			at := len(b.content) * percent / 100
			got := drain(open(t, bytes.NewReader(b.content[:at]), Everything(Version{}), Config{}))
			if fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT || got.summary != nil || got.tail {
				t.Errorf("%s cut at %d %%: %v", filepath.Base(path), percent, got.err)
			}
			if !bytes.HasPrefix(b.content, got.raw) {
				t.Errorf("%s cut at %d %%: what was released is not the beginning of the content", filepath.Base(path), percent)
			}
		}
	}
}
