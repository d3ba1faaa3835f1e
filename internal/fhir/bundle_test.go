package fhir

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spinegate/spinegate/internal/nhs"
)

// numbers are test numbers.
func numbers(tb testing.TB, which ...int) (out []nhs.Number) {
	tb.Helper()
	for _, i := range which {
		n, err := nhs.ParseNumber([]string{"9990000018", "9990000042"}[i])
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

// read drains a Bundle.
func read(b *BundleReader) ([]*Entry, error) {
	var entries []*Entry
	for {
		e, err := b.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return entries, err
		}
		entries = append(entries, e.Clone())
	}
}

func TestBundleReaderYieldsEntriesAsReceived(t *testing.T) {
	const bundle = ` { "entry" : [
		{ "resource" : {"meta":{"versionId":"7","security":[{"system":"s","code":"NOPAT"}]},"x":1.50,"id":"a","resourceType":"Patient"} , "fullUrl":"urn:a", "search": {"mode" : "match"} },
		{"fullUrl":"urn:b","resource":{ "resourceType":"Observation" ,"subject":{"reference":"Patient\/a"},"contained":[{"id":"p","resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}]},{"patient":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000042"}}}]}},
		{"resourceType":"ProcedureRequest","id":"bare","subject":{"reference":null}}, null, {"resource":null}, {}
	], "type":"collection", "id":"B", "resourceType":"Bundle", "extra":{"entry":[],"subject":{"reference":"Patient/b"}} } `
	b := NewBundleReader(strings.NewReader(bundle), Limits{})
	got, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	want := []*Entry{
		{
			JSON: []byte(`{"meta":{"versionId":"7","security":[{"system":"s","code":"NOPAT"}]},"x":1.50,"id":"a","resourceType":"Patient"}`),
			Rest: []byte(`{"fullUrl":"urn:a","search": {"mode" : "match"}}`), FullURL: "urn:a", ResourceType: "Patient", ID: "a",
			VersionID: "7", Security: []Coding{{System: "s", Code: "NOPAT"}},
		},
		{
			Position: 1, FullURL: "urn:b", ResourceType: "Observation", Rest: []byte(`{"fullUrl":"urn:b"}`),
			JSON:      []byte(`{ "resourceType":"Observation" ,"subject":{"reference":"Patient\/a"},"contained":[{"id":"p","resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}]},{"patient":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000042"}}}]}`),
			Contained: []Contained{{ResourceType: "Patient", ID: "p"}, {}},
			Notes: Notes{
				Subjects: []Subject{{Reference: "Patient/a"}, {Numbers: numbers(t, 1)}},
				Patients: []Inside{{ID: "p", Numbers: numbers(t, 0)}}, Numbers: numbers(t, 0, 1),
			},
		},
		{
			Position: 2, Bare: true, ResourceType: "ProcedureRequest", ID: "bare", Notes: Notes{Subjects: []Subject{{}}},
			JSON: []byte(`{"resourceType":"ProcedureRequest","id":"bare","subject":{"reference":null}}`),
		},
		{Position: 3, Bare: true, JSON: []byte("null")},
		{Position: 4, Bare: true, JSON: []byte(`{"resource":null}`)},
		{Position: 5, Bare: true, JSON: []byte(`{}`)},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Entry{}), cmp.Comparer(func(a, b nhs.Number) bool { return a == b }),
		cmpopts.IgnoreFields(Entry{}, "Raw", "End", "References")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Notes{Subjects: []Subject{{Reference: "Patient/b"}}}, b.TailNotes(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("notes of the tail (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Header{ResourceType: "Bundle", Type: "collection", ID: "B"}, b.Header()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	checkWhole(t, b, got, []byte(bundle))
}

// checkWhole proves that the Raw of the entries and the tail are the content, and that the digest is right.
func checkWhole(t *testing.T, b *BundleReader, entries []*Entry, content []byte) {
	t.Helper()
	var raw []byte
	for _, e := range entries {
		raw = append(raw, e.Raw...)
		if int64(len(raw)) != e.End {
			t.Errorf("entry %d ends at %d by its Raw, says %d", e.Position, len(raw), e.End)
		}
		if !bytes.Contains(e.Raw, e.JSON) {
			t.Errorf("entry %d: JSON is not in Raw", e.Position)
		}
	}
	raw = append(raw, b.Tail()...)
	if !bytes.Equal(raw, content) {
		t.Errorf("Raw and Tail hold %d bytes that differ from the %d of the content", len(raw), len(content))
	}
	if b.Length() != int64(len(content)) || b.SHA256() != sha256.Sum256(content) {
		t.Error("length or digest is not the content's")
	}
}

func TestBundleReaderRefuses(t *testing.T) {
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"nothing", "", ErrCutShort},
		{"a byte order mark and nothing", "\ufeff", ErrCutShort},
		{"another value", `[]`, ErrNotBundle},
		{"another resource", `{"resourceType":"Patient","entry":[]}`, ErrNotBundle},
		{"no resource type", `{"entry":[]}`, ErrNotBundle},
		{"another resource after its entries", `{"entry":[{"resource":{}}],"resourceType":"List"}`, ErrNotBundle},
		{"a cut object", `{"resourceType":"Bundle","entry":[{"resource":{}}]`, ErrCutShort},
		{"a cut entry", `{"resourceType":"Bundle","entry":[{"resource":{"a":1`, ErrCutShort},
		{"a cut name", `{"resourceTy`, ErrCutShort},
		{"a cut literal", `{"resourceType":"Bundle","entry":nul`, ErrCutShort},
		{"a cut character", "{\"resourceType\":\"Bundle\",\"x\":\"\xe2\x82", ErrCutShort},
		{"a comma too many", `{"resourceType":"Bundle","entry":[],}`, ErrMalformed},
		{"a name twice in the Bundle", `{"resourceType":"Bundle","entry":[],"entry":[]}`, ErrMalformed},
		{"a name twice in an element", `{"resourceType":"Bundle","entry":[{"resource":{},"resource":{}}]}`, ErrMalformed},
		{"a name twice, once escaped", `{"resourceType":"Bundle","entry":[{"resource":{"subject":1,"subj\u0065ct":2}}]}`, ErrMalformed},
		{"bytes that are not UTF-8", "{\"resourceType\":\"Bundle\",\"x\":\"\xff\"}", ErrMalformed},
		{"a second value", `{"resourceType":"Bundle"} {}`, ErrTrailing},
		{"rubbish after the end", `{"resourceType":"Bundle"}<html>`, ErrTrailing},
		{"half a word after the end", `{"resourceType":"Bundle"} tru`, ErrTrailing},
		{"entries that are no array", `{"resourceType":"Bundle","entry":{}}`, ErrMisshapen},
		{"an entry that is text", `{"resourceType":"Bundle","entry":["x"]}`, ErrMisshapen},
		{"a resource that is text", `{"resourceType":"Bundle","entry":[{"resource":"x"}]}`, ErrMisshapen},
		{"depth in an entry", `{"resourceType":"Bundle","entry":[{"resource":{"a":` + deep + `}}]}`, ErrTooDeep},
		{"depth beside the entries", `{"resourceType":"Bundle","a":` + deep + `}`, ErrTooDeep},
		{"a large entry", `{"resourceType":"Bundle","entry":[{"resource":{"a":"` + strings.Repeat("x", 9000) + `"}}]}`, ErrTooLarge},
		{"much white space", `{"resourceType":"Bundle","entry":[` + strings.Repeat(" ", 20000) + `]}`, ErrTooLarge},
		{"many entries", `{"resourceType":"Bundle","entry":[{},{},{},{}]}`, ErrTooLarge},
		{"much in all", `{"resourceType":"Bundle"` + strings.Repeat(" ", 200000) + `}`, ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				b := NewBundleReader(r, Limits{Entry: 8192, Entries: 3, Total: 100_000})
				_, err := read(b)
				if !errors.Is(err, tt.want) {
					t.Errorf("error is %v, want %v", err, tt.want)
				}
				if _, again := b.Next(); !errors.Is(again, tt.want) {
					t.Errorf("the next error is %v, want the same", again)
				}
				if b.Tail() != nil {
					t.Error("there is a tail")
				}
			}
		})
	}
}

