package journal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/journal"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/store"
)

const method = "/spinegate.v1.GPConnect/BookAppointment"

func config(t testing.TB) journal.Config {
	dir := t.TempDir()
	return journal.Config{Path: filepath.Join(dir, "journal.db"), KeyFile: filepath.Join(dir, "key"), CreateKey: true}
}

func open(t testing.TB, c journal.Config) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func ods(code string) nhs.ODSCode {
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		panic(err)
	}
	return c
}

var (
	key    = journal.Key{Organisation: ods("Q8X01"), Request: uuid.MustParse("5f0cf5f0-5a4c-4a2b-8f3e-1b9a6f1d2c3b")}
	digest = sha256.Sum256([]byte("the request"))
)

func claim(t testing.TB, j *journal.Journal) *journal.Claim {
	t.Helper()
	c, err := j.Claim(t.Context(), key, digest, method)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// step is one thing that the holder of a claim does.
type step func(t testing.TB, c *journal.Claim)

func ok(do func(context.Context, *journal.Claim) error) step {
	return func(t testing.TB, c *journal.Claim) {
		t.Helper()
		if err := do(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func refused(want error, do func(context.Context, *journal.Claim) error) step {
	return func(t testing.TB, c *journal.Claim) {
		t.Helper()
		if err := do(t.Context(), c); !errors.Is(err, want) {
			t.Errorf("the step = %v, want %v", err, want)
		}
	}
}

func sent(ctx context.Context, c *journal.Claim) error    { return c.MarkSent(ctx, []byte("slot 7")) }
func unsent(ctx context.Context, c *journal.Claim) error  { return c.MarkUnsent(ctx) }
func stopped(ctx context.Context, c *journal.Claim) error { return c.MarkStopped(ctx) }
func unknown(ctx context.Context, c *journal.Claim) error { return c.MarkUnknown(ctx) }
func booked(ctx context.Context, c *journal.Claim) error {
	return c.Settle(ctx, []byte("booked"), false)
}

func failed(ctx context.Context, c *journal.Claim) error { return c.Settle(ctx, []byte("taken"), true) }

func TestWhatTheNextClaimFinds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []step
		want  *journal.Claim
	}{
		{"only recorded", nil, &journal.Claim{Standing: journal.Unsent}},
		{"sent", []step{ok(sent)}, &journal.Claim{Standing: journal.Unsettled, Payload: []byte("slot 7")}},
		{"sent, and the answer lost", []step{ok(sent), ok(unknown)}, &journal.Claim{Standing: journal.Unsettled, Payload: []byte("slot 7")}},
		{"sent and booked", []step{ok(sent), ok(booked)}, &journal.Claim{Standing: journal.Settled, Answer: []byte("booked")}},
		{"sent and refused", []step{ok(sent), ok(failed)}, &journal.Claim{Standing: journal.Settled, Answer: []byte("taken"), Failed: true}},
		{"lost and then found", []step{ok(sent), ok(unknown), ok(booked)}, &journal.Claim{Standing: journal.Settled, Answer: []byte("booked")}},
		{"refused before it was sent", []step{ok(failed)}, &journal.Claim{Standing: journal.Settled, Answer: []byte("taken"), Failed: true}},
		{"no connection", []step{ok(sent), ok(unsent)}, &journal.Claim{Standing: journal.Unsent}},
		{"no connection, then sent", []step{ok(sent), ok(unsent), ok(sent)}, &journal.Claim{Standing: journal.Unsettled, Payload: []byte("slot 7")}},
		{"stopped on its way", []step{ok(sent), ok(stopped)}, &journal.Claim{Standing: journal.Unsent}},
		{"stopped, then sent", []step{ok(sent), ok(stopped), ok(sent)}, &journal.Claim{Standing: journal.Unsettled, Payload: []byte("slot 7")}},
		{"not stopped when unsent", []step{refused(journal.ErrState, stopped)}, &journal.Claim{Standing: journal.Unsent}},
		{"never sent twice", []step{ok(sent), refused(journal.ErrState, sent)}, &journal.Claim{Standing: journal.Unsettled, Payload: []byte("slot 7")}},
		{
			"not sent when unknown",
			[]step{ok(sent), ok(unknown), refused(journal.ErrState, sent), refused(journal.ErrState, unsent)},
			&journal.Claim{Standing: journal.Unsettled, Payload: []byte("slot 7")},
		},
		{"not unknown when unsent", []step{refused(journal.ErrState, unknown)}, &journal.Claim{Standing: journal.Unsent}},
		{
			"nothing after it is settled",
			[]step{ok(booked), refused(journal.ErrReleased, failed), refused(journal.ErrReleased, sent)},
			&journal.Claim{Standing: journal.Settled, Answer: []byte("booked")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t)
			j := open(t, c)
			first := claim(t, j)
			if first.Standing != journal.Fresh {
				t.Errorf("the first claim found it %v", first.Standing)
			}
			for _, step := range tt.steps {
				step(t, first)
			}
			first.Release()
			first.Release() // is harmless
			look := func(when string) {
				again := claim(t, j)
				defer again.Release()
				if diff := cmp.Diff(tt.want, again, cmpopts.IgnoreUnexported(journal.Claim{}),
					cmpopts.IgnoreFields(journal.Claim{}, "RecordedAt", "SentAt", "SettledAt")); diff != "" {
					t.Errorf("%s, the next claim (-want +got):\n%s", when, diff)
				}
				if again.RecordedAt != first.RecordedAt || again.SettledAt.IsZero() != (again.Standing != journal.Settled) {
					t.Errorf("%s, times are %v and %v", when, again.RecordedAt, again.SettledAt)
				}
				if again.Standing == journal.Settled || again.Standing == journal.Unsettled {
					if err := again.MarkSent(t.Context(), nil); !errors.Is(err, journal.ErrState) {
						t.Errorf("%s, sending it again = %v, want ErrState", when, err)
					}
				}
			}
			look("in the same process")
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, c)
			look("after a restart")
		})
	}
}

