package typed_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/typed"
)

// published is where published supplier bundles lie beside the checkout; they are never part of it.
const published = "../../../shared/fixtures/gpconnect"

// publishedEntry is an element of Bundle.entry.
type publishedEntry struct {
	file     string
	position int
	resource jsontext.Value
}

func publishedEntries(tb testing.TB) []publishedEntry {
	tb.Helper()
	if _, err := os.Stat(published); err != nil {
		tb.Skip("skipped: no published bundles beside the checkout")
	}
	var out []publishedEntry
	err := filepath.WalkDir(published, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var bundle struct {
			ResourceType string `json:"resourceType"`
			Entry        []struct {
				Resource jsontext.Value `json:"resource"`
			} `json:"entry"`
		}
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
		if err := json.Unmarshal(text, &bundle); err != nil || bundle.ResourceType != "Bundle" {
			return nil // requests, single resources, and DSTU2
		}
		name, _ := filepath.Rel(published, path)
		for i, e := range bundle.Entry {
			out = append(out, publishedEntry{filepath.ToSlash(name), i, e.Resource})
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func (p publishedEntry) String() string { return fmt.Sprintf("%s[%d]", p.file, p.position) }

// TestPublishedEntriesHaveForms reads every entry of every published bundle.
func TestPublishedEntriesHaveForms(t *testing.T) {
	// Entries without a form, each with the reason why that is right.
	without := map[string]pb.TypedState{
		// Bare resources that are not wrapped as entries: no resource at all.
		"structured/spec-1.6.2/diaryentries_response1.json[6]": pb.TypedState_TYPED_STATE_UNREADABLE,
		"structured/spec-1.6.2/diaryentries_response1.json[7]": pb.TypedState_TYPED_STATE_UNREADABLE,
	}
	// Types of other answers than records.
	others := []string{"Appointment", "Composition", "Device", "Schedule", "Slot"}
	for _, p := range publishedEntries(t) {
		want, known := without[p.String()]
		if !known {
			want = pb.TypedState_TYPED_STATE_SET
		}
		e := typed.Entry(p.position, p.resource, nil)
		if slices.Contains(others, e.GetResourceType()) {
			want = pb.TypedState_TYPED_STATE_NOT_MODELLED
		}
		if got := e.GetTypedState(); got != want {
			t.Errorf("%v: %v, want %v", p, got, want)
		}
		if !bytes.Equal(e.GetJson(), p.resource) {
			t.Errorf("%v: its JSON changed", p)
		}
	}
}

// leftOut are the members for which forms have no field, by the end of their path.
var leftOut = []string{
	"meta.profile", "meta.lastUpdated", // say nothing of the content
	"extension.url",                         // said by the field that the extension became
	"telecom.rank",                          // an order of preference among telephone numbers
	"ProcedureRequest.status",               // on purpose: hazard 76
	"List.contained.resourceType",           // said by the field
	"List.entry.item:.reference",            // a misspelt member, in one published example
	"Patient.careProvider.reference",        // of an older version of FHIR, in the HTML example
	"Condition.extension.valueCode.display", // a Coding in place of a code
}

// TestFormsSayWhatTheJSONSays compares the values of a form with those of its JSON, in both directions.
func TestFormsSayWhatTheJSONSays(t *testing.T) {
	for _, p := range publishedEntries(t) {
		e := typed.Entry(p.position, p.resource, nil)
		if e.GetTypedState() != pb.TypedState_TYPED_STATE_SET {
			continue
		}
		e.Json, e.Position = nil, 0
		inForm, inJSON := map[string]bool{}, map[string]bool{"": true}
		said(e.ProtoReflect(), func(text string) { inForm[text] = true })
		var ids, decimals []string
		codings := 0
		for _, l := range leaves(t, p.resource) {
			inJSON[l.text] = true
			switch {
			case l.path == "id":
				ids = append(ids, l.text)
			case strings.HasSuffix("."+l.path, ".coding.code"), l.path == "meta.security.code":
				codings++
			case l.number && strings.HasSuffix(l.path, ".value"):
				decimals = append(decimals, l.text)
			}
			full := e.GetResourceType() + "." + l.path
			if l.text != "" && !inForm[l.text] && !slices.ContainsFunc(leftOut, func(end string) bool { return strings.HasSuffix(full, end) }) {
				t.Errorf("%v: %s is not in the form", p, full)
			}
		}
		for text := range inForm {
			if !inJSON[text] {
				t.Errorf("%v: the form says %q and the JSON does not", p, text)
			}
		}
		if got := strings.Join(ids, " "); got != e.GetId() {
			t.Errorf("%v: id %q, want %q", p, e.GetId(), got)
		}
		if got := len(messages(e.ProtoReflect(), "Coding")); got != codings {
			t.Errorf("%v: %d codings, want %d", p, got, codings)
		}
		amounts := amounts(e.ProtoReflect())
		for _, decimal := range decimals { // one by one: how often counts
			at := slices.Index(amounts, decimal)
			if at < 0 {
				t.Errorf("%v: %s is not in the form as it was written", p, decimal)
				continue
			}
			amounts = slices.Delete(amounts, at, at+1)
		}
	}
}

// TestPublishedRecordsAreDivided counts what the Lists of the supplier extracts are for, and what they hold.
func TestPublishedRecordsAreDivided(t *testing.T) {
	for _, p := range publishedEntries(t) {
		list := typed.Entry(p.position, p.resource, nil).GetList()
		if list == nil || !strings.HasPrefix(p.file, "structured/emis-real/") {
			continue
		}
		role, area := list.GetRole(), list.GetArea()
		structure := role == pb.ListRole_LIST_ROLE_STRUCTURE_CONSULTATION || role == pb.ListRole_LIST_ROLE_STRUCTURE_TOPIC ||
			role == pb.ListRole_LIST_ROLE_STRUCTURE_CATEGORY
		if role == pb.ListRole_LIST_ROLE_OTHER || role == pb.ListRole_LIST_ROLE_UNSPECIFIED {
			t.Errorf("%v: a List with code %v has no role", p, list.GetCode())
		}
		if structure != (area == pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED) {
			t.Errorf("%v: a List of role %v has area %v", p, role, area)
		}
		entries := 0
		for _, l := range leaves(t, p.resource) {
			if l.path == "entry.item.reference" {
				entries++
			}
		}
		if len(list.GetEntry()) != entries {
			t.Errorf("%v: %d items, want %d", p, len(list.GetEntry()), entries)
		}
	}
}

func BenchmarkEntry(b *testing.B) {
	var bundle []publishedEntry
	size := 0
	for _, p := range publishedEntries(b) {
		if strings.Contains(p.file, "emis-real/9465700088") {
			bundle = append(bundle, p)
			size += len(p.resource)
		}
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range bundle {
			typed.Entry(p.position, p.resource, nil)
		}
	}
}
