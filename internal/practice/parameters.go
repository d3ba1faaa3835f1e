package practice

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/spinegate/spinegate/internal/nhs"
)

// selection is an accepted request for a structured record (gpconnect.md, 5).
type selection struct {
	number       nhs.Number
	areas        map[Area]bool
	unrecognised []string // parameters, and parts as parameter.part, in the order of the request

	resolved        bool
	issues          bool
	medicationsFrom time.Time
	recent          int // of consultations; 0 is all
	consultations   period
	problems        []problemFilter // any of them; none is all
	notGiven        bool
	consents        bool
	uncategorised   period
	investigations  period
	referrals       period
	diaryUntil      time.Time
}

// period has inclusive whole days; a zero bound is open.
type period struct{ start, end time.Time }

type problemFilter struct{ status, significance string }

// requestable are the areas in the order of the parameter table.
var requestable = [...]Area{
	Allergies, Medications, Consultations, Problems, Immunisations, Uncategorised, Investigations, Referrals, DiaryEntries,
}

// parameter is the area's name in a request and in warnings about it.
func (a Area) parameter() string {
	switch a {
	case Allergies:
		return "includeAllergies"
	case Medications:
		return "includeMedication"
	case Consultations:
		return "includeConsultations"
	case Problems:
		return "includeProblems"
	case Immunisations:
		return "includeImmunisations"
	case Uncategorised:
		return "includeUncategorisedData"
	case Investigations:
		return "includeInvestigations"
	case Referrals:
		return "includeReferrals"
	case DiaryEntries:
		return "includeDiaryEntries"
	case Documents:
		return "DocumentReferences"
	}
	return ""
}

// knows says whether the practice's system has the area at all: 1.2.x had two, and a supplier may never have built one.
func (s *System) knows(a Area) bool {
	if s.olderThan(1, 5, 0) && a != Allergies && a != Medications {
		return false
	}
	return !slices.Contains(s.cfg.UnsupportedAreas, a)
}

// parameter is one element of a Parameters resource, checked for structure alone.
type parameter struct {
	name   string
	kind   string // "valueBoolean" and so on; empty if there is no value
	value  jsontext.Value
	parts  []parameter
	nested bool // it is a part
}

// parseSelection checks a request body as it stands on the day of now. Every error is a refusal.
func (s *System) parseSelection(body []byte, now time.Time) (*selection, error) {
	var resource struct {
		ResourceType  string           `json:"resourceType"`
		ID            string           `json:"id"`
		Meta          jsontext.Value   `json:"meta"`
		ImplicitRules string           `json:"implicitRules"`
		Language      string           `json:"language"`
		Parameter     []jsontext.Value `json:"parameter"`
	}
	err := json.Unmarshal(body, &resource, json.RejectUnknownMembers(true))
	if err != nil || resource.ResourceType != "Parameters" {
		return nil, invalidResource("the body is not a Parameters resource")
	}
	parameters, err := parseParameters(resource.Parameter, false)
	if err != nil {
		return nil, err
	}
	if err := s.checkDuplicates(parameters); err != nil {
		return nil, err
	}
	sel := &selection{areas: map[Area]bool{}, issues: true, consents: true}
	if sel.number, err = patientNumber(parameters); err != nil {
		return nil, err
	}
	for i := range parameters {
		if err := s.readParameter(sel, &parameters[i], now); err != nil {
			return nil, err
		}
	}
	return sel, s.checkCombination(parameters, sel, now)
}

