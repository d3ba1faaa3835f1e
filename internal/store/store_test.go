package store_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/spinegate/spinegate/internal/store"
)

var migrations = fstest.MapFS{
	"0001_line.sql": {Data: []byte("CREATE TABLE line (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")},
}

func config(t testing.TB) store.Config {
	dir := t.TempDir()
	return store.Config{
		Path: filepath.Join(dir, "a b%20c?.db"), KeyFile: filepath.Join(dir, "key"), CreateKey: true,
		Purpose: "test", Migrations: migrations,
	}
}

func open(t testing.TB, c store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// line writes one line.
func line(text string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO line (text) VALUES (?)", text)
		return err
	}
}

// lines reads all lines in order.
func lines(t testing.TB, db interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
},
) (all []string) {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT text FROM line ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// commits counts the transactions in a WAL that was never restarted: each ends in one frame that says how large the
// database is then.
func commits(t testing.TB, path string) (n int) {
	t.Helper()
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, frameHeader = 32, 24
	frame := frameHeader + int(binary.BigEndian.Uint32(wal[8:]))
	for at := header; at+frame <= len(wal); at += frame {
		if string(wal[at+8:at+16]) == string(wal[16:24]) && binary.BigEndian.Uint32(wal[at+4:]) != 0 {
			n++
		}
	}
	return n
}

func TestManyWritesShareACommit(t *testing.T) {
	c := config(t)
	db := open(t, c)
	before := commits(t, c.Path)

	// The first write holds the writer until all others queue up behind it.
	queued := make(chan struct{})
	first := db.Enqueue(func(tx *store.Tx) error { <-queued; return line("first")(tx) })
	var rest []*store.Pending
	want := []string{"first"}
	for i := range 200 {
		rest = append(rest, db.Enqueue(line(string(rune('a'+i%26)))))
		want = append(want, string(rune('a'+i%26)))
	}
	close(queued)
	for _, p := range append(rest, first) {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// The writer may have taken the first alone or with some of the rest; never more than two transactions.
	if n := commits(t, c.Path) - before; n < 1 || n > 2 {
		t.Errorf("201 writes took %d transactions, want 1 or 2", n)
	}
	if got := lines(t, db); !slices.Equal(got, want) {
		t.Errorf("the writes are not in the order of their enqueuing: %v", got)
	}
}

func TestALoneWriteIsNotHeldBack(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		db := open(t, c)
		start := time.Now()
		for range 10 {
			if err := db.Write(t.Context(), line("x")); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("ten writes waited %v on a timer", took)
		}
	})
}

func TestOneCallersCancellationStopsNobodyElse(t *testing.T) {
	db := open(t, config(t))
	held := make(chan struct{})
	db.Enqueue(func(*store.Tx) error { <-held; return nil })
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := db.Write(ctx, line("cancelled")); !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled write = %v", err)
		}
	})
	other := db.Enqueue(line("other"))
	cancel()
	group.Wait()
	close(held)
	if err := other.Wait(t.Context()); err != nil {
		t.Errorf("the other write = %v", err)
	}
	if got := lines(t, db); !slices.Equal(got, []string{"other"}) {
		t.Errorf("lines = %q, want the other's alone: a write that was given up before its turn is not made", got)
	}
	if err := db.Healthy(); err != nil {
		t.Errorf("Healthy = %v", err)
	}
}

