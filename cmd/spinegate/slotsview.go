package main

import (
	"strings"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Columns of a line: when it came, then the practice, then what it is about.
const (
	slotWhen   = 8
	slotIndent = 2 + slotWhen + 2 + 6 + 2
)

// slotsView shows a search for slots as it goes on.
type slotsView struct {
	p       *page
	handles bool
	begun   time.Time
	// shown is how many slots of each practice are shown; the rest are counted in its result. 0 is all.
	shown int
	count map[string]int
	// where is the last location shown of each practice: it is repeated only when it changes.
	where map[string]string
	// elapsed is the time since the search began, a function so that a recorded search can be shown, too.
	elapsed func() time.Duration
}

func newSlotsView(p *page, handles bool) *slotsView {
	v := &slotsView{p: p, handles: handles, begun: time.Now(), count: map[string]int{}, where: map[string]string{}}
	v.elapsed = func() time.Duration { return time.Since(v.begun) }
	return v
}

func (v *slotsView) take(m *pb.SearchSlotsResponse) {
	switch e := m.GetEvent().(type) {
	case *pb.SearchSlotsResponse_Opening:
		o := e.Opening
		v.p.paragraph(0, styled(strong, "Free slots"), textf(" at %s, from %s to %s", strings.Join(o.GetOdsCodes(), ", "),
			diaryTime(o.GetStart()), diaryTime(o.GetEnd())))
	case *pb.SearchSlotsResponse_Slot:
		v.slot(e.Slot)
	case *pb.SearchSlotsResponse_Result:
		v.result(e.Result)
	case *pb.SearchSlotsResponse_Warning:
		v.line(e.Warning.GetOdsCode(), styled(notice, "WARNING"), textf("  %s: %s", words(e.Warning.GetKind()), e.Warning.GetMessage()))
	case *pb.SearchSlotsResponse_Failure:
		v.failure(e.Failure)
	case *pb.SearchSlotsResponse_Closing:
		v.closing(e.Closing)
	}
}

// line begins with when it came.
func (v *slotsView) line(ods string, said ...cell) {
	when := pad("+"+took(v.elapsed()), slotWhen)
	v.p.wrap("  "+v.p.paint(faint, when)+"  "+pad(clean(ods), 6)+"  ", slotIndent, said)
}

func (v *slotsView) slot(s *pb.Slot) {
	v.count[s.GetOdsCode()]++
	if v.shown > 0 && v.count[s.GetOdsCode()] > v.shown {
		return
	}
	where := s.GetLocation().GetName()
	if v.where[s.GetOdsCode()] == where {
		where = ""
	} else {
		v.where[s.GetOdsCode()] = where
	}
	v.line(s.GetOdsCode(), text(notes(slotWords(s), where)))
	if v.handles {
		v.p.write(strings.Repeat(" ", slotIndent) + clean(s.GetHandle()) + "\n") // whole, so that it can be copied
	}
}

// slotWords is when a slot is, how, and with whom.
func slotWords(s *pb.Slot) string {
	end := diaryTime(s.GetEnd())
	if i := strings.LastIndexByte(end, ' '); i >= 0 {
		end = end[i+1:]
	}
	var with []string
	for _, p := range s.GetPractitioners() {
		with = append(with, fullName(p.GetName()))
	}
	channel := s.GetChannelCode()
	if s.GetChannel() != pb.DeliveryChannel_DELIVERY_CHANNEL_UNSPECIFIED {
		channel = words(s.GetChannel())
	}
	return diaryTime(s.GetStart()) + "-" + end + "  " + notes(channel, s.GetSlotType(), strings.Join(with, " and "))
}

func (v *slotsView) result(r *pb.PracticeResult) {
	said := []string{plural(int(r.GetSlotsTotal()), "slot", "slots")}
	if hidden := v.count[r.GetOdsCode()] - v.shown; v.shown > 0 && hidden > 0 {
		said = append(said, plural(hidden, "not shown here", "not shown here"))
	}
	if n := int(r.GetFilteredTotal()); n > 0 {
		said = append(said, plural(n, "left out by your filters", "left out by your filters"))
	}
	if n := int(r.GetUnreadableTotal()); n > 0 {
		said = append(said, plural(n, "UNREADABLE", "UNREADABLE"))
	}
	if r.GetCutShort() {
		said = append(said, "CUT SHORT by your limit: there may be more")
	}
	v.line(r.GetOdsCode(), styled(good, "ANSWERED"), textf("  %s", notes(r.GetPracticeName(), strings.Join(said, ", "))))
}

func (v *slotsView) failure(f *pb.PracticeFailure) {
	failed := failureIn(f.GetError())
	v.line(f.GetOdsCode(), styled(bad, "FAILED"), textf("  %s", failed.title()))
	failed.brief = true // the closing message has the ids of the call
	failed.show(v.p, slotIndent)
	if n := int(f.GetSlotsTotal()); n > 0 {
		v.p.paragraph(slotIndent, textf("%s of it came before that, and are not all.", plural(n, "slot", "slots")))
	}
}

func (v *slotsView) closing(c *pb.SlotsClosing) {
	counts := plural(int(c.GetSlotsTotal()), "slot", "slots") + "; " + plural(int(c.GetResultsTotal()), "practice", "practices") + " answered"
	if n := int(c.GetFailuresTotal()); n > 0 {
		counts += ", " + plural(n, "failed", "failed")
	}
	if n := int(c.GetCutShortTotal()); n > 0 {
		counts += ", " + plural(n, "was cut short", "were cut short")
	}
	v.p.blank()
	if c.GetVerdict() == pb.Verdict_VERDICT_WHOLE {
		v.p.paragraph(0, styled(good, "WHOLE"), textf("  %s.", counts))
	} else {
		v.p.paragraph(0, styled(bad, "NOT WHOLE"), textf("  (%s) %s.", words(c.GetVerdict()), counts))
	}
	showProvenance(v.p, c.GetProvenance())
}
