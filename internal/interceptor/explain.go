package interceptor

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// explain turns whatever failed into a status that package fault made. Without it gRPC would send the text of any error
// that wraps a status.
func explain() link {
	return link{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			resp, err := handler(ctx, req)
			if err != nil {
				return nil, explanation(ctx, err)
			}
			return resp, nil
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return explanation(ss.Context(), handler(srv, wire{ss}))
		},
	}
}

// pushback is the trailer by which a server keeps clients from repeating a call by themselves (gRFC A6).
const pushback = "grpc-retry-pushback-ms"

// explanation is the status for the caller; nil for nil.
func explanation(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	e := explained(ctx, err)
	if c := callFrom(ctx); c != nil {
		c.failure = e
	}
	if e.RetryAfter > 0 {
		// Nobody's library repeats by itself, after fractions of a second, what we say is to wait: each repetition would be an access
		// of its own, and could only fail. Whoever waits decides.
		_ = grpc.SetTrailer(ctx, metadata.Pairs(pushback, "-1")) // there is no transport in a test of one link
	}
	return fault.Status(e, TraceIDs(ctx)).Err()
}

// explained finds or makes the fault of err. What gRPC itself says becomes a reason, and a call that ran out of time
// names the hop that it had come to.
func explained(ctx context.Context, err error) *fault.Error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	hop := pb.Hop_HOP_GATEWAY
	if c := callFrom(ctx); c != nil {
		hop = c.hop()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return fault.New(hop, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, err)
	case errors.Is(err, context.Canceled), status.Code(err) == codes.Canceled:
		return fault.New(hop, pb.ErrorReason_ERROR_REASON_CANCELLED, err)
	case status.Code(err) == codes.Unimplemented:
		return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_METHOD_NOT_BUILT, err)
	}
	return fault.Of(err)
}

// wire names the reason when gRPC itself cannot pass a message: one of the caller's that cannot be read, whose status has
// left by then in gRPC's own words, or one of ours that nobody takes any more. The reason is for the trail and the log.
type wire struct{ grpc.ServerStream }

// SendMsg implements [grpc.ServerStream]. Whatever the transport calls it, a caller who does not take a message has gone,
// or has no time left.
func (s wire) SendMsg(m any) error {
	err := s.ServerStream.SendMsg(m)
	if err == nil {
		return nil
	}
	reason := pb.ErrorReason_ERROR_REASON_CANCELLED
	if errors.Is(s.Context().Err(), context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded {
		reason = pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED
	}
	return fault.New(pb.Hop_HOP_GATEWAY, reason, err)
}

// RecvMsg implements [grpc.ServerStream].
func (s wire) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil || errors.Is(err, io.EOF) {
		return err // io.EOF must stay what it is
	}
	return unread(err)
}

// unreadable are the codes with which gRPC says that a message is too large, or cannot be decoded.
var unreadable = []codes.Code{codes.ResourceExhausted, codes.Internal, codes.Unimplemented, codes.InvalidArgument}

// unread is why a request message could not be read.
func unread(err error) error {
	if slices.Contains(unreadable, status.Code(err)) {
		return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, err)
	}
	return err
}

// unknown answers for methods that no service has. Authorisation refuses them before; here arrive those that are free and
// not served, such as reflection where it is switched off.
func unknown(any, grpc.ServerStream) error {
	return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_METHOD_NOT_BUILT, nil)
}

// canonical is the name of a code as gRPC's own documents write it, such as PERMISSION_DENIED.
func canonical(c codes.Code) string { return code.Code(c).String() } //nolint:gosec // 0 to 16

func hopName(h pb.Hop) string { return strings.TrimPrefix(h.String(), "HOP_") }
