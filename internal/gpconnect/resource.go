package gpconnect

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The few shapes of STU3 that this package acts upon. A member that has another shape than FHIR gives it makes the whole
// resource unreadable; members that are not named here are not looked at.

type reference struct {
	Reference  string     `json:"reference"`
	Display    string     `json:"display"`
	Identifier identifier `json:"identifier"`
}

type coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display"`
}

type concept struct {
	Coding []coding `json:"coding"`
	Text   string   `json:"text"`
}

type extension struct {
	URL       string    `json:"url"`
	Code      string    `json:"valueCode"`
	String    string    `json:"valueString"`
	Concept   concept   `json:"valueCodeableConcept"`
	Reference reference `json:"valueReference"`
}

type meta struct {
	VersionID string `json:"versionId"`
}

// Name is a person's name.
type Name struct {
	Use    string   `json:"use"`
	Text   string   `json:"text"`
	Family string   `json:"family"`
	Given  []string `json:"given"`
	Prefix []string `json:"prefix"`
	Suffix []string `json:"suffix"`
}

// Address is a postal address.
type Address struct {
	Use        string   `json:"use"`
	Type       string   `json:"type"`
	Text       string   `json:"text"`
	Lines      []string `json:"line"`
	City       string   `json:"city"`
	District   string   `json:"district"`
	PostalCode string   `json:"postalCode"`
	Country    string   `json:"country"`
}

// Telecom is a way to reach somebody.
type Telecom struct {
	System string `json:"system"`
	Value  string `json:"value"`
	Use    string `json:"use"`
}

// several is one or more of something, in an array or without one: published Locations have a single telecom where FHIR
// wants an array, and an array where it wants a single address.
type several[T any] []T

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (s *several[T]) UnmarshalJSONFrom(in *jsontext.Decoder) error {
	if kind := in.PeekKind(); kind == '[' || kind == 'n' {
		return json.UnmarshalDecode(in, (*[]T)(s))
	}
	var one T
	if err := json.UnmarshalDecode(in, &one); err != nil {
		return err
	}
	*s = []T{one}
	return nil
}

var errShape = errors.New("an element has another shape than FHIR gives it")

// decode reads JSON whose form was checked before, unless it is larger than is taken. Its error holds nothing of the text.
func decode(text []byte, into any) error {
	if oversize(text, maxResource, maxObjects) {
		return errLarge
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errShape
	}
	return nil
}

// isExtension compares the last segment of an extension's URL: real data mixes hosts, schemes and the infix "GPC-"
// (gpconnect.md, 18).
func isExtension(url, name string) bool {
	last := url[strings.LastIndexByte(url, '/')+1:]
	return strings.Replace(last, "CareConnect-GPC-", "CareConnect-", 1) == name
}

// isSystem compares the last segment of an identifier system, such as "nhs-number".
func isSystem(system, name string) bool {
	return strings.EqualFold(system[strings.LastIndexByte(system, '/')+1:], name)
}

// codeOf is the first code of a concept in a system that ends in name.
func codeOf(c concept, name string) (string, bool) {
	for _, coding := range c.Coding {
		if strings.HasSuffix(strings.TrimSuffix(coding.System, "/"), name) {
			return coding.Code, true
		}
	}
	return "", false
}

// target is a relative reference without its version: "Patient/1" of "Patient/1/_history/2".
func target(reference string) string {
	plain, _, _ := strings.Cut(reference, "/_history/")
	return plain
}