func TestBundleReaderTolerates(t *testing.T) {
	for _, in := range []string{
		`{"resourceType":"Bundle"}`, `{"resourceType":"Bundle","entry":[]}`, `{"resourceType":"Bundle","entry":null}`,
		"\ufeff{\"resourceType\":\"Bundle\",\"entry\":[]}\r\n\t ", `{"resourceType":"Bundle","id":7,"type":{}}`,
	} {
		b := NewBundleReader(iotest.OneByteReader(strings.NewReader(in)), Limits{})
		got, err := read(b)
		if err != nil || len(got) != 0 {
			t.Errorf("%q: %d entries, %v", in, len(got), err)
		}
		checkWhole(t, b, nil, []byte(in))
	}
}

func TestBundleReaderGivesAnOutcomeThatCameInstead(t *testing.T) {
	const outcome = `{"issue":[{"severity":"error"}],"resourceType":"OperationOutcome","x":{}}`
	for name, tt := range map[string]struct{ in, want string }{
		"whole":     {outcome, outcome},
		"cut":       {outcome[:len(outcome)-4], ""},
		"too large": {outcome[:70] + strings.Repeat(" ", 100_000) + outcome[70:], ""},
		"not one":   {`{"resourceType":"Parameters","parameter":[]}`, ""},
	} {
		_, err := NewBundleReader(strings.NewReader(tt.in), Limits{}).Next()
		refused, ok := errors.AsType[*NotBundleError](err)
		if !ok {
			t.Fatalf("%s: error is %v", name, err)
		}
		if string(refused.Content) != tt.want {
			t.Errorf("%s: content is %q, want %q", name, refused.Content, tt.want)
		}
	}
}

