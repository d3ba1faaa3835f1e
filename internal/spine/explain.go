package spine

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// How the proxy's own errors are told from those that it passes on (SDS contract, C6 and C7).
const (
	proxySystem    = "http://fhir.nhs.net/ValueSet/gpconnect-schedule-response-code-1-0"
	proxyOddSystem = "https://fhir.nhs.uk/StructureDefinition/spine-operationoutcome-1" // of its 405
)

// proxyTokens are the words by which the proxy says what was wrong, with its reason.
var proxyTokens = []struct {
	is     *regexp.Regexp
	code   string
	reason pb.ErrorReason
}{
	{
		regexp.MustCompile(`^ENDPOINT_.+_VARIES_FROM_TARGETURL_`),
		"ENDPOINT_VARIES_FROM_TARGETURL", pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES,
	},
	{
		regexp.MustCompile(`^ASID_CHECK_FAILED_MESSAGESENDER`),
		"ASID_CHECK_FAILED_MESSAGESENDER", pb.ErrorReason_ERROR_REASON_SENDER_NOT_ACCREDITED,
	},
	{
		regexp.MustCompile(`^(PARTYKEY_INTERACTION|ASID)_CHECK_FAILED_MESSAGERECEIVER`),
		"PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER", pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED,
	},
	{
		regexp.MustCompile(`^FOT_CHECK_FAILED_MESSAGESENDER`),
		"FOT_CHECK_FAILED_MESSAGESENDER_MESSAGERECEIVER", pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT,
	},
	{
		regexp.MustCompile(`^ERROR_COMMUNICATING_TO_ENDPOINT_URL`),
		"ERROR_COMMUNICATING_TO_ENDPOINT_URL", pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE,
	},
	{
		regexp.MustCompile(`^(?i)UNSUPPORTED_MEDIA_TYPE`),
		"UNSUPPORTED_MEDIA_TYPE", pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST,
	},
}

// explainProxy tells whose failure an answer through the proxy is: the proxy's, the practice's, or nobody's to tell. The
// proxy's words are understood without its coding system, too, as an older page shows them (SDS contract, C6); whether they came
// with it is said, since a practice's answer can hold any words.
func explainProxy(r Refusal) *fault.Error {
	outcome, readable := fhir.ReadOutcome(r.Body)
	worst := outcome.Worst()
	if readable && !proxySaid(worst) && byPractice(outcome, worst) {
		return explainPractice(outcome, worst, r)
	}
	for _, token := range proxyTokens {
		if slices.ContainsFunc(words(worst), token.is.MatchString) {
			e := r.Fault(token.reason)
			e.ProxyCoded = proxySaid(worst)
			// The token goes on without what it quotes: an address, with what was in its query.
			e.Issues = []*pb.UpstreamIssue{{IssueType: worst.Type, IssueCode: token.code, Severity: worst.Severity}}
			return e
		}
	}
	return r.Fault(proxyStatus(r.Status))
}

// proxySaid recognises the proxy by its coding system. It is a convention and no signature: a practice could write it, too.
func proxySaid(i fhir.Issue) bool {
	return slices.ContainsFunc(i.Codings, func(c fhir.Coding) bool {
		return c.System == proxySystem || c.System == proxyOddSystem
	})
}

// byPractice recognises a practice by profile, by a code system of the GP Connect family, which has had five names, or by
// a code of that family (GP Connect contract, 12.1). A bare outcome without any may be the proxy's.
func byPractice(o fhir.Outcome, worst fhir.Issue) bool {
	profiled := slices.ContainsFunc(o.Profiles, func(p string) bool {
		return strings.Contains(strings.ToLower(p), "gpconnect")
	})
	_, coded := practiceCodes[worst.Code()]
	return profiled || coded || slices.ContainsFunc(worst.Codings, func(c fhir.Coding) bool {
		system := strings.ToLower(c.System)
		return strings.Contains(system, "spine-errororwarningcode") || strings.Contains(system, "gpconnect-error-or-warning-code")
	})
}

// words are where the proxy's token can stand.
func words(i fhir.Issue) []string {
	all := []string{strings.TrimSpace(i.Diagnostics), strings.TrimSpace(i.Text)}
	for _, c := range i.Codings {
		all = append(all, strings.TrimSpace(c.Display))
	}
	return all
}

// proxyStatus explains a status that nothing else explains.
func proxyStatus(status int) pb.ErrorReason {
	switch status {
	case http.StatusBadGateway:
		return pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE
	case http.StatusGatewayTimeout, 599:
		return pb.ErrorReason_ERROR_REASON_PRACTICE_TIMED_OUT
	case http.StatusNotImplemented:
		return pb.ErrorReason_ERROR_REASON_CAPABILITY_NOT_SUPPORTED
	case http.StatusNotFound, http.StatusConflict:
		// Said by nobody in particular, this is no news of a patient, slot or version.
		return pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
	}
	return ExplainStatus(Refusal{Status: status}).Reason
}

