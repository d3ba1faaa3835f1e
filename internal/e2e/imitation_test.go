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

// stopWords is an outcome in the proxy's words, with a coding of some system or none.
func stopWords(system string) string {
	const words = "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_918000000001"
	details := ""
	if system != "" {
		details = fmt.Sprintf(`"details":{"coding":[{"system":%q,"code":"403","display":%q}]},`, system, words)
	}
	return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden",%s"diagnostics":%q}]}`, details, words)
}

// ofTheProxy is the proxy's own coding system.
const ofTheProxy = "http://fhir.nhs.net/ValueSet/gpconnect-schedule-response-code-1-0"

// imitated makes the practice book, and answer as if the proxy had stopped it.
func (g *gateway) imitated(t *testing.T, system string) {
	t.Helper()
	if _, err := g.spine.Faults().Set(simulator.Fault{
		Upstream: simulator.Provider, ODS: "A20047", Interaction: nhs.CreateAppointment, Times: 1, Status: 403, Body: stopWords(system), After: true,
	}); err != nil {
		t.Fatal(err)
	}
}

// A practice books and answers in the proxy's words. Without the proxy's coding system they prove nothing: the booking is looked
// for, and never sent again.
func TestTheProxysWordsAloneDoNotProveThatABookingWasStopped(t *testing.T) {
	for _, tt := range []struct {
		name, system string
		// moved says that the directory would now name another receiver.
		moved bool
	}{
		{"no coding", "", false},
		{"a foreign coding", "https://supplier.example/codes", false},
		{"no coding, and another receiver", "", true},
		{"a foreign coding, and another receiver", "https://supplier.example/codes", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				g := start(t)
				req := booking("9990000018", g.slots(t, "A20047").slots[0])
				if tt.moved {
					g.poisoned(t, nhs.CreateAppointment, riverside, formerASID)    // the second answer
					g.poisoned(t, nhs.CreateAppointment, riverside, riversideASID) // the first
				}
				g.imitated(t, tt.system)
				for _, want := range []pb.BookingOutcome{
					pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED, pb.BookingOutcome_BOOKING_OUTCOME_REPEATED,
				} {
					answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
					if err != nil || answer.GetOutcome() != want {
						t.Errorf("%v, %v; want %s", answer.GetOutcome(), err, want)
					}
				}
				if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 1 || g.sentBookings() != 1 {
					t.Errorf("%d booked by %d requests", n, g.sentBookings())
				}
			})
		})
	}
}

// With the proxy's coding system the booking may be sent once more. If it is refused then, it may be in its own way: the diary
// decides.
func TestARefusalAfterAnEarlierSendingIsLookedInto(t *testing.T) {
	const taken = `{"resourceType":"OperationOutcome","meta":{"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/GPConnect-OperationOutcome-1"]},` +
		`"issue":[{"severity":"error","code":"duplicate","details":{"coding":[{"system":"https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1",` +
		`"code":"DUPLICATE_REJECTED","display":"x"}]}}]}`
	t.Run("within one call", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			req := booking("9990000018", g.slots(t, "A20047").slots[0])
			g.poisoned(t, nhs.CreateAppointment, riverside, formerASID)    // the second answer
			g.poisoned(t, nhs.CreateAppointment, riverside, riversideASID) // the first
			for _, f := range []simulator.Fault{
				{Status: 409, Body: taken}, // the second answer
				{Status: 403, Body: stopWords(ofTheProxy), After: true, Delay: 2 * time.Second}, // the first
			} {
				f.Upstream, f.Interaction, f.Times = simulator.Proxy, nhs.CreateAppointment, 1
				if _, err := g.spine.Faults().Set(f); err != nil {
					t.Fatal(err)
				}
			}
			answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
			if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED || g.sentBookings() != 2 {
				t.Errorf("%v, %v, %d sent", answer.GetOutcome(), err, g.sentBookings())
			}
		})
	})
	t.Run("by the same call again", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			req := booking("9990000018", g.slots(t, "A20047").slots[0])
			g.imitated(t, ofTheProxy)
			_, err := g.practices.BookAppointment(g.as(t, clinician), req)
			wantFailure(t, err, codes.Unavailable, pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED, pb.Hop_HOP_SSP)
			time.Sleep(2 * time.Second)
			answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
			if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED || g.sentBookings() != 2 {
				t.Errorf("%v, %v, %d sent", answer.GetOutcome(), err, g.sentBookings())
			}
		})
	})
	t.Run("somebody else has the slot", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			slot := g.slots(t, "A20047").slots[0]
			req := booking("9990000018", slot)
			if _, err := g.spine.Faults().Set(simulator.Fault{
				Upstream: simulator.Proxy, Interaction: nhs.CreateAppointment, Times: 1, Status: 403, Body: stopWords(ofTheProxy),
			}); err != nil {
				t.Fatal(err)
			}
			_, err := g.practices.BookAppointment(g.as(t, clinician), req)
			wantFailure(t, err, codes.Unavailable, pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED, pb.Hop_HOP_SSP)
			if _, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000042", slot)); err != nil {
				t.Fatal(err)
			}
			_, err = g.practices.BookAppointment(g.as(t, clinician), req)
			wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
			time.Sleep(11 * time.Minute)
			_, err = g.practices.BookAppointment(g.as(t, clinician), req)
			wantFailure(t, err, codes.Aborted, pb.ErrorReason_ERROR_REASON_NOT_MADE, pb.Hop_HOP_PROVIDER)
		})
	})
}

// What was only recorded and never left is refused at once.
func TestARefusalOfWhatNeverLeftIsBelieved(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		slot := g.slots(t, "A20047").slots[0]
		req := booking("9990000018", slot)
		down, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Interaction: nhs.CreateAppointment, Status: 500})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.practices.BookAppointment(g.as(t, clinician), req); err == nil {
			t.Fatal("booked without a route")
		}
		down.Remove()
		time.Sleep(time.Minute)
		if _, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000042", slot)); err != nil {
			t.Fatal(err)
		}
		_, err = g.practices.BookAppointment(g.as(t, clinician), req)
		wantFailure(t, err, codes.AlreadyExists, pb.ErrorReason_ERROR_REASON_SLOT_TAKEN, pb.Hop_HOP_PROVIDER)
	})
}