// Whoever sends a write again is told whether an earlier sending left.
func TestAClaimTellsWhetherItEverLeft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps [][]step // of one claim after the other
		left  bool
	}{
		{"recorded", [][]step{nil}, false},
		{"no connection", [][]step{{ok(sent), ok(unsent)}}, false},
		{"stopped", [][]step{{ok(sent), ok(stopped)}}, true},
		{"stopped, then no connection", [][]step{{ok(sent), ok(stopped)}, {ok(sent), ok(unsent)}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := open(t, config(t))
			for _, steps := range tt.steps {
				c := claim(t, j)
				for _, step := range steps {
					step(t, c)
				}
				c.Release()
			}
			c := claim(t, j)
			defer c.Release()
			if c.Standing != journal.Unsent || c.SentAt.IsZero() == tt.left {
				t.Errorf("it is %v, left at %v", c.Standing, c.SentAt)
			}
		})
	}
}

func TestAKeyBelongsToOneRequest(t *testing.T) {
	j := open(t, config(t))
	claim(t, j).Release()
	if _, err := j.Claim(t.Context(), key, sha256.Sum256([]byte("another")), method); !errors.Is(err, journal.ErrReused) {
		t.Errorf("another body = %v, want ErrReused", err)
	}
	if _, err := j.Claim(t.Context(), key, digest, method+"s"); !errors.Is(err, journal.ErrReused) {
		t.Errorf("another method = %v, want ErrReused", err)
	}
	other := key
	other.Organisation = ods("R9Y02")
	c, err := j.Claim(t.Context(), other, sha256.Sum256([]byte("another")), method)
	if err != nil || c.Standing != journal.Fresh {
		t.Errorf("another organisation's same id = %v, want a fresh claim", err)
	}
	c.Release()
	if again := claim(t, j); again.Standing != journal.Unsent { // the refused claims have let go
		t.Errorf("the first claimant finds it %v", again.Standing)
	}
}

func TestTheSecondWaitsForTheFirst(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		j := open(t, c)
		first := claim(t, j)
		if err := first.MarkSent(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := j.Claim(impatient, key, digest, method); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient claim = %v, want its deadline", err)
			}
		})
		for range 5 {
			group.Go(func() {
				start := time.Now()
				again, err := j.Claim(t.Context(), key, digest, method)
				if err != nil {
					t.Error(err)
					return
				}
				defer again.Release()
				if again.Standing != journal.Settled || string(again.Answer) != "booked" || time.Since(start) != 10*time.Second {
					t.Errorf("after %v the waiting claim found it %v", time.Since(start), again.Standing)
				}
			})
		}
		time.Sleep(10 * time.Second)
		if err := first.Settle(t.Context(), []byte("booked"), false); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
}

