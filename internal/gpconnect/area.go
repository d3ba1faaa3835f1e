package gpconnect

import "strings"

// Area is a clinical area of the structured record. The zero Area is none.
type Area int

// The areas in the order in which they are always told. Documents cannot be asked for: their metadata arrives with what
// mentions them.
const (
	Allergies Area = iota + 1
	Medications
	Consultations
	Problems
	Immunisations
	Uncategorised
	Investigations
	Referrals
	Diary
	Documents
)

// Areas are all areas in order.
func Areas() []Area {
	return []Area{
		Allergies, Medications, Consultations, Problems, Immunisations, Uncategorised, Investigations, Referrals, Diary, Documents,
	}
}

// String is the area's name.
func (a Area) String() string {
	return [...]string{
		"none", "allergies", "medications", "consultations", "problems", "immunisations", "uncategorised", "investigations",
		"referrals", "diary", "documents",
	}[a]
}

// parameter is the area's parameter of the operation (gpconnect.md, 5); Documents have the name that warnings give them.
func (a Area) parameter() string {
	return [...]string{
		"", "includeAllergies", "includeMedication", "includeConsultations", "includeProblems", "includeImmunisations",
		"includeUncategorisedData", "includeInvestigations", "includeReferrals", "includeDiaryEntries", "DocumentReferences",
	}[a]
}

// areaOfParameter is the area that a parameter, such as "includeReferrals.referralSearchPeriod", belongs to.
func areaOfParameter(name string) (area Area, part bool) {
	name, _, part = strings.Cut(name, ".")
	for _, a := range Areas() {
		if strings.EqualFold(name, a.parameter()) {
			return a, part
		}
	}
	return 0, part
}

// areaOfPrimary is the area whose primary List has a code (gpconnect.md, 6.3). Titles differ between suppliers.
func areaOfPrimary(snomed string) (area Area, ended bool) {
	switch snomed {
	case "886921000000105":
		return Allergies, false
	case "1103671000000101":
		return Allergies, true
	case "933361000000108":
		return Medications, false
	case "1149501000000101":
		return Consultations, false
	case "717711000000103":
		return Problems, false
	case "1102181000000102":
		return Immunisations, false
	case "826501000000100":
		return Uncategorised, false
	case "887191000000108":
		return Investigations, false
	case "792931000000107":
		return Referrals, false
	case "714311000000108":
		return Diary, false
	}
	return 0, false
}

// areaOfType is the area that all resources of a type belong to. Observations and ProcedureRequests belong to several,
// and only a List can tell.
func areaOfType(resourceType string) (area Area, clinical bool) {
	switch resourceType {
	case "AllergyIntolerance":
		return Allergies, true
	case "MedicationStatement":
		return Medications, true
	case "Encounter":
		return Consultations, true
	case "Condition":
		return Problems, true
	case "Immunization":
		return Immunisations, true
	case "DiagnosticReport":
		return Investigations, true
	case "ReferralRequest":
		return Referrals, true
	case "DocumentReference":
		return Documents, true
	case "Observation", "ProcedureRequest", "QuestionnaireResponse":
		return 0, true
	}
	return 0, false
}
