package pds

import (
	"mime"
	"net/http"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/spine"
)

// Two programs answer, and tell themselves apart by their content type (PDS contract, 5): the platform's edge, about
// tokens, limits, paths and roles, and Spine, about everything else.
const (
	edgeType  = "application/json"
	spineType = "application/fhir+json"
)

// searchTemplate is the path of a search.
const searchTemplate = "/Patient"

// explain goes by status, code and who answered (PDS contract, 12). Diagnostics decide only where nothing else tells two
// causes apart.
func explain(r spine.Refusal) *fault.Error {
	e := spine.ExplainStatus(r)
	outcome, _ := fhir.ReadOutcome(r.Body)
	worst := outcome.Worst()
	from, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if from == edgeType {
		r.Quote(e)
	}
	switch r.Status {
	case http.StatusBadRequest:
		explainBadRequest(e, worst, from, r.Template == searchTemplate)
	case http.StatusUnauthorized:
		e.Operator = "The platform does not accept the access token, and did not accept a new one."
		if from == spineType {
			e.Operator = "Spine has not granted the application this PDS interaction, which no new token cures: apply for it."
		}
	case http.StatusForbidden:
		e.Operator = "The access mode of the application's token does not permit this: check what it is subscribed to."
	case http.StatusNotFound:
		explainNotFound(e, worst.Code())
	case http.StatusTooManyRequests:
		e.Operator = whoseLimit(worst.Diagnostics)
	}
	return e
}

// explainBadRequest tells a caller's fault from ours. The headers that every request has to have are always right, so that
// what Spine will not have in a search is one of the criteria; but the role in NHSD-Session-URID is the caller's.
func explainBadRequest(e *fault.Error, worst fhir.Issue, from string, search bool) {
	switch code := worst.Code(); {
	case code == "INVALID_RESOURCE_ID" && !search:
		e.Reason = pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID
	case code == "INVALID_SEARCH_DATA" && search,
		code == "INVALID_VALUE" && search && from == spineType,
		code == "MISSING_VALUE" && search && from == spineType && !names(worst, "X-Request-ID"):
		e.Reason = pb.ErrorReason_ERROR_REASON_SEARCH_INVALID
	case code == "INVALID_VALUE" && from == edgeType && names(worst, "NHSD-Session-URID"):
		e.Reason = pb.ErrorReason_ERROR_REASON_SESSION_ROLE_REFUSED
	case code == "MISSING_VALUE" && from == edgeType && !names(worst, "X-Request-ID"):
		e.Reason = pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED
		e.Operator = "The application has no ASID attached: have the platform attach one."
	}
}

// names says that an issue is about a header.
func names(i fhir.Issue, header string) bool {
	return strings.Contains(strings.ToLower(i.Diagnostics), strings.ToLower(header))
}

// explainNotFound believes PDS's codes alone: a wrong base URL answers 404 too, and that is no news of a patient.
func explainNotFound(e *fault.Error, code string) {
	switch code {
	case "RESOURCE_NOT_FOUND":
		e.Reason = pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND
	case "INVALIDATED_RESOURCE":
		e.Reason = pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED
	default:
		e.Reason = pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
		e.Operator = "PDS did not say that it knows no such patient: check that its URL is the FHIR base."
	}
}

// whoseLimit tells the three limits apart, which differ in nothing but their words (PDS contract, 12.2).
func whoseLimit(diagnostics string) string {
	switch {
	case strings.Contains(diagnostics, "has exceeded its quota"):
		return "The application's quota is used up."
	case strings.Contains(diagnostics, "has created a spike in traffic"):
		return "The application's requests came too close together."
	case strings.Contains(diagnostics, "high volume of requests"):
		return "The limit is the whole API's, with all who use it."
	}
	return ""
}
