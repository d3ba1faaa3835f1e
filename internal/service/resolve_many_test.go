package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

func interactions(all ...pb.KnownInteraction) []*pb.Interaction {
	var out []*pb.Interaction
	for _, i := range all {
		out = append(out, &pb.Interaction{Name: &pb.Interaction_Known{Known: i}})
	}
	return out
}

const (
	slots = pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT
	books = pb.KnownInteraction_KNOWN_INTERACTION_CREATE_APPOINTMENT
)

// directoryStory is what a stream told, held against the promises of every stream. Targets are "ODS interaction".
type directoryStory struct {
	opening  *pb.DirectoryOpening
	results  map[string]*pb.EndpointFound
	failures map[string]*pb.EndpointFailure
	at       map[string]time.Time
	closing  *pb.DirectoryClosing
}

func resolveMany(ctx context.Context, t *testing.T, g *servertest.Gateway, req *pb.ResolveEndpointsRequest) (*directoryStory, error) {
	t.Helper()
	stream, err := g.EndpointDirectory.ResolveEndpoints(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	return hearDirectory(t, stream)
}

func hearDirectory(t *testing.T, stream grpc.ServerStreamingClient[pb.ResolveEndpointsResponse]) (*directoryStory, error) {
	t.Helper()
	s := &directoryStory{results: map[string]*pb.EndpointFound{}, failures: map[string]*pb.EndpointFailure{}, at: map[string]time.Time{}}
	for next := int32(0); ; next++ {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if s.closing == nil {
				t.Error("the stream ended with OK and without its closing message")
			}
			return s, nil
		}
		if err != nil {
			return s, err
		}
		if m.GetSequence() != next || m.GetContinues() || (m.GetOpening() != nil) != (next == 0) || s.closing != nil {
			t.Fatalf("message %d where %d was due, or out of place", m.GetSequence(), next)
		}
		ended := func(ods, interaction string) string {
			target := ods + " " + interaction
			if s.results[target] != nil || s.failures[target] != nil {
				t.Errorf("%s ended twice", target)
			}
			s.at[target] = time.Now()
			return target
		}
		switch e := m.GetEvent().(type) {
		case *pb.ResolveEndpointsResponse_Opening:
			s.opening = e.Opening
		case *pb.ResolveEndpointsResponse_Result:
			s.results[ended(e.Result.GetEndpoint().GetOdsCode(), e.Result.GetEndpoint().GetInteractionId())] = e.Result
		case *pb.ResolveEndpointsResponse_Failure:
			s.failures[ended(e.Failure.GetOdsCode(), e.Failure.GetInteractionId())] = e.Failure
		case *pb.ResolveEndpointsResponse_Closing:
			s.closing = e.Closing
		}
	}
}

// balanced holds the counts of a stream that closed against one another.
func (s *directoryStory) balanced(t *testing.T, verdict pb.Verdict) {
	t.Helper()
	c := s.closing
	if int(c.GetResultsTotal()) != len(s.results) || int(c.GetFailuresTotal()) != len(s.failures) ||
		int(s.opening.GetTargetsTotal()) != len(s.results)+len(s.failures) || c.GetVerdict() != verdict {
		t.Errorf("%d targets, %d results, %d failures; the closing says %v", s.opening.GetTargetsTotal(), len(s.results), len(s.failures), c)
	}
}

func TestEachTargetEndsOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t)
		raw := &pb.Interaction{Name: &pb.Interaction_Raw{Raw: nhs.SearchSlot.String()}}
		s, err := resolveMany(g.As(t.Context(), t, "clinician"), t, g, &pb.ResolveEndpointsRequest{
			OdsCodes:     []string{"a20047", "A20047", "C81002", "D82003", "B84001", "Z99ZZ"},
			Interactions: append(interactions(slots, books, slots), raw),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.balanced(t, pb.Verdict_VERDICT_PARTIAL)
		for _, i := range []nhs.Interaction{nhs.SearchSlot, nhs.CreateAppointment} {
			for code, asid := range map[string]string{"A20047": "918000000001", "B84001": "918000000002"} {
				r := s.results[code+" "+i.String()]
				if r.GetEndpoint().GetAsid() != asid || r.GetEndpoint().GetAddress() == "" || r.GetEndpoint().GetPartyKey() == "" ||
					r.GetEndpoint().GetManufacturerOdsCode() != "Y12SP" {
					t.Errorf("%s %s: %v", code, i, r)
				}
				if p := r.GetProvenance(); p.GetPracticeOdsCode() != code || p.GetInteractionId() != i.String() || p.GetAsid() != asid ||
					!p.GetSimulated() || p.GetRetrievedAt() == nil || p.GetTraceIds().GetCallId() == "" || p.GetTraceIds().GetCorrelationId() == "" {
					t.Errorf("provenance = %v", p)
				}
			}
			for code, want := range map[string]pb.ErrorReason{
				"C81002": pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, "D82003": pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND,
				"Z99ZZ": pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND,
			} {
				f := s.failures[code+" "+i.String()]
				if f.GetError().GetReason() != want || f.GetError().GetHop() != pb.Hop_HOP_SDS || f.GetProvenance().GetPracticeOdsCode() != code {
					t.Errorf("%s %s: %v", code, i, f)
				}
				if want == pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS && len(f.GetError().GetCandidates()) != 2 {
					t.Errorf("candidates %v", f.GetError().GetCandidates())
				}
			}
		}
		if s.opening.GetTargetsTotal() != 10 {
			t.Errorf("%d targets, want each practice with each interaction once", s.opening.GetTargetsTotal())
		}
		for e, err := range g.Audit.Entries(t.Context(), audit.Query{ID: s.closing.GetProvenance().GetTraceIds().GetCallId()}) {
			if err != nil {
				t.Fatal(err)
			}
			want := []string{nhs.SearchSlot.String(), nhs.CreateAppointment.String(), "A20047", "C81002", "D82003", "B84001", "Z99ZZ"}
			if diff := cmp.Diff(want, e.Asked); diff != "" {
				t.Errorf("%s: asked for (-want +got):\n%s", e.Kind, diff)
			}
			if o := e.Outcome; o != nil && (o.Code != "OK" || o.Verdict != "PARTIAL" || o.Resources["Endpoint"] != 4) {
				t.Errorf("the trail says %+v", o)
			}
		}
	})
}

func TestAWholeAnswerSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t)
		ask := func(session string) *directoryStory {
			g.Spine.Transcript().Reset()
			s, err := resolveMany(g.As(t.Context(), t, "system"), t, g, &pb.ResolveEndpointsRequest{ // no human is needed
				Context: &pb.CallContext{SessionId: session}, OdsCodes: []string{"A20047", "B84001"}, Interactions: interactions(slots, books),
			})
			if err != nil {
				t.Fatal(err)
			}
			s.balanced(t, pb.Verdict_VERDICT_WHOLE)
			return s
		}
		first := ask("job-of-this-morning")
		time.Sleep(time.Minute)
		again := ask("job-of-this-morning")
		if n := len(g.Spine.Transcript().All()); n != 0 {
			t.Errorf("%d questions for what the session knew", n)
		}
		for target, r := range again.results {
			if was := first.results[target]; !r.GetProvenance().GetRetrievedAt().AsTime().Equal(was.GetProvenance().GetRetrievedAt().AsTime()) {
				t.Errorf("%s was retrieved at %s, not now", target, was.GetProvenance().GetRetrievedAt().AsTime())
			}
		}
		ask("")
		if n := len(g.Spine.Transcript().All()); n != 8 {
			t.Errorf("%d questions without a session, want two for each target", n)
		}
	})
}

// What is silent at the end is TIMED_OUT, and the stream closes with OK before the deadline.
func TestTheStreamEndsSoftly(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t)
		rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.SDSEndpoint, ODS: "B84001", Hold: true})
		if err != nil {
			t.Fatal(err)
		}
		defer rule.Release()
		ctx, cancel := context.WithTimeout(g.As(t.Context(), t, "clinician"), 4*time.Second)
		defer cancel()
		began := time.Now()
		s, err := resolveMany(ctx, t, g, &pb.ResolveEndpointsRequest{OdsCodes: []string{"B84001", "A20047"}, Interactions: interactions(slots)})
		if err != nil {
			t.Fatal(err)
		}
		s.balanced(t, pb.Verdict_VERDICT_PARTIAL)
		took := time.Since(began)
		if e := s.failures["B84001 "+nhs.SearchSlot.String()].GetError(); e.GetReason() != pb.ErrorReason_ERROR_REASON_TIMED_OUT || took >= 4*time.Second || took < 3*time.Second {
			t.Errorf("%v after %s", e, took)
		}
		if at := s.at["A20047 "+nhs.SearchSlot.String()]; at.Sub(began) > time.Second {
			t.Errorf("the other's result came after %s", at.Sub(began))
		}
	})
}

