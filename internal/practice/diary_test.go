package practice_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

const (
	urgentCare = "https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1|urgent-care"
	gpPractice = "https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1|gp-practice"
	consumer   = "https://fhir.nhs.uk/Id/ods-organization-code|Q8X01"
)

// slotQuery is a good search for the days from and to, both counted from today.
func slotQuery(from, to int) url.Values {
	return url.Values{
		"start": {"ge" + day(from)}, "end": {"le" + day(to)}, "status": {"free"}, "_include": {"Slot:schedule"},
		"_include:recurse": {"Schedule:actor:Practitioner", "Schedule:actor:Location", "Location:managingOrganization"},
	}
}

func (c *caller) slots(query string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodGet, root: foundation, path: "Slot?" + query, interaction: nhs.SearchSlot, scope: "organization/*.read",
	})
}

func TestSlotParameters(t *testing.T) {
	c, _ := open(t, nil)
	set := func(name string, values ...string) func(url.Values) {
		return func(q url.Values) {
			if values == nil {
				q.Del(name)
			} else {
				q[name] = values
			}
		}
	}
	days := func(from, to int) func(url.Values) {
		return func(q url.Values) { q.Set("start", "ge"+day(from)); q.Set("end", "le"+day(to)) }
	}
	for _, tt := range []struct {
		name   string
		bend   func(url.Values)
		status int
	}{
		{"as the contract asks", func(url.Values) {}, 200},
		{"the same day twice", days(1, 1), 200},
		{"eight days", days(1, 9), 200},
		{"fourteen days", days(1, 15), 200},
		{"fifteen days", days(1, 16), 422},
		{"thirty-one days", days(1, 32), 422},
		{"backwards", days(2, 1), 422},
		{"a time and a date", set("start", "ge"+day(1)+"T09:00:00+00:00"), 200},
		{"no start", set("start"), 400},
		{"two starts", set("start", "ge"+day(1), "ge"+day(2)), 400},
		{"no end", set("end"), 400},
		{"no status", set("status"), 400},
		{"no schedule", set("_include"), 400},
		{"a schedule by recursion", func(q url.Values) { q.Del("_include"); q.Add("_include:recurse", "Slot:schedule") }, 400},
		{"busy", set("status", "busy"), 422},
		{"start without its prefix", set("start", day(1)), 422},
		{"start with another prefix", set("start", "gt"+day(1)), 422},
		{"end with the prefix of start", set("end", "ge"+day(1)), 422},
		{"a partial date", set("start", "ge2026-03"), 422},
		{"a day that is none", set("start", "ge2026-02-30"), 422},
		{"a time in Z", set("start", "ge"+day(1)+"T09:00:00Z"), 422},
		{"a time without an offset", set("start", "ge"+day(1)+"T09:00:00"), 422},
		{"a time with fractions", set("start", "ge"+day(1)+"T09:00:00.000+00:00"), 422},
		{"times backwards on one day", func(q url.Values) {
			q.Set("start", "ge"+day(1)+"T12:00:00+00:00")
			q.Set("end", "le"+day(1)+"T09:00:00+00:00")
		}, 422},
		{"an unknown filter", set("searchFilter", "https://example.org|x", "nothing"), 200},
		{"an unknown parameter", set("colour", "red"), 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := slotQuery(1, 3)
			tt.bend(q)
			r := c.slots(q.Encode())
			switch tt.status {
			case 200:
				if r.status != http.StatusOK {
					t.Errorf("status = %d, want 200; %s", r.status, r.raw)
				}
			case 400:
				r.refused(t, 400, "invalid", "BAD_REQUEST")
			default:
				r.refused(t, 422, "invalid", "INVALID_PARAMETER")
			}
		})
	}
	t.Run("a raw plus sign", func(t *testing.T) {
		q := slotQuery(1, 2)
		q.Del("start")
		r := c.slots(q.Encode() + "&start=ge" + day(1) + "T09:00:00+00:00")
		r.refused(t, 422, "invalid", "INVALID_PARAMETER")
	})
	t.Run("a raw bar", func(t *testing.T) {
		r := c.slots(slotQuery(1, 2).Encode() + "&searchFilter=" + consumer)
		r.refused(t, 400, "invalid", "BAD_REQUEST")
	})
}

