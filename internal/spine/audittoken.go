package spine

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// This file is the only place in the program that may say "alg: none", and it can only write: GP Connect's audit token
// is a statement in clear for whoever keeps the practice's log, not a credential (SDS contract, part E).

const (
	odsSystem         = "https://fhir.nhs.uk/Id/ods-organization-code"
	sdsUserSystem     = "https://fhir.nhs.uk/Id/sds-user-id"
	roleProfileSystem = "https://fhir.nhs.uk/Id/sds-role-profile-id"
	// unknownID stands for an id that a user without smartcard does not have.
	unknownID = "UNK"

	// auditLife is exact: providers refuse 299 and 301 seconds (SDS contract, E2).
	auditLife = 300 * time.Second
	// auditAge is how far a token is dated back, so that a practice whose clock is a little behind accepts it.
	auditAge = 2 * time.Second
)

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type tokenDevice struct {
	ResourceType string       `json:"resourceType"`
	Identifier   []identifier `json:"identifier"`
	Model        string       `json:"model"`
	Version      string       `json:"version"`
}

type tokenOrganisation struct {
	ResourceType string       `json:"resourceType"`
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

// auditToken makes the token for one request: who asks, of which system, for what, now. audience is the service root URL
// exactly as the directory gave it.
func auditToken(q Requester, audience, scope string, now time.Time) (string, error) {
	issued := now.Add(-auditAge).Unix()
	name := tokenName{Family: q.User.Family, Given: []string{q.User.Given}}
	if q.User.Prefix != "" {
		name.Prefix = []string{q.User.Prefix}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{
		"iss":                q.Issuer,
		"sub":                q.User.ID,
		"aud":                audience,
		"iat":                issued,
		"exp":                issued + int64(auditLife/time.Second),
		"reason_for_request": "directcare",
		"requested_scope":    scope,
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
	})
	text, err := token.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		return "", fmt.Errorf("encode the audit token: %w", err)
	}
	return text, nil
}

func known(id string) string {
	if id == "" {
		return unknownID
	}
	return id
}
