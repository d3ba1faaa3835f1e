package service

import (
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/typed"
)

// traceResponse is a trace as callers get it, without provenance and comparison.
func traceResponse(t *pds.Trace) *pb.TracePatientResponse {
	out := &pb.TracePatientResponse{
		Patient:      pdsPatient(&t.Record),
		Registration: registrationOf(t),
		Restriction:  restrictions[t.Restriction],
		Death:        deaths[t.Death],
		DeathDate:    typed.Date(t.DiedAt),
	}
	if t.Superseded {
		out.SupersededFrom = t.Requested.Digits()
	}
	if t.Restriction != pds.Unrestricted && t.Death == pds.NoneRecorded {
		// A restricted record may leave a death out, so that its absence says nothing.
		out.Death = pb.DeathStatus_DEATH_STATUS_WITHHELD
	}
	return out
}

var restrictions = map[pds.Restriction]pb.Restriction{
	pds.Unrestricted:   pb.Restriction_RESTRICTION_UNRESTRICTED,
	pds.Restricted:     pb.Restriction_RESTRICTION_RESTRICTED,
	pds.VeryRestricted: pb.Restriction_RESTRICTION_VERY_RESTRICTED,
	pds.NotStated:      pb.Restriction_RESTRICTION_NOT_STATED,
}

var deaths = map[pds.Death]pb.DeathStatus{
	pds.NoneRecorded: pb.DeathStatus_DEATH_STATUS_NONE_RECORDED,
	pds.Informal:     pb.DeathStatus_DEATH_STATUS_INFORMAL,
	pds.Formal:       pb.DeathStatus_DEATH_STATUS_FORMAL,
	pds.Withdrawn:    pb.DeathStatus_DEATH_STATUS_WITHDRAWN,
	pds.Conflicting:  pb.DeathStatus_DEATH_STATUS_CONFLICTING,
	pds.Unconfirmed:  pb.DeathStatus_DEATH_STATUS_UNCONFIRMED,
}

var registrations = map[pds.RegistrationStatus]pb.RegistrationStatus{
	pds.Registered:    pb.RegistrationStatus_REGISTRATION_STATUS_REGISTERED,
	pds.NotCurrent:    pb.RegistrationStatus_REGISTRATION_STATUS_NOT_CURRENT,
	pds.NotRegistered: pb.RegistrationStatus_REGISTRATION_STATUS_NOT_REGISTERED,
	pds.Deregistered:  pb.RegistrationStatus_REGISTRATION_STATUS_DEREGISTERED,
	pds.Withheld:      pb.RegistrationStatus_REGISTRATION_STATUS_WITHHELD,
	pds.Deceased:      pb.RegistrationStatus_REGISTRATION_STATUS_DECEASED,
}

var genders = map[string]pb.Gender{
	"male":    pb.Gender_GENDER_MALE,
	"female":  pb.Gender_GENDER_FEMALE,
	"other":   pb.Gender_GENDER_OTHER,
	"unknown": pb.Gender_GENDER_UNKNOWN,
}

func registrationOf(t *pds.Trace) *pb.Registration {
	r := t.Registration
	return &pb.Registration{
		Status: registrations[r.Status], OdsCode: r.ODS.String(), Since: typed.Date(r.Since), Until: typed.Date(r.Until),
		RemovalCode: r.RemovalCode, RemovedAt: typed.Date(r.RemovedAt),
	}
}

// The extensions of a PDS Patient (PDS contract, 10.3).
const (
	ukCore                = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
	nominatedPharmacy     = ukCore + "NominatedPharmacy"
	preferredDispenser    = ukCore + "PreferredDispenserOrganization"
	applianceSupplier     = ukCore + "MedicalApplianceSupplier"
	nhsCommunication      = ukCore + "NHSCommunication"
	contactPreference     = ukCore + "ContactPreference"
	verificationStatus    = ukCore + "NHSNumberVerificationStatus"
	presentAndVerified    = "01"
	writtenFormat, method = "PreferredWrittenCommunicationFormat", "PreferredContactMethod"
	contactTimes          = "PreferredContactTimes"
)

