package main

import (
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// item is an entry in a line: when, what, and what else a reader must know. The date is as it was recorded.
type item struct {
	date string
	name string
	note string
	// of is the reference of a Medication that has the name.
	of string
}

// notes joins what is worth saying.
func notes(all ...string) string {
	var said []string
	for _, n := range all {
		if n != "" {
			said = append(said, n)
		}
	}
	return strings.Join(said, ", ")
}

// itemOf is an entry in a line. One without a typed form is named by its type: nothing is guessed.
func itemOf(e *pb.RecordEntry) item {
	return typedItem(e).labelled(e.GetSecurityLabels())
}

func typedItem(e *pb.RecordEntry) item {
	switch t := e.GetTyped().(type) {
	case *pb.RecordEntry_AllergyIntolerance:
		return allergyItem(t.AllergyIntolerance)
	case *pb.RecordEntry_MedicationStatement:
		return statementItem(t.MedicationStatement)
	case *pb.RecordEntry_Medication:
		return item{name: codeText(t.Medication.GetCode())}
	case *pb.RecordEntry_Condition:
		return problemItem(t.Condition)
	case *pb.RecordEntry_Encounter:
		return encounterItem(t.Encounter)
	case *pb.RecordEntry_Immunization:
		return immunisationItem(t.Immunization)
	case *pb.RecordEntry_Observation:
		return observationItem(t.Observation)
	case *pb.RecordEntry_DiagnosticReport:
		return reportItem(t.DiagnosticReport)
	case *pb.RecordEntry_ProcedureRequest:
		return requestItem(t.ProcedureRequest)
	case *pb.RecordEntry_ReferralRequest:
		return referralItem(t.ReferralRequest)
	case *pb.RecordEntry_DocumentReference:
		d := t.DocumentReference
		return item{date: d.GetCreated().GetText(), name: codeText(d.GetType()), note: d.GetDescription()}
	case *pb.RecordEntry_QuestionnaireResponse:
		return item{date: t.QuestionnaireResponse.GetAuthored().GetText(), name: "questionnaire"}
	}
	note := ""
	if e.GetTypedState() != pb.TypedState_TYPED_STATE_SET {
		note = words(e.GetTypedState()) + ", see its JSON"
	}
	return item{name: e.GetResourceType(), note: note}
}

// labelled adds restrictions on disclosure.
func (i item) labelled(labels []*pb.Coding) item {
	for _, l := range labels {
		said := l.GetCode()
		if said == "NOPAT" {
			said = "NOPAT: not to be disclosed to the patient"
		}
		i.note = notes(i.note, said)
	}
	return i
}

// codeText is what to show of a code. A code that only says "could not be coded" is marked.
func codeText(c *pb.ClinicalCode) string {
	switch {
	case c == nil:
		return ""
	case c.GetDegradation() != pb.Degradation_DEGRADATION_UNSPECIFIED:
		shown := c.GetText()
		if shown == "" {
			shown = c.GetDisplay()
		}
		return shown + " [NOT CODED]"
	case c.GetDisplay() != "":
		return c.GetDisplay()
	}
	return "(no name given)"
}

func firstCode(codes []*pb.ClinicalCode) string {
	if len(codes) == 0 {
		return ""
	}
	return codeText(codes[0])
}

// firstDate is the first date that was recorded.
func firstDate(dates ...*pb.ClinicalDate) string {
	for _, d := range dates {
		if d.GetText() != "" {
			return d.GetText()
		}
	}
	return ""
}

// statusText is a status as an enum's word, or as it was received where this version does not know it.
func statusText(word string, code string) string {
	if word == "unspecified" {
		return code
	}
	return word
}

func allergyItem(a *pb.AllergyIntolerance) item {
	var reactions []string
	for _, r := range a.GetReaction() {
		for _, m := range r.GetManifestation() {
			reactions = append(reactions, codeText(m))
		}
	}
	var critical string
	if a.GetCriticality() == pb.AllergyCriticality_ALLERGY_CRITICALITY_HIGH {
		critical = "HIGH RISK"
	}
	var ended string
	if e := a.GetAllergyIntoleranceEnd(); e != nil {
		ended = strings.TrimSpace("ended " + e.GetEndDate().GetText() + " " + e.GetReasonEnded())
	}
	return item{
		date: firstDate(a.GetAssertedDate(), a.GetOnsetDateTime()), name: codeText(a.GetCode()),
		note: notes(statusText(words(a.GetClinicalStatus()), a.GetClinicalStatusCode()), critical, strings.Join(reactions, " and "), ended),
	}
}

func statementItem(m *pb.MedicationStatement) item {
	var dosage []string
	for _, d := range m.GetDosage() {
		dosage = append(dosage, notes(d.GetText(), d.GetPatientInstruction()))
	}
	last := labelled("last issued ", m.GetLastIssueDate().GetText())
	return item{
		date: firstDate(m.GetEffectivePeriod().GetStart(), m.GetEffectiveDateTime(), m.GetDateAsserted()),
		name: codeText(m.GetMedicationCodeableConcept()), of: m.GetMedicationReference().GetTarget(),
		note: notes(statusText(words(m.GetStatus()), m.GetStatusCode()), strings.Join(dosage, "; "), last),
	}
}

func problemItem(c *pb.Condition) item {
	until := firstDate(c.GetAbatementDateTime(), c.GetAbatementPeriod().GetEnd())
	return item{
		date: firstDate(c.GetOnsetDateTime(), c.GetOnsetPeriod().GetStart(), c.GetAssertedDate()), name: codeText(c.GetCode()),
		note: notes(statusText(words(c.GetProblemSignificance()), c.GetProblemSignificanceCode()),
			statusText(words(c.GetClinicalStatus()), c.GetClinicalStatusCode()), labelled("until ", until)),
	}
}

func encounterItem(e *pb.Encounter) item {
	var people []string
	for _, p := range e.GetParticipant() {
		people = append(people, p.GetIndividual().GetDisplay())
	}
	name := firstCode(e.GetType())
	if name == "" {
		name = "consultation"
	}
	return item{date: firstDate(e.GetPeriod().GetStart()), name: name, note: notes(people...)}
}

func immunisationItem(i *pb.Immunization) item {
	given := ""
	if i.GetNotGiven() == pb.Stated_STATED_YES {
		given = "NOT GIVEN"
	}
	name := codeText(i.GetVaccinationProcedure())
	if name == "" {
		name = codeText(i.GetVaccineCode())
	}
	return item{date: firstDate(i.GetDate(), i.GetDateRecorded()), name: name, note: notes(given, labelled("batch ", i.GetLotNumber()))}
}

func observationItem(o *pb.Observation) item {
	var parts []string
	for _, c := range o.GetComponent() {
		parts = append(parts, strings.TrimSpace(codeText(c.GetCode())+" "+notes(quantity(c.GetValueQuantity()),
			codeText(c.GetValueCodeableConcept()), c.GetValueString())))
	}
	return item{
		date: firstDate(o.GetEffectiveDateTime(), o.GetEffectivePeriod().GetStart(), o.GetIssued()), name: codeText(o.GetCode()),
		note: notes(quantity(o.GetValueQuantity()), codeText(o.GetValueCodeableConcept()), o.GetValueString(), notes(parts...),
			codeText(o.GetInterpretation()), o.GetComment()),
	}
}

func quantity(q *pb.Quantity) string {
	if q == nil {
		return ""
	}
	return strings.TrimSpace(q.GetComparator() + q.GetAmount() + " " + q.GetUnit())
}

func reportItem(r *pb.DiagnosticReport) item {
	results := ""
	if n := len(r.GetResult()); n > 0 {
		results = plural(n, "result", "results")
	}
	return item{
		date: firstDate(r.GetEffectiveDateTime(), r.GetEffectivePeriod().GetStart(), r.GetIssued()), name: codeText(r.GetCode()),
		note: notes(results, r.GetConclusion()),
	}
}

// requestItem is something planned: never something done.
func requestItem(r *pb.ProcedureRequest) item {
	due := firstDate(r.GetOccurrenceDateTime(), r.GetOccurrencePeriod().GetStart())
	date, when := due, "planned"
	if due == "" {
		date, when = r.GetAuthoredOn().GetText(), "written; no date to be done"
	}
	not := ""
	if r.GetDoNotPerform() == pb.Stated_STATED_YES {
		not = "NOT to be done"
	}
	return item{date: date, name: codeText(r.GetCode()), note: notes(not, when)}
}

func referralItem(r *pb.ReferralRequest) item {
	var to []string
	for _, t := range r.GetRecipient() {
		to = append(to, t.GetDisplay())
	}
	name := firstCode(r.GetReasonCode())
	if name == "" {
		name = firstCode(r.GetServiceRequested())
	}
	if name == "" {
		name = "referral"
	}
	return item{
		date: r.GetAuthoredOn().GetText(), name: name,
		note: notes(statusText(words(r.GetPriority()), r.GetPriorityCode()), codeText(r.GetSpecialty()), labelled("to ", notes(to...))),
	}
}
