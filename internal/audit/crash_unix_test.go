//go:build unix

package audit_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/audit"
)

// childVariable holds the path of the trail in the process that is going to be killed: this test binary again.
const childVariable = "SPINEGATE_AUDIT_TEST"

// TestKilledUnderLoad kills a process that records calls as fast as it can, again and again on one trail, and then
// asks for everything that it was told is durable.
func TestKilledUnderLoad(t *testing.T) {
	if path := os.Getenv(childVariable); path != "" {
		s := open(t, audit.Config{Path: path, KeyFile: path + ".key", CreateKey: true})
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for {
					r := s.Begin(audit.Call{Method: "m"})
					r.SetCaller(clinician(t))
					r.SetSubject(number(t, "9990000018"))
					must(r.Attempt(t.Context()))
					fmt.Println(r.ID(), "ATTEMPT")
					must(r.Access(t.Context(), audit.Access{Hop: "PDS"}))
					fmt.Println(r.ID(), "ACCESS")
					must(r.Release(t.Context(), audit.Release{}))
					fmt.Println(r.ID(), "RELEASE")
					must(r.Outcome(t.Context(), audit.Outcome{Code: "OK"}))
					fmt.Println(r.ID(), "OUTCOME")
				}
			})
		}
		group.Wait()
	}
	c := config(t)
	c.KeyFile = c.Path + ".key"
	told := make(map[string]map[string]bool) // call, kind
	for round := range 5 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		// It is killed before it removes its temporary directories: they lie in ours, which goes with everything in it.
		child.Env = append(os.Environ(), childVariable+"="+c.Path, "TMPDIR="+filepath.Dir(c.Path))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if call, kind, ok := strings.Cut(lines.Text(), " "); ok {
				if told[call] == nil {
					told[call] = make(map[string]bool)
				}
				told[call][kind] = true
			}
			if n == 100+77*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := child.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child was not killed: %v", err)
		}
	}

	s := open(t, c)
	kept := make(map[string]map[string]int)
	crashed, recovered := 0, 0
	for i, e := range entries(t, s.Reader, audit.Query{Limit: 1_000_000}) {
		if e.Seq != audit.Seq(i+1) {
			t.Fatalf("entry %d has number %d", i+1, e.Seq)
		}
		if e.Kind == audit.KindSystem {
			if e.System.Event == audit.EventRecovery {
				recovered += e.System.Count
			}
			continue
		}
		if kept[e.Call] == nil {
			kept[e.Call] = make(map[string]int)
		}
		kept[e.Call][string(e.Kind)]++
		if e.Kind == audit.KindOutcome && e.Outcome.Reason == audit.ReasonCrashed {
			crashed++
			if e.Subject != number(t, "9990000018") || e.Caller.Family != "QUARTERMAINE" {
				t.Error("the outcome of a crashed call has lost whom it is about")
			}
			if told[e.Call]["OUTCOME"] {
				t.Error("a call whose outcome was acknowledged is said to have crashed")
			}
		}
	}
	for call, kinds := range told {
		for kind := range kinds {
			if kept[call][kind] != 1 {
				t.Errorf("%s was acknowledged for call %s and is there %d times", kind, call, kept[call][kind])
			}
		}
	}
	for call, kinds := range kept {
		if kinds["ATTEMPT"] != 1 || kinds["OUTCOME"] != 1 {
			t.Errorf("call %s has %v, want one attempt and one outcome", call, kinds)
		}
	}
	if crashed == 0 || crashed != recovered {
		t.Errorf("%d calls were given the outcome of a crash, and the trail speaks of %d", crashed, recovered)
	}
	t.Logf("%d calls, %d crashed", len(kept), crashed)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func TestRecoveryEndsWhatTheDeadProcessLeft(t *testing.T) {
	c := config(t)
	s := open(t, c)
	left, ended := s.Begin(audit.Call{Method: "left"}), s.Begin(audit.Call{Method: "ended"})
	for _, r := range []*audit.Record{left, ended} {
		r.SetCaller(clinician(t))
		r.SetPractice(ods(t, "A20047"))
		must(r.Release(t.Context(), audit.Release{Areas: []string{"allergies"}}))
	}
	must(ended.Outcome(t.Context(), audit.Outcome{Code: "OK"}))
	for range 2 { // the second time there is nothing left to recover
		must(s.Close())
		s = open(t, c)
	}
	got := entries(t, s.Reader, audit.Query{ID: left.ID()})
	want := []audit.Kind{audit.KindAttempt, audit.KindRelease, audit.KindOutcome}
	if diff := cmp.Diff(want, kinds(got)); diff != "" {
		t.Fatalf("the call that was left (-want +got):\n%s", diff)
	}
	last := got[2]
	if last.Outcome.Reason != audit.ReasonCrashed || last.Outcome.Code != "UNKNOWN" || last.Practice != ods(t, "A20047") || last.Method != "left" {
		t.Errorf("it ends with %+v", last)
	}
	if n := len(entries(t, s.Reader, audit.Query{ID: ended.ID()})); n != 3 {
		t.Errorf("the call that had ended has %d entries, want 3", n)
	}
}