func TestSlotsAndWhatTheyInclude(t *testing.T) {
	c, _ := open(t, nil)
	q := slotQuery(1, 2)
	r := c.slots(q.Encode())
	count := map[string]int{}
	schedules := map[string]doc{}
	for _, res := range r.resources() {
		count[text(res["resourceType"])]++
		if text(object(res["meta"])["versionId"]) == "" {
			t.Errorf("%v/%v has no version", res["resourceType"], res["id"])
		}
		if res["resourceType"] == "Schedule" {
			schedules[text(res["id"])] = res
		}
	}
	if want := (map[string]int{"Slot": 148, "Schedule": 10, "Location": 2, "Practitioner": 4, "Organization": 1}); !cmp.Equal(want, count) {
		t.Errorf("resources (-want +got):\n%s", cmp.Diff(want, count))
	}
	zone := must(time.LoadLocation("Europe/London"))
	for _, s := range ofType(r.resources(), "Slot") {
		start := must(time.Parse(time.RFC3339, text(s["start"])))
		if text(s["start"]) != start.In(zone).Format("2006-01-02T15:04:05-07:00") {
			t.Errorf("start = %s is not UK local time with an offset", s["start"])
		}
		schedule := schedules[strings.TrimPrefix(text(object(s["schedule"])["reference"]), "Schedule/")]
		if schedule == nil || text(object(schedule["serviceCategory"])["text"]) == "" || text(list(s["serviceType"])[0]["text"]) == "" {
			t.Errorf("slot %v lacks a schedule, a session type or a slot type", s["id"])
		}
		if channel := text(list(s["extension"])[0]["valueCode"]); !slices.Contains([]string{"In-person", "Telephone", "Video"}, channel) {
			t.Errorf("channel = %q", channel)
		}
	}
	q.Del("_include:recurse")
	for _, res := range c.slots(q.Encode()).resources() {
		if kind := res["resourceType"]; kind == "Location" || kind == "Practitioner" {
			t.Errorf("a %v came although it was not to be included", kind)
		}
	}
	none := c.slots(slotQuery(100, 101).Encode())
	if none.status != http.StatusOK || none.body["entry"] != nil {
		t.Errorf("no slots: status %d, entry %v; want 200 and nothing, not even the Organization", none.status, none.body["entry"])
	}
}

