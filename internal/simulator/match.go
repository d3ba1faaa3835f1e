package simulator

import (
	"cmp"
	"slices"
	"strings"
)

// The score is whole with every criterion met exactly. What takes from it, in ten-thousandths, was chosen so that scores
// look like those that PDS gives for right answers; the contract has no rule (PDS contract, 7.4 and 17).
const (
	whole     = 10000
	wildcard  = 741 // for each criterion with one
	homophone = 683 // for each name that only sounds the same, or differs in its accents
	swapped   = 340 // given and family name the other way round
	mismatch  = 458 // for each criterion that a fuzzy search forgives
)

// match says how well a person fits, and whether they fit at all. The day is today's in UTC: nothing in the data turns on
// the hour that the United Kingdom is ahead in summer.
func (q pdsQuery) match(p *pdsPatient, today string) (score int, ok bool) {
	if p.restricted() && (q.postcode != "" || q.practice != "") {
		return 0, false // not even that they exist, to who asks where they are
	}
	if !q.born.holds(p.BirthDate) {
		return 0, false // former dates of birth are never looked at, and wrong ones never forgiven
	}
	lost, ok := q.named(p, today)
	if !ok {
		return 0, false
	}
	for _, met := range []struct{ given, met bool }{
		{q.gender != "", q.gender == p.Gender},
		{q.died.given, q.died.holds(p.Deceased)},
		{q.postcode != "", q.lives(p, today)},
		{q.practice != "", strings.EqualFold(q.practice, p.practice())},
		{q.email != "", q.reached(p, "email", q.email, today)},
		{q.phone != "", q.reached(p, "phone", q.phone, today)},
	} {
		switch {
		case !met.given || met.met:
		case q.fuzzy:
			lost += mismatch
		default:
			return 0, false
		}
	}
	if strings.Contains(q.postcode, "*") {
		lost += wildcard
	}
	score = max(whole-lost, 0)
	return score, !q.exact || score == whole
}

// former reports whether a search looks at what is no longer so.
func (q pdsQuery) former() bool { return q.historical || q.fuzzy }

// named finds the name of a person that fits best, and what it takes from the score.
func (q pdsQuery) named(p *pdsPatient, today string) (lost int, ok bool) {
	for _, n := range p.Name {
		if !q.former() && !n.shown(today) {
			continue
		}
		fits := q.spelt
		if q.fuzzy {
			fits = q.sounds
		}
		if l, fit := fits(n); fit && (!ok || l < lost) {
			lost, ok = l, true
		}
	}
	return lost, ok
}

// spelt compares as an ordinary search does: without case, with wildcards, and every given name in its place. A wildcard
// is for the first given name only.
func (q pdsQuery) spelt(n pdsName) (lost int, ok bool) {
	for i, asked := range append([]string{q.family}, q.given...) {
		var held string
		switch {
		case i == 0:
			held = n.Family
		case i <= len(n.Given):
			held = n.Given[i-1]
		default:
			return 0, false
		}
		switch {
		case strings.Contains(asked, "*") && i < 2:
			if !like(strings.ToLower(asked), strings.ToLower(held)) {
				return 0, false
			}
			lost += wildcard
		case !strings.EqualFold(asked, held):
			return 0, false
		}
	}
	return lost, true
}

// sounds compares as a fuzzy search does: the family name and the first given name must at least sound the same, as they
// stand or swapped; further given names only take from the score.
func (q pdsQuery) sounds(n pdsName) (lost int, ok bool) {
	var first, held string
	if len(q.given) > 0 {
		first = q.given[0]
	}
	if len(n.Given) > 0 {
		held = n.Given[0]
	}
	lost, ok = alike(q.family, n.Family, first, held)
	if q.family != "" && first != "" {
		if l, fit := alike(q.family, held, first, n.Family); fit && (!ok || l+swapped < lost) {
			lost, ok = l+swapped, true
		}
	}
	for i := 1; i < len(q.given); i++ {
		if i >= len(n.Given) || !strings.EqualFold(q.given[i], n.Given[i]) {
			lost += mismatch
		}
	}
	return lost, ok
}

// alike compares two names with what is held of them. What was not asked is alike.
func alike(family, heldFamily, given, heldGiven string) (lost int, ok bool) {
	for _, pair := range [][2]string{{family, heldFamily}, {given, heldGiven}} {
		switch asked, held := pair[0], pair[1]; {
		case asked == "" || strings.EqualFold(asked, held):
		case soundex(asked) != "" && soundex(asked) == soundex(held):
			lost += homophone
		default:
			return 0, false
		}
	}
	return lost, true
}

// lives compares the postcode with those of all addresses, home or not: the temporary ones count, although they are not
// shown.
func (q pdsQuery) lives(p *pdsPatient, today string) bool {
	for _, a := range p.Address {
		if (q.former() || a.Period.covers(today)) && like(q.postcode, postcode(a.PostalCode)) {
			return true
		}
	}
	return false
}

// reached compares an e-mail address without case, and a telephone number exactly.
func (q pdsQuery) reached(p *pdsPatient, system, value, today string) bool {
	for _, t := range p.Telecom {
		if t.System == system && (q.former() || t.Period.covers(today)) &&
			(t.Value == value || system == "email" && strings.EqualFold(t.Value, value)) {
			return true
		}
	}
	return false
}

// found is a person with how well they fit, in ten-thousandths.
type found struct {
	person *pdsPatient
	score  int
}

// best puts the best first, and those who fit equally well by number.
func best(a, b found) int {
	return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.person.ID, b.person.ID))
}

// find is everybody whom a search matches, the best first.
func (w *world) find(q pdsQuery, today string) []found {
	var all []found
	for _, digits := range w.order {
		if e := w.patients[digits]; e.listed() {
			if score, ok := q.match(e.person, today); ok {
				all = append(all, found{e.person, score})
			}
		}
	}
	slices.SortFunc(all, best)
	return all
}
