package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/spinegate/spinegate/internal/telemetry"
)

const number = "9990000018" // in the range that is never issued

// start starts telemetry that a test can look into, and stops it with the test.
func start(t *testing.T, c telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(context.Background()); err != nil { // the test's context has ended
			t.Error(err)
		}
	})
	return tel
}

func TestASpanLeavesWithNothingThatIsNotRegistered(t *testing.T) {
	t.Parallel()
	seen := tracetest.NewSpanRecorder()
	tel := start(t, telemetry.Config{
		Processors: []sdktrace.SpanProcessor{seen},
		Attributes: []attribute.Key{"spinegate.practice_ods_code", "spinegate.request_id", "spinegate.areas", "spinegate.raw"},
	})

	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "read "+number, trace.WithAttributes(
		attribute.String("spinegate.practice_ods_code", "A20047"),
		attribute.String("spinegate.request_id", "about "+number),
		attribute.StringSlice("spinegate.areas", []string{"problems", number}),
		attribute.ByteSlice("spinegate.raw", []byte(number)),
		attribute.String("patient.name", "Ada TESTWELL"),
		attribute.String("url.full", "https://pds.example/Patient/"+number),
	))
	span.AddEvent("first_byte", trace.WithAttributes(attribute.String("exception.message", "no "+number)))
	span.RecordError(errors.New("cannot find " + number))
	span.AddLink(trace.Link{SpanContext: span.SpanContext(), Attributes: []attribute.KeyValue{attribute.String("of", number)}})
	span.SetStatus(codes.Error, "cannot find "+number)
	span.End()

	got := seen.Ended()[0]
	if diff := cmp.Diff([]attribute.KeyValue{
		attribute.String("spinegate.practice_ods_code", "A20047"),
		attribute.String("spinegate.request_id", "about nhs:redacted"),
		attribute.StringSlice("spinegate.areas", []string{"problems", "nhs:redacted"}),
	}, got.Attributes(), cmp.Comparer(func(a, b attribute.KeyValue) bool { return a == b })); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if got.Name() != "read nhs:redacted" {
		t.Errorf("name = %q, want the number masked", got.Name())
	}
	if got.Status() != (sdktrace.Status{Code: codes.Error}) {
		t.Errorf("status = %+v, want an error without a text", got.Status())
	}
	if len(got.Events()) != 2 || len(got.Links()) != 1 {
		t.Fatalf("%d events and %d links, want all of them, stripped", len(got.Events()), len(got.Links()))
	}
	for _, e := range got.Events() {
		if len(e.Attributes) != 0 {
			t.Errorf("event %s carries %v", e.Name, e.Attributes)
		}
	}
	if len(got.Links()[0].Attributes) != 0 {
		t.Errorf("a link carries %v", got.Links()[0].Attributes)
	}
}

func TestHopsAreMeasuredWhateverIsSampled(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	tel := start(t, telemetry.Config{Attributes: []attribute.Key{telemetry.HopKey, "url.template"}})
	for range 3 {
		_, span := tel.Tracers.Tracer("test").Start(t.Context(), "PDS", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			telemetry.HopKey.String("PDS"),
			attribute.String("url.template", "/Patient/{id}"),
			attribute.String("spinegate.practice_ods_code", "A20047"),
		))
		if span.SpanContext().IsSampled() {
			t.Error("a span is sampled against the setting")
		}
		span.End()
	}
	_, other := tel.Tracers.Tracer("test").Start(t.Context(), "not a hop")
	other.End()

	metrics := scrape(t, tel)
	var counts []string
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "spinegate_hop_duration_seconds_count") {
			counts = append(counts, line)
		}
	}
	if len(counts) != 1 || !strings.HasSuffix(strings.TrimSpace(counts[0]), "} 3") ||
		!strings.Contains(counts[0], `spinegate_hop="PDS"`) || strings.Contains(counts[0], "A20047") {
		t.Errorf("counts = %q, want one series of PDS with 3 and no practice", counts)
	}
}

