package simulator

import (
	"net/http"
	"strings"
)

// practiceHost is the listener behind which all practices are. It tells them apart by host, and by the longest root
// where systems share one.
type practiceHost struct{ practices []*practiceEntry }

func newPracticeHost(w *world) *practiceHost { return &practiceHost{practices: w.practices} }

func (h *practiceHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := h.find("https://" + r.Host + r.URL.Path); p != nil {
		p.system.ServeHTTP(w, r)
		return
	}
	http.Error(w, "no system of a practice is here", http.StatusNotFound)
}

func (h *practiceHost) find(url string) *practiceEntry {
	var found *practiceEntry
	longest := 0
	for _, p := range h.practices {
		for _, root := range []string{p.Roots.Foundations, p.Roots.Structured, p.Roots.Documents} {
			if p.system != nil && root != "" && len(root) > longest && below(root, url) {
				found, longest = p, len(root)
			}
		}
	}
	return found
}

// natural is what a practice says with a status that a fault asks for (SDS contract, C7).
func (h *practiceHost) natural(w http.ResponseWriter, r *http.Request, status int) {
	code, issue := "INTERNAL_SERVER_ERROR", "processing"
	switch status {
	case http.StatusBadRequest:
		code, issue = "BAD_REQUEST", "invalid"
	case http.StatusForbidden:
		code, issue = "ACCESS_DENIED", "forbidden"
	case http.StatusNotFound:
		code, issue = "PATIENT_NOT_FOUND", "not-found"
	case http.StatusConflict:
		code, issue = "DUPLICATE_REJECTED", "duplicate"
	case http.StatusUnprocessableEntity:
		code, issue = "INVALID_RESOURCE", "invalid"
	case http.StatusNotImplemented:
		code, issue = "NOT_IMPLEMENTED", "not-supported"
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, "application/fhir+json;charset=utf-8", status, map[string]any{
		"resourceType": "OperationOutcome",
		"meta": map[string]any{
			"profile": []string{"https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-OperationOutcome-1"},
		},
		"issue": []any{map[string]any{
			"severity": "error", "code": issue, "diagnostics": "a fault was set: " + r.Method,
			"details": map[string]any{"coding": []any{map[string]string{
				"system":  "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1",
				"code":    code,
				"display": strings.ToLower(strings.ReplaceAll(code, "_", " ")),
			}}},
		}},
	})
}