func TestAStepWhoseErrorWasToldIsTakenBack(t *testing.T) {
	j := open(t, config(t))
	c := claim(t, j)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.MarkSent(gone, []byte("slot 7")); !errors.Is(err, context.Canceled) {
		t.Fatalf("MarkSent with a cancelled context = %v", err)
	}
	c.Release()
	if again := claim(t, j); again.Standing != journal.Unsent {
		t.Errorf("it is found %v, want unsent: nothing can have left", again.Standing)
	}
}

// TestWhoeverGivesUpWhileItCommitsHasNotSent cancels MarkSent at every moment, also while it becomes durable.
func TestWhoeverGivesUpWhileItCommitsHasNotSent(t *testing.T) {
	j := open(t, config(t))
	gaveUp := 0
	for n := range 300 {
		request := journal.Key{Organisation: key.Organisation, Request: uuid.NewSHA1(uuid.Nil, []byte{byte(n), byte(n >> 8)})}
		c, err := j.Claim(t.Context(), request, digest, method)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*2*time.Microsecond)
		err = c.MarkSent(ctx, []byte("slot 7"))
		cancel()
		c.Release()
		want := journal.Unsettled
		if err != nil {
			want = journal.Unsent
			gaveUp++
		}
		again, err := j.Claim(t.Context(), request, digest, method)
		if err != nil {
			t.Fatal(err)
		}
		if again.Standing != want {
			t.Errorf("after %v it is found %v, want %v", err, again.Standing, want)
		}
		again.Release()
	}
	t.Logf("%d of 300 gave up", gaveUp)
}

func TestIdsAreKeptThirtyDaysAndTheUnsettledLonger(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		j := open(t, c)
		id := func(n byte) journal.Key { return journal.Key{Organisation: key.Organisation, Request: uuid.UUID{n}} }
		standings := func() (got []journal.Standing) {
			for n := range byte(3) {
				c, err := j.Claim(t.Context(), id(n), digest, method)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, c.Standing)
				c.Release()
			}
			return got
		}
		for n, steps := range [][]step{{}, {ok(sent)}, {ok(sent), ok(booked)}} {
			c, err := j.Claim(t.Context(), id(byte(n)), digest, method)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range steps {
				step(t, c)
			}
			c.Release()
		}
		time.Sleep(journal.Retention - time.Minute)
		if diff := cmp.Diff([]journal.Standing{journal.Unsent, journal.Unsettled, journal.Settled}, standings()); diff != "" {
			t.Errorf("just before 30 days (-want +got):\n%s", diff)
		}
		time.Sleep(2 * time.Hour)
		if diff := cmp.Diff([]journal.Standing{journal.Fresh, journal.Unsettled, journal.Fresh}, standings()); diff != "" {
			t.Errorf("after 30 days (-want +got):\n%s", diff)
		}
	})
}

func TestASecondProcessIsRefused(t *testing.T) {
	c := config(t)
	j := open(t, c)
	_, err := journal.Open(t.Context(), c)
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), c.Path) {
		t.Errorf("a second Open = %v, want ErrLocked with the path", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Claim(t.Context(), key, digest, method); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a claim after Close = %v, want ErrClosed", err)
	}
	if err := j.Healthy(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Healthy after Close = %v", err)
	}
}

func TestNothingOfAPatientCanBeReadInTheFile(t *testing.T) {
	c := config(t)
	j := open(t, c)
	first := claim(t, j)
	secrets := []string{"9990000018", "QUARTERMAINE"}
	if err := first.MarkSent(t.Context(), []byte("9990000018 QUARTERMAINE")); err != nil {
		t.Fatal(err)
	}
	search(t, c.Path, append(secrets, string(digest[:])))
	if err := first.Settle(t.Context(), []byte("9990000018 QUARTERMAINE"), false); err != nil {
		t.Fatal(err)
	}
	search(t, c.Path, append(secrets, string(digest[:])))
}

// search fails the test for every secret that it finds in a database's files, and when it cannot have looked.
func search(t testing.TB, path string, secrets []string) {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if !bytes.Contains(all, []byte(method)) {
		t.Fatal("the search would not find anything")
	}
	for i, secret := range secrets {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("secret %d can be read in the files", i)
		}
	}
}
