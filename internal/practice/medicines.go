package practice

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// allergy writes an AllergyIntolerance (gpconnect.md, 7.1).
func (c *composer) allergy(it *item, a *allergy) object {
	status := "active"
	extensions := []object{}
	if e := c.encounterOf(it); e != nil {
		extensions = append(extensions, extension("http://hl7.org/fhir/StructureDefinition/encounter-associatedEncounter", "valueReference", e))
	}
	if a.Ended != nil {
		status = "resolved"
		reason := a.Ended.Reason
		if reason == "" {
			reason = "No information available"
		}
		extensions = append(extensions, nested(nhsProfiles+"Extension-CareConnect-GPC-AllergyIntoleranceEnd-1",
			extension("endDate", "valueDateTime", a.Ended.Date.at(c.now).String()), extension("reasonEnded", "valueString", reason)))
	}
	category := a.Category
	if category == "" {
		category = "medication"
	}
	var reactions []object
	if a.Manifestation.code != "" {
		reactions = []object{obj("manifestation", []object{c.coded(a.Manifestation)}, "severity", a.Severity)}
	}
	asserted := it.at
	if !asserted.known { // assertedDate is mandatory: when the practice got to know
		asserted = moment{t: c.now.AddDate(-10, 0, 0), known: true}
	}
	return c.clinicalResource("AllergyIntolerance", it.id, it, extensions,
		"clinicalStatus", status, "verificationStatus", "unconfirmed", "category", []string{category},
		"criticality", a.Criticality, "code", c.allergyCode(it), "patient", c.subject(),
		"onsetDateTime", a.Onset.at(c.now).String(), "assertedDate", asserted.String(), "recorder", c.author(it),
		"note", notes(it.Note), "reaction", reactions)
}

// allergyCode uses the degrade code of drug allergies, which stops automatic prescribing (gpconnect.md, 6.8).
func (c *composer) allergyCode(it *item) object {
	if it.Code.code == degraded {
		return concept(snomed, "196461000000101", "Transfer-degraded drug allergy").with("text", it.Code.display)
	}
	return c.concept(&it.entry)
}

func (c *composer) statementID(it *item) string { return c.medicineID("MedicationStatement", it.Key) }

func (c *composer) medicineID(kind, key string) string {
	return c.id(kind, c.patient.NHSNumber.Digits()+"/"+kind+"/"+key)
}

// medication writes the three resources of one medicine, and an order for each issue when issues are asked for
// (gpconnect.md, 7.2).
func (c *composer) medication(it *item, m *medication) {
	drug := c.drug(it)
	issues := m.issues(c.now)
	c.add(c.statement(it, m, drug, issues))
	c.add(c.plan(it, m, drug, len(issues)))
	if !c.sel.issues {
		return
	}
	for i, at := range issues {
		c.add(c.issue(it, m, drug, i, at))
	}
}

// drug puts the Medication there once, whoever uses it.
func (c *composer) drug(it *item) object {
	id := c.medicineID("Medication", it.Code.code+it.Code.display)
	if c.cfg.Style == StyleNamed && it.Code.code != degraded && it.Code.code != textOnly {
		id = it.Code.code
	}
	if ref := "Medication/" + id; !c.done[ref] {
		c.done[ref] = true
		what := c.concept(&it.entry)
		if it.Code.code == degraded {
			what = concept(snomed, "196421000000109", "Transfer-degraded medication entry").with("text", it.Code.display)
		}
		c.add(resource("Medication", id, careConnect("Medication"), "code", what))
	}
	return reference("Medication/" + id)
}

// issues are the dates of the prescriptions, the first one first. None is in the future.
func (m *medication) issues(now time.Time) []moment {
	if m.Agency == "elsewhere" {
		return nil
	}
	var out []moment
	if e := m.IssueEvery; e != nil {
		for n := e.Times - 1; n >= 0; n-- {
			out = append(out, e.Last.earlier(n*e.Days).at(now))
		}
	}
	for _, w := range m.Issues {
		out = append(out, w.at(now))
	}
	return slices.DeleteFunc(out, func(at moment) bool { return at.t.After(now) })
}

func (m *medication) status() string {
	switch {
	case m.Stopped != nil:
		return "stopped"
	case m.End.set:
		return "completed"
	}
	return "active"
}

// ends is when the medicine was no longer taken, not known for one that goes on.
func (m *medication) ends(now time.Time) moment {
	if m.Stopped != nil {
		return m.Stopped.Date.at(now)
	}
	return m.End.at(now)
}

func (c *composer) statement(it *item, m *medication, drug object, issues []moment) object {
	var extensions []object
	if len(issues) > 0 {
		extensions = append(extensions, extension(nhsProfiles+"Extension-CareConnect-GPC-MedicationStatementLastIssueDate-1", "valueDateTime",
			issues[len(issues)-1].String()))
	}
	agency, display := "prescribed-at-gp-practice", "Prescribed at GP practice"
	switch m.Agency {
	case "elsewhere":
		agency, display = "prescribed-by-another-organisation", "Prescribed by another organisation"
	case "previous":
		agency, display = "prescribed-by-previous-practice", "Prescribed by previous practice"
	}
	extensions = append(extensions, extension(nhsProfiles+"Extension-CareConnect-GPC-PrescribingAgency-1", "valueCodeableConcept",
		concept(nhsSystems+"CareConnect-PrescribingAgency-1", agency, display)))
	if m.After != "" {
		extensions = append(extensions, extension(hl7Profiles+"Extension-CareConnect-MedicationDosageLastChanged-1", "valueDateTime", it.at.String()))
	}
	status := m.status()
	return c.clinicalResource("MedicationStatement", c.statementID(it), it, extensions,
		"basedOn", []object{reference(it.ref())}, "context", c.encounterOf(it), "status", status, "medicationReference", drug,
		"effectivePeriod", obj("start", it.at.String(), "end", m.ends(c.now).String()),
		"dateAsserted", it.at.String(), "subject", c.subject(), "taken", "unk", "note", notes(it.Note),
		"dosage", []object{obj("text", m.dosage(), "patientInstruction", m.Instruction)})
}

