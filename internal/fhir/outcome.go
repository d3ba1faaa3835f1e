package fhir

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Outcome is what an upstream says of its own failure: an OperationOutcome of STU3 or R4, in JSON or XML, or the API
// gateway's raw fault. Its texts may hold personal data: they are for the audit trail alone.
type Outcome struct {
	// Profiles are those of meta.profile.
	Profiles []string
	// Issues are in the order received.
	Issues []Issue
	// Omitted says that there were more of them than are kept.
	Omitted bool
}

// Issue is one issue of an [Outcome]. Every member may be empty: deployed services leave out any of them.
type Issue struct {
	// Severity is fatal, error, warning or information, as received. It is no test of success (PDS contract, 12.1).
	Severity string
	// Type is issue.code, not always one that FHIR knows.
	Type string
	// Codings are those of issue.details.
	Codings []Coding
	// Text is issue.details.text and Diagnostics issue.diagnostics. Both may echo what was sent.
	Text, Diagnostics string
}

// Coding is one code of a concept.
type Coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display"`
}

// Bounds of an Outcome. The most that was ever seen are three issues, in less than a KiB.
const (
	maxIssues         = 32
	maxOutcomeText    = 1 << 20  // bytes that are decoded
	maxOutcomeObjects = 32 << 10 // objects in them: each takes much more memory than its text
)

// ReadOutcome makes the best of the body of a failed answer: JSON, XML, the raw fault of the API gateway, an OAuth error,
// or nothing that can be understood, which gives no Outcome. More than a MiB is not read at all.
func ReadOutcome(body []byte) (Outcome, bool) {
	if len(body) > maxOutcomeText || bytes.Count(body, []byte("{"))+bytes.Count(body, []byte("null")) > maxOutcomeObjects {
		return Outcome{}, false
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case bytes.HasPrefix(trimmed, []byte("{")):
		return readJSONOutcome(trimmed)
	case bytes.HasPrefix(trimmed, []byte("<")):
		return readXMLOutcome(trimmed)
	}
	return Outcome{}, false
}

// Code is the issue's first code as the contracts want it compared: upper case, with underscores for spaces
// (GP Connect contract, 12.1). It is empty where there is none.
func (i Issue) Code() string {
	for _, c := range i.Codings {
		if code := NormalCode(c.Code); code != "" {
			return code
		}
	}
	return ""
}

// NormalCode is a code in the form in which codes are compared.
func NormalCode(code string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(code), " ", "_"))
}

// Ranked are the issues with the most serious first, the first one among equals: it decides (GP Connect contract, 12.1).
func (o Outcome) Ranked() []Issue {
	return slices.SortedStableFunc(slices.Values(o.Issues), func(a, b Issue) int { return b.seriousness() - a.seriousness() })
}

// Worst is the first of Ranked, the zero Issue if there is none.
func (o Outcome) Worst() Issue {
	if len(o.Issues) == 0 {
		return Issue{}
	}
	return o.Ranked()[0]
}

func (i Issue) seriousness() int {
	return slices.Index([]string{"information", "warning", "error", "fatal"}, i.Severity)
}

// Narrative is all free text, for the audit trail.
func (o Outcome) Narrative() string {
	var texts []string
	for _, i := range o.Issues {
		for _, text := range []string{i.Text, i.Diagnostics} {
			if text != "" {
				texts = append(texts, text)
			}
		}
		for _, c := range i.Codings {
			if c.Display != "" && c.Display != i.Diagnostics {
				texts = append(texts, c.Display)
			}
		}
	}
	return strings.Join(texts, "\n")
}

