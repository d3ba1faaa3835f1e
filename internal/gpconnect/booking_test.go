package gpconnect

import (
	"errors"
	"net/http"
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
)

func moment(tb testing.TB, text string) Moment {
	tb.Helper()
	m, err := parseMoment(text)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func aBooking(tb testing.TB) *Booking {
	tb.Helper()
	nine, ten, twenty := moment(tb, "2026-03-27T09:00:00+00:00"), moment(tb, "2026-03-27T09:10:00+00:00"), moment(tb, "2026-03-27T09:20:00+00:00")
	return &Booking{
		PatientID: "2", LocationID: "17", PractitionerIDs: []string{"2"}, Slots: []BookedSlot{{"1584", nine, ten}, {"1585", ten, twenty}},
		Description: "Follow-up", Comment: "Please use the side entrance",
		Organisation: BookingOrganisation{ODS: "Q8X01", Name: "Example Urgent Care", Phone: "01130000000", Type: "urgent-care"},
	}
}

func TestBookingBody(t *testing.T) {
	const golden = `{"resourceType":"Appointment","meta":{"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-Appointment-1"]},` +
		`"contained":[{"resourceType":"Organization","id":"1","meta":{"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-Organization-1"]},` +
		`"identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"Q8X01"}],` +
		`"type":[{"coding":[{"system":"https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1","code":"urgent-care"}]}],` +
		`"name":"Example Urgent Care","telecom":[{"system":"phone","value":"01130000000"}]}],` +
		`"extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-BookingOrganisation-1","valueReference":{"reference":"#1"}}],` +
		`"status":"booked","description":"Follow-up","start":"2026-03-27T09:00:00+00:00","end":"2026-03-27T09:20:00+00:00",` +
		`"slot":[{"reference":"Slot/1584"},{"reference":"Slot/1585"}],"created":"2026-07-15T12:00:00+01:00","comment":"Please use the side entrance",` +
		`"participant":[{"actor":{"reference":"Patient/2"},"status":"accepted"},{"actor":{"reference":"Location/17"},"status":"accepted"},` +
		`{"actor":{"reference":"Practitioner/2"},"status":"accepted"}]}`
	got, err := aBooking(t).encode(noon)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden, string(got)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	plain := aBooking(t)
	plain.Comment, plain.Organisation.Type, plain.PractitionerIDs = "", "", nil
	got, err = plain.encode(noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{`"comment"`, `"type"`, `Practitioner/`, `"reason"`, `"specialty"`, `https://gp.`} {
		if strings.Contains(string(got), absent) {
			t.Errorf("the body has %s", absent)
		}
	}
}

func TestBookingRefusesWhatThePracticeWould(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Booking)
		reason pb.ErrorReason
		field  string
	}{
		{"as long as may be", func(b *Booking) { b.Description, b.Comment = strings.Repeat("é", 100), strings.Repeat("é", 500) }, pb.ErrorReason_ERROR_REASON_UNSPECIFIED, ""},
		{"a long description", func(b *Booking) { b.Description = strings.Repeat("x", 101) }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "description"},
		{"no description", func(b *Booking) { b.Description = " " }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "description"},
		{"a long comment", func(b *Booking) { b.Comment = strings.Repeat("x", 501) }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "comment"},
		{"bytes that are no text", func(b *Booking) { b.Comment = "\xff" }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "description"},
		{"no telephone number", func(b *Booking) { b.Organisation.Phone = "" }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "organisation_phone"},
		{"no slots", func(b *Booking) { b.Slots = nil }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "slot_handles"},
		{"an id that is a path", func(b *Booking) { b.Slots[0].ID = "../1" }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "slot_handles"},
		{"an absolute patient", func(b *Booking) { b.PatientID = "https://x/Patient/1" }, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, "slot_handles"},
		{"a gap", func(b *Booking) { b.Slots[1].Start = b.Slots[0].Start }, pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT, ""},
		{"the wrong order", func(b *Booking) { b.Slots[0], b.Slots[1] = b.Slots[1], b.Slots[0] }, pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := aBooking(t)
			tt.change(b)
			_, err := b.encode(noon)
			if fault.ReasonOf(err) != tt.reason {
				t.Fatalf("error is %v, want %v", err, tt.reason)
			}
			if tt.field != "" && fault.Of(err).Violations[0].GetField() != tt.field {
				t.Errorf("it is about %s", fault.Of(err).Violations[0].GetField())
			}
			if err != nil && !Settled(err) {
				t.Error("nothing was sent, and it is not settled")
			}
		})
	}
}

