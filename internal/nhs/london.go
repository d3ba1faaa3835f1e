package nhs

import (
	"time"
	_ "time/tzdata" // UK time is known wherever this runs, also in an image without zone files
)

// London is the zone in which the NHS of England lives: days of registration are days there, and so are the times in a
// practice's diary.
var London = func() *time.Location {
	location, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic("nhs: the embedded time zones lack Europe/London") // cannot happen: tzdata is linked in
	}
	return location
}()
