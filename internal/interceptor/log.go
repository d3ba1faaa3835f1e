package interceptor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// logger writes one line for each call when it has ended, and counts those that failed. Nothing in it is the caller's text;
// there is no switch that logs messages. The library's link is not used: it logs the text of errors.
type logger struct {
	log      *slog.Logger
	failures failures
}

func (l logger) link() link {
	return link{
		unary: func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			ctx, c := newCall(ctx, info.FullMethod)
			arrived(ctx)
			resp, err := handler(ctx, req)
			l.line(ctx, c, status.Code(err))
			return resp, err
		},
		stream: func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			ctx, c := newCall(ss.Context(), info.FullMethod)
			arrived(ctx)
			err := handler(srv, with(ctx, ss))
			l.line(ctx, c, status.Code(err))
			return err
		},
	}
}

func (l logger) line(ctx context.Context, c *call, code codes.Code) {
	attributes := []slog.Attr{
		slog.String("method", c.method),
		slog.String("code", canonical(code)),
		slog.Duration("duration", time.Since(c.begun)),
		slog.String("organisation", c.organisation),
		slog.String("call_id", TraceIDs(ctx).GetCallId()),
	}
	level := slog.LevelInfo
	if e := c.failure; e != nil {
		l.failures.count(ctx, c.method, e)
		attributes = append(attributes, slog.String("reason", fault.ReasonName(e.Reason)), slog.String("hop", hopName(e.Hop)))
		if e.Operator != "" {
			attributes = append(attributes, slog.String("operator", e.Operator))
		}
		if id := e.Metadata["message_id"]; id != "" {
			attributes = append(attributes, slog.String("message_id", id))
		}
		if operatorsConcern(e.Reason) {
			level = slog.LevelError
			attributes = append(attributes, slog.Any("causes", causes(e)))
		}
	}
	l.log.LogAttrs(ctx, level, "call", attributes...)
}

// operatorsConcern tells faults of this gateway and of its configuration from what callers and the Spine do.
func operatorsConcern(r pb.ErrorReason) bool {
	switch r {
	case pb.ErrorReason_ERROR_REASON_INTERNAL, pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE,
		pb.ErrorReason_ERROR_REASON_JOURNAL_UNAVAILABLE, pb.ErrorReason_ERROR_REASON_METHOD_WITHOUT_POLICY,
		pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST,
		pb.ErrorReason_ERROR_REASON_CLIENT_CERTIFICATE_REFUSED, pb.ErrorReason_ERROR_REASON_SIMULATED_ANSWER:
		return true
	default:
		return false
	}
}

// causes are the types of the errors beneath one that needs looking into. Their texts may quote an address that names a
// patient.
func causes(err error) []string {
	var types []string
	for err != nil {
		types = append(types, fmt.Sprintf("%T", err))
		switch e := err.(type) { //nolint:errorlint // walks the chain itself
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, part := range e.Unwrap() {
				types = append(types, causes(part)...)
			}
			return types
		default:
			return types
		}
	}
	return types
}
