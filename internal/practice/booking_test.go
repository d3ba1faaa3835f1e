package practice_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

func TestBookingRules(t *testing.T) {
	c, system := open(t, func(cfg *practice.Config) {
		past := practice.Session{Type: "Night", SlotTypes: []string{"x"}, Channels: []string{"In-person"}, Start: "00:00", Slots: 1, Minutes: 1, Clinician: "gp"}
		cfg.Diary.Sessions = append(slices.Clone(cfg.Diary.Sessions), past)
		cfg.Diary.ShowPast = true
	})
	slots, location := c.tomorrow()
	patient := c.patient("9990000018")
	set := func(name string, value any) func(doc) {
		return func(d doc) {
			if value == nil {
				delete(d, name)
			} else {
				d[name] = value
			}
		}
	}
	organisation := func(name string, value any) func(doc) {
		return func(d doc) {
			contained, _ := d["contained"].([]doc)
			d["contained"] = []doc{with(contained[0], doc{name: value})}
		}
	}
	actors := func(references ...string) func(doc) {
		var participants []doc
		for _, r := range references {
			participants = append(participants, doc{"actor": doc{"reference": r}, "status": "accepted"})
		}
		return set("participant", participants)
	}
	slot := func(ids ...string) func(doc) {
		var references []doc
		for _, id := range ids {
			references = append(references, doc{"reference": id})
		}
		return set("slot", references)
	}
	of := func(i int) string { return "Slot/" + text(slots[i]["id"]) }
	compact := strings.ReplaceAll(day(1), "-", "")
	for _, tt := range []struct {
		name string
		bend func(doc)
	}{
		{"another resource", set("resourceType", "Slot")},
		{"no profile", set("meta", nil)},
		{"another status", set("status", "proposed")},
		{"no description", set("description", nil)},
		{"a description of 101 characters", set("description", strings.Repeat("é", 101))},
		{"a comment of 501 characters", set("comment", strings.Repeat("é", 501))},
		{"no time of creation", set("created", nil)},
		{"a time of creation in Z", set("created", "2026-03-26T15:04:05Z")},
		{"no slot", set("slot", nil)},
		{"an unknown slot", slot("Slot/nothing")},
		{"an absolute slot", slot(foundation + "/" + of(0))},
		{"the same slot twice", func(d doc) { slot(of(0), of(0))(d) }},
		{"slots with a gap", func(d doc) { slot(of(0), of(2))(d); d["end"] = slots[2]["end"] }},
		{"a slot that is for others", func(d doc) {
			slot("Slot/" + compact + "-5-0")(d)
			d["start"], d["end"] = at(1, 16, 30), at(1, 16, 40)
		}},
		{"a visit", func(d doc) {
			slot("Slot/" + compact + "-6-0")(d)
			d["start"], d["end"] = at(1, 12, 30), at(1, 13, 0)
		}},
		{"a slot in the past", func(d doc) {
			slot("Slot/" + strings.ReplaceAll(day(0), "-", "") + "-7-0")(d)
			d["start"], d["end"] = at(0, 0, 0), at(0, 0, 1)
		}},
		{"another start", set("start", slots[1]["start"])},
		{"another end", set("end", slots[1]["end"])},
		{"the start in Z", set("start", must(time.Parse(time.RFC3339, text(slots[0]["start"]))).UTC().Format(time.RFC3339))},
		{"a reason", set("reason", []doc{{"text": "x"}})},
		{"a specialty", set("specialty", []doc{{"text": "x"}})},
		{"an unknown element", set("colour", "red")},
		{"a cancellation reason", func(d doc) {
			extensions, _ := d["extension"].([]doc)
			d["extension"] = append(slices.Clone(extensions), doc{
				"url": "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-AppointmentCancellationReason-1", "valueString": "x",
			})
		}},
		{"no booking organisation", set("extension", nil)},
		{"no contained organisation", set("contained", nil)},
		{"an organisation without a profile", organisation("meta", nil)},
		{"an organisation without a code", organisation("identifier", nil)},
		{"an organisation without a name", organisation("name", nil)},
		{"an organisation without a telephone", organisation("telecom", nil)},
		{"an organisation of another id", organisation("id", "2")},
		{"no participants", set("participant", nil)},
		{"no patient", actors(location)},
		{"no location", actors("Patient/" + patient)},
		{"two patients", actors("Patient/"+patient, "Patient/"+patient, location)},
		{"an unknown patient", actors("Patient/nobody", location)},
		{"an absolute patient", actors(foundation+"/Patient/"+patient, location)},
		{"another location", actors("Patient/"+patient, "Location/elsewhere")},
		{"an unknown practitioner", actors("Patient/"+patient, location, "Practitioner/nobody")},
		{"a participant without a status", set("participant", []doc{
			{"actor": doc{"reference": "Patient/" + patient}}, {"actor": doc{"reference": location}, "status": "accepted"},
		})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request := booking(slots[:1], location, patient)
			tt.bend(request)
			c.book(request, nil).refused(t, 422, "invalid", "INVALID_RESOURCE")
		})
	}
	for name, body := range map[string]string{"not JSON": "Appointment", "cut": `{"resourceType":"Appoint`, "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			r := c.send(call{
				method: http.MethodPost, root: foundation, path: "Appointment", interaction: nhs.CreateAppointment, scope: "patient/*.write", body: body,
			})
			r.refused(t, 400, "invalid", "BAD_REQUEST")
		})
	}
	t.Run("a read scope", func(t *testing.T) {
		r := c.send(call{
			method: http.MethodPost, root: foundation, path: "Appointment", interaction: nhs.CreateAppointment, scope: "patient/*.read", body: "{}",
		})
		r.refused(t, 400, "invalid", "BAD_REQUEST")
	})
	if n := len(system.Bookings()); n != 0 {
		t.Errorf("%d refused requests were booked", n)
	}
	t.Run("all that is allowed", func(t *testing.T) {
		request := booking(slots[:1], location, patient)
		request["description"], request["comment"] = strings.Repeat("é", 100), strings.Repeat("é", 500)
		request["serviceCategory"] = doc{"text": "ignored"}
		if r := c.book(request, nil); r.status != http.StatusCreated || codeText(r.body["serviceCategory"]) != "General surgery" {
			t.Errorf("status %d, session %v; %s", r.status, r.body["serviceCategory"], r.raw)
		}
	})
}

