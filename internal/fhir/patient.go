package fhir

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Patient is an R4 Patient as PDS sends it (PDS contract, 10). Any member may be absent, and null is read as absent.
type Patient struct {
	ResourceType string `json:"resourceType"`

	ID         string       `json:"id"`
	Identifier []Identifier `json:"identifier"`
	Meta       struct {
		VersionID string   `json:"versionId"`
		Security  []Coding `json:"security"`
	} `json:"meta"`
	Name   []HumanName `json:"name"`
	Gender string      `json:"gender"`
	// BirthDate is text: a year or a month is a birth date too.
	BirthDate string `json:"birthDate"`
	// MultipleBirth is the order in a multiple birth; 8 not applicable, 9 not known.
	MultipleBirth *int `json:"multipleBirthInteger"`
	// Deceased may be a date of any precision. PDS does not send DeceasedFlag; somebody else's R4 might.
	Deceased             string      `json:"deceasedDateTime"`
	DeceasedFlag         bool        `json:"deceasedBoolean"`
	Address              []Address   `json:"address"`
	Telecom              []Telecom   `json:"telecom"`
	Contact              []Contact   `json:"contact"`
	GeneralPractitioner  []Reference `json:"generalPractitioner"`
	ManagingOrganization *Reference  `json:"managingOrganization"`
	Extensions           Extensions  `json:"extension"`
	// Unknown holds the members that are not above, as received.
	Unknown jsontext.Value `json:",embed"`
	// JSON is the whole resource as received, first brace to last.
	JSON jsontext.Value `json:"-"`
}

// Identifier is a business identifier. The period of a registration stands in here, not on the reference.
type Identifier struct {
	System     string     `json:"system"`
	Value      string     `json:"value"`
	Period     Period     `json:"period"`
	Extensions Extensions `json:"extension"`
}

// Period is a time span; what is empty is open. The end is included.
type Period struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// HumanName is a name of a person.
type HumanName struct {
	Use    string   `json:"use"`
	Text   string   `json:"text"`
	Family string   `json:"family"`
	Given  []string `json:"given"`
	Prefix []string `json:"prefix"`
	Suffix []string `json:"suffix"`
	Period Period   `json:"period"`
}

// Address is a postal address. Positions of lines carry no meaning, and a blank line may come as null.
type Address struct {
	Use        string   `json:"use"`
	Type       string   `json:"type"`
	Text       string   `json:"text"`
	Line       []string `json:"line"`
	City       string   `json:"city"`
	District   string   `json:"district"`
	PostalCode string   `json:"postalCode"`
	Country    string   `json:"country"`
	Period     Period   `json:"period"`
}

// Telecom is a way to reach somebody.
type Telecom struct {
	System string `json:"system"`
	Value  string `json:"value"`
	Use    string `json:"use"`
	Period Period `json:"period"`
}

// Contact is somebody to reach in an emergency.
type Contact struct {
	Name         *HumanName `json:"name"`
	Telecom      []Telecom  `json:"telecom"`
	Relationship []Concept  `json:"relationship"`
}

// Concept is a coded concept.
type Concept struct {
	Coding []Coding `json:"coding"`
	Text   string   `json:"text"`
}

// Code is the first code.
func (c Concept) Code() string {
	if len(c.Coding) == 0 {
		return ""
	}
	return c.Coding[0].Code
}

// Reference is a reference by identifier, the only kind that PDS and SDS use.
type Reference struct {
	Identifier Identifier `json:"identifier"`
	Display    string     `json:"display"`
}

// Extension is an extension with the kinds of value that PDS and SDS use.
type Extension struct {
	URL        string     `json:"url"`
	Extensions Extensions `json:"extension"`
	Concept    Concept    `json:"valueCodeableConcept"`
	Reference  Reference  `json:"valueReference"`
	Period     Period     `json:"valuePeriod"`
	DateTime   string     `json:"valueDateTime"`
	String     string     `json:"valueString"`
	Boolean    *bool      `json:"valueBoolean"`
	// PositiveInt is FHIR's positiveInt, which ends where an int32 does.
	PositiveInt *int32 `json:"valuePositiveInt"`
}

// Extensions are those of one element.
type Extensions []Extension

// Find is the first extension with a URL, the zero Extension if there is none.
func (e Extensions) Find(url string) Extension {
	for _, extension := range e {
		if extension.URL == url {
			return extension
		}
	}
	return Extension{}
}

// ReadPatient reads a Patient. It fails with [ErrResourceType] if the text is another resource, and with the other
// errors of this package if it is none.
func ReadPatient(text []byte) (Patient, error) {
	var p Patient
	if err := decode(text, "Patient", &p); err != nil {
		return Patient{}, err
	}
	p.JSON = bytes.TrimSpace(text)
	return p, nil
}