func TestSettled(t *testing.T) {
	said := func(hop pb.Hop, reason pb.ErrorReason, status int, codes ...string) error {
		e := fault.New(hop, reason, nil)
		e.HTTPStatus = status
		for _, c := range codes {
			e.Issues = append(e.Issues, &pb.UpstreamIssue{IssueCode: c})
		}
		return e
	}
	const practice, proxy = pb.Hop_HOP_PROVIDER, pb.Hop_HOP_SSP
	agreement := fault.New(proxy, pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT, nil)
	agreement.HTTPStatus, agreement.Issues, agreement.ProxyCoded = 403, []*pb.UpstreamIssue{{IssueCode: "FOT_CHECK_FAILED"}}, true
	taken := said(practice, pb.ErrorReason_ERROR_REASON_SLOT_TAKEN, http.StatusConflict, "DUPLICATE_REJECTED")
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"the practice says that the slot is taken", taken, true},
		{"the practice says what is wrong", said(practice, pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED, 422, "INVALID_RESOURCE"), true},
		{"the proxy says who may not", agreement, true},
		{"somebody says it in the proxy's words", said(proxy, pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT, 403, "FOT_CHECK_FAILED"), false},
		{"a conflict that nobody explains", said(proxy, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, http.StatusConflict), false},
		{"a refusal without a code", said(practice, pb.ErrorReason_ERROR_REASON_SLOT_TAKEN, http.StatusConflict), false},
		{"a refusal's code with a fault's status", said(practice, pb.ErrorReason_ERROR_REASON_SLOT_TAKEN, 500, "DUPLICATE_REJECTED"), false},
		{"a fault's code with a refusal's status", said(practice, pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED, 429, "INTERNAL_SERVER_ERROR"), false},
		{"not reached, says a 400", said(proxy, pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE, 400, "ERROR_COMMUNICATING"), false},
		{"a time-out", said(proxy, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, http.StatusRequestTimeout), false},
		{"nginx closed the connection", said(proxy, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 444), false},
		{"the practice failed", said(practice, pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED, 500, "INTERNAL_SERVER_ERROR"), false},
		{"an answer that cannot be believed", unknownOutcome(taken), false},
		{"our deadline", fault.New(proxy, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, nil), false},
		{"anything", errors.New("anything"), false},
	} {
		if got := Settled(tt.err); got != tt.want {
			t.Errorf("%s: Settled = %t", tt.name, got)
		}
	}
}

func TestParseAppointment(t *testing.T) {
	const root = "../../../shared/fixtures/gpconnect/appointments/spec-1.2.9"
	text, err := os.ReadFile(filepath.Join(root, "cancel_appt_response_example.json"))
	if err != nil {
		t.Skip("published appointments are not beside the checkout (" + root + ")")
	}
	got, err := parseAppointment(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &Appointment{
		ID: "9", VersionID: got.VersionID, Status: "cancelled", Start: got.Start, End: got.End,
		SlotIDs: got.SlotIDs, PatientID: got.PatientID, LocationID: got.LocationID,
		Description: "Free text description updated.", Comment: "Free text comment.", Channel: "In-person", SlotType: "General GP Appointment",
		SessionType: "General GP Appointments", Role: Role{"R0260", "General Medical Practitioner"},
		Organisation:       BookingOrganisation{ODS: "A00001", Name: "Test Organization Name", Phone: "0300 303 5678", Type: "gp-practice"},
		CancellationReason: got.CancellationReason, Created: got.Created, JSON: text,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("appointment (-want +got):\n%s", diff)
	}
	if got.CancellationReason == "" || got.VersionID == "" || len(got.SlotIDs) != 1 || got.PatientID != "1" || got.LocationID == "" || got.Start.Instant.IsZero() {
		t.Errorf("something was not read: %+v", got)
	}
}

func TestAppointmentTakesTheRestFromTheHeader(t *testing.T) {
	for _, tt := range []struct{ location, etag, id, version string }{
		{"https://gp.example/A/STU3/1/gpconnect/Appointment/9/_history/4", `W/"4"`, "9", "4"},
		{"Appointment/9", `"4"`, "", "4"},
		{"/Appointment/9", `4`, "9", ""},
		{"https://evil.example/Appointment/../x", `W/"a b"`, "", ""},
		{"", "", "", ""},
	} {
		a := &Appointment{}
		a.complete(http.Header{"Location": {tt.location}, "Etag": {tt.etag}})
		if a.ID != tt.id || a.VersionID != tt.version {
			t.Errorf("%s %s: id %q, version %q", tt.location, tt.etag, a.ID, a.VersionID)
		}
	}
}

func TestAppointmentHolds(t *testing.T) {
	b := aBooking(t)
	a := &Appointment{SlotIDs: []string{"1585", "1584"}, Start: moment(t, "2026-03-27T10:00:00+01:00"), End: b.Slots[1].End}
	if !a.Holds(b.Slots) {
		t.Error("the same instants in another offset, and slots in another order, are not recognised")
	}
	for name, change := range map[string]func(*Appointment){
		"another slot":   func(a *Appointment) { a.SlotIDs = []string{"1584", "1586"} },
		"a slot less":    func(a *Appointment) { a.SlotIDs = a.SlotIDs[:1] },
		"another time":   func(a *Appointment) { a.Start = b.Slots[1].Start },
		"an offset less": func(a *Appointment) { a.End = momentOrText("2026-03-27T09:20:00") },
	} {
		other := *a
		change(&other)
		if other.Holds(b.Slots) {
			t.Errorf("%s is taken for the booking", name)
		}
	}
	if a.Holds(nil) {
		t.Error("no slots are held")
	}
}

func TestParseAppointments(t *testing.T) {
	mine := `{"resourceType":"Appointment","id":"1","status":"booked","start":"2026-07-20T09:00:00","participant":[{"actor":{"reference":"Patient/2"}},{"actor":{"display":"x"}}]}`
	parse := func(resources ...string) (*Appointments, error) {
		return parseAppointments(fhir.NewBundleReader(strings.NewReader(bundleOf(resources...)), fhir.Limits{}), "2")
	}
	got, err := parse(mine, `{"resourceType":"Location"}`, `{}`, `{"resourceType":"Appointment","slot":7}`)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Appointments) != 1 || got.Appointments[0].Start != (Moment{Local: "2026-07-20T09:00:00"}) || string(got.Appointments[0].JSON) != mine {
		t.Errorf("appointments: %+v", got.Appointments)
	}
	if len(got.Unreadable) != 2 || got.Unreadable[0].Position != 2 || got.Unreadable[1].Position != 3 {
		t.Errorf("unreadable: %+v", got.Unreadable)
	}
	for _, other := range []string{
		strings.Replace(mine, "Patient/2", "Patient/3", 1), strings.Replace(mine, `{"reference":"Patient/2"}`, `{}`, 1),
		strings.Replace(mine, `{"display":"x"}`, `{"reference":"Patient/3"}`, 1),
	} {
		if _, err := parse(mine, other); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_WRONG_PATIENT {
			t.Errorf("another patient's appointment: %v", err)
		}
	}
}

