package fhir

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// RelatedPerson is an R4 RelatedPerson as PDS sends it (PDS contract, 8). Any member may be absent, and null is read as
// absent.
type RelatedPerson struct {
	ResourceType string `json:"resourceType"`

	// ID is the entry's own, never an NHS Number.
	ID     string `json:"id"`
	Active *bool  `json:"active"`
	Period Period `json:"period"`
	// Patient names the patient, or, where details are held elsewhere, the related person themself.
	Patient      Reference   `json:"patient"`
	Name         []HumanName `json:"name"`
	Address      []Address   `json:"address"`
	Telecom      []Telecom   `json:"telecom"`
	Relationship []Concept   `json:"relationship"`
	Extensions   Extensions  `json:"extension"`
	// Unknown holds the members that are not above, as received.
	Unknown jsontext.Value `json:",embed"`
	// JSON is the whole resource as received, first brace to last.
	JSON jsontext.Value `json:"-"`
}

// ReadRelatedPerson reads a RelatedPerson. It fails with [ErrResourceType] if the text is another resource, and with the
// other errors of this package if it is none.
func ReadRelatedPerson(text []byte) (RelatedPerson, error) {
	var p RelatedPerson
	if err := decode(text, "RelatedPerson", &p); err != nil {
		return RelatedPerson{}, err
	}
	p.JSON = bytes.TrimSpace(text)
	return p, nil
}
