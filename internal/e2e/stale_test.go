package e2e

import (
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// Where a practice was, as a directory says that is not up to date.
const (
	formerAddress = "https://gp.a20047.example/A20047/STU3/1/former"
	formerASID    = "918000000099"
)

// pastCaches counts the look-ups that went past every cache.
func (g *gateway) pastCaches() int {
	n := 0
	for _, e := range g.spine.Transcript().Of(simulator.SDSEndpoint) {
		if e.Header.Get("Cache-Control") == "no-cache" {
			n++
		}
	}
	return n
}

func (g *gateway) tomorrow(t *testing.T, session string) *diary {
	t.Helper()
	day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	return g.search(t, &pb.SearchSlotsRequest{Context: encounter(session), OdsCodes: []string{"A20047"}, Start: day, End: day})
}

// What the proxy refuses because the directory's answer was old is looked up past every cache, and asked once more.
func TestAnOldRouteIsLookedUpAgainAndAskedOnceMore(t *testing.T) {
	for _, tt := range []struct{ name, address, asid string }{
		{"another address", formerAddress, riversideASID},
		{"another receiver", riverside, formerASID},
		{"both", formerAddress, formerASID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, session := range []string{"", thisVisit} {
				inBubble(t, func(t *testing.T) {
					g := start(t)
					g.poisoned(t, nhs.SearchSlot, tt.address, tt.asid)
					d := g.tomorrow(t, session)
					if len(d.slots) == 0 || d.closing.GetVerdict() != pb.Verdict_VERDICT_WHOLE || d.results["A20047"].GetProvenance().GetAsid() != riversideASID {
						t.Fatalf("%d slots, %v", len(d.slots), d.failures["A20047"])
					}
					if n := len(g.spine.Transcript().With(simulator.Proxy, nhs.SearchSlot)); n != 2 || g.pastCaches() != 1 {
						t.Errorf("%d requests and %d fresh look-ups, want two and one", n, g.pastCaches())
					}
					g.spine.Transcript().Reset()
					if g.tomorrow(t, session); session != "" && len(g.lookUps()) != 0 {
						t.Error("the session did not remember the fresh route")
					}
				})
			}
		})
	}
	t.Run("a record, and whose statement was read", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			g.poisoned(t, nhs.GetStructuredRecord, formerAddress, riversideASID)
			r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
			if err != nil || r.closing == nil || len(r.entries) == 0 {
				t.Fatal(err)
			}
			// The statement is that of another place than the record came from.
			if p := r.closing.GetProvenance(); p.GetAsid() != riversideASID || p.GetSupplier() != "" || p.GetTraceIds().GetSspTraceId() == "" {
				t.Errorf("provenance = %v", p)
			}
		})
	})
	t.Run("a route that was right is not asked again", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			for range 4 {
				g.poisoned(t, nhs.SearchSlot, riverside, formerASID)
			}
			for range 2 {
				g.spine.Transcript().Reset()
				d := g.tomorrow(t, thisVisit)
				if got := d.failures["A20047"].GetError(); got.GetReason() != pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED ||
					got.GetRetry() != pb.RetryClass_RETRY_CLASS_SAME_CALL {
					t.Errorf("failed with %v", got)
				}
				if n := len(g.spine.Transcript().With(simulator.Proxy, nhs.SearchSlot)); n != 1 || g.pastCaches() != 1 {
					t.Errorf("%d requests and %d fresh look-ups, want one of each", n, g.pastCaches())
				}
				time.Sleep(time.Minute) // for as long a fresh answer is believed
			}
		})
	})
	t.Run("nor is one that the proxy refuses twice asked a third time", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			g.poisoned(t, nhs.SearchSlot, riverside, "918000000098") // the second answer
			g.poisoned(t, nhs.SearchSlot, riverside, formerASID)     // the first
			d := g.tomorrow(t, thisVisit)
			if got := d.failures["A20047"].GetError().GetReason(); got != pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED {
				t.Errorf("failed with %s", got)
			}
			if n := len(g.spine.Transcript().With(simulator.Proxy, nhs.SearchSlot)); n != 2 || g.pastCaches() != 1 {
				t.Errorf("%d requests and %d fresh look-ups, want two and one", n, g.pastCaches())
			}
			if d := g.tomorrow(t, thisVisit); len(d.slots) == 0 {
				t.Error("the wrong route was remembered")
			}
		})
	})
	t.Run("nor is one asked that is not there any more", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			const empty = `{"resourceType":"Bundle","type":"searchset","total":0,"entry":[]}`
			if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.SDSEndpoint, Status: 200, Body: empty}); err != nil {
				t.Fatal(err)
			}
			g.poisoned(t, nhs.SearchSlot, riverside, formerASID)
			d := g.tomorrow(t, thisVisit)
			if got := d.failures["A20047"].GetError().GetReason(); got != pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND {
				t.Errorf("failed with %s", got)
			}
			if n := len(g.spine.Transcript().With(simulator.Proxy, nhs.SearchSlot)); n != 1 {
				t.Errorf("%d requests, want one", n)
			}
		})
	})
}

