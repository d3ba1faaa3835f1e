//go:build unix

package journal_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/journal"
)

// childVariable holds the path of the journal in the process that is going to be killed: this test binary again.
const childVariable = "SPINEGATE_JOURNAL_TEST"

// child is the process that is killed, when this is it.
func child(t *testing.T) (journal.Config, bool) {
	path := os.Getenv(childVariable)
	return journal.Config{Path: path, KeyFile: path + ".key", CreateKey: true}, path != ""
}

// killAt starts the test again as a process, hands each line that it prints to seen, and kills it when that says so.
// It returns when the process is dead, whether or not it was killed.
func killAt(t *testing.T, c journal.Config, name string, seen func(line string) (kill bool)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	// It is killed before it removes its temporary directories: they lie in ours, which goes with everything in it.
	cmd.Env = append(os.Environ(), childVariable+"="+c.Path, "STOP_AT="+name, "TMPDIR="+filepath.Dir(c.Path))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if seen(lines.Text()) {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil &&
		(!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		t.Fatalf("the child: %v", err)
	}
}

func TestKilledAtEachTransition(t *testing.T) {
	transitions := []struct {
		name  string
		steps []step
		want  journal.Standing
	}{
		{"recorded", nil, journal.Unsent},
		{"sent", []step{ok(sent)}, journal.Unsettled},
		{"unsent", []step{ok(sent), ok(unsent)}, journal.Unsent},
		{"unknown", []step{ok(sent), ok(unknown)}, journal.Unsettled},
		{"settled", []step{ok(sent), ok(booked)}, journal.Settled},
	}
	if c, is := child(t); is {
		first := claim(t, open(t, c))
		for _, tt := range transitions {
			if tt.name == os.Getenv("STOP_AT") {
				for _, step := range tt.steps {
					step(t, first)
				}
			}
		}
		fmt.Println("here")
		select {}
	}
	for _, tt := range transitions {
		c := config(t)
		c.KeyFile = c.Path + ".key"
		killAt(t, c, tt.name, func(line string) bool { return line == "here" })
		again := claim(t, open(t, c))
		if again.Standing != tt.want {
			t.Errorf("killed when %s, it is found %v, want %v", tt.name, again.Standing, tt.want)
		}
		if again.Standing == journal.Unsettled && string(again.Payload) != "slot 7" {
			t.Errorf("killed when %s, its payload is lost", tt.name)
		}
		if again.Standing == journal.Settled && string(again.Answer) != "booked" {
			t.Errorf("killed when %s, its answer is lost", tt.name)
		}
	}
}

// TestNothingIsSentTwiceHoweverOftenItIsKilled carries the same writes on in process after process. The standard output
// is the practice: what is printed has been sent.
func TestNothingIsSentTwiceHoweverOftenItIsKilled(t *testing.T) {
	const writes = 60
	if c, is := child(t); is {
		j := open(t, c)
		var group sync.WaitGroup
		for n := range writes {
			for range 2 { // every caller asks twice
				group.Go(func() { carryOn(t, j, n) })
			}
		}
		group.Wait()
		fmt.Println("all settled")
		return
	}
	c := config(t)
	c.KeyFile = c.Path + ".key"
	sent := make(map[string]int)
	settled := make(map[string][]string)
	done := false
	for round := 0; !done; round++ {
		seen := 0
		killAt(t, c, "", func(line string) (kill bool) {
			what, n, _ := strings.Cut(line, " ")
			switch {
			case line == "all settled":
				done = true
			case what == "send":
				sent[n]++
			case what == "answer":
				n, answer, _ := strings.Cut(n, " ")
				settled[n] = append(settled[n], answer)
			}
			seen++
			return seen == 20+7*round
		})
		if round > 100 {
			t.Fatal("it never comes to an end")
		}
	}
	if len(settled) != writes {
		t.Errorf("%d writes were settled, want %d", len(settled), writes)
	}
	for n, times := range sent {
		if times > 1 {
			t.Errorf("write %s was sent %d times", n, times)
		}
	}
	for n, answers := range settled {
		if len(slices.Compact(answers)) > 1 {
			t.Errorf("write %s was answered differently: %q", n, answers)
		}
	}
}

// carryOn does what a service does with one write.
func carryOn(t *testing.T, j *journal.Journal, n int) {
	request := journal.Key{Organisation: key.Organisation, Request: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n))}
	c, err := j.Claim(t.Context(), request, sha256.Sum256(fmt.Append(nil, n)), method)
	if err != nil {
		panic(err)
	}
	defer c.Release()
	answer := c.Answer
	switch c.Standing {
	case journal.Fresh, journal.Unsent:
		if err := c.MarkSent(t.Context(), []byte("payload")); err != nil {
			panic(err)
		}
		fmt.Println("send", n)
		time.Sleep(time.Millisecond) // the practice thinks
		answer = []byte("booked")
	case journal.Unsettled:
		if string(c.Payload) != "payload" {
			panic("no payload to reconcile with")
		}
		answer = []byte("reconciled")
	case journal.Settled:
		fmt.Println("answer", n, string(answer))
		return
	}
	if err := c.Settle(t.Context(), answer, false); err != nil {
		panic(err)
	}
	fmt.Println("answer", n, string(answer))
}