func TestFindPatientIn(t *testing.T) {
	asked := number(t, askedDigits)
	for _, tt := range []struct {
		name      string
		resources []string
		want      pb.ErrorReason
	}{
		{"one", []string{patientOf("2", askedDigits), theOrganization}, pb.ErrorReason_ERROR_REASON_UNSPECIFIED},
		{"none", nil, pb.ErrorReason_ERROR_REASON_PATIENT_UNKNOWN_AT_PRACTICE},
		{"none but a practice", []string{theOrganization}, pb.ErrorReason_ERROR_REASON_PATIENT_UNKNOWN_AT_PRACTICE},
		{"two", []string{patientOf("2", askedDigits), patientOf("3", askedDigits)}, pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_AMBIGUOUS},
		{"another", []string{patientOf("2", otherDigits)}, pb.ErrorReason_ERROR_REASON_WRONG_PATIENT},
		{"one and another", []string{patientOf("2", askedDigits), patientOf("3", otherDigits)}, pb.ErrorReason_ERROR_REASON_WRONG_PATIENT},
		{"one without a number", []string{`{"resourceType":"Patient","id":"2"}`}, pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED},
		{"one without an id", []string{strings.Replace(patientOf("2", askedDigits), `"id":"2",`, "", 1)}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"one with a path for an id", []string{patientOf("2/../3", askedDigits)}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := findPatient(fhir.NewBundleReader(strings.NewReader(bundleOf(tt.resources...)), fhir.Limits{}), asked)
			if fault.ReasonOf(err) != tt.want || (err == nil) != (got != nil) {
				t.Fatalf("error is %v, want %v", err, tt.want)
			}
			if got != nil && (got.ID != "2" || got.Practice.ODS != "A20047" || string(got.Entry.JSON) != tt.resources[0]) {
				t.Errorf("patient %+v", got.Entry)
			}
		})
	}
}

func TestMomentKeepsItsDigits(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-03-29T00:59:59+00:00":     time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC),
		"2026-03-29T02:00:00+01:00":     time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		"2026-10-25T01:30:00+01:00":     time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC),
		"2026-10-25T01:30:00+00:00":     time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
		"2026-10-25T01:30:00.500+00:00": time.Date(2026, 10, 25, 1, 30, 0, 500_000_000, time.UTC),
	} {
		if got := moment(t, text); !got.Instant.Equal(want) || got.Local != text {
			t.Errorf("%s is %v", text, got)
		}
	}
	for _, text := range []string{"", "2026-03-29", "2026-03-29T09:00:00", "2026-03-29T09:00+01:00", "noon"} {
		if m, err := parseMoment(text); err == nil {
			t.Errorf("%q is %v", text, m)
		}
	}
}
