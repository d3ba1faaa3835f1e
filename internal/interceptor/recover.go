package interceptor

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"go.opentelemetry.io/otel/metric"

	"github.com/spinegate/spinegate/internal/guard"
)

// recoverer turns a panic into INTERNAL. The library's own default would send the stack to the caller.
type recoverer struct {
	log    *slog.Logger
	panics metric.Int64Counter
}

func newRecoverer(log *slog.Logger, meter metric.Meter) (recoverer, error) {
	panics, err := meter.Int64Counter("spinegate.panics", metric.WithDescription("Panics that were recovered; each is a fault of the gateway."))
	if err != nil {
		return recoverer{}, fmt.Errorf("interceptor: count panics: %w", err)
	}
	return recoverer{log: log, panics: panics}, nil
}

func (r recoverer) link() link {
	handle := recovery.WithRecoveryHandlerContext(func(ctx context.Context, thrown any) error {
		r.report(ctx, thrown)
		return guard.Fault()
	})
	return link{recovery.UnaryServerInterceptor(handle), recovery.StreamServerInterceptor(handle)}
}

// reporting lets goroutines that the service starts report as this link does.
func (r recoverer) reporting(ctx context.Context, next rest) error {
	return next(guard.NewContext(ctx, r.report))
}

// report tells the operator what kind of value was thrown, and from where. Never the value: it may be about somebody.
func (r recoverer) report(ctx context.Context, thrown any) {
	r.panics.Add(ctx, 1)
	attributes := []any{"thrown", fmt.Sprintf("%T", thrown), "stack", guard.Stack()}
	if c := callFrom(ctx); c != nil {
		attributes = append(attributes, "method", c.method, "call_id", TraceIDs(ctx).GetCallId())
	}
	r.log.ErrorContext(ctx, "panic", attributes...)
}
