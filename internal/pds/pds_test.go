package pds_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/spine"
)

var sharedKeys = sync.OnceValues(simulator.GenerateKeys)

// rig is a client in front of the embedded Spine.
type rig struct {
	*simulator.Spine
	*pds.Client
	spans *tracetest.SpanRecorder
}

func start(t *testing.T, o simulator.Options, change func(*pds.Config)) rig {
	t.Helper()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	memory := &simulator.Memory{}
	o.Keys, o.Network = keys, memory
	s, err := simulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	app, err := s.Application()
	if err != nil {
		t.Fatal(err)
	}
	spans := tracetest.NewSpanRecorder()
	up := spine.Config{
		Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Dial: memory.DialContext,
		TLS:    &tls.Config{RootCAs: s.RootPool(), MinVersion: tls.VersionTLS12},
		Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
	}
	tokenUp := up
	tokenUp.BaseURL = s.TokenURL()
	tokens, err := spine.NewTokens(spine.TokensConfig{Upstream: tokenUp, APIKey: app.APIKey, Key: spine.SigningKey{ID: app.KeyID, Signer: app.Key}})
	if err != nil {
		t.Fatal(err)
	}
	up.BaseURL, up.Tokens = s.PDSURL(), tokens
	c := pds.Config{Upstream: up, Rate: 1000, Burst: 1000}
	if change != nil {
		change(&c)
	}
	client, err := pds.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		tokens.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return rig{s, client, spans}
}

