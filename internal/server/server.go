// Package server builds the gateway from its configuration, runs it, and stops it in the order of its promises.
//
// It is the only place that knows every part. It maps [config.Config] to each part's own configuration, hangs the audit
// trail before every request to the Spine, and opens the listeners: gRPC for callers, and HTTP where that is wanted; HTTP
// for operators. It refuses to start in front of a simulated Spine where a real one is configured, and in clear text beyond
// loopback.
//
// To stop: health says NOT_SERVING, calls may end within a bound, telemetry is flushed, and the journal and the audit
// trail are closed last, so that whatever happened until then is in it.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/journal"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/telemetry"
	"github.com/spinegate/spinegate/internal/web"
)

// Options are what a program gives a gateway beside its configuration.
type Options struct {
	// Version of the program. Required: practices are told it.
	Version string
	// Logger hears what operators need to know. Required.
	Logger *slog.Logger
	// Listener, AdminListener and HTTPListener replace those at the configured addresses, and are closed in the end.
	Listener, AdminListener, HTTPListener net.Listener
	// Dial opens connections to the Spine. nil dials TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Embedded makes this a gateway of the embedded Spine, and nothing else does.
	Embedded *Embedded
	// Processors see every span that would be exported, and Readers every metric. For tests.
	Processors []sdktrace.SpanProcessor
	Readers    []sdkmetric.Reader
}

// Embedded is what a gateway of the embedded Spine has and no other: reflection, tokens for the asking, and traces that
// can be looked at.
type Embedded struct {
	// Issuer mints the tokens. It is believed beside nobody else.
	Issuer *identity.Issuer
	// CIS2 is the simulated one, whose sign-ins are taken.
	CIS2 *identity.CIS2
	// SignIn signs a clinician in with it, by SDS user id and roles, and returns their ID token.
	SignIn func(userID string, roles ...string) (string, error)
}

// rememberedTraces is how many traces the sandbox can show.
const rememberedTraces = 256

// Gateway is a running gateway.
type Gateway struct {
	config    config.Config
	log       *slog.Logger
	telemetry *telemetry.Telemetry
	audit     *audit.Store
	journal   *journal.Journal
	systems   *sds.Client
	trusted   *trust
	watched   []watched // certificates; complete when the gateway serves
	health    *vitals
	grpc      *grpc.Server
	secure    *tls.Config // towards callers; nil is clear text
	web       *web.Server // nil if there is none
	admin     *http.Server
	address   net.Addr
	adminAt   net.Addr
	webAt     net.Addr

	applications []*application // the gateway's first
	reloading    sync.Mutex

	closers []func() error // run in reverse order by Stop
	failed  chan error
	serving sync.WaitGroup
	end     context.CancelFunc
	cut     context.CancelFunc // ends the calls that still run, and tells their callers why
	stop    sync.Once
	stopped error
}

