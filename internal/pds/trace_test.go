package pds

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// summer is a moment at which it is tomorrow already in the UK: 00:30 on 1 July.
var summer = time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC)

// record is a PDS record with these members besides id and version.
func record(id string, members ...string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":%q}]%s}`,
		id, id, strings.Join(append([]string{""}, members...), ","))
}

const unrestricted = `"meta":{"versionId":"7","security":[{"code":"U"}]}`

func practice(code, period string) string {
	if period != "" {
		period = `,"period":` + period
	}
	return `"generalPractitioner":[{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"` + code + `"` + period + `}}]`
}

func notified(code string) string {
	return `"extension":[{"url":"` + deathExtension + `","extension":[{"url":"deathNotificationStatus","valueCodeableConcept":{"coding":[{"code":"` + code + `"}]}}]}]`
}

const (
	managing = `"managingOrganization":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"B85999"}}`
	removed  = `"extension":[{"url":"` + removalExtension + `","extension":[{"url":"removalFromRegistrationCode","valueCodeableConcept":{"coding":[{"code":"SCT"}]}},
		{"url":"effectiveTime","valuePeriod":{"start":"2025-03-01T00:00:00+00:00"}}]}]`
)

func read(t *testing.T, text string, asked string, now time.Time) (*Trace, error) {
	t.Helper()
	patient, err := fhir.ReadPatient([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	number, err := nhs.ParseNumber(asked)
	if err != nil {
		t.Fatal(err)
	}
	return conclude(patient, number, now)
}

func TestDecisionTable(t *testing.T) {
	open := practice("A20047", "")
	for _, tt := range []struct {
		name    string
		members []string
		status  RegistrationStatus
		ods     string
		death   Death
	}{
		{"2 restricted", []string{`"meta":{"security":[{"code":"R"}]}`, open}, Withheld, "", NoneRecorded},
		{"2 before 4", []string{`"meta":{"security":[{"code":"V"}]}`, managing}, Withheld, "", NoneRecorded},
		{"4 removed", []string{unrestricted, managing, removed}, Deregistered, "", NoneRecorded},
		{"4 removed, no reason", []string{unrestricted, managing}, Deregistered, "", NoneRecorded},
		{"5 nothing", []string{unrestricted}, NotRegistered, "", NoneRecorded},
		{"5 an empty list", []string{unrestricted, `"generalPractitioner":[]`}, NotRegistered, "", NoneRecorded},
		{"6 empty", []string{unrestricted, practice("", "")}, NotRegistered, "", NoneRecorded},
		{"6 blank", []string{unrestricted, practice("  ", "")}, NotRegistered, "", NoneRecorded},
		{"6 another system", []string{unrestricted, strings.Replace(open, "ods-organization-code", "x", 1)}, NotRegistered, "", NoneRecorded},
		{"6 V81997", []string{unrestricted, practice("V81997", "")}, NotRegistered, "", NoneRecorded},
		{"6 V81998", []string{unrestricted, practice("v81998", "")}, NotRegistered, "", NoneRecorded},
		{"6 V81999", []string{unrestricted, practice("V81999", "")}, NotRegistered, "", NoneRecorded},
		{"7 ended yesterday", []string{unrestricted, practice("A20047", `{"end":"2026-06-30"}`)}, NotCurrent, "A20047", NoneRecorded},
		{"7 begins tomorrow", []string{unrestricted, practice("A20047", `{"start":"2026-07-02"}`)}, NotCurrent, "A20047", NoneRecorded},
		{"7 ended last month", []string{unrestricted, practice("A20047", `{"end":"2026-06"}`)}, NotCurrent, "A20047", NoneRecorded},
		{"7 unreadable", []string{unrestricted, practice("A20047", `{"end":"soon"}`)}, NotCurrent, "A20047", NoneRecorded},
		{"7 before 8", []string{unrestricted, practice("A20047", `{"end":"2021-12-31"}`), notified("2")}, NotCurrent, "A20047", Formal},
		{"8 dead, formally", []string{unrestricted, open, notified("2"), `"deceasedDateTime":"2026-01-15"`}, Deceased, "A20047", Formal},
		{"8 dead, informally", []string{unrestricted, open, notified("1")}, Deceased, "A20047", Informal},
		{"8 dead, says a date alone", []string{unrestricted, open, `"deceasedDateTime":"2026"`}, Deceased, "A20047", Unconfirmed},
		{"8 dead, with a code nobody knows", []string{unrestricted, open, notified("9")}, Deceased, "A20047", Unconfirmed},
		{"8 dead, says a flag", []string{unrestricted, open, `"deceasedBoolean":true`}, Deceased, "A20047", Unconfirmed},
		{"8 taken back, and dated", []string{unrestricted, open, notified("U"), `"deceasedDateTime":"2026"`}, Deceased, "A20047", Conflicting},
		{"9 taken back", []string{unrestricted, open, notified("U")}, Registered, "A20047", Withdrawn},
		{"9 open", []string{unrestricted, open}, Registered, "A20047", NoneRecorded},
		{"9 lower case", []string{unrestricted, practice(" a20047 ", "")}, Registered, "A20047", NoneRecorded},
		{"9 ends today", []string{unrestricted, practice("A20047", `{"start":"2018-01-15","end":"2026-07-01"}`)}, Registered, "A20047", NoneRecorded},
		{"9 begins today", []string{unrestricted, practice("A20047", `{"start":"2026-07-01"}`)}, Registered, "A20047", NoneRecorded},
		{"9 ends this month", []string{unrestricted, practice("A20047", `{"start":"2026","end":"2026-07"}`)}, Registered, "A20047", NoneRecorded},
		{"9 begins at midnight UK time", []string{unrestricted, practice("A20047", `{"start":"2026-06-30T23:00:00Z"}`)}, Registered, "A20047", NoneRecorded},
		{"9 for ever", []string{unrestricted, practice("A20047", `{"start":"2018-01-15","end":"9999-12-31"}`)}, Registered, "A20047", NoneRecorded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, record("9990000018", tt.members...), "9990000018", summer)
			if err != nil {
				t.Fatal(err)
			}
			r := got.Registration
			if r.Status != tt.status || r.ODS.String() != tt.ods || got.Death != tt.death || got.Superseded {
				t.Errorf("status %d of %q, death %d; want %d, %q, %d", r.Status, r.ODS, got.Death, tt.status, tt.ods, tt.death)
			}
		})
	}
	removal, err := read(t, record("9990000018", unrestricted, managing, removed), "9990000018", summer)
	if err != nil || removal.Registration.RemovalCode != "SCT" || removal.Registration.RemovedAt != "2025-03-01T00:00:00+00:00" {
		t.Errorf("removal: %+v, %v", removal.Registration, err)
	}
}

