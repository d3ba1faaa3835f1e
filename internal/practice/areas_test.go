package practice_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// resolve finds a resource by kind/id.
func resolve(resources []doc, reference string) doc {
	for _, r := range resources {
		if text(r["resourceType"])+"/"+text(r["id"]) == reference {
			return r
		}
	}
	return nil
}

// codeText is what a code says: its text or its first display.
func codeText(v any) string {
	concept := object(v)
	if t := text(concept["text"]); t != "" {
		return t
	}
	if codings := list(concept["coding"]); len(codings) > 0 {
		return text(codings[0]["display"])
	}
	return ""
}

// names are the codes of what a List names.
func names(r reply, listCode string) []string {
	var out []string
	for _, to := range listed(r.resources(), listCode) {
		res := resolve(r.resources(), to)
		code := res["code"]
		for _, instead := range []string{"type", "reasonCode"} {
			if code == nil {
				if found := list(res[instead]); len(found) > 0 {
					code = found[0]
				}
			}
		}
		if res["medicationReference"] != nil {
			code = resolve(r.resources(), text(object(res["medicationReference"])["reference"]))["code"]
		}
		for _, x := range list(res["extension"]) {
			if strings.HasSuffix(text(x["url"]), "VaccinationProcedure-1") {
				code = x["valueCodeableConcept"]
			}
		}
		out = append(out, codeText(code))
	}
	slices.Sort(out)
	return out
}

func TestFilters(t *testing.T) {
	c, _ := open(t, nil)
	const rich, plain, partial = "9990000115", "9990000018", "9990000344"
	recent := func(name string, days int) string {
		return part(name, "valuePeriod", period(`"start":`+date(-days)))
	}
	for _, tt := range []struct {
		name, patient, parameter, list string
		want                           []string
	}{
		{"inactive problems", rich, param("includeProblems", part("filterStatus", "valueCode", `"inactive"`)), "717711000000103", []string{
			"Chest trouble NOS (old system)", "Intolerance of anti-inflammatories", "Low mood after bereavement",
		}},
		{"immunisations given, and consent", rich, param("includeImmunisations"), "1102181000000102", []string{
			"Administration of first dose of severe acute respiratory syndrome coronavirus 2 vaccine",
			"Administration of influenza vaccine", "Administration of influenza vaccine", "Administration of influenza vaccine",
			"Administration of influenza vaccine", "Administration of influenza vaccine", "Administration of influenza vaccine",
			"Administration of influenza vaccine", "Administration of influenza vaccine", "Administration of pneumococcal vaccine",
			"Administration of second dose of severe acute respiratory syndrome coronavirus 2 vaccine",
			"Consent given for influenza vaccination",
		}},
		{"the last three consultations", rich, param("includeConsultations", part("includeNumberOfMostRecent", "valuePositiveInt", "3")), "1149501000000101", []string{
			"Asthma review", "Care planning", "Diabetic review",
		}},
		{"consultations of a month", rich, param("includeConsultations", recent("consultationSearchPeriod", 30)), "1149501000000101", []string{"Diabetic review"}},
		{"consultations on the first day of the period", plain, param("includeConsultations", recent("consultationSearchPeriod", 40)), "1149501000000101", []string{"GP Surgery"}},
		{"consultations after it", plain, param("includeConsultations", recent("consultationSearchPeriod", 39)), "1149501000000101", nil},
		{"investigations of ninety days", rich, param("includeInvestigations", recent("investigationSearchPeriod", 89)), "887191000000108", []string{
			"Diagnostic studies report", "Diagnostic studies report", "Diagnostic studies report",
		}},
		{"referrals of two years", rich, param("includeReferrals", recent("referralSearchPeriod", 730)), "792931000000107", []string{
			"Referral to physiotherapist", "Referral to severe asthma clinic",
		}},
		{"the diary until next month, overdue ones too", rich, param("includeDiaryEntries", part("diaryEntriesSearchDate", "valueDate", date(30))), "714311000000108", []string{
			"Bowel screening discussion", "Check of liver function",
		}},
		{"undated data in any period", partial, param("includeUncategorisedData", recent("uncategorisedDataSearchPeriod", 1)), "826501000000100", []string{"Ex-smoker"}},
		{"a partial date counts as its whole year", partial, param("includeReferrals", part("referralSearchPeriod", "valuePeriod",
			period(`"start":"`+yearsAgo(15, 12, 31)+`"`, `"end":"`+yearsAgo(15, 12, 31)+`"`))), "792931000000107", []string{"Referral to general medical service"}},
		{"a partial date is over after its year", partial, param("includeReferrals", part("referralSearchPeriod", "valuePeriod",
			period(`"start":"`+yearsAgo(14, 1, 1)+`"`))), "792931000000107", nil},
		{"medication in use since last month", rich, param("includeMedication", part("medicationSearchFromDate", "valueDate", date(-30))), "933361000000108", []string{
			"Aspirin 75mg tablets", "Atorvastatin 20mg tablets", "Glyceryl trinitrate 400micrograms/dose spray", "Metformin 1g modified-release tablets",
			"Omalizumab 150mg solution for injection", "Salbutamol 100micrograms/dose inhaler CFC free",
		}},
		{"an acute that ended on the day", plain, param("includeMedication", part("medicationSearchFromDate", "valueDate", date(-33))), "933361000000108", []string{
			"Amlodipine 5mg tablets", "Paracetamol 500mg tablets",
		}},
		{"an acute that ended before", plain, param("includeMedication", part("medicationSearchFromDate", "valueDate", date(-32))), "933361000000108", []string{"Amlodipine 5mg tablets"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := c.record(parametersFor(tt.patient, tt.parameter))
			if diff := cmp.Diff(tt.want, names(r, tt.list)); diff != "" {
				t.Errorf("the List (-want +got):\n%s", diff)
			}
		})
	}
}

