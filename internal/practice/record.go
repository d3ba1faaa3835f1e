package practice

import (
	"fmt"
	"slices"
	"time"
)

// item is one entry of a record with its date settled: an entry of a story, or one of its repeats.
type item struct {
	entry
	area     Area
	kind     string // the resource type that links name
	id       string // its logical id
	at       moment
	nth      int   // which repeat, 0 is the entry itself
	inside   *item // the consultation that names it
	contents any   // *allergy, *medication and so on
}

// ref is how other resources name it.
func (it *item) ref() string { return it.kind + "/" + it.id }

// words are what a person would call it.
func (it *item) words() string {
	if it.Text != "" {
		return it.Text
	}
	return it.Code.display
}

// record is a story seen from now by one practice for one patient.
type record struct {
	story *story
	items []*item
	byKey map[string]*item
}

// unfold settles every date of a story and makes its repeats.
func (d directory) unfold(st *story, p *Patient, now time.Time) *record {
	rec := &record{story: st, byKey: map[string]*item{}}
	add := func(area Area, e *entry, kind string, contents any) {
		for nth := range e.Repeat.Times + 1 {
			it := &item{
				entry: *e, area: area, kind: kind, nth: nth, contents: contents,
				at: e.Date.earlier(nth * e.Repeat.EveryDays).at(now),
			}
			it.Key = repeated(e.Key, nth)
			it.id = d.id(idKind(area, kind), p.NHSNumber.Digits()+"/"+it.Key)
			rec.items = append(rec.items, it)
			rec.byKey[it.Key] = it
		}
	}
	for i := range st.Allergies {
		add(Allergies, &st.Allergies[i].entry, "AllergyIntolerance", &st.Allergies[i])
	}
	for i := range st.Medications {
		add(Medications, &st.Medications[i].entry, "MedicationRequest", &st.Medications[i])
	}
	for i := range st.Problems {
		add(Problems, &st.Problems[i].entry, "Condition", &st.Problems[i])
	}
	for i := range st.Consultations {
		add(Consultations, &st.Consultations[i].entry, "Encounter", &st.Consultations[i])
	}
	for i := range st.Immunisations {
		kind := "Immunization"
		if st.Immunisations[i].Consent {
			kind = "Observation"
		}
		add(Immunisations, &st.Immunisations[i].entry, kind, &st.Immunisations[i])
	}
	for i := range st.Uncategorised {
		add(Uncategorised, &st.Uncategorised[i].entry, "Observation", &st.Uncategorised[i])
	}
	for i := range st.Investigations {
		add(Investigations, &st.Investigations[i].entry, "DiagnosticReport", &st.Investigations[i])
	}
	for i := range st.Referrals {
		add(Referrals, &st.Referrals[i].entry, "ReferralRequest", &st.Referrals[i])
	}
	for i := range st.Diary {
		add(DiaryEntries, &st.Diary[i].entry, "ProcedureRequest", &st.Diary[i])
	}
	for i := range st.Documents {
		add(Documents, &st.Documents[i].entry, "DocumentReference", &st.Documents[i])
	}
	rec.place()
	return rec
}

// idKind tells a plan from an order, which some suppliers show in the id.
func idKind(area Area, kind string) string {
	if area == Medications {
		return "MedicationPlan"
	}
	return kind
}

func repeated(key string, nth int) string {
	if nth == 0 {
		return key
	}
	return fmt.Sprintf("%s~%d", key, nth)
}

// place puts items into the consultations that name them, whose date is theirs unless they have one.
func (rec *record) place() {
	for _, encounter := range rec.of(Consultations) {
		for _, it := range rec.named(encounter) {
			if it.area == Problems || it.inside != nil {
				continue
			}
			it.inside = encounter
			if !it.Date.set {
				it.at = encounter.at
			}
		}
	}
}

// of are the items of an area in the story's order.
func (rec *record) of(area Area) []*item {
	var out []*item
	for _, it := range rec.items {
		if it.area == area {
			out = append(out, it)
		}
	}
	return out
}

// find is the entry with this key, or its repeat that goes with the nth of whoever asks.
func (rec *record) find(key string, nth int) *item {
	if it := rec.byKey[repeated(key, nth)]; it != nil {
		return it
	}
	return rec.byKey[key]
}

// named are the items that a consultation names, in its order, each once.
func (rec *record) named(about *item) []*item {
	contents, _ := about.contents.(*consultation)
	var out []*item
	for _, key := range contents.keys() {
		if it := rec.find(key, about.nth); it != nil && !slices.Contains(out, it) {
			out = append(out, it)
		}
	}
	return out
}

// keys are all keys that it names, the problems of its topics first.
func (c *consultation) keys() []string {
	var keys []string
	for _, t := range c.Topics {
		keys = append(keys, t.Problems...)
		for _, i := range t.all() {
			if i.Of != "" {
				keys = append(keys, i.Of)
			}
		}
	}
	return keys
}

// all are the items of a topic, whether in categories or not.
func (t *topic) all() []topicItem {
	out := slices.Clone(t.Items)
	for _, c := range t.Categories {
		out = append(out, c.Items...)
	}
	return out
}

// matching are the items of an area that the request asks for. Withheld items are among them: somebody has to notice.
func (rec *record) matching(area Area, sel *selection, now time.Time) []*item {
	var out []*item
	for _, it := range rec.of(area) {
		if sel.wants(it, now) {
			out = append(out, it)
		}
	}
	if area == Consultations && sel.recent > 0 {
		slices.SortStableFunc(out, func(a, b *item) int { return b.at.t.Compare(a.at.t) })
		out = out[:min(sel.recent, len(out))]
	}
	return out
}

// wants applies the filters of the request (gpconnect.md, 5 and 6.6).
func (sel *selection) wants(it *item, now time.Time) bool {
	switch contents := it.contents.(type) {
	case *medication:
		return sel.medicationsFrom.IsZero() || contents.current(it, sel.medicationsFrom, now)
	case *problem:
		return len(sel.problems) == 0 || slices.ContainsFunc(sel.problems, func(f problemFilter) bool {
			return (f.status == "" || f.status == contents.Status) && (f.significance == "" || f.significance == contents.Significance)
		})
	case *consultation:
		return it.at.within(sel.consultations)
	case *immunisation:
		return (contents.NotGiven == "" || sel.notGiven) && (!contents.Consent || sel.consents)
	case *observation:
		return it.at.within(sel.uncategorised)
	case *investigation:
		return it.at.within(sel.investigations)
	case *referral:
		return it.at.within(sel.referrals)
	case *diaryEntry:
		return contents.Due.at(now).within(period{end: sel.diaryUntil})
	}
	return true
}

// current says that a medicine was in use on from or later. What is prescribed elsewhere is never filtered; an acute
// without an end counts on the day it began, anything else without an end goes on.
func (m *medication) current(it *item, from, now time.Time) bool {
	if m.Agency == "elsewhere" {
		return true
	}
	if end := m.End.at(now); end.known {
		return end.within(period{start: from})
	}
	if m.Stopped != nil {
		return m.Stopped.Date.at(now).within(period{start: from})
	}
	if m.Type == "acute" {
		return it.at.within(period{start: from})
	}
	return true
}
