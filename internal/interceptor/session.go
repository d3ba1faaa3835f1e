package interceptor

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/session"
)

// bind holds every request with a session id against the session, and gives the call the session's memory. It stands
// behind the validator, which refuses a session where there can be none, and looks at the same messages.
func bind(sessions *session.Sessions) link {
	checked := eachRequest(binder{sessions}.check)
	return link{
		unary: func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return checked.unary(session.NewContext(ctx), req, info, handler)
		},
		stream: func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return checked.stream(srv, with(session.NewContext(ss.Context()), ss), info, handler)
		},
	}
}

type binder struct{ sessions *session.Sessions }

func (b binder) check(ctx context.Context, request any) error {
	in, ok := request.(interface{ GetContext() *pb.CallContext })
	if !ok || in.GetContext().GetSessionId() == "" {
		return nil
	}
	caller, _ := identity.FromContext(ctx)
	who := session.User{Organisation: caller.Organisation.ODS, Issuer: caller.Issuer}
	if u := caller.User; u != nil {
		who.System, who.ID = u.LocalSystem, u.LocalID
	}
	var patient nhs.Number
	if m, ok := request.(proto.Message); ok {
		patient, _ = nhs.ParseNumber(textOf(m.ProtoReflect(), "nhs_number")) // zero where the method knows none
	}
	memory, err := b.sessions.Use(in.GetContext().GetSessionId(), who, patient)
	if err != nil {
		return err
	}
	session.Enter(ctx, memory)
	return nil
}