func (m *medication) dosage() string {
	if m.Dosage == "" {
		return "No information available"
	}
	return m.Dosage
}

func (m *medication) prescriptionType() object {
	const url = nhsProfiles + "Extension-CareConnect-GPC-PrescriptionType-1"
	displays := map[string]string{
		"acute": "Acute", "repeat": "Repeat", "repeat-dispensing": "Repeat Dispensing",
		"delayed-prescribing": "Delayed prescribing", "acute-handwritten": "Acute - handwritten",
	}
	display, known := displays[m.Type]
	if !known {
		return extension(url, "valueCodeableConcept", obj("text", "No information available"))
	}
	return extension(url, "valueCodeableConcept", concept(nhsSystems+"CareConnect-PrescriptionType-1", m.Type, display))
}

func (c *composer) plan(it *item, m *medication, drug object, issued int) object {
	extensions := []object{m.prescriptionType()}
	if m.Type == "repeat" || m.Type == "repeat-dispensing" {
		kind := "valuePositiveInt"
		if c.cfg.Style == StyleNamed {
			kind = "valueUnsignedInt"
		}
		parts := []object{extension("numberOfRepeatPrescriptionsIssued", "valueUnsignedInt", issued)}
		if m.Allowed > 0 {
			parts = slices.Insert(parts, 0, extension("numberOfRepeatPrescriptionsAllowed", kind, m.Allowed))
		}
		if m.Expires.set {
			parts = append(parts, extension("authorisationExpiryDate", "valueDateTime", m.Expires.at(c.now).String()))
		}
		extensions = append(extensions, nested(nhsProfiles+"Extension-CareConnect-GPC-MedicationRepeatInformation-1", parts...))
	}
	if m.Stopped != nil {
		extensions = append(extensions, nested(nhsProfiles+"Extension-CareConnect-GPC-MedicationStatusReason-1",
			extension("statusReason", "valueCodeableConcept", obj("text", m.Stopped.Reason)),
			extension("statusChangeDate", "valueDateTime", m.Stopped.Date.at(c.now).String())))
	}
	var prior object
	if before := c.rec.find(m.After, it.nth); m.After != "" && before != nil && !before.Confidential {
		prior = reference(before.ref())
	}
	return c.request(it.id, "plan", m.status(), it, m, drug, extensions, it.at, m.ends(c.now)).with("priorPrescription", prior)
}

func (c *composer) issue(it *item, m *medication, drug object, n int, at moment) object {
	id := c.medicineID("MedicationOrder", fmt.Sprintf("%s/%d", it.Key, n))
	end := moment{}
	if m.SupplyDays > 0 {
		end = moment{t: at.t.AddDate(0, 0, m.SupplyDays), known: true}
	}
	status := "active"
	if end.known && end.t.Before(c.now) {
		status = "completed"
	}
	o := c.request(id, "order", status, it, m, drug, []object{m.prescriptionType()}, at, end).
		with("basedOn", []object{reference(it.ref())})
	if m.EPS {
		o = o.with("groupIdentifier", identifier(nhsIDs+"prescription-order-number", "TEST-"+id[:6]))
	}
	return o
}

// request is what a plan and an order have in common.
func (c *composer) request(
	id, intent, status string, it *item, m *medication, drug object, extensions []object, from, to moment,
) object {
	dispense := obj("validityPeriod", obj("start", from.String(), "end", to.String()))
	switch {
	case m.Quantity == "":
	case c.cfg.Style == StyleHex:
		dispense = dispense.with("quantity", obj("extension", []object{
			extension(nhsProfiles+"Extension-CareConnect-GPC-MedicationQuantityText-1", "valueString", m.Unit),
		}, "value", json.Number(m.Quantity)))
	default:
		dispense = dispense.with("quantity", obj("value", json.Number(m.Quantity), "unit", m.Unit))
	}
	if m.SupplyDays > 0 {
		dispense = dispense.with("expectedSupplyDuration",
			obj("value", m.SupplyDays, "unit", "day", "system", "http://unitsofmeasure.org", "code", "d"))
	}
	return c.clinicalResource("MedicationRequest", id, it, extensions,
		"status", status, "intent", intent, "medicationReference", drug, "subject", c.subject(), "context", c.encounterOf(it),
		"authoredOn", from.String(), "requester", obj("agent", c.author(it)), "recorder", c.author(it), "note", notes(it.Note),
		"dosageInstruction", []object{obj("text", m.dosage(), "patientInstruction", m.Instruction)}, "dispenseRequest", dispense)
}

// strangerNumber is a number for tests that belongs to nobody.
func strangerNumber() nhs.Number {
	n, err := nhs.ParseNumber("9990000379")
	if err != nil {
		return nhs.Number{}
	}
	return n
}