func TestSuperseded(t *testing.T) {
	got, err := read(t, record("9990000042", unrestricted, practice("A20047", "")), "9990000034", summer)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Superseded || got.Requested.Digits() != "9990000034" || got.Current.Digits() != "9990000042" || got.Registration.Status != Registered {
		t.Errorf("superseded %v, from %s to %s", got.Superseded, got.Requested.Digits(), got.Current.Digits())
	}
}

func TestRestriction(t *testing.T) {
	for meta, want := range map[string]Restriction{
		`{"security":[{"code":"U"}]}`:                           Unrestricted,
		`{"security":[{"code":"R","display":"unrestricted"}]}`:  Restricted,
		`{"security":[{"code":"V"}]}`:                           VeryRestricted,
		`{"security":[{"code":"U"},{"code":"R"}]}`:              Restricted,
		`{"security":[{"code":"V"},{"code":"U"}]}`:              VeryRestricted,
		`{"security":[{"code":"u"}]}`:                           NotStated,
		`{"security":[{"code":"REDACTED"}]}`:                    NotStated,
		`{"security":[{"code":"U"},{"code":"X"}]}`:              NotStated,
		`{"security":[{"display":"unrestricted"}]}`:             NotStated,
		`{"security":[]}`:                                       NotStated,
		`{"security":null}`:                                     NotStated,
		`{}`:                                                    NotStated,
		`{"Security":[{"code":"U"}],"security":[{"Code":"U"}]}`: NotStated,
	} {
		got, err := read(t, record("9990000018", `"meta":`+meta), "9990000018", summer)
		if err != nil || got.Restriction != want {
			t.Errorf("%s: %d, %v; want %d", meta, got.Restriction, err, want)
		}
	}
}

