package sds_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/simulator"
)

func TestSender(t *testing.T) {
	bubble(t, "by the supplier, in one question", func(t *testing.T) {
		s, client := start(t, nil)
		began := time.Now()
		got, err := client.Sender(t.Context(), own115(t))
		if err != nil {
			t.Fatal(err)
		}
		if got.RetrievedAt.Before(began) {
			t.Errorf("retrieved at %s", got.RetrievedAt)
		}
		var lines []string
		for _, e := range s.Transcript().All() {
			lines = append(lines, e.Path+"?"+e.Query)
		}
		if diff := cmp.Diff([]string{
			"/spine-directory/FHIR/R4/Device?organization=https://fhir.nhs.uk/Id/ods-organization-code%7CQ8X01" +
				"&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId%7Curn:nhs:names:services:gpconnect:fhir:rest:search:slot-1" +
				"&manufacturing-organization=https://fhir.nhs.uk/Id/ods-organization-code%7CX26SG",
		}, lines); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	// Each has another supplier's system beside ours, and all of ours share one party key.
	bubble(t, "each organisation has its own", func(t *testing.T) {
		s, client := start(t, nil)
		asids := map[nhs.ASID]bool{}
		for _, c := range s.Consumers() {
			got, err := client.Sender(t.Context(), sds.SenderQuestion{Consumer: c.ODS, Manufacturer: c.Supplier, Interaction: nhs.SearchSlot})
			if err != nil || got.ASID != c.ASID {
				t.Errorf("%s: %s, %v; want %s", c.ODS, got.ASID, err, c.ASID)
			}
			asids[got.ASID] = true
		}
		if len(asids) < 2 {
			t.Errorf("%d ASIDs of %d organisations", len(asids), len(s.Consumers()))
		}
	})
	bubble(t, "unknown for good only when asked past the cache", func(t *testing.T) {
		s, client := start(t, nil)
		q := own115(t)
		q.Manufacturer = question(t, "Z99XX").ODS
		_, err := client.Sender(t.Context(), q)
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN || fault.Of(err).Hop != pb.Hop_HOP_SDS {
			t.Errorf("%v", err)
		}
		all := s.Transcript().All()
		if len(all) != 2 || all[0].Header.Get("Cache-Control") != "" || all[1].Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("asked %d times", len(all))
		}
	})
	bubble(t, "asked once by all who ask at the same time", func(t *testing.T) {
		s, client := start(t, nil)
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDSDevice, Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := client.Sender(t.Context(), own115(t)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(s.Transcript().All()); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	bubble(t, "nothing that is no question is asked", func(t *testing.T) {
		s, client := start(t, nil)
		for _, change := range []func(*sds.SenderQuestion){
			func(q *sds.SenderQuestion) { q.Consumer = nhs.ODSCode{} },
			func(q *sds.SenderQuestion) { q.Manufacturer = nhs.ODSCode{} },
			func(q *sds.SenderQuestion) { q.Interaction = "*" },
		} {
			q := own115(t)
			change(&q)
			if _, err := client.Sender(t.Context(), q); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_REQUEST_INVALID {
				t.Errorf("%+v: %v", q, err)
			}
		}
		if len(s.Transcript().All()) != 0 {
			t.Error("something was sent")
		}
	})
	bubble(t, "the public sandbox does not know", func(t *testing.T) {
		_, client := start(t, func(c *sds.Config) { c.Upstream.Environment = pb.Environment_ENVIRONMENT_SANDBOX })
		q := own115(t)
		q.Manufacturer = question(t, "Z99XX").ODS
		if _, err := client.Sender(t.Context(), q); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP {
			t.Errorf("%v", err)
		}
	})
}

// What a configured ASID is held against: whoever made it.
func TestSystems(t *testing.T) {
	bubble(t, "all of an organisation's", func(t *testing.T) {
		_, client := start(t, nil)
		own := own115(t)
		got, err := client.Systems(t.Context(), own)
		if err != nil {
			t.Fatal(err)
		}
		ours, others := 0, 0
		for _, s := range got {
			if s.Manufacturer == own.Manufacturer {
				ours++
			} else {
				others++
			}
			if s.ASID.IsZero() {
				t.Error("one has no ASID")
			}
		}
		if ours != 1 || others == 0 {
			t.Errorf("%d of ours, %d of others", ours, others)
		}
	})
	bubble(t, "none is an answer, when asked past the cache", func(t *testing.T) {
		s, client := start(t, nil)
		got, err := client.Systems(t.Context(), sds.SenderQuestion{Consumer: question(t, "Z99XX").ODS, Interaction: nhs.SearchSlot})
		if err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
		if n := len(s.Transcript().All()); n != 2 {
			t.Errorf("%d questions", n)
		}
	})
	bubble(t, "of nobody, or for nothing", func(t *testing.T) {
		s, client := start(t, nil)
		for _, q := range []sds.SenderQuestion{{Interaction: nhs.SearchSlot}, {Consumer: own115(t).Consumer}} {
			if _, err := client.Systems(t.Context(), q); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_REQUEST_INVALID {
				t.Errorf("%+v: %v", q, err)
			}
		}
		if n := len(s.Transcript().All()); n != 0 {
			t.Errorf("%d questions", n)
		}
	})
}
