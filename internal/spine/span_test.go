package spine

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/simulator"
)

// recorder collects spans.
func recorder(t *testing.T) (*tracetest.SpanRecorder, trace.TracerProvider) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	return spans, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
}

func TestSpans(t *testing.T) {
	bubble(t, "one for each attempt, without a word about the patient", func(t *testing.T) {
		s := serve(t, "Example", statuses(503))
		spans, provider := recorder(t)
		s.config.Tracer = provider
		ctx, parent := provider.Tracer("test").Start(t.Context(), "parent")
		q := get()
		q.Consumer, q.Practice, q.CorrelationID = ods(t, "Q8X01"), ods(t, "A20047"), CorrelationID(ctx)
		if _, err := fetch(ctx, open(t, s.config), q); err != nil {
			t.Fatal(err)
		}
		ended := spans.Ended()
		if len(ended) != 2 {
			t.Fatalf("%d spans, want one for each of two attempts", len(ended))
		}
		for i, span := range ended {
			if span.Name() != "PDS GET /Patient/{id}" || span.SpanKind() != trace.SpanKindClient ||
				span.Parent().SpanID() != parent.SpanContext().SpanID() {
				t.Errorf("span %q of kind %s", span.Name(), span.SpanKind())
			}
			got := map[attribute.Key]string{}
			for _, a := range span.Attributes() {
				got[a.Key] = a.Value.String()
				if !slices.Contains(Attributes(), a.Key) {
					t.Errorf("attribute %s is not registered", a.Key)
				}
			}
			want := map[attribute.Key]string{
				AttributeHop: "PDS", AttributeMethod: "GET", AttributeTemplate: "/Patient/{id}", AttributeServer: "pds.spine.example",
				AttributeAttempt: fmt.Sprint(i + 1), AttributePractice: "A20047", AttributeConsumer: "Q8X01",
				AttributeRequest: q.RequestID, AttributeCorrelation: q.CorrelationID,
			}
			if i == 0 {
				want[AttributeStatus], want[AttributeErrorType], want[AttributeBytes] = "503", "503", "29"
			} else {
				want[AttributeStatus], want[AttributeResend], want[AttributeBytes] = "200", "1", "0"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("attributes of attempt %d (-want +got):\n%s", i+1, diff)
			}
			var events []string
			for _, e := range span.Events() {
				events = append(events, e.Name)
			}
			if diff := cmp.Diff([]string{EventFirstByte, EventLastByte}, events); diff != "" {
				t.Errorf("events of attempt %d (-want +got):\n%s", i+1, diff)
			}
			if strings.Contains(fmt.Sprintf("%+v", span), "9990000018") {
				t.Error("a span holds the NHS number")
			}
		}
		for _, r := range s.received() {
			for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
				if r.Header.Get(name) != "" {
					t.Errorf("%s was sent to the Spine", name)
				}
			}
		}
		if id := strings.ReplaceAll(q.CorrelationID, "-", ""); id != parent.SpanContext().TraceID().String() {
			t.Errorf("the correlation id %s is not the trace id", q.CorrelationID)
		}
	})
	bubble(t, "a refusal names its reason and code", func(t *testing.T) {
		s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"resourceType":"OperationOutcome","issue":[{"details":{"coding":[{"code":"ACCESS DENIED"}]}}]}`))
		})
		spans, provider := recorder(t)
		s.config.Tracer = provider
		if _, err := fetch(t.Context(), open(t, s.config), get()); err == nil {
			t.Fatal("no failure")
		}
		set := attribute.NewSet(spans.Ended()[0].Attributes()...)
		code, _ := set.Value(AttributeCode)
		kind, _ := set.Value(AttributeErrorType)
		if code.AsString() != "ACCESS_DENIED" || kind.AsString() != "UPSTREAM_CREDENTIALS_REFUSED" {
			t.Errorf("code %q, type %q", code.AsString(), kind.AsString())
		}
	})
	if a, b := CorrelationID(t.Context()), CorrelationID(t.Context()); a == b || len(a) != 36 {
		t.Errorf("outside a trace the correlation ids are %s and %s", a, b)
	}
}

// What net/http could not parse it quotes, and that may be anything.
func TestErrorsDoNotQuoteTheExchange(t *testing.T) {
	bubble(t, "an answer that is no HTTP", func(t *testing.T) {
		s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("TESTWELL 9990000018 is here\r\n\r\n"))
			_ = conn.Close()
		})
		_, err := fetch(t.Context(), open(t, s.config), get())
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "TESTWELL") || strings.Contains(e.Error(), "9990000018") {
				t.Errorf("the error quotes the answer: %v", e)
			}
		}
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
	})
}

func TestASimulatorIsRecognised(t *testing.T) {
	marked := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Spinegate-Simulated", "true") }
	plain := func(http.ResponseWriter, *http.Request) {}
	const authority = "SIMULATED - spinegate embedded Spine - not for patients"
	for _, tt := range []struct {
		name, organisation string
		handle             http.HandlerFunc
		simulated          bool
		received           int // in a real environment
	}{
		{"by its header", "Example", marked, true, 1},
		{"by its certificate, before anything is sent", authority, plain, true, 0},
		{"and nothing else is one", "Example", plain, false, 1},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s := serve(t, tt.organisation, tt.handle)
			answer, err := open(t, s.config).Do(t.Context(), get())
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.Simulated != tt.simulated {
				t.Errorf("Simulated = %v", answer.Simulated)
			}
			for _, e := range []pb.Environment{pb.Environment_ENVIRONMENT_INTEGRATION, pb.Environment_ENVIRONMENT_LIVE} {
				before := len(s.received())
				c := s.config
				c.Environment = e
				if tt.organisation == authority {
					if _, err := New(c); !errors.Is(err, ErrSimulatedRoot) {
						t.Errorf("New with a marked pool: %v", err)
					}
					c.TLS = c.TLS.Clone()
					c.TLS.RootCAs = nil // as if the machine trusted it
					c.TLS.InsecureSkipVerify = true
				}
				_, err := fetch(t.Context(), open(t, c), get())
				if tt.simulated {
					wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_SIMULATED_ANSWER)
				} else if err != nil {
					t.Error(err)
				}
				if got := len(s.received()) - before; got != tt.received {
					t.Errorf("in %s it received %d requests, want %d", e, got, tt.received)
				}
			}
		})
	}
	bubble(t, "in a bundle of certificates", func(t *testing.T) {
		s := serve(t, "Example", plain)
		for organisation, want := range map[string]error{authority: ErrSimulatedRoot, "Example": nil} {
			bundle := []byte("# a comment\n")
			for _, der := range append(s.certificate(t, "Example").Certificate, s.certificate(t, organisation).Certificate...) {
				bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
			}
			if err := RefuseSimulatedRoots(bundle); !errors.Is(err, want) {
				t.Errorf("%s: %v", organisation, err)
			}
		}
	})
}

// Over TCP, because a refused handshake says nothing through a pipe whose other end is still writing.
func TestAStrangerIsNotSpokenTo(t *testing.T) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	s, err := simulator.Start(t.Context(), simulator.Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	suspicious := Config{
		Hop: pb.Hop_HOP_PDS, BaseURL: s.PDSURL(), Environment: pb.Environment_ENVIRONMENT_LIVE,
		TLS: (&service{pool: x509.NewCertPool()}).tls(),
	}
	q := get()
	q.URL = s.PDSURL() + "/Patient/9990000018"
	_, err = fetch(t.Context(), open(t, suspicious), q)
	wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_SIMULATED_ANSWER)
	if !NeverSent(err) || len(s.Transcript().All()) != 0 {
		t.Error("something was sent to a simulator")
	}
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()
	suspicious.BaseURL = stranger.URL
	q.URL = stranger.URL + "/Patient/9990000018"
	_, err = fetch(t.Context(), open(t, suspicious), q)
	wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
	if !NeverSent(err) || fault.Of(err).Operator == "" {
		t.Errorf("%v does not say that the certificate is not trusted", err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"clear text":     func(c *Config) { c.BaseURL = "http://pds.spine.example" },
		"no host":        func(c *Config) { c.BaseURL = "https:///FHIR" },
		"a user":         func(c *Config) { c.BaseURL = "https://me@pds.spine.example" },
		"a query":        func(c *Config) { c.BaseURL = "https://pds.spine.example?a=b" },
		"no hop":         func(c *Config) { c.Hop = 0 },
		"no environment": func(c *Config) { c.Environment = 0 },
	} {
		c := Config{Hop: pb.Hop_HOP_PDS, BaseURL: "https://pds.spine.example", Environment: pb.Environment_ENVIRONMENT_EMBEDDED}
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestOnlyTheUpstreamItselfIsDialled(t *testing.T) {
	bubble(t, "whatever the URL says", func(t *testing.T) {
		s := serve(t, "Example", func(http.ResponseWriter, *http.Request) {})
		s.config.Before = func(context.Context, Access) error {
			t.Error("it got as far as the hook")
			return nil
		}
		u := open(t, s.config)
		for _, target := range []string{
			"https://127.0.0.1/FHIR", "http://pds.spine.example/FHIR", "https://user@pds.spine.example/FHIR", "/FHIR", "",
			"https://pds.spine.example:444/FHIR", "https://pds.spine.example/FHIR#fragment", "https://pds.spine.example/a b",
		} {
			q := get()
			q.URL = target
			_, err := fetch(t.Context(), u, q)
			wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_INTERNAL)
		}
		if len(s.received()) != 0 {
			t.Error("something was sent")
		}
	})
}