// jsonOutcome has the shapes of an OperationOutcome and of the two errors that come in its place.
type jsonOutcome struct {
	ResourceType string `json:"resourceType"`
	Meta         struct {
		Profile []string `json:"profile"`
	} `json:"meta"`
	Issue []struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Details  struct {
			Coding []Coding `json:"coding"`
			Text   string   `json:"text"`
		} `json:"details"`
		Diagnostics string `json:"diagnostics"`
	} `json:"issue"`

	// The API gateway's raw fault (SDS contract, A10).
	Fault struct {
		Text   string `json:"faultstring"`
		Detail struct {
			Code string `json:"errorcode"`
		} `json:"detail"`
	} `json:"fault"`

	// An OAuth error (PDS contract, 4.1).
	Error       string `json:"error"`
	Description string `json:"error_description"`
	MessageID   string `json:"message_id"`
}

func readJSONOutcome(body []byte) (Outcome, bool) {
	var in jsonOutcome
	if err := json.Unmarshal(body, &in); err != nil {
		return Outcome{}, false
	}
	switch {
	case in.ResourceType == "OperationOutcome":
		out := Outcome{Profiles: in.Meta.Profile, Omitted: len(in.Issue) > maxIssues}
		for _, i := range in.Issue[:min(len(in.Issue), maxIssues)] {
			out.Issues = append(out.Issues, Issue{
				Severity: i.Severity, Type: i.Code, Codings: i.Details.Coding, Text: i.Details.Text, Diagnostics: i.Diagnostics,
			})
		}
		return out, true
	case in.Fault.Text != "" || in.Fault.Detail.Code != "":
		return Outcome{Issues: []Issue{{
			Severity: "error", Codings: []Coding{{Code: in.Fault.Detail.Code}}, Diagnostics: in.Fault.Text,
		}}}, true
	case in.Error != "":
		text := in.Description
		if in.MessageID != "" {
			text += " (message id " + in.MessageID + ")"
		}
		return Outcome{Issues: []Issue{{Severity: "error", Codings: []Coding{{Code: in.Error}}, Diagnostics: text}}}, true
	}
	return Outcome{}, false
}

// readXMLOutcome reads the few elements needed. Go's decoder resolves no entity, and a document type is refused, so that
// nothing can grow.
func readXMLOutcome(body []byte) (Outcome, bool) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var out Outcome
	var path []string
	for {
		token, err := decoder.Token()
		if err != nil {
			break // cut or malformed: what was read so far may do
		}
		switch token := token.(type) {
		case xml.Directive:
			return Outcome{}, false
		case xml.StartElement:
			path = append(path, token.Name.Local)
			if len(path) > MaxDepth || path[0] != "OperationOutcome" {
				return Outcome{}, false
			}
			out.element(strings.Join(path[1:], "/"), valueOf(token))
		case xml.EndElement:
			path = path[:len(path)-1]
		}
		if len(out.Issues) > maxIssues {
			out.Issues, out.Omitted = out.Issues[:maxIssues], true
			break
		}
	}
	return out, len(out.Issues) > 0
}

func valueOf(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "value" {
			return a.Value
		}
	}
	return ""
}

// element takes in one element of an OperationOutcome in XML, by its path below the root.
func (o *Outcome) element(path, value string) {
	switch path {
	case "meta/profile":
		o.Profiles = append(o.Profiles, value)
		return
	case "issue":
		o.Issues = append(o.Issues, Issue{})
		return
	}
	if len(o.Issues) == 0 {
		return
	}
	issue := &o.Issues[len(o.Issues)-1]
	if path == "issue/details/coding" {
		issue.Codings = append(issue.Codings, Coding{})
		return
	}
	last := &Coding{}
	if len(issue.Codings) > 0 {
		last = &issue.Codings[len(issue.Codings)-1]
	}
	if into := map[string]*string{
		"issue/severity":               &issue.Severity,
		"issue/code":                   &issue.Type,
		"issue/details/text":           &issue.Text,
		"issue/diagnostics":            &issue.Diagnostics,
		"issue/details/coding/system":  &last.System,
		"issue/details/coding/code":    &last.Code,
		"issue/details/coding/display": &last.Display,
	}[path]; into != nil {
		*into = value
	}
}
