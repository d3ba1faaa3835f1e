package practice

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// when is a date in a story, relative to the day of the request: "-3y", "-20d 09:40", "+2w", "-18mo to month" or
// "-30y to year" for dates that are not known to the day. The zero when is an unknown date.
type when struct {
	years, months, days int
	clock               time.Duration
	timed, set          bool
	precision           string // "year", "month" or ""
}

var whenGrammar = regexp.MustCompile(`^([+-]?[0-9]+)(d|w|mo|y)(?: ([0-2][0-9]):([0-5][0-9]))?(?: to (month|year))?$`)

// UnmarshalYAML reads the form above.
func (w *when) UnmarshalYAML(n *yaml.Node) error {
	m := whenGrammar.FindStringSubmatch(n.Value)
	if m == nil {
		return fmt.Errorf("line %d: %q is not a relative date such as -20d or -3y to month", n.Line, n.Value)
	}
	count, err := strconv.Atoi(m[1])
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*w = when{set: true, precision: m[5]}
	switch m[2] {
	case "d":
		w.days = count
	case "w":
		w.days = 7 * count
	case "mo":
		w.months = count
	case "y":
		w.years = count
	}
	if m[3] != "" {
		h, _ := strconv.Atoi(m[3])
		min, _ := strconv.Atoi(m[4])
		w.timed, w.clock = true, time.Duration(h)*time.Hour+time.Duration(min)*time.Minute
	}
	return nil
}

// earlier is w moved back by days.
func (w when) earlier(days int) when {
	w.days -= days
	return w
}

// at is the date seen from now.
func (w when) at(now time.Time) moment {
	if !w.set {
		return moment{}
	}
	first := time.Date(now.Year()+w.years, now.Month()+time.Month(w.months), 1, 0, 0, 0, 0, now.Location())
	// The day of a shorter month does not spill into the next one.
	last := first.AddDate(0, 1, -1).Day()
	t := first.AddDate(0, 0, min(now.Day(), last)-1+w.days)
	if w.timed {
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, int(w.clock.Minutes()), 0, 0, t.Location())
	}
	return moment{t: t, known: true, timed: w.timed, precision: w.precision}
}

// moment is a date as a record holds it: perhaps with a time, perhaps only a year, perhaps not known.
type moment struct {
	t            time.Time
	known, timed bool
	precision    string
}

// String is the FHIR text, empty if the date is not known.
func (m moment) String() string {
	switch {
	case !m.known:
		return ""
	case m.precision == "year":
		return m.t.Format("2006")
	case m.precision == "month":
		return m.t.Format("2006-01")
	case m.timed:
		return dateTime(m.t)
	}
	return dateOf(m.t)
}

// dateTime is the text with a time even where none was given, for elements that are instants.
func (m moment) dateTime() string {
	if !m.known {
		return ""
	}
	return dateTime(m.t)
}

// within says that a search finds the date: undated items always, a partial date for its whole month or year, and the
// bounds included (gpconnect.md, 6.6).
func (m moment) within(p period) bool {
	if !m.known {
		return true
	}
	first := midnightOf(m.t)
	after := first.AddDate(0, 0, 1)
	switch m.precision {
	case "year":
		first = time.Date(m.t.Year(), 1, 1, 0, 0, 0, 0, m.t.Location())
		after = first.AddDate(1, 0, 0)
	case "month":
		first = time.Date(m.t.Year(), m.t.Month(), 1, 0, 0, 0, 0, m.t.Location())
		after = first.AddDate(0, 1, 0)
	}
	if !p.start.IsZero() && !after.After(p.start) {
		return false
	}
	return p.end.IsZero() || !first.After(p.end)
}
