package gpconnect

import (
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
)

// maxLedger bounds the memory of a ledger, in bytes of the texts that it keeps. The record of 1,300 entries that is the
// largest seen (14) needs a hundredth of it.
const maxLedger = 32 << 20

// ledger keeps, while a record passes, what can only be judged at its end: which ids there were, which the Lists name, and
// what each area's Lists said. It keeps ids and codes and nothing clinical.
type ledger struct {
	selection Selection
	size      int64
	entries   int
	patients  int
	warnings  int

	present    map[string]bool // "Type/id" of every entry
	references map[string]int  // occurrences of every reference that was not present when it was seen
	primary    map[string]bool // references in primary Lists
	clinical   []mention       // every entry of a kind that Lists hold
	pointed    []mention       // every reference in any List, under the area of the List
	areas      [Documents + 1]areaNotes
	practices  map[string]Practice // of Organization entries, by reference
}

// mention is a reference under an area.
type mention struct {
	area Area
	to   string
}

// areaNotes is what is known of an area so far.
type areaNotes struct {
	lists, endedLists int // primary ones
	listed            []string
	items, ended      int
	unresolved        int
	notSupported      bool
	warnings          []WarningKind
	emptyReason       string
}

func newLedger(s Selection) *ledger {
	return &ledger{
		selection: s, present: map[string]bool{}, references: map[string]int{}, primary: map[string]bool{},
		practices: map[string]Practice{},
	}
}

// keep accounts for an id or reference that is kept.
func (l *ledger) keep(text string) string {
	text = short(text)
	l.size += int64(len(text)) + 64
	return text
}

// note takes in one entry and returns what must be told of it.
func (l *ledger) note(e *fhir.Entry) ([]*Warning, error) {
	l.entries++
	var warnings []*Warning
	if e.ResourceType == "" {
		warnings = append(warnings, &Warning{Kind: UnreadableEntry, Position: e.Position, Total: 1})
	}
	if e.ResourceType == "Patient" {
		l.patients++
	}
	if e.ID != "" {
		key := l.keep(e.ResourceType + "/" + e.ID)
		if l.present[key] || e.ResourceType == "Patient" && l.patients > 1 {
			warnings = append(warnings, &Warning{Kind: RepeatedEntry, Position: e.Position, Total: 1})
		}
		l.present[key] = true
		if area, ok := areaOfType(e.ResourceType); ok {
			l.clinical = append(l.clinical, mention{area, key})
		}
	}
	if e.FullURL != "" {
		l.present[l.keep(e.FullURL)] = true
	}
	for _, r := range e.References {
		l.refer(r)
	}
	switch e.ResourceType {
	case "List":
		warnings = append(warnings, l.list(e)...)
	case "OperationOutcome":
		warnings = append(warnings, l.outcome(e)...)
	case "Organization":
		var o organization
		if decode(e.JSON, &o) == nil {
			practice := o.practice()
			l.size += int64(len(practice.ODS) + len(practice.Name))
			l.practices[l.keep("Organization/"+e.ID)] = practice
		}
	}
	for _, w := range warnings {
		l.warn(w)
	}
	if l.size > maxLedger {
		return nil, fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, nil)
	}
	return warnings, nil
}

// refer counts a reference that may point at nothing.
func (l *ledger) refer(text []byte) {
	if len(text) == 0 || text[0] == '#' || l.present[string(text)] {
		return
	}
	if len(text) > maxWord {
		text = []byte(short(target(string(text))))
	}
	if _, known := l.references[string(text)]; known {
		l.references[string(text)]++
		return
	}
	l.references[l.keep(string(text))] = 1
}

// warn counts a warning and notes it under its area.
func (l *ledger) warn(w *Warning) {
	l.warnings++
	if a := &l.areas[w.Area]; w.Area != 0 && !slices.Contains(a.warnings, w.Kind) {
		a.warnings = append(a.warnings, w.Kind)
	}
}

// outcome reads an OperationOutcome among the entries: a warning in an answer that otherwise looks whole (5.2).
func (l *ledger) outcome(e *fhir.Entry) []*Warning {
	outcome, ok := fhir.ReadOutcome(e.JSON)
	if !ok {
		return []*Warning{{Kind: UnreadableEntry, Position: e.Position, Total: 1}}
	}
	var warnings []*Warning
	for _, issue := range outcome.Issues {
		w := &Warning{
			Code: word(issue.Code()), Text: cut(issue.Text, maxText), Diagnostics: cut(issue.Diagnostics, maxText),
			Position: e.Position, Total: 1,
		}
		switch {
		case w.Code == "NOT_IMPLEMENTED":
			var part bool
			w.Area, part = areaOfParameter(parameterNamed(issue))
			w.Kind = NotProvided
			if strings.Contains(strings.ToLower(issue.Text), "unrecogni") {
				w.Kind = NotRecognised
			}
			if !part {
				l.areas[w.Area].notSupported = true
			}
		case issue.Severity == "information":
			continue
		}
		warnings = append(warnings, w)
	}
	if outcome.Omitted {
		// What is behind may be anything, a part that the practice does not provide, too.
		warnings = append(warnings, &Warning{Kind: UnreadableEntry, Position: e.Position, Total: 1})
	}
	return warnings
}

// parameterNamed is the parameter that an issue is about: its diagnostics, else the first word of its text.
func parameterNamed(issue fhir.Issue) string {
	for _, text := range []string{issue.Diagnostics, issue.Text} {
		if word, _, _ := strings.Cut(strings.TrimSpace(text), " "); word != "" {
			return word
		}
	}
	return ""
}

// practice is what is known by now of a practice that the Patient names.
func (l *ledger) practice(r practiceReference) (Practice, bool) {
	p, known := l.practices[short(r.to)]
	return p, known
}