func number(t *testing.T, digits string) nhs.Number {
	t.Helper()
	n, err := nhs.ParseNumber(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func consumer(t *testing.T) pds.Requester {
	t.Helper()
	c, err := nhs.ParseODSCode("Q8X01")
	if err != nil {
		t.Fatal(err)
	}
	return pds.Requester{Organisation: c}
}

func bubble(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func TestPatient(t *testing.T) {
	bubble(t, "the embedded people", func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
		r := start(t, simulator.Options{}, nil)
		for _, tt := range []struct {
			digits, current string
			restriction     pds.Restriction
			death           pds.Death
			status          pds.RegistrationStatus
			ods             string
		}{
			{"9990000018", "", pds.Unrestricted, pds.NoneRecorded, pds.Registered, "A20047"},
			{"9990000026", "", pds.Restricted, pds.NoneRecorded, pds.Withheld, ""},
			{"9990000034", "9990000042", pds.Unrestricted, pds.NoneRecorded, pds.Registered, "A20047"},
			{"9990000050", "", pds.Unrestricted, pds.NoneRecorded, pds.Deregistered, ""},
			{"9990000069", "", pds.Unrestricted, pds.Informal, pds.Deceased, "A20047"},
			{"9990000077", "", pds.Unrestricted, pds.NoneRecorded, pds.NotCurrent, "A20047"},
			{"9990000085", "", pds.Unrestricted, pds.Formal, pds.Deceased, "A20047"},
			{"9990000093", "", pds.Unrestricted, pds.NoneRecorded, pds.NotRegistered, ""},
			{"9990000204", "", pds.VeryRestricted, pds.NoneRecorded, pds.Withheld, ""},
			{"9990000220", "", pds.Unrestricted, pds.NoneRecorded, pds.Registered, "B84001"},
			{"9990000352", "", pds.Unrestricted, pds.NoneRecorded, pds.NotRegistered, ""},
		} {
			got, err := r.Patient(t.Context(), number(t, tt.digits), consumer(t))
			if err != nil {
				t.Errorf("%s: %v", tt.digits, err)
				continue
			}
			if tt.current == "" {
				tt.current = tt.digits
			}
			if got.Current.Digits() != tt.current || got.Restriction != tt.restriction || got.Death != tt.death ||
				got.Registration.Status != tt.status || got.Registration.ODS.String() != tt.ods || !got.Simulated {
				t.Errorf("%s: current %s, restriction %d, death %d, registration %+v", tt.digits, got.Current.Digits(), got.Restriction,
					got.Death, got.Registration)
			}
		}
	})
	bubble(t, "what is sent, and what of it is told", func(t *testing.T) {
		r := start(t, simulator.Options{}, nil)
		got, err := r.Patient(t.Context(), number(t, "9990000018"), consumer(t))
		if err != nil {
			t.Fatal(err)
		}
		sent := r.Transcript().Of(simulator.PDS)[0]
		if sent.Path != "/personal-demographics/FHIR/R4/Patient/9990000018" || sent.Query != "" {
			t.Errorf("path %s?%s", sent.Path, sent.Query)
		}
		for name, want := range map[string]string{
			"X-Request-Id": got.RequestID, "X-Correlation-Id": got.CorrelationID, "Accept": "application/fhir+json",
			"Nhsd-End-User-Organisation-Ods": "Q8X01",
		} {
			if sent.Header.Get(name) != want || want == "" {
				t.Errorf("%s = %q, want %q", name, sent.Header.Get(name), want)
			}
		}
		if _, err := uuid.Parse(got.RequestID); err != nil {
			t.Error("X-Request-ID is no UUID")
		}
		if !strings.Contains(string(got.Person.JSON), `"9990000018"`) || got.Name == nil || got.Version == "" || got.RetrievedAt.IsZero() {
			t.Errorf("the trace is incomplete: %+v", got)
		}
		if len(r.spans.Ended()) != 2 {
			t.Errorf("%d spans, want one for the token and one for PDS", len(r.spans.Ended()))
		}
		for _, span := range r.spans.Ended() {
			for _, a := range span.Attributes() {
				if strings.Contains(a.Value.String(), "9990000018") {
					t.Errorf("%s holds the number", a.Key)
				}
			}
		}
	})
}

func TestPatientFails(t *testing.T) {
	const spineSystem = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"x","details":{"coding":[{"code":"CODE"}]},"diagnostics":"9990000018"}]}`
	answer := func(status int, code string) *simulator.Fault {
		return &simulator.Fault{Upstream: simulator.PDS, Status: status, Body: strings.Replace(spineSystem, "CODE", code, 1)}
	}
	for _, tt := range []struct {
		name, digits string
		fault        *simulator.Fault
		reason       pb.ErrorReason
		attempts     int
	}{
		{"unknown", "9990000379", nil, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND, 1},
		{"invalidated", "9990000212", nil, pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED, 1},
		{"bad number", "9990000018", answer(400, "INVALID_RESOURCE_ID"), pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, 1},
		{"our bug", "9990000018", answer(400, "INVALID_VALUE"), pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, 1},
		{"not granted", "9990000018", answer(401, "ACCESS_DENIED"), pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, 2},
		{"forbidden", "9990000018", answer(403, "ACCESS_DENIED"), pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, 1},
		{"a 404 of somebody else", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Status: 404, Body: "<html>"}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"408", "9990000018", answer(408, "UNABLE_TO_CALL_SERVICE"), pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
		{"429", "9990000018", answer(429, "TOO_MANY_REQUESTS"), pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, 3},
		{"500", "9990000018", answer(500, "UNKNOWN_ERROR"), pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
		{"502, HTML", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Status: 502, Body: "<html>"}, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
		{"200 with an outcome", "9990000018", answer(200, "TOO_MANY_MATCHES"), pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"200 with HTML", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Status: 200, Body: "<html>"}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"200 with two readings", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Status: 200, Body: `{"resourceType":"Patient","id":"9990000018","id":"9990000042"}`}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"200 without a number", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Status: 200, Body: `{"resourceType":"Patient"}`}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, 1},
		{"cut", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Cut: true, CutAfter: 20}, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT, 1},
		{"reset", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Reset: true}, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, 3},
		{"silent", "9990000018", &simulator.Fault{Upstream: simulator.PDS, Delay: time.Hour}, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, 3},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			r := start(t, simulator.Options{}, nil)
			if tt.fault != nil {
				if _, err := r.Faults().Set(*tt.fault); err != nil {
					t.Fatal(err)
				}
			}
			_, err := r.Patient(t.Context(), number(t, tt.digits), consumer(t))
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Hop != pb.Hop_HOP_PDS || e.Reason != tt.reason {
				t.Fatalf("%v, want %s", err, tt.reason)
			}
			if got := len(r.Transcript().Of(simulator.PDS)); got != tt.attempts {
				t.Errorf("%d attempts, want %d", got, tt.attempts)
			}
			for _, sent := range r.Transcript().Of(simulator.PDS) {
				if sent.Header.Get("X-Request-Id") != r.Transcript().Of(simulator.PDS)[0].Header.Get("X-Request-Id") {
					t.Error("X-Request-ID changed between attempts")
				}
			}
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				if strings.Contains(cause.Error(), tt.digits) {
					t.Errorf("the number is in %q", cause)
				}
			}
			if strings.Contains(fault.Status(err, nil).Proto().String(), tt.digits) {
				t.Error("the number is in the status")
			}
		})
	}
}

func TestTheQuotaIsSharedByAllCallers(t *testing.T) {
	bubble(t, "five a second after a burst of two", func(t *testing.T) {
		r := start(t, simulator.Options{}, func(c *pds.Config) { c.Rate, c.Burst = 0, 0 })
		begin := time.Now()
		var group sync.WaitGroup
		for range 12 {
			group.Go(func() {
				if _, err := r.Patient(t.Context(), number(t, "9990000018"), consumer(t)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		// A little more: the burst is paid back within the minute.
		if took := time.Since(begin).Round(20 * time.Millisecond); took != 2020*time.Millisecond {
			t.Errorf("twelve took %v, want two seconds", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := r.Patient(ctx, number(t, "9990000018"), consumer(t))
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED || !spine.NeverSent(err) {
			t.Errorf("%v, want to be refused before PDS refuses", err)
		}
	})
}

func TestTheRateCanBeChanged(t *testing.T) {
	bubble(t, "for those who wait already, too", func(t *testing.T) {
		r := start(t, simulator.Options{}, func(c *pds.Config) { c.Rate, c.Burst = 0.1, 1 })
		begin := time.Now()
		var group sync.WaitGroup
		for range 11 {
			group.Go(func() {
				if _, err := r.Patient(t.Context(), number(t, "9990000018"), consumer(t)); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Second)
		if err := r.SetRate(100); err != nil {
			t.Fatal(err)
		}
		group.Wait()
		if took := time.Since(begin); took > 1200*time.Millisecond {
			t.Errorf("ten more took %v after the rate went up", took-time.Second)
		}
		for _, wrong := range []float64{0, -1, math.NaN(), math.Inf(1)} {
			if r.SetRate(wrong) == nil {
				t.Errorf("a rate of %g was accepted", wrong)
			}
		}
	})
}

func TestNewWantsCredentials(t *testing.T) {
	up := spine.Config{BaseURL: "https://pds.example", Environment: pb.Environment_ENVIRONMENT_INTEGRATION}
	if _, err := pds.New(pds.Config{Upstream: up}); err == nil {
		t.Error("no tokens, and accepted")
	}
	up.Environment = pb.Environment_ENVIRONMENT_SANDBOX
	if _, err := pds.New(pds.Config{Upstream: up}); err != nil {
		t.Errorf("the sandbox needs none: %v", err)
	}
}
