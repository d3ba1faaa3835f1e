package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Identifier systems and extensions of SDS (SDS contract, 0).
const (
	systemODS             = "https://fhir.nhs.uk/Id/ods-organization-code"
	systemInteraction     = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
	systemPartyKey        = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"
	systemASID            = "https://fhir.nhs.uk/Id/nhsSpineASID"
	systemFQDN            = "https://fhir.nhs.uk/Id/nhsMhsFQDN"
	systemCPAID           = "https://fhir.nhs.uk/Id/nhsMhsCPAId"
	systemMHSID           = "https://fhir.nhs.uk/Id/nhsMHSId"
	extensionInteraction  = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-NhsServiceInteractionId"
	extensionManufacturer = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-ManufacturingOrganisation"
)

// sdsInternal is the host that SDS believes it has: its links lead there and cannot be followed (SDS contract, A4).
const sdsInternal = "http://sds-internal.spine.example"

// sds is the Spine Directory Service behind the API platform: SDS contract, part A. It answers as integration and live
// do, but for the platform's cache, which would only make one's own answers old.
type sds struct{ directory *directory }

func newSDS(d *directory) *sds { return &sds{directory: d} }

func (s *sds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, sdsBase)
	if !ok || path != "" && path[0] != '/' {
		noSuchProxy(w, r)
		return
	}
	if path == "/_ping" {
		writeJSON(w, "application/json", http.StatusOK, map[string]string{"version": "simulated"})
		return
	}
	if r.Header.Get("Apikey") != directoryKey {
		catchAll(w, http.StatusUnauthorized)
		return
	}
	correlation, valid := correlationID(r)
	w.Header().Set("X-Correlation-Id", correlation)
	if !valid {
		badRequest("Invalid X-Correlation-ID header. Should be an UUIDv4 matching regex '"+uuidText.String()+"'").
			write(w, correlation)
		return
	}
	entries, accepted, refused := s.look(r, path)
	if refused != nil {
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodGet)
		}
		refused.write(w, correlation)
		return
	}
	writeJSON(w, accepted, http.StatusOK, searchset(r, path, entries))
}

// look goes through the checks in the order of the SDS contract, A3.7, and searches.
func (s *sds) look(r *http.Request, path string) (entries []map[string]any, accepted string, refused *sdsError) {
	if path != "/Endpoint" && path != "/Device" {
		return nil, "", &sdsError{
			http.StatusNotFound, "not-found", "NO_RECORD_FOUND", "No record found", "HTTP endpoint not found",
		}
	}
	if r.Method != http.MethodGet {
		return nil, "", &sdsError{
			http.StatusMethodNotAllowed, "not-supported", "NOT_IMPLEMENTED", "Not implemented", "HTTP operation not supported",
		}
	}
	query, refused := readQuery(r.URL.RawQuery, path)
	if refused != nil {
		return nil, "", refused
	}
	if refused := query.combination(path); refused != nil {
		return nil, "", refused
	}
	accepted = acceptable(r.Header.Values("Accept"))
	if accepted == "" {
		return nil, "", &sdsError{
			http.StatusNotAcceptable, "not-supported", "MISSING_OR_INVALID_HEADER",
			"There is a required header missing or invalid", "Accept type not supported",
		}
	}
	matches, err := s.search(path, query)
	if err != nil {
		return nil, "", &sdsError{status: http.StatusInternalServerError} // the gateway says nothing more than that
	}
	if broken(r.Context()) {
		matches = nil
	}
	entries = []map[string]any{}
	for _, m := range matches {
		if path == "/Endpoint" {
			entries = append(entries, endpoint(m))
		} else {
			entries = append(entries, device(m))
		}
	}
	return entries, accepted, nil
}

// sdsQuery is a question to SDS; an empty member is absent.
type sdsQuery struct{ organization, interaction, partyKey, manufacturer string }

// readQuery checks names and prefixes. The last usable value of a system wins (SDS contract, A3.1 to A3.5).
func readQuery(raw, path string) (sdsQuery, *sdsError) {
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			return sdsQuery{}, badRequest("Illegal query parameter '" + name + "'")
		}
		pairs = append(pairs, pair{name, strings.TrimSpace(value)})
	}
	for _, p := range pairs {
		known := p.name == "organization" || p.name == "identifier" ||
			p.name == "manufacturing-organization" && path == "/Device"
		if !known {
			return sdsQuery{}, badRequest("Illegal query parameter '" + p.name + "'")
		}
	}
	var q sdsQuery
	keep := func(into *string, value string) {
		if value != "" {
			*into = value
		}
	}
	for _, p := range pairs {
		system, value, ok := strings.Cut(p.value, "|")
		switch {
		case ok && p.name == "organization" && system == systemODS:
			keep(&q.organization, value)
		case ok && p.name == "manufacturing-organization" && system == systemODS:
			keep(&q.manufacturer, value)
		case ok && p.name == "identifier" && system == systemInteraction:
			keep(&q.interaction, value)
		case ok && p.name == "identifier" && system == systemPartyKey:
			keep(&q.partyKey, value)
		case p.name == "identifier":
			return sdsQuery{}, badRequest("Missing or invalid 'identifier' query parameter. Should be one or both of: [" +
				"'identifier=" + systemInteraction + "|value', 'identifier=" + systemPartyKey + "|value'")
		default:
			return sdsQuery{}, missing(p.name, systemODS)
		}
	}
	return q, nil
}

