package simulator

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

var uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// pds is the Personal Demographics Service: the platform's edge and Spine behind it, which differ in content type and
// style of error (PDS contract, 12). Its order of checks is that of 17.
//
// It reads, searches and tells related persons, in the access mode of the token. It takes no updates: those that the edge
// would let pass are an unsupported service.
type pds struct {
	world  *world
	tokens *tokenService
	quota  int
	spike  time.Duration

	mu    sync.Mutex
	calls map[*application][]time.Time // of the last minute
}

func newPDS(world *world, tokens *tokenService, quota int, spike time.Duration) *pds {
	return &pds{world: world, tokens: tokens, quota: quota, spike: spike, calls: map[*application][]time.Time{}}
}

func pdsFacts(*http.Request) facts { return facts{upstream: PDS} }

func (p *pds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, pdsBase)
	if !ok || path != "" && path[0] != '/' {
		noSuchProxy(w, r)
		return
	}
	switch path {
	case "/_ping":
		writeJSON(w, "application/json", http.StatusOK, map[string]string{
			"version": "simulated", "revision": "simulated", "releaseId": "simulated", "commitId": "simulated",
		})
		return
	case "/_status":
		p.status(w, r)
		return
	}
	echo(w, r)
	s, refused := p.edge(r, path)
	if refused == nil {
		refused = p.spine(w, r, path, s)
	}
	if refused != nil {
		refused.write(w)
	}
}

// status is the platform's own health page, which needs a key and no token.
func (p *pds) status(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Apikey") == "" {
		edgeError(http.StatusUnauthorized, "ACCESS_DENIED", "forbidden", "Access Denied - Unauthorised", "").write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]any{
		"status": "pass", "checks": map[string]any{"spine:status": []map[string]string{{"status": "pass"}}},
	})
}

// echo gives the caller's ids back, also on errors (PDS contract, 5).
func echo(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id"} {
		if values := r.Header.Values(name); len(values) > 0 {
			w.Header().Set(name, values[0])
		}
	}
}

// edge is everything that the platform checks before Spine hears of a request.
func (p *pds) edge(r *http.Request, path string) (*session, *pdsError) {
	s, refused := p.authorise(r)
	if refused != nil {
		return nil, refused
	}
	if refused := p.limit(s.app, time.Now()); refused != nil {
		return nil, refused
	}
	if s.app.nameless {
		return nil, edgeError(http.StatusBadRequest, "MISSING_VALUE", "value", "Required value is missing",
			"Missing value - 'ASID' of the application")
	}
	known := path == "/Patient" || strings.HasPrefix(path, "/Patient/") || path == "/Coverage" ||
		strings.HasPrefix(path, "/_poll/")
	if !known {
		return nil, edgeError(http.StatusBadRequest, "UNSUPPORTED_REQUEST", "value",
			"The request is not one that is supported.", "Unsupported path - '"+path+"'")
	}
	if ids := r.Header.Values("X-Request-Id"); len(ids) > 0 && !uuidText.MatchString(ids[0]) {
		return nil, invalidHeader("X-Request-ID", ids[0])
	}
	if refused := s.role(r.Header.Values("Nhsd-Session-Urid")); refused != nil {
		return nil, refused
	}
	if path == "/Coverage" && r.Method == http.MethodGet {
		return nil, edgeError(http.StatusForbidden, "ACCESS_DENIED", "forbidden",
			"Cannot GET resource with application-restricted access token", "")
	}
	if s.mode == healthcareWorker {
		return s, nil
	}
	return s, restrict(r)
}

// restrict is what the edge forbids an application without a user (PDS contract, 3).
func restrict(r *http.Request) *pdsError {
	switch r.Method {
	case http.MethodPatch:
		return edgeError(http.StatusForbidden, "INVALID_METHOD", "forbidden",
			"Cannot update resource with application-restricted access token", "")
	case http.MethodPost:
		return edgeError(http.StatusForbidden, "INVALID_METHOD", "forbidden",
			"Cannot create resource with application-restricted access token", "")
	}
	if slices.ContainsFunc(r.URL.Query()["_max-results"], func(most string) bool { return most != "1" }) {
		return edgeError(http.StatusForbidden, "INVALID_VALUE", "token",
			"Cannot retrieve more than one result with application-restricted access token", "")
	}
	return nil
}

// authorise checks the access token, with the edge's own wording (PDS contract, 12.2).
func (p *pds) authorise(r *http.Request) (*session, *pdsError) {
	denied := func(why string) *pdsError {
		return edgeError(http.StatusUnauthorized, "ACCESS_DENIED", "forbidden", "Access Denied - Unauthorised", why)
	}
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return nil, denied("Missing Authorization header")
	}
	kind, token, found := strings.Cut(values[0], " ")
	switch {
	case values[0] == "":
		return nil, denied("Empty Authorization header")
	case kind != "Bearer":
		return nil, denied("Invalid token type '" + kind + "', must be 'Bearer'")
	case !found || token == "":
		return nil, denied("Missing access token")
	}
	s, expired := p.tokens.redeem(token)
	switch {
	case expired:
		return nil, denied("Access Token expired")
	case s == nil:
		return nil, denied("Invalid Access Token")
	}
	return s, nil
}

// limit meters an application: so many a minute, and no two within the spike arrest's interval (PDS contract, 13).
func (p *pds) limit(app *application, now time.Time) *pdsError {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls[app]
	for len(calls) > 0 && now.Sub(calls[0]) >= time.Minute {
		calls = calls[1:]
	}
	switch {
	case p.quota > 0 && len(calls) >= p.quota:
		return edgeError(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "value", "Too many requests",
			fmt.Sprintf("Your application has exceeded its quota of %d requests every minute", p.quota))
	case p.spike > 0 && len(calls) > 0 && now.Sub(calls[len(calls)-1]) < p.spike:
		return edgeError(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "value", "Too many requests",
			"Your application has created a spike in traffic and is over its limit")
	}
	if p.quota > 0 || p.spike > 0 {
		p.calls[app] = append(calls, now)
	}
	return nil
}

