package simulator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// write makes a data directory of files by name.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	ownPractice = `- ods: T99001
  name: Own Practice
  asid: "918999990001"
  partyKey: T99001-000001
  basePath: /T99001/STU3/1/gpconnect
  version: 1.6.2
  interactions: all
`
	ownPatient = `{"resourceType":"Patient","id":"9991000003","meta":{"versionId":"3"},"name":[{"family":"OWN","given":["A"]}],` +
		`"generalPractitioner":[{"identifier":{"value":"T99001"}}]}`
)

func TestDataDirectoryIsAdded(t *testing.T) {
	record := "{\"resourceType\":\"Bundle\", \"odd\" :1.50,\n\"entry\":[]}\n"
	slots := `{"resourceType":"Bundle","type":"searchset","entry":[]}`
	r := start(t, simulator.Options{DataDir: write(t, map[string]string{
		"practices.yaml":           ownPractice + "  faults: [{delay: 1ms}]\n",
		"patients/9991000003.json": ownPatient,
		"patients/9990000018.json": strings.Replace(ownPatient, "9991000003", "9990000018", 1),
		"records/9991000003.json":  record,
		"slots/t99001.json":        slots,
		"README.md":                "ours",
	})})
	if a := r.patient("9991000003"); string(a.body) != ownPatient || a.header.Get("Etag") != `W/"3"` {
		t.Errorf("PDS answers %v %s", a.header, a.body)
	}
	if a := r.patient("9990000018"); !bytes.Contains(a.body, []byte("OWN")) {
		t.Errorf("what is built in was not replaced: %s", a.body)
	}
	if a := r.patient("9990000042"); a.status != http.StatusOK {
		t.Errorf("what is built in is gone: %d", a.status)
	}
	p := r.practice("T99001")
	a, err := r.record(t.Context(), p, "9991000003")
	if err != nil || string(a.body) != record {
		t.Errorf("%v: the record is not byte for byte: %s", err, a.body)
	}
	if _, found := r.look("/Endpoint", "organization", ods+"T99001", "identifier", interaction+nhs.ReadDocument.String()); len(found) != 1 {
		t.Errorf("SDS finds %v", found)
	}
}

func TestDataDirectoryErrors(t *testing.T) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"an unknown key",
			map[string]string{"practices.yaml": "- ods: T99001\n  colour: blue\n"},
			"practices.yaml: line 2: field colour not found",
		},
		{
			"an unknown directory",
			map[string]string{"patient/9991000003.json": ownPatient},
			"patient is none of patients, related, records, slots, documents, practices.yaml and scenarios.yaml",
		},
		{
			"related persons that are no list",
			map[string]string{"related/9990000018.json": `{"resourceType":"Bundle"}`},
			"data directory: related/9990000018.json: it is not a list in JSON",
		},
		{
			"a related person of another type",
			map[string]string{"related/9990000018.json": `[{"resourceType":"Patient"}]`},
			"data directory: related/9990000018.json: entry 1: resourceType is not RelatedPerson",
		},
		{
			"a related person without an id",
			map[string]string{"related/9990000018.json": `[{"resourceType":"RelatedPerson"}]`},
			"data directory: related/9990000018.json: entry 1: id is missing",
		},
		{
			"a related person who may be real",
			map[string]string{"related/9990000018.json": `[{"resourceType":"RelatedPerson","id":"1","patient":{"identifier":{"value":"4010232137"}}}]`},
			"data directory: related/9990000018.json: entry 1: patient.identifier.value: not in the range",
		},
		{
			"related persons of nobody",
			map[string]string{"related/9990000379.json": `[]`},
			"related/9990000379.json is for a patient that patients does not have",
		},
		{"no name", map[string]string{"practices.yaml": "- ods: T99001\n"}, "data directory: practices.yaml entry 1 (T99001): name is missing"},
		{"a bad ODS code", map[string]string{"practices.yaml": "- ods: '*'\n"}, "data directory: practices.yaml entry 1 (*): ods: not an ODS code"},
		{
			"a bad ASID",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "918999990001", "1", 1)},
			"practices.yaml entry 1 (T99001): asid: not an ASID",
		},
		{
			"an ASID that YAML reads as a number",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, `"918999990001"`, "12", 1)},
			"practices.yaml entry 1 (T99001): asid: not an ASID",
		},
		{
			"a bad party key",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "T99001-000001", "T99001", 1)},
			"partyKey: not a party key",
		},
		{
			"another's party key",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "T99001-000001", "A20047-8000001", 1)},
			"practices.yaml entry 1 (T99001): another system has its party key",
		},
		{
			"no version",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "version: 1.6.2", "", 1)},
			"version is missing",
		},
		{
			"no path",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "basePath: /T99001/STU3/1/gpconnect", "", 1)},
			"basePath is missing",
		},
		{
			"a path that ends in a slash",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "gpconnect", "gpconnect/", 1)},
			"a path does not begin with a slash, ends with one",
		},
		{
			"neither all nor a list",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "all", "most", 1)},
			"line 7: interactions is neither \"all\" nor a list of ids",
		},
		{
			"a bad interaction",
			map[string]string{"practices.yaml": strings.Replace(ownPractice, "all", "[slots]", 1)},
			"line 7: \"slots\": not a GP Connect interaction id",
		},
		{"a bad fault", map[string]string{"practices.yaml": ownPractice + "  faults: [{times: 2}]\n"}, "faults: it has no effect"},
		{"an unknown diary", map[string]string{"practices.yaml": ownPractice + "  diary: big\n"}, `practices.yaml entry 1 (T99001): diary is "big", not ordinary, huge or none`},
		{"a file that is no number", map[string]string{"patients/ada.json": ownPatient}, "patients/ada.json: its name: not an NHS number"},
		{
			"a number that may be somebody's",
			map[string]string{"patients/4010232137.json": ownPatient},
			"patients: file 1: its name: not in the range of NHS numbers kept for tests",
		},
		{"not JSON", map[string]string{"patients/9991000003.json": "{"}, "data directory: patients/9991000003.json: it is not JSON"},
		{"another resource", map[string]string{"patients/9991000003.json": "{}"}, "resourceType is not Patient"},
		{"another person's file", map[string]string{"patients/9990000018.json": ownPatient}, "id is not the number that the file is called after"},
		{
			"no version of the patient",
			map[string]string{"patients/9991000003.json": strings.Replace(ownPatient, "versionId", "v", 1)},
			"meta.versionId is missing",
		},
		{"a record of nobody", map[string]string{"records/9991000003.json": "{}"}, "records/9991000003.json is for a patient that patients does not have"},
		{"slots that are no Bundle", map[string]string{"slots/A20047.json": "{}"}, "data directory: slots/A20047.json: resourceType is not Bundle"},
		{"an empty file", map[string]string{"practices.yaml": "# none\n"}, "data directory: practices.yaml: it says nothing"},
		{"no list", map[string]string{"practices.yaml": "ods: T99001\n"}, "data directory: practices.yaml: line 1: cannot unmarshal !!map"},
		{
			"a party key that two of them have",
			map[string]string{"practices.yaml": ownPractice + strings.Replace(ownPractice, "990001\"", "990002\"", 1)},
			"practices.yaml entry 2 (T99001): another system has its party key",
		},
		{"a scenario under no number", map[string]string{"scenarios.yaml": "ada: {story: rich}\n"}, "scenarios.yaml: ada: not an NHS number"},
		{"a scenario of somebody", map[string]string{"scenarios.yaml": "\"4010232137\": {story: rich}\n"}, "scenarios.yaml: a key: not in the range"},
		{"slots of no practice", map[string]string{"slots/T99001.json": `{"resourceType":"Bundle"}`}, "slots/T99001.json is for a practice that practices.yaml does not have"},
		{"something else among the records", map[string]string{"records/x.xml": ""}, "records/x.xml: not a .json file"},
		{"a scenario of nobody", map[string]string{"scenarios.yaml": "\"9990000379\": {story: rich}\n"}, "9990000379: there is no such patient"},
		{
			"a survivor of nobody",
			map[string]string{"scenarios.yaml": "\"9990000379\": {survivingNumber: \"9991000003\"}\n"},
			"survivingNumber is nobody's",
		},
		{"an unknown story", map[string]string{"scenarios.yaml": "\"9990000018\": {story: saga}\n"}, `scenarios.yaml: 9990000018: there is no story "saga"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spine, err := simulator.Start(t.Context(), simulator.Options{Keys: keys, DataDir: write(t, tt.files)})
			if err == nil {
				_ = spine.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want it to say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "4010232137") {
				t.Error("the error shows a number that may be somebody's")
			}
			if strings.Contains(err.Error(), "simulator.") {
				t.Errorf("%v: what our types are called is nobody's business", err)
			}
		})
	}
	if _, err := simulator.Start(t.Context(), simulator.Options{Keys: keys, DataDir: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a directory that is not there was accepted")
	}
}

