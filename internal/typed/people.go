package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

const nhsNumberSystem = "https://fhir.nhs.uk/Id/nhs-number"

type humanName struct {
	Use    text       `json:"use"`
	Text   text       `json:"text"`
	Family text       `json:"family"`
	Given  list[text] `json:"given"`
	Prefix list[text] `json:"prefix"`
	Suffix list[text] `json:"suffix"`
	Period *period    `json:"period"`
}

func nameMessage(n *humanName) *pb.HumanName {
	if n == nil {
		return nil
	}
	return &pb.HumanName{
		Use:    string(n.Use),
		Text:   string(n.Text),
		Family: string(n.Family),
		Given:  texts(n.Given),
		Prefix: texts(n.Prefix),
		Suffix: texts(n.Suffix),
		Period: clinicalPeriod(n.Period),
	}
}

type postalAddress struct {
	Use        text       `json:"use"`
	Type       text       `json:"type"`
	Text       text       `json:"text"`
	Line       list[text] `json:"line"`
	City       text       `json:"city"`
	District   text       `json:"district"`
	PostalCode text       `json:"postalCode"`
	Country    text       `json:"country"`
	Period     *period    `json:"period"`
}

func addressMessage(a *postalAddress) *pb.Address {
	if a == nil {
		return nil
	}
	return &pb.Address{
		Use:        string(a.Use),
		TypeText:   string(a.Type),
		Text:       string(a.Text),
		Lines:      texts(a.Line),
		City:       string(a.City),
		District:   string(a.District),
		PostalCode: string(a.PostalCode),
		Country:    string(a.Country),
		Period:     clinicalPeriod(a.Period),
	}
}

type contactPoint struct {
	System text    `json:"system"`
	Value  text    `json:"value"`
	Use    text    `json:"use"`
	Period *period `json:"period"`
}

func contactPoints(l list[contactPoint]) []*pb.ContactPoint {
	return each(l, func(c *contactPoint) *pb.ContactPoint {
		return &pb.ContactPoint{
			System:  string(c.System),
			Contact: string(c.Value),
			Use:     string(c.Use),
			Period:  clinicalPeriod(c.Period),
		}
	})
}

func gender(c text) (pb.Gender, string) { return status[pb.Gender](pb.Gender_value, "GENDER_", c) }

type patient struct {
	head
	Identifier           list[identifier]     `json:"identifier"`
	Active               stated               `json:"active"`
	Name                 list[humanName]      `json:"name"`
	Telecom              list[contactPoint]   `json:"telecom"`
	Gender               text                 `json:"gender"`
	BirthDate            text                 `json:"birthDate"`
	DeceasedBoolean      stated               `json:"deceasedBoolean"`
	DeceasedDateTime     text                 `json:"deceasedDateTime"`
	Address              list[postalAddress]  `json:"address"`
	Contact              list[patientContact] `json:"contact"`
	GeneralPractitioner  list[reference]      `json:"generalPractitioner"`
	ManagingOrganization *reference           `json:"managingOrganization"`
}

type patientContact struct {
	Relationship list[concept]      `json:"relationship"`
	Name         *humanName         `json:"name"`
	Telecom      list[contactPoint] `json:"telecom"`
	Address      *postalAddress     `json:"address"`
	Gender       text               `json:"gender"`
	Organization *reference         `json:"organization"`
	Period       *period            `json:"period"`
}

func (p *patient) form(e *pb.RecordEntry) error {
	if err := choice(p.DeceasedBoolean != 0, p.DeceasedDateTime != ""); err != nil {
		return err
	}
	m := &pb.RecordPatient{
		Identifier:                  identifiers(p.Identifier),
		NhsNumberVerificationStatus: clinicalCode(p.verification()),
		Active:                      pb.Stated(p.Active),
		Name:                        each(p.Name, nameMessage),
		Telecom:                     contactPoints(p.Telecom),
		BirthDate:                   clinicalDate(p.BirthDate),
		Address:                     each(p.Address, addressMessage),
		Contact:                     each(p.Contact, (*patientContact).message),
		GeneralPractitioner:         references(p.GeneralPractitioner),
		ManagingOrganization:        resourceReference(p.ManagingOrganization),
		RegistrationDetails:         registrationDetails(p.Extension),
		NhsCommunication:            communications(p.Extension),
	}
	m.Gender, m.GenderCode = gender(p.Gender)
	switch {
	case p.DeceasedBoolean != 0:
		m.Deceased = &pb.RecordPatient_DeceasedBoolean{DeceasedBoolean: pb.Stated(p.DeceasedBoolean)}
	case p.DeceasedDateTime != "":
		m.Deceased = &pb.RecordPatient_DeceasedDateTime{DeceasedDateTime: clinicalDate(p.DeceasedDateTime)}
	}
	e.Typed = &pb.RecordEntry_Patient{Patient: m}
	return nil
}