// A practice that cannot be reached may have moved: its route is dropped, and asked about past every cache.
func TestAnUnreachablePracticeIsLookedUpAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		if len(g.tomorrow(t, thisVisit).slots) == 0 {
			t.Fatal("no slots")
		}
		gone, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.Proxy, ODS: "A20047", Unreachable: true})
		if err != nil {
			t.Fatal(err)
		}
		g.spine.Transcript().Reset()
		d := g.tomorrow(t, thisVisit)
		if got := d.failures["A20047"].GetError().GetReason(); got != pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE {
			t.Errorf("failed with %s", got)
		}
		if g.pastCaches() != 1 || len(g.spine.Transcript().Of(simulator.SDSEndpoint)) != 1 {
			t.Error("one fresh look-up is wanted, and no other")
		}
		gone.Remove()
		time.Sleep(time.Minute) // the breaker's
		if d := g.tomorrow(t, thisVisit); len(d.slots) == 0 {
			t.Errorf("%v", d.failures["A20047"])
		}
	})
}

// A booking that the proxy itself refused never reached the practice, so that it goes once more on a fresh route, if that
// leads to the service root that its slots are of.
func TestABookingOnAnOldRouteIsMadeOnce(t *testing.T) {
	t.Run("another receiver", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			slot := g.slots(t, "A20047").slots[0]
			g.poisoned(t, nhs.CreateAppointment, riverside, formerASID)
			answer, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000018", slot))
			if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED || answer.GetProvenance().GetAsid() != riversideASID {
				t.Fatalf("%v, %v", answer, err)
			}
			if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 1 || g.sentBookings() != 2 || g.pastCaches() != 1 {
				t.Errorf("%d booked by %d requests after %d fresh look-ups", n, g.sentBookings(), g.pastCaches())
			}
		})
	})
	t.Run("all of it slowly", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			slot := g.slots(t, "A20047").slots[0]
			slow := func(upstream simulator.Upstream, by time.Duration) {
				if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: upstream, Interaction: nhs.CreateAppointment, Times: 1, Delay: by}); err != nil {
					t.Fatal(err)
				}
			}
			for _, upstream := range []simulator.Upstream{simulator.SDSEndpoint, simulator.SDSDevice} {
				slow(upstream, 3500*time.Millisecond) // the second try
				slow(upstream, 5*time.Second)         // the first, which is given up
			}
			slow(simulator.Proxy, 14*time.Second) // the second sending
			slow(simulator.Proxy, 14*time.Second) // the first
			g.poisoned(t, nhs.CreateAppointment, riverside, formerASID)
			request := booking("9990000018", slot)
			answer, err := g.practices.BookAppointment(g.as(t, clinician), request)
			if err != nil { // the caller did not wait so long, and asks again
				answer, err = g.practices.BookAppointment(g.as(t, clinician), request)
			}
			if how := answer.GetOutcome(); err != nil || how == pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED {
				t.Errorf("%v, %v", how, err)
			}
			if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 1 || g.sentBookings() != 2 {
				t.Errorf("%d booked by %d requests", n, g.sentBookings())
			}
		})
	})
	t.Run("the directory cannot say where it is now", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			slot := g.slots(t, "A20047").slots[0]
			down, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Interaction: nhs.CreateAppointment, Status: 500})
			if err != nil {
				t.Fatal(err)
			}
			g.poisoned(t, nhs.CreateAppointment, riverside, formerASID)
			request := booking("9990000018", slot)
			_, err = g.practices.BookAppointment(g.as(t, clinician), request)
			wantFailure(t, err, codes.Unavailable, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, pb.Hop_HOP_SDS)
			if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 0 || g.sentBookings() != 1 {
				t.Errorf("%d booked by %d requests", n, g.sentBookings())
			}
			// Nothing was made, and the same call makes it.
			down.Remove()
			time.Sleep(time.Minute)
			if answer, err := g.practices.BookAppointment(g.as(t, clinician), request); err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED {
				t.Errorf("%v, %v", answer, err)
			}
		})
	})
	t.Run("the practice has moved", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			slot := g.slots(t, "A20047").slots[0]
			g.poisoned(t, nhs.CreateAppointment, "https://gp.moved.example/A20047", riversideASID) // the second answer
			g.poisoned(t, nhs.CreateAppointment, riverside, formerASID)
			request := booking("9990000018", slot)
			_, err := g.practices.BookAppointment(g.as(t, clinician), request)
			wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, pb.Hop_HOP_GATEWAY)
			if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 0 || g.sentBookings() != 1 {
				t.Errorf("%d booked by %d requests", n, g.sentBookings())
			}
		})
	})
	t.Run("one that may have arrived is not sent again", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			slot := g.slots(t, "A20047").slots[0]
			if _, err := g.spine.Faults().Set(simulator.Fault{
				Upstream: simulator.Proxy, Interaction: nhs.CreateAppointment, Status: 502, After: true,
			}); err != nil {
				t.Fatal(err)
			}
			answer, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000018", slot))
			if err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED {
				t.Errorf("%v, %v", answer, err)
			}
			if n := len(g.spine.Bookings(ods(t, "A20047"))); n != 1 || g.sentBookings() != 1 {
				t.Errorf("%d booked by %d requests", n, g.sentBookings())
			}
		})
	})
}

