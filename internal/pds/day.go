package pds

import (
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// day is a UK day, yyyy-mm-dd, so that days compare as text.
type day string

func dayOf(t time.Time) day { return day(t.In(nhs.London).Format(time.DateOnly)) }

// covers says that a day lies in a period. An end that is missing is open, and one that is given is included. A date that
// cannot be read covers nothing.
func covers(p fhir.Period, today day) bool {
	first, okFirst := bound(p.Start, "0000-01-01")
	last, okLast := bound(p.End, "9999-12-31")
	return okFirst && okLast && first <= today && today <= last
}

// bound is the first or last day that a date can mean: a year or a month is filled from the default.
func bound(text string, open day) (day, bool) {
	text = trim(text)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return dayOf(t), true
	}
	text, _, _ = strings.Cut(text, "T") // a time without a zone is a UK time
	for _, layout := range []struct{ of, rest string }{
		{"", string(open)}, {"2006", string(open)[4:]}, {"2006-01", string(open)[7:]}, {time.DateOnly, ""},
	} {
		if len(text) != len(layout.of) {
			continue
		}
		if _, err := time.Parse(layout.of, text); err != nil {
			return "", false
		}
		return day(text + layout.rest), true
	}
	return "", false
}

func trim(text string) string { return strings.TrimSpace(text) }