// verification is what the practice says of the NHS Number.
func (p *patient) verification() *concept {
	for i := range p.Identifier {
		if id := &p.Identifier[i]; id.System == nhsNumberSystem {
			if x := find(id.Extension, "Extension-CareConnect-NHSNumberVerificationStatus-1"); x != nil {
				return x.ValueCodeableConcept
			}
		}
	}
	return nil
}

func (c *patientContact) message() *pb.PatientContact {
	m := &pb.PatientContact{
		Relationship: clinicalCodes(c.Relationship),
		Name:         nameMessage(c.Name),
		Telecom:      contactPoints(c.Telecom),
		Address:      addressMessage(c.Address),
		Organization: resourceReference(c.Organization),
		Period:       clinicalPeriod(c.Period),
	}
	m.Gender, m.GenderCode = gender(c.Gender)
	return m
}

func registrationDetails(l list[extension]) *pb.PatientRegistrationDetails {
	x := find(l, "Extension-CareConnect-RegistrationDetails-1")
	if x == nil {
		return nil
	}
	return &pb.PatientRegistrationDetails{
		RegistrationPeriod:     clinicalPeriod(x.part("registrationPeriod").ValuePeriod),
		RegistrationType:       clinicalCode(x.part("registrationType").ValueCodeableConcept),
		PreferredBranchSurgery: resourceReference(x.part("preferredBranchSurgery").ValueReference),
	}
}

func communications(l list[extension]) []*pb.NhsCommunication {
	var out []*pb.NhsCommunication
	for i := range l {
		x := &l[i]
		if !x.is("Extension-CareConnect-NHSCommunication-1") {
			continue
		}
		m := &pb.NhsCommunication{
			Language:                 clinicalCode(x.part("language").ValueCodeableConcept),
			Preferred:                pb.Stated(x.part("preferred").ValueBoolean),
			CommunicationProficiency: clinicalCode(x.part("communicationProficiency").ValueCodeableConcept),
			InterpreterRequired:      pb.Stated(x.part("interpreterRequired").ValueBoolean),
		}
		for _, mode := range x.parts("modeOfCommunication") {
			if mode.ValueCodeableConcept != nil {
				m.ModeOfCommunication = append(m.ModeOfCommunication, clinicalCode(mode.ValueCodeableConcept))
			}
		}
		out = append(out, m)
	}
	return out
}

type practitioner struct {
	head
	Identifier list[identifier]    `json:"identifier"`
	Active     stated              `json:"active"`
	Name       list[humanName]     `json:"name"`
	Telecom    list[contactPoint]  `json:"telecom"`
	Address    list[postalAddress] `json:"address"`
	Gender     text                `json:"gender"`
}

func (p *practitioner) form(e *pb.RecordEntry) error {
	m := &pb.Practitioner{
		Identifier:       identifiers(p.Identifier),
		Active:           pb.Stated(p.Active),
		Name:             each(p.Name, nameMessage),
		Telecom:          contactPoints(p.Telecom),
		Address:          each(p.Address, addressMessage),
		NhsCommunication: communications(p.Extension),
	}
	m.Gender, m.GenderCode = gender(p.Gender)
	e.Typed = &pb.RecordEntry_Practitioner{Practitioner: m}
	return nil
}

type practitionerRole struct {
	head
	Identifier   list[identifier]   `json:"identifier"`
	Active       stated             `json:"active"`
	Period       *period            `json:"period"`
	Practitioner *reference         `json:"practitioner"`
	Organization *reference         `json:"organization"`
	Code         list[concept]      `json:"code"`
	Specialty    list[concept]      `json:"specialty"`
	Location     list[reference]    `json:"location"`
	Telecom      list[contactPoint] `json:"telecom"`
}

func (p *practitionerRole) form(e *pb.RecordEntry) error {
	e.Typed = &pb.RecordEntry_PractitionerRole{PractitionerRole: &pb.PractitionerRole{
		Identifier:   identifiers(p.Identifier),
		Active:       pb.Stated(p.Active),
		Period:       clinicalPeriod(p.Period),
		Practitioner: resourceReference(p.Practitioner),
		Organization: resourceReference(p.Organization),
		Code:         clinicalCodes(p.Code),
		Specialty:    clinicalCodes(p.Specialty),
		Location:     references(p.Location),
		Telecom:      contactPoints(p.Telecom),
	}}
	return nil
}
