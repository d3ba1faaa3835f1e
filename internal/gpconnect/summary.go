package gpconnect

import "slices"

// maxPiece is how many references one Index holds.
const maxPiece = 500

// close judges the record when all of it was seen. Only then is anything known to be complete.
func (l *ledger) close() (indexes []*Index, s *Summary) {
	s = &Summary{Verdict: Whole, Entries: l.entries, Warnings: l.warnings}
	var unlisted, unresolved [Documents + 1][]string
	missing := 0
	for _, m := range l.clinical {
		if !l.primary[m.to] {
			unlisted[m.area] = append(unlisted[m.area], m.to)
		}
	}
	for _, m := range l.pointed {
		if !l.present[m.to] {
			unresolved[m.area] = append(unresolved[m.area], m.to)
			missing++
		}
	}
	for to, n := range l.references {
		if !l.present[target(to)] {
			s.Dangling += n
		}
	}
	for _, area := range append([]Area{0}, Areas()...) {
		notes := &l.areas[area]
		indexes = append(indexes, pieces(area, notes.listed, unlisted[area], unresolved[area])...)
		if area == 0 {
			continue
		}
		notes.unresolved = len(unresolved[area])
		s.Areas = append(s.Areas, AreaResult{
			Area: area, Status: l.status(area), Warnings: notes.warnings, EmptyReason: notes.emptyReason,
			Listed: notes.items, Unlisted: len(unlisted[area]), Unresolved: len(unresolved[area]), Ended: notes.ended,
		})
	}
	if missing > 0 {
		s.Verdict = Partial
	}
	for _, a := range s.Areas {
		switch {
		case !l.selection.Requests(a.Area), a.Status == Complete, a.Status == RecordedAsEmpty:
		case a.Status == Failed, a.Status == NotSupported:
			s.Verdict = Partial
		case s.Verdict == Whole:
			s.Verdict = Warned
		}
	}
	if s.Verdict == Whole && l.warnings > 0 {
		s.Verdict = Warned
	}
	return indexes, s
}

// status is the most serious of what is known of an area.
func (l *ledger) status(area Area) AreaStatus {
	a := &l.areas[area]
	warned := func(k WarningKind) bool { return slices.Contains(a.warnings, k) }
	switch {
	case area == Documents && a.notSupported:
		return NotSupported
	case !l.selection.Requests(area):
		return NotRequested
	case a.notSupported:
		return NotSupported
	case a.lists == 0, a.unresolved > 0:
		return Failed
	case area == Allergies && a.endedLists == 0 && !l.selection.Allergies.ExcludeEnded:
		return Failed
	case warned(0), warned(NotRecognised):
		return Failed
	case warned(ConfidentialItems):
		return Withheld
	case warned(DataInTransit):
		return InTransit
	case warned(DataAwaitingFiling):
		return AwaitingFiling
	case a.items > 0:
		// Items that are only named are in the warnings: the area is all that the practice shares.
		return Complete
	}
	return emptyStatus(a.emptyReason)
}

// emptyStatus is what an empty List means by its reason (6.4; the codes of FHIR beside GP Connect's one).
func emptyStatus(reason string) AreaStatus {
	switch reason {
	case "", "no-content-recorded", "nilknown":
		return RecordedAsEmpty
	case "withheld":
		return Withheld
	}
	return Failed
}

// pieces cuts an index into pieces of at most maxPiece references.
func pieces(area Area, listed, unlisted, unresolved []string) []*Index {
	var all []*Index
	for len(listed)+len(unlisted)+len(unresolved) > 0 {
		i := &Index{Area: area}
		room := maxPiece
		take := func(from *[]string) []string {
			n := min(room, len(*from))
			taken := (*from)[:n:n]
			*from, room = (*from)[n:], room-n
			return taken
		}
		i.Listed, i.Unlisted, i.Unresolved = take(&listed), take(&unlisted), take(&unresolved)
		all = append(all, i)
	}
	return all
}
