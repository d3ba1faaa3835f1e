package judge

import (
	"slices"
	"strings"
)

// areas are the parameters of a structured record, and the type of each of their parts (GP Connect contract, 5).
var areas = map[string]map[string]string{
	"includeAllergies":         {"includeResolvedAllergies": "valueBoolean"},
	"includeMedication":        {"includePrescriptionIssues": "valueBoolean", "medicationSearchFromDate": "valueDate"},
	"includeConsultations":     {"consultationSearchPeriod": "valuePeriod", "includeNumberOfMostRecent": "valuePositiveInt"},
	"includeProblems":          {"filterStatus": "valueCode", "filterSignificance": "valueCode"},
	"includeImmunisations":     {"includeNotGiven": "valueBoolean", "includeStatus": "valueBoolean"},
	"includeUncategorisedData": {"uncategorisedDataSearchPeriod": "valuePeriod"},
	"includeInvestigations":    {"investigationSearchPeriod": "valuePeriod"},
	"includeReferrals":         {"referralSearchPeriod": "valuePeriod"},
	"includeDiaryEntries":      {"diaryEntriesSearchDate": "valueDate"},
}

// apart are parts that may not stand beside consultations or problems, because linked items arrive unfiltered.
var apart = map[string][]string{
	"includeConsultations": {
		"medicationSearchFromDate", "uncategorisedDataSearchPeriod", "filterStatus", "filterSignificance", "referralSearchPeriod",
		"diaryEntriesSearchDate", "includeNotGiven", "includeStatus", "investigationSearchPeriod",
	},
	"includeProblems": {
		"medicationSearchFromDate", "uncategorisedDataSearchPeriod", "referralSearchPeriod", "diaryEntriesSearchDate", "includeNotGiven",
		"includeStatus", "investigationSearchPeriod",
	},
}

// recordRules are about the body that asks for a structured record.
var recordRules = []Rule{
	recordRule("GPC-RECORD-01", "The patient is named once, by `valueIdentifier` with the NHS Number's system and a correct number.", TEST,
		func(r *request) string {
			named := 0
			for _, p := range r.body.objects("parameter") {
				if p.text("name") == "patientNHSNumber" {
					named++
					if !p.within("name", "valueIdentifier") || !validNumber(p.object("valueIdentifier"), r.edition) {
						return "it is another"
					}
				}
			}
			return unless(named == 1, "it is missing or repeated")
		}),
	recordRule("GPC-RECORD-02", "Only the specification's parameters and parts are sent, each with its own type of value.", TEST, legal),
	recordRule("GPC-RECORD-03", "At least one area is asked for, and none twice but problems.", SPEC,
		func(r *request) string {
			seen := map[string]bool{}
			for name := range parts(r) {
				if seen[name] && name != "includeProblems" {
					return "one is asked for twice"
				}
				seen[name] = true
			}
			return unless(len(seen) > 0, "none is")
		}),
	recordRule("GPC-RECORD-04", "Whether ended allergies are included is always said.", TEST,
		func(r *request) string { return said(r, "includeAllergies", "includeResolvedAllergies") }),
	recordRule("GPC-RECORD-05", "Whether issues of medication are included is always said: sources differ about the default.", J,
		func(r *request) string { return said(r, "includeMedication", "includePrescriptionIssues") }),
	recordRule("GPC-RECORD-06", "Beside consultations or problems stands no filter that would hide what they are linked to.", TEST, together),
	recordRule("GPC-RECORD-07", "Dates are whole days, none in the future but that of the diary, which is not past; periods are not backwards.", TEST, days),
	recordRule("GPC-RECORD-08", "Consultations are chosen by a period or by number, not both.", TEST,
		func(r *request) string {
			for name, part := range parts(r) {
				if name == "includeConsultations" && part["consultationSearchPeriod"] != nil && part["includeNumberOfMostRecent"] != nil {
					return "they are by both"
				}
			}
			return ""
		}),
	callRule("GPC-MIGRATE-01", "Record transfer names one patient, says whether sensitive information is wanted, and has the conf token for that.",
		"GP Connect 8, SDS E4", TEST, transfer),
	callRule("GPC-HTML-01", "Access Record HTML is asked for one patient and one section that there is.", "GP Connect 11", TEST, section),
}

func recordRule(id, says string, by Enforcer, check func(*request) string) Rule {
	return callRule(id, says, "GP Connect 5", by, func(r *request, _ *past) string {
		if !r.is("fhir:operation:gpc.getstructuredrecord-1") {
			return ""
		}
		return check(r)
	})
}