func TestSearchFilterMatrix(t *testing.T) {
	session := func(name string, types, organisations []string) practice.Session {
		return practice.Session{
			Type: name, SlotTypes: []string{"x"}, Channels: []string{"In-person"}, Start: "09:00", Slots: 1, Minutes: 10, Clinician: "gp",
			OrganisationTypes: types, Organisations: organisations,
		}
	}
	c, _ := open(t, func(cfg *practice.Config) {
		cfg.Diary = practice.Diary{Sessions: []practice.Session{
			session("open", nil, nil), session("type", []string{"urgent-care"}, nil), session("ods", nil, []string{"Q8X01"}),
			session("both", []string{"urgent-care"}, []string{"Q8X01"}),
		}}
	})
	for _, tt := range []struct {
		name    string
		filters []string
		want    []string
	}{
		{"nothing", nil, []string{"open"}},
		{"its type", []string{urgentCare}, []string{"open", "type"}},
		{"another type", []string{gpPractice}, []string{"open"}},
		{"its code", []string{consumer}, []string{"ods", "open"}},
		{"both", []string{urgentCare, consumer}, []string{"both", "ods", "open", "type"}},
		{"another type and its code", []string{gpPractice, consumer}, []string{"ods", "open"}},
		{"a type that is not known", []string{"https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1|hospital"}, []string{"open"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := slotQuery(1, 1)
			q["searchFilter"] = tt.filters
			var got []string
			for _, s := range ofType(c.slots(q.Encode()).resources(), "Schedule") {
				got = append(got, text(object(s["serviceCategory"])["text"]))
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPastSlotsAndEmbargo(t *testing.T) {
	long := practice.Session{
		Type: "All day", SlotTypes: []string{"x"}, Channels: []string{"Telephone"}, Start: "00:00", Slots: 288, Minutes: 5, Clinician: "gp",
	}
	for name, tt := range map[string]struct {
		diary practice.Diary
		after time.Duration // no slot begins sooner than this
		past  bool
	}{
		"no past slots":           {practice.Diary{Sessions: []practice.Session{long}}, 0, false},
		"past slots where wanted": {practice.Diary{Sessions: []practice.Session{long}, ShowPast: true}, 0, true},
		"an embargo":              {practice.Diary{Sessions: []practice.Session{long}, Embargo: 3 * time.Hour}, 3 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := open(t, func(cfg *practice.Config) { cfg.Diary = tt.diary })
			began := time.Now()
			past := 0
			for _, s := range ofType(c.slots(slotQuery(0, 1).Encode()).resources(), "Slot") {
				if must(time.Parse(time.RFC3339, text(s["start"]))).Before(began.Add(tt.after)) {
					past++
				}
			}
			if zone := must(time.LoadLocation("Europe/London")); tt.past && began.In(zone).Hour() > 0 && past == 0 || !tt.past && past > 0 {
				t.Errorf("%d slots begin too soon", past)
			}
		})
	}
}

func TestHugeDiary(t *testing.T) {
	c, _ := open(t, func(cfg *practice.Config) { cfg.Diary = practice.HugeDiary() })
	if n := len(ofType(c.slots(slotQuery(1, 15).Encode()).resources(), "Slot")); n < 6000 {
		t.Errorf("%d slots in a fortnight, want thousands", n)
	}
}

// booking is a good request for slots, as the contract's example.
func booking(slots []doc, schedule, patient string) doc {
	var references []doc
	for _, s := range slots {
		references = append(references, doc{"reference": "Slot/" + text(s["id"])})
	}
	return doc{
		"resourceType": "Appointment",
		"meta":         doc{"profile": []string{"https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-Appointment-1"}},
		"contained": []doc{{
			"resourceType": "Organization", "id": "1",
			"meta":       doc{"profile": []string{"https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-Organization-1"}},
			"identifier": []doc{{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Q8X01"}},
			"name":       "Example Hub", "telecom": []doc{{"system": "phone", "value": "01632 960000"}},
		}},
		"extension": []doc{{
			"url":            "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-BookingOrganisation-1",
			"valueReference": doc{"reference": "#1"},
		}},
		"status": "booked", "description": "Follow-up", "comment": "Please use the side entrance",
		"start": slots[0]["start"], "end": slots[len(slots)-1]["end"], "slot": references,
		"created": time.Now().Format("2006-01-02T15:04:05-07:00"),
		"participant": []doc{
			{"actor": doc{"reference": "Patient/" + patient}, "status": "accepted"},
			{"actor": doc{"reference": schedule}, "status": "accepted"},
		},
	}
}

func (c *caller) book(resource doc, header map[string]string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodPost, root: foundation, path: "Appointment", interaction: nhs.CreateAppointment, scope: "patient/*.write",
		body: string(must(json.Marshal(resource))), header: header,
	})
}

// patient is the logical id of an NHS number at the Foundations root.
func (c *caller) patient(number string) string {
	c.tb.Helper()
	r := c.send(call{
		method: http.MethodGet, root: foundation, interaction: nhs.SearchPatient, scope: "patient/*.read",
		path: "Patient?identifier=" + url.QueryEscape("https://fhir.nhs.uk/Id/nhs-number|"+number),
	})
	if len(r.resources()) != 1 {
		c.tb.Fatalf("%d patients", len(r.resources()))
	}
	return text(r.resources()[0]["id"])
}

// tomorrow are the free slots of tomorrow's first session, in order, and its location as a reference.
func (c *caller) tomorrow() (slots []doc, location string) {
	c.tb.Helper()
	r := c.slots(slotQuery(1, 1).Encode())
	first := object(ofType(r.resources(), "Slot")[0]["schedule"])["reference"]
	for _, s := range ofType(r.resources(), "Slot") {
		if object(s["schedule"])["reference"] == first {
			slots = append(slots, s)
		}
	}
	return slots, text(list(resolve(r.resources(), text(first))["actor"])[0]["reference"])
}

func TestBooking(t *testing.T) {
	c, system := open(t, nil)
	slots, location := c.tomorrow()
	request := booking(slots[:2], location, c.patient("9990000018"))
	r := c.book(request, nil)
	if r.status != http.StatusCreated || r.header.Get("ETag") != `W/"1"` || r.header.Get("Last-Modified") == "" {
		t.Fatalf("status %d, headers %v; %s", r.status, r.header, r.raw)
	}
	id := text(r.body["id"])
	if got, want := r.header.Get("Location"), foundation+"/Appointment/"+id+"/_history/1"; got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	for _, name := range []string{"contained", "status", "description", "comment", "start", "end", "slot", "created", "participant"} {
		var want any
		if err := json.Unmarshal(must(json.Marshal(request[name])), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.body[name]); diff != "" {
			t.Errorf("%s (-sent +stored):\n%s", name, diff)
		}
	}
	if codeText(r.body["serviceCategory"]) != "General surgery" || text(list(r.body["serviceType"])[0]["text"]) != "Routine" {
		t.Errorf("service = %v, %v", r.body["serviceCategory"], r.body["serviceType"])
	}
	extensions := fmt.Sprint(r.body["extension"])
	for _, want := range []string{"DeliveryChannel-2", "PractitionerRole-1", "BookingOrganisation-1"} {
		if !strings.Contains(extensions, want) {
			t.Errorf("no extension %s in %s", want, extensions)
		}
	}
	left, _ := c.tomorrow()
	if len(left) != len(slots)-2 {
		t.Errorf("%d slots are left of %d", len(left), len(slots))
	}
	c.book(request, nil).refused(t, 409, "duplicate", "DUPLICATE_REJECTED")
	got := system.Bookings()
	if len(got) != 1 || got[0].ID != id || got[0].Organisation != "Q8X01" || got[0].Cancelled || len(got[0].Slots) != 2 {
		t.Errorf("bookings = %+v", got)
	}
	quiet := c.book(booking(slots[3:4], location, c.patient("9990000018")), map[string]string{"Prefer": "return=minimal"})
	if quiet.status != http.StatusCreated || len(quiet.raw) != 0 || quiet.header.Get("Location") == "" {
		t.Errorf("return=minimal: status %d, %d bytes", quiet.status, len(quiet.raw))
	}
}
