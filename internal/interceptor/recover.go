package interceptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"go.opentelemetry.io/otel/metric"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

var errPanic = errors.New("panic")

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
	handle := recovery.WithRecoveryHandlerContext(r.handle)
	return link{recovery.UnaryServerInterceptor(handle), recovery.StreamServerInterceptor(handle)}
}

// handle tells the operator what kind of value was thrown, and from where. Never the value: it may be about somebody.
func (r recoverer) handle(ctx context.Context, thrown any) error {
	r.panics.Add(ctx, 1)
	attributes := []any{"thrown", fmt.Sprintf("%T", thrown), "stack", stack()}
	if c := callFrom(ctx); c != nil {
		attributes = append(attributes, "method", c.method, "call_id", TraceIDs(ctx).GetCallId())
	}
	r.log.ErrorContext(ctx, "panic", attributes...)
	return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, errPanic)
}

// stack is where the panic came from: functions, files and lines. The runtime's own text also holds the words of every
// argument.
func stack() []string {
	const (
		skip    = 6  // runtime.Callers, itself, handle, the library's two frames, and the runtime's panic
		deepest = 20 // what is further out is the chain
	)
	callers := make([]uintptr, deepest)
	frames := runtime.CallersFrames(callers[:runtime.Callers(skip, callers)])
	var lines []string
	for {
		frame, more := frames.Next()
		lines = append(lines, fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line))
		if !more {
			return lines
		}
	}
}
