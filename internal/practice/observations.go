package practice

import (
	"encoding/json"
	"fmt"
	"strings"
)

// observation writes uncategorised data (gpconnect.md, 7.6).
func (c *composer) observation(it *item, o *observation) object {
	measured := measure{Values: o.Values, Unit: o.Unit, Low: o.Low, High: o.High, Interpretation: o.Interpretation, Answer: o.Answer}
	var members []object
	for _, key := range o.Members {
		if m := c.rec.find(key, it.nth); m != nil && !m.Confidential {
			members = append(members, obj("type", "has-member", "target", reference(m.ref())))
		}
	}
	return c.clinicalResource("Observation", it.id, it, nil,
		"status", "final", "code", c.concept(&it.entry), "subject", c.subject(), "context", c.encounterOf(it),
		"effectiveDateTime", it.at.String(), "issued", c.issued(it), "performer", []object{c.author(it)}).
		with(measured.result(c, it.nth)...).
		with("comment", strings.TrimSpace(o.Comment+"\n"+it.Note), "related", members)
}

// issued is when the entry was made, which is known even where its clinical date is not.
func (c *composer) issued(it *item) string {
	if it.at.known {
		return it.at.dateTime()
	}
	return dateTime(midnightOf(c.now.AddDate(-1, 0, 0)))
}

// result is what was measured, as name and value pairs: a number, words, or two numbers that are a blood pressure.
func (m *measure) result(c *composer, nth int) []any {
	pairs := []any{"valueString", m.Answer}
	if len(m.Values) > 0 {
		value := m.Values[nth%len(m.Values)]
		systolic, diastolic, pressure := strings.Cut(value, "/")
		if pressure {
			return []any{"component", []object{
				component("72313002", "Systolic arterial pressure", systolic),
				component("1091811000000102", "Diastolic arterial pressure", diastolic),
			}}
		}
		pairs = []any{"valueQuantity", quantity(value, m.Unit)}
	}
	pairs = append(pairs, "interpretation", c.coded(m.Interpretation))
	if m.Low != "" || m.High != "" {
		limit := obj()
		if m.Low != "" {
			limit = limit.with("low", quantity(m.Low, m.Unit))
		}
		if m.High != "" {
			limit = limit.with("high", quantity(m.High, m.Unit))
		}
		pairs = append(pairs, "referenceRange", []object{limit})
	}
	return pairs
}

func (m *measure) comment(nth int) string {
	if len(m.Comments) == 0 {
		return ""
	}
	return m.Comments[nth%len(m.Comments)]
}

// quantity keeps the digits as they were written: 5.60 is not 5.6 to a laboratory.
func quantity(value, unit string) object {
	return obj("value", json.Number(value), "unit", unit)
}

func component(code, display, value string) object {
	return obj("code", concept(snomed, code, display), "valueQuantity",
		obj("value", json.Number(value), "unit", "mmHg", "system", "http://unitsofmeasure.org", "code", "mm[Hg]"))
}

// immunisation writes an Immunization, or the Observation that says whether the patient agreed (gpconnect.md, 7.5).
func (c *composer) immunisation(it *item, i *immunisation) object {
	if i.Consent {
		return c.clinicalResource("Observation", it.id, it, nil,
			"status", "final", "code", c.concept(&it.entry), "subject", c.subject(), "context", c.encounterOf(it),
			"effectiveDateTime", it.at.String(), "issued", c.issued(it), "performer", []object{c.author(it)}, "comment", it.Note)
	}
	vaccine := c.coded(i.Vaccine)
	if vaccine == nil {
		vaccine = concept("http://hl7.org/fhir/v3/NullFlavor", "UNK", "unknown")
	}
	var explanation, manufacturer, dose object
	if i.NotGiven != "" {
		explanation = obj("reasonNotGiven", []object{obj("text", i.NotGiven)})
	}
	if i.Manufacturer != "" {
		manufacturer = c.outside(i.Manufacturer)
	}
	if i.Dose != "" {
		dose = quantity(i.Dose, i.DoseUnit)
	}
	return c.clinicalResource("Immunization", it.id, it, []object{
		extension(hl7Profiles+"Extension-CareConnect-DateRecorded-1", "valueDateTime", c.issued(it)),
		extension(hl7Profiles+"Extension-CareConnect-VaccinationProcedure-1", "valueCodeableConcept", c.concept(&it.entry)),
	},
		"status", "completed", "notGiven", i.NotGiven != "", "vaccineCode", vaccine, "patient", c.subject(),
		"encounter", c.encounterOf(it), "date", it.at.String(), "primarySource", true, "manufacturer", manufacturer,
		"lotNumber", i.Batch, "expirationDate", i.Expires.at(c.now).String(), "site", c.coded(i.Site), "route", c.coded(i.Route),
		"doseQuantity", dose,
		"practitioner", []object{obj("role", concept("http://hl7.org/fhir/v2/0443", "AP", "Administering Provider"), "actor", c.author(it))},
		"note", notes(it.Note), "explanation", explanation)
}

