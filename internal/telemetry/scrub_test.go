package telemetry

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestScrubFindsANumberWhereverItStands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.StringMatching(`([a-z0-9 /:=]*[ /:="_-])?`).Draw(t, "before")
		after := rapid.StringMatching(`([ /:=",._-][a-z0-9 /:=]*)?`).Draw(t, "after")
		got := scrub(before + "9990000018" + after)
		if strings.Contains(got, "9990000018") || !strings.Contains(got, maskedNumber) {
			t.Fatalf("scrub(%q) = %q", before+"9990000018"+after, got)
		}
	})
}

func FuzzScrub(f *testing.F) {
	f.Add("plain")
	f.Add("9990000018 and 9990000026")
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ.")
	f.Fuzz(func(t *testing.T, text string) {
		once := scrub(text)
		if twice := scrub(once); twice != once {
			t.Errorf("scrub is not settled after one run: %q, %q, %q", text, once, twice)
		}
	})
}