func scrape(t *testing.T, tel *telemetry.Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Metrics.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("metrics: %d", w.Code)
	}
	return w.Body.String()
}

func TestASettingThatCannotBeHonouredIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, variable, value string }{
		{"another protocol", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"},
		{"another exporter", "OTEL_TRACES_EXPORTER", "zipkin"},
		{"another sampler", "OTEL_TRACES_SAMPLER", "jaeger_remote"},
		{"a ratio above one", "OTEL_TRACES_SAMPLER_ARG", "7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(tt.variable, tt.value)
			_, err := telemetry.Start(t.Context(), telemetry.Config{})
			if err == nil || !strings.Contains(err.Error(), tt.variable) {
				t.Errorf("Start = %v, want an error that names %s", err, tt.variable)
			}
		})
	}
}

// collectorStub takes spans like an OpenTelemetry collector.
type collectorStub struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex
	names []string
}

func (c *collectorStub) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.names = append(c.names, s.GetName())
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestSpansReachTheCollectorThatTheEnvironmentNames(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stub, server := &collectorStub{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, stub)
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://"+listener.Addr().String())

	tel, err := telemetry.Start(t.Context(), telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "exported")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	stub.mu.Lock()
	defer stub.mu.Unlock()
	if diff := cmp.Diff([]string{"exported"}, stub.names); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

func TestACollectorThatIsDownDoesNotHoldUpTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a test's; it accepts and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://"+listener.Addr().String())
	tel, err := telemetry.Start(t.Context(), telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "lost")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := tel.Shutdown(ctx); err == nil {
		t.Error("Shutdown succeeded, want to be told that spans were lost")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Shutdown took %v with a context of 200 ms", took)
	}
}

func TestTheRingShowsACallAsATree(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{Traces: 2, Attributes: []attribute.Key{"spinegate.hop"}})
	tracer := tel.Tracers.Tracer("test")
	id := func() string {
		ctx, root := tracer.Start(t.Context(), "call", trace.WithSpanKind(trace.SpanKindServer))
		_, pds := tracer.Start(ctx, "PDS", trace.WithAttributes(attribute.String("spinegate.hop", "PDS"), attribute.String("x", "y")))
		pds.AddEvent("first_byte")
		pds.SetStatus(codes.Error, "")
		pds.End()
		_, sds := tracer.Start(ctx, "SDS")
		sds.End()
		root.End()
		return root.SpanContext().TraceID().String()
	}
	first := id()
	roots := tel.Ring.Trace(first)
	if len(roots) != 1 || roots[0].Name != "call" || roots[0].Kind != "server" || len(roots[0].Children) != 2 {
		t.Fatalf("tree = %+v, want the call with two spans in it", roots)
	}
	pds := roots[0].Children[0]
	if pds.Name != "PDS" || !pds.Error || len(pds.Events) != 1 ||
		cmp.Diff(map[string]string{"spinegate.hop": "PDS"}, pds.Attributes) != "" {
		t.Errorf("child = %+v, want PDS that failed, with its hop and one event", pds)
	}

	id()
	id()
	if got := tel.Ring.Trace(first); got != nil {
		t.Errorf("the oldest of three traces is still there with room for two: %v", got)
	}
	for _, nonsense := range []string{"", "zz", "00", strings.Repeat("0", 32)} {
		if got := tel.Ring.Trace(nonsense); got != nil {
			t.Errorf("Trace(%q) = %v, want nothing", nonsense, got)
		}
	}
}

func TestMetricsAreScrapedWithExemplars(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{})
	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "SDS", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(telemetry.HopKey.String("SDS")))
	span.End()
	server := httptest.NewServer(tel.Metrics)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), span.SpanContext().TraceID().String()) {
		t.Error("no exemplar names the trace")
	}
}
