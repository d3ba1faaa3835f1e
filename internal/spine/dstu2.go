package spine

// Who asks and for which record, as FHIR DSTU2 resources: Access Record HTML, 0.7 (SDS contract, E5).

const (
	dstu2Audience  = "https://authorize.fhir.nhs.net/token"
	dstu2ODSSystem = "http://fhir.nhs.net/Id/ods-organization-code"
	// dstu2UserSystem lacks the "/Id/" that the others have, and practices check that it does.
	dstu2UserSystem   = "http://fhir.nhs.net/sds-user-id"
	dstu2NumberSystem = "http://fhir.nhs.net/Id/nhs-number"
	dstu2RoleSystem   = "http://fhir.nhs.net/ValueSet/sds-job-role-name-1"
)

type dstu2Practitioner struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Identifier   []identifier `json:"identifier"`
	Name         dstu2Name    `json:"name"`
	Role         []dstu2Role  `json:"practitionerRole"`
}

type dstu2Name struct {
	Family []string `json:"family"`
	Given  []string `json:"given"`
	Prefix []string `json:"prefix,omitempty"`
}

type dstu2Role struct {
	Role struct {
		Coding []dstu2Coding `json:"coding"`
	} `json:"role"`
}

type dstu2Coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

type dstu2Record struct {
	ResourceType string       `json:"resourceType"`
	Identifier   []identifier `json:"identifier"`
}

func dstu2Claims(s statement) map[string]any {
	q := s.requester
	practitioner := dstu2Practitioner{
		ResourceType: "Practitioner", ID: q.User.ID,
		Identifier: []identifier{{dstu2UserSystem, known(q.User.SDSUserID)}, {q.User.System, q.User.ID}},
		Name:       dstu2Name{Family: []string{q.User.Family}, Given: []string{q.User.Given}},
		Role:       make([]dstu2Role, 1),
	}
	if q.User.Prefix != "" {
		practitioner.Name.Prefix = []string{q.User.Prefix}
	}
	// The name of a job role is nothing that a caller's credential tells, and none is made up.
	practitioner.Role[0].Role.Coding = []dstu2Coding{{dstu2RoleSystem, unknownID}}
	record := dstu2Record{ResourceType: "Organization", Identifier: []identifier{{dstu2ODSSystem, s.practice.String()}}}
	if !s.patient.IsZero() {
		record = dstu2Record{ResourceType: "Patient", Identifier: []identifier{{dstu2NumberSystem, s.patient.Digits()}}}
	}
	return map[string]any{
		"aud": dstu2Audience,
		"requesting_device": tokenDevice{
			ResourceType: "Device", ID: q.Device.ID, Identifier: []identifier{{q.Device.System, q.Device.ID}},
			Model: q.Device.Model, Version: q.Device.Version,
		},
		"requesting_organization": tokenOrganisation{
			ResourceType: "Organization", ID: q.Organisation.ODS.String(),
			Identifier: []identifier{{dstu2ODSSystem, q.Organisation.ODS.String()}}, Name: q.Organisation.Name,
		},
		"requesting_practitioner": practitioner,
		"requested_record":        record,
	}
}