// investigation writes a DiagnosticReport and all that hangs on it (gpconnect.md, 7.7). Comments are kept where they were
// made: on the report, on a group, on a result, and on filing.
func (c *composer) investigation(it *item, v *investigation) {
	part := func(kind, name string) string {
		return c.id(kind, c.patient.NHSNumber.Digits()+"/"+it.Key+"/"+kind+"/"+name)
	}
	laboratory := v.Laboratory
	if laboratory == "" {
		laboratory = "EXAMPLE GENERAL HOSPITAL LABORATORY"
	}
	by := c.outside(laboratory)
	var specimens, basedOn, results []object
	if v.Specimen.code != "" {
		specimens = []object{reference("Specimen/" + part("Specimen", ""))}
		c.add(c.specimen(it, v, part("Specimen", "")))
	}
	if v.Requested.code != "" {
		id := part("ProcedureRequest", "")
		basedOn = []object{reference("ProcedureRequest/" + id)}
		c.add(c.clinicalResource("ProcedureRequest", id, &item{}, nil, "status", "active", "intent", "order", "code", c.coded(v.Requested),
			"subject", c.subject(), "requester", obj("agent", c.author(it)), "performer", by))
	}
	observe := func(name string, code object, pairs ...any) object {
		id := part("Observation", name)
		c.add(c.clinicalResource("Observation", id, &item{}, nil,
			"status", "final", "code", code, "subject", c.subject(), "effectiveDateTime", it.at.String(), "issued", c.issued(it),
			"performer", []object{by}).with(pairs...))
		return reference("Observation/" + id)
	}
	measured := func(name string, m *measure) object {
		return observe(name, c.coded(m.Code), append(m.result(c, it.nth), "comment", m.comment(it.nth))...)
	}
	for g := range v.Groups {
		group := &v.Groups[g]
		var members []object
		for i := range group.Results {
			members = append(members, obj("type", "has-member", "target", measured(fmt.Sprintf("%d/%d", g, i), &group.Results[i])))
		}
		results = append(results, observe(fmt.Sprintf("group/%d", g), c.coded(group.Code), "comment", group.Comment, "related", members))
	}
	for i := range v.Results {
		results = append(results, measured(fmt.Sprintf("alone/%d", i), &v.Results[i]))
	}
	if v.Filed != "" {
		id := part("Observation", "filed")
		c.add(c.clinicalResource("Observation", id, &item{}, nil,
			"status", "unknown", "code", concept(snomed, "37331000000100", "Comment note"), "subject", c.subject(),
			"effectiveDateTime", it.at.String(), "issued", c.issued(it), "performer", []object{c.author(it)},
			"valueCodeableConcept", c.filedAs(v), "comment", v.Filed))
		results = append(results, reference("Observation/"+id))
	}
	c.add(c.clinicalResource("DiagnosticReport", it.id, it, nil,
		"basedOn", basedOn, "status", "final", "code", concept(snomed, "721981007", "Diagnostic studies report"),
		"category", obj("text", it.words()), "subject", c.subject(), "context", c.encounterOf(it), "issued", it.at.dateTime(),
		"performer", []object{obj("actor", by)}, "specimen", specimens, "result", results, "conclusion", v.Conclusion))
	c.documents(v.Documents)
}

func (c *composer) filedAs(v *investigation) object {
	if v.FiledAs == "" {
		return nil
	}
	return obj("text", v.FiledAs)
}

func (c *composer) specimen(it *item, v *investigation, id string) object {
	var extensions []object
	if v.Fasting != "" {
		extensions = []object{extension(hl7Profiles+"Extension-CareConnect-FastingStatus-1", "valueCodeableConcept", obj("text", v.Fasting))}
	}
	collected := v.Collected.earlier(it.nth * it.Repeat.EveryDays).at(c.now)
	if !v.Collected.set {
		collected = moment{}
	}
	return c.clinicalResource("Specimen", id, &item{}, extensions,
		"accessionIdentifier", identifier("https://laboratory.example/Id/accession", strings.ToUpper(id[:8])),
		"status", "available", "type", c.coded(v.Specimen), "subject", c.subject(), "receivedTime", c.issued(it),
		"collection", obj("collectedDateTime", collected.String()))
}
