package service

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/spinegate/spinegate/internal/nhs"
)

func TestWindowsThatAPracticeAccepts(t *testing.T) {
	for _, tt := range []struct {
		name, start, end string
		want             []string
	}{
		{"one day", "2026-03-27", "2026-03-27", []string{"2026-03-27 2026-03-27"}},
		{"14 days", "2026-03-01", "2026-03-15", []string{"2026-03-01 2026-03-15"}},
		{"15 days share one", "2026-03-01", "2026-03-16", []string{"2026-03-01 2026-03-15", "2026-03-15 2026-03-16"}},
		{"a time in UTC becomes UK time", "2026-07-01T09:00:00Z", "2026-07-02", []string{"2026-07-01T10:00:00+01:00 2026-07-02"}},
		{
			"winter has an offset too", "2026-01-01T09:00:00Z", "2026-01-01T10:00:00+00:00",
			[]string{"2026-01-01T09:00:00+00:00 2026-01-01T10:00:00+00:00"},
		},
		{"over the change of clocks", "2026-03-20", "2026-04-10", []string{"2026-03-20 2026-04-03", "2026-04-03 2026-04-10"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := parseWindow(tt.start, tt.end)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, part := range w.split() {
				got = append(got, part.start.text()+" "+part.end.text())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWindowOfDaysEndsWithItsLastMoment(t *testing.T) {
	w, err := parseWindow("2026-07-01", "2026-07-01")
	if err != nil {
		t.Fatal(err)
	}
	opens, closes := w.opens().GetInstant().AsTime(), w.closes().GetInstant().AsTime()
	if got := opens.Format(time.RFC3339) + " " + closes.Format(time.RFC3339); got != "2026-06-30T23:00:00Z 2026-07-01T22:59:59Z" {
		t.Errorf("the day goes from %s", got)
	}
}

func TestWindowsThatMakeNoSense(t *testing.T) {
	for _, tt := range [][2]string{
		{"2026-03-02", "2026-03-01"},
		{"2026-02-30", "2026-03-01"},
		{"2026-03-01", "2026-13-01"},
		{"2026-03-01T10:00:00Z", "2026-03-01T09:59:59Z"},
	} {
		if _, err := parseWindow(tt[0], tt[1]); err == nil {
			t.Errorf("%q was accepted", tt)
		}
	}
}

func TestSplitCoversEveryMomentInAcceptableRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, nhs.London).AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "start"))
		days := rapid.IntRange(0, 120).Draw(t, "days")
		w := window{bound{start, true}, bound{start.AddDate(0, 0, days), true}}
		parts := w.split()
		if parts[0].start != w.start || parts[len(parts)-1].end != w.end {
			t.Fatal("the ends moved")
		}
		for i, part := range parts {
			if span := part.end.at.Sub(part.start.at); span > (maxWindowDays*24+1)*time.Hour || span < 0 {
				t.Errorf("part %d spans %s", i, span)
			}
			if i > 0 && part.start != parts[i-1].end {
				t.Errorf("part %d leaves a gap", i)
			}
		}
	})
}