// perMinute is the allowance at SDS.
func perMinute(n float64) servertest.Option {
	return servertest.WithConfig(func(c *config.Config) { c.Spine.SDS.RequestsPerMinute = n })
}

// A call with more targets than the allowance has room for goes as fast as that lets it, ends softly, and does not keep
// anybody at a screen waiting.
func TestTheAllowanceIsSharedWithScreens(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, perMinute(300))
		var practices []string
		for n := range 500 {
			practices = append(practices, fmt.Sprintf("A%05d", n)) // nobody's: each takes two questions
		}
		done := make(chan *directoryStory)
		began := time.Now()
		go func() {
			s, err := resolveMany(g.As(t.Context(), t, "system"), t, g, &pb.ResolveEndpointsRequest{OdsCodes: practices, Interactions: interactions(slots, books)})
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		time.Sleep(time.Minute)
		at := time.Now()
		_, err := g.EndpointDirectory.ResolveEndpoint(g.As(t.Context(), t, "nurse"), &pb.ResolveEndpointRequest{OdsCode: "A20047", Interaction: interactions(slots)[0]})
		if err != nil || time.Since(at) > 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(at))
		}
		s := <-done
		s.balanced(t, pb.Verdict_VERDICT_PARTIAL)
		if took := time.Since(began); took > 5*time.Minute || took < 4*time.Minute+55*time.Second {
			t.Errorf("it took %s, and is to end softly within the method's five minutes", took)
		}
		counts := map[pb.ErrorReason]int{}
		for _, f := range s.failures {
			counts[f.GetError().GetReason()]++
		}
		if n := counts[pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND]; n < 650 || n > 750 || counts[pb.ErrorReason_ERROR_REASON_TIMED_OUT] != 1000-n {
			t.Errorf("failures %v; an allowance of 300 a minute is for 750 targets", counts)
		}
	})
}

// When the caller goes, nobody is asked any more.
func TestWhoeverGoesStopsTheRest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, perMinute(300))
		var practices []string
		for n := range 300 {
			practices = append(practices, fmt.Sprintf("A%05d", n))
		}
		ctx, cancel := context.WithCancel(g.As(t.Context(), t, "system"))
		time.AfterFunc(10*time.Second, cancel)
		s, err := resolveMany(ctx, t, g, &pb.ResolveEndpointsRequest{OdsCodes: practices, Interactions: interactions(slots)})
		if status.Code(err) != codes.Canceled || s.closing != nil {
			t.Errorf("ended with %v", err)
		}
		asked := len(g.Spine.Transcript().All())
		time.Sleep(time.Minute)
		if now := len(g.Spine.Transcript().All()); asked < 20 || now > asked+1 {
			t.Errorf("%d questions, and %d after the caller had gone", asked, now-asked)
		}
	})
}

func TestARequestForManyIsChecked(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t)
		for name, req := range map[string]*pb.ResolveEndpointsRequest{
			"no practice":             {Interactions: interactions(slots)},
			"no interaction":          {OdsCodes: []string{"A20047"}},
			"a wildcard":              {OdsCodes: []string{"A2*"}, Interactions: interactions(slots)},
			"a filter":                {OdsCodes: []string{"A20047)(x=*"}, Interactions: interactions(slots)},
			"an unknown interaction":  {OdsCodes: []string{"A20047"}, Interactions: interactions(999)},
			"an interaction of psis":  {OdsCodes: []string{"A20047"}, Interactions: []*pb.Interaction{{Name: &pb.Interaction_Raw{Raw: "urn:nhs:names:services:psis:REPC_IN150016UK05"}}}},
			"an interaction filter":   {OdsCodes: []string{"A20047"}, Interactions: []*pb.Interaction{{Name: &pb.Interaction_Raw{Raw: nhs.SearchSlot.String() + ")(x=*"}}}},
			"an interaction unstated": {OdsCodes: []string{"A20047"}, Interactions: []*pb.Interaction{{}}},
		} {
			time.Sleep(time.Second) // the method's limit for one caller
			if _, err := resolveMany(g.As(t.Context(), t, "clinician"), t, g, req); status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(g.Spine.Transcript().All()) != 0 {
			t.Error("something was sent")
		}
		if _, err := resolveMany(t.Context(), t, g, &pb.ResolveEndpointsRequest{OdsCodes: []string{"A20047"}, Interactions: interactions(slots)}); status.Code(err) != codes.Unauthenticated {
			t.Errorf("without a token: %v", err)
		}
	})
}
