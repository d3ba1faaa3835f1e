package practice_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

const numberSystem = "https://fhir.nhs.uk/Id/nhs-number"

// get reads at the Foundations root.
func (c *caller) get(interaction nhs.Interaction, scope, path string) reply {
	c.tb.Helper()
	return c.send(call{method: http.MethodGet, root: foundation, path: path, interaction: interaction, scope: scope})
}

func identifierQuery(system, value string) string {
	return "?identifier=" + url.QueryEscape(system+"|"+value)
}

func TestFindPatient(t *testing.T) {
	c, _ := open(t, nil)
	for _, tt := range []struct {
		name, query string
		found       int
		status      int
		issue, code string
	}{
		{"known", identifierQuery(numberSystem, "9990000018"), 1, 200, "", ""},
		{"temporary", identifierQuery(numberSystem, "9990000239"), 1, 200, "", ""},
		{"dissenting", identifierQuery(numberSystem, "9990000166"), 1, 200, "", ""},
		{"with paging", identifierQuery(numberSystem, "9990000018") + "&_count=1&_sort=name", 1, 200, "", ""},
		{"unknown", identifierQuery(numberSystem, "9990000379"), 0, 200, "", ""},
		{"deceased", identifierQuery(numberSystem, "9990000069"), 0, 200, "", ""},
		{"left", identifierQuery(numberSystem, "9990000077"), 0, 200, "", ""},
		{"sensitive", identifierQuery(numberSystem, "9990000204"), 0, 200, "", ""},
		{"superseded", identifierQuery(numberSystem, "9990000034"), 0, 200, "", ""},
		{"nothing", "", 0, 400, "invalid", "BAD_REQUEST"},
		{"another case", strings.Replace(identifierQuery(numberSystem, "9990000018"), "i", "I", 1), 0, 400, "invalid", "BAD_REQUEST"},
		{"twice", identifierQuery(numberSystem, "9990000018") + "&identifier=x%7Cy", 0, 400, "invalid", "BAD_REQUEST"},
		{"no system", "?identifier=9990000018", 0, 422, "invalid", "INVALID_PARAMETER"},
		{"a blank system", identifierQuery("", "9990000018"), 0, 422, "invalid", "INVALID_PARAMETER"},
		{"a blank value", identifierQuery(numberSystem, ""), 0, 422, "invalid", "INVALID_PARAMETER"},
		{"the old system", identifierQuery("http://fhir.nhs.net/Id/nhs-number", "9990000018"), 0, 422, "invalid", "INVALID_PARAMETER"},
		{"a bad check digit", identifierQuery(numberSystem, "9990000019"), 0, 400, "value", "INVALID_NHS_NUMBER"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := c.get(nhs.SearchPatient, "patient/*.read", "Patient"+tt.query)
			if tt.status != 200 {
				r.refused(t, tt.status, tt.issue, tt.code)
				return
			}
			if r.status != 200 || r.body["type"] != "searchset" || len(r.resources()) != tt.found {
				t.Errorf("status %d, %d found, want %d; %s", r.status, len(r.resources()), tt.found, r.raw)
			}
		})
	}
}

func TestReads(t *testing.T) {
	c, _ := open(t, nil)
	patient := c.patient("9990000018")
	r := c.get(nhs.ReadPatient, "patient/*.read", "Patient/"+patient)
	if r.status != 200 || r.header.Get("ETag") != `W/"1"` || text(list(r.body["identifier"])[0]["value"]) != "9990000018" {
		t.Fatalf("status %d, ETag %q; %s", r.status, r.header.Get("ETag"), r.raw)
	}
	practitioner := text(list(r.body["generalPractitioner"])[0]["reference"])
	organisation := text(object(r.body["managingOrganization"])["reference"])
	location := text(list(ofType(c.slots(slotQuery(1, 1).Encode()).resources(), "Schedule")[0]["actor"])[0]["reference"])
	const practices = "organization/*.read"
	for _, tt := range []struct {
		interaction      nhs.Interaction
		scope, there     string
		missing, display string
	}{
		{nhs.ReadPractitioner, practices, practitioner, "Practitioner/x", "PRACTITIONER_NOT_FOUND"},
		{nhs.ReadOrganization, practices, organisation, "Organization/x", "ORGANISATION_NOT_FOUND"},
		{nhs.ReadLocation, practices, location, "Location/x", "NO_RECORD_FOUND"},
		{nhs.ReadPatient, "patient/*.read", "Patient/" + patient, "Patient/x", "PATIENT_NOT_FOUND"},
	} {
		if r := c.get(tt.interaction, tt.scope, tt.there); r.status != 200 || text(r.body["resourceType"])+"/"+text(r.body["id"]) != tt.there {
			t.Errorf("%s: status %d, %v/%v", tt.there, r.status, r.body["resourceType"], r.body["id"])
		}
		c.get(tt.interaction, tt.scope, tt.missing).refused(t, 404, "not-found", tt.display)
	}
	structured := ofType(c.record(parametersFor("9990000018")).resources(), "Patient")[0]
	if structured["id"] == patient {
		t.Error("the patient has one id at two roots")
	}
	c.get(nhs.ReadPatient, "patient/*.read", "Patient/"+text(structured["id"])).refused(t, 404, "not-found", "PATIENT_NOT_FOUND")
}

