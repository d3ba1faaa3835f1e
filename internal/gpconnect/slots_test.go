package gpconnect

import (
	"bytes"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

const (
	aSlot     = `{"resourceType":"Slot","id":"1584","meta":{"versionId":"7"},"extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-DeliveryChannel-2","valueCode":"In-person"}],"serviceType":[{"text":"Routine"}],"schedule":{"reference":"Schedule/14"},"status":"free","start":"2026-07-20T09:00:00+01:00","end":"2026-07-20T09:10:00+01:00"}`
	aSchedule = `{"resourceType":"Schedule","id":"14","extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-PractitionerRole-1","valueCodeableConcept":{"coding":[{"code":"R0260","display":"General Medical Practitioner"}]}}],"serviceCategory":{"text":"Surgery"},"actor":[{"reference":"Location/17"},{"reference":"Practitioner/2"},{"display":"somebody"}]}`
	aLocation = `{"resourceType":"Location","id":"17","name":"Riverside","identifier":[{"system":"https://fhir.nhs.uk/Id/ods-site-code","value":"A20047001"}],"address":{"line":["1 High Street"],"city":"Leeds","postalCode":"ZZ99 9ZZ"},"telecom":[{"system":"phone","value":"01130000000"}],"managingOrganization":{"reference":"Organization/o"}}`
	aDoctor   = `{"resourceType":"Practitioner","id":"2","identifier":[{"system":"https://fhir.nhs.uk/Id/sds-user-id","value":"111122223333"}],"name":[{"family":"EXAMPLE","prefix":["Dr"]}],"gender":"female"}`
)

func parseSlotsOf(text string) (*Slots, error) {
	return parseSlots(fhir.NewBundleReader(strings.NewReader(text), fhir.Limits{}))
}

func TestParseSlots(t *testing.T) {
	want := Slot{
		ID: "1584", VersionID: "7", Channel: "In-person", SlotType: "Routine", SessionType: "Surgery", ScheduleID: "14",
		Start: Moment{time.Date(2026, 7, 20, 8, 0, 0, 0, time.UTC), "2026-07-20T09:00:00+01:00"},
		End:   Moment{time.Date(2026, 7, 20, 8, 10, 0, 0, time.UTC), "2026-07-20T09:10:00+01:00"},
		Role:  Role{"R0260", "General Medical Practitioner"},
		Location: Location{
			ID: "17", Name: "Riverside", SiteCode: "A20047001", Telecoms: []Telecom{{System: "phone", Value: "01130000000"}},
			Address: Address{Lines: []string{"1 High Street"}, City: "Leeds", PostalCode: "ZZ99 9ZZ"},
		},
		Practitioners: []Practitioner{{ID: "2", Gender: "female", SDSUserID: "111122223333", Name: Name{Family: "EXAMPLE", Prefix: []string{"Dr"}}}},
		JSON:          []byte(aSlot),
	}
	for name, resources := range map[string][]string{
		"slots first": {aSlot, aSchedule, aLocation, aDoctor, theOrganization},
		"slots last":  {theOrganization, aDoctor, aLocation, aSchedule, aSlot},
	} {
		got, err := parseSlotsOf(bundleOf(resources...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&Slots{Slots: []Slot{want}, Practice: Practice{"A20047", "Riverside Surgery"}}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseSlotsLeavesNothingOutSilently(t *testing.T) {
	change := func(old, replacement string) string {
		if !strings.Contains(aSlot, old) {
			t.Fatalf("the slot lacks %s", old)
		}
		return strings.Replace(aSlot, old, replacement, 1)
	}
	for _, tt := range []struct{ name, entry, reason string }{
		{"a time without offset", change(`09:00:00+01:00`, `09:00:00`), "the slot's times have no offset"},
		{"a day", change(`2026-07-20T09:10:00+01:00`, `2026-07-20`), "the slot's times have no offset"},
		{"no end", change(`,"end":"2026-07-20T09:10:00+01:00"`, ``), "the slot's times have no offset"},
		{"an end before the start", change(`09:10:00+01:00`, `09:10:00+02:00`), "the slot does not end after it begins"},
		{"a busy one", change(`"free"`, `"busy"`), "the slot is not free"},
		{"a visit", change(`In-person`, `Visit`), "a visit cannot be booked"},
		{"no id", change(`"id":"1584",`, ``), "the slot has no id"},
		{"another shape", change(`"status":"free"`, `"status":[]`), "the slot has another shape than FHIR gives it"},
		{"an unknown schedule", change(`Schedule/14`, `Schedule/15`), "the slot's schedule is not in the answer"},
		{"a schedule without location", change(`Schedule/14`, `Schedule/16`), "the slot's location is not in the answer"},
		{"a message", outcomeOf("warning", "X", "y", "z"), "the practice sent a message beside the slots"},
		{"nothing in particular", `{}`, "the entry does not say what it is"},
		{"a location of another shape", `{"resourceType":"Location","name":[]}`, "the entry has another shape than FHIR gives it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseSlotsOf(bundleOf(aSlot, tt.entry, aSchedule, aLocation, `{"resourceType":"Schedule","id":"16"}`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Unreadable{{1, tt.reason}}, got.Unreadable); diff != "" || len(got.Slots) != 1 {
				t.Errorf("%d slots, unreadable (-want +got):\n%s", len(got.Slots), diff)
			}
		})
	}
}

func TestParseSlotsOfAnAnswerThatIsNotWhole(t *testing.T) {
	whole := bundleOf(aSlot, aSchedule, aLocation)
	for text, want := range map[string]pb.ErrorReason{
		whole[:len(whole)-1]:                pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT,
		whole + "x":                         pb.ErrorReason_ERROR_REASON_ANSWER_INVALID,
		outcomeOf("error", "X", "y", "z"):   pb.ErrorReason_ERROR_REASON_ANSWER_INVALID,
		`{"resourceType":"Bundle"}`:         pb.ErrorReason_ERROR_REASON_UNSPECIFIED,
		"\ufeff" + bundleOf():               pb.ErrorReason_ERROR_REASON_UNSPECIFIED,
		strings.Repeat(" ", 17<<20) + whole: pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE,
	} {
		got, err := parseSlotsOf(text)
		if fault.ReasonOf(err) != want || (err == nil) != (got != nil) {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

func TestPublishedSlots(t *testing.T) {
	const root = "../../../shared/fixtures/gpconnect/appointments"
	for name, want := range map[string]int{
		"spec-1.2.9/search_for_free_slots_response_example.json":                        2,
		"draft-1.2.8-service-filtering/search-for-free-slots-response-payload-1.json":   2,
		"draft-1.2.8-service-filtering/search-for-free-slots-response-payload-4.json":   0,
		"draft-1.2.8-service-filtering/find-healthcareservice-response-payload-1a.json": 0,
		"draft-1.2.8-service-filtering/retrieve-patient-appts-response-payload-1b.json": 0,
	} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Skip("published slots are not beside the checkout (" + root + ")")
		}
		got, err := parseSlotsOf(string(text))
		if err != nil || len(got.Slots) != want || len(got.Unreadable) > 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range got.Slots {
			if s.Location.Address.PostalCode == "" || s.SessionType == "" || s.Role.Code == "" || len(s.Practitioners) == 0 || got.Practice.ODS == "" {
				t.Errorf("%s: slot %s lacks something", name, s.ID)
			}
		}
	}
}

func TestSlotSearchQuery(t *testing.T) {
	ods, err := nhs.ParseODSCode("Q8X01")
	if err != nil {
		t.Fatal(err)
	}
	includes := url.Values{
		"status": {"free"}, "_include": {"Slot:schedule"},
		"_include:recurse": {"Schedule:actor:Practitioner", "Schedule:actor:Location", "Location:managingOrganization"},
	}
	for _, tt := range []struct {
		name   string
		q      SlotSearch
		field  string
		filter []string
	}{
		{"one day", SlotSearch{Start: "2026-07-20", End: "2026-07-20"}, "", nil},
		{"a fortnight", SlotSearch{Start: "2026-07-20", End: "2026-08-03", OrganisationType: "urgent-care"}, "", []string{organisationTypeSystem + "|urgent-care"}},
		{"over the change of clocks", SlotSearch{Start: "2026-10-18", End: "2026-11-01", Organisation: ods}, "", []string{odsCodeSystem + "|Q8X01"}},
		{"times", SlotSearch{Start: "2026-07-20T09:00:00+01:00", End: "2026-07-20T09:00:00+01:00", OrganisationType: "x", Organisation: ods}, "", []string{organisationTypeSystem + "|x", odsCodeSystem + "|Q8X01"}},
		{"a time and its day", SlotSearch{Start: "2026-07-20T09:00:00+01:00", End: "2026-07-20"}, "", nil},
		{"fifteen days", SlotSearch{Start: "2026-07-20", End: "2026-08-04"}, "end", nil},
		{"reversed", SlotSearch{Start: "2026-07-20", End: "2026-07-19"}, "end", nil},
		{"reversed within a day", SlotSearch{Start: "2026-07-20T09:00:00+01:00", End: "2026-07-20T08:00:00+01:00"}, "end", nil},
		{"UTC", SlotSearch{Start: "2026-07-20T09:00:00Z", End: "2026-07-20"}, "start", nil},
		{"a month", SlotSearch{Start: "2026-07", End: "2026-07-20"}, "start", nil},
		{"no end", SlotSearch{Start: "2026-07-20"}, "end", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.q.query()
			if tt.field != "" {
				if e, ok := errors.AsType[*fault.Error](err); !ok || e.Violations[0].GetField() != tt.field {
					t.Errorf("error is %v, want one about %s", err, tt.field)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := url.Values{"start": {"ge" + tt.q.Start}, "end": {"le" + tt.q.End}}
			maps.Copy(want, includes)
			if tt.filter != nil {
				want["searchFilter"] = tt.filter
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseSlots(f *testing.F) {
	f.Add([]byte(bundleOf(aSlot, aSchedule, aLocation, aDoctor, theOrganization)))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Slot","start":"2026-07-20T09:00:00+01:00"}},null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseSlots(fhir.NewBundleReader(bytes.NewReader(text), fhir.Limits{Entry: 1 << 16, Total: 1 << 18}))
		if err != nil {
			return
		}
		for _, s := range got.Slots {
			if s.ID == "" || s.Location.ID == "" || !s.End.Instant.After(s.Start.Instant) || s.Start.Instant.Location() != time.UTC {
				t.Errorf("a slot that cannot be offered: %+v", s)
			}
		}
	})
}
