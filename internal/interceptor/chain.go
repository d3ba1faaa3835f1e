// Package interceptor is what stands between the network and the services: it settles who is calling, what they may do,
// how long it may take and whether the question is well formed, before a service sees it; and it makes sure that whatever
// happens there, the caller gets an explanation, the operator a line, and the audit trail its evidence.
//
// Each link is a file. [Chain] puts them together in one order and says why.
//
// Two promises are kept here for every method at once. No answer leaves before its OUTCOME is durable: the reply of a
// unary call, the closing message of a stream, the status of a refusal. And a stream ends with status OK if and only if
// its closing message was sent.
package interceptor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/session"
)

// Config is what the links need. All of it is required, but for OpenToSystems, Organisations, ConnectionLife and
// Cut.
type Config struct {
	// Log gets one line for each call, and the stacks of panics.
	Log *slog.Logger
	// Meter counts panics, and calls that failed.
	Meter metric.Meter
	// Audit is the trail.
	Audit *audit.Store
	// Identity says who presents a credential.
	Identity *identity.Verifier
	// OpenToSystems are full names of methods that callers without a named human may use. Only methods whose policy is
	// HumanUnlessOpened can be opened.
	OpenToSystems []string
	// Organisations bound what some may do; one that is not here may do what its credentials permit. Where there are several, none
	// holds more than three quarters of MaxInFlight.
	Organisations map[nhs.ODSCode]Organisation
	// MaxInFlight is how many calls may run at once, of all callers together.
	MaxInFlight int
	// ConnectionLife is how long the server lets a connection live at least, with the calls on it: they end before. Zero is
	// for ever.
	ConnectionLife time.Duration
	// Cut ends when calls that still run are to be cut off; they end with SHUTTING_DOWN. nil never does.
	Cut context.Context
}

// Organisation bounds what all callers of one may do.
type Organisation struct {
	// Methods are full names of methods and names of services that it may call; none means all.
	Methods []string
	// PerSecond calls are allowed to all its callers together, and as many at once; zero is no bound.
	PerSecond float64
}

// link is one interceptor, for both kinds of call.
type link struct {
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

// Chain makes the options of a server: all of its interceptors, and what keeps evidence of calls that gRPC itself ends
// before any interceptor sees them.
func Chain(c Config) ([]grpc.ServerOption, error) {
	switch {
	case c.Log == nil, c.Meter == nil, c.Audit == nil, c.Identity == nil:
		return nil, errors.New("interceptor: log, meter, audit and identity are all needed")
	case c.MaxInFlight < 1:
		return nil, errors.New("interceptor: max in flight must be at least 1")
	}
	panics, err := newRecoverer(c.Log, c.Meter)
	if err != nil {
		return nil, err
	}
	failed, err := newFailures(c.Meter)
	if err != nil {
		return nil, err
	}
	rights, err := newAuthoriser(c.OpenToSystems, c.Organisations)
	if err != nil {
		return nil, err
	}
	rules, err := newValidator()
	if err != nil {
		return nil, err
	}
	lines, evidence := logger{c.Log, failed}, auditor{c.Audit}

	// Outermost first. Each line says why it stands where it stands.
	links := []link{
		lines.link(),                            // one line per call, refusals included; it sees what the caller sees
		explain(),                               // whatever failed, the caller gets a status that we chose
		evidence.link(),                         // opens the record before anything is known: refusals are evidence too
		around(cutter{c.Cut}.link),              // a gateway that stops says so; the trail has it too
		around(deadline{c.ConnectionLife}.link), // no call without an end, and none begun that cannot be finished
		around(identifier{c.Identity}.link),     // who is asking; fills the record
		around(newLimiter(c.MaxInFlight, c.Organisations).link), // per caller and organisation, so it needs identify
		around(rights.link),             // may they ask this
		rules.link(),                    // is the question well formed: only who may ask learns how to
		bind(session.New(session.Most)), // no session is mixed with another's; its request is known to be well formed
		around(panics.reporting),        // what the service starts recovers by itself, and tells the same operator
		panics.link(),                   // a panic in the service is seen by all of the above as an error
	}
	// A panic in a link is an answer, not a crash. This one stands outside of everything, for the services that are free
	// as well.
	outer := panics.link()
	unary, stream := []grpc.UnaryServerInterceptor{outer.unary}, []grpc.StreamServerInterceptor{outer.stream}
	governed := selector.MatchFunc(func(_ context.Context, c interceptors.CallMeta) bool { return !free[c.FullMethod()] })
	for _, l := range links {
		unary = append(unary, selector.UnaryServerInterceptor(l.unary, governed))
		stream = append(stream, selector.StreamServerInterceptor(l.stream, governed))
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(unary...),
		grpc.ChainStreamInterceptor(stream...),
		grpc.UnknownServiceHandler(unknown),
		grpc.StatsHandler(early{evidence, lines}),
		grpc.InTapHandle(await),
	}, nil
}

// free are the methods that need no identity and leave no evidence: they say nothing about anybody. The list is complete;
// whatever else a server offers needs a row in the policy table.
var free = map[string]bool{
	"/grpc.health.v1.Health/Check":                                   true,
	"/grpc.health.v1.Health/List":                                    true,
	"/grpc.health.v1.Health/Watch":                                   true,
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      true,
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": true,
}

// rest is the rest of the chain.
type rest func(context.Context) error

// around makes a link of a function that needs no message: it runs the rest of the chain, or says why not.
func around(f func(ctx context.Context, next rest) error) link {
	return link{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
			err = f(ctx, func(ctx context.Context) (err error) {
				resp, err = handler(ctx, req)
				return err
			})
			if err != nil {
				return nil, err
			}
			return resp, nil
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return f(ss.Context(), func(ctx context.Context) error { return handler(srv, with(ctx, ss)) })
		},
	}
}

// with gives a stream another context.
func with(ctx context.Context, ss grpc.ServerStream) grpc.ServerStream {
	return &middleware.WrappedServerStream{ServerStream: ss, WrappedContext: ctx}
}

// rowOf is the policy of the call, and a strict one for a method that has none: such a call is on its way to be refused.
func rowOf(c *call) policy.Method {
	if c.row.Name == "" {
		return policy.Method{Limit: unknownLimit, Budget: unknownBudget}
	}
	return c.row
}
