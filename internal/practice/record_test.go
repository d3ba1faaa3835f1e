package practice_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// record asks for a structured record.
func (c *caller) record(body string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodPost, root: c.roots.Structured, path: "Patient/$gpc.getstructuredrecord",
		interaction: nhs.GetStructuredRecord, scope: "patient/*.read", body: body,
	})
}

// parametersFor is a request body: the patient and more parameters.
func parametersFor(number string, more ...string) string {
	all := append([]string{
		`{"name":"patientNHSNumber","valueIdentifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + number + `"}}`,
	}, more...)
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(all, ",") + `]}`
}

// area is what the tests know of a clinical area: its parameter as a request for everything in it, and its primary List.
type area struct{ name, parameter, list string }

var areas = []area{
	{"includeAllergies", `{"name":"includeAllergies","part":[{"name":"includeResolvedAllergies","valueBoolean":true}]}`, "886921000000105"},
	{"includeMedication", `{"name":"includeMedication","part":[{"name":"includePrescriptionIssues","valueBoolean":true}]}`, "933361000000108"},
	{"includeConsultations", `{"name":"includeConsultations"}`, "1149501000000101"},
	{"includeProblems", `{"name":"includeProblems"}`, "717711000000103"},
	{"includeImmunisations", `{"name":"includeImmunisations"}`, "1102181000000102"},
	{"includeUncategorisedData", `{"name":"includeUncategorisedData"}`, "826501000000100"},
	{"includeInvestigations", `{"name":"includeInvestigations"}`, "887191000000108"},
	{"includeReferrals", `{"name":"includeReferrals"}`, "792931000000107"},
	{"includeDiaryEntries", `{"name":"includeDiaryEntries"}`, "714311000000108"},
}

func everything() []string {
	var out []string
	for _, a := range areas {
		out = append(out, a.parameter)
	}
	return out
}

// selections are all areas, each alone and, for the stories with the most links, each beside consultations or problems,
// which bring the others along; as bits. A supplier's style only changes how things are written: all areas will do.
func selections(style practice.Style, story string) []int {
	all := []int{1<<len(areas) - 1}
	if style != "" {
		return all
	}
	for i := range areas {
		all = append(all, 1<<i)
		if story != "rich" && story != "confidential" {
			continue
		}
		for _, with := range []int{2, 3} {
			if i != with {
				all = append(all, 1<<i|1<<with)
			}
		}
	}
	return all
}

func TestEveryStoryAtEverySelectionKeepsThePromises(t *testing.T) {
	for _, style := range []practice.Style{practice.StyleSpecification, practice.StyleUpper, practice.StyleHex, practice.StyleNamed} {
		c, _ := open(t, func(cfg *practice.Config) { cfg.Style = style })
		for _, p := range people() {
			if p.State != "" || p.Dissents || p.Story == "fails" || (style != "" && p.Story == "large") {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", style, p.Story), func(t *testing.T) {
				for _, bits := range selections(style, p.Story) {
					var parameters []string
					for i, a := range areas {
						if bits&(1<<i) != 0 {
							parameters = append(parameters, a.parameter)
						}
					}
					r := c.record(parametersFor(p.NHSNumber.Digits(), parameters...))
					if r.status != http.StatusOK {
						t.Fatalf("areas %b: status %d", bits, r.status)
					}
					for _, broken := range promises(r, bits) {
						t.Errorf("areas %b: %s", bits, broken)
					}
				}
			})
		}
	}
}

var (
	idGrammar    = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	traceGrammar = regexp.MustCompile(`^[0-9a-f-]{36}$`)
)

