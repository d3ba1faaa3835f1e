package interceptor

import (
	"context"

	"google.golang.org/grpc"
)

// eachRequest is a link that checks every request message: the one of a unary call, and each of a stream as it is read.
func eachRequest(check func(ctx context.Context, request any) error) link {
	return link{
		unary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if err := check(ctx, req); err != nil {
				return nil, err
			}
			return handler(ctx, req)
		},
		stream: func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(srv, checked{ss, check})
		},
	}
}

// checked is a stream whose messages are checked as they are read.
type checked struct {
	grpc.ServerStream

	check func(ctx context.Context, request any) error
}

// RecvMsg implements [grpc.ServerStream].
func (s checked) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err // io.EOF must stay what it is
	}
	return s.check(s.Context(), m)
}
