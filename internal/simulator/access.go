package simulator

import (
	"slices"
	"strings"
)

// The scopes that an application may hold for PDS (PDS contract, 3). The identity service gives a token the part of them
// that fits how it was asked for.
const (
	scopeApplication = "urn:nhsd:apim:app:level3:personal-demographics-service"
	scopeAAL3        = "urn:nhsd:apim:user-nhs-cis2:aal3:personal-demographics-service"
	scopeAAL2        = "urn:nhsd:apim:user-nhs-cis2:aal2:personal-demographics-service"
)

// accessMode is what a token lets its holder do at PDS. Patient access and the privileged mode are not simulated: no
// application here has a scope for them.
type accessMode int

const (
	applicationRestricted accessMode = iota // the least, and what a token is good for when nothing else fits
	healthcareWorker
)

// modeOf derives the mode as the edge does: from the scopes of the token, and from nothing in the request.
func modeOf(scopes []string) accessMode {
	for _, s := range scopes {
		if s == scopeAAL3 || s == scopeAAL2 {
			return healthcareWorker
		}
	}
	return applicationRestricted
}

// scopesOf are the scopes that have a part, such as ":app:" or ":aal3:".
func scopesOf(scopes []string, part string) []string {
	var some []string
	for _, s := range scopes {
		if strings.Contains(s, part) {
			some = append(some, s)
		}
	}
	return some
}

// session is what an access token turns out to stand for.
type session struct {
	app  *application
	mode accessMode
	// roles are those of the user who is signed in (PDS contract, 4.4).
	roles []string
}

// most is the ceiling of a search that names none.
func (s *session) most() int {
	if s.mode == healthcareWorker {
		return 50
	}
	return 1
}

// role checks the header NHSD-Session-URID. An application without a user has it stripped, so there nothing is wrong.
func (s *session) role(header []string) *pdsError {
	if s.mode != healthcareWorker || len(header) == 0 && len(s.roles) < 2 {
		return nil
	}
	sent := strings.Join(header, ", ")
	if len(header) == 1 && slices.Contains(s.roles, sent) {
		return nil
	}
	e := invalidHeader("NHSD-Session-URID", sent)
	e.diagnostics += ". Refer to the guidance for this header in our API Specification " +
		"https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
	return e
}