// Start opens a gateway and serves until Stop. ctx bounds the start alone.
func Start(ctx context.Context, c config.Config, o Options) (*Gateway, error) {
	if (c.Environment == config.Embedded) != (o.Embedded != nil) {
		return nil, errors.New("start the gateway: the embedded Spine belongs to the sandbox, and to nothing else")
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	g := &Gateway{config: c, log: o.Logger, failed: make(chan error, 4), end: end}
	if err := g.start(ctx, life, o); err != nil {
		for _, l := range []net.Listener{o.Listener, o.AdminListener, o.HTTPListener} {
			if l != nil {
				g.onStop(func() error { _ = l.Close(); return nil }) // it may be closed already, by whoever served it
			}
		}
		g.halt(ctx)
		return nil, fmt.Errorf("start the gateway: %w", errors.Join(err, g.stopped))
	}
	serving := []slog.Attr{slog.String("environment", string(c.Environment)), slog.String("address", g.address.String())}
	if g.webAt != nil {
		serving = append(serving, slog.String("http_address", g.webAt.String()))
	}
	g.log.LogAttrs(ctx, slog.LevelInfo, "serving", append(serving, slog.String("version", o.Version))...)
	return g, nil
}

func (g *Gateway) start(ctx, life context.Context, o Options) error {
	if err := RefuseSimulatedFiles(g.config); err != nil {
		return err
	}
	var err error
	if g.trusted, err = g.readTrust(); err != nil {
		return err
	}
	if err := g.refuseSimulation(ctx, o); err != nil {
		return err
	}
	if err := g.openTelemetry(ctx, o); err != nil {
		return err
	}
	if err := g.openStores(ctx, o); err != nil {
		return err
	}
	server, err := g.assemble(life, o)
	if err != nil {
		return err
	}
	g.grpc = server
	g.health.watch(life, &g.serving)
	if err := g.watchCertificates(life); err != nil {
		return err
	}
	if err := g.serveAdmin(life, o); err != nil {
		return err
	}
	if err := g.serveHTTP(life, o); err != nil {
		return err
	}
	return g.serve(life, o)
}

func (g *Gateway) openTelemetry(ctx context.Context, o Options) error {
	traces := 0
	if o.Embedded != nil {
		traces = rememberedTraces
	}
	var err error
	g.telemetry, err = telemetry.Start(ctx, telemetry.Config{
		Version: o.Version, Environment: string(g.config.Environment), Attributes: spanAttributes(),
		Traces: traces, Processors: o.Processors, Readers: o.Readers,
	})
	return err
}

// openStores opens the audit trail and the journal. They are the first to be opened and the last to be closed.
func (g *Gateway) openStores(ctx context.Context, o Options) error {
	sandbox := o.Embedded != nil
	trail, err := audit.Open(ctx, audit.Config{
		Path: g.config.Audit.Path, KeyFile: string(g.config.Audit.KeyFile), CreateKey: sandbox, Version: o.Version,
	})
	if err != nil {
		return fmt.Errorf("open the audit trail: %w", err)
	}
	g.audit = trail
	g.onStop(trail.Close)
	writes, err := journal.Open(ctx, journal.Config{
		Path: g.config.Journal.Path, KeyFile: string(g.config.Journal.KeyFile), CreateKey: sandbox,
	})
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	g.journal = writes
	g.onStop(writes.Close)
	g.health = newVitals(ctx, g.log, trail, writes)
	return g.health.measure(g.meter())
}

// meter is that of this package.
func (g *Gateway) meter() metric.Meter {
	return g.telemetry.Meters.Meter("github.com/spinegate/spinegate/internal/server")
}

// onStop runs f when the gateway stops, before everything that was put here earlier.
func (g *Gateway) onStop(f func() error) { g.closers = append(g.closers, f) }

// Address is where callers reach the gateway, and AdminAddress where operators do; nil if nowhere.
func (g *Gateway) Address() net.Addr { return g.address }

// AdminAddress is where operators reach it; nil if nowhere.
func (g *Gateway) AdminAddress() net.Addr { return g.adminAt }

// HTTPAddress is where callers reach it over HTTP; nil if nowhere.
func (g *Gateway) HTTPAddress() net.Addr { return g.webAt }

// Audit is the trail.
func (g *Gateway) Audit() *audit.Store { return g.audit }

// Failed tells why a listener ended by itself. The gateway should be stopped then.
func (g *Gateway) Failed() <-chan error { return g.failed }

// Stop ends the gateway: calls that run may end, for as long as the configuration says or until ctx ends, whatever is
// first, and are cut off with SHUTTING_DOWN after that. What it returns could not be flushed or closed. It may be called again.
func (g *Gateway) Stop(ctx context.Context) error {
	g.halt(ctx)
	return g.stopped
}

func (g *Gateway) halt(ctx context.Context) {
	g.stop.Do(func() {
		var errs []error
		if g.health != nil {
			g.health.stop()
		}
		if g.grpc != nil {
			g.drain(ctx)
		}
		errs = append(errs, g.endHTTP())
		if g.admin != nil {
			errs = append(errs, g.admin.Close())
		}
		g.end()
		g.serving.Wait()
		if g.telemetry != nil {
			// Not the caller's context: it has ended when the drain took all its time.
			errs = append(errs, g.telemetry.Shutdown(context.WithoutCancel(ctx)))
		}
		for _, closer := range slices.Backward(g.closers) {
			errs = append(errs, closer())
		}
		if err := errors.Join(errs...); err != nil {
			g.stopped = fmt.Errorf("stop the gateway: %w", err)
		}
		g.log.InfoContext(ctx, "stopped")
	})
}

// lastWords is how long a call that is cut off may take to tell its caller: its outcome has to be durable first.
const lastWords = 3 * time.Second

// drain lets calls end, and cuts them off when the time is over. It returns when no handler runs any more: a write that may
// have left is settled first.
func (g *Gateway) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, g.config.Bounds.StopWithin)
	defer cancel()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		var ending sync.WaitGroup
		if g.web != nil {
			// It accepts nobody any more, and its answers leave whole: also what is said to those who are cut off.
			ending.Go(func() { _ = g.web.Shutdown(context.WithoutCancel(ctx)) })
		}
		g.grpc.GracefulStop()
		ending.Wait()
	}()
	defer g.cut()
	select {
	case <-drained:
		return
	case <-ctx.Done():
	}
	g.log.WarnContext(ctx, "calls were cut off: they did not end in time")
	g.cut()
	select {
	case <-drained:
	case <-time.After(lastWords):
		g.grpc.Stop()
		_ = g.endHTTP() // said when it is asked again
		<-drained
	}
}