// In privileged access, and by mistake, PDS sends where a restricted person is. It goes no further.
func TestNothingTellsWhereARestrictedPersonIs(t *testing.T) {
	const where = "SECRETPLACE"
	for name, member := range map[string]string{
		"address":   `"address":[{"line":["` + where + `"]}]`,
		"telecom":   `"telecom":[{"value":"` + where + `"}]`,
		"contact":   `"contact":[{"telecom":[{"value":"` + where + `"}]}]`,
		"practice":  practice(where, ""),
		"managing":  strings.Replace(managing, "B85999", where, 1),
		"pharmacy":  `"extension":[{"url":"x","valueReference":{"identifier":{"value":"` + where + `"}}}]`,
		"something": `"unheardOf":"` + where + `"`,
	} {
		for _, label := range []string{"R", "V", "X"} {
			got, err := read(t, record("9990000026", `"meta":{"versionId":"4","security":[{"code":"`+label+`"}]}`, member), "9990000026", summer)
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprintf("%+v %s %s", got, got.Person.JSON, got.Person.Unknown); strings.Contains(text, where) {
				t.Errorf("%s of a person labelled %s goes on", name, label)
			}
			if got.Version != "4" || got.Current.Digits() != "9990000026" {
				t.Error("the rest is gone")
			}
		}
	}
	text := record("9990000026", `"meta":{"security":[{"code":"R"}]}`, `"name":[{"use":"usual","family":"SAMPLE"}]`)
	got, err := read(t, text, "9990000026", summer)
	if err != nil || string(got.Person.JSON) != text || got.Name == nil || got.Name.Family != "SAMPLE" {
		t.Errorf("an ordinary restricted record lost something: %v", err)
	}
}

func TestARecordThatContradictsItself(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"no number":      {`{"resourceType":"Patient"}`, errNumber},
		"a wrong number": {record("9990000019", unrestricted), errNumber},
		"two numbers": {`{"resourceType":"Patient","id":"9990000018",` + unrestricted +
			`,"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000042"}]}`, errTwoNumbers},
		"two practices": {record("9990000018", unrestricted, strings.Replace(practice("A20047", ""), "[{", `[{"identifier":{"value":"B84001"}},{`, 1)), errTwoPractices},
	} {
		_, err := read(t, tt.text, "9990000018", summer)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestUsualName(t *testing.T) {
	for _, tt := range []struct{ name, names, want string }{
		{"none", `[]`, ""},
		{"no usual one", `[{"use":"old","family":"A"},{"family":"B"}]`, ""},
		{"the only one", `[{"use":"nickname","family":"A"},{"use":"usual","family":"B"}]`, "B"},
		{"the one of today", `[{"use":"usual","family":"A","period":{"start":"2026-08-01"}},{"use":"usual","family":"B","period":{"start":"2001","end":"2026-07-01"}}]`, "B"},
		{"else the latest", `[{"use":"usual","family":"A","period":{"start":"2001","end":"2002"}},{"use":"usual","family":"B","period":{"start":"2003","end":"2004"}},{"use":"usual","family":"C","period":{"end":"1999"}}]`, "B"},
	} {
		got, err := read(t, record("9990000018", unrestricted, `"name":`+tt.names), "9990000018", summer)
		if err != nil {
			t.Fatal(err)
		}
		family := ""
		if got.Name != nil {
			family = got.Name.Family
		}
		if family != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, family, tt.want)
		}
		others := len(got.Person.Name)
		if got.Name != nil {
			others--
		}
		if len(got.OtherNames()) != others {
			t.Errorf("%s: %d other names", tt.name, len(got.OtherNames()))
		}
	}
}

