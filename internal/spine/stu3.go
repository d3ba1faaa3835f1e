package spine

// Who asks, as FHIR STU3 resources (SDS contract, E3): strict parsers refuse any further member.

const (
	odsSystem         = "https://fhir.nhs.uk/Id/ods-organization-code"
	sdsUserSystem     = "https://fhir.nhs.uk/Id/sds-user-id"
	roleProfileSystem = "https://fhir.nhs.uk/Id/sds-role-profile-id"
)

type tokenDevice struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id,omitempty"`
	Identifier   []identifier `json:"identifier"`
	Model        string       `json:"model"`
	Version      string       `json:"version"`
}

type tokenOrganisation struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id,omitempty"`
	Identifier   []identifier `json:"identifier"`
	Name         string       `json:"name"`
}

type tokenPractitioner struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Identifier   []identifier `json:"identifier"`
	Name         []tokenName  `json:"name"`
}

type tokenName struct {
	Family string   `json:"family"`
	Given  []string `json:"given"`
	Prefix []string `json:"prefix,omitempty"`
}

func stu3Claims(s statement) map[string]any {
	q := s.requester
	name := tokenName{Family: q.User.Family, Given: []string{q.User.Given}}
	if q.User.Prefix != "" {
		name.Prefix = []string{q.User.Prefix}
	}
	return map[string]any{
		"aud": s.address,
		"requesting_device": tokenDevice{
			ResourceType: "Device", Identifier: []identifier{{q.Device.System, q.Device.ID}},
			Model: q.Device.Model, Version: q.Device.Version,
		},
		"requesting_organization": tokenOrganisation{
			ResourceType: "Organization", Identifier: []identifier{{odsSystem, q.Organisation.ODS.String()}},
			Name: q.Organisation.Name,
		},
		"requesting_practitioner": tokenPractitioner{
			ResourceType: "Practitioner", ID: q.User.ID,
			Identifier: []identifier{
				{sdsUserSystem, known(q.User.SDSUserID)},
				{roleProfileSystem, known(q.User.RoleProfileID)},
				{q.User.System, q.User.ID},
			},
			Name: []tokenName{name},
		},
	}
}
