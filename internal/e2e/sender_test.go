package e2e

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// lookedUpSenders configures no ASID: the directory is asked by our supplier's code.
func lookedUpSenders(manufacturer string) servertest.Option {
	return servertest.WithConfig(func(c *config.Config) {
		c.System.ManufacturerODS = manufacturer
		for i := range c.Organisations {
			c.Organisations[i].ASID = ""
		}
	})
}

// Every organisation sends as itself, and never as another supplier's system beside ours.
func TestTheConsumersOwnASIDIsLookedUp(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t, lookedUpSenders("X26SG"))
		personas := map[string]string{"Q8X01": clinician, "R9Y02": "nurse"}
		for _, c := range g.spine.Consumers() {
			persona := personas[c.ODS.String()]
			if persona == "" {
				continue
			}
			delete(personas, c.ODS.String())
			for round, questions := range []int{3, 0} { // Endpoint, Device, and the consumer's own
				g.spine.Transcript().Reset()
				_, err := g.practices.GetCapabilities(g.as(t, persona), &pb.GetCapabilitiesRequest{Context: encounter("encounter-of-" + persona), OdsCode: "A20047"})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range g.spine.Transcript().Of(simulator.Proxy) {
					if got := e.Header.Get("Ssp-From"); got != c.ASID.String() {
						t.Errorf("%s sent as %s, want %s", c.ODS, got, c.ASID)
					}
				}
				if n := len(g.spine.Transcript().Of(simulator.SDSEndpoint, simulator.SDSDevice)); n != 3*questions {
					t.Errorf("round %d: %d questions, want %d", round, n, 3*questions)
				}
			}
			found := g.slots(t, "A20047")
			if c.ODS.String() == "Q8X01" {
				if _, err := g.practices.BookAppointment(g.as(t, clinician), booking("9990000018", found.slots[0])); err != nil {
					t.Error(err)
				}
			}
		}
		if len(personas) > 0 {
			t.Errorf("nobody called for %v", personas)
		}
	})
}

func TestNothingIsSentForAnOrganisationWithoutASystem(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t, lookedUpSenders("Z99XX"))
		_, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
		wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN, pb.Hop_HOP_SDS)
		if n := len(g.spine.Transcript().Of(simulator.Proxy)); n != 0 {
			t.Errorf("%d requests went to the proxy", n)
		}
		day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
		d := g.search(t, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047"}, Start: day, End: day})
		if got := d.failures["A20047"].GetError().GetReason(); got != pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN {
			t.Errorf("failed with %s", got)
		}
	})
}

// A directory that fails before a booking leaves nothing in doubt.
func TestABookingWithoutASenderIsNotMade(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t, lookedUpSenders("X26SG"))
		slot := g.slots(t, "A20047").slots[0]
		down, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.SDSDevice, ODS: "Q8X01", Interaction: nhs.CreateAppointment, Status: 500})
		if err != nil {
			t.Fatal(err)
		}
		request := booking("9990000018", slot)
		_, err = g.practices.BookAppointment(g.as(t, clinician), request)
		wantFailure(t, err, codes.Unavailable, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, pb.Hop_HOP_SDS)
		if g.sentBookings() != 0 {
			t.Error("it was sent")
		}
		down.Remove()
		time.Sleep(time.Minute)
		if answer, err := g.practices.BookAppointment(g.as(t, clinician), request); err != nil || answer.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED {
			t.Errorf("%v, %v", answer, err)
		}
	})
}

// The directory's word is not enough to send as another organisation of this gateway.
func TestNoOrganisationIsGivenAnothersASID(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := start(t, servertest.WithConfig(func(c *config.Config) {
			c.System.ManufacturerODS = "X26SG"
			for i := range c.Organisations {
				if c.Organisations[i].ODS == "Q8X01" {
					c.Organisations[i].ASID = ""
				}
			}
		}))
		const theirs = "200000000222" // R9Y02's
		body := `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Device","identifier":[
			{"system":"https://fhir.nhs.uk/Id/nhsSpineASID","value":"` + theirs + `"}],"extension":[
			{"url":"https://fhir.nhs.uk/StructureDefinition/Extension-SDS-ManufacturingOrganisation","valueReference":{"identifier":
			{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X26SG"}}}]}}]}`
		if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.SDSDevice, ODS: "Q8X01", Status: 200, Body: body}); err != nil {
			t.Fatal(err)
		}
		_, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
		wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN, pb.Hop_HOP_SDS)
		if n := len(g.spine.Transcript().Of(simulator.Proxy)); n != 0 {
			t.Errorf("%d requests left in another's name", n)
		}
	})
}
