package practice_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// day is a date relative to today in the practice's zone.
func day(offset int) string {
	return time.Now().In(must(time.LoadLocation("Europe/London"))).AddDate(0, 0, offset).Format(time.DateOnly)
}

func param(name string, parts ...string) string {
	if len(parts) == 0 {
		return `{"name":"` + name + `"}`
	}
	return `{"name":"` + name + `","part":[` + strings.Join(parts, ",") + `]}`
}

func part(name, kind, value string) string {
	return `{"name":"` + name + `","` + kind + `":` + value + `}`
}

func date(offset int) string { return `"` + day(offset) + `"` }

func period(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

func TestStructuredParameters(t *testing.T) {
	allergies := param("includeAllergies", part("includeResolvedAllergies", "valueBoolean", "false"))
	from := part("medicationSearchFromDate", "valueDate", date(-365))
	between := func(name string) string {
		return part(name, "valuePeriod", period(`"start":`+date(-90), `"end":`+date(0)))
	}
	future := func(name string) string { return part(name, "valuePeriod", period(`"end":`+date(2))) }
	year := part("medicationSearchFromDate", "valueDate",
		`"`+time.Now().In(must(time.LoadLocation("Europe/London"))).AddDate(-1, 0, 0).Format(time.DateOnly)+`"`)
	predefined := []string{
		param("includeAllergies", part("includeResolvedAllergies", "valueBoolean", "true")),
		param("includeMedication", year),
		param("includeConsultations", part("includeNumberOfMostRecent", "valuePositiveInt", "3")),
		param("includeProblems"),
	}
	const resource, parameter = "INVALID_RESOURCE", "INVALID_PARAMETER"
	for _, tt := range []struct {
		name       string
		version    string // 1.6.2 when empty
		parameters []string
		want       string // a code with 422, or empty for 200
	}{
		{"the number alone", "", nil, ""},
		{"everything", "", everything(), ""},
		{"bare medication", "", []string{param("includeMedication")}, ""},
		{"any order", "", []string{param("includeDiaryEntries"), allergies}, ""},

		{"allergies without their part", "", []string{param("includeAllergies")}, parameter},
		{"allergies with a text", "", []string{param("includeAllergies", part("includeResolvedAllergies", "valueBoolean", `"true"`))}, parameter},
		{"allergies with a string type", "", []string{param("includeAllergies", part("includeResolvedAllergies", "valueString", `"true"`))}, parameter},
		{"a part without a value", "", []string{param("includeMedication", `{"name":"includePrescriptionIssues"}`)}, parameter},
		{"an area with a value", "", []string{`{"name":"includeProblems","valueBoolean":true}`}, parameter},

		{"medication from a day", "", []string{param("includeMedication", from)}, ""},
		{"medication from today", "", []string{param("includeMedication", part("medicationSearchFromDate", "valueDate", date(0)))}, ""},
		{"medication from tomorrow", "", []string{param("includeMedication", part("medicationSearchFromDate", "valueDate", date(1)))}, parameter},
		{"medication from a month", "", []string{param("includeMedication", part("medicationSearchFromDate", "valueDate", `"2020-03"`))}, parameter},
		{"medication from a time", "", []string{param("includeMedication", part("medicationSearchFromDate", "valueDate", `"2020-03-01T00:00:00+00:00"`))}, parameter},
		{"medication from no day", "", []string{param("includeMedication", part("medicationSearchFromDate", "valueDate", `"2020-02-30"`))}, parameter},
		{"medication from an instant", "", []string{param("includeMedication", part("medicationSearchFromDate", "valueDateTime", date(-9)))}, parameter},
		{"issues are optional now", "1.2.7", []string{param("includeMedication")}, ""},
		{"issues were mandatory", "1.2.5", []string{param("includeMedication")}, parameter},

		{"consultations in a period", "", []string{param("includeConsultations", between("consultationSearchPeriod"))}, ""},
		{"consultations since", "", []string{param("includeConsultations", part("consultationSearchPeriod", "valuePeriod", period(`"start":`+date(-3))))}, ""},
		{"consultations of no period", "", []string{param("includeConsultations", part("consultationSearchPeriod", "valuePeriod", "{}"))}, parameter},
		{"consultations backwards", "", []string{param("includeConsultations", part("consultationSearchPeriod", "valuePeriod", period(`"start":`+date(-1), `"end":`+date(-2))))}, parameter},
		{"consultations of one day", "", []string{param("includeConsultations", part("consultationSearchPeriod", "valuePeriod", period(`"start":`+date(-1), `"end":`+date(-1))))}, ""},
		{"consultations to come", "", []string{param("includeConsultations", future("consultationSearchPeriod"))}, parameter},
		{"consultations of a year", "", []string{param("includeConsultations", part("consultationSearchPeriod", "valuePeriod", period(`"start":"2019"`)))}, parameter},
		{"the last three", "", []string{param("includeConsultations", part("includeNumberOfMostRecent", "valuePositiveInt", "3"))}, ""},
		{"the last none", "", []string{param("includeConsultations", part("includeNumberOfMostRecent", "valuePositiveInt", "0"))}, parameter},
		{"the last three as an integer", "", []string{param("includeConsultations", part("includeNumberOfMostRecent", "valueInteger", "3"))}, parameter},
		{"both consultation filters", "", []string{param("includeConsultations", between("consultationSearchPeriod"), part("includeNumberOfMostRecent", "valuePositiveInt", "3"))}, resource},

		{"active problems", "", []string{param("includeProblems", part("filterStatus", "valueCode", `"active"`))}, ""},
		{"problems of another status", "", []string{param("includeProblems", part("filterStatus", "valueCode", `"resolved"`))}, parameter},
		{"problems by status as text", "", []string{param("includeProblems", part("filterStatus", "valueString", `"active"`))}, parameter},
		{"problems twice", "", []string{param("includeProblems"), param("includeProblems")}, resource},
		{"problems twice before 1.6.2", "1.6.1", []string{
			param("includeProblems", part("filterStatus", "valueCode", `"active"`)), param("includeProblems", part("filterSignificance", "valueCode", `"major"`)),
		}, ""},
		{"bad significance before 1.6.2", "1.5.1", []string{param("includeProblems", part("filterSignificance", "valueCode", `"huge"`))}, parameter},

		{"immunisations with both filters", "", []string{param("includeImmunisations", part("includeNotGiven", "valueBoolean", "true"), part("includeStatus", "valueBoolean", "false"))}, ""},
		{"a number for a boolean", "", []string{param("includeImmunisations", part("includeNotGiven", "valueBoolean", "1"))}, parameter},
		{"uncategorised in a period", "", []string{param("includeUncategorisedData", between("uncategorisedDataSearchPeriod"))}, ""},
		{"uncategorised to come", "", []string{param("includeUncategorisedData", future("uncategorisedDataSearchPeriod"))}, parameter},
		{"investigations in a period", "", []string{param("includeInvestigations", between("investigationSearchPeriod"))}, ""},
		{"investigations beside consultations", "", []string{param("includeInvestigations", between("investigationSearchPeriod")), param("includeConsultations")}, ""},
		{"referrals in a period", "", []string{param("includeReferrals", between("referralSearchPeriod"))}, ""},
		{"diary until today", "", []string{param("includeDiaryEntries", part("diaryEntriesSearchDate", "valueDate", date(0)))}, ""},
		{"diary until yesterday", "", []string{param("includeDiaryEntries", part("diaryEntriesSearchDate", "valueDate", date(-1)))}, parameter},

		{"filtered medication beside problems", "", []string{param("includeMedication", from), param("includeProblems")}, parameter},
		{"filtered medication beside consultations", "", []string{param("includeMedication", from), param("includeConsultations")}, parameter},
		{"filtered problems beside consultations", "", []string{param("includeProblems", part("filterStatus", "valueCode", `"active"`)), param("includeConsultations")}, parameter},
		{"filtered uncategorised beside problems", "", []string{param("includeUncategorisedData", between("uncategorisedDataSearchPeriod")), param("includeProblems")}, parameter},
		{"filtered referrals beside problems", "", []string{param("includeReferrals", between("referralSearchPeriod")), param("includeProblems")}, parameter},
		{"filtered diary beside consultations", "", []string{param("includeDiaryEntries", part("diaryEntriesSearchDate", "valueDate", date(9))), param("includeConsultations")}, parameter},
		{"not given beside consultations", "", []string{param("includeImmunisations", part("includeNotGiven", "valueBoolean", "true")), param("includeConsultations")}, parameter},
		{"status beside problems", "", []string{param("includeImmunisations", part("includeStatus", "valueBoolean", "true")), param("includeProblems")}, parameter},

		{"the first predefined search", "", predefined, ""},
		{"the second predefined search", "", append(predefined[:4:4], param("includeImmunisations"), param("includeUncategorisedData")), ""},
		{"the predefined search before 1.6.2", "1.6.1", predefined, parameter},
		{"nearly the predefined search", "", append(predefined[:4:4], param("includeReferrals")), parameter},
		{"the predefined search of two years", "", append([]string{predefined[0], param("includeMedication", part("medicationSearchFromDate", "valueDate", date(-730)))}, predefined[2:]...), parameter},

		{"a parameter twice", "", []string{allergies, allergies}, resource},
		{"a part twice", "", []string{param("includeMedication", from, from)}, resource},
		{"an unknown parameter twice", "", []string{param("includeX"), param("includeX")}, resource},
		{"a parameter without a name", "", []string{`{"valueBoolean":true}`}, resource},
		{"a parameter with two values", "", []string{`{"name":"includeX","valueBoolean":true,"valueCode":"x"}`}, resource},
		{"a parameter with an odd element", "", []string{`{"name":"includeX","colour":"red"}`}, resource},
		{"a parameter that is a text", "", []string{`"includeX"`}, resource},
		{"parts that are no array", "", []string{`{"name":"includeMedication","part":{"name":"x"}}`}, resource},
		{"a name twice in an object", "", []string{`{"name":"includeX","name":"includeY"}`}, resource},
		{"an unknown parameter", "", []string{allergies, param("includeX", part("y", "valueString", `"z"`))}, ""},
		{"an unknown part", "", []string{param("includeMedication", part("y", "valueString", `"z"`))}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := open(t, func(cfg *practice.Config) {
				if tt.version != "" {
					cfg.Version = tt.version
				}
			})
			r := c.record(parametersFor("9990000018", tt.parameters...))
			if tt.want != "" {
				r.refused(t, 422, "invalid", tt.want)
				return
			}
			if r.status != http.StatusOK {
				t.Errorf("status = %d, want 200; %s", r.status, r.raw)
			}
		})
	}
}

