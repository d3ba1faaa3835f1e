package doctor

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Clocks of the NHS differ by 250 ms at most (trust contract, time). A Date header has whole seconds, so what is smaller cannot
// be told from it. Beyond a minute tokens are refused.
const (
	skewWarn = 2 * time.Second
	skewFail = time.Minute
)

// clock compares ours with an upstream's.
func (e *examination) clock(subject string, header http.Header, sent, received time.Time) {
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		e.skip(subject, "clock", "The answer has no date.")
		return
	}
	if age, err := strconv.Atoi(header.Get("Age")); err == nil && age > 0 && age < 1e6 {
		theirs = theirs.Add(time.Duration(age) * time.Second) // it comes from a cache
	}
	verdict, seen := Clock(ahead(theirs, sent, received))
	do := ""
	if verdict != OK {
		do = "Synchronise this machine's clock by NTP. If others agree with it, tell who runs the service."
	}
	e.wrong(verdict, subject, "clock", seen, do)
}

// ahead is how far our clock is ahead of one that wrote a date, in whole seconds, between two of our moments.
func ahead(theirs, sent, received time.Time) time.Duration {
	middle := sent.Add(received.Sub(sent) / 2)
	return middle.Sub(theirs.Add(500 * time.Millisecond))
}

// Clock judges how far our clock is ahead of another.
func Clock(by time.Duration) (Verdict, string) {
	direction := "ahead"
	if by < 0 {
		direction = "behind"
	}
	seen := fmt.Sprintf("ours is %s %s", by.Abs().Round(time.Second), direction)
	switch {
	case by.Abs() > skewFail:
		return Fail, seen
	case by.Abs() > skewWarn:
		return Warn, seen
	}
	return OK, "ours is within 2s"
}