// parts are the areas asked for, each with its parts by name.
func parts(r *request) func(yield func(string, map[string]object) bool) {
	return func(yield func(string, map[string]object) bool) {
		for _, p := range r.body.objects("parameter") {
			if areas[p.text("name")] == nil {
				continue
			}
			byName := map[string]object{}
			for _, part := range p.objects("part") {
				byName[part.text("name")] = part
			}
			if !yield(p.text("name"), byName) {
				return
			}
		}
	}
}

func legal(r *request) string {
	if !r.body.within("resourceType", "parameter") {
		return "the Parameters have another member"
	}
	for _, p := range r.body.objects("parameter") {
		name := p.text("name")
		if name == "patientNHSNumber" {
			continue
		}
		if areas[name] == nil || !p.within("name", "part") {
			return "there is another parameter, or one has a value"
		}
		seen := map[string]bool{}
		for _, part := range p.objects("part") {
			kind := areas[name][part.text("name")]
			if kind == "" || !part.has(kind) || !part.within("name", kind) || seen[part.text("name")] {
				return "a part is another, repeated, or has a value of another type"
			}
			seen[part.text("name")] = true
		}
	}
	return ""
}

func said(r *request, area, part string) string {
	for name, given := range parts(r) {
		if name != area {
			continue
		}
		if _, ok := given[part]["valueBoolean"].(bool); !ok {
			return "it is not"
		}
	}
	return ""
}

func together(r *request) string {
	asked, given := map[string]bool{}, map[string]bool{}
	for name, all := range parts(r) {
		asked[name] = true
		for part := range all {
			given[part] = true
		}
	}
	for area, forbidden := range apart {
		if asked[area] && slices.ContainsFunc(forbidden, func(part string) bool { return given[part] }) {
			return "one does"
		}
	}
	return ""
}

func days(r *request) string {
	for _, all := range parts(r) {
		for name, part := range all {
			if part.has("valueDate") {
				day := part.text("valueDate")
				past := day <= r.today()
				if diary := name == "diaryEntriesSearchDate"; !isDay(day) || !diary && !past || diary && day < r.today() {
					return "one is not a whole day, or lies on the wrong side of today"
				}
			}
			if !part.has("valuePeriod") {
				continue
			}
			start, end := part.object("valuePeriod").text("start"), part.object("valuePeriod").text("end")
			for _, day := range []string{start, end} {
				if day != "" && (!isDay(day) || day > r.today()) {
					return "an end of a period is not a whole day, or lies in the future"
				}
			}
			if start == "" && end == "" || start != "" && end != "" && end < start {
				return "a period is empty or backwards"
			}
		}
	}
	return ""
}

// transfer holds the body of record transfer against its token: conf/R asks for sensitive information, and conf/N does not.
func transfer(r *request, _ *past) string {
	if !r.is("fhir:operation:gpc.migratestructuredrecord-1") {
		return ""
	}
	parameters := r.body.objects("parameter")
	if len(parameters) != 2 || parameters[0].text("name") != "patientNHSNumber" || parameters[1].text("name") != "includeFullRecord" ||
		!validNumber(parameters[0].object("valueIdentifier"), r.edition) {
		return "a parameter is missing, repeated or another"
	}
	parts := parameters[1].objects("part")
	if len(parts) != 1 || parts[0].text("name") != "includeSensitiveInformation" {
		return "it does not say"
	}
	sensitive, ok := parts[0]["valueBoolean"].(bool)
	_, conf, _ := strings.Cut(r.audit.claims.text("requested_scope"), " ")
	return unless(ok && (conf == "" || sensitive == (conf == "conf/R")), "it says another thing than the token")
}

// section holds the request for a section in HTML against the table (GP Connect contract, 11).
func section(r *request, _ *past) string {
	if !r.is("fhir:operation:gpc.getcarerecord") {
		return ""
	}
	count := map[string]int{}
	for _, p := range r.body.objects("parameter") {
		name := p.text("name")
		count[name]++
		switch name {
		case "patientNHSNumber":
			if !validNumber(p.object("valueIdentifier"), r.edition) {
				return "the patient is not named by a correct number"
			}
		case "recordSection":
			codings := p.object("valueCodeableConcept").objects("coding")
			if len(codings) != 1 || codings[0].text("system") != "http://fhir.nhs.net/ValueSet/gpconnect-record-section-1" ||
				!slices.Contains(strings.Fields("SUM ENC CLI PRB ALL MED REF OBS IMM ADM"), codings[0].text("code")) {
				return "the section is none of the table"
			}
		case "timePeriod":
		default:
			return "there is another parameter"
		}
	}
	return unless(count["patientNHSNumber"] == 1 && count["recordSection"] == 1 && count["timePeriod"] <= 1, "one is missing or repeated")
}