func TestAFailureFailsEverythingThatQueuesAndThenHeals(t *testing.T) {
	c := config(t)
	broken := errors.New("broken")
	var opened []error
	c.Prepare = func(_ *store.Tx, _ *store.Key, failure error) error {
		opened = append(opened, failure)
		return nil
	}
	synctest.Test(t, func(t *testing.T) {
		db := open(t, c)
		held := make(chan struct{})
		pending := []*store.Pending{
			db.Enqueue(func(tx *store.Tx) error { <-held; return line("with it")(tx) }),
		}
		synctest.Wait() // the writer has it in hand
		pending = append(pending, db.Enqueue(line("before")), db.Enqueue(func(*store.Tx) error { return broken }), db.Enqueue(line("after")))
		close(held)
		if err := pending[0].Wait(t.Context()); err != nil {
			t.Errorf("the write before the failing transaction = %v", err)
		}
		for i, p := range pending[1:] {
			if err := p.Wait(t.Context()); !errors.Is(err, broken) {
				t.Errorf("write %d of the failing transaction = %v, want its error", i, err)
			}
		}
		if err := db.Healthy(); !errors.Is(err, broken) {
			t.Errorf("Healthy = %v, want the failure", err)
		}
		if err := db.Write(t.Context(), line("too soon")); !errors.Is(err, broken) {
			t.Errorf("a write right after it = %v, want the failure", err)
		}
		time.Sleep(time.Second)
		if err := db.Healthy(); !errors.Is(err, broken) { // and sets it going
			t.Errorf("Healthy = %v, want the failure", err)
		}
		if err := db.Write(t.Context(), line("healed")); err != nil {
			t.Errorf("a write after it healed = %v", err)
		}
		if err := db.Healthy(); err != nil {
			t.Errorf("Healthy after it healed = %v", err)
		}
		if got := lines(t, db); !slices.Equal(got, []string{"with it", "healed"}) {
			t.Errorf("lines = %q", got)
		}
		if len(opened) != 2 || opened[0] != nil || !errors.Is(opened[1], broken) {
			t.Errorf("Prepare was told %v, want nil and then the failure", opened)
		}
	})
}