func TestPublishedRecords(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "fixtures", "pds")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	type conclusion struct {
		Restriction Restriction
		Death       Death
		Status      RegistrationStatus
		ODS         string
	}
	conclusions := map[string]conclusion{
		// The sandbox's own flagship is dead and removed; the rules stay as they are (PDS contract, 11).
		"patients/patient_9000000009.json":                  {Unrestricted, Formal, NotCurrent, "Y12345"},
		"patients/patient_9000000025.json":                  {Restricted, Formal, Withheld, ""},
		"patients/patient_9000000033.json":                  {Unrestricted, NoneRecorded, NotRegistered, ""},
		"patients/patient_9693632109.json":                  {Unrestricted, NoneRecorded, Registered, "A20047"},
		"patients/patient_9733162043.json":                  {Unrestricted, NoneRecorded, Registered, "A20047"},
		"patients/patient_9736363015.json":                  {Unrestricted, NoneRecorded, Registered, "A20047"},
		"patients/patient_9736363066.json":                  {Unrestricted, NoneRecorded, Registered, "A20047"},
		"patients/patient_5900046192.json":                  {Unrestricted, NoneRecorded, NotRegistered, ""},
		"patients/patient_5900057208.json":                  {Unrestricted, NoneRecorded, NotRegistered, ""},
		"sibling-stub-patients/jane_smith_9000000009.json":  {NotStated, NoneRecorded, Withheld, ""},
		"sibling-stub-patients/alice_jones_9999999999.json": {NotStated, NoneRecorded, Withheld, ""},
		"sibling-stub-patients/int_9692140466.json":         {NotStated, NoneRecorded, Withheld, ""},
	}
	files, err := filepath.Glob(filepath.Join(root, "*patients", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(conclusions)+1 { // and one whose number fails the check digit
		t.Errorf("%d patients are published, and %d are known here", len(files), len(conclusions))
	}
	for file, want := range conclusions {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			t.Error(err)
			continue
		}
		patient, err := fhir.ReadPatient(text)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		number, err := nhs.ParseNumber(patient.ID)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := conclude(patient, number, summer)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if diff := cmp.Diff(want, conclusion{got.Restriction, got.Death, got.Registration.Status, got.Registration.ODS.String()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// Whatever a record holds: a registration that lets a call go on is that of an unrestricted, living person.
func FuzzConclude(f *testing.F) {
	f.Add([]byte(record("9990000018", unrestricted, practice("A20047", ""))))
	f.Add([]byte(record("9990000018", unrestricted, managing, removed)))
	f.Add([]byte(record("9990000018", unrestricted, practice("A20047", `{"start":"2018","end":"2026-07"}`), notified("U"))))
	number, err := nhs.ParseNumber("9990000018")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		patient, err := fhir.ReadPatient(text)
		if err != nil {
			return
		}
		got, err := conclude(patient, number, summer)
		if err != nil {
			if strings.Contains(err.Error(), "999") {
				t.Error("the error tells the number")
			}
			return
		}
		if got.Registration.Status == Registered && (got.Restriction != Unrestricted || got.Death.Dead() || got.Registration.ODS.IsZero()) {
			t.Errorf("registered, with restriction %d and death %d", got.Restriction, got.Death)
		}
		if got.Restriction == RestrictionUnset || got.Death == DeathUnset || got.Registration.Status == RegistrationUnset {
			t.Error("something was left open")
		}
	})
}

func TestHomeIsWhereThePersonLivesToday(t *testing.T) {
	at := func(use, start, end string) fhir.Address {
		return fhir.Address{Use: use, PostalCode: use + start, Period: fhir.Period{Start: start, End: end}}
	}
	for _, tt := range []struct {
		name      string
		addresses []fhir.Address
		want      string
	}{
		{"none", nil, ""},
		{"an open one", []fhir.Address{at("home", "2020-01-01", "")}, "home2020-01-01"},
		{"one that has ended", []fhir.Address{at("home", "2010-01-01", "2020-01-01")}, ""},
		{"one that has ended, after the open one", []fhir.Address{at("home", "2020-01-01", ""), at("home", "2010-01-01", "2019-12-31")}, "home2020-01-01"},
		{"one that has not begun", []fhir.Address{at("home", "2020-01-01", ""), at("home", "2027-01-01", "")}, "home2020-01-01"},
		{"a temporary one", []fhir.Address{at("temp", "2020-01-01", "")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if h := home(tt.addresses, "2026-06-01"); h != nil {
				got = h.PostalCode
			}
			if got != tt.want {
				t.Errorf("home = %q, want %q", got, tt.want)
			}
		})
	}
}