// promises are what a structured record must keep whatever was asked (gpconnect.md, 6); it returns what is broken.
func promises(r reply, bits int) []string {
	var broken []string
	fail := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if r.body["type"] != "collection" || !traceGrammar.MatchString(text(r.body["id"])) || r.body["total"] != nil || r.body["link"] != nil {
		fail("the Bundle is not a collection with the trace id and without total and link")
	}
	walk(r.body, "Bundle", func(path string, v any) {
		switch v := v.(type) {
		case nil:
			fail("%s is null", path)
		case string:
			if v == "" {
				fail("%s is an empty string", path)
			}
		case []any:
			if len(v) == 0 {
				fail("%s is an empty array", path)
			}
		case doc:
			if len(v) == 0 {
				fail("%s is an empty object", path)
			}
			if _, there := v["fullUrl"]; there {
				fail("%s has a fullUrl", path)
			}
		}
	})
	resources := r.resources()
	there := map[string]bool{}
	for _, res := range resources {
		kind, id := text(res["resourceType"]), text(res["id"])
		if len(list(r.body["entry"])) == 0 || text0(object(res["meta"])["profile"]) == "" {
			fail("%s/%s has no profile", kind, id)
		}
		if object(res["meta"])["versionId"] != nil {
			fail("%s/%s has a version", kind, id)
		}
		if id == "" {
			if kind != "List" && kind != "OperationOutcome" {
				fail("a %s has no id", kind)
			}
			continue
		}
		if !idGrammar.MatchString(id) {
			fail("%q is no id", id)
		}
		if there[kind+"/"+id] {
			fail("%s/%s is there twice", kind, id)
		}
		there[kind+"/"+id] = true
	}
	if n := len(ofType(resources, "Patient")); n != 1 {
		fail("%d Patients", n)
	}
	if n := len(ofType(resources, "OperationOutcome")); n > 1 {
		fail("%d OperationOutcomes", n)
	}
	lists := map[string]int{}
	for _, l := range ofType(resources, "List") {
		code := text(list(object(l["code"])["coding"])[0]["code"])
		lists[code]++
		if (len(list(l["entry"])) == 0) == (l["emptyReason"] == nil) {
			fail("List %s has %d entries and emptyReason %v", code, len(list(l["entry"])), l["emptyReason"])
		}
		contained := map[string]bool{}
		for _, in := range list(l["contained"]) {
			contained["#"+text(in["id"])] = true
		}
		for _, e := range list(l["entry"]) {
			to := text(object(e["item"])["reference"])
			switch {
			case strings.HasPrefix(to, "#"):
				if !contained[to] {
					fail("List %s names %s, which it does not contain", code, to)
				}
			case to == "":
				if text(object(e["item"])["display"]) == "" {
					fail("List %s names nothing", code)
				}
			case !there[to]:
				fail("List %s names %s, which is not there", code, to)
			}
		}
	}
	for i, a := range areas {
		want := 0
		if bits&(1<<i) != 0 {
			want = 1
		}
		if lists[a.list] != want {
			fail("%d primary Lists of %s, want %d", lists[a.list], a.name, want)
		}
	}
	return broken
}

// text0 is the first of some texts.
func text0(v any) string {
	values, _ := v.([]any)
	if len(values) == 0 {
		return ""
	}
	return text(values[0])
}

// walk visits every value.
func walk(v any, path string, visit func(string, any)) {
	visit(path, v)
	switch v := v.(type) {
	case doc:
		for name, member := range v {
			walk(member, path+"."+name, visit)
		}
	case []any:
		for i, member := range v {
			walk(member, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	}
}

// listed are the resources that the List with this code names, as kind/id or as what it displays.
func listed(resources []doc, code string) []string {
	var out []string
	for _, l := range ofType(resources, "List") {
		if text(list(object(l["code"])["coding"])[0]["code"]) == code {
			for _, e := range list(l["entry"]) {
				item := object(e["item"])
				out = append(out, text(item["reference"])+text(item["display"]))
			}
		}
	}
	return out
}

// warningsOn are the warning codes of the List with this code.
func warningsOn(resources []doc, code string) []string {
	var out []string
	for _, l := range ofType(resources, "List") {
		if text(list(object(l["code"])["coding"])[0]["code"]) != code {
			continue
		}
		for _, x := range list(l["extension"]) {
			if strings.HasSuffix(text(x["url"]), "ListWarningCode-1") {
				out = append(out, text(x["valueCode"]))
			}
		}
	}
	slices.Sort(out)
	return out
}
