package main

import (
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// recordView shows a record: what is said of the whole and every warning at once, the areas when their Lists are known.
type recordView struct {
	p *page
	// lines is how many of an area are shown; 0 is all.
	lines int

	items map[string]item
	ended []item
	index map[pb.ClinicalArea][]string
	// bytes says that no entry comes, only the practice's bytes, so that there are no items to show.
	bytes bool
	// warnings are those that were seen, in words.
	warnings []string
	// unsaid are those that have not been shown yet.
	unsaid []caution
	closed bool
}

// caution is a text that warns, and of what: a practice may say the same with each of its Lists.
type caution struct {
	text  string
	kinds []string
	areas map[string][]string // of each kind
}

func newRecordView(p *page, lines int) *recordView {
	return &recordView{p: p, lines: lines, items: map[string]item{}, index: map[pb.ClinicalArea][]string{}}
}

// take shows what can be shown of a message that is whole.
func (v *recordView) take(m *pb.GetStructuredRecordResponse) {
	switch e := m.GetEvent().(type) {
	case *pb.GetStructuredRecordResponse_Opening:
		v.opening(e.Opening)
	case *pb.GetStructuredRecordResponse_Patient:
		v.patient(e.Patient)
	case *pb.GetStructuredRecordResponse_Entry:
		v.entry(e.Entry)
	case *pb.GetStructuredRecordResponse_Warning:
		v.warning(e.Warning)
	case *pb.GetStructuredRecordResponse_Index:
		area := e.Index.GetArea()
		v.index[area] = append(v.index[area], e.Index.GetListed()...)
	case *pb.GetStructuredRecordResponse_Closing:
		v.closing(e.Closing)
	}
}

func (v *recordView) opening(o *pb.RecordOpening) {
	v.bytes = o.GetView() == pb.RecordView_RECORD_VIEW_FHIR
	at := o.GetProvenance()
	practice := strings.TrimSpace(at.GetPracticeOdsCode() + " " + at.GetPracticeName())
	if s := labelled("GP Connect ", o.GetSpecificationVersion()); s != "" {
		practice += ", " + s
	}
	v.p.paragraph(0, styled(strong, "Record"), textf(" of %s, ASID %s", practice, at.GetAsid()))
	v.p.entry(2, "asked for", labelWidth, text(areaNames(o.GetRequestedAreas())))
	v.p.entry(2, "not asked for", labelWidth, text(areaNames(o.GetNotRequestedAreas())))
	if o.GetExcludesImmunisationsNotGiven() {
		v.p.entry(2, "", labelWidth, text("immunisations that were not given: they cannot stand in one request with the rest"))
	}
}

func areaNames(areas []pb.ClinicalArea) string {
	var all []string
	for _, a := range areas {
		all = append(all, words(a))
	}
	return strings.Join(all, ", ")
}

func (v *recordView) patient(a *pb.AnswerPatient) {
	person := a.GetPatient().GetPatient()
	name := "(name not given)"
	if len(person.GetName()) > 0 {
		name = fullName(person.GetName()[0])
	}
	number := ""
	for _, id := range person.GetIdentifier() {
		if strings.HasSuffix(id.GetSystem(), "/nhs-number") {
			number = grouped(id.GetIdText())
		}
	}
	v.p.entry(2, "whose", labelWidth, styled(strong, name), textf("  %s, born %s, %s", number,
		person.GetBirthDate().GetText(), genderWords(person.GetGender(), person.GetGenderCode())))
	v.p.entry(2, "with PDS", labelWidth, comparisonWords(a.GetComparison())...)
	if c := a.GetExpectedComparison(); c != nil {
		v.p.entry(2, "with yours", labelWidth, comparisonWords(c)...)
	}
}

func (v *recordView) entry(e *pb.RecordEntry) {
	if l := e.GetList(); l.GetRole() == pb.ListRole_LIST_ROLE_ENDED_ALLERGIES {
		for _, ended := range l.GetEndedAllergy() {
			v.ended = append(v.ended, allergyItem(ended.GetAllergyIntolerance()).labelled(ended.GetSecurityLabels()))
		}
		return
	}
	if key := e.GetResourceType() + "/" + e.GetId(); e.GetId() != "" {
		v.items[key] = itemOf(e)
	}
}

func (v *recordView) warning(w *pb.RecordWarning) {
	kind, area := warningWords(w.GetKind(), w.GetWarningCode()), ""
	if w.GetArea() != pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED {
		area = words(w.GetArea())
	}
	if what := kind + labelled(" in ", area); !slices.Contains(v.warnings, what) {
		v.warnings = append(v.warnings, what)
	}
	said := w.GetText()
	if d := w.GetDiagnostics(); d != "" {
		said = strings.TrimSpace(said + " [" + d + "]")
	}
	at := slices.IndexFunc(v.unsaid, func(c caution) bool { return c.text == said })
	if at < 0 {
		at = len(v.unsaid)
		v.unsaid = append(v.unsaid, caution{text: said, areas: map[string][]string{}})
	}
	v.unsaid[at].about(kind, area)
}

// about adds what a text is about.
func (c *caution) about(kind, area string) {
	if !slices.Contains(c.kinds, kind) {
		c.kinds = append(c.kinds, kind)
	}
	if area != "" && !slices.Contains(c.areas[kind], area) {
		c.areas[kind] = append(c.areas[kind], area)
	}
}

// warn shows the warnings of the entries: each text once, with everything that it is about. The verdict counts all.
func (v *recordView) warn() {
	for _, c := range v.unsaid {
		var about []string
		for _, kind := range c.kinds {
			about = append(about, kind+labelled(" in ", strings.Join(c.areas[kind], ", ")))
		}
		v.p.wrap("  "+v.p.paint(bad, "WARNING")+"  ", len("  WARNING  "), []cell{text(strings.Join(about, "; ") + labelled(": ", c.text))})
	}
	v.unsaid = nil
}

func warningWords(k pb.RecordWarningKind, code string) string {
	if k == pb.RecordWarningKind_RECORD_WARNING_KIND_UNSPECIFIED {
		return strings.TrimSpace("of an unknown kind " + code)
	}
	return words(k)
}

// broken says that what was shown is not to be relied on.
func (v *recordView) broken() {
	if v.closed {
		return
	}
	v.warn()
	if len(v.items) > 0 {
		v.p.heading("NOT WHOLE")
		v.p.paragraph(2, textf("The record broke off after %s. Nothing of it is shown by area, because what is missing cannot be told.",
			plural(len(v.items), "entry", "entries")))
	}
}

func (v *recordView) closing(c *pb.RecordClosing) {
	v.closed = true
	v.warn()
	var others []string
	for _, a := range c.GetAreas() {
		if a.GetStatus() == pb.AreaStatus_AREA_STATUS_NOT_REQUESTED && a.GetListedTotal() == 0 {
			if a.GetUnlistedTotal() > 0 {
				others = append(others, words(a.GetArea())+" ("+plural(int(a.GetUnlistedTotal()), "linked entry", "linked entries")+")")
				continue
			}
			others = append(others, words(a.GetArea()))
			continue
		}
		v.area(a)
	}
	if len(others) > 0 {
		v.p.heading("Not asked for")
		v.p.paragraph(2, text(strings.Join(others, ", ")))
	}
	v.verdict(c)
}

// area shows what became of an area, and the items of its List.
func (v *recordView) area(a *pb.AreaResult) {
	counts := []string{plural(int(a.GetListedTotal()), "item", "items")}
	if n := int(a.GetEndedTotal()); n > 0 {
		counts = append(counts, plural(n, "ended", "ended"))
	}
	if n := int(a.GetUnlistedTotal()); n > 0 {
		counts = append(counts, plural(n, "more only because others link to it", "more only because others link to them"))
	}
	if n := int(a.GetUnresolvedTotal()); n > 0 {
		counts = append(counts, plural(n, "listed and missing", "listed and missing"))
	}
	v.p.blank()
	v.p.paragraph(0, styled(strong, capital(words(a.GetArea()))), text("  "), areaStatus(a), textf("  %s", strings.Join(counts, ", ")))
	if r := a.GetEmptyReason(); r != "" {
		v.p.paragraph(2, textf("nothing recorded that the practice shares (%s); this does not mean that there is none", r))
	}
	if v.bytes {
		return
	}
	var shown []item
	for _, ref := range v.index[a.GetArea()] {
		i, ok := v.items[ref]
		if !ok {
			i = item{name: ref, note: "listed, and not in the answer"}
		}
		if medicine, ok := v.items[i.of]; ok {
			i.name = medicine.name
		}
		shown = append(shown, i)
	}
	v.rows(shown)
	if a.GetArea() == pb.ClinicalArea_CLINICAL_AREA_ALLERGIES && len(v.ended) > 0 {
		v.p.paragraph(2, styled(strong, "Ended, and to be shown as nothing else:"))
		v.rows(v.ended)
	}
}

func (v *recordView) rows(items []item) {
	n := len(items)
	if v.lines > 0 {
		n = min(n, v.lines)
	}
	var rows [][]cell
	for _, i := range items[:n] {
		what := i.name
		if i.note != "" {
			what += "  (" + i.note + ")"
		}
		rows = append(rows, []cell{styled(faint, i.date), text(what)})
	}
	v.p.table(2, rows...)
	if n < len(items) {
		v.p.paragraph(2, styled(faint, "... "+plural(len(items)-n, "more", "more")+", not shown here"))
	}
}

func areaStatus(a *pb.AreaResult) cell {
	switch a.GetStatus() {
	case pb.AreaStatus_AREA_STATUS_COMPLETE:
		return styled(good, "complete")
	case pb.AreaStatus_AREA_STATUS_RECORDED_AS_EMPTY:
		return text("recorded as empty")
	case pb.AreaStatus_AREA_STATUS_NOT_REQUESTED:
		return text("not asked for")
	case pb.AreaStatus_AREA_STATUS_UNSPECIFIED, pb.AreaStatus_AREA_STATUS_WITHHELD, pb.AreaStatus_AREA_STATUS_IN_TRANSIT,
		pb.AreaStatus_AREA_STATUS_AWAITING_FILING, pb.AreaStatus_AREA_STATUS_NOT_SUPPORTED, pb.AreaStatus_AREA_STATUS_FAILED:
	}
	return styled(bad, strings.ToUpper(words(a.GetStatus())))
}

// verdict says in words whether this is all of what was asked for.
func (v *recordView) verdict(c *pb.RecordClosing) {
	v.p.blank()
	if c.GetVerdict() == pb.Verdict_VERDICT_WHOLE {
		v.p.paragraph(0, styled(good, "WHOLE"), text("  Everything that was asked for arrived, and the practice warned of nothing."))
	} else {
		v.p.paragraph(0, styled(bad, "NOT WHOLE"), textf("  (%s) because %s.", words(c.GetVerdict()), v.because(c)))
	}
	v.p.entry(2, "entries", labelWidth, textf("%d in %d bytes", c.GetEntriesTotal(), c.GetContentLength()))
	if n := int(c.GetWarningsTotal()); n > 0 {
		v.p.entry(2, "warnings", labelWidth, textf("%d; those that say the same were shown once", n))
	}
	showProvenance(v.p, c.GetProvenance())
}

// because gives every reason that is known.
func (v *recordView) because(c *pb.RecordClosing) string {
	var reasons []string
	for _, a := range c.GetAreas() {
		switch a.GetStatus() {
		case pb.AreaStatus_AREA_STATUS_COMPLETE, pb.AreaStatus_AREA_STATUS_RECORDED_AS_EMPTY, pb.AreaStatus_AREA_STATUS_NOT_REQUESTED:
		case pb.AreaStatus_AREA_STATUS_UNSPECIFIED, pb.AreaStatus_AREA_STATUS_WITHHELD, pb.AreaStatus_AREA_STATUS_IN_TRANSIT,
			pb.AreaStatus_AREA_STATUS_AWAITING_FILING, pb.AreaStatus_AREA_STATUS_NOT_SUPPORTED, pb.AreaStatus_AREA_STATUS_FAILED:
			reasons = append(reasons, words(a.GetArea())+": "+words(a.GetStatus()))
		default:
			reasons = append(reasons, words(a.GetArea())+": "+words(a.GetStatus()))
		}
	}
	if len(reasons) == 0 {
		for _, w := range v.warnings {
			reasons = append(reasons, "of a warning: "+w)
		}
	}
	if len(reasons) == 0 {
		return "the gateway says so; the areas and warnings do not tell why"
	}
	return strings.Join(reasons, "; ")
}

// What the two digests of a record are over.
const (
	digestOfEntries = "SHA-256 of the entries"
	digestOfBytes   = "SHA-256 of the practice's bytes"
)

// digests shows those of a record that has been checked, each with who computed it.
func (v *recordView) digests(c *recordCheck) {
	whose := "as the gateway gave it; the audit trail has the same"
	if c.fhir() {
		whose = "checked here"
	} else {
		v.digest(digestOfEntries, "checked here", c.closing.GetEntriesSha256())
	}
	if content := c.closing.GetContentSha256(); len(content) > 0 {
		v.digest(digestOfBytes, whose, content)
	}
}

func (v *recordView) digest(of, whose string, sum []byte) {
	v.p.paragraph(2, styled(faint, of), textf(", %s:", whose))
	v.p.paragraph(6, textf("%x", sum))
}
