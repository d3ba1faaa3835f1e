package audit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/audit"
)

func TestTheOutcomeSaysWhatTheCallFoundOut(t *testing.T) {
	store := open(t, config(t))
	record := store.Begin(audit.Call{Method: "/m"})
	record.Count("List", 2)
	record.Count("Observation", 1)
	record.Count("List", 1)
	record.Content(7, []byte{1})
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
			Code: "OK", Resources: map[string]int{"List": 3, "Observation": 1}, Bytes: 7, SHA256: []byte{1},
			Diagnostics: "the first practice is away\nand the second", Duration: e.Outcome.Duration,
		}
		if diff := cmp.Diff(want, e.Outcome); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return
	}
	t.Error("there is no OUTCOME")
}
