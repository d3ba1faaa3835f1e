package practice

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const recordProfile = nhsProfiles + "GPConnect-StructuredRecord-Bundle-1"

// structuredRecord answers $gpc.getstructuredrecord (gpconnect.md, 5 and 6).
func (s *System) structuredRecord(r *request) (answer, error) {
	sel, err := s.parseSelection(r.body, r.now)
	if err != nil {
		return answer{}, err
	}
	p := s.patients[sel.number.Digits()]
	if p == nil || p.State != Active {
		return answer{}, patientNotFound()
	}
	if p.Dissents {
		return answer{}, noConsent()
	}
	if p.Record != nil {
		return answer{status: http.StatusOK, body: p.Record}, nil
	}
	st := s.stories[p.Story]
	if st.Fails {
		return answer{}, internalError("a resource of the record could not be built to its profile")
	}
	shown := p
	if st.WrongPatient {
		shown = s.somebodyElse(p)
	}
	d := s.structured()
	c := &composer{
		directory: d, patient: shown, sel: sel, now: r.now, rec: d.unfold(st, shown, r.now),
		done: map[string]bool{}, met: map[Area]bool{},
	}
	return ok(c.bundle(r.trace))
}

// somebodyElse is a patient who is not p, as the fault of a practice that answers with the wrong record.
func (s *System) somebodyElse(p *Patient) *Patient {
	for i := range s.cfg.Patients {
		if other := s.patients[s.cfg.Patients[i].NHSNumber.Digits()]; other.NHSNumber != p.NHSNumber && other.State == Active {
			return other
		}
	}
	other := *p
	other.NHSNumber, other.Family, other.Given, other.BirthDate = strangerNumber(), "OTHERWISE", []string{"Nemo"}, "1901-01-01"
	return &other
}

// composer builds the answer to one request.
type composer struct {
	directory
	patient *Patient
	sel     *selection
	now     time.Time
	rec     *record

	done      map[string]bool // what is in the Bundle, by reference
	admin     []object        // organisations, people, places
	clinical  []object
	structure []object // the Lists that consultations are made of
	lists     []object
	met       map[Area]bool // switched-off areas that were asked for or linked to
}

// bundle composes everything. Order carries no meaning in it; ours puts the Lists last, as real ones do.
func (c *composer) bundle(trace string) object {
	c.organizationOnce()
	c.practitionerOnce(usualGP)
	for _, area := range requestable {
		if c.sel.areas[area] {
			c.area(area)
		}
	}
	linked := c.linkedProblems()
	c.lists = append(c.lists, linked...)
	patient := c.directory.patient(c.patient)
	resources := slices.Concat(c.admin, c.clinical, c.structure, c.lists)
	if o := c.warnings(); o != nil {
		resources = append(resources, o)
	}
	if c.rec.story.PatientLast {
		resources = append(resources, patient)
	} else {
		resources = slices.Insert(resources, 0, patient)
	}
	return bundleOf("collection", recordProfile, trace, resources)
}

// area adds the primary List of a requested area, what it names, and the secondary Lists that go with it.
func (c *composer) area(area Area) {
	if slices.Contains(c.cfg.DisabledAreas, area) {
		c.met[area] = true
		return
	}
	l := c.primary(area)
	var shown []*item
	for _, it := range c.rec.matching(area, c.sel, c.now) {
		if it.Confidential {
			l.withheld = true
			continue
		}
		if c.ended(it) {
			continue
		}
		shown = append(shown, it)
		c.include(it)
		l.entries = append(l.entries, c.listed(it))
	}
	c.lists = append(c.lists, c.list(l))
	if area == Allergies && c.sel.resolved {
		c.lists = append(c.lists, c.list(c.endedList(c.rec.of(Allergies))))
	}
	switch area {
	case Consultations:
		for _, it := range shown {
			c.structureOf(it)
		}
		c.companions(consultationFamily, shown, c.rec.named)
	case Problems:
		c.companions(problemFamily, shown, c.relatedTo)
	case Allergies, Medications, Immunisations, Uncategorised, Investigations, Referrals, DiaryEntries, Documents:
	}
}

