package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/store"
)

func TestNumbersHaveNoGapsAndMeanTheOrder(t *testing.T) {
	c := config(t)
	s := open(t, c)
	var mu sync.Mutex
	told := make(map[audit.Seq]string)
	var group sync.WaitGroup
	for writer := range 16 {
		group.Go(func() {
			last := audit.Seq(0)
			for i := range 25 {
				id := fmt.Sprintf("%d/%d", writer, i)
				seq, err := s.Append(t.Context(), audit.Entry{Kind: audit.KindSystem, System: &audit.System{Event: "TEST", Detail: id}})
				if err != nil {
					t.Error(err)
					return
				}
				if seq <= last {
					t.Errorf("number %d came after %d", seq, last)
				}
				last = seq
				mu.Lock()
				told[seq] = id
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c) // which numbers on
	all := entries(t, s.Reader, audit.Query{Limit: 1000})
	if len(all) != 16*25+3 {
		t.Fatalf("%d entries, want 400, two STARTs and a STOP", len(all))
	}
	for i, e := range all {
		if e.Seq != audit.Seq(i+1) {
			t.Fatalf("entry %d has number %d", i+1, e.Seq)
		}
		if e.At.Location() != time.UTC || time.Since(e.At).Abs() > time.Minute {
			t.Errorf("entry %d was made at %v", e.Seq, e.At)
		}
		if id, ok := told[e.Seq]; ok && id != e.System.Detail {
			t.Errorf("number %d was told to %s and belongs to %s", e.Seq, id, e.System.Detail)
		}
	}
	for at, want := range map[int]audit.System{
		0: {Event: audit.EventStart, Version: "test"}, len(all) - 2: {Event: audit.EventStop}, len(all) - 1: {Event: audit.EventStart, Version: "test"},
	} {
		if diff := cmp.Diff(&want, all[at].System, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", at+1, diff)
		}
	}
}

func TestQueries(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, c)
		start := time.Now()
		patients := []nhs.Number{number(t, "9990000018"), number(t, "9990000026")}
		orgs := []nhs.ODSCode{ods(t, "Q8X01"), ods(t, "R9Y02")}
		var calls []string
		for i := range 8 { // bit 0: patient, bit 1: organisation, bit 2: user
			r := s.Begin(audit.Call{Method: "m", Trace: fmt.Sprintf("%032X", i+1)})
			calls = append(calls, r.ID())
			r.SetSubject(patients[i&1])
			r.SetCaller(audit.Caller{Organisation: orgs[i>>1&1], UserSystem: "sys", UserID: fmt.Sprint("user ", i>>2)})
			if err := r.Access(t.Context(), audit.Access{
				Hop: "SSP", SSPTraceID: fmt.Sprintf("SSP-%d", i), RequestID: fmt.Sprintf("req-%d", i), CorrelationID: fmt.Sprintf("corr-%d", i/2),
			}); err != nil {
				t.Fatal(err)
			}
			if err := r.Outcome(t.Context(), audit.Outcome{Code: "OK"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		// A stream's accesses are about other patients than the stream.
		stream := s.Begin(audit.Call{Method: "stream"})
		stream.SetCaller(audit.Caller{Organisation: orgs[0]})
		third := number(t, "9990000034")
		if err := stream.Access(t.Context(), audit.Access{Hop: "PDS", Subject: third, Item: "i"}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			q    audit.Query
			want []int // calls, newest first; -1 for the stream
			each int   // entries of each
		}{
			{"call", audit.Query{ID: calls[3]}, []int{3}, 3},
			{"trace, whatever its case", audit.Query{ID: fmt.Sprintf("%032x", 4)}, []int{3}, 3},
			{"Ssp-TraceID", audit.Query{ID: "ssp-3"}, []int{3}, 3},
			{"X-Request-ID", audit.Query{ID: "req-3"}, []int{3}, 3},
			{"X-Correlation-ID of two calls", audit.Query{ID: "corr-1"}, []int{3, 2}, 3},
			{"an id that nobody has", audit.Query{ID: "nobody"}, nil, 0},
			{"patient", audit.Query{Patient: patients[1]}, []int{7, 5, 3, 1}, 3},
			{"patient of a stream's item", audit.Query{Patient: third}, []int{-1}, 1},
			{"organisation and kind", audit.Query{Organisation: orgs[1], Kind: audit.KindAttempt}, []int{7, 6, 3, 2}, 1},
			{"user", audit.Query{UserSystem: "sys", UserID: "user 1"}, []int{7, 6, 5, 4}, 3},
			{"user of another system", audit.Query{UserSystem: "system", UserID: "user 1"}, nil, 0},
			{"time", audit.Query{Since: start.Add(2 * time.Minute), Until: start.Add(4 * time.Minute)}, []int{3, 2}, 3},
			{"all at once", audit.Query{
				Patient: patients[1], Organisation: orgs[0], UserSystem: "sys", UserID: "user 1", Kind: audit.KindOutcome,
				ID: "corr-2", Since: start.Add(5 * time.Minute), Until: start.Add(6 * time.Minute),
			}, []int{5}, 1},
			{"limit", audit.Query{Kind: audit.KindOutcome, Limit: 2}, []int{7, 6}, 1},
		} {
			t.Log(tt.name)
			var want []string
			for _, i := range tt.want {
				for range tt.each {
					if i < 0 {
						want = append(want, stream.ID())
						continue
					}
					want = append(want, calls[i])
				}
			}
			var got []string
			for _, e := range slices.Backward(entries(t, s.Reader, tt.q)) {
				got = append(got, e.Call)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		var page []audit.Seq
		for e, err := range s.Entries(t.Context(), audit.Query{Before: 5, Limit: 3}) {
			if err != nil {
				t.Fatal(err)
			}
			page = append(page, e.Seq)
			if len(page) == 2 {
				break
			}
		}
		if !slices.Equal(page, []audit.Seq{4, 3}) {
			t.Errorf("the page before 5, left after two = %v", page)
		}
	})
}

func TestALongAnswerCrossesPages(t *testing.T) {
	s := open(t, config(t))
	var group sync.WaitGroup
	for range 450 {
		group.Go(func() {
			if _, err := s.Append(t.Context(), audit.Entry{Kind: audit.KindSystem, System: &audit.System{Event: "TEST"}}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for limit, want := range map[int]int{0: 100, 200: 200, 201: 201, 400: 400, 10_000: 451} {
		all := entries(t, s.Reader, audit.Query{Limit: limit})
		if len(all) != want || all[len(all)-1].Seq != 451 || all[0].Seq != audit.Seq(452-want) {
			t.Errorf("limit %d gave %d entries from %d, want %d", limit, len(all), all[0].Seq, want)
		}
	}
}

func TestReadingWhileItIsWritten(t *testing.T) {
	c := config(t)
	s := open(t, c)
	r, err := audit.OpenReader(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	call := s.Begin(audit.Call{Method: "m"})
	call.SetCaller(clinician(t))
	if err := call.Attempt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, r, audit.Query{ID: call.ID()}); len(got) != 1 || got[0].Caller.Family != "QUARTERMAINE" {
		t.Errorf("the reader sees %d entries of the call", len(got))
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := audit.Open(t.Context(), c); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second Open = %v, want ErrLocked", err)
	}
}

func TestNobodyCanBeReadInTheFile(t *testing.T) {
	c := config(t)
	s := open(t, c)
	secrets := []string{
		"9990000018", "9990000026", "QUARTERMAINE", "Zephyrine", "u-zephyrine", "555001234999", "555001234998",
		"tablet 9990000042", "session-of-9990000050", "item-9990000069", "diagnosis of the upstream",
	}
	r := s.Begin(audit.Call{Method: "/visible", Trace: "t", Peer: "192.0.2.7"})
	r.SetCaller(clinician(t))
	r.SetSubject(number(t, "9990000018"))
	r.SetContext(audit.Context{Device: "tablet 9990000042", Session: "session-of-9990000050"})
	if err := r.Access(t.Context(), audit.Access{Subject: number(t, "9990000026"), Item: "item-9990000069"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Outcome(t.Context(), audit.Outcome{Diagnostics: "diagnosis of the upstream"}); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		content, err := os.ReadFile(c.Path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if !bytes.Contains(all, []byte("/visible")) {
		t.Fatal("the search would not find anything")
	}
	for i, secret := range secrets {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("secret %d can be read in the files", i)
		}
	}
}

func TestWhateverACallerSendsIsEvidence(t *testing.T) {
	s := open(t, config(t))
	caller := clinician(t)
	caller.Family = "bad \xff utf-8\x00 and 'quotes\"); DROP TABLE entry"
	r := s.Begin(audit.Call{Method: "/\xff\x00", Trace: "\xff"})
	r.SetCaller(caller)
	r.SetContext(audit.Context{Device: string(bytes.Repeat([]byte("é"), 20<<10))})
	if err := r.Outcome(t.Context(), audit.Outcome{Code: "INVALID_ARGUMENT", Diagnostics: string(bytes.Repeat([]byte("x"), 1<<20))}); err != nil {
		t.Fatal(err)
	}
	got := entries(t, s.Reader, audit.Query{ID: r.ID()})
	if len(got) != 2 {
		t.Fatalf("%d entries, want 2", len(got))
	}
	if got[1].Caller.Family != "bad \ufffd utf-8\x00 and 'quotes\"); DROP TABLE entry" || len(got[1].Context.Device) != 16<<10 ||
		len(got[1].Outcome.Diagnostics) != 16<<10 {
		t.Errorf("read back: %q, device %d bytes, diagnostics %d bytes", got[1].Caller.Family, len(got[1].Context.Device), len(got[1].Outcome.Diagnostics))
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	s := open(t, config(t))
	r := s.Begin(audit.Call{Method: "m"})
	r.SetCaller(clinician(t))
	if err := s.Healthy(); err != nil {
		t.Errorf("Healthy = %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"healthy": s.Healthy(),
		"attempt": r.Attempt(t.Context()),
		"access":  r.Access(t.Context(), audit.Access{}),
		"release": r.Release(t.Context(), audit.Release{}),
		"outcome": r.Outcome(t.Context(), audit.Outcome{}),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s on a closed store = %v, want ErrClosed", name, err)
		}
	}
}

func TestACancelledCallIsNotToldThatItWasRecorded(t *testing.T) {
	s := open(t, config(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	r := s.Begin(audit.Call{Method: "m"})
	r.SetCaller(clinician(t))
	if err := r.Attempt(ctx); err != nil && !errors.Is(err, gone) {
		t.Errorf("Attempt = %v, want the cause or nil", err)
	}
	// The commit goes on without the one who began it, and the next to ask waits for the same.
	if err := r.Attempt(t.Context()); err != nil {
		t.Errorf("the second Attempt = %v", err)
	}
	if n := len(entries(t, s.Reader, audit.Query{ID: r.ID()})); n != 1 {
		t.Errorf("%d ATTEMPTs, want 1", n)
	}
}
