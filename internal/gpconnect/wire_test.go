package gpconnect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/spine"
)

// sharedKeys are made once: RSA keys are the slow part of a start.
var sharedKeys = sync.OnceValues(simulator.GenerateKeys)

// world is the embedded Spine, on pipes and in virtual time, with a client in front of it.
type world struct {
	*simulator.Spine
	*gpconnect.Client

	t *testing.T
}

// inWorld runs a test against the embedded Spine.
func inWorld(t *testing.T, test func(*testing.T, *world)) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		memory := &simulator.Memory{}
		sim, err := simulator.Start(t.Context(), simulator.Options{Network: memory, Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := spine.NewProxy(spine.ProxyConfig{Upstream: spine.Config{
			BaseURL: sim.ProxyURL(), Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Dial: memory.DialContext,
			TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: sim.RootPool(), Certificates: []tls.Certificate{sim.Client().Certificate}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			proxy.Close()
			if err := sim.Close(); err != nil {
				t.Errorf("close the embedded Spine: %v", err)
			}
		}()
		test(t, &world{Spine: sim, Client: gpconnect.New(proxy, gpconnect.Config{}), t: t})
	})
}

// at is the way to a practice's root for an interaction.
func (w *world) at(ods string, interaction nhs.Interaction) gpconnect.Target {
	w.t.Helper()
	for _, p := range w.Practices() {
		if p.ODS.String() != ods {
			continue
		}
		root := p.Roots.Foundations
		if interaction == nhs.GetStructuredRecord || interaction == nhs.ReadStructuredMetadata {
			root = p.Roots.Structured
		}
		consumer := w.Consumers()[0]
		return gpconnect.Target{
			Destination: spine.Destination{ODS: p.ODS, ASID: p.ASID, Address: root}, From: consumer.ASID,
			Requester: spine.Requester{
				Organisation: spine.Organisation{ODS: consumer.ODS, Name: consumer.Name}, Issuer: "https://gateway.spinegate.example/",
				User:   spine.User{ID: "1", System: "https://gateway.spinegate.example/users", Family: "EXAMPLE", Given: "Uma"},
				Device: spine.Device{System: "https://gateway.spinegate.example/devices", ID: "1", Model: "spinegate", Version: "test"},
			},
		}
	}
	w.t.Fatalf("no practice %s", ods)
	return gpconnect.Target{}
}

func (w *world) number(digits string) nhs.Number {
	w.t.Helper()
	n, err := nhs.ParseNumber(digits)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// record is a record read to its end.
type record struct {
	entries  int
	raw      []byte
	warnings []gpconnect.Warning
	summary  *gpconnect.Summary
	err      error
}

func (w *world) record(ctx context.Context, ods, digits string, q gpconnect.RecordRequest) (out record) {
	w.t.Helper()
	q.Number = w.number(digits)
	r, err := w.Record(ctx, w.at(ods, nhs.GetStructuredRecord), q)
	if err != nil {
		return record{err: err}
	}
	defer func() {
		if err := r.Close(); err != nil {
			w.t.Errorf("close the record: %v", err)
		}
	}()
	for first := true; ; first = false {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			out.err = err
			return out
		}
		p, isPatient := event.(*gpconnect.Patient)
		if isPatient != first || isPatient && p.Number != q.Number {
			w.t.Error("the first event, and only that, is the patient")
		}
		switch e := event.(type) {
		case *gpconnect.Entry:
			out.entries++
			out.raw = append(out.raw, e.Raw...)
		case *gpconnect.Tail:
			out.raw = append(out.raw, e.Raw...)
		case *gpconnect.Warning:
			out.warnings = append(out.warnings, *e)
		case *gpconnect.Summary:
			out.summary = e
		}
	}
}

func everything(version string) gpconnect.RecordRequest {
	v := gpconnect.ParseVersion(version)
	return gpconnect.RecordRequest{Selection: gpconnect.Everything(v), Version: v}
}

func TestRecordOfTheEmbeddedPractices(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			name, ods, number, version string
			want                       gpconnect.Verdict
			reason                     pb.ErrorReason
			warning                    gpconnect.WarningKind
		}{
			{"plain", "A20047", "9990000018", "1.6.2", gpconnect.Whole, 0, 0},
			{"rich", "A20047", "9990000115", "1.6.2", 0, 0, 0},
			{"large", "A20047", "9990000360", "1.6.2", 0, 0, 0},
			{"withheld", "A20047", "9990000123", "1.6.2", gpconnect.Warned, 0, gpconnect.ConfidentialItems},
			{"in transit", "A20047", "9990000131", "1.6.2", gpconnect.Warned, 0, gpconnect.DataInTransit},
			{"nothing recorded", "A20047", "9990000158", "1.6.2", gpconnect.Whole, 0, 0},
			{"the patient last", "A20047", "9990000182", "1.6.2", gpconnect.Whole, 0, 0},
			{"an old version", "B84001", "9990000220", "1.2.7", gpconnect.Whole, 0, 0},
			{"areas switched off", "J87008", "9990000301", "1.6.2", gpconnect.Partial, 0, gpconnect.NotProvided},
			{"another patient", "A20047", "9990000174", "1.6.2", 0, pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, 0},
			{"cut", "A20047", "9990000336", "1.6.2", 0, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT, 0},
			{"dissent", "A20047", "9990000166", "1.6.2", 0, pb.ErrorReason_ERROR_REASON_PATIENT_DISSENTED, 0},
			{"a failing practice", "A20047", "9990000190", "1.6.2", 0, pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED, 0},
			{"unknown there", "A20047", "9990000107", "1.6.2", 0, pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_NOT_FOUND, 0},
			{"switched off", "E83004", "9990000255", "1.6.2", 0, pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF, 0},
		} {
			got := w.record(t.Context(), tt.ods, tt.number, everything(tt.version))
			if fault.ReasonOf(got.err) != tt.reason {
				t.Errorf("%s: error is %v, want %v", tt.name, got.err, tt.reason)
				continue
			}
			if tt.reason != 0 {
				if got.summary != nil || tt.reason == pb.ErrorReason_ERROR_REASON_WRONG_PATIENT && got.entries > 0 {
					t.Errorf("%s: %d entries and %v were released", tt.name, got.entries, got.summary)
				}
				continue
			}
			if tt.want != 0 && got.summary.Verdict != tt.want {
				t.Errorf("%s: verdict %v, areas %+v, warnings %+v", tt.name, got.summary.Verdict, got.summary.Areas, got.warnings)
			}
			if got.summary.Entries != got.entries || got.summary.SHA256 != sha256.Sum256(got.raw) || got.summary.Practice.ODS != tt.ods {
				t.Errorf("%s: summary of %d entries from %q, %d came", tt.name, got.summary.Entries, got.summary.Practice.ODS, got.entries)
			}
			if tt.warning != 0 && !slices.ContainsFunc(got.warnings, func(x gpconnect.Warning) bool { return x.Kind == tt.warning && x.Text != "" }) {
				t.Errorf("%s: no such warning among %+v", tt.name, got.warnings)
			}
			for _, a := range got.summary.Areas {
				asked := slices.Contains(everything(tt.version).Selection.Requested(), a.Area)
				if a.Area != gpconnect.Documents && asked == (a.Status == gpconnect.NotRequested) {
					t.Errorf("%s: area %v is %v", tt.name, a.Area, a.Status)
				}
			}
		}
	})
}