// TestFixtures serves published supplier bundles, where there are any beside the checkout.
func TestFixtures(t *testing.T) {
	bundles, err := filepath.Glob("../../../shared/fixtures/gpconnect/structured/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(bundles) == 0 {
		t.Skip("no published bundles at ../shared/fixtures beside the checkout")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to prepare the bundles with")
	}
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), python, append([]string{"../../../shared/tools/fixture-data.py", dir}, bundles...)...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := start(t, simulator.Options{DataDir: dir})
	records, err := filepath.Glob(filepath.Join(dir, "records", "*.json"))
	if err != nil || len(records) == 0 {
		t.Fatal(err, len(records))
	}
	p := r.practice("T99001")
	for _, path := range records {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		number := strings.TrimSuffix(filepath.Base(path), ".json")
		if a := r.patient(number); a.status != http.StatusOK {
			t.Errorf("PDS: %d", a.status)
		}
		if a, err := r.record(t.Context(), p, number); err != nil || a.err != nil || !bytes.Equal(a.body, want) {
			t.Errorf("%v, %v: %d bytes of %d", err, a.err, len(a.body), len(want))
		}
	}
}

// TestBuiltInPatients asks PDS for every patient and compares what they are with what they are said to be.
func TestBuiltInPatients(t *testing.T) {
	r := start(t, simulator.Options{})
	bearer := "Bearer " + r.token()
	practices := map[string]bool{"V81997": true}
	for _, p := range r.Practices() {
		practices[p.ODS.String()] = true
		if p.Scenario == "" {
			t.Errorf("%s has no scenario", p.ODS)
		}
	}
	patients := r.Patients()
	if len(patients) < 30 {
		t.Errorf("%d patients", len(patients))
	}
	for _, p := range patients {
		if p.Scenario == "" || !strings.HasPrefix(p.Number.Digits(), "99900") {
			t.Errorf("a patient without scenario, or out of the range: %q", p.Scenario)
		}
		if !p.ODS.IsZero() && !practices[p.ODS.String()] {
			t.Errorf("%s: at %s, which there is not", p.Scenario, p.ODS)
		}
		a := r.send(http.MethodGet, r.PDSURL()+"/Patient/"+p.Number.Digits(), "",
			"Authorization", bearer, "X-Request-ID", "6d3d3674-7ce5-11ec-90d6-0242ac120003")
		if strings.HasPrefix(p.Scenario, "invalidated") {
			if a.status != http.StatusNotFound {
				t.Errorf("%s: %d", p.Scenario, a.status)
			}
			continue
		}
		var patient struct {
			Meta struct{ Security []struct{ Code string } }
			Name []struct{ Family string }
		}
		if err := json.Unmarshal(a.body, &patient); err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %d %v", p.Scenario, a.status, err)
		}
		if bytes.Contains(a.body, []byte("${")) {
			t.Errorf("%s: a date is not written out", p.Scenario)
		}
		want := "U"
		if strings.Contains(p.Scenario, "(R)") {
			want = "R"
		} else if strings.Contains(p.Scenario, "(V)") {
			want = "V"
		}
		if got := patient.Meta.Security[0].Code; got != want {
			t.Errorf("%s: security %s, want %s", p.Scenario, got, want)
		}
		if len(patient.Name) > 0 && !strings.HasPrefix(patient.Name[0].Family, "TEST") {
			t.Errorf("%s: the name is not obviously invented", p.Scenario)
		}
	}
}

