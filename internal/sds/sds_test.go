package sds_test

import (
	"context"
	"crypto/tls"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/spine"
)

var sharedKeys = sync.OnceValues(simulator.GenerateKeys)

func start(t *testing.T, change func(*sds.Config)) (*simulator.Spine, *sds.Client) {
	t.Helper()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	memory := &simulator.Memory{}
	s, err := simulator.Start(t.Context(), simulator.Options{Keys: keys, Network: memory})
	if err != nil {
		t.Fatal(err)
	}
	c := sds.Config{APIKey: s.DirectoryKey(), Upstream: spine.Config{
		BaseURL: s.SDSURL(), Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Dial: memory.DialContext,
		TLS: &tls.Config{RootCAs: s.RootPool(), MinVersion: tls.VersionTLS12},
	}}
	if change != nil {
		change(&c)
	}
	client, err := sds.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, client
}

func question(t *testing.T, code string) sds.Question {
	t.Helper()
	ods, err := nhs.ParseODSCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return sds.Question{ODS: ods, Interaction: nhs.SearchSlot}
}

func bubble(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func TestRoute(t *testing.T) {
	bubble(t, "by Endpoint, then Device", func(t *testing.T) {
		s, client := start(t, nil)
		got, err := client.Route(t.Context(), question(t, "a20047"))
		if err != nil {
			t.Fatal(err)
		}
		if got.ODS.String() != "A20047" || got.ASID.String() != "918000000001" || got.PartyKey.String() != "A20047-8000001" ||
			got.Address != "https://gp.a20047.example/A20047/STU3/1/gpconnect" || !got.Simulated || got.RetrievedAt.IsZero() {
			t.Errorf("%+v", got)
		}
		var lines []string
		for _, e := range s.Transcript().All() {
			lines = append(lines, e.Path+"?"+e.Query)
			for name, want := range map[string]string{
				"Accept": "application/fhir+json", "Apikey": s.DirectoryKey(), "X-Correlation-Id": got.CorrelationID, "Cache-Control": "",
			} {
				if e.Header.Get(name) != want {
					t.Errorf("%s = %q, want %q", name, e.Header.Get(name), want)
				}
			}
		}
		const query = "?organization=https://fhir.nhs.uk/Id/ods-organization-code%7CA20047" +
			"&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId%7Curn:nhs:names:services:gpconnect:fhir:rest:search:slot-1"
		if diff := cmp.Diff([]string{
			"/spine-directory/FHIR/R4/Endpoint" + query,
			"/spine-directory/FHIR/R4/Device" + query + "&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey%7CA20047-8000001",
		}, lines); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	bubble(t, "past every cache where that is asked for", func(t *testing.T) {
		s, client := start(t, nil)
		q := question(t, "A20047")
		q.Fresh = true
		if _, err := client.Route(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Transcript().All() {
			if e.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s from the cache", e.Path)
			}
		}
	})
}

func TestRouteFails(t *testing.T) {
	type ask = []simulator.Upstream
	const empty = `{"resourceType":"Bundle","type":"searchset","total":0,"entry":[]}`
	for _, tt := range []struct {
		name, ods  string
		fault      *simulator.Fault
		reason     pb.ErrorReason
		asked      ask
		candidates int
	}{
		{"not registered, asked twice", "D82003", nil, pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND, ask{simulator.SDSEndpoint, simulator.SDSEndpoint}, 0},
		{"two systems", "C81002", nil, pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, ask{simulator.SDSEndpoint}, 2},
		{
			"no device, asked twice", "A20047", &simulator.Fault{Upstream: simulator.SDSDevice, Status: 200, Body: empty},
			pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND,
			ask{simulator.SDSEndpoint, simulator.SDSDevice, simulator.SDSDevice},
			0,
		},
		{
			"slow once, which looks empty", "A20047", &simulator.Fault{Upstream: simulator.SDSEndpoint, Status: 200, Body: empty, Times: 1},
			0,
			ask{simulator.SDSEndpoint, simulator.SDSEndpoint, simulator.SDSDevice},
			0,
		},
		{"no key of ours", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 401}, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, ask{simulator.SDSEndpoint}, 0},
		{"our bug", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 400}, pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, ask{simulator.SDSEndpoint}, 0},
		{"an unknown path is not an unknown practice", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 404}, pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, ask{simulator.SDSEndpoint}, 0},
		{"406", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 406}, pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, ask{simulator.SDSEndpoint}, 0},
		{"quota", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 429}, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, ask{simulator.SDSEndpoint, simulator.SDSEndpoint, simulator.SDSEndpoint}, 0},
		{"down", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 500}, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, ask{simulator.SDSEndpoint, simulator.SDSEndpoint, simulator.SDSEndpoint}, 0},
		{"down for a moment", "A20047", &simulator.Fault{Upstream: simulator.SDSDevice, Status: 502, Times: 1}, 0, ask{simulator.SDSEndpoint, simulator.SDSDevice, simulator.SDSDevice}, 0},
		{"HTML", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 200, Body: "<html>"}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, ask{simulator.SDSEndpoint}, 0},
		{"an outcome", "A20047", &simulator.Fault{Upstream: simulator.SDS, Status: 200, Body: `{"resourceType":"OperationOutcome"}`}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, ask{simulator.SDSEndpoint}, 0},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s, client := start(t, nil)
			if tt.fault != nil {
				if _, err := s.Faults().Set(*tt.fault); err != nil {
					t.Fatal(err)
				}
			}
			_, err := client.Route(t.Context(), question(t, tt.ods))
			if fault.ReasonOf(err) != tt.reason || err != nil && fault.Of(err).Hop != pb.Hop_HOP_SDS {
				t.Fatalf("%v, want %s", err, fault.ReasonName(tt.reason))
			}
			if diff := cmp.Diff(tt.asked, s.Transcript().Upstreams()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if err != nil && len(fault.Of(err).Candidates) != tt.candidates {
				t.Errorf("candidates %v", fault.Of(err).Candidates)
			}
			if tt.reason == pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND {
				first, second := s.Transcript().All()[0], s.Transcript().All()[1]
				if first.Header.Get("Cache-Control") != "" || second.Header.Get("Cache-Control") != "no-cache" {
					t.Error("the second question came from the same cache")
				}
			}
		})
	}
	bubble(t, "nothing that is no question is asked", func(t *testing.T) {
		s, client := start(t, nil)
		for _, q := range []sds.Question{{Interaction: nhs.SearchSlot}, {ODS: question(t, "A20047").ODS}, {ODS: question(t, "A20047").ODS, Interaction: "*"}} {
			if _, err := client.Route(t.Context(), q); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_REQUEST_INVALID {
				t.Errorf("%+v: %v", q, err)
			}
		}
		if len(s.Transcript().All()) != 0 {
			t.Error("something was sent")
		}
	})
	bubble(t, "the public sandbox does not know", func(t *testing.T) {
		s, client := start(t, func(c *sds.Config) { c.Upstream.Environment = pb.Environment_ENVIRONMENT_SANDBOX })
		if _, err := client.Route(t.Context(), question(t, "D82003")); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP {
			t.Errorf("not registered: %v", err)
		}
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: 500}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Route(t.Context(), question(t, "A20047")); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP {
			t.Errorf("500: %v", err)
		}
	})
}

