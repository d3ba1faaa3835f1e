package interceptor

import (
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/policy"
)

// outcomeTimeout is how long an outcome may take to become durable. It is its own: the call's deadline may have passed,
// or its caller gone, and both are evidence.
const outcomeTimeout = 2 * time.Second

var errNoClosing = errors.New("the stream ended without its closing message")

// auditor opens the record of every call and makes its OUTCOME durable before the answer leaves. It cannot be switched
// off (trust contract, AU-11). Between the two, the ATTEMPT, ACCESS and RELEASE are committed by whoever is about to do
// what they speak of, with the record that the context carries.
type auditor struct{ store *audit.Store }

func (a auditor) link() link {
	return link{unary: a.unary, stream: a.stream}
}

func (a auditor) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	ctx, record := a.begin(ctx)
	describe(record, req)
	ended := false
	defer a.abandon(ctx, record, &ended)
	resp, err = handler(ctx, req)
	if err == nil {
		err = fits(resp)
	}
	err, ended = a.end(ctx, record, audit.Outcome{}, err), true
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func (a auditor) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, record := a.begin(ss.Context())
	ended := false
	defer a.abandon(ctx, record, &ended)
	s := &evident{ServerStream: with(ctx, ss), auditor: a, record: record}
	err := s.readAhead(info)
	if err == nil {
		err = handler(srv, s)
	}
	if err == nil {
		err = s.unsent
	}
	if err == nil && s.closes && !s.closed {
		err = fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, errNoClosing)
	}
	err, ended = a.end(ctx, record, s.outcome, err), true
	return err
}

// begin opens the record with what is known before anything is understood.
func (a auditor) begin(ctx context.Context) (context.Context, *audit.Record) {
	c := callFrom(ctx)
	record := a.store.Begin(audit.Call{Method: c.method, Trace: TraceIDs(ctx).GetTraceId(), Peer: address(ctx)})
	record.SetPolicy(policy.Version)
	NoteIDs(ctx, &pb.TraceIds{CallId: record.ID()})
	return audit.NewContext(ctx, record), record
}

// fits refuses an answer that gRPC would not send. gRPC says so by itself only when the outcome is durable, past everything
// that explains, and in words that read like a rate limit.
func fits(answer any) error {
	if m, ok := answer.(proto.Message); ok && proto.Size(m) > policy.MaxMessage {
		return refuse(pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE)
	}
	return nil
}

// end makes the outcome of a call durable, and returns what the caller is told: err, or that there is no evidence. A
// record that has its outcome already got it before the closing message.
func (a auditor) end(ctx context.Context, record *audit.Record, o audit.Outcome, err error) error {
	o.Code = canonical(codes.OK)
	if err != nil {
		e := explained(ctx, err)
		o.Code, o.Reason, o.Hop = canonical(fault.Code(e.Reason)), fault.ReasonName(e.Reason), hopName(e.Hop)
		o.Diagnostics = e.UpstreamText
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTimeout)
	defer cancel()
	if failed := record.Outcome(ctx, o); failed != nil && !errors.Is(failed, audit.ErrEnded) {
		return fault.New(pb.Hop_HOP_AUDIT, pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE, failed)
	}
	return err
}

// abandon is deferred: when one of the links further in panics, the call still gets its outcome on the way out.
func (a auditor) abandon(ctx context.Context, record *audit.Record, ended *bool) {
	if !*ended {
		_ = a.end(ctx, record, audit.Outcome{}, guard.Fault())
	}
}

// address is the peer's, without its port.
func address(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return ""
	}
	if host, _, err := net.SplitHostPort(p.Addr.String()); err == nil {
		return host
	}
	return p.Addr.String()
}