// ended says that an item is an allergy that has ended: those live in their own List and nowhere else.
func (c *composer) ended(it *item) bool {
	a, is := it.contents.(*allergy)
	return is && a.Ended != nil
}

// include puts an item, and what it cannot be read without, into the Bundle once.
func (c *composer) include(it *item) {
	if c.done[it.ref()] {
		return
	}
	c.done[it.ref()] = true
	switch contents := it.contents.(type) {
	case *allergy:
		c.add(c.allergy(it, contents))
	case *medication:
		c.medication(it, contents)
	case *problem:
		c.add(c.problem(it, contents))
	case *consultation:
		c.add(c.encounter(it, contents))
	case *immunisation:
		c.add(c.immunisation(it, contents))
	case *observation:
		c.add(c.observation(it, contents))
	case *investigation:
		c.investigation(it, contents)
	case *referral:
		c.add(c.referral(it, contents))
	case *diaryEntry:
		c.add(c.diaryEntry(it, contents))
	case *document:
		c.add(c.document(it, contents))
	}
}

func (c *composer) add(o object) { c.clinical = append(c.clinical, o) }

// link is a reference to an item from another resource, or what stands for it when its area is not exported: words
// without a reference. An item that is withheld is not hinted at.
func (c *composer) link(it *item) object {
	switch {
	case it.Confidential, c.olderThan(1, 5, 0) && it.area != Allergies && it.area != Medications:
		return nil
	case slices.Contains(c.cfg.UnsupportedAreas, it.area):
		return displayed(it.area.noun() + " items are not supported by the provider system.")
	case slices.Contains(c.cfg.DisabledAreas, it.area):
		c.met[it.area] = true
		return displayed(it.area.noun() + " items have been disabled.")
	case c.ended(it):
		// It exists inside the List of ended allergies only, where nothing outside can point to. That it belongs here
		// as well is what the secondary List says.
		return nil
	}
	return reference(it.ref())
}

// exported says that the practice sends the items of an area.
func (c *composer) exported(area Area) bool {
	return c.knows(area) && !slices.Contains(c.cfg.DisabledAreas, area)
}

// listed is how a List names an item: medication by its statement, which stands for plan and issues.
func (c *composer) listed(it *item) object {
	if it.area == Medications {
		return reference("MedicationStatement/" + c.statementID(it))
	}
	return reference(it.ref())
}

// noun is the area in a sentence about one of its items.
func (a Area) noun() string {
	switch a {
	case Allergies:
		return "Allergy"
	case Medications:
		return "Medication"
	case Consultations:
		return "Consultation"
	case Problems:
		return "Problem"
	case Immunisations:
		return "Immunisation"
	case Uncategorised:
		return "Uncategorised data"
	case Investigations:
		return "Investigation"
	case Referrals:
		return "Referral"
	case DiaryEntries:
		return "Diary entry"
	case Documents:
		return "Document"
	}
	return ""
}

// warnings is the one OperationOutcome of an answer that is not everything that was asked (gpconnect.md, 5.2).
func (c *composer) warnings() object {
	var issues []object
	warn := func(text, name string) {
		issues = append(issues, obj("severity", "warning", "code", "not-supported",
			"details", obj("coding", []object{coding(c.errorSystem(), "NOT_IMPLEMENTED", "Not implemented")}, "text", text),
			"diagnostics", name))
	}
	for _, name := range c.sel.unrecognised {
		warn(name+" is an unrecognised parameter", name)
	}
	for _, area := range append(requestable[:], Documents) {
		if c.met[area] {
			warn(area.parameter()+" has been disabled", area.parameter())
		}
	}
	if issues == nil {
		return nil
	}
	return obj("resourceType", "OperationOutcome", "meta", obj("profile", []string{outcomeProfile}), "issue", issues)
}

