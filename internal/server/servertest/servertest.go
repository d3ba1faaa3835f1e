// Package servertest runs the whole gateway in memory, in front of the whole embedded Spine, for tests that ask through a
// real gRPC client. It works inside a synctest bubble: everything it listens on is in memory and time is package time's.
package servertest

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/telemetry"
)

// Gateway is a gateway under test.
type Gateway struct {
	// Clients of the three services. They carry no credentials: see [Gateway.As].
	PatientTrace      pb.PatientTraceClient
	EndpointDirectory pb.EndpointDirectoryClient
	GPConnect         pb.GPConnectClient
	// Conn is the connection that they use.
	Conn *grpc.ClientConn
	// Spine is the embedded Spine: its transcript, its faults, its people.
	Spine *simulator.Spine
	// Audit is the trail.
	Audit *audit.Store
	// Spans are those that ended, as an exporter would see them, and Metrics is a reader of every metric.
	Spans   *tracetest.SpanRecorder
	Metrics *sdkmetric.ManualReader
	// Log is what was logged, at level DEBUG.
	Log *Log
	// Admin asks the listener for operators, whatever host is in the URL.
	Admin *http.Client
	// HTTP asks the listener for callers over HTTP, whatever host is in the URL; nil without [WithHTTP].
	HTTP *http.Client
	// Dir holds the trail, the journal and the certificates.
	Dir string

	tb        testing.TB
	sandbox   *sandbox.Sandbox
	stop      func()
	forgotten []simulator.Exchange
}

// Option shapes a gateway under test.
type Option func(*sandbox.Options)

// WithData adds the patients and practices of a directory to the Spine's own.
func WithData(dir string) Option { return func(o *sandbox.Options) { o.Spine.DataDir = dir } }

// WithDir keeps the trail and the journal in a directory, where the next gateway finds them.
func WithDir(dir string) Option { return func(o *sandbox.Options) { o.Dir = dir } }

// WithConfig changes the configuration before the start.
func WithConfig(change func(*config.Config)) Option {
	return func(o *sandbox.Options) { o.Configure = change }
}

// WithHTTP serves HTTP and JSON too.
func WithHTTP() Option {
	return func(o *sandbox.Options) { o.HTTPListener = NewPipes() }
}

// WithSpine shapes the embedded Spine.
func WithSpine(change func(*simulator.Options)) Option {
	return func(o *sandbox.Options) { change(&o.Spine) }
}

// keys of the embedded Spine: making them takes longer than everything else, so all tests of a process share them.
var keys = sync.OnceValues(simulator.GenerateKeys)

// Keys are those of every embedded Spine of this process, for tests that start one of their own.
func Keys(tb testing.TB) *simulator.Keys {
	tb.Helper()
	shared, err := keys()
	if err != nil {
		tb.Fatal(err)
	}
	return shared
}

// Start runs a gateway until the test ends. Every request that it has sent to the Spine by then is judged.
func Start(tb testing.TB, options ...Option) *Gateway {
	tb.Helper()
	var err error
	g := &Gateway{tb: tb, Spans: tracetest.NewSpanRecorder(), Metrics: sdkmetric.NewManualReader(), Log: &Log{}}
	listener, operators := bufconn.Listen(1<<20), bufconn.Listen(1<<16)
	o := sandbox.Options{
		Listener: listener, AdminListener: operators,
		Spine: simulator.Options{Network: new(simulator.Memory), Keys: Keys(tb)}, Version: "0.0.0-test",
		Logger:     telemetry.NewLogger(g.Log, slog.LevelDebug),
		Processors: []sdktrace.SpanProcessor{g.Spans}, Readers: []sdkmetric.Reader{g.Metrics},
	}
	for _, option := range options {
		option(&o)
	}
	if o.Dir == "" {
		o.Dir = tb.TempDir()
	}
	g.Dir = o.Dir
	if g.sandbox, err = sandbox.Start(tb.Context(), o); err != nil {
		tb.Fatal(err)
	}
	g.Spine, g.Audit = g.sandbox.Spine, g.sandbox.Gateway.Audit()
	g.Conn, err = grpc.NewClient("passthrough:///gateway", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		tb.Fatal(err)
	}
	g.PatientTrace, g.EndpointDirectory, g.GPConnect = pb.NewPatientTraceClient(g.Conn), pb.NewEndpointDirectoryClient(g.Conn), pb.NewGPConnectClient(g.Conn)
	g.Admin = clientOf(operators.DialContext)
	if callers, ok := o.HTTPListener.(*Pipes); ok {
		g.HTTP = clientOf(callers.DialContext)
	}
	g.stop = sync.OnceFunc(func() {
		if err := g.Conn.Close(); err != nil {
			tb.Errorf("close the connection: %v", err)
		}
		g.Admin.CloseIdleConnections()
		if g.HTTP != nil {
			g.HTTP.CloseIdleConnections()
		}
		if err := g.sandbox.Stop(context.WithoutCancel(tb.Context())); err != nil {
			tb.Errorf("stop: %v", err)
		}
	})
	tb.Cleanup(func() {
		g.stop()
		Judge(tb, append(g.forgotten, g.Spine.Transcript().All()...))
	})
	return g
}

