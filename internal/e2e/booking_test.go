package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// sentBookings are the requests to book that reached the proxy.
func (g *gateway) sentBookings() int {
	return len(g.spine.Transcript().With(simulator.Proxy, nhs.CreateAppointment))
}

func TestABookingIsSentOnceHoweverOftenItIsAskedFor(t *testing.T) {
	g := start(t)
	slot := g.slots(t, "A20047").slots[0]
	req := booking("9990000018", slot)
	first, err := g.practices.BookAppointment(g.as(t, clinician), req)
	if err != nil {
		t.Fatal(err)
	}
	again, err := g.practices.BookAppointment(g.as(t, clinician), req)
	if err != nil || again.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_REPEATED {
		t.Fatalf("again: %v, %v", again, err)
	}
	if !proto.Equal(first.GetAppointment(), again.GetAppointment()) {
		t.Error("the answer changed")
	}
	if n := g.sentBookings(); n != 1 {
		t.Errorf("%d requests were sent", n)
	}

	t.Run("the same id with another body is refused", func(t *testing.T) {
		other := proto.CloneOf(req)
		other.Description = "Something else"
		_, err := g.practices.BookAppointment(g.as(t, clinician), other)
		wantFailure(t, err, codes.AlreadyExists, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED, pb.Hop_HOP_GATEWAY)
	})
	t.Run("a refusal is repeated, too", func(t *testing.T) {
		taken := booking("9990000042", slot)
		for range 2 {
			_, err := g.practices.BookAppointment(g.as(t, clinician), taken)
			wantFailure(t, err, codes.AlreadyExists, pb.ErrorReason_ERROR_REASON_SLOT_TAKEN, pb.Hop_HOP_PROVIDER)
		}
		if n := g.sentBookings(); n != 2 {
			t.Errorf("%d requests were sent in all", n)
		}
	})
}

// Many callers, one slot: one booking, and nobody is left in doubt.
func TestOneSlotIsBookedOnce(t *testing.T) {
	const callers = 8 // what the gateway lets one person do at once
	g := start(t)
	slot := g.slots(t, "A20047").slots[0]
	ctx := g.as(t, clinician)
	var group sync.WaitGroup
	results := make(chan codes.Code, callers)
	for i := range callers {
		group.Go(func() {
			req := booking("9990000018", slot)
			req.Description = fmt.Sprintf("Follow-up of caller %d", i) // so that the judge can tell them from one booking sent twice
			_, err := g.practices.BookAppointment(ctx, req)
			results <- status.Code(err)
		})
	}
	group.Wait()
	close(results)
	count := map[codes.Code]int{}
	for code := range results {
		count[code]++
	}
	if count[codes.OK] != 1 || count[codes.AlreadyExists] != callers-1 {
		t.Errorf("got %v", count)
	}
	if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 1 {
		t.Errorf("the practice holds %d bookings", n)
	}
}

// Two calls with one request_id at the same moment are one booking: the second waits for the first.
func TestTwoCallsWithOneRequestIDAreOneBooking(t *testing.T) {
	g := start(t)
	req := booking("9990000018", g.slots(t, "A20047").slots[0])
	ctx := g.as(t, clinician)
	outcomes := make(chan pb.BookingOutcome, 2)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			answer, err := g.practices.BookAppointment(ctx, req)
			if err != nil {
				t.Error(err)
			}
			outcomes <- answer.GetOutcome()
		})
	}
	group.Wait()
	got := map[pb.BookingOutcome]int{<-outcomes: 1}
	got[<-outcomes]++
	if got[pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED] != 1 || got[pb.BookingOutcome_BOOKING_OUTCOME_REPEATED] != 1 || g.sentBookings() != 1 {
		t.Errorf("%v, %d sent", got, g.sentBookings())
	}
}