func TestBundleReaderPassesOnWhatTheSourceSays(t *testing.T) {
	broken := errors.New("connection reset")
	const whole = `{"resourceType":"Bundle","entry":[]}`
	for _, in := range []string{whole[:20], whole} {
		_, err := NewBundleReader(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), Limits{}).Next()
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes the error is %v, want the source's", len(in), err)
		}
		_, err = NewBundleReader(io.MultiReader(strings.NewReader(in), iotest.ErrReader(io.ErrUnexpectedEOF)), Limits{}).Next()
		if !errors.Is(err, ErrCutShort) {
			t.Errorf("after %d bytes the error is %v, want a cut", len(in), err)
		}
	}
}

func TestBundleReaderErrorsTellNothing(t *testing.T) {
	for _, in := range []string{
		`{"resourceType":"Bundle","9990000018":1,"9990000018":2}`,
		`{"resourceType":"Bundle","entry":[{"resource":{"TESTWELL":1,"TESTWELL":2}}]}`,
		`{"resourceType":"Bundle","entry":[{"resource":{"TESTWELL":9990000018x}}]}`,
		`{"resourceType":"TESTWELL 9990000018"}`,
	} {
		_, err := read(NewBundleReader(strings.NewReader(in), Limits{}))
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := fmt.Sprintf("%v", e); strings.Contains(text, "9990000018") || strings.Contains(text, "TESTWELL") {
				t.Errorf("an error tells of the content: %q", text)
			}
		}
	}
}

// bundles are the published ones; the test is skipped where there are none.
func bundles(tb testing.TB) []string {
	tb.Helper()
	const root = "../../../shared/fixtures/gpconnect"
	var paths []string
	for _, pattern := range []string{"structured/*.json", "structured/*/*_response*.json", "structured/[eil]*/*.json", "structured/spec-1.6.2/s*.json"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		tb.Skip("published bundles are not beside the checkout (" + root + ")")
	}
	return paths
}

