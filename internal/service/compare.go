package service

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// demographics are the details by which two records of one person are compared.
type demographics struct {
	family     string
	given      []string
	gender     string
	birthDate  string
	postalCode string
	practice   string
}

// compare says for each field that expected holds how the record agrees with it. Fields that expected lacks stay
// unspecified: they were not asked. Nil when nothing was expected at all.
func compare(expected, record demographics) *pb.DemographicComparison {
	c := &pb.DemographicComparison{
		Family:     compareText(expected.family, record.family, plain),
		Given:      compareGiven(expected.given, record.given),
		Gender:     compareText(expected.gender, record.gender, plain),
		BirthDate:  compareDates(expected.birthDate, record.birthDate),
		PostalCode: compareText(expected.postalCode, record.postalCode, plain),
		Practice:   compareText(expected.practice, record.practice, plain),
	}
	for _, field := range []pb.Comparison{
		c.GetFamily(), c.GetGiven(), c.GetGender(), c.GetBirthDate(), c.GetPostalCode(), c.GetPractice(),
	} {
		if field != pb.Comparison_COMPARISON_UNSPECIFIED {
			return c
		}
	}
	return nil
}

func compareText(expected, held string, fold func(string) string) pb.Comparison {
	expected, held = fold(expected), fold(held)
	switch {
	case expected == "":
		return pb.Comparison_COMPARISON_UNSPECIFIED
	case held == "":
		return pb.Comparison_COMPARISON_NOT_HELD
	case expected == held:
		return pb.Comparison_COMPARISON_MATCH
	}
	return pb.Comparison_COMPARISON_MISMATCH
}

// compareGiven matches when the first names agree, or when all do once written together: "Mary Jane" may be one name
// in one record and two in the other.
func compareGiven(expected, held []string) pb.Comparison {
	whole := compareText(strings.Join(expected, ""), strings.Join(held, ""), plain)
	if whole != pb.Comparison_COMPARISON_MISMATCH {
		return whole
	}
	return compareText(expected[0], held[0], plain)
}

// compareDates compares as far as both are known: PDS and practices hold partial dates of birth.
func compareDates(expected, held string) pb.Comparison {
	if known := min(len(expected), len(held)); known >= len("2006") {
		expected, held = expected[:known], held[:known]
	}
	return compareText(expected, held, strings.TrimSpace)
}

// plain takes away what may differ between two spellings of one name: case, accents, hyphens, apostrophes and spacing
// (pds contract, consumer rules).
func plain(s string) string {
	folded := cases.Fold().String(norm.NFKD.String(s))
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.IsSpace(r):
			return -1
		case unicode.Is(unicode.Pd, r), strings.ContainsRune("'’‘`´.\u00ad\u2212", r):
			return -1
		}
		return r
	}, folded)
}