func TestAdjacentSlotsAreBookedTogether(t *testing.T) {
	g := start(t)
	var first, second *pb.Slot
	for _, s := range g.slots(t, "A20047").slots {
		if first != nil && s.GetSessionHandle() == first.GetSessionHandle() &&
			s.GetStart().GetInstant().AsTime().Equal(first.GetEnd().GetInstant().AsTime()) {
			second = s
			break
		}
		first = s
	}
	if second == nil {
		t.Fatal("the diary has no adjacent slots")
	}
	_, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000018", second, first))
	wantFailure(t, err, codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT, pb.Hop_HOP_GATEWAY)
	answer, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000018", first, second))
	if err != nil {
		t.Fatal(err)
	}
	a := answer.GetAppointment()
	if a.GetStart().GetLocal() != first.GetStart().GetLocal() || a.GetEnd().GetLocal() != second.GetEnd().GetLocal() {
		t.Errorf("booked from %s to %s", a.GetStart().GetLocal(), a.GetEnd().GetLocal())
	}
}

func TestHandlesBelongToTheirPracticeAndOrganisation(t *testing.T) {
	g := start(t)
	slot := g.slots(t, "A20047").slots[0]
	elsewhere := booking("9990000018", slot)
	elsewhere.OdsCode = "B84001"
	_, err := g.practices.BookAppointment(g.as(t, clinician), elsewhere)
	wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, pb.Hop_HOP_GATEWAY)
	made := booking("9990000018", slot)
	made.SlotHandles = []string{"AXMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	_, err = g.practices.BookAppointment(g.as(t, clinician), made)
	wantFailure(t, err, codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, pb.Hop_HOP_GATEWAY)
	if n := g.sentBookings(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestAPatientWhomThePracticeDoesNotKnowIsNotRegisteredByBooking(t *testing.T) {
	g := start(t)
	slot := g.slots(t, "A20047").slots[0]
	_, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000220", slot)) // registered at another practice
	wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_PATIENT_UNKNOWN_AT_PRACTICE, pb.Hop_HOP_PROVIDER)
	if n := g.sentBookings(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// lostAnswer makes the practice do its work and stay silent about it.
func lostAnswer(t *testing.T, g *gateway) {
	t.Helper()
	if _, err := g.spine.Faults().Set(simulator.Fault{
		Upstream: simulator.Provider, Interaction: nhs.CreateAppointment, After: true, Reset: true, Times: 1,
	}); err != nil {
		t.Fatal(err)
	}
}

// The practice booked and its answer was lost: the gateway looks, and finds the appointment.
func TestALostAnswerIsReconciled(t *testing.T) {
	g := start(t)
	req := booking("9990000018", g.slots(t, "A20047").slots[0])
	lostAnswer(t, g)
	answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
	if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED {
		t.Fatalf("%v, %v", answer, err)
	}
	if n := g.sentBookings(); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}

// The answer is lost and the practice cannot be asked either: nobody knows, and the same call finds out later.
func TestAnUnknownOutcomeIsSaidAndFoundOut(t *testing.T) {
	g := start(t)
	req := booking("9990000018", g.slots(t, "A20047").slots[0])
	lostAnswer(t, g)
	away, err := g.spine.Faults().Set(simulator.Fault{
		Upstream: simulator.Provider, Interaction: nhs.SearchPatientAppointments, Status: 503,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = g.practices.BookAppointment(g.as(t, clinician), req)
		wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
		if detailOf(err).GetRetry() != pb.RetryClass_RETRY_CLASS_SAME_REQUEST_ID {
			t.Errorf("retry = %s", detailOf(err).GetRetry())
		}
	}
	away.Remove()
	answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
	if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED {
		t.Fatalf("%v, %v", answer, err)
	}
	if n := g.sentBookings(); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}

// A caller who gives up does not stop a booking that is under way: it is settled, and the same call tells.
func TestACallerWhoLeavesDoesNotLoseTheBooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		req := booking("9990000018", g.slots(t, "A20047").slots[0])
		if _, err := g.spine.Faults().Set(simulator.Fault{
			Upstream: simulator.Provider, Interaction: nhs.CreateAppointment, After: true, Delay: 5 * time.Second, Times: 1,
		}); err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithTimeout(g.as(t, clinician), 2*time.Second)
		defer leave()
		if _, err := g.practices.BookAppointment(ctx, req); status.Code(err) != codes.DeadlineExceeded {
			t.Fatalf("the caller waited: %v", err)
		}
		answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
		if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_REPEATED {
			t.Fatalf("%v, %v", answer, err)
		}
		if n := g.sentBookings(); n != 1 {
			t.Errorf("%d requests were sent", n)
		}
	})
}

// A request that never reached anybody was not made, and the same call may be sent again.
func TestABookingThatNeverArrivedIsToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		req := booking("9990000018", g.slots(t, "A20047").slots[0])
		if _, err := g.spine.Faults().Set(simulator.Fault{
			Upstream: simulator.Proxy, Interaction: nhs.CreateAppointment, Reset: true, Times: 1,
		}); err != nil {
			t.Fatal(err)
		}
		// The proxy may have passed it on, for all that the gateway can see: it looks, finds nothing, and says so.
		_, err := g.practices.BookAppointment(g.as(t, clinician), req)
		wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
		// Long after, the practice still holds nothing: it was not made.
		time.Sleep(11 * time.Minute)
		_, err = g.practices.BookAppointment(g.as(t, clinician), req)
		wantFailure(t, err, codes.Aborted, pb.ErrorReason_ERROR_REASON_NOT_MADE, pb.Hop_HOP_PROVIDER)
		if n := g.sentBookings(); n != 1 {
			t.Errorf("%d requests were sent", n)
		}
		req.RequestId = uuid.NewString()
		if _, err := g.practices.BookAppointment(g.as(t, clinician), req); err != nil {
			t.Errorf("with a new request_id: %v", err)
		}
	})
}

