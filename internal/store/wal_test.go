package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spinegate/spinegate/internal/store"
)

// TestATornLogLosesOnlyItsEnd cuts, zeroes and repeats the end of the WAL, as a crash of the machine can leave it. What
// remains must be whole transactions, in order, without a hole; what lies before the damage must all be there.
func TestATornLogLosesOnlyItsEnd(t *testing.T) {
	c := config(t)
	db := open(t, c)
	const n = 20
	var want []string
	var ends []int // how long the WAL was when each line had been acknowledged
	for i := range n {
		want = append(want, fmt.Sprint("line ", i))
		if err := db.Write(t.Context(), line(want[i])); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(c.Path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(info.Size()))
	}
	files := make(map[string][]byte)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(c.Path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		files[suffix] = content
	}
	wal := files["-wal"]
	zeroed := slices.Concat(wal[:ends[n-2]], make([]byte, len(wal)-ends[n-2]))
	repeated := slices.Concat(wal, wal[ends[n-2]:])
	flipped := slices.Clone(wal)
	flipped[ends[n-2]+100] ^= 1
	damages := []struct {
		name string
		wal  []byte
		at   int
	}{
		{"zeroed", zeroed, ends[n-2]},
		{"last page twice", repeated, len(wal)},
		{"one bit flipped", flipped, ends[n-2]},
	}
	for at := len(wal); at > 0; at -= 509 {
		damages = append(damages, struct {
			name string
			wal  []byte
			at   int
		}{fmt.Sprint("cut at ", at), wal[:at], at})
	}
	for _, damage := range damages {
		t.Run(damage.name, func(t *testing.T) {
			torn := c
			torn.Path = filepath.Join(t.TempDir(), "torn.db")
			for suffix, content := range map[string][]byte{"": files[""], "-wal": damage.wal} {
				if err := os.WriteFile(torn.Path+suffix, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			safe := 0
			for safe < n && ends[safe] <= damage.at {
				safe++
			}
			db, err := store.Open(t.Context(), torn)
			if err != nil {
				// Only if the cut reaches into what made the file, before anything was acknowledged.
				if safe > 0 {
					t.Fatal(err)
				}
				return
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			got := lines(t, db)
			if len(got) < safe || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("%d lines are left, want the first %d at least and no hole: %q", len(got), safe, got)
			}
			if err := db.Write(t.Context(), line("next")); err != nil {
				t.Error(err)
			}
		})
	}
}