func TestFindPractitionerAndOrganisation(t *testing.T) {
	c, _ := open(t, nil)
	const practices = "organization/*.read"
	for _, tt := range []struct {
		interaction         nhs.Interaction
		kind, system, value string
		unknown, wrong      string
	}{
		{nhs.SearchPractitioner, "Practitioner", "https://fhir.nhs.uk/Id/sds-user-id", "555900000011", "555900000999", "https://fhir.nhs.uk/Id/gmc"},
		{nhs.SearchOrganization, "Organization", "https://fhir.nhs.uk/Id/ods-organization-code", "A20047", "Z99999", "https://fhir.nhs.uk/Id/ods"},
	} {
		if r := c.get(tt.interaction, practices, tt.kind+identifierQuery(tt.system, tt.value)); r.status != 200 || len(ofType(r.resources(), tt.kind)) != 1 {
			t.Errorf("%s: status %d, %d found", tt.kind, r.status, len(r.resources()))
		}
		if r := c.get(tt.interaction, practices, tt.kind+identifierQuery(tt.system, tt.unknown)); r.status != 200 || len(r.resources()) != 0 {
			t.Errorf("unknown %s: status %d, %d found", tt.kind, r.status, len(r.resources()))
		}
		c.get(tt.interaction, practices, tt.kind+identifierQuery(tt.wrong, tt.value)).refused(t, 422, "invalid", "INVALID_PARAMETER")
		c.get(tt.interaction, practices, tt.kind).refused(t, 400, "invalid", "BAD_REQUEST")
	}
}

