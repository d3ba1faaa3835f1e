package gpconnect

import (
	"errors"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// civil is the UK's date.
func civil(t time.Time) string { return t.In(nhs.London).Format(time.DateOnly) }

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