// at is a UK local time on the day that many days from today.
func at(days, hour, minute int) string {
	zone := must(time.LoadLocation("Europe/London"))
	now := time.Now().In(zone)
	return time.Date(now.Year(), now.Month(), now.Day()+days, hour, minute, 0, 0, zone).Format("2006-01-02T15:04:05-07:00")
}

func TestAnUrgentCareCentreBooksItsOwnSlots(t *testing.T) {
	c, _ := open(t, nil)
	_, location := c.tomorrow()
	slot := doc{"id": strings.ReplaceAll(day(1), "-", "") + "-5-0", "start": at(1, 16, 30), "end": at(1, 16, 40)}
	request := booking([]doc{slot}, location, c.patient("9990000239")) // temporary patients may be booked
	contained, _ := request["contained"].([]doc)
	contained[0]["type"] = []doc{{"coding": []doc{{"system": "https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1", "code": "urgent-care"}}}}
	if r := c.book(request, nil); r.status != http.StatusCreated {
		t.Errorf("status %d; %s", r.status, r.raw)
	}
}

func TestOfManyWhoWantASlotOneGetsIt(t *testing.T) {
	c, system := open(t, nil)
	slots, location := c.tomorrow()
	request := booking(slots[:1], location, c.patient("9990000018"))
	const many = 24
	replies := make([]reply, many)
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() { replies[i] = c.book(request, nil) })
	}
	wg.Wait()
	count := map[int]int{}
	for _, r := range replies {
		count[r.status]++
		if r.status != http.StatusCreated {
			r.refused(t, 409, "duplicate", "DUPLICATE_REJECTED")
		}
	}
	if want := (map[int]int{201: 1, 409: many - 1}); !cmp.Equal(want, count) {
		t.Errorf("answers = %v, want %v", count, want)
	}
	if n := len(system.Bookings()); n != 1 {
		t.Errorf("%d bookings", n)
	}
}

func TestAnOrganisationHasALimit(t *testing.T) {
	c, _ := open(t, func(cfg *practice.Config) { cfg.Diary.Limit = 2 })
	slots, location := c.tomorrow()
	patient := c.patient("9990000018")
	if r := c.book(booking(slots[:2], location, patient), nil); r.status != http.StatusCreated {
		t.Fatalf("status %d; %s", r.status, r.raw)
	}
	c.book(booking(slots[2:3], location, patient), nil).refused(t, 422, "invalid", "INVALID_RESOURCE")
}

// retrieve asks for a patient's appointments.
func (c *caller) retrieve(patient, query string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodGet, root: foundation, path: "Patient/" + patient + "/Appointment" + query,
		interaction: nhs.SearchPatientAppointments, scope: "patient/*.read",
	})
}

func (c *caller) read(id string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodGet, root: foundation, path: "Appointment/" + id, interaction: nhs.ReadAppointment, scope: "patient/*.read",
	})
}

