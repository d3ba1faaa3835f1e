package gpconnect

import (
	"errors"
	"time"
	_ "time/tzdata" // a practice's diary is UK local, also where the machine knows no zones
)

// london is the zone of every practice that GP Connect reaches.
var london = func() *time.Location {
	location, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic("gpconnect: the embedded time zones lack Europe/London") // cannot happen: tzdata is linked in
	}
	return location
}()

// civil is the UK's date.
func civil(t time.Time) string { return t.In(london).Format(time.DateOnly) }

// offsetLayout is a time as GP Connect writes it: UK local, offset in digits, never Z (gpconnect.md, 2).
const offsetLayout = "2006-01-02T15:04:05-07:00"

// Moment is a time in a practice's diary: the instant in UTC, and the text as received, whose digits are those to show.
type Moment struct {
	Instant time.Time
	Local   string
}

var errNoOffset = errors.New("not a time with an offset")

// parseMoment reads a time that has an offset. One without is refused: it would be an hour off for half of the year.
func parseMoment(text string) (Moment, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Moment{}, errNoOffset // the parser's own error quotes the text
	}
	return Moment{Instant: t.UTC(), Local: text}, nil
}