func TestRecordAsksWhatTheSelectionSays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		q := gpconnect.RecordRequest{Selection: gpconnect.Selection{
			Medications: &gpconnect.MedicationFilter{Start: "1999-06-01"}, Immunisations: &gpconnect.ImmunisationFilter{IncludeNotGiven: true},
		}}
		got := w.record(t.Context(), "A20047", "9990000018", q)
		if got.err != nil || got.summary.Verdict != gpconnect.Whole {
			t.Fatalf("%+v, %v", got.summary, got.err)
		}
		sent := w.Transcript().With(simulator.Provider, nhs.GetStructuredRecord)
		if len(sent) != 1 || !bytes.Contains(sent[0].Body, []byte(`"valueDate":"1999-06-01"`)) {
			t.Errorf("%d requests were sent", len(sent))
		}
		w.Transcript().Reset()
		q.Selection.Problems = []gpconnect.ProblemFilter{{}}
		if got := w.record(t.Context(), "A20047", "9990000018", q); fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_REQUEST_INVALID {
			t.Errorf("a forbidden combination: %v", got.err)
		}
		if n := len(w.Transcript().All()); n != 0 {
			t.Errorf("%d requests were sent for a forbidden combination", n)
		}
	})
}

func TestRecordSpoiltOnTheWay(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  simulator.Fault
		reason pb.ErrorReason
	}{
		{"cut at once", simulator.Fault{Cut: true, CutAfter: 1}, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT},
		{"cut in the middle", simulator.Fault{Cut: true, CutAfter: -1}, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT},
		{"cut in the middle of chunks", simulator.Fault{Cut: true, CutAfter: -1, Chunked: true}, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT},
		{"a page", simulator.Fault{Status: 200, Body: "<html>sorry</html>", MediaType: "text/html"}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"an outcome", simulator.Fault{Status: 200, Body: `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"x","diagnostics":"9990000018"}]}`}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"silence in the middle", simulator.Fault{SlowEvery: time.Minute}, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				tt.fault.Upstream, tt.fault.Interaction = simulator.Provider, nhs.GetStructuredRecord
				if _, err := w.Faults().Set(tt.fault); err != nil {
					t.Fatal(err)
				}
				got := w.record(t.Context(), "A20047", "9990000018", everything("1.6.2"))
				if fault.ReasonOf(got.err) != tt.reason || got.summary != nil {
					t.Errorf("error is %v, want %v", got.err, tt.reason)
				}
				for e := got.err; e != nil; e = errors.Unwrap(e) {
					if strings.Contains(e.Error(), "9990000018") {
						t.Errorf("the error tells of the patient: %v", e)
					}
				}
			})
		})
	}
}

