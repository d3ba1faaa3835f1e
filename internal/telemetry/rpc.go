package telemetry

import (
	"context"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/stats"
)

// ServerHandler measures every call that the server receives, refusals included: a span, and how many calls of each
// method took how long and ended how. known names the methods that exist, such as
// /spinegate.v1.PatientTrace/TracePatient. All others count as one: their names are whatever somebody sent.
func (t *Telemetry) ServerHandler(known map[string]bool) stats.Handler {
	return knownMethods{
		Handler: otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(t.Tracers),
			otelgrpc.WithMeterProvider(t.Meters),
			otelgrpc.WithPropagators(traceparent{}),
		),
		known: known,
	}
}

// otherMethod stands for every method that does not exist (semantic conventions for RPC).
const otherMethod = "/_OTHER"

// knownMethods hides the names of methods that do not exist: each would be a new time series, and text from outside.
type knownMethods struct {
	stats.Handler

	known map[string]bool
}

func (h knownMethods) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if !h.known[info.FullMethodName] {
		named := *info
		named.FullMethodName = otherMethod
		info = &named
	}
	return h.Handler.TagRPC(ctx, info)
}

// traceparent is W3C trace context without tracestate, and without a way out: nothing is sent to the Spine, which
// forwards headers to third parties (trust contract, 5.3).
type traceparent struct{}

var w3c propagation.TraceContext

// Extract takes the caller's trace, if there is a well-formed one.
func (traceparent) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	return w3c.Extract(ctx, propagation.MapCarrier{"traceparent": carrier.Get("traceparent")})
}

// Inject sends nothing.
func (traceparent) Inject(context.Context, propagation.TextMapCarrier) {}

// Fields names what is read.
func (traceparent) Fields() []string { return []string{"traceparent"} }