// practiceCodes is what a practice's codes mean (GP Connect contract, 12.2). What is not here is explained by its status.
var practiceCodes = map[string]pb.ErrorReason{
	"INVALID_NHS_NUMBER":           pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID,
	"INVALID_PATIENT_DEMOGRAPHICS": pb.ErrorReason_ERROR_REASON_DEMOGRAPHICS_REJECTED,
	"NO_PATIENT_CONSENT":           pb.ErrorReason_ERROR_REASON_PATIENT_DISSENTED,
	"NO_ORGANISATION_CONSENT":      pb.ErrorReason_ERROR_REASON_NO_ORGANISATION_CONSENT,
	"NO_ORGANISATIONAL_CONSENT":    pb.ErrorReason_ERROR_REASON_NO_ORGANISATION_CONSENT,
	"ACCESS_DENIED":                pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF,
	"NO_RELATIONSHIP":              pb.ErrorReason_ERROR_REASON_NO_RELATIONSHIP,
	"NOT_AUTHORISED":               pb.ErrorReason_ERROR_REASON_NO_RELATIONSHIP,
	"PATIENT_NOT_FOUND":            pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_NOT_FOUND,
	"ORGANISATION_NOT_FOUND":       pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND,
	"PRACTITIONER_NOT_FOUND":       pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND,
	"LOCATION_NOT_FOUND":           pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND,
	"NO_RECORD_FOUND":              pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND,
	"FHIR_CONSTRAINT_VIOLATION":    pb.ErrorReason_ERROR_REASON_APPOINTMENT_CHANGED,
	"INTERNAL_SERVER_ERROR":        pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED,
	"NOT_IMPLEMENTED":              pb.ErrorReason_ERROR_REASON_CAPABILITY_NOT_SUPPORTED,
	"NO_LONGER_SUPPORTED":          pb.ErrorReason_ERROR_REASON_CAPABILITY_NOT_SUPPORTED,
}

// bookingCodes mean something of their own where an appointment is written.
var bookingCodes = map[string]pb.ErrorReason{
	"DUPLICATE_REJECTED":  pb.ErrorReason_ERROR_REASON_SLOT_TAKEN,
	"INVALID_RESOURCE":    pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED,
	"INVALID_PARAMETER":   pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED,
	"REFERENCE_NOT_FOUND": pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED,
}

// ownCodes come before practiceCodes.
var ownCodes = map[nhs.Interaction]map[string]pb.ErrorReason{
	nhs.CreateAppointment: bookingCodes,
	nhs.UpdateAppointment: bookingCodes,
	nhs.CancelAppointment: bookingCodes,
	nhs.RegisterPatient:   {"DUPLICATE_REJECTED": pb.ErrorReason_ERROR_REASON_PATIENT_ALREADY_REGISTERED},
}

// sensitive must look like not found in every respect (GP Connect contract, 12.2).
const sensitive, notFound = "PATIENT_SENSITIVE", "PATIENT_NOT_FOUND"

func explainPractice(o fhir.Outcome, worst fhir.Issue, r Refusal) *fault.Error {
	code := worst.Code()
	if code == sensitive {
		code = notFound
	}
	e := r.Fault(practiceReason(code, r.Status, r.Interaction))
	e.Hop = pb.Hop_HOP_PROVIDER
	e.Issues = issuesOf(o)
	if code == notFound {
		e.HTTPStatus = http.StatusNotFound
		e.Issues = []*pb.UpstreamIssue{{IssueType: "not-found", IssueCode: notFound, Severity: "error"}}
	}
	return e
}

func practiceReason(code string, status int, interaction nhs.Interaction) pb.ErrorReason {
	if reason, ok := ownCodes[interaction][code]; ok {
		return reason
	}
	if reason, ok := practiceCodes[code]; ok {
		return reason
	}
	switch {
	case status == http.StatusNotFound:
		return pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND
	case status == http.StatusTooManyRequests:
		return pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED
	case status == http.StatusNotImplemented:
		return pb.ErrorReason_ERROR_REASON_CAPABILITY_NOT_SUPPORTED
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable:
		return pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE
	case status == http.StatusGatewayTimeout, status == 599:
		return pb.ErrorReason_ERROR_REASON_PRACTICE_TIMED_OUT
	case status >= 500:
		return pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED
	}
	return pb.ErrorReason_ERROR_REASON_PRACTICE_REJECTED_REQUEST
}
