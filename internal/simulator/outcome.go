package simulator

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
)

// outcome is a FHIR OperationOutcome, as much of it as any upstream writes.
type outcome struct {
	ResourceType string         `json:"resourceType"`
	ID           string         `json:"id,omitempty"`
	Issue        []outcomeIssue `json:"issue"`
}

type outcomeIssue struct {
	Severity    string          `json:"severity"`
	Code        string          `json:"code"`
	Details     *outcomeDetails `json:"details,omitempty"`
	Diagnostics string          `json:"diagnostics,omitempty"`
}

type outcomeDetails struct {
	Coding []outcomeCoding `json:"coding"`
}

type outcomeCoding struct {
	System  string `json:"system"`
	Version string `json:"version,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display"`
}

// writeJSON answers with a value, its length promised.
func writeJSON(w http.ResponseWriter, contentType string, status int, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic("unreachable: an answer of our own does not encode: " + err.Error())
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// writeXML answers with an OperationOutcome in FHIR XML.
func (o outcome) writeXML(w http.ResponseWriter, status int) {
	type value struct {
		Value string `xml:"value,attr"`
	}
	optional := func(s string) *value {
		if s == "" {
			return nil
		}
		return &value{s}
	}
	type coding struct {
		System  value  `xml:"system"`
		Version *value `xml:"version"`
		Code    value  `xml:"code"`
		Display value  `xml:"display"`
	}
	type issue struct {
		Severity    value    `xml:"severity"`
		Code        value    `xml:"code"`
		Coding      []coding `xml:"details>coding"`
		Diagnostics *value   `xml:"diagnostics"`
	}
	document := struct {
		XMLName xml.Name `xml:"http://hl7.org/fhir OperationOutcome"`
		ID      *value   `xml:"id"`
		Issue   []issue  `xml:"issue"`
	}{ID: optional(o.ID)}
	for _, i := range o.Issue {
		x := issue{Severity: value{i.Severity}, Code: value{i.Code}, Diagnostics: optional(i.Diagnostics)}
		if i.Details != nil {
			for _, c := range i.Details.Coding {
				x.Coding = append(x.Coding,
					coding{value{c.System}, optional(c.Version), value{c.Code}, value{c.Display}})
			}
		}
		document.Issue = append(document.Issue, x)
	}
	body, err := xml.Marshal(document)
	if err != nil {
		panic("unreachable: an answer of our own does not encode: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/fhir+xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header)
	_, _ = w.Write(body)
}
