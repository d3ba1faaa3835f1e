package telemetry_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/spinegate/spinegate/internal/telemetry"
)

func TestTheServerTakesTheCallersTraceAndNothingElse(t *testing.T) {
	t.Parallel()
	seen := tracetest.NewSpanRecorder()
	tel := start(t, telemetry.Config{Processors: []sdktrace.SpanProcessor{seen}})
	conn := serve(t, tel)

	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	ctx := metadata.AppendToOutgoingContext(t.Context(),
		"traceparent", "00-"+traceID+"-00f067aa0ba902b7-01", "tracestate", "name=TESTWELL", "baggage", "patient="+number)
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Invoke(ctx, "/patient/"+number, &grpc_health_v1.HealthCheckRequest{}, &grpc_health_v1.HealthCheckResponse{}); err == nil {
		t.Fatal("a method that does not exist answered")
	}
	conn.Close() // so that both spans have ended

	var names []string
	for _, s := range waitFor(t, seen, 2) {
		names = append(names, s.Name())
		if s.SpanContext().TraceID().String() != traceID {
			t.Errorf("span %s is not in the caller's trace", s.Name())
		}
		if state := s.SpanContext().TraceState().String(); state != "" {
			t.Errorf("tracestate %q was taken over", state)
		}
	}
	slices.Sort(names)
	if want := []string{"_OTHER", "grpc.health.v1.Health/Check"}; !slices.Equal(names, want) {
		t.Errorf("spans %q, want %q", names, want)
	}
	metrics := scrape(t, tel)
	if !strings.Contains(metrics, `rpc_method="_OTHER"`) || strings.Contains(metrics, number) {
		t.Error("metrics do not count unknown methods as one")
	}
}

// serve runs a server with telemetry and a health service, and connects to it.
func serve(t *testing.T, tel *telemetry.Telemetry) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	// Without a handler for unknown services grpc-go never ends the statistics of a call to one.
	server := grpc.NewServer(
		grpc.StatsHandler(tel.ServerHandler(map[string]bool{"/grpc.health.v1.Health/Check": true})),
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return status.Error(codes.Unimplemented, "unknown") }),
	)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// waitFor waits until n spans have ended: a server ends its span after the client has its answer.
func waitFor(t *testing.T, seen *tracetest.SpanRecorder, n int) []sdktrace.ReadOnlySpan {
	t.Helper()
	for patience := time.After(10 * time.Second); ; {
		if spans := seen.Ended(); len(spans) >= n {
			return spans
		}
		select {
		case <-patience:
			t.Fatalf("%d spans have ended, want %d", len(seen.Ended()), n)
		case <-time.After(time.Millisecond):
		}
	}
}