func TestCapabilityStatements(t *testing.T) {
	type declared struct {
		Name       string
		Resources  []string
		Operations []string
	}
	declare := func(r reply) declared {
		rest := list(r.body["rest"])[0]
		out := declared{Name: text(r.body["name"])}
		for _, res := range list(rest["resource"]) {
			var codes []string
			for _, i := range list(res["interaction"]) {
				codes = append(codes, text(i["code"]))
			}
			out.Resources = append(out.Resources, text(res["type"])+" "+strings.Join(codes, " "))
		}
		for _, op := range list(rest["operation"]) {
			out.Operations = append(out.Operations, text(op["name"])+" "+filepath.Base(text(object(op["definition"])["reference"])))
		}
		return out
	}
	foundations := []string{
		"Patient read search-type", "Organization read search-type", "Practitioner read search-type", "Location read",
		"Appointment read create update search-type", "Slot search-type",
	}
	for _, tt := range []struct {
		version string
		one     bool // one root for everything
		root    func(practice.Roots) string
		in      nhs.Interaction
		want    declared
	}{
		{"1.6.2", false, func(r practice.Roots) string { return r.Foundations }, nhs.ReadMetadata, declared{"GP Connect", foundations, nil}},
		{"1.2.7", true, func(r practice.Roots) string { return r.Foundations }, nhs.ReadMetadata, declared{"GP Connect", foundations, []string{"gpc.getstructuredrecord 1.12"}}},
		{"1.6.2", false, func(r practice.Roots) string { return r.Structured }, nhs.ReadStructuredMetadata, declared{"GP Connect API - Access Record Structured", nil, []string{"gpc.getstructuredrecord 1.16"}}},
		{"1.5.1", false, func(r practice.Roots) string { return r.Structured }, nhs.ReadStructuredMetadata, declared{"GP Connect API - Access Record Structured", nil, []string{"gpc.getstructuredrecord 1.15"}}},
		{"1.6.2", false, func(r practice.Roots) string { return r.Documents }, nhs.ReadDocumentsMetadata, declared{"GP Connect API - Access Document", nil, nil}},
	} {
		t.Run(tt.version+" "+tt.in.String(), func(t *testing.T) {
			c, _ := open(t, func(cfg *practice.Config) {
				cfg.Version = tt.version
				if tt.one {
					cfg.Roots.Structured = cfg.Roots.Foundations
				}
			})
			r := c.send(call{method: http.MethodGet, root: tt.root(c.roots), path: "metadata", interaction: tt.in, scope: "organization/*.read"})
			if r.body["resourceType"] != "CapabilityStatement" || r.body["version"] != tt.version || r.body["fhirVersion"] != "3.0.1" {
				t.Fatalf("status %d: %.200s", r.status, r.raw)
			}
			if diff := cmp.Diff(tt.want, declare(r)); diff != "" {
				t.Errorf("declared (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := func() practice.Config {
		return practice.Config{
			ODS: must(nhs.ParseODSCode("A20047")), Name: "x", ASID: must(nhs.ParseASID(ownASID)), Version: "1.6.2",
			Roots: practice.Roots{Foundations: foundation}, Patients: people()[:1],
		}
	}
	for name, bend := range map[string]func(*practice.Config){
		"no code":                 func(c *practice.Config) { c.ODS = nhs.ODSCode{} },
		"no name":                 func(c *practice.Config) { c.Name = "" },
		"no ASID":                 func(c *practice.Config) { c.ASID = nhs.ASID{} },
		"no version":              func(c *practice.Config) { c.Version = "latest" },
		"no root":                 func(c *practice.Config) { c.Roots = practice.Roots{} },
		"a root with a slash":     func(c *practice.Config) { c.Roots.Foundations += "/" },
		"a root in clear text":    func(c *practice.Config) { c.Roots.Foundations = "http://x/y" },
		"an unknown area":         func(c *practice.Config) { c.DisabledAreas = []practice.Area{"x"} },
		"an unknown style":        func(c *practice.Config) { c.Style = "x" },
		"an unknown story":        func(c *practice.Config) { c.Patients[0].Story = "x" },
		"a patient twice":         func(c *practice.Config) { c.Patients = append(c.Patients, c.Patients[0]) },
		"a patient with no name":  func(c *practice.Config) { c.Patients[0].Family = "" },
		"slots that are no JSON":  func(c *practice.Config) { c.Slots = []byte("x") },
		"a session past midnight": func(c *practice.Config) { c.Diary = practice.OrdinaryDiary(); c.Diary.Sessions[0].Slots = 999 },
		"a session of nobody":     func(c *practice.Config) { c.Diary = practice.OrdinaryDiary(); c.Diary.Sessions[0].Clinician = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good()
			bend(&cfg)
			_, err := practice.New(cfg)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "9990000018") || strings.Contains(err.Error(), "TESTWELL") {
				t.Errorf("the error names a patient: %v", err)
			}
		})
	}
	if _, err := practice.New(good()); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// A SNOMED code ends in a check digit (Verhoeff): a slip in a story would be implausible to a clinician.
func TestStoriesUsePossibleCodes(t *testing.T) {
	if got := practice.Stories(); !slices.Contains(got, "plain") || !slices.IsSorted(got) {
		t.Errorf("Stories = %v", got)
	}
	coded := regexp.MustCompile(`\b([0-9]{6,18}) [A-Z]`)
	seen := 0
	for _, name := range practice.Stories() {
		raw, err := os.ReadFile(filepath.Join("data", "stories", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range coded.FindAllSubmatch(raw, -1) {
			seen++
			if !verhoeff(string(m[1])) {
				t.Errorf("%s: %s cannot be a SNOMED code", name, m[1])
			}
		}
	}
	if seen < 40 {
		t.Errorf("%d codes", seen)
	}
}

// verhoeff checks a number whose last digit is the check digit: multiplication in the dihedral group of ten elements.
func verhoeff(number string) bool {
	multiply := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return (a+b)%5 + 5
		case b < 5:
			return (a-b+10)%5 + 5
		}
		return (a - b + 5) % 5
	}
	permutation := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		for range i % 8 {
			d = permutation[d]
		}
		sum = multiply(sum, d)
	}
	return sum == 0
}
