package practice

import (
	"strconv"
	"strings"
)

// refusal is an answer that is an OperationOutcome (gpconnect.md, 12.1 and 12.2; sds-and-ssp.md, C7).
type refusal struct {
	status      int
	issue       string // the FHIR issue type
	code        string // of the Spine error list
	display     string
	diagnostics string
}

// Error makes a refusal an error that the checks can return. It holds what is sent, which never names a patient.
func (r *refusal) Error() string { return r.code + ": " + r.diagnostics }

func badRequest(why string) *refusal {
	return &refusal{400, "invalid", "BAD_REQUEST", "Bad request", why}
}

func invalidNHSNumber() *refusal {
	return &refusal{400, "value", "INVALID_NHS_NUMBER", "Invalid NHS number", "the NHS number does not have ten digits with a correct check digit"}
}

func accessDenied(capability string) *refusal {
	return &refusal{403, "forbidden", "ACCESS DENIED", "Access denied", "GP Connect " + capability + " is not enabled at this practice"}
}

func noConsent() *refusal {
	return &refusal{403, "forbidden", "NO_PATIENT_CONSENT", "Patient has not provided consent to share data", "the patient has objected to sharing"}
}

func notFound(code, display string) *refusal {
	return &refusal{404, "not-found", code, display, strings.ToLower(display)}
}

func patientNotFound() *refusal { return notFound("PATIENT_NOT_FOUND", "Patient record not found") }

func noRecordFound() *refusal { return notFound("NO_RECORD_FOUND", "No record found") }

func duplicateRejected(why string) *refusal {
	return &refusal{409, "duplicate", "DUPLICATE_REJECTED", "Create would lead to creation of a duplicate resource", why}
}

func constraintViolation(why string) *refusal {
	return &refusal{409, "conflict", "FHIR_CONSTRAINT_VIOLATION", "FHIR constraint violated", why}
}

// unsupportedMedia differs: the error list has a code for it, the reference provider of 1.2 did not use it.
func (s *System) unsupportedMedia(why string) *refusal {
	if s.olderThan(1, 5, 0) {
		return &refusal{415, "invalid", "BAD_REQUEST", "Bad request", why}
	}
	return &refusal{415, "not-supported", "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type", why}
}

func invalidResource(why string) *refusal {
	return &refusal{422, "invalid", "INVALID_RESOURCE", "Invalid validation of resource", why}
}

func invalidParameter(why string) *refusal {
	return &refusal{422, "invalid", "INVALID_PARAMETER", "Invalid parameter", why}
}

func internalError(why string) *refusal {
	return &refusal{500, "processing", "INTERNAL_SERVER_ERROR", "Unexpected internal server error", why}
}

func notImplemented(what string) *refusal {
	return &refusal{501, "not-supported", "NOT_IMPLEMENTED", "Not implemented", what + " is not offered by this practice"}
}

// outcome is the refusal as a resource.
func (s *System) outcome(r *refusal) object {
	return obj("resourceType", "OperationOutcome", "meta", obj("profile", []string{outcomeProfile}),
		"issue", []object{obj(
			"severity", "error", "code", r.issue,
			"details", obj("coding", []object{coding(s.errorSystem(), r.code, r.display)}, "text", r.display),
			"diagnostics", r.diagnostics,
		)})
}

const outcomeProfile = nhsProfiles + "GPConnect-OperationOutcome-1"

// errorSystem is a ValueSet's URL at 1.2.x and a CodeSystem's from 1.5 on (gpconnect.md, 12.1).
func (s *System) errorSystem() string {
	if s.olderThan(1, 5, 0) {
		return "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1"
	}
	return nhsSystems + "Spine-ErrorOrWarningCode-1"
}

// olderThan compares the version that the practice claims; what follows a hyphen does not count.
func (s *System) olderThan(want ...int) bool {
	version, _, _ := strings.Cut(s.cfg.Version, "-")
	have := strings.Split(version, ".")
	for i, w := range want {
		n := 0
		if i < len(have) {
			n, _ = strconv.Atoi(have[i]) // checked by New
		}
		if n != w {
			return n < w
		}
	}
	return false
}
