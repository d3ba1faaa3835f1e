// Package e2e holds the promises that only the whole gateway can keep against the whole embedded Spine: it has tests and
// nothing else. Each asks through a real gRPC client and looks at what the caller was told, what the Spine received, and
// what the audit trail holds.
package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// Personas of the sandbox.
const (
	clinician    = "clinician"
	receptionist = "receptionist" // books, and sees no record
)

// gateway is a gateway and its Spine, with the words that these tests use.
type gateway struct {
	*servertest.Gateway

	trace     pb.PatientTraceClient
	directory pb.EndpointDirectoryClient
	practices pb.GPConnectClient
	conn      *grpc.ClientConn
	spine     *simulator.Spine
	audit     *audit.Store

	mu     sync.Mutex
	minted map[string]bool // every token that a call was made with
}

func start(t *testing.T, options ...servertest.Option) *gateway {
	t.Helper()
	g := servertest.Start(t, options...)
	return &gateway{
		Gateway: g, trace: g.PatientTrace, directory: g.EndpointDirectory, practices: g.GPConnect, conn: g.Conn,
		spine: g.Spine, audit: g.Audit, minted: map[string]bool{},
	}
}

// as is a context for calls of a persona.
func (g *gateway) as(t *testing.T, persona string) context.Context {
	t.Helper()
	ctx := g.As(t.Context(), t, persona)
	out, _ := metadata.FromOutgoingContext(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, value := range out.Get("authorization") {
		g.minted[strings.TrimPrefix(value, "Bearer ")] = true
	}
	return ctx
}

func (g *gateway) tokens() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.minted))
}

// spans are those that ended, each as one text with everything that an exporter would get.
func (g *gateway) spans() []string {
	var out []string
	for _, s := range g.Spans.Ended() {
		out = append(out, fmt.Sprintf("%s %v %v %v %v %v", s.Name(), s.Attributes(), s.Events(), s.Status(), s.Links(), s.Resource()))
	}
	return out
}

func (g *gateway) logs() string { return g.Log.String() }

// metrics is every metric with its attributes and exemplars, as one text.
func (g *gateway) metrics(t *testing.T) string {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := g.Metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			fmt.Fprintf(&out, "%s %s %+v\n", m.Name, m.Description, m.Data)
		}
	}
	return out.String()
}
