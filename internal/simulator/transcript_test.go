package simulator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

func TestTranscript(t *testing.T) {
	r := start(t, simulator.Options{})
	bearer := "Bearer " + r.token()
	id := uuid.NewString()
	r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018?a=b%20c", "", "Authorization", bearer, "X-Request-ID", id)
	r.look("/Endpoint", "organization", ods+"A20047", "identifier", interaction+nhs.SearchSlot.String())
	r.look("/Device", "organization", ods+"A20047", "identifier", interaction+nhs.SearchSlot.String())
	r.metadata(r.practice("A20047"))
	if diff := cmp.Diff([]simulator.Upstream{
		simulator.Token, simulator.PDS, simulator.SDSEndpoint, simulator.SDSDevice, simulator.Proxy, simulator.Provider,
	}, r.Transcript().Upstreams()); diff != "" {
		t.Errorf("what was called (-want +got):\n%s", diff)
	}
	r.settle()
	all := r.Transcript().All()
	for i, e := range all {
		if e.Sequence != i+1 || e.Status != http.StatusOK || !e.Done || e.At.IsZero() || e.Connection == 0 {
			t.Errorf("%s: %d, status %d, done %v, at %v, connection %d", e.Upstream, e.Sequence, e.Status, e.Done, e.At, e.Connection)
		}
	}
	token, pds := all[0], all[1]
	if token.JWT == nil || token.JWT.Claims["sub"] != simulator.APIKey || token.JWT.Header["alg"] != "RS512" ||
		token.JWT.Signature == "" {
		t.Errorf("the client assertion was read as %+v", token.JWT)
	}
	if pds.JWT != nil {
		t.Error("an opaque token was read as a JWT")
	}
	if diff := cmp.Diff([]string{"GET", "/personal-demographics/FHIR/R4/Patient/9990000018", "a=b%20c", id}, []string{
		pds.Method, pds.Path, pds.Query, pds.Header.Get("X-Request-ID"),
	}); diff != "" {
		t.Errorf("PDS (-want +got):\n%s", diff)
	}
	if got := len(r.Transcript().Of(simulator.SDS)); got != 2 {
		t.Errorf("%d exchanges with SDS, want 2", got)
	}
	if got := len(r.Transcript().With(simulator.Provider, nhs.ReadMetadata)); got != 1 {
		t.Errorf("%d exchanges with the interaction, want 1", got)
	}
	if got := len(r.Transcript().With(simulator.Provider, nhs.SearchSlot)); got != 0 {
		t.Errorf("%d exchanges with another interaction, want 0", got)
	}
	for _, e := range all {
		kept := e.Upstream != simulator.Proxy && e.Upstream != simulator.Provider
		if (len(e.Answer) > 0) != kept {
			t.Errorf("%s: %d bytes of the answer are kept", e.Upstream, len(e.Answer))
		}
	}
	if !strings.Contains(string(pds.Answer), `"resourceType"`) {
		t.Errorf("PDS answered %.80q", pds.Answer)
	}
	if got := r.Transcript().Reset(); len(got) != len(all) {
		t.Errorf("Reset returned %d exchanges", len(got))
	}
	if got := r.Transcript().All(); len(got) != 0 {
		t.Errorf("%d exchanges after Reset", len(got))
	}
}

func TestTranscriptWaits(t *testing.T) {
	r := start(t, simulator.Options{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for range 3 {
			r.metadata(r.practice("A20047"))
		}
	})
	if err := r.Transcript().Wait(t.Context(), func(all []simulator.Exchange) bool {
		return len(all) == 6 && all[5].Done
	}); err != nil {
		t.Error(err)
	}
	wait.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.Transcript().Wait(ctx, func([]simulator.Exchange) bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
}
