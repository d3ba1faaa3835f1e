package service

import (
	"testing"

	"pgregory.net/rapid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

func TestCompareText(t *testing.T) {
	const (
		match    = pb.Comparison_COMPARISON_MATCH
		mismatch = pb.Comparison_COMPARISON_MISMATCH
		notHeld  = pb.Comparison_COMPARISON_NOT_HELD
		notAsked = pb.Comparison_COMPARISON_UNSPECIFIED
	)
	for _, tt := range []struct {
		name, expected, held string
		want                 pb.Comparison
	}{
		{"the same", "Testwell", "Testwell", match},
		{"case", "testwell", "TESTWELL", match},
		{"an accent", "Testé", "TESTE", match},
		{"a composed and a decomposed accent", "Teste\u0301", "Testé", match},
		{"a hyphen", "Test-Well", "Test Well", match},
		{"an apostrophe", "O'Test", "OTEST", match},
		{"a typographic apostrophe", "O’Test", "O'TEST", match},
		{"spacing", "LS1 1AA", "LS11AA", match},
		{"sharp s", "Straße", "STRASSE", match},
		{"another name", "Testwell", "Testworth", mismatch},
		{"a part of it", "Test", "Testwell", mismatch},
		{"not held", "Testwell", "", notHeld},
		{"not asked", "", "Testwell", notAsked},
		{"only what is ignored was asked", " - ", "Testwell", notAsked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := compareText(tt.expected, tt.held, plain); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCompareGivenAndDates(t *testing.T) {
	for _, tt := range []struct {
		expected, held []string
		want           pb.Comparison
	}{
		{[]string{"Mary Jane"}, []string{"Mary", "Jane"}, pb.Comparison_COMPARISON_MATCH},
		{[]string{"Mary"}, []string{"Mary", "Jane"}, pb.Comparison_COMPARISON_MATCH},
		{[]string{"Mary", "Ann"}, []string{"Mary"}, pb.Comparison_COMPARISON_MATCH},
		{[]string{"Jane"}, []string{"Mary", "Jane"}, pb.Comparison_COMPARISON_MISMATCH},
		{[]string{"Jane"}, nil, pb.Comparison_COMPARISON_NOT_HELD},
		{nil, []string{"Jane"}, pb.Comparison_COMPARISON_UNSPECIFIED},
	} {
		if got := compareGiven(tt.expected, tt.held); got != tt.want {
			t.Errorf("given %q and %q: %s, want %s", tt.expected, tt.held, got, tt.want)
		}
	}
	for _, tt := range []struct {
		expected, held string
		want           pb.Comparison
	}{
		{"1950-03-02", "1950-03-02", pb.Comparison_COMPARISON_MATCH},
		{"1950-03-02", "1950", pb.Comparison_COMPARISON_MATCH},
		{"1950", "1950-03-02", pb.Comparison_COMPARISON_MATCH},
		{"1950-03", "1950-04-02", pb.Comparison_COMPARISON_MISMATCH},
		{"1950-03-02", "", pb.Comparison_COMPARISON_NOT_HELD},
		{"", "1950", pb.Comparison_COMPARISON_UNSPECIFIED},
	} {
		if got := compareDates(tt.expected, tt.held); got != tt.want {
			t.Errorf("dates %q and %q: %s, want %s", tt.expected, tt.held, got, tt.want)
		}
	}
}

// Whatever the spelling, a comparison is the same both ways and a name agrees with itself.
func TestCompareIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if plain(a) != "" && plain(b) != "" && compareText(a, b, plain) != compareText(b, a, plain) {
			t.Error("the comparison depends on the order")
		}
		if plain(a) != "" && compareText(a, a, plain) != pb.Comparison_COMPARISON_MATCH {
			t.Error("a name differs from itself")
		}
	})
}
