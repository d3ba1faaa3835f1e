package main

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Whatever the time is when a slot is chosen for somebody, a quarter of an hour is left to book it.
func TestASlotThatIsChosenCanStillBeBooked(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 59, 59, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		begin time.Time
		how   pb.DeliveryChannel
		want  bool
	}{
		{"begins in a second", now.Add(time.Second), pb.DeliveryChannel_DELIVERY_CHANNEL_TELEPHONE, false},
		{"has begun", now.Add(-time.Minute), pb.DeliveryChannel_DELIVERY_CHANNEL_TELEPHONE, false},
		{"begins when a quarter of an hour has passed", now.Add(15 * time.Minute), pb.DeliveryChannel_DELIVERY_CHANNEL_TELEPHONE, true},
		{"is a visit", now.Add(time.Hour), pb.DeliveryChannel_DELIVERY_CHANNEL_VISIT, false},
	} {
		slot := &pb.Slot{Channel: tt.how, Start: &pb.SlotTime{Instant: timestamppb.New(tt.begin)}}
		if got := eligible(slot, now.Add(lead)); got != tt.want {
			t.Errorf("one that %s: eligible = %t", tt.name, got)
		}
	}
	if eligible(nil, now) {
		t.Error("no slot is eligible")
	}
}

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(23*time.Hour + 50*time.Minute) // from a bubble's midnight
		for _, tt := range []struct {
			from       string
			days       int
			lead       time.Duration
			start, end string // an empty start is a refusal
		}{
			{"", 1, 0, "2000-01-01T23:50:00Z", "2000-01-01"},
			{"", 2, lead, "2000-01-02T00:05:00Z", "2000-01-03"},
			{"2000-01-01", 1, 0, "2000-01-01T23:50:00Z", "2000-01-01"},
			{"2000-01-01", 1, lead, "2000-01-02T00:05:00Z", "2000-01-02"},
			{"2000-01-01T09:00:00Z", 2, 0, "2000-01-01T23:50:00Z", "2000-01-02"},
			{"2000-01-03", 14, lead, "2000-01-03", "2000-01-16"},
			{"2000-07-03T09:00:00+01:00", 1, 0, "2000-07-03T09:00:00+01:00", "2000-07-03"},
			{"1999-12-31", 14, 0, "", ""},
			{"1999-12-31T23:59:59Z", 14, 0, "", ""},
			{"2000-01-03T09:00:00", 1, 0, "", ""},
			{"2000-02-30", 1, 0, "", ""},
			{"2000-01-03nonsense", 1, 0, "", ""},
			{"", 0, 0, "", ""},
		} {
			var r pb.SearchSlotsRequest
			err := (window{From: tt.from, Days: tt.days}).fill(&r, time.Now().Add(tt.lead))
			if (err != nil) != (tt.start == "") || err == nil && (r.GetStart() != tt.start || r.GetEnd() != tt.end) {
				t.Errorf("from %q for %d days: %s to %s, %v; want %s to %s", tt.from, tt.days, r.GetStart(), r.GetEnd(), err, tt.start, tt.end)
			}
		}
	})
}