// Refusals that prove nothing: the practice has booked, and something on the way answers for it. Nobody may conclude that
// the booking was not made, and nothing may be sent again.
func TestARefusalThatProvesNothingIsLookedInto(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
	}{
		{"a conflict in HTML", 409, "<html>conflict</html>"},
		{"not found in HTML", 404, "<html>not found</html>"},
		{"too many requests", 429, ""},
		{"the proxy's words with another status", 400, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"transient",` +
			`"details":{"coding":[{"system":"http://fhir.nhs.net/ValueSet/gpconnect-schedule-response-code-1-0","code":"400",` +
			`"display":"ERROR_COMMUNICATING_TO_ENDPOINT_URL_x"}]},"diagnostics":"ERROR_COMMUNICATING_TO_ENDPOINT_URL_x"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t)
			req := booking("9990000018", g.slots(t, "A20047").slots[0])
			if _, err := g.spine.Faults().Set(simulator.Fault{
				Upstream: simulator.Provider, Interaction: nhs.CreateAppointment, After: true, Status: tt.status, Body: tt.body, Times: 1,
			}); err != nil {
				t.Fatal(err)
			}
			answer, err := g.practices.BookAppointment(g.as(t, clinician), req)
			if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED {
				t.Errorf("%v, %v", answer.GetOutcome(), err)
			}
			if n := g.sentBookings(); n != 1 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// An appointment that resembles the lost booking without being it keeps the question open, however much time has passed.
func TestAnAppointmentThatResemblesTheBookingKeepsTheQuestionOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		slot := g.slots(t, "A20047").slots[0]
		lost := booking("9990000018", slot)
		if _, err := g.spine.Faults().Set(simulator.Fault{
			Upstream: simulator.Proxy, Interaction: nhs.CreateAppointment, Reset: true, Times: 1,
		}); err != nil {
			t.Fatal(err)
		}
		_, err := g.practices.BookAppointment(g.as(t, clinician), lost)
		wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
		other := booking("9990000018", slot)
		other.Description = "Booked by telephone"
		if _, err := g.practices.BookAppointment(g.as(t, clinician), other); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		_, err = g.practices.BookAppointment(g.as(t, clinician), lost)
		wantFailure(t, err, codes.Unknown, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, pb.Hop_HOP_PROVIDER)
	})
}

// What was booked is told again only about a patient who may be asked about today.
func TestARepeatedBookingAsksPDSAgain(t *testing.T) {
	g := start(t)
	req := booking("9990000018", g.slots(t, "A20047").slots[0])
	if _, err := g.practices.BookAppointment(g.as(t, clinician), req); err != nil {
		t.Fatal(err)
	}
	g.Forget()
	if _, err := g.practices.BookAppointment(g.as(t, clinician), req); err != nil {
		t.Fatal(err)
	}
	if heard := g.spine.Transcript().Upstreams(); !slices.Contains(heard, simulator.PDS) || slices.Contains(heard, simulator.Provider) {
		t.Errorf("%v heard of it", heard)
	}
}
