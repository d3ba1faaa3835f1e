package main

import (
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// labelWidth is how wide the labels of an answer's fields are.
const labelWidth = 14

// showTrace shows who a patient is nationally.
func showTrace(p *page, r *pb.TracePatientResponse) {
	patient := r.GetPatient()
	showPatientName(p, patient, r.GetRestriction())
	if from := r.GetSupersededFrom(); from != "" {
		p.paragraph(2, styled(bad, "REPLACED"), textf("  %s was merged into %s. Check that this is the person you mean.", grouped(from), grouped(patient.GetNhsNumber())))
	}
	showPerson(p, patient)
	p.entry(2, "restriction", labelWidth, restrictionWords(r.GetRestriction()))
	p.entry(2, "death", labelWidth, deathWords(r.GetDeath(), r.GetDeathDate()))
	p.entry(2, "registered", labelWidth, registrationWords(r.GetRegistration()))
	if c := r.GetComparison(); c != nil {
		p.entry(2, "compared", labelWidth, comparisonWords(c)...)
	}
	showProvenance(p, r.GetProvenance())
}

// showPerson shows what a trace and a search alike tell of somebody.
func showPerson(p *page, patient *pb.PdsPatient) {
	p.entry(2, "NHS number", labelWidth, text(grouped(patient.GetNhsNumber())+verification(patient)))
	p.entry(2, "born", labelWidth, text(patient.GetBirthDate().GetText()))
	p.entry(2, "gender", labelWidth, text(genderWords(patient.GetGender(), patient.GetGenderCode())))
	for _, a := range patient.GetAddresses() {
		p.entry(2, strings.TrimSpace(a.GetUse()+" address"), labelWidth, text(oneLine(a)))
	}
	for _, c := range patient.GetTelecoms() {
		p.entry(2, c.GetSystem(), labelWidth, text(strings.TrimSpace(c.GetContact()+" "+bracketed(c.GetUse()))))
	}
}

func showPatientName(p *page, patient *pb.PdsPatient, restriction pb.Restriction) {
	name := fullName(patient.GetName())
	if name == "" {
		name = "(name not recorded)"
		if restriction != pb.Restriction_RESTRICTION_UNRESTRICTED {
			name = "(name withheld)"
		}
	}
	p.paragraph(0, styled(strong, name))
}

func verification(patient *pb.PdsPatient) string {
	switch patient.GetVerification() {
	case pb.NumberVerification_NUMBER_VERIFICATION_VERIFIED:
		return ", verified"
	case pb.NumberVerification_NUMBER_VERIFICATION_NOT_VERIFIED, pb.NumberVerification_NUMBER_VERIFICATION_UNSPECIFIED:
	}
	return ", NOT VERIFIED"
}

func genderWords(g pb.Gender, code string) string {
	if g == pb.Gender_GENDER_UNSPECIFIED {
		if code == "" {
			return "not recorded"
		}
		return code
	}
	return words(g)
}

func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func restrictionWords(r pb.Restriction) cell {
	switch r {
	case pb.Restriction_RESTRICTION_UNRESTRICTED:
		return text("unrestricted")
	case pb.Restriction_RESTRICTION_RESTRICTED:
		return styled(bad, "RESTRICTED: location withheld; no practice may be asked, and nobody looks elsewhere for it")
	case pb.Restriction_RESTRICTION_VERY_RESTRICTED:
		return styled(bad, "VERY RESTRICTED: even name and birth date withheld; no practice may be asked")
	case pb.Restriction_RESTRICTION_NOT_STATED, pb.Restriction_RESTRICTION_UNSPECIFIED:
	}
	return styled(bad, "NOT STATED: treated as restricted")
}

func deathWords(d pb.DeathStatus, date *pb.ClinicalDate) cell {
	on := ""
	if date.GetText() != "" {
		on = " on " + date.GetText()
	}
	switch d {
	case pb.DeathStatus_DEATH_STATUS_NONE_RECORDED:
		return text("none recorded")
	case pb.DeathStatus_DEATH_STATUS_FORMAL:
		return styled(bad, "DEAD"+on+", formally notified")
	case pb.DeathStatus_DEATH_STATUS_INFORMAL:
		return styled(bad, "REPORTED DEAD"+on+", informally: this may be wrong")
	case pb.DeathStatus_DEATH_STATUS_UNSPECIFIED, pb.DeathStatus_DEATH_STATUS_WITHDRAWN, pb.DeathStatus_DEATH_STATUS_CONFLICTING,
		pb.DeathStatus_DEATH_STATUS_WITHHELD, pb.DeathStatus_DEATH_STATUS_UNCONFIRMED:
	}
	return styled(notice, words(d)+on)
}

func registrationWords(r *pb.Registration) cell {
	at, since, until := "", "", ""
	if r.GetOdsCode() != "" {
		at = " with " + r.GetOdsCode()
	}
	if d := r.GetSince().GetText(); d != "" {
		since = " since " + d
	}
	if d := r.GetUntil().GetText(); d != "" {
		until = " until " + d
	}
	switch r.GetStatus() {
	case pb.RegistrationStatus_REGISTRATION_STATUS_REGISTERED:
		return styled(good, "yes,"+at+since+until)
	case pb.RegistrationStatus_REGISTRATION_STATUS_DEREGISTERED:
		return styled(notice, strings.TrimSpace("NO: removed from registration "+bracketed(r.GetRemovalCode())+dateFrom(r.GetRemovedAt())))
	case pb.RegistrationStatus_REGISTRATION_STATUS_NOT_REGISTERED:
		return styled(notice, "NO: with no practice")
	case pb.RegistrationStatus_REGISTRATION_STATUS_NOT_CURRENT:
		return styled(notice, "NOT NOW:"+at+since+until)
	case pb.RegistrationStatus_REGISTRATION_STATUS_WITHHELD:
		return styled(notice, "withheld: this does not mean that there is none")
	case pb.RegistrationStatus_REGISTRATION_STATUS_DECEASED:
		if at == "" {
			return text("not any more")
		}
		return text("not any more; the record still names " + r.GetOdsCode() + since + until)
	case pb.RegistrationStatus_REGISTRATION_STATUS_UNSPECIFIED:
	}
	return styled(notice, words(r.GetStatus())+at+since+until)
}

func dateFrom(d *pb.ClinicalDate) string {
	if d.GetText() == "" {
		return ""
	}
	return " from " + d.GetText()
}

// compared are the items of a comparison that were asked for.
func compared(c *pb.DemographicComparison) []struct {
	Item   string
	Result pb.Comparison
} {
	type item = struct {
		Item   string
		Result pb.Comparison
	}
	var all []item
	for _, i := range []item{
		{"family", c.GetFamily()},
		{"given", c.GetGiven()},
		{"gender", c.GetGender()},
		{"birth date", c.GetBirthDate()},
		{"postcode", c.GetPostalCode()},
		{"practice", c.GetPractice()},
	} {
		if i.Result != pb.Comparison_COMPARISON_UNSPECIFIED {
			all = append(all, i)
		}
	}
	return all
}

func comparisonWords(c *pb.DemographicComparison) []cell {
	var cells []cell
	for _, i := range compared(c) {
		if len(cells) > 0 {
			cells = append(cells, text(", "))
		}
		switch i.Result {
		case pb.Comparison_COMPARISON_MATCH:
			cells = append(cells, textf("%s matches", i.Item))
		case pb.Comparison_COMPARISON_NOT_HELD:
			cells = append(cells, textf("%s not held", i.Item))
		case pb.Comparison_COMPARISON_MISMATCH, pb.Comparison_COMPARISON_UNSPECIFIED:
			cells = append(cells, styled(bad, i.Item+" DIFFERS"))
		}
	}
	return cells
}

func differs(c *pb.DemographicComparison) bool {
	for _, i := range compared(c) {
		if i.Result == pb.Comparison_COMPARISON_MISMATCH {
			return true
		}
	}
	return false
}

// showProvenance says where an answer comes from, a simulated one loudly.
func showProvenance(p *page, v *pb.Provenance) {
	if v == nil {
		return
	}
	if p.brief {
		p.entry(2, "found as", labelWidth, text(spaced(labelled("trace\u00a0", v.GetTraceIds().GetTraceId()), labelled("Ssp-TraceID\u00a0", v.GetTraceIds().GetSspTraceId()))))
		return
	}
	from := []cell{text(words(v.GetEnvironment()))}
	if v.GetSimulated() {
		from = append(from, text(", "), styled(notice, "SIMULATED: never a real patient's"))
	}
	p.entry(2, "from", labelWidth, from...)
	var system []string
	for _, s := range []string{
		strings.TrimSpace(v.GetPracticeOdsCode() + " " + v.GetPracticeName()), labelled("ASID ", v.GetAsid()),
		v.GetSupplier(), labelled("GP Connect ", v.GetSpecificationVersion()),
	} {
		if s != "" {
			system = append(system, s)
		}
	}
	p.entry(2, "system", labelWidth, text(strings.Join(system, ", ")))
	at := labelled("received ", moment(v.GetRetrievedAt()))
	if t := v.GetTracedAt(); t != nil {
		at += ", PDS asked " + moment(t)
		if v.GetPdsAccess() == pb.PdsAccess_PDS_ACCESS_CLINICIAN {
			at += " as the clinician"
		}
	}
	p.entry(2, "when", labelWidth, text(at))
	p.entry(2, "ids", labelWidth, text(ids(v.GetTraceIds())))
}

func labelled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + value
}
