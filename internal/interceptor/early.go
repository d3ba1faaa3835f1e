package interceptor

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
)

// early keeps evidence of calls that gRPC ends before any interceptor runs: a message that is too large or cannot be
// decoded, a caller who leaves before its request has arrived. Such a call has its status by then, and never its answer.
type early struct {
	auditor auditor
	logger  logger
}

// arrival is marked once the chain has a call.
type arrival struct {
	method string
	seen   atomic.Bool
}

type arrivalKey struct{}

// arrived tells early that the chain has the call.
func arrived(ctx context.Context) {
	if a, ok := ctx.Value(arrivalKey{}).(*arrival); ok {
		a.seen.Store(true)
	}
}

// TagRPC implements [stats.Handler].
func (e early) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if free[info.FullMethodName] {
		return ctx
	}
	return context.WithValue(ctx, arrivalKey{}, &arrival{method: info.FullMethodName})
}

// HandleRPC implements [stats.Handler].
func (e early) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s.(type) {
	case *stats.InPayload, *stats.End:
		awaited(ctx)
	}
	end, ok := s.(*stats.End)
	if !ok {
		return
	}
	a, ok := ctx.Value(arrivalKey{}).(*arrival)
	if !ok || a.seen.Load() || end.Error == nil {
		return
	}
	ctx, c := newCall(ctx, a.method)
	c.begun = end.BeginTime
	ctx, record := e.auditor.begin(ctx)
	refusal := unread(end.Error)
	c.failure = explained(ctx, refusal)
	// The status has left already. Whether this evidence could be written shows in the store's health.
	_ = e.auditor.end(ctx, record, audit.Outcome{}, refusal)
	e.logger.line(ctx, c, fault.Code(c.failure.Reason))
}

// TagConn implements [stats.Handler].
func (e early) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return opened(ctx) }

// HandleConn implements [stats.Handler].
func (e early) HandleConn(context.Context, stats.ConnStats) {}
