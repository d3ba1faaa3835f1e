// Package documenttest holds a page that is committed against what prints it.
package documenttest

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Holds fails the test unless the page at path is what was printed, and says what mends it. With update the page is written first.
func Holds(tb testing.TB, path, printed string, update bool, mend string) {
	tb.Helper()
	if update {
		if err := os.WriteFile(path, []byte(printed), 0o644); err != nil { //nolint:gosec // a document, for everybody
			tb.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(printed, string(committed)); diff != "" {
		tb.Errorf("%s is stale: %s (-want +got):\n%s", path, mend, diff)
	}
}