func TestTheSameQuestionIsAskedOnce(t *testing.T) {
	hold := func(t *testing.T, s *simulator.Spine) *simulator.Rule {
		t.Helper()
		rule, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDSEndpoint, Delay: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return rule
	}
	bubble(t, "by all who ask at the same time", func(t *testing.T) {
		s, client := start(t, nil)
		hold(t, s)
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				ctx := t.Context()
				if i == 0 {
					// The one who began it gives up, and the others get their answer.
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
					defer cancel()
				} else {
					time.Sleep(time.Millisecond)
				}
				_, err := client.Route(ctx, question(t, "A20047"))
				if i == 0 && fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED || i > 0 && err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		group.Wait()
		if got := s.Transcript().Upstreams(); len(got) != 2 {
			t.Errorf("asked %v", got)
		}
	})
	bubble(t, "by fifty", func(t *testing.T) {
		s, client := start(t, nil)
		hold(t, s)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := client.Route(t.Context(), question(t, "A20047")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := s.Transcript().Upstreams(); len(got) != 2 {
			t.Errorf("asked %v", got)
		}
	})
	// Whoever asks past the cache must not get what somebody else asked the cache for.
	bubble(t, "but not by who asks past the cache", func(t *testing.T) {
		s, client := start(t, nil)
		hold(t, s)
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				q := question(t, "A20047")
				q.Fresh = i%2 == 0
				if _, err := client.Route(t.Context(), q); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		past := 0
		for _, e := range s.Transcript().All() {
			if e.Header.Get("Cache-Control") == "no-cache" {
				past++
			}
		}
		if got := s.Transcript().Upstreams(); len(got) != 4 || past != 2 {
			t.Errorf("asked %v, %d of them past the cache", got, past)
		}
	})
	bubble(t, "but not from memory", func(t *testing.T) {
		s, client := start(t, nil)
		for range 2 {
			if _, err := client.Route(t.Context(), question(t, "A20047")); err != nil {
				t.Error(err)
			}
		}
		if got := s.Transcript().Upstreams(); len(got) != 4 {
			t.Errorf("asked %v", got)
		}
	})
	bubble(t, "and no more when nobody waits", func(t *testing.T) {
		s, client := start(t, nil)
		hold(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(500*time.Millisecond, cancel)
		_, err := client.Route(ctx, question(t, "A20047"))
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_CANCELLED || fault.Of(err).Hop != pb.Hop_HOP_SDS {
			t.Errorf("%v", err)
		}
		time.Sleep(time.Minute)
		if got := s.Transcript().Upstreams(); len(got) != 1 {
			t.Errorf("asked %v", got)
		}
	})
	bubble(t, "for each consumer", func(t *testing.T) {
		s, client := start(t, nil)
		var group sync.WaitGroup
		for _, code := range []string{"Q8X01", "R9Y02"} {
			group.Go(func() {
				q := question(t, "A20047")
				q.Consumer = question(t, code).ODS
				if _, err := client.Route(t.Context(), q); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := s.Transcript().Upstreams(); len(got) != 4 {
			t.Errorf("asked %v", got)
		}
	})
}

func TestNewWantsAKey(t *testing.T) {
	up := spine.Config{BaseURL: "https://sds.example", Environment: pb.Environment_ENVIRONMENT_LIVE}
	if _, err := sds.New(sds.Config{Upstream: up}); err == nil || strings.Contains(err.Error(), "https://") {
		t.Errorf("no key: %v", err)
	}
}