func yearsAgo(years int, month time.Month, d int) string {
	now := time.Now().In(must(time.LoadLocation("Europe/London")))
	return time.Date(now.Year()-years, month, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func TestEndedAllergiesLiveInTheirListOnly(t *testing.T) {
	c, _ := open(t, nil)
	const ended = "1103671000000101"
	for _, tt := range []struct {
		name       string
		parameters []string
		want       int // entries of the List of ended allergies, -1 if it is not there
	}{
		{"asked for", []string{areas[0].parameter}, 2},
		{"not asked for", []string{param("includeAllergies", part("includeResolvedAllergies", "valueBoolean", "false"))}, -1},
		{"brought by a consultation", []string{areas[2].parameter}, 1},
		{"brought by a problem", []string{areas[3].parameter}, 1},
		{"no concern of medication", []string{areas[1].parameter}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := c.record(parametersFor("9990000115", tt.parameters...))
			for _, a := range ofType(r.resources(), "AllergyIntolerance") {
				if a["clinicalStatus"] != "active" {
					t.Error("an ended allergy is an entry of the Bundle")
				}
			}
			got := -1
			for _, l := range ofType(r.resources(), "List") {
				if text(list(object(l["code"])["coding"])[0]["code"]) != ended {
					continue
				}
				got = len(list(l["entry"]))
				for _, a := range list(l["contained"]) {
					if a["clinicalStatus"] != "resolved" {
						t.Error("an allergy in the List of ended ones is not resolved")
					}
				}
			}
			if got != tt.want {
				t.Errorf("%d entries, want %d", got, tt.want)
			}
		})
	}
}

func TestWarningsOnLists(t *testing.T) {
	c, _ := open(t, nil)
	withheld := c.record(parametersFor("9990000123", everything()...)).resources()
	for code, want := range map[string][]string{
		"933361000000108": {"confidential-items"}, "717711000000103": {"confidential-items"}, "826501000000100": {"confidential-items"},
		"consultations-medications-contained-in-consultations":        {"confidential-items"},
		"consultations-uncategorised-data-contained-in-consultations": {"confidential-items"},
		"886921000000105": nil, "1149501000000101": nil,
	} {
		if diff := cmp.Diff(want, warningsOn(withheld, code)); diff != "" {
			t.Errorf("withheld: List %s (-want +got):\n%s", code, diff)
		}
	}
	r := c.record(parametersFor("9990000123", everything()...))
	for _, leak := range []string{"Withheld", "withheld"} {
		if strings.Contains(string(r.raw), leak) {
			t.Errorf("the answer says %q", leak)
		}
	}

	moving := c.record(parametersFor("9990000131", everything()...)).resources()
	for _, a := range areas {
		want := []string{"data-in-transit"}
		if a.name == "includeInvestigations" {
			want = []string{"data-awaiting-filing", "data-in-transit"}
		}
		if diff := cmp.Diff(want, warningsOn(moving, a.list)); diff != "" {
			t.Errorf("in transit: %s (-want +got):\n%s", a.name, diff)
		}
	}
	note := ""
	for _, l := range ofType(moving, "List") {
		if text(list(object(l["code"])["coding"])[0]["code"]) == "887191000000108" {
			note = text(list(l["note"])[0]["text"])
		}
	}
	arrived := time.Now().In(must(time.LoadLocation("Europe/London"))).AddDate(0, 0, -12).Format("02-Jan-2006")
	want := "Patient record transfer from previous GP practice not yet complete; information recorded before " + arrived + " may be missing."
	if !strings.HasPrefix(note, want) {
		t.Errorf("note = %q, want it to begin %q", note, want)
	}
}

func TestEmptyListsSayWhy(t *testing.T) {
	c, _ := open(t, nil)
	lists := ofType(c.record(parametersFor("9990000158", everything()...)).resources(), "List")
	if len(lists) != len(areas)+1 { // and the ended allergies
		t.Errorf("%d Lists, want %d", len(lists), len(areas)+1)
	}
	for _, l := range lists {
		reason := list(object(l["emptyReason"])["coding"])
		if len(reason) != 1 || reason[0]["code"] != "no-content-recorded" || text(list(l["note"])[0]["text"]) != "Information not available" {
			t.Errorf("List %v: emptyReason %v, note %v", l["title"], l["emptyReason"], l["note"])
		}
	}
}

func TestMedicationHangsTogether(t *testing.T) {
	c, _ := open(t, nil)
	without := c.record(parametersFor("9990000115", param("includeMedication", part("includePrescriptionIssues", "valueBoolean", "false"))))
	for _, m := range ofType(without.resources(), "MedicationRequest") {
		if m["intent"] != "plan" {
			t.Fatal("an issue came although none was asked for")
		}
	}
	r := c.record(parametersFor("9990000115", param("includeMedication"))).resources()
	orders := 0
	for _, m := range ofType(r, "MedicationRequest") {
		if m["intent"] == "order" {
			orders++
			plan := resolve(r, text(list(m["basedOn"])[0]["reference"]))
			if plan["intent"] != "plan" {
				t.Error("an issue is not based on a plan")
			}
		}
		if prior := object(m["priorPrescription"])["reference"]; prior != nil && resolve(r, text(prior))["status"] != "stopped" {
			t.Error("the plan before a change of dose is not there or not stopped")
		}
	}
	if orders < 50 {
		t.Errorf("%d issues, want many", orders)
	}
	for _, s := range ofType(r, "MedicationStatement") {
		if resolve(r, text(list(s["basedOn"])[0]["reference"]))["intent"] != "plan" {
			t.Error("a statement is not based on a plan")
		}
	}
}

func TestLinkedProblemsComeInOneListOfTheirOwn(t *testing.T) {
	c, _ := open(t, nil)
	const linked = "problems-linked-problems-not-relating-to-the-primary-query"
	r := c.record(parametersFor("9990000115", param("includeReferrals")))
	want := []string{"Asthma", "Diabetes mellitus type 2", "Osteoarthritis of left knee", "Stable angina"}
	if diff := cmp.Diff(want, names(r, linked)); diff != "" {
		t.Errorf("linked problems (-want +got):\n%s", diff)
	}
	if got := listed(c.record(parametersFor("9990000115", param("includeReferrals"), param("includeProblems"))).resources(), linked); got != nil {
		t.Errorf("problems that were asked for are listed as linked: %v", got)
	}
}

func TestOddities(t *testing.T) {
	c, _ := open(t, nil)
	last := c.record(parametersFor("9990000182", areas[0].parameter)).resources()
	if last[len(last)-1]["resourceType"] != "Patient" {
		t.Error("the Patient is not the last entry")
	}
	wrong := ofType(c.record(parametersFor("9990000174", areas[0].parameter)).resources(), "Patient")[0]
	if got := text(list(wrong["identifier"])[0]["value"]); got == "9990000174" {
		t.Error("the wrong patient is the right one")
	}
	large := c.record(parametersFor("9990000360", everything()...))
	if n := len(large.resources()); n < 1000 || len(large.raw) < 2_500_000 || len(large.raw) > 4_000_000 {
		t.Errorf("large has %d entries in %d bytes", n, len(large.raw))
	}
	if n := len(c.record(parametersFor("9990000115", everything()...)).resources()); n < 300 {
		t.Errorf("rich has %d entries", n)
	}
	none := c.record(parametersFor("9990000344", areas[0].parameter)).resources()
	if code := object(ofType(none, "AllergyIntolerance")[0]["code"]); list(code["coding"])[0]["code"] != "716186003" {
		t.Errorf("no known allergies = %v", code)
	}
}

func TestOlderPracticeAnswersAtTheFoundationsRoot(t *testing.T) {
	c, _ := open(t, func(cfg *practice.Config) {
		cfg.Version = "1.2.7"
		cfg.Roots = practice.Roots{Foundations: foundation, Structured: foundation}
	})
	r := c.record(parametersFor("9990000115", everything()...))
	if r.status != http.StatusOK || len(warned(r)) != 7 {
		t.Errorf("status %d, warnings %v", r.status, warned(r))
	}
	for _, broken := range promises(r, 1|2) {
		t.Error(broken)
	}
	for _, kind := range []string{"Encounter", "Condition", "Observation", "Immunization"} {
		if n := len(ofType(r.resources(), kind)); n > 0 {
			t.Errorf("%d %s at a practice of 1.2", n, kind)
		}
	}
	documents := c.send(call{method: http.MethodGet, root: foundation, path: "metadata", interaction: nhs.ReadDocumentsMetadata, scope: "organization/*.read"})
	documents.refused(t, 501, "not-supported", "NOT_IMPLEMENTED")
}

func TestRawRecordIsServedByteForByte(t *testing.T) {
	const raw = `{ "resourceType" : "Bundle", "type":"collection" , "entry":[ ], "odd": 1.0 }`
	c, _ := open(t, func(cfg *practice.Config) { cfg.Patients[0].Record = []byte(raw) })
	if got := string(c.record(parametersFor("9990000018", areas[0].parameter)).raw); got != raw {
		t.Errorf("got %q", got)
	}
	c.record(parametersFor("9990000018", param("includeAllergies"))).refused(t, 422, "invalid", "INVALID_PARAMETER")
}