func TestStatementsOfTheEmbeddedPractices(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			ods         string
			interaction nhs.Interaction
			version     string
			declared    int
		}{
			{"A20047", nhs.ReadMetadata, "1.6.2", -1},
			{"A20047", nhs.ReadStructuredMetadata, "1.6.2", 9},
			{"B84001", nhs.ReadMetadata, "1.2.7", 2},
		} {
			s, err := w.Statement(t.Context(), w.at(tt.ods, tt.interaction), tt.interaction)
			if err != nil {
				t.Errorf("%s: %v", tt.ods, err)
				continue
			}
			declared := 0
			for _, a := range s.Areas {
				if a.Support == gpconnect.Declared && a.Area != gpconnect.Documents {
					declared++
				}
			}
			if s.Version.String() != tt.version || tt.declared >= 0 && declared != tt.declared || len(s.JSON) == 0 || !s.Response.Simulated {
				t.Errorf("%s: version %s, %d areas", tt.ods, s.Version, declared)
			}
		}
	})
}

func TestBookingTheFirstSlot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, to := t.Context(), w.at("A20047", nhs.SearchSlot)
		today := time.Now().Format(time.DateOnly)
		search := gpconnect.SlotSearch{
			Start: today, End: time.Now().AddDate(0, 0, 13).Format(time.DateOnly), OrganisationType: "urgent-care",
			Organisation: to.Requester.Organisation.ODS,
		}
		slots, err := w.Slots(ctx, to, search)
		if err != nil {
			t.Fatal(err)
		}
		if len(slots.Slots) < 100 || len(slots.Unreadable) > 0 || slots.Practice.ODS != "A20047" {
			t.Fatalf("%d slots of %q, unreadable: %v", len(slots.Slots), slots.Practice.ODS, slots.Unreadable)
		}
		// Two slots that follow each other in one session, tomorrow or later.
		tomorrow := time.Now().Add(24 * time.Hour)
		var first, second gpconnect.Slot
		for i, s := range slots.Slots[:len(slots.Slots)-1] {
			next := slots.Slots[i+1]
			if s.Start.Instant.After(tomorrow) && s.ScheduleID == next.ScheduleID && s.End.Instant.Equal(next.Start.Instant) &&
				s.Channel == next.Channel && s.SlotType == next.SlotType {
				first, second = s, next
				break
			}
		}
		if second.ID == "" {
			t.Fatal("no two slots follow each other")
		}
		patient, _, err := w.FindPatient(ctx, to, w.number("9990000018"))
		if err != nil {
			t.Fatal(err)
		}
		booking := &gpconnect.Booking{
			PatientID: patient.ID, LocationID: first.Location.ID, Description: "Follow-up", Comment: "Side entrance",
			Slots: []gpconnect.BookedSlot{{ID: first.ID, Start: first.Start, End: first.End}, {ID: second.ID, Start: second.Start, End: second.End}},
			Organisation: gpconnect.BookingOrganisation{
				ODS: to.Requester.Organisation.ODS.String(), Name: to.Requester.Organisation.Name, Phone: "01130000000", Type: "urgent-care",
			},
		}
		for _, p := range first.Practitioners {
			booking.PractitionerIDs = append(booking.PractitionerIDs, p.ID)
		}
		booked, err := w.Book(ctx, to, booking)
		if err != nil {
			t.Fatal(err)
		}
		held := w.Bookings(to.Destination.ODS)
		if len(held) != 1 || held[0].ID != booked.ID || held[0].Version != booked.VersionID {
			t.Fatalf("the practice holds %d bookings", len(held))
		}
		if diff := cmp.Diff(booking.Organisation, booked.Organisation); diff != "" {
			t.Errorf("booking organisation (-want +got):\n%s", diff)
		}
		if booked.SessionType != first.SessionType || booked.SlotType != first.SlotType || booked.Channel != first.Channel || booked.Start != first.Start {
			t.Errorf("stored %+v", booked)
		}

		// Again: taken, and certainly nothing was changed.
		if _, err := w.Book(ctx, to, booking); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_SLOT_TAKEN || !gpconnect.Settled(err) {
			t.Errorf("booking twice: %v", err)
		}
		// How a lost answer is reconciled.
		mine, err := w.Appointments(ctx, to, patient.ID, time.Now(), first.Start.Instant)
		if err != nil {
			t.Fatal(err)
		}
		if len(mine.Appointments) != 1 || !mine.Appointments[0].Holds(booking.Slots) || mine.Appointments[0].ID != booked.ID {
			t.Errorf("%d appointments", len(mine.Appointments))
		}
		again, err := w.Slots(ctx, to, search)
		if err != nil || len(again.Slots) != len(slots.Slots)-2 {
			t.Errorf("%d slots are left of %d, %v", len(again.Slots), len(slots.Slots), err)
		}
	})
}