// clientOf asks a listener in memory.
func clientOf(dial func(context.Context) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }, DisableCompression: true,
	}}
}

// Stop ends the gateway before the test does: everything that it had to write is written then.
func (g *Gateway) Stop() { g.stop() }

// StopGateway stops the gateway and leaves the Spine and the connection alone, as an operator would.
func (g *Gateway) StopGateway() {
	if err := g.sandbox.Gateway.Stop(context.WithoutCancel(g.tb.Context())); err != nil {
		g.tb.Errorf("stop the gateway: %v", err)
	}
}

// Reload has the gateway apply its configuration again, with a change.
func (g *Gateway) Reload(ctx context.Context, change func(*config.Config)) error {
	c := g.sandbox.Config
	c.Organisations = slices.Clone(c.Organisations)
	change(&c)
	return g.sandbox.Gateway.Reload(ctx, c)
}

// As is a context whose calls are made by one of the sandbox's personas: clinician, receptionist, nurse or system.
func (g *Gateway) As(ctx context.Context, tb testing.TB, persona string) context.Context {
	tb.Helper()
	return g.AsFor(ctx, tb, persona, time.Hour)
}

// AsFor is As with a token that lives so long.
func (g *Gateway) AsFor(ctx context.Context, tb testing.TB, persona string, life time.Duration) context.Context {
	tb.Helper()
	token, err := g.sandbox.Token(persona, life)
	if err != nil {
		tb.Fatal(err)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.Reveal())
}

// AsPersona is a context whose calls are made by somebody who is none of the sandbox's personas.
func (g *Gateway) AsPersona(ctx context.Context, tb testing.TB, p identity.Persona) context.Context {
	tb.Helper()
	token, err := g.sandbox.Mint(p, time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token.Reveal())
}

// SignIn signs a clinician in with the simulated CIS2, with the roles that they hold, and adds the ID token to a context.
func (g *Gateway) SignIn(ctx context.Context, tb testing.TB, userID string, roles ...string) context.Context {
	tb.Helper()
	token, err := g.sandbox.SignIn(userID, roles...)
	if err != nil {
		tb.Fatal(err)
	}
	return metadata.AppendToOutgoingContext(ctx, "spinegate-cis2-id-token", token)
}

// Entries are the trail's, oldest first, without its own SYSTEM entries.
func (g *Gateway) Entries(tb testing.TB) []audit.Entry {
	tb.Helper()
	var entries []audit.Entry
	for e, err := range g.Audit.Entries(tb.Context(), audit.Query{Limit: 1 << 20}) {
		if err != nil {
			tb.Fatal(err)
		}
		if e.Kind != audit.KindSystem {
			entries = append([]audit.Entry{e}, entries...)
		}
	}
	return entries
}

// Log collects what is logged. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// WriteData makes a data directory of files, named as product.md names them, and returns it.
func WriteData(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}