// TestBuiltInRecords asks each patient's practice for the record, and each practice for its statement.
func TestBuiltInRecords(t *testing.T) {
	r := start(t, simulator.Options{})
	got := map[string]int{}
	for _, number := range []string{
		"9990000018", "9990000107", "9990000115", "9990000158", "9990000166", "9990000190", "9990000069", "9990000077",
		"9990000344", "9990000360",
	} {
		a, err := r.record(t.Context(), r.practice("A20047"), number)
		if err != nil {
			t.Fatal(err)
		}
		got[number] = a.status
		if number == "9990000360" && len(a.body) < 2_500_000 {
			t.Errorf("the large record has %d bytes", len(a.body))
		}
	}
	if diff := cmp.Diff(map[string]int{
		"9990000018": 200, "9990000107": 404, "9990000115": 200, "9990000158": 200, "9990000166": 403, "9990000190": 500,
		"9990000069": 404, "9990000077": 404, "9990000344": 200, "9990000360": 200,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	statements := map[string]int{}
	for _, p := range r.Practices() {
		if len(p.Interactions) > 0 && p.ODS.String() != "F84005" {
			statements[p.ODS.String()] = r.metadata(p).status
		}
	}
	if diff := cmp.Diff(map[string]int{
		"A20047": 200, "B84001": 200, "C81002": 200, "E83004": 200, "G85006": 502, "H86007": 200, "J87008": 200, "K88009": 403,
	}, statements); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

func TestEveryCertificateIsMarked(t *testing.T) {
	r := start(t, simulator.Options{})
	const marking = "SIMULATED - spinegate embedded Spine - not for patients"
	for _, url := range []string{r.TokenURL(), r.PDSURL() + "/_ping", r.SDSURL(), r.ProxyURL()} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := r.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		for _, chain := range response.TLS.VerifiedChains {
			for _, c := range chain {
				if c.Subject.CommonName != marking || c.Subject.Organization[0] != marking {
					t.Errorf("%s: certificate of %s", request.Host, c.Subject)
				}
			}
		}
	}
	if c := r.Client().Certificate.Leaf; c.Subject.Organization[0] != marking || c.Subject.CommonName != "gateway.spinegate.example" {
		t.Errorf("client certificate of %s", c.Subject)
	}
}