func TestRetrieveAndRead(t *testing.T) {
	c, _ := open(t, nil)
	slots, location := c.tomorrow()
	patient := c.patient("9990000018")
	id := text(c.book(booking(slots[:1], location, patient), nil).body["id"])
	for query, status := range map[string]int{
		"?start=ge" + day(0) + "&start=le" + day(7): 200,
		"?start=le" + day(1) + "&start=ge" + day(1): 200,
		"?start=ge" + day(0):                        422,
		"":                                          422,
		"?start=ge" + day(-1) + "&start=le" + day(7):                       422,
		"?start=ge" + day(2) + "&start=le" + day(1):                        422,
		"?start=ge" + day(1) + "&start=ge" + day(2):                        422,
		"?start=ge" + day(0) + "T00:00:00%2B00:00&start=le" + day(7):       422,
		"?start=" + day(0) + "&start=" + day(7):                            422,
		"?start=ge2026-05&start=le2026-06":                                 422,
		"?start=ge" + day(0) + "&start=le" + day(7) + "&start=le" + day(8): 422,
	} {
		t.Run(query, func(t *testing.T) {
			r := c.retrieve(patient, query)
			if status != 200 {
				r.refused(t, 422, "invalid", "INVALID_PARAMETER")
				return
			}
			if got := r.resources(); r.status != 200 || len(got) != 1 || got[0]["id"] != id {
				t.Errorf("status %d, %d appointments; %s", r.status, len(got), r.raw)
			}
		})
	}
	if r := c.retrieve(patient, "?start=ge"+day(2)+"&start=le"+day(7)); r.status != 200 || len(r.resources()) != 0 {
		t.Errorf("another week: status %d, %d appointments", r.status, len(r.resources()))
	}
	if r := c.retrieve(c.patient("9990000115"), "?start=ge"+day(0)+"&start=le"+day(7)); len(r.resources()) != 0 {
		t.Error("another patient has the appointment")
	}
	c.retrieve("nobody", "?start=ge"+day(0)+"&start=le"+day(7)).refused(t, 404, "not-found", "PATIENT_NOT_FOUND")
	if r := c.read(id); r.status != 200 || r.header.Get("ETag") != `W/"1"` {
		t.Errorf("read: status %d, ETag %q", r.status, r.header.Get("ETag"))
	}
	c.read("nothing").refused(t, 404, "not-found", "NO_RECORD_FOUND")
}

func (c *caller) put(interaction nhs.Interaction, id string, resource doc, etag string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodPut, root: foundation, path: "Appointment/" + id, interaction: interaction, scope: "patient/*.write",
		body: string(must(json.Marshal(resource))), header: map[string]string{"If-Match": etag},
	})
}

func TestAmend(t *testing.T) {
	c, _ := open(t, nil)
	slots, location := c.tomorrow()
	held := c.book(booking(slots[:1], location, c.patient("9990000018")), nil).body
	id := text(held["id"])
	r := c.put(nhs.UpdateAppointment, id, with(held, doc{"description": "Changed", "comment": nil}), `W/"1"`)
	if r.status != 200 || r.header.Get("ETag") != `W/"2"` || r.body["description"] != "Changed" || r.body["comment"] != nil {
		t.Fatalf("status %d, ETag %q; %s", r.status, r.header.Get("ETag"), r.raw)
	}
	if text(object(r.body["meta"])["versionId"]) != "2" {
		t.Errorf("meta = %v", r.body["meta"])
	}
	held = c.read(id).body
	c.put(nhs.UpdateAppointment, id, held, `W/"1"`).refused(t, 409, "conflict", "FHIR_CONSTRAINT_VIOLATION")
	c.put(nhs.UpdateAppointment, id, held, "").refused(t, 400, "invalid", "BAD_REQUEST")
	c.put(nhs.UpdateAppointment, "nothing", held, `W/"2"`).refused(t, 404, "not-found", "NO_RECORD_FOUND")
	for name, changes := range map[string]doc{
		"a status": {"status": "cancelled"}, "no organisation": {"contained": nil}, "another end": {"end": slots[1]["end"]},
		"no extensions": {"extension": nil}, "another id": {"id": "x"}, "too many words": {"description": strings.Repeat("x", 101)},
		"no description": {"description": nil}, "an unknown element": {"colour": "red"}, "no session": {"serviceCategory": nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.put(nhs.UpdateAppointment, id, with(held, changes), `W/"2"`).refused(t, 422, "invalid", "INVALID_RESOURCE")
		})
	}
}

