package gpconnect

import (
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// patientResource is what is compared of a Patient (4.2).
type patientResource struct {
	Name          []Name      `json:"name"`
	Gender        string      `json:"gender"`
	BirthDate     string      `json:"birthDate"`
	Address       []Address   `json:"address"`
	Practitioners []reference `json:"generalPractitioner"`
	Managing      reference   `json:"managingOrganization"`
}

// patientNumbers are the valid NHS numbers of a Patient entry; none if its identifiers are not what FHIR says they are.
func patientNumbers(e *fhir.Entry) (numbers []nhs.Number) {
	var p struct {
		Identifier []identifier `json:"identifier"`
	}
	if decode(e.JSON, &p) != nil {
		return nil
	}
	for _, i := range p.Identifier {
		if number, ok := fhir.Number(i.System, i.Value); ok {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// newPatient reads the demographics of a Patient whose number was checked. What cannot be read stays empty.
func newPatient(number nhs.Number, e *Entry) (*Patient, practiceReference) {
	p := &Patient{Number: number, ID: e.ID, Entry: e}
	var r patientResource
	if decode(e.JSON, &r) != nil {
		return p, practiceReference{}
	}
	p.Name, p.Gender, p.BirthDate, p.PostalCode = preferredName(r.Name).cut(), word(r.Gender), word(r.BirthDate), word(postalCode(r.Address))
	// The registered practice by specification; real answers name the Practitioner there, and the practice that
	// answers, which for a record is the same one, as managing organisation (6.2).
	practice := practiceReference{target(r.Managing.Reference), r.Managing.Identifier}
	for _, gp := range r.Practitioners {
		if to := target(gp.Reference); len(to) > len("Organization/") && to[:len("Organization/")] == "Organization/" {
			practice = practiceReference{to, gp.Identifier}
			break
		}
	}
	if isSystem(practice.identifier.System, "ods-organization-code") {
		p.Practice.ODS = word(practice.identifier.Value)
	}
	return p, practice
}

// practiceReference is how a Patient names a practice.
type practiceReference struct {
	to         string
	identifier identifier
}

func preferredName(names []Name) Name {
	for _, use := range []string{"official", "usual"} {
		for _, n := range names {
			if n.Use == use {
				return n
			}
		}
	}
	if len(names) > 0 {
		return names[0]
	}
	return Name{}
}

func postalCode(addresses []Address) (code string) {
	for _, a := range addresses {
		if a.Use == "home" && a.PostalCode != "" {
			return a.PostalCode
		}
		if code == "" {
			code = a.PostalCode
		}
	}
	return code
}

// organization is what an Organization says of itself.
type organization struct {
	Name       string       `json:"name"`
	Identifier []identifier `json:"identifier"`
}

func (o organization) practice() Practice {
	for _, i := range o.Identifier {
		if isSystem(i.System, "ods-organization-code") {
			return Practice{ODS: word(i.Value), Name: word(o.Name)}
		}
	}
	return Practice{Name: word(o.Name)}
}
