package e2e

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// The system of another practice stands for where A20047 is said to be.
const (
	elsewhere     = "https://gp.b84001.example/B84001/STU3/1/gpconnect"
	elsewhereASID = "918000000002"
)

// knownElsewhere makes the other system know the patient by an id of its own.
func (g *gateway) knownElsewhere(t *testing.T, id string) {
	t.Helper()
	body := fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"resource":{"resourceType":"Patient","id":%q,`+
		`"meta":{"versionId":"1"},"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}]}}]}`, id)
	if _, err := g.spine.Faults().Set(simulator.Fault{
		Upstream: simulator.Provider, ODS: "B84001", Interaction: nhs.SearchPatient, Status: 200, Body: body,
	}); err != nil {
		t.Fatal(err)
	}
}

// An id that one system has for the patient is another person's at another system. Where the directory's answers disagree, the
// patient is found at the root of the slots or the booking is refused.
func TestAPatientIsBookedAtTheRootWhereTheyWereFound(t *testing.T) {
	for _, tt := range []struct {
		name string
		// stale is how many of the directory's answers about SearchPatient name the other system.
		stale int
		books bool
	}{
		{"an old answer is asked for again", 1, true},
		{"an answer that stays is refused", 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				g := start(t)
				slots := g.slots(t, "A20047").slots
				if _, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000042", slots[0])); err != nil {
					t.Fatal(err)
				}
				another := g.spine.Bookings(ods(t, "A20047"))[0].PatientID
				g.knownElsewhere(t, another)
				for range tt.stale {
					g.poisoned(t, nhs.SearchPatient, elsewhere, elsewhereASID)
				}
				_, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000018", slots[1]))
				all := g.spine.Bookings(ods(t, "A20047"))
				if !tt.books {
					wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, pb.Hop_HOP_GATEWAY)
					if len(all) != 1 || g.sentBookings() != 1 {
						t.Errorf("%d booked by %d requests, want only the first", len(all), g.sentBookings())
					}
					return
				}
				if err != nil || len(all) != 2 || all[1].PatientID == another {
					t.Errorf("%v; %d booked, the last for another person: %t", err, len(all), all[len(all)-1].PatientID == another)
				}
			})
		})
	}
}

// What is not in the diary of another system says nothing of the one where it was booked.
func TestABookingIsLookedForWhereItWasMade(t *testing.T) {
	for _, tt := range []struct {
		name string
		// moved are the interactions whose routes name the other system.
		moved []nhs.Interaction
	}{
		{"the appointments are elsewhere", []nhs.Interaction{nhs.SearchPatientAppointments}},
		{"the patients are elsewhere", []nhs.Interaction{nhs.SearchPatient}},
		{"all are elsewhere", []nhs.Interaction{nhs.SearchPatient, nhs.SearchPatientAppointments}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				g := start(t)
				req := booking("9990000018", g.slots(t, "A20047").slots[0])
				lostAnswer(t, g)
				away, err := g.spine.Faults().Set(simulator.Fault{
					Upstream: simulator.Provider, Interaction: nhs.SearchPatientAppointments, Status: 503,
				})
				if err != nil {
					t.Fatal(err)
				}
				_, err = g.practices.BookAppointment(g.as(t, clinician), req)
				wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
				away.Remove()
				time.Sleep(11 * time.Minute)

				g.knownElsewhere(t, "2")
				const none = `{"resourceType":"Bundle","type":"searchset","total":0,"entry":[]}`
				if _, err := g.spine.Faults().Set(simulator.Fault{
					Upstream: simulator.Provider, ODS: "B84001", Interaction: nhs.SearchPatientAppointments, Status: 200, Body: none,
				}); err != nil {
					t.Fatal(err)
				}
				for _, interaction := range tt.moved {
					g.poisoned(t, interaction, elsewhere, elsewhereASID) // the second answer
					g.poisoned(t, interaction, elsewhere, elsewhereASID) // the first
				}
				_, err = g.practices.BookAppointment(g.as(t, clinician), req)
				wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
				// Once the directory is right again it is found.
				for range 2 {
					answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
					if err == nil && answer.GetOutcome() == pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED {
						return
					}
				}
				t.Error("the booking was not found again")
			})
		})
	}
}

// A practice that moves between two windows of a search has failed: slots of two systems are never one answer.
func TestASearchAcrossAMoveFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		const varies = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","details":{"coding":[{"system":"` + ofTheProxy +
			`","code":"400","display":"ENDPOINT_x_CPAID_S1_VARIES_FROM_TARGETURL_y"}]}}]}`
		for _, f := range []simulator.Fault{
			{Status: 400, Body: varies}, // the second window's answer
			{Delay: time.Millisecond},   // the first's
		} {
			f.Upstream, f.ODS, f.Interaction, f.Times = simulator.Proxy, "A20047", nhs.SearchSlot, 1
			if _, err := g.spine.Faults().Set(f); err != nil {
				t.Fatal(err)
			}
		}
		g.poisoned(t, nhs.SearchSlot, elsewhere, elsewhereASID) // the second answer
		g.poisoned(t, nhs.SearchSlot, riverside, riversideASID) // the first
		now := time.Now()
		d := g.search(t, &pb.SearchSlotsRequest{
			OdsCodes: []string{"A20047"}, Start: now.AddDate(0, 0, 1).Format(time.DateOnly), End: now.AddDate(0, 0, 21).Format(time.DateOnly),
		})
		if len(d.slots) == 0 || d.closing.GetVerdict() != pb.Verdict_VERDICT_PARTIAL {
			t.Errorf("%d slots, %s", len(d.slots), d.closing.GetVerdict())
		}
		failed := d.failures["A20047"]
		if e := failed.GetError(); e.GetReason() != pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES || e.GetRetry() != pb.RetryClass_RETRY_CLASS_SAME_CALL {
			t.Errorf("failed with %v", e)
		}
		for _, e := range g.spine.Transcript().With(simulator.Provider, nhs.SearchSlot) {
			if e.Header.Get("Ssp-To") == elsewhereASID {
				t.Error("the other system was asked for the rest")
			}
		}
	})
}
