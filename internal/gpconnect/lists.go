package gpconnect

import (
	"slices"
	"strings"

	"github.com/spinegate/spinegate/internal/fhir"
)

// list is what is read of a List (6.3).
type list struct {
	Code      concept     `json:"code"`
	Extension []extension `json:"extension"`
	Note      []struct {
		Text string `json:"text"`
	} `json:"note"`
	Entry []struct {
		Item reference `json:"item"`
	} `json:"entry"`
	EmptyReason concept `json:"emptyReason"`
}

// place is what a List is for.
type place struct {
	area    Area // none if it cannot be told
	primary bool
	ended   bool // it is the primary List of ended allergies
}

// place tells by the code, never by the title: titles differ between suppliers and between editions of the specification.
func (l *list) place() place {
	if snomed, ok := codeOf(l.Code, "snomed.info/sct"); ok {
		if area, ended := areaOfPrimary(snomed); area != 0 {
			return place{area: area, primary: true, ended: ended}
		}
		switch snomed {
		case "325851000000107", "25851000000105", "24781000000107": // Consultation, Topic, Category
			return place{area: Consultations}
		}
	}
	secondary, _ := codeOf(l.Code, "GPConnect-SecondaryListValues-1")
	switch {
	case strings.HasPrefix(secondary, "consultations-"):
		return place{area: Consultations}
	case strings.HasPrefix(secondary, "problems-"):
		return place{area: Problems}
	}
	return place{}
}

// maxDisplays is how many items without a reference are told by what they are called.
const maxDisplays = 8

// list takes in a List.
func (l *ledger) list(e *fhir.Entry) []*Warning {
	var in list
	if decode(e.JSON, &in) != nil {
		return []*Warning{{Kind: UnreadableEntry, Position: e.Position, Total: 1}}
	}
	at := in.place()
	notes := &l.areas[at.area]
	switch {
	case at.ended:
		notes.endedLists++
	case at.primary:
		notes.lists++
		notes.items += len(in.Entry)
		if len(in.Entry) == 0 && len(in.EmptyReason.Coding) > 0 {
			notes.emptyReason = word(in.EmptyReason.Coding[0].Code)
		}
	}
	var display []string
	withoutReference := 0
	contained := make(map[string]bool, len(e.Contained))
	for _, c := range e.Contained {
		contained[c.ID] = true
	}
	for _, entry := range in.Entry {
		switch to := target(entry.Item.Reference); {
		case to == "":
			withoutReference++
			if text := cut(entry.Item.Display, maxText/maxDisplays); text != "" && !slices.Contains(display, text) && len(display) < maxDisplays {
				display = append(display, text)
			}
		case strings.HasPrefix(to, "#"):
			if !contained[to[1:]] {
				l.pointed = append(l.pointed, mention{at.area, l.keep(to)})
			} else if at.ended {
				notes.ended++
			}
		default:
			to = l.keep(to)
			l.pointed = append(l.pointed, mention{at.area, to})
			if at.primary {
				l.primary[to] = true
				notes.listed = append(notes.listed, to)
			}
		}
	}
	warnings := in.warnings(at.area, e.Position)
	if withoutReference > 0 {
		// The practice's system holds the item and does not export it (5.2).
		warnings = append(warnings, &Warning{
			Kind: NotProvided, Area: at.area, Text: strings.Join(display, "\n"), Position: e.Position, Total: withoutReference,
		})
	}
	return warnings
}

// maxListWarnings bounds the codes of one List. Three are known.
const maxListWarnings = 16

// warnings are those that the List carries (6.5), each code once. Drive logic from the code; the notes of several are one
// text.
func (l *list) warnings(area Area, position int) []*Warning {
	var notes []string
	for _, n := range l.Note {
		notes = append(notes, n.Text)
	}
	text := cut(strings.Join(notes, "\n"), maxText)
	var warnings []*Warning
	for _, x := range l.Extension {
		code := word(x.Code)
		same := func(w *Warning) bool { return w.Code == code }
		if !isExtension(x.URL, "Extension-CareConnect-ListWarningCode-1") || slices.ContainsFunc(warnings, same) {
			continue
		}
		if len(warnings) == maxListWarnings {
			return append(warnings, &Warning{Kind: UnreadableEntry, Area: area, Position: position, Total: 1})
		}
		w := &Warning{Area: area, Code: code, Text: text, Position: position, Total: 1}
		switch code {
		case "confidential-items":
			w.Kind = ConfidentialItems
		case "data-in-transit":
			w.Kind = DataInTransit
		case "data-awaiting-filing":
			w.Kind = DataAwaitingFiling
		}
		warnings = append(warnings, w)
	}
	return warnings
}
