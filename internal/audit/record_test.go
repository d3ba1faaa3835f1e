package audit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
)

func TestACallLeavesItsWholeStory(t *testing.T) {
	s := open(t, config(t))
	caller, patient, practice := clinician(t), number(t, "9990000018"), ods(t, "A20047")
	why := audit.Context{Purpose: "DIRECT_CARE", Relationship: "GP_OUT_OF_HOURS", Device: "ward tablet 7", Session: "visit-7f3a9b1c2d4e5f60"}

	r := s.Begin(audit.Call{Method: "/spinegate.v1.GPConnect/GetStructuredRecord", Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Peer: "192.0.2.7"})
	r.SetCaller(caller)
	r.SetSubject(patient)
	r.SetContext(why)
	r.SetAsked("allergies", "medications")
	r.SetPolicy("7")
	access := audit.Access{
		Hop: "SSP", Method: "POST", Route: "/Patient/$gpc.getstructuredrecord", Interaction: nhs.GetStructuredRecord,
		Practice: practice, SSPTraceID: "629ea9ba-a077-4d99-b289-7a9b19fd4e03", SSPFrom: asid(t, "200000000115"),
		SSPTo: asid(t, "918000000001"), RequestID: "60e0b220-8136-4ca5-ae46-1d97ef59d068",
		CorrelationID: "11c46f5f-cdef-4865-94b2-0ee0edcc26da", Subject: patient, Item: "item 1",
	}
	release := audit.Release{Practice: practice, Interaction: nhs.GetStructuredRecord, Areas: []string{"allergies"}, Differences: []string{"given"}}
	outcome := audit.Outcome{
		Code: "OK", Verdict: "PARTIAL", Resources: map[string]int{"Patient": 1, "List": 2}, Bytes: 4711,
		SHA256: []byte{1, 2, 3}, Diagnostics: "the practice said more than it should",
	}
	for name, err := range map[string]error{
		"access":  r.Access(t.Context(), access),
		"attempt": r.Attempt(t.Context()),
	} {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	r.SetPractice(practice)
	if err := r.Release(t.Context(), release); err != nil {
		t.Fatal(err)
	}
	if err := r.Outcome(t.Context(), outcome); err != nil {
		t.Fatal(err)
	}

	of := func(kind audit.Kind, practice nhs.ODSCode) audit.Entry {
		return audit.Entry{
			Kind: kind, Call: r.ID(), Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Peer: "192.0.2.7",
			Method: "/spinegate.v1.GPConnect/GetStructuredRecord", Caller: caller, Subject: patient, Practice: practice,
			Context: why, Asked: []string{"allergies", "medications"}, Policy: "7",
		}
	}
	want := []audit.Entry{of(audit.KindAttempt, nhs.ODSCode{}), of(audit.KindAccess, nhs.ODSCode{}), of(audit.KindRelease, practice), of(audit.KindOutcome, practice)}
	want[1].Access, want[2].Release, want[3].Outcome = &access, &release, &outcome
	if diff := cmp.Diff(want, entries(t, s.Reader, audit.Query{ID: r.ID()}), untimed); diff != "" {
		t.Errorf("the call's entries (-want +got):\n%s", diff)
	}
}

func TestOneAttemptComesBeforeEverything(t *testing.T) {
	s := open(t, config(t))
	r := s.Begin(audit.Call{Method: "m"})
	r.SetCaller(clinician(t))
	var group sync.WaitGroup
	for i := range 48 {
		group.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				err = r.Attempt(t.Context())
			case 1:
				err = r.Access(t.Context(), audit.Access{Hop: "SSP"})
			case 2:
				err = r.Release(t.Context(), audit.Release{})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, e := range entries(t, s.Reader, audit.Query{ID: r.ID()}) {
		if (e.Kind == audit.KindAttempt) != (i == 0) {
			t.Errorf("entry %d is %s", i, e.Kind)
		}
	}
}

func TestARecordEndsOnce(t *testing.T) {
	s := open(t, config(t))
	r := s.Begin(audit.Call{Method: "m"})
	r.SetCaller(clinician(t))
	var group sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		group.Go(func() { results[i] = r.Outcome(t.Context(), audit.Outcome{Code: "OK"}) })
	}
	group.Wait()
	var ended int
	for _, err := range results {
		switch {
		case err == nil:
			ended++
		case !errors.Is(err, audit.ErrEnded):
			t.Error(err)
		}
	}
	if ended != 1 {
		t.Errorf("%d outcomes were accepted, want 1", ended)
	}
	for name, err := range map[string]error{
		"attempt": r.Attempt(t.Context()), "access": r.Access(t.Context(), audit.Access{}), "release": r.Release(t.Context(), audit.Release{}),
	} {
		if !errors.Is(err, audit.ErrEnded) {
			t.Errorf("%s after the outcome = %v, want ErrEnded", name, err)
		}
	}
	kinds := kinds(entries(t, s.Reader, audit.Query{ID: r.ID()}))
	if diff := cmp.Diff([]audit.Kind{audit.KindAttempt, audit.KindOutcome}, kinds); diff != "" {
		t.Errorf("the entries (-want +got):\n%s", diff)
	}
}

func kinds(entries []audit.Entry) (kinds []audit.Kind) {
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestNothingIsAccessedForNobody(t *testing.T) {
	s := open(t, config(t))
	r := s.Begin(audit.Call{Method: "m"})
	for name, err := range map[string]error{
		"attempt": r.Attempt(t.Context()), "access": r.Access(t.Context(), audit.Access{}), "release": r.Release(t.Context(), audit.Release{}),
	} {
		if !errors.Is(err, audit.ErrNoCaller) {
			t.Errorf("%s without a caller = %v, want ErrNoCaller", name, err)
		}
	}
	if err := r.Outcome(t.Context(), audit.Outcome{Code: "UNAUTHENTICATED", Reason: "TOKEN_MISSING"}); err != nil {
		t.Errorf("the refusal = %v", err)
	}
	got := entries(t, s.Reader, audit.Query{ID: r.ID()})
	if len(got) != 2 || got[1].Outcome == nil || got[1].Outcome.Reason != "TOKEN_MISSING" {
		t.Errorf("the refusal left %v, want an attempt and its outcome", kinds(got))
	}
}

func TestACallWithoutARecordMustNotRun(t *testing.T) {
	r := audit.FromContext(t.Context())
	r.SetCaller(clinician(t))
	r.SetSubject(number(t, "9990000018"))
	for name, err := range map[string]error{
		"attempt": r.Attempt(t.Context()), "access": r.Access(t.Context(), audit.Access{}),
		"release": r.Release(t.Context(), audit.Release{}), "outcome": r.Outcome(t.Context(), audit.Outcome{}),
	} {
		if !errors.Is(err, audit.ErrNoRecord) {
			t.Errorf("%s without a record = %v, want ErrNoRecord", name, err)
		}
	}
	with := open(t, config(t)).Begin(audit.Call{})
	if got := audit.FromContext(audit.NewContext(t.Context(), with)); got != with {
		t.Error("the context does not give back its record")
	}
}

func TestAnEntryShowsWhatWasKnownThen(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, c)
		r := s.Begin(audit.Call{Method: "m"})
		caller := clinician(t)
		r.SetCaller(caller)
		if err := r.Attempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.SetSubject(number(t, "9990000018"))
		caller.Scopes[0] = "changed afterwards"
		time.Sleep(3 * time.Second)
		if err := r.Outcome(context.WithoutCancel(t.Context()), audit.Outcome{Code: "OK"}); err != nil {
			t.Fatal(err)
		}
		got := entries(t, s.Reader, audit.Query{ID: r.ID()})
		if !got[0].Subject.IsZero() || got[1].Subject != number(t, "9990000018") {
			t.Error("the subject is not in the entries that were made after it was known, and in these alone")
		}
		if got[1].Caller.Scopes[0] != "record.read" {
			t.Error("the caller's snapshot changed after it was taken")
		}
		if got[1].Outcome.Duration != 3*time.Second || got[1].At.Sub(got[0].At) != 3*time.Second {
			t.Errorf("the call took %v", got[1].Outcome.Duration)
		}
	})
}