func TestStructuredBody(t *testing.T) {
	c, _ := open(t, nil)
	number := func(value string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"patientNHSNumber",` + value + `},` + areas[1].parameter + `]}`
	}
	const system = `"system":"https://fhir.nhs.uk/Id/nhs-number"`
	for _, tt := range []struct {
		name, body  string
		status      int
		issue, code string
	}{
		{"nothing", "", 422, "invalid", "INVALID_RESOURCE"},
		{"not JSON", "<Parameters/>", 422, "invalid", "INVALID_RESOURCE"},
		{"cut", parametersFor("9990000018")[:60], 422, "invalid", "INVALID_RESOURCE"},
		{"another resource", `{"resourceType":"Bundle"}`, 422, "invalid", "INVALID_RESOURCE"},
		{"an element that Parameters has not", `{"resourceType":"Parameters","entry":[]}`, 422, "invalid", "INVALID_RESOURCE"},
		{"no parameters", `{"resourceType":"Parameters"}`, 422, "invalid", "INVALID_PARAMETER"},
		{"no number", `{"resourceType":"Parameters","parameter":[` + areas[1].parameter + `]}`, 422, "invalid", "INVALID_PARAMETER"},
		{"a number as text", number(`"valueString":"9990000018"`), 422, "invalid", "INVALID_PARAMETER"},
		{"a number without a system", number(`"valueIdentifier":{"value":"9990000018"}`), 422, "invalid", "INVALID_PARAMETER"},
		{"a number with a blank system", number(`"valueIdentifier":{"system":"","value":"9990000018"}`), 422, "invalid", "INVALID_PARAMETER"},
		{"a number of the old system", number(`"valueIdentifier":{"system":"http://fhir.nhs.net/Id/nhs-number","value":"9990000018"}`), 422, "invalid", "INVALID_PARAMETER"},
		{"no value", number(`"valueIdentifier":{` + system + `}`), 422, "invalid", "INVALID_PARAMETER"},
		{"a bad check digit", number(`"valueIdentifier":{` + system + `,"value":"9990000019"}`), 400, "value", "INVALID_NHS_NUMBER"},
		{"a number with spaces", number(`"valueIdentifier":{` + system + `,"value":"999 000 0018"}`), 400, "value", "INVALID_NHS_NUMBER"},
		{"a body that is too long", strings.Repeat(" ", 2<<20), 400, "invalid", "BAD_REQUEST"},
	} {
		t.Run(tt.name, func(t *testing.T) { c.record(tt.body).refused(t, tt.status, tt.issue, tt.code) })
	}
}

func TestPatientsWhoseRecordIsRefused(t *testing.T) {
	c, _ := open(t, nil)
	for name, number := range map[string]string{
		"unknown": "9990000379", "deceased": "9990000069", "inactive": "9990000077", "sensitive": "9990000204",
		"unverified": "9990000212", "superseded": "9990000034", "temporary": "9990000239",
	} {
		t.Run(name, func(t *testing.T) {
			c.record(parametersFor(number, everything()...)).refused(t, 404, "not-found", "PATIENT_NOT_FOUND")
		})
	}
	c.record(parametersFor("9990000166", everything()...)).refused(t, 403, "forbidden", "NO_PATIENT_CONSENT")
	c.record(parametersFor("9990000190", everything()...)).refused(t, 500, "processing", "INTERNAL_SERVER_ERROR")
}

// warned are the issues of the OperationOutcome inside a Bundle, as text and diagnostics.
func warned(r reply) map[string]string {
	out := map[string]string{}
	for _, o := range ofType(r.resources(), "OperationOutcome") {
		for _, i := range list(o["issue"]) {
			coding := list(object(i["details"])["coding"])[0]
			if i["severity"] == "warning" && i["code"] == "not-supported" && coding["code"] == "NOT_IMPLEMENTED" {
				out[text(i["diagnostics"])] = text(object(i["details"])["text"])
			}
		}
	}
	return out
}

func TestWarningsInsideTheBundle(t *testing.T) {
	rich := func(parameters ...string) string { return parametersFor("9990000115", parameters...) }
	for _, tt := range []struct {
		name   string
		change func(*practice.Config)
		body   string
		want   map[string]string
	}{
		{"nothing to warn of", nil, rich(everything()...), map[string]string{}},
		{"an unknown parameter, its parts not named", nil, rich(param("includeX", part("y", "valueString", `"z"`))), map[string]string{
			"includeX": "includeX is an unrecognised parameter",
		}},
		{"unknown parts", nil, rich(param("includeProblems", part("filterSignificance", "valueCode", `"major"`))), map[string]string{
			"includeProblems.filterSignificance": "includeProblems.filterSignificance is an unrecognised parameter",
		}},
		{"an old practice", func(cfg *practice.Config) { cfg.Version = "1.2.7" }, rich(areas[0].parameter, areas[2].parameter, areas[8].parameter), map[string]string{
			"includeConsultations": "includeConsultations is an unrecognised parameter",
			"includeDiaryEntries":  "includeDiaryEntries is an unrecognised parameter",
		}},
		{"an area switched off", func(cfg *practice.Config) { cfg.DisabledAreas = []practice.Area{practice.Referrals} }, rich(areas[7].parameter), map[string]string{
			"includeReferrals": "includeReferrals has been disabled",
		}},
		{
			"areas that links would have brought", func(cfg *practice.Config) {
				cfg.DisabledAreas = []practice.Area{practice.Referrals, practice.Documents}
			}, rich(areas[2].parameter), map[string]string{
				"includeReferrals": "includeReferrals has been disabled", "DocumentReferences": "DocumentReferences has been disabled",
			},
		},
		{"an area switched off that nothing links to", func(cfg *practice.Config) { cfg.DisabledAreas = []practice.Area{practice.Referrals} }, rich(areas[0].parameter), map[string]string{}},
		{"an area the system never had", func(cfg *practice.Config) { cfg.UnsupportedAreas = []practice.Area{practice.DiaryEntries} }, rich(everything()...), map[string]string{
			"includeDiaryEntries": "includeDiaryEntries is an unrecognised parameter",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := open(t, tt.change)
			r := c.record(tt.body)
			if r.status != http.StatusOK {
				t.Fatalf("status = %d; %s", r.status, r.raw)
			}
			if diff := cmp.Diff(tt.want, warned(r)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinksToAreasThatAreNotSent(t *testing.T) {
	c, _ := open(t, func(cfg *practice.Config) {
		cfg.DisabledAreas = []practice.Area{practice.Referrals}
		cfg.UnsupportedAreas = []practice.Area{practice.Documents}
	})
	r := c.record(parametersFor("9990000115", areas[2].parameter, areas[3].parameter))
	for _, broken := range promises(r, 1<<2|1<<3) {
		t.Error(broken)
	}
	if n := len(ofType(r.resources(), "ReferralRequest")) + len(ofType(r.resources(), "DocumentReference")); n != 0 {
		t.Errorf("%d resources of areas that are not sent", n)
	}
	displays := map[string]int{}
	walk(r.body, "", func(_ string, v any) {
		if d := object(v); d["display"] != nil && d["reference"] == nil && d["code"] == nil {
			displays[text(d["display"])]++
		}
	})
	for _, want := range []string{"Referral items have been disabled.", "Document items are not supported by the provider system."} {
		if displays[want] == 0 {
			t.Errorf("nothing displays %q, only %v", want, displays)
		}
	}
}

func FuzzStructuredParameters(f *testing.F) {
	f.Add(parametersFor("9990000018", everything()...))
	f.Add(parametersFor("9990000018", param("includeConsultations", part("consultationSearchPeriod", "valuePeriod", `{"start":"2020-01-01"}`))))
	f.Add(`{"resourceType":"Parameters","parameter":[null,{"name":1},{"name":"x","part":[[]]}]}`)
	f.Add(`{"resourceType":"Parameters","parameter":[{"name":"patientNHSNumber","valueIdentifier":null}]}`)
	system, err := practice.New(config())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		system.ServeHTTP(w, call{
			method: http.MethodPost, root: foundation + "/structured", path: "Patient/$gpc.getstructuredrecord",
			interaction: nhs.GetStructuredRecord, scope: "patient/*.read", body: body,
		}.request(t, "", ownASID))
		switch w.Code {
		case 200, 400, 403, 404, 422:
		case 500:
			if !strings.Contains(body, "9990000190") { // whose record cannot be built
				t.Errorf("500 for %q", body)
			}
		default:
			t.Errorf("%d for %q", w.Code, body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("an answer that is not JSON for %q", body)
		}
	})
}