func TestCancelFreesTheSlot(t *testing.T) {
	c, system := open(t, nil)
	slots, location := c.tomorrow()
	patient := c.patient("9990000018")
	held := c.book(booking(slots[:1], location, patient), nil).body
	id := text(held["id"])
	cancelled := func(why string, changes doc) doc {
		extensions, _ := held["extension"].([]any)
		return with(with(held, doc{"status": "cancelled", "extension": append(slices.Clone(extensions), doc{
			"url":         "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-AppointmentCancellationReason-1",
			"valueString": why,
		})}), changes)
	}
	c.put(nhs.CancelAppointment, id, cancelled(" ", nil), `W/"1"`).refused(t, 422, "invalid", "INVALID_PARAMETER")
	c.put(nhs.CancelAppointment, id, with(held, doc{"status": "cancelled"}), `W/"1"`).refused(t, 422, "invalid", "INVALID_PARAMETER")
	c.put(nhs.CancelAppointment, id, cancelled("ill", doc{"status": "booked"}), `W/"1"`).refused(t, 422, "invalid", "INVALID_RESOURCE")
	c.put(nhs.CancelAppointment, id, cancelled("ill", doc{"comment": "x"}), `W/"1"`).refused(t, 422, "invalid", "INVALID_RESOURCE")
	c.put(nhs.UpdateAppointment, id, cancelled("ill", nil), `W/"1"`).refused(t, 422, "invalid", "INVALID_RESOURCE")
	c.put(nhs.CancelAppointment, id, cancelled("ill", nil), `W/"7"`).refused(t, 409, "conflict", "FHIR_CONSTRAINT_VIOLATION")

	r := c.put(nhs.CancelAppointment, id, cancelled("ill", nil), `W/"1"`)
	if r.status != 200 || r.body["status"] != "cancelled" || r.header.Get("ETag") != `W/"2"` {
		t.Fatalf("status %d; %s", r.status, r.raw)
	}
	if !system.Bookings()[0].Cancelled {
		t.Error("the booking does not say that it is cancelled")
	}
	free, _ := c.tomorrow()
	if len(free) != len(slots) || text(object(free[0]["meta"])["versionId"]) != "3" {
		t.Errorf("%d slots of %d are free again, the first in version %v", len(free), len(slots), object(free[0]["meta"])["versionId"])
	}
	all := c.retrieve(patient, "?start=ge"+day(0)+"&start=le"+day(7)).resources()
	if len(all) != 1 || all[0]["status"] != "cancelled" {
		t.Error("the cancelled appointment is not retrieved")
	}
	c.put(nhs.UpdateAppointment, id, r.body, `W/"2"`).refused(t, 422, "invalid", "INVALID_RESOURCE")
	if r := c.book(booking(slots[:1], location, patient), nil); r.status != http.StatusCreated {
		t.Errorf("booking again: status %d; %s", r.status, r.raw)
	}
}

func TestSlotsFromOutside(t *testing.T) {
	raw := `{"resourceType":"Bundle","type":"searchset","entry":[
 {"resource":{"resourceType":"Schedule","id":"s","serviceCategory":{"text":"Clinic"},"actor":[{"reference":"Location/l"},{"reference":"Practitioner/p"}]}},
 {"resource":{"resourceType":"Slot","id":"x","extension":[{"url":"c","valueCode":"Video"}],"serviceType":[{"text":"Long"}],"schedule":{"reference":"Schedule/s"},"start":"` +
		at(3, 9, 0) + `","end":"` + at(3, 9, 10) + `"}} ]}`
	c, _ := open(t, func(cfg *practice.Config) { cfg.Slots = []byte(raw) })
	if got := string(c.slots(slotQuery(1, 2).Encode()).raw); got != raw {
		t.Errorf("got %q", got)
	}
	request := booking([]doc{{"id": "x", "start": at(3, 9, 0), "end": at(3, 9, 10)}}, "Location/l", c.patient("9990000018"))
	r := c.book(request, nil)
	if r.status != http.StatusCreated || codeText(r.body["serviceCategory"]) != "Clinic" {
		t.Fatalf("status %d; %s", r.status, r.raw)
	}
	c.book(request, nil).refused(t, 409, "duplicate", "DUPLICATE_REJECTED")
}

func FuzzBooking(f *testing.F) {
	c, _ := open(f, nil)
	slots, location := c.tomorrow()
	f.Add(string(must(json.Marshal(booking(slots[:2], location, c.patient("9990000018"))))))
	f.Add(`{"resourceType":"Appointment","contained":[null],"slot":[{}],"participant":[{}]}`)
	f.Add(`{"resourceType":"Appointment","meta":{"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-Appointment-1"]},"description":"x"}`)
	system, err := practice.New(config())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		system.ServeHTTP(w, call{
			method: http.MethodPost, root: foundation, path: "Appointment", interaction: nhs.CreateAppointment, scope: "patient/*.write", body: body,
		}.request(t, "", ownASID))
		switch w.Code {
		case 201, 400, 409, 422:
		default:
			t.Errorf("%d for %q", w.Code, body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("an answer that is not JSON for %q", body)
		}
	})
}