// spine is what Spine makes of a request that the edge let pass.
func (p *pds) spine(w http.ResponseWriter, r *http.Request, path string, s *session) *pdsError {
	if len(r.Header.Values("X-Request-Id")) == 0 {
		return spineError(http.StatusBadRequest, "MISSING_VALUE", "required", "Required value is missing",
			"Invalid request with error - X-Request-ID header must be supplied to access this resource")
	}
	unsupported := spineError(http.StatusBadRequest, "UNSUPPORTED_SERVICE", "processing", "Unsupported Service", "")
	denied := spineError(http.StatusUnauthorized, "ACCESS_DENIED", "forbidden", "Access Denied - Unauthorised", "")
	if r.Method != http.MethodGet || strings.HasPrefix(path, "/_poll/") {
		return unsupported
	}
	if path == "/Patient" {
		values := r.URL.Query()
		if len(values) == 0 {
			return unsupported
		}
		q, refused := readPDSQuery(values, s.most())
		switch {
		case refused != nil:
			return refused
		case s.app.powerless:
			return denied
		}
		p.search(w, r, q)
		return nil
	}
	id, below, deeper := strings.Cut(strings.TrimPrefix(path, "/Patient/"), "/")
	if id == "" || deeper && below != "RelatedPerson" {
		return unsupported
	}
	number, err := nhs.ParseNumber(id)
	if err != nil {
		return spineError(http.StatusBadRequest, "INVALID_RESOURCE_ID", "value", "Resource Id is invalid", "")
	}
	if s.app.powerless {
		return denied
	}
	patient := p.world.patient(number)
	switch {
	case patient == nil:
		e := spineError(http.StatusNotFound, "RESOURCE_NOT_FOUND", "not-found", "Resource not found", "")
		e.severity = "information"
		return e
	case patient.invalidated():
		return spineError(http.StatusNotFound, "INVALIDATED_RESOURCE", "processing",
			"Resource that has been marked as invalid was requested - invalid resources cannot be retrieved", "")
	case deeper:
		p.relatedPersons(w, r, patient)
	default:
		read(w, patient.person)
	}
	return nil
}

// read answers with the patient (PDS contract, 6): the survivor, where the number asked for was superseded.
func read(w http.ResponseWriter, person *pdsPatient) {
	w.Header().Set("Content-Type", spineType)
	w.Header().Set("Etag", `W/"`+person.Meta.VersionID+`"`)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(person.raw)
}

// natural is what PDS says with a status that a fault asks for: the edge replaces every 5xx of Spine's.
func (p *pds) natural(w http.ResponseWriter, r *http.Request, status int) {
	echo(w, r)
	e := edgeError(status, "UNKNOWN_ERROR", "unknown", "Unknown Error",
		"An unknown error occurred processing this request (Message ID: "+messageID()+")")
	switch status {
	case http.StatusUnauthorized:
		e = edgeError(status, "ACCESS_DENIED", "forbidden", "Access Denied - Unauthorised", "Invalid Access Token")
	case http.StatusRequestTimeout:
		e = spineError(status, "UNABLE_TO_CALL_SERVICE", "timeout", "Unable to call service", "")
	case http.StatusTooManyRequests:
		e = edgeError(status, "TOO_MANY_REQUESTS", "value", "Too many requests",
			"This API is currently receiving a high volume of requests and is being rate limited.")
	case http.StatusServiceUnavailable:
		e = edgeError(status, "SERVICE_UNAVAILABLE", "timeout", "Service unavailable", "")
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "5")
		}
	}
	e.write(w)
}

const (
	edgeType  = "application/json"
	spineType = "application/fhir+json"
)

// pdsError is an OperationOutcome of PDS.
type pdsError struct {
	status                                      int
	contentType                                 string
	code, issue, severity, display, diagnostics string
}

func edgeError(status int, code, issue, display, diagnostics string) *pdsError {
	return &pdsError{status, edgeType, code, issue, "error", display, diagnostics}
}

func spineError(status int, code, issue, display, diagnostics string) *pdsError {
	return &pdsError{status, spineType, code, issue, "error", display, diagnostics}
}

// invalidHeader is the edge's word for a header that is no good.
func invalidHeader(name, value string) *pdsError {
	return edgeError(http.StatusBadRequest, "INVALID_VALUE", "value", "Provided value is invalid",
		"Invalid value - '"+value+"' in header '"+name+"'")
}

func (e *pdsError) write(w http.ResponseWriter) {
	issue := outcomeIssue{Severity: e.severity, Code: e.issue, Diagnostics: e.diagnostics, Details: &outcomeDetails{
		Coding: []outcomeCoding{{
			System: "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", Version: "1",
			Code: e.code, Display: e.display,
		}},
	}}
	writeJSON(w, e.contentType, e.status, outcome{ResourceType: "OperationOutcome", Issue: []outcomeIssue{issue}})
}

// noSuchProxy is how the API platform answers for a path that leads to no API.
func noSuchProxy(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, "application/json", http.StatusNotFound, map[string]any{"fault": map[string]any{
		"faultstring": "Unable to identify proxy for host: default and url: " + (&url.URL{Path: r.URL.Path}).String(),
		"detail":      map[string]string{"errorcode": "messaging.adaptors.http.flow.ApplicationNotFound"},
	}})
}