// combination checks that enough was asked (SDS contract, A3).
func (q sdsQuery) combination(path string) *sdsError {
	if path == "/Device" {
		switch {
		case q.organization == "":
			return missing("organization", systemODS)
		case q.interaction == "":
			return missing("identifier", systemInteraction)
		}
		return nil
	}
	given := 0
	for _, v := range []string{q.organization, q.interaction, q.partyKey} {
		if v != "" {
			given++
		}
	}
	if given >= 2 {
		return nil
	}
	const (
		organization = "organization=" + systemODS + "|value"
		interaction  = "identifier=" + systemInteraction + "|value"
		partyKey     = "identifier=" + systemPartyKey + "|value"
	)
	// The missing commas are the service's own.
	return badRequest("Missing or invalid query parameters. Should one of following combinations: [" +
		"'" + organization + "&" + interaction + "&" + partyKey + "'" +
		"'" + organization + "&" + interaction + "'" +
		"'" + organization + "&" + partyKey + "'" +
		"'" + interaction + "&" + partyKey + "']")
}

// search builds the directory filter with the values as they came, which is what makes "*" a wildcard and lets
// parentheses change the question, and runs it (SDS contract, A3.6).
func (s *sds) search(path string, q sdsQuery) ([]attributes, error) {
	entries, class := s.directory.servers, "nhsMhs"
	names := [...]string{"nhsIDCode", "nhsMhsSvcIA", "nhsMHSPartyKey", "nhsMhsManufacturerOrg"}
	if path == "/Device" {
		entries, class = s.directory.systems, "nhsAs"
		names = [...]string{"nhsAsClient", "nhsAsSvcIA", "nhsMHSPartyKey", "nhsMhsManufacturerOrg"}
	}
	var text strings.Builder
	text.WriteString("(&(objectClass=" + class + ")")
	for i, value := range []string{q.organization, q.interaction, q.partyKey, q.manufacturer} {
		if value != "" {
			text.WriteString("(" + names[i] + "=" + value + ")")
		}
	}
	matches, err := parseFilter(text.String() + ")")
	if err != nil {
		return nil, err
	}
	var found []attributes
	for _, e := range entries {
		if matches(e) {
			found = append(found, e)
		}
	}
	return found, nil
}

// acceptable compares every listed media type whole, as the service does: a parameter makes it another type (SDS
// contract, A2). It returns what to answer with, or nothing.
func acceptable(values []string) string {
	if len(values) == 0 {
		return spineType
	}
	var types []string
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		types = append(types, strings.ToLower(strings.TrimSpace(part)))
	}
	switch {
	case slices.Contains(types, "*/*"), slices.Contains(types, spineType):
		return spineType
	case slices.Contains(types, "application/json"):
		return "application/json"
	}
	return ""
}

// correlationID is the caller's, or one of our own where there is none or no good one.
func correlationID(r *http.Request) (id string, valid bool) {
	values := r.Header.Values("X-Correlation-Id")
	if len(values) == 0 {
		return randomID(), true
	}
	if !uuidText.MatchString(values[0]) {
		return randomID(), false
	}
	return values[0], true
}

// randomID is an upper-case UUID, new for every answer (SDS contract, A4).
func randomID() string { return strings.ToUpper(uuid.NewString()) }

// sdsError is an OperationOutcome of SDS (SDS contract, A10).
type sdsError struct {
	status                            int
	issue, code, display, diagnostics string
}

func badRequest(reason string) *sdsError {
	return &sdsError{
		http.StatusBadRequest, "required", "BAD_REQUEST", "Bad request", "HTTP 400: Bad Request (" + reason + ")",
	}
}

func missing(name, system string) *sdsError {
	return badRequest("Missing or invalid '" + name + "' query parameter. Should be '" + name + "=" + system + "|value'")
}

// write answers with the error. What the service says with a 5xx is replaced by the gateway.
func (e *sdsError) write(w http.ResponseWriter, correlation string) {
	if e.status >= http.StatusInternalServerError {
		catchAll(w, e.status)
		return
	}
	writeJSON(w, spineType, e.status, outcome{ResourceType: "OperationOutcome", ID: correlation, Issue: []outcomeIssue{{
		Severity: "error", Code: e.issue, Diagnostics: e.diagnostics, Details: &outcomeDetails{Coding: []outcomeCoding{{
			System: "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1", Code: e.code, Display: e.display,
		}}},
	}}})
}

// catchAll is the body that the gateway puts in place of any fault of its own and of every 5xx: only the status tells
// them apart (SDS contract, A10).
func catchAll(w http.ResponseWriter, status int) {
	writeJSON(w, "application/json", status, outcome{ResourceType: "OperationOutcome", Issue: []outcomeIssue{{
		Severity: "error", Code: "unknown", Details: &outcomeDetails{Coding: []outcomeCoding{{
			System: "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", Version: "1", Code: "UNKNOWN_ERROR",
			Display: "An unknown error occurred processing this request. (Message ID: " + messageID() + ")",
		}}},
	}}})
}

// natural is what SDS says with a status that a fault asks for.
func (s *sds) natural(w http.ResponseWriter, _ *http.Request, status int) { catchAll(w, status) }