// The people and places that the clinical resources mention.

func (c *composer) organizationOnce() object {
	ref := "Organization/" + c.organizationID()
	if !c.done[ref] {
		c.done[ref] = true
		c.admin = append(c.admin, c.organization())
	}
	return reference(ref)
}

func (c *composer) practitionerOnce(key string) object {
	ref := "Practitioner/" + c.id("Practitioner", key)
	if !c.done[ref] {
		c.done[ref] = true
		c.admin = append(c.admin, c.practitioner(key), c.practitionerRole(key))
	}
	return reference(ref)
}

func (c *composer) locationOnce(key string) object {
	ref := "Location/" + c.id("Location", key)
	if !c.done[ref] {
		c.done[ref] = true
		c.admin = append(c.admin, c.location(key))
	}
	return reference(ref)
}

// outside is an organisation that is not the practice, such as a hospital.
func (c *composer) outside(name string) object {
	if c.cfg.Style == StyleHex {
		return displayed(name)
	}
	id := c.id("Organization", name)
	if ref := "Organization/" + id; !c.done[ref] {
		c.done[ref] = true
		c.admin = append(c.admin, c.resource("Organization", id, "name", name))
	}
	return reference("Organization/" + id)
}

// author is who recorded an item. Some suppliers only write the name of anybody but the usual GP.
func (c *composer) author(it *item) object { return c.person(it.By) }

func (c *composer) person(key string) object {
	if key == "" {
		key = usualGP
	}
	if c.cfg.Style == StyleHex && key != usualGP {
		p := c.staff.People[key]
		return displayed(strings.Join([]string{p.Prefix, strings.Join(p.Given, " "), p.Family}, " "))
	}
	return c.practitionerOnce(key)
}

func (c *composer) subject() object { return reference("Patient/" + c.patientID(c.patient)) }

// encounterOf is the consultation that an item belongs to; it dangles unless consultations were asked for.
func (c *composer) encounterOf(it *item) object {
	if it.inside == nil || !c.exported(Consultations) {
		return nil
	}
	return c.link(it.inside)
}

// clinicalResource begins a clinical resource: profile, security label, and an identifier that outlives the id.
func (c *composer) clinicalResource(kind, id string, it *item, extensions []object, pairs ...any) object {
	var security []object
	if it.NotForPatient {
		security = []object{coding("http://hl7.org/fhir/v3/ActCode", "NOPAT", "no disclosure to patient, family or caregivers without attending provider's authorization")}
	}
	updated := ""
	if c.cfg.Style == StyleHex {
		updated = dateTime(c.now)
	}
	return obj("resourceType", kind, "id", id,
		"meta", obj("lastUpdated", updated, "profile", []string{careConnect(kind)}, "security", security),
		"extension", extensions,
		"identifier", []object{identifier(c.namespace(), id)},
	).with(pairs...)
}

// concept is an item's code (gpconnect.md, 6.8): SNOMED, perhaps with the Read code that was chosen, and the wording.
func (c *composer) concept(e *entry) object {
	o := c.coded(e.Code)
	if e.Read.code != "" {
		read := coding(readV2, e.Read.code, e.Read.display).with("userSelected", true)
		codings, _ := o.value("coding").([]object)
		o = o.set("coding", append(slices.Clone(codings), read))
	}
	if e.Text != "" {
		o = o.set("text", e.Text)
	}
	return o
}

// coded is a code that may be degraded or only words.
func (c *composer) coded(of code) object {
	switch of.code {
	case "":
		return nil
	case textOnly:
		return obj("text", of.display)
	case degraded:
		return obj("coding", []object{coding(snomed, "196411000000103", "Transfer-degraded record entry")}, "text", of.display)
	}
	return concept(snomed, of.code, of.display)
}

func notes(texts ...string) []object {
	var out []object
	for _, t := range texts {
		if t != "" {
			out = append(out, obj("text", t))
		}
	}
	return out
}