func TestAFloodOfNobodiesIsCounted(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, c)
		refuse := func(peer string) {
			r := s.Begin(audit.Call{Method: "m", Peer: peer})
			if err := r.Outcome(t.Context(), audit.Outcome{Code: "UNAUTHENTICATED", Reason: "TOKEN_MISSING"}); err != nil {
				t.Fatal(err)
			}
			if err := r.Outcome(t.Context(), audit.Outcome{}); !errors.Is(err, audit.ErrEnded) {
				t.Errorf("a second outcome = %v", err)
			}
		}
		for range 500 {
			refuse("192.0.2.66")
		}
		refuse("192.0.2.7") // is not drowned by the other
		known := s.Begin(audit.Call{Method: "m", Peer: "192.0.2.66"})
		known.SetCaller(clinician(t))
		if err := known.Outcome(t.Context(), audit.Outcome{Code: "PERMISSION_DENIED"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		refuse("192.0.2.66") // has some of its allowance again
		full := make(map[string]int)
		var summary audit.Entry
		for _, e := range entries(t, s.Reader, audit.Query{Limit: 1000}) {
			if e.Kind == audit.KindOutcome {
				full[e.Peer]++
			}
			if e.Kind == audit.KindSystem && e.System.Event == audit.EventRefusals {
				summary = e
			}
		}
		if diff := cmp.Diff(map[string]int{"192.0.2.66": 20 + 1 + 1, "192.0.2.7": 1}, full); diff != "" {
			t.Errorf("calls recorded in full (-want +got):\n%s", diff)
		}
		if summary.System == nil || summary.Peer != "192.0.2.66" || summary.System.Count != 480 ||
			summary.System.Reasons["TOKEN_MISSING"] != 480 || summary.At.Sub(summary.System.Since) != 10*time.Second {
			t.Errorf("the summary is %+v of %q", summary.System, summary.Peer)
		}
		for range 100 {
			refuse("192.0.2.66")
		}
		if err := s.Close(); err != nil { // writes what is counted
			t.Fatal(err)
		}
		r, err := audit.OpenReader(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		last := entries(t, r, audit.Query{Limit: 2})
		if last[0].System == nil || last[0].System.Event != audit.EventRefusals || last[0].System.Count == 0 {
			t.Error("what was counted is lost when the store is closed")
		}
	})
}

func TestAFloodFromManyAddressesIsBounded(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, c)
		for i := range 12_000 {
			r := s.Begin(audit.Call{Method: "m", Peer: time.Duration(i).String()})
			if err := r.Outcome(t.Context(), audit.Outcome{Code: "UNAUTHENTICATED", Reason: "TOKEN_MISSING"}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(entries(t, s.Reader, audit.Query{Kind: audit.KindOutcome, Limit: 20_000})); n != 200 {
			t.Errorf("%d calls were recorded in full, want 200", n)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		counted, summaries := 0, 0
		for _, e := range entries(t, s.Reader, audit.Query{Kind: audit.KindSystem, Limit: 20_000}) {
			if e.System.Event == audit.EventRefusals {
				counted += e.System.Count
				summaries++
			}
		}
		if counted != 11_800 || summaries != 20 {
			t.Errorf("%d calls were counted in %d summaries, want 11800 in 20", counted, summaries)
		}
	})
}