// Where one of a practice's systems has moved, the others may have: the session forgets all of them, and no other practice's.
func TestAnOldRouteTakesThePracticesOthersWithIt(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t)
		capable := func(ods string) {
			if _, err := g.practices.GetCapabilities(g.as(t, clinician), &pb.GetCapabilitiesRequest{Context: encounter(thisVisit), OdsCode: ods}); err != nil {
				t.Fatal(err)
			}
		}
		capable("A20047")
		capable("F84005")
		g.poisoned(t, nhs.SearchSlot, riverside, formerASID)
		if len(g.tomorrow(t, thisVisit).slots) == 0 {
			t.Fatal("no slots")
		}
		g.spine.Transcript().Reset()
		if capable("F84005"); len(g.spine.Transcript().All()) != 0 {
			t.Error("the other practice was forgotten, too")
		}
		if capable("A20047"); len(g.spine.Transcript().Of(simulator.SDSEndpoint)) != 3 || len(g.spine.Transcript().Of(simulator.Proxy)) != 3 {
			t.Error("what was known of the practice was used again")
		}
	})
}

// What one call of a session found out, the others of the session use: neither many calls on one old route nor a practice that
// stays unreachable take more than one fresh look-up.
func TestAFreshLookUpIsMadeOnceForASession(t *testing.T) {
	t.Run("calls on one old route", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			g.poisoned(t, nhs.SearchSlot, riverside, formerASID)
			if _, err := g.directory.ResolveEndpoint(g.as(t, clinician), &pb.ResolveEndpointRequest{
				Context: encounter(thisVisit), OdsCode: "A20047", Interaction: known(pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT),
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.Proxy, Interaction: nhs.SearchSlot, Delay: time.Second}); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			for i := range 5 {
				all.Go(func() {
					time.Sleep(time.Duration(i) * 10 * time.Millisecond)
					g.tomorrow(t, thisVisit)
				})
			}
			all.Wait()
			if g.pastCaches() != 1 {
				t.Errorf("%d fresh look-ups for five calls", g.pastCaches())
			}
		})
	})
	t.Run("a proxy that reaches nobody", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			g := start(t)
			if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.Proxy, Status: 502}); err != nil {
				t.Fatal(err)
			}
			for range 4 {
				if d := g.tomorrow(t, thisVisit); d.failures["A20047"].GetError().GetReason() != pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE {
					t.Errorf("%v", d.failures["A20047"])
				}
			}
			if g.pastCaches() != 1 {
				t.Errorf("%d fresh look-ups in four calls", g.pastCaches())
			}
		})
	})
}
