package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
)

func TestTheOutcomeSaysWhatTheCallFoundOut(t *testing.T) {
	store := open(t, config(t))
	record := store.Begin(audit.Call{Method: "/m"})
	record.Count("List", 2)
	record.Count("Observation", 1)
	record.Count("List", 1)
	record.Count("Mrs Smith's record", 1)
	record.Diagnose("the first practice is away")
	record.Diagnose("")
	if err := record.Outcome(t.Context(), audit.Outcome{Code: "OK", Diagnostics: "and the second"}); err != nil {
		t.Fatal(err)
	}
	for e, err := range store.Entries(t.Context(), audit.Query{ID: record.ID(), Kind: audit.KindOutcome}) {
		if err != nil {
			t.Fatal(err)
		}
		want := &audit.Outcome{
			Code: "OK", Resources: map[string]int{"List": 3, "Observation": 1, "Other": 1},
			Diagnostics: "the first practice is away\nand the second", Duration: e.Outcome.Duration,
		}
		if diff := cmp.Diff(want, e.Outcome); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return
	}
	t.Error("there is no OUTCOME")
}

// The names are the practice's, so they may be any text and any number.
func TestManyResourceTypesAreCountedTogether(t *testing.T) {
	store := open(t, config(t))
	record := store.Begin(audit.Call{Method: "/m"})
	for i := range 200 {
		record.Count("T"+strings.Repeat("x", i%100), 1)
	}
	if err := record.Outcome(t.Context(), audit.Outcome{Code: "OK"}); err != nil {
		t.Fatal(err)
	}
	got := entries(t, store.Reader, audit.Query{ID: record.ID(), Kind: audit.KindOutcome})[0].Outcome.Resources
	total := 0
	for _, n := range got {
		total += n
	}
	if len(got) > 65 || total != 200 {
		t.Errorf("%d types and %d resources are counted, want at most 65 and 200", len(got), total)
	}
}

func TestReusedAnswersAreNamedUpToABound(t *testing.T) {
	store := open(t, config(t))
	record := store.Begin(audit.Call{Method: "/m"})
	ods, err := nhs.ParseODSCode("A20047")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 7, 1, 10, 0, 0, 0, nhs.London)
	for range 150 {
		record.Reuse(audit.Reuse{What: "ROUTE", Practice: ods, Interaction: nhs.SearchSlot, RetrievedAt: at})
	}
	if err := record.Outcome(t.Context(), audit.Outcome{Code: "OK"}); err != nil {
		t.Fatal(err)
	}
	got := entries(t, store.Reader, audit.Query{ID: record.ID(), Kind: audit.KindOutcome})[0].Outcome
	want := audit.Reuse{What: "ROUTE", Practice: ods, Interaction: nhs.SearchSlot, RetrievedAt: at.UTC()}
	if len(got.Reused) != 100 || got.ReusedTotal != 150 || got.Reused[99] != want {
		t.Errorf("%d of %d are named, the last %+v", len(got.Reused), got.ReusedTotal, got.Reused[len(got.Reused)-1])
	}
}