func TestBookingWhoseAnswerIsLost(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   simulator.Fault
		settled bool
		booked  int
	}{
		{"after the practice did it", simulator.Fault{Reset: true, After: true}, false, 1},
		{"cut", simulator.Fault{Cut: true, CutAfter: 10, After: true}, false, 1},
		{"an answer that says nothing", simulator.Fault{Status: 201, Body: `{}`, After: true}, false, 1},
		{"about another appointment", simulator.Fault{Status: 201, Body: `{"resourceType":"Appointment","id":"7","status":"booked"}`, After: true}, false, 1},
		{"about other slots of the patient", simulator.Fault{Status: 201, Body: `{"resourceType":"Appointment","id":"7","status":"booked","slot":[{"reference":"Slot/x"}],"participant":[{"actor":{"reference":"Patient/{patient}"}}]}`, After: true}, false, 1},
		{"a failure", simulator.Fault{Status: 500}, false, 0},
		{"a refusal of the proxy", simulator.Fault{Upstream: simulator.Proxy, Status: 403}, true, 0},
		{"nobody there", simulator.Fault{Upstream: simulator.Proxy, Unreachable: true}, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ctx, to := t.Context(), w.at("A20047", nhs.CreateAppointment)
				slots, err := w.Slots(ctx, to, gpconnect.SlotSearch{
					Start: time.Now().AddDate(0, 0, 1).Format(time.DateOnly), End: time.Now().AddDate(0, 0, 5).Format(time.DateOnly),
				})
				if err != nil || len(slots.Slots) == 0 {
					t.Fatalf("no slots: %v", err)
				}
				patient, _, err := w.FindPatient(ctx, to, w.number("9990000018"))
				if err != nil {
					t.Fatal(err)
				}
				s := slots.Slots[0]
				if tt.fault.Upstream == "" {
					tt.fault.Upstream = simulator.Provider
				}
				tt.fault.Interaction = nhs.CreateAppointment
				tt.fault.Body = strings.ReplaceAll(tt.fault.Body, "{patient}", patient.ID)
				if _, err := w.Faults().Set(tt.fault); err != nil {
					t.Fatal(err)
				}
				booking := &gpconnect.Booking{
					PatientID: patient.ID, LocationID: s.Location.ID, Description: "x",
					Slots:        []gpconnect.BookedSlot{{ID: s.ID, Start: s.Start, End: s.End}},
					Organisation: gpconnect.BookingOrganisation{ODS: "Q8X01", Name: "Example Urgent Care", Phone: "01130000000"},
				}
				_, err = w.Book(ctx, to, booking)
				if err == nil || gpconnect.Settled(err) != tt.settled {
					t.Errorf("settled is %t for %v", gpconnect.Settled(err), err)
				}
				if n := len(w.Bookings(to.Destination.ODS)); n != tt.booked {
					t.Errorf("the practice holds %d bookings, want %d", n, tt.booked)
				}
				if n := len(w.Transcript().With(simulator.Proxy, nhs.CreateAppointment)); n != 1 {
					t.Errorf("%d bookings were sent", n)
				}
				mine, err := w.Appointments(ctx, to, patient.ID, time.Now(), s.Start.Instant)
				if err != nil {
					t.Fatal(err)
				}
				found := slices.ContainsFunc(mine.Appointments, func(a *gpconnect.Appointment) bool { return a.Holds(booking.Slots) })
				if found != (tt.booked == 1) {
					t.Errorf("the appointment is found: %t", found)
				}
			})
		})
	}
}

func TestFindPatientAtAPracticeThatDoesNotKnowThem(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, _, err := w.FindPatient(t.Context(), w.at("A20047", nhs.SearchPatient), w.number("9990000107"))
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_PATIENT_UNKNOWN_AT_PRACTICE {
			t.Errorf("error is %v", err)
		}
	})
}

func TestSlotsOfAHugeDiary(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		slots, err := w.Slots(t.Context(), w.at("H86007", nhs.SearchSlot), gpconnect.SlotSearch{
			Start: time.Now().Format(time.DateOnly), End: time.Now().AddDate(0, 0, 14).Format(time.DateOnly),
		})
		if err != nil || len(slots.Slots) < 2000 || len(slots.Unreadable) > 0 {
			t.Errorf("%d slots, %d unreadable, %v", len(slots.Slots), len(slots.Unreadable), err)
		}
	})
}
