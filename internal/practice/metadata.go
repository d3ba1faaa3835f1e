package practice

import "slices"

// What each root declares (gpconnect.md, 3.1). Clinical areas, enablement, cancelling and retrieving are not visible there.

func (s *System) foundationsStatement(*request) (answer, error) {
	read, search := "read", "search-type"
	token := func(names ...string) []object { return searchParams("token", names...) }
	resources := []object{
		declared("Patient", token("identifier"), read, search),
		declared("Organization", token("identifier"), read, search),
		declared("Practitioner", token("identifier"), read, search),
		declared("Location", nil, read),
		declared("Appointment", searchParams("date", "start"), read, "create", "update", search).with("updateCreate", false),
		declared("Slot", append(searchParams("date", "start", "end"), token("status", "searchFilter")...), search).
			with("searchInclude", []string{
				"Slot:schedule", "Schedule:actor:Location", "Schedule:actor:Practitioner", "Location:managingOrganization",
			}),
	}
	var operations []object
	profiles := []string{
		careConnect("Patient"), careConnect("Organization"), careConnect("Practitioner"), careConnect("PractitionerRole"),
		careConnect("Location"), outcomeProfile, nhsProfiles + "GPConnect-Searchset-Bundle-1",
		appointmentProfile, slotProfile, scheduleProfile,
	}
	if s.cfg.Roots.Structured == s.cfg.Roots.Foundations {
		operations = append(operations, s.structuredOperation())
		profiles = append(profiles, s.structuredProfiles()...)
	}
	return ok(s.statement("GP Connect", profiles, resources, operations))
}

func (s *System) structuredStatement(*request) (answer, error) {
	return ok(s.statement("GP Connect API - Access Record Structured", append(s.structuredProfiles(), outcomeProfile), nil, []object{s.structuredOperation()}))
}

func (s *System) documentsStatement(*request) (answer, error) {
	// Access Document is not offered yet, so its statement declares nothing.
	return ok(s.statement("GP Connect API - Access Document", []string{outcomeProfile}, nil, nil))
}

func (s *System) statement(name string, profiles []string, resources, operations []object) object {
	// Roots that are one share profiles.
	slices.Sort(profiles)
	profiles = slices.Compact(profiles)
	references := make([]object, len(profiles))
	for i, p := range profiles {
		references[i] = reference(p)
	}
	return obj(
		"resourceType", "CapabilityStatement", "version", s.cfg.Version, "name", name, "status", "active",
		"date", "2024-03-25", "publisher", "spinegate simulator",
		"contact", []object{obj("name", "spinegate simulator")},
		"description", "A simulated practice with synthetic patients. Not for care.",
		"kind", "capability", "software", obj("name", "spinegate simulated practice", "version", "1"),
		"fhirVersion", "3.0.1", "acceptUnknown", "both", "format", []string{"application/fhir+json"},
		"profile", references,
		"rest", []object{obj("mode", "server", "security", obj("cors", true), "resource", resources, "operation", operations)},
	)
}

func declared(kind string, params []object, interactions ...string) object {
	codes := make([]object, len(interactions))
	for i, c := range interactions {
		codes[i] = obj("code", c)
	}
	return obj("type", kind, "interaction", codes, "searchParam", params)
}

func searchParams(kind string, names ...string) []object {
	params := make([]object, len(names))
	for i, n := range names {
		params[i] = obj("name", n, "type", kind)
	}
	return params
}

// structuredOperation carries the version of the definition, one of the signals for which areas there are (3.2).
func (s *System) structuredOperation() object {
	history := "1.16"
	switch {
	case s.olderThan(1, 5, 0):
		history = "1.12"
	case s.olderThan(1, 6, 0):
		history = "1.15"
	}
	return obj("name", "gpc.getstructuredrecord", "definition",
		reference("https://fhir.nhs.uk/STU3/OperationDefinition/GPConnect-GetStructuredRecord-Operation-1/_history/"+history))
}

func (s *System) structuredProfiles() []string {
	kinds := []string{"Patient", "Organization", "Practitioner", "PractitionerRole"}
	for _, area := range requestable {
		if s.knows(area) {
			kinds = append(kinds, area.resources()...)
		}
	}
	profiles := []string{recordProfile, careConnect("List")}
	for _, kind := range kinds {
		profiles = append(profiles, careConnect(kind))
	}
	return profiles
}

// resources are the resource types that an area brings.
func (a Area) resources() []string {
	switch a {
	case Allergies:
		return []string{"AllergyIntolerance"}
	case Medications:
		return []string{"Medication", "MedicationStatement", "MedicationRequest"}
	case Consultations:
		return []string{"Encounter", "Location"}
	case Problems:
		return []string{"Condition"}
	case Immunisations:
		return []string{"Immunization"}
	case Uncategorised:
		return []string{"Observation"}
	case Investigations:
		return []string{"DiagnosticReport", "Specimen"}
	case Referrals:
		return []string{"ReferralRequest"}
	case DiaryEntries:
		return []string{"ProcedureRequest"}
	case Documents:
		return []string{"DocumentReference"}
	}
	return nil
}
