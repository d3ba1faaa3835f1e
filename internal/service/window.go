package service

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// maxWindowDays is the widest range of days that a practice must accept in one search (GP Connect contract, 10.1).
const maxWindowDays = 14

const (
	dayLayout  = "2006-01-02"
	timeLayout = "2006-01-02T15:04:05-07:00" // never Z: practices refuse it
)

// bound is one end of a window: a whole UK day, or a time.
type bound struct {
	at    time.Time // in UK local time; midnight for a whole day
	whole bool
}

// text is how a practice is asked: a day, or UK local time with offset.
func (b bound) text() string {
	if b.whole {
		return b.at.Format(dayLayout)
	}
	return b.at.Format(timeLayout)
}

// window is a range of diary time. Both ends are included; a whole day at the end reaches to its last moment.
type window struct{ start, end bound }

// parseWindow reads what the caller asked for.
func parseWindow(start, end string) (window, error) {
	from, err := parseBound(start)
	if err != nil {
		return window{}, fault.Invalid("start", "slots.time", "must be a day that exists, or a time with its offset")
	}
	to, err := parseBound(end)
	if err != nil {
		return window{}, fault.Invalid("end", "slots.time", "must be a day that exists, or a time with its offset")
	}
	w := window{from, to}
	if w.last().Before(from.at) {
		return window{}, fault.Invalid("end", "slots.window", "must not be before start")
	}
	return w, nil
}

func parseBound(s string) (bound, error) {
	if !strings.Contains(s, "T") {
		at, err := time.ParseInLocation(dayLayout, s, nhs.London)
		return bound{at, true}, err
	}
	at, err := time.Parse(time.RFC3339, s)
	return bound{at.In(nhs.London), false}, err
}

// last is the last moment of the window.
func (w window) last() time.Time {
	if w.end.whole {
		return w.end.at.AddDate(0, 0, 1).Add(-time.Second)
	}
	return w.end.at
}

// split cuts a window into ranges that a practice accepts. Neighbours share one day, so that no slot that reaches past
// midnight falls between them; whoever joins the answers drops the repeats.
func (w window) split() []window {
	var parts []window
	start := w.start
	for {
		limit := midnight(start.at).AddDate(0, 0, maxWindowDays)
		if !midnight(w.end.at).After(limit) {
			return append(parts, window{start, w.end})
		}
		seam := bound{limit, true}
		parts = append(parts, window{start, seam})
		start = seam
	}
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, nhs.London)
}

// opens and closes are the ends of the window as callers are told them: a whole day goes from its first moment to its last.
func (w window) opens() *pb.SlotTime {
	return &pb.SlotTime{Instant: timestamppb.New(w.start.at), Local: w.start.text()}
}

func (w window) closes() *pb.SlotTime {
	return &pb.SlotTime{Instant: timestamppb.New(w.last()), Local: w.end.text()}
}