func TestBundleReaderOnPublishedBundles(t *testing.T) {
	for _, path := range bundles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				ResourceType string
				Entry        []jsontext.Value
			}
			err = json.Unmarshal(bytes.TrimPrefix(content, []byte("\ufeff")), &want, json.MatchCaseInsensitiveNames(true))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []io.Reader{bytes.NewReader(content), iotest.HalfReader(bytes.NewReader(content))} {
				b := NewBundleReader(r, Limits{})
				got, err := read(b)
				if err != nil {
					t.Fatal(err)
				}
				checkWhole(t, b, got, content)
				if len(got) != len(want.Entry) {
					t.Fatalf("%d entries, want %d", len(got), len(want.Entry))
				}
				for i, e := range got {
					var element struct {
						Resource jsontext.Value `json:"resource"`
					}
					if err := json.Unmarshal(want.Entry[i], &element); err != nil {
						t.Fatal(err)
					}
					exact := element.Resource
					if exact == nil {
						exact = want.Entry[i]
					}
					if !bytes.Equal(exact, e.JSON) || e.Bare != (element.Resource == nil) {
						t.Errorf("entry %d differs from the file", i)
					}
					var resource struct {
						ResourceType string `json:"resourceType"`
						ID           string `json:"id"`
					}
					if err := json.Unmarshal(exact, &resource); err != nil || resource.ResourceType != e.ResourceType || resource.ID != e.ID {
						t.Errorf("entry %d: peeked %s/%s (%v)", i, e.ResourceType, e.ID, err)
					}
				}
			}
		})
	}
}

func TestBundleReaderNoticesEveryCut(t *testing.T) {
	const whole = `{"resourceType":"Bundle","id":"x","entry":[{"resource":{"resourceType":"List","n":-1.5e3,"t":"\u20ac€"}},null],"type":"collection"}`
	for at := range len(whole) {
		_, err := read(NewBundleReader(strings.NewReader(whole[:at]), Limits{}))
		if !errors.Is(err, ErrCutShort) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: error is %v", at, err)
		}
	}
}

func FuzzBundleReader(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"List","id":"1"},"fullUrl":"x"},{},null]}`))
	f.Add([]byte("\ufeff{\"entry\":[{\"fullUrl\":\"\",\"resource\":{\"subject\":[{\"reference\":\"Patient/1\"}]}}],\"resourceType\":\"Bundle\"} "))
	f.Add([]byte(`{"resourceType":"OperationOutcome"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		limits := Limits{Entry: 1 << 16, Total: 1 << 18}
		b := NewBundleReader(bytes.NewReader(content), limits)
		entries, err := read(b)
		slow := NewBundleReader(iotest.OneByteReader(bytes.NewReader(content)), limits)
		same, sameErr := read(slow)
		if len(entries) != len(same) || (err == nil) != (sameErr == nil) {
			t.Fatalf("read at once: %d entries, %v; byte by byte: %d, %v", len(entries), err, len(same), sameErr)
		}
		if err == nil {
			checkWhole(t, b, entries, content)
			checkWhole(t, slow, same, content)
		}
		for _, e := range entries {
			if !jsontext.Value(e.JSON).IsValid() || len(e.Rest) > 0 && !jsontext.Value(e.Rest).IsValid() {
				t.Fatalf("entry %d is not JSON", e.Position)
			}
		}
	})
}

func BenchmarkBundleReader(b *testing.B) {
	var content bytes.Buffer
	content.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[`)
	for i := range 4560 {
		if i > 0 {
			content.WriteByte(',')
		}
		fmt.Fprintf(&content, `{"resource":{"resourceType":"Observation","id":"%d","meta":{"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-Observation-1"],"versionId":"5087458325640980463"},"identifier":[{"system":"https://example.com","value":"%d"}],"status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"37331000000100","display":"Comment note","userSelected":true}],"text":"A test observation that somebody made up"},"subject":{"reference":"Patient/14"},"effectiveDateTime":"2019-03-28T10:30:00+00:00","issued":"2019-03-28T10:30:00.000+00:00","performer":[{"reference":"Practitioner/5"}],"valueQuantity":{"value":1.50,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},"comment":"%s"}}`,
			i, i, strings.Repeat("free text ", 20))
	}
	content.WriteString(`]}`)
	b.SetBytes(int64(content.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r := NewBundleReader(bytes.NewReader(content.Bytes()), Limits{})
		for {
			if _, err := r.Next(); err != nil {
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				break
			}
		}
	}
}
