package audit_test

import (
	"database/sql"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/spinegate/spinegate/internal/audit"
)

// damage breaks a trail under the store that writes it, until repair is called.
func damage(t *testing.T, c audit.Config) (repair func()) {
	t.Helper()
	db, err := sql.Open("sqlite", c.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	rename := func(from, to string) {
		if _, err := db.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Fatal(err)
		}
	}
	rename("entry", "lost")
	return func() { rename("lost", "entry") }
}

func TestAnUnwritableTrailStopsCallsAndSaysSoAfterwards(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, c)
		under := s.Begin(audit.Call{Method: "under way"})
		under.SetCaller(clinician(t))
		if err := under.Attempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		repair := damage(t, c)

		if err := under.Access(t.Context(), audit.Access{Hop: "PDS"}); err == nil {
			t.Error("an access was allowed that could not be recorded")
		}
		if err := under.Release(t.Context(), audit.Release{}); err == nil {
			t.Error("a release was allowed that could not be recorded")
		}
		refused := s.Begin(audit.Call{Method: "refused"})
		refused.SetCaller(clinician(t))
		start := time.Now()
		if err := refused.Attempt(t.Context()); err == nil {
			t.Error("an attempt was allowed that could not be recorded")
		}
		if err := refused.Attempt(t.Context()); err == nil {
			t.Error("the second attempt of a refused call was allowed")
		}
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("refusing took %v", took)
		}
		if err := s.Healthy(); err == nil {
			t.Error("the store calls itself healthy")
		}

		repair()
		for s.Healthy() != nil { // as a health check asks
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			if time.Since(start) > time.Minute {
				t.Fatal("it does not heal")
			}
		}
		if err := refused.Attempt(t.Context()); err == nil {
			t.Error("an attempt that had failed was allowed later")
		}
		if err := refused.Access(t.Context(), audit.Access{Hop: "PDS"}); err == nil {
			t.Error("an access was allowed whose attempt had failed")
		}
		for _, r := range []*audit.Record{under, refused} {
			if err := r.Outcome(t.Context(), audit.Outcome{Code: "UNAVAILABLE", Reason: "AUDIT_UNAVAILABLE", Hop: "AUDIT"}); err != nil {
				t.Errorf("the outcome after it healed = %v", err)
			}
			want := []audit.Kind{audit.KindAttempt, audit.KindOutcome}
			if diff := cmp.Diff(want, kinds(entries(t, s.Reader, audit.Query{ID: r.ID()}))); diff != "" {
				t.Errorf("what is left of the call (-want +got):\n%s", diff)
			}
		}
		resumed := 0
		for i, e := range entries(t, s.Reader, audit.Query{}) {
			if e.Seq != audit.Seq(i+1) {
				t.Errorf("entry %d has number %d", i+1, e.Seq)
			}
			if e.Kind == audit.KindSystem && e.System.Event == audit.EventResumed && strings.Contains(e.System.Detail, "no such table") {
				resumed++
			}
		}
		if resumed != 1 {
			t.Errorf("the trail says %d times that it was interrupted, want once", resumed)
		}
	})
}
