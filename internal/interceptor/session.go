package interceptor

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/session"
)

// bind holds every request with a session id against the session. It stands behind the validator, which refuses a session
// where there can be none, and looks at the same messages.
func bind(sessions *session.Sessions) link {
	return eachRequest(binder{sessions}.check)
}

type binder struct{ sessions *session.Sessions }

func (b binder) check(ctx context.Context, request any) error {
	with, ok := request.(interface{ GetContext() *pb.CallContext })
	if !ok || with.GetContext().GetSessionId() == "" {
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
	return b.sessions.Use(with.GetContext().GetSessionId(), who, patient)
}
