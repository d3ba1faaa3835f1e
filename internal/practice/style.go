package practice

import "strings"

// id gives an id of the resource type kind the supplier's shape (gpconnect.md, 14). It must stay within the 64 characters
// of a FHIR id.
func (s Style) id(kind, id string) string {
	switch s {
	case StyleUpper:
		return strings.ToUpper(id) + upperSuffix(kind)
	case StyleHex:
		return strings.ReplaceAll(id, "-", "")[:16] + hexSuffix(kind)
	case StyleNamed:
		return namedPrefix(kind) + id
	case StyleSpecification:
	}
	return id
}

func upperSuffix(kind string) string {
	switch kind {
	case "MedicationStatement":
		return "-MS"
	case "Specimen":
		return "-SPEC-0"
	case "List":
		return "-LST"
	}
	return ""
}

func hexSuffix(kind string) string {
	switch kind {
	case "MedicationPlan":
		return "-plan"
	case "MedicationOrder":
		return "-order"
	}
	return ""
}

func namedPrefix(kind string) string {
	switch kind {
	case "MedicationStatement":
		return "ms-"
	case "MedicationPlan", "MedicationOrder":
		return "mr-"
	case "DocumentReference":
		return "care-record-document--"
	}
	return ""
}

// namespace is the supplier's system of business identifiers.
func (d directory) namespace() string {
	switch d.cfg.Style {
	case StyleUpper:
		return "https://upper.example/" + d.cfg.ODS.String()
	case StyleHex:
		return "https://hex.example/Id/entry"
	case StyleNamed:
		return "https://named.example"
	case StyleSpecification:
	}
	return "https://practice.example/" + d.cfg.ODS.String()
}