// parseParameters reads elements or, when nested, the parts of one.
func parseParameters(raw []jsontext.Value, nested bool) ([]parameter, error) {
	var out []parameter
	for _, r := range raw {
		var members map[string]jsontext.Value
		if err := json.Unmarshal(r, &members); err != nil || members == nil {
			return nil, invalidResource("a parameter is not an object")
		}
		p := parameter{nested: nested}
		if err := json.Unmarshal(members["name"], &p.name); err != nil || p.name == "" {
			return nil, invalidResource("a parameter has no name")
		}
		for name, value := range members {
			switch {
			case name == "name" || name == "id" || name == "extension":
			case name == "part" && !nested:
				var parts []jsontext.Value
				if err := json.Unmarshal(value, &parts); err != nil {
					return nil, invalidResource("the parts of a parameter are not an array")
				}
				var err error
				if p.parts, err = parseParameters(parts, true); err != nil {
					return nil, err
				}
			case strings.HasPrefix(name, "value") && p.kind == "":
				p.kind, p.value = name, value
			default:
				return nil, invalidResource("a parameter has an element that it cannot have")
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// checkDuplicates allows nothing twice but includeProblems before 1.6.2.
func (s *System) checkDuplicates(parameters []parameter) error {
	seen := map[string]bool{}
	for i := range parameters {
		p := &parameters[i]
		if seen[p.name] && (p.name != Problems.parameter() || !s.olderThan(1, 6, 2) || p.nested) {
			return invalidResource("a parameter or part is there twice")
		}
		seen[p.name] = true
		if err := s.checkDuplicates(p.parts); err != nil {
			return err
		}
	}
	return nil
}

func patientNumber(parameters []parameter) (nhs.Number, error) {
	at := slices.IndexFunc(parameters, func(p parameter) bool { return p.name == "patientNHSNumber" })
	if at < 0 {
		return nhs.Number{}, invalidParameter("patientNHSNumber is missing")
	}
	p := &parameters[at]
	var id fhirIdentifier
	err := json.Unmarshal(p.value, &id, json.RejectUnknownMembers(true))
	if p.kind != "valueIdentifier" || err != nil || len(p.parts) > 0 {
		return nhs.Number{}, invalidParameter("patientNHSNumber must have a valueIdentifier and nothing else")
	}
	if id.System != nhsNumberID || id.Value == "" {
		return nhs.Number{}, invalidParameter("patientNHSNumber must have the system of NHS numbers and a value")
	}
	number, err := nhs.ParseNumber(id.Value)
	if err != nil {
		return nhs.Number{}, invalidNHSNumber()
	}
	return number, nil
}

// readParameter puts one parameter into the selection. What is not known is remembered for a warning, not refused.
func (s *System) readParameter(sel *selection, p *parameter, now time.Time) error {
	if p.name == "patientNHSNumber" {
		return nil
	}
	at := slices.IndexFunc(requestable[:], func(a Area) bool { return a.parameter() == p.name })
	if at < 0 || !s.knows(requestable[at]) {
		sel.unrecognised = append(sel.unrecognised, p.name)
		return nil
	}
	area := requestable[at]
	if p.kind != "" {
		return invalidParameter(p.name + " has a value; it may only have parts")
	}
	sel.areas[area] = true
	filter := problemFilter{}
	for i := range p.parts {
		part := &p.parts[i]
		full := p.name + "." + part.name
		read, known := s.parts(area, sel, &filter, now)[part.name]
		if !known {
			sel.unrecognised = append(sel.unrecognised, full)
			continue
		}
		if !read(part) {
			return invalidParameter(full + " has no value, one of the wrong type, or one that is not allowed")
		}
	}
	switch {
	case area == Allergies && !p.has("includeResolvedAllergies"):
		return invalidParameter("includeAllergies.includeResolvedAllergies is missing")
	case area == Medications && s.olderThan(1, 2, 6) && !p.has("includePrescriptionIssues"):
		return invalidParameter("includeMedication.includePrescriptionIssues is missing")
	case area == Consultations && p.has("consultationSearchPeriod") && p.has("includeNumberOfMostRecent"):
		return invalidResource("consultationSearchPeriod and includeNumberOfMostRecent exclude each other")
	case area == Problems:
		sel.problems = append(sel.problems, filter)
	}
	return nil
}

func (p *parameter) has(part string) bool {
	return slices.ContainsFunc(p.parts, func(q parameter) bool { return q.name == part })
}

// parts are the parts that an area knows, each with how to read it.
func (s *System) parts(area Area, sel *selection, filter *problemFilter, now time.Time) map[string]func(*parameter) bool {
	today := midnightOf(now)
	past := func(day time.Time) bool { return !day.After(today) }
	within := func(into *period) func(*parameter) bool {
		return func(p *parameter) bool { return p.period(into, past, now.Location()) }
	}
	switch area {
	case Allergies:
		return map[string]func(*parameter) bool{
			"includeResolvedAllergies": func(p *parameter) bool { return p.boolean(&sel.resolved) },
		}
	case Medications:
		return map[string]func(*parameter) bool{
			"includePrescriptionIssues": func(p *parameter) bool { return p.boolean(&sel.issues) },
			"medicationSearchFromDate":  func(p *parameter) bool { return p.date(&sel.medicationsFrom, past, now.Location()) },
		}
	case Consultations:
		return map[string]func(*parameter) bool{
			"consultationSearchPeriod":  within(&sel.consultations),
			"includeNumberOfMostRecent": func(p *parameter) bool { return p.positive(&sel.recent) },
		}
	case Problems:
		known := map[string]func(*parameter) bool{
			"filterStatus": func(p *parameter) bool { return p.code(&filter.status, "active", "inactive") },
		}
		if s.olderThan(1, 6, 2) {
			known["filterSignificance"] = func(p *parameter) bool { return p.code(&filter.significance, "major", "minor") }
		}
		return known
	case Immunisations:
		return map[string]func(*parameter) bool{
			"includeNotGiven": func(p *parameter) bool { return p.boolean(&sel.notGiven) },
			"includeStatus":   func(p *parameter) bool { return p.boolean(&sel.consents) },
		}
	case Uncategorised:
		return map[string]func(*parameter) bool{"uncategorisedDataSearchPeriod": within(&sel.uncategorised)}
	case Investigations:
		return map[string]func(*parameter) bool{"investigationSearchPeriod": within(&sel.investigations)}
	case Referrals:
		return map[string]func(*parameter) bool{"referralSearchPeriod": within(&sel.referrals)}
	case DiaryEntries:
		ahead := func(day time.Time) bool { return !day.Before(today) }
		return map[string]func(*parameter) bool{
			"diaryEntriesSearchDate": func(p *parameter) bool { return p.date(&sel.diaryUntil, ahead, now.Location()) },
		}
	case Documents:
	}
	return nil
}

func (p *parameter) boolean(into *bool) bool {
	switch {
	case p.kind != "valueBoolean":
		return false
	case string(p.value) == "true":
		*into = true
	case string(p.value) == "false":
		*into = false
	default:
		return false
	}
	return true
}

var positiveGrammar = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

func (p *parameter) positive(into *int) bool {
	if p.kind != "valuePositiveInt" || !positiveGrammar.Match(p.value) {
		return false
	}
	n, err := strconv.Atoi(string(p.value))
	*into = n
	return err == nil
}

func (p *parameter) code(into *string, allowed ...string) bool {
	return p.kind == "valueCode" && json.Unmarshal(p.value, into) == nil && slices.Contains(allowed, *into)
}

func (p *parameter) date(into *time.Time, allowed func(time.Time) bool, zone *time.Location) bool {
	var text string
	return p.kind == "valueDate" && json.Unmarshal(p.value, &text) == nil && day(text, into, allowed, zone)
}

// day reads a whole date; anything partial or with a time is refused.
func day(text string, into *time.Time, allowed func(time.Time) bool, zone *time.Location) bool {
	if !wholeDate.MatchString(text) {
		return false
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	*into = t
	return err == nil && allowed(t)
}

func (p *parameter) period(into *period, allowed func(time.Time) bool, zone *time.Location) bool {
	var value struct {
		Start *string `json:"start"`
		End   *string `json:"end"`
	}
	if p.kind != "valuePeriod" || json.Unmarshal(p.value, &value, json.RejectUnknownMembers(true)) != nil {
		return false
	}
	if value.Start != nil && !day(*value.Start, &into.start, allowed, zone) {
		return false
	}
	if value.End != nil && !day(*value.End, &into.end, allowed, zone) {
		return false
	}
	return (value.Start != nil || value.End != nil) && (value.Start == nil || value.End == nil || !into.end.Before(into.start))
}