func pdsPatient(r *pds.Record) *pb.PdsPatient {
	p := r.Person
	organisation := func(url string) string { return p.Extensions.Find(url).Reference.Identifier.Value }
	out := &pb.PdsPatient{
		NhsNumber:                r.Current.Digits(),
		VersionId:                r.Version,
		Name:                     humanName(r.Name),
		Gender:                   genders[p.Gender],
		GenderCode:               p.Gender,
		BirthDate:                typed.Date(p.BirthDate),
		NominatedPharmacyOdsCode: organisation(nominatedPharmacy),
		DispensingDoctorOdsCode:  organisation(preferredDispenser),
		ApplianceSupplierOdsCode: organisation(applianceSupplier),
		Communication:            communicationOf(p.Extensions.Find(nhsCommunication)),
		ContactPreference:        contactPreferenceOf(p.Extensions.Find(contactPreference)),
		Json:                     p.JSON,
	}
	for _, n := range r.OtherNames() {
		out.OtherNames = append(out.OtherNames, humanName(&n))
	}
	for _, a := range p.Address {
		out.Addresses = append(out.Addresses, addressOf(a))
	}
	out.Telecoms = contactPoints(p.Telecom)
	for _, c := range p.Contact {
		contact := &pb.EmergencyContact{Name: humanName(c.Name), Telecoms: contactPoints(c.Telecom)}
		if len(c.Relationship) > 0 {
			contact.RelationshipCode = c.Relationship[0].Code()
		}
		out.EmergencyContacts = append(out.EmergencyContacts, contact)
	}
	if p.MultipleBirth != nil {
		order := int32(*p.MultipleBirth) //nolint:gosec // 1 to 9; anything else is passed on as it is
		out.MultipleBirthOrder = &order
	}
	if len(p.Identifier) > 0 {
		out.VerificationCode = p.Identifier[0].Extensions.Find(verificationStatus).Concept.Code()
	}
	switch out.GetVerificationCode() {
	case "":
	case presentAndVerified:
		out.Verification = pb.NumberVerification_NUMBER_VERIFICATION_VERIFIED
	default:
		out.Verification = pb.NumberVerification_NUMBER_VERIFICATION_NOT_VERIFIED
	}
	return out
}

func communicationOf(e fhir.Extension) *pb.Communication {
	if e.URL == "" {
		return nil
	}
	return &pb.Communication{
		Language:            conceptOf(e.Extensions.Find("language").Concept),
		InterpreterRequired: e.Extensions.Find("interpreterRequired").Boolean,
	}
}

func contactPreferenceOf(e fhir.Extension) *pb.ContactPreference {
	if e.URL == "" {
		return nil
	}
	return &pb.ContactPreference{
		WrittenFormat: conceptOf(e.Extensions.Find(writtenFormat).Concept),
		Method:        conceptOf(e.Extensions.Find(method).Concept),
		Times:         e.Extensions.Find(contactTimes).String,
	}
}

func conceptOf(c fhir.Concept) *pb.ClinicalCode {
	if c.Text == "" && len(c.Coding) == 0 {
		return nil
	}
	out := &pb.ClinicalCode{Text: c.Text, Display: c.Text}
	for _, coding := range c.Coding {
		out.Codings = append(out.Codings, &pb.Coding{System: coding.System, Code: coding.Code, Display: coding.Display})
		if out.GetDisplay() == "" {
			out.Display = coding.Display
		}
	}
	return out
}

func humanName(n *pds.Name) *pb.HumanName {
	if n == nil {
		return nil
	}
	return &pb.HumanName{
		Use: n.Use, Text: n.Text, Family: n.Family, Given: n.Given, Prefix: n.Prefix, Suffix: n.Suffix, Period: periodOf(n.Period),
	}
}

func addressOf(a fhir.Address) *pb.Address {
	out := &pb.Address{
		Use: a.Use, TypeText: a.Type, Text: a.Text, City: a.City, District: a.District, PostalCode: a.PostalCode,
		Country: a.Country, Period: periodOf(a.Period),
	}
	for _, line := range a.Line {
		if strings.TrimSpace(line) != "" { // PDS sends blank lines as null; their place carries no meaning
			out.Lines = append(out.Lines, line)
		}
	}
	return out
}

func contactPoints(telecoms []fhir.Telecom) []*pb.ContactPoint {
	var out []*pb.ContactPoint
	for _, t := range telecoms {
		out = append(out, &pb.ContactPoint{System: t.System, Contact: t.Value, Use: t.Use, Period: periodOf(t.Period)})
	}
	return out
}

func periodOf(p fhir.Period) *pb.ClinicalPeriod {
	if p == (fhir.Period{}) {
		return nil
	}
	return &pb.ClinicalPeriod{Start: typed.Date(p.Start), End: typed.Date(p.End)}
}