func TestWhatQueuesBehindAFailureFailsWithIt(t *testing.T) {
	c := config(t)
	synctest.Test(t, func(t *testing.T) {
		db := open(t, c)
		broken, held := errors.New("broken"), make(chan struct{})
		failing := db.Enqueue(func(*store.Tx) error { <-held; return broken })
		synctest.Wait() // it is being committed
		behind := db.Enqueue(line("rests on it"))
		close(held)
		for name, p := range map[string]*store.Pending{"failing": failing, "behind": behind} {
			if err := p.Wait(t.Context()); !errors.Is(err, broken) {
				t.Errorf("the write %s = %v, want the failure", name, err)
			}
		}
		if got := lines(t, db); len(got) != 0 {
			t.Errorf("lines = %q, want none", got)
		}
	})
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	db := open(t, config(t))
	held := make(chan struct{})
	db.Enqueue(func(*store.Tx) error { <-held; return nil })
	var refused error
	for range 3 * 4096 {
		if p := db.Enqueue(func(*store.Tx) error { return nil }); p.Err() != nil {
			refused = p.Err()
			break
		}
	}
	close(held)
	if !errors.Is(refused, store.ErrBusy) {
		t.Errorf("the queue grew without bound, or refused with %v", refused)
	}
	if err := db.Write(t.Context(), line("x")); err != nil && !errors.Is(err, store.ErrBusy) {
		t.Errorf("a write after it = %v", err)
	}
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	c := config(t)
	db := open(t, c)
	var queued []*store.Pending
	for range 100 {
		queued = append(queued, db.Enqueue(line("x")))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range queued {
		if err := p.Wait(t.Context()); err != nil {
			t.Fatalf("a queued write = %v", err)
		}
	}
	if err := db.Write(t.Context(), line("y")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a write after Close = %v, want ErrClosed", err)
	}
	if err := db.Healthy(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Healthy after Close = %v, want ErrClosed", err)
	}
	if n := len(lines(t, open(t, c))); n != 100 {
		t.Errorf("%d lines were kept, want 100", n)
	}
}

func TestOnlyOneMayWriteAndAnybodyMayRead(t *testing.T) {
	c := config(t)
	db := open(t, c)
	if _, err := store.Open(t.Context(), c); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second Open = %v, want ErrLocked", err)
	}
	r, err := store.OpenReader(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if err := db.Write(t.Context(), line(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := lines(t, r); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the reader sees %q", got)
	}
	if rows, err := r.Query(t.Context(), "INSERT INTO line (text) VALUES ('x') RETURNING n"); err == nil {
		rows.Next()
		if rows.Err() == nil {
			t.Error("a reader could write")
		}
		rows.Close()
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r, err = store.OpenReader(t.Context(), c)
	if err != nil {
		t.Fatalf("reading a file that nobody writes: %v", err)
	}
	if got := lines(t, r); len(got) != 2 {
		t.Errorf("the reader sees %q", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	open(t, c)
}

func TestKeyFiles(t *testing.T) {
	c := config(t)
	if err := open(t, c).Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.KeyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file was created with %v, %v; want 0600", info.Mode(), err)
	}
	if info, err := os.Stat(c.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database was created with %v, %v; want 0600", info.Mode(), err)
	}
	for _, tt := range []struct {
		name, key string
		mode      os.FileMode
		want      string
	}{
		{"its own", string(good), 0o600, ""},
		{"its own without a newline, for a group", strings.TrimSpace(string(good)), 0o440, ""},
		{"readable by everybody", string(good), 0o644, "mode 0644"},
		{"writable by its group", string(good), 0o660, "mode 0660"},
		{"another", strings.Repeat("ab", 32), 0o600, "not the one that this file was written with"},
		{"too short", "abcd", 0o600, "64 hexadecimal digits"},
		{"too long", string(good[:64]) + "00", 0o600, "64 hexadecimal digits"},
		{"not hexadecimal", strings.Repeat("xy", 32), 0o600, "64 hexadecimal digits"},
		{"lost", "", 0, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.Remove(c.KeyFile); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if tt.mode != 0 {
				if err := os.WriteFile(c.KeyFile, []byte(tt.key), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(c.KeyFile, tt.mode); err != nil {
					t.Fatal(err)
				}
			}
			db, err := store.Open(t.Context(), c)
			if err == nil {
				err = db.Close()
			}
			r, readErr := store.OpenReader(t.Context(), c)
			if readErr == nil {
				readErr = r.Close()
			}
			for _, err := range []error{err, readErr} {
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("opening = %v, want %q", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), strings.TrimSpace(string(good))) {
					t.Error("the error shows the key")
				}
			}
			if _, err := os.Stat(c.KeyFile); tt.mode == 0 && err == nil {
				t.Error("a new key was made for an old file")
			}
		})
	}
}

func TestSealing(t *testing.T) {
	c := config(t)
	key := open(t, c).Key
	c.Path, c.Purpose = filepath.Join(t.TempDir(), "other.db"), "other"
	other := open(t, c).Key
	sealed := key.Seal([]byte("text"), []byte("here"))
	if got, err := key.Unseal(sealed, []byte("here")); err != nil || string(got) != "text" {
		t.Errorf("Unseal = %q, %v", got, err)
	}
	if _, err := key.Unseal(sealed, []byte("there")); !errors.Is(err, store.ErrKey) {
		t.Errorf("Unseal elsewhere = %v, want ErrKey", err)
	}
	if _, err := other.Unseal(sealed, []byte("here")); !errors.Is(err, store.ErrKey) {
		t.Errorf("Unseal with another purpose's key = %v, want ErrKey", err)
	}
	if _, err := key.Unseal(nil, nil); !errors.Is(err, store.ErrKey) {
		t.Errorf("Unseal of nothing = %v, want ErrKey", err)
	}
	for name, pair := range map[string][2][]byte{
		"parts":    {key.Index("ab", "c"), key.Index("a", "bc")},
		"purposes": {key.Index("a"), other.Index("a")},
	} {
		if string(pair[0]) == string(pair[1]) {
			t.Errorf("indexes of different %s are equal", name)
		}
	}
}

func TestMigrations(t *testing.T) {
	c := config(t)
	if err := open(t, c).Close(); err != nil {
		t.Fatal(err)
	}
	newer := c
	newer.Migrations = fstest.MapFS{
		"0001_line.sql": migrations["0001_line.sql"],
		"0002_more.sql": {Data: []byte("CREATE TABLE more (n INTEGER) STRICT; INSERT INTO line (text) VALUES ('migrated');")},
	}
	broken := newer
	broken.Migrations = fstest.MapFS{
		"0001_line.sql": migrations["0001_line.sql"],
		"0002_more.sql": {Data: []byte("INSERT INTO line (text) VALUES ('half'); CREATE TABLE line (n INTEGER);")},
	}
	if _, err := store.Open(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "0002_more.sql") {
		t.Errorf("a broken migration = %v, want an error that names it", err)
	}
	for range 2 {
		db := open(t, newer)
		if got := lines(t, db); !slices.Equal(got, []string{"migrated"}) {
			t.Errorf("lines = %q: a migration ran in part or twice", got)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("opening a newer file = %v, want a refusal", err)
	}
}
