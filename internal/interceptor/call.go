package interceptor

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/policy"
)

// unknownMethod stands for every method without a policy: its name is the caller's text, and goes nowhere.
const unknownMethod = "(unknown)"

// What a call of an unknown method gets until it is refused.
var (
	unknownLimit  = policy.Limit{PerSecond: 1, Burst: 5, InFlight: 1}
	unknownBudget = policy.Budget{Total: 30 * time.Second, Least: policy.Least}
)

// farthest is the last hop of the road.
const farthest = pb.Hop_HOP_PROVIDER

// call is what the links tell each other about one call.
type call struct {
	// method is the name as it may be shown, row its policy; zero for a method without one.
	method string
	row    policy.Method
	begun  time.Time
	// organisation and failure are for the log; each is set by one link before the one outside of it reads it.
	organisation string
	failure      *fault.Error

	mu   sync.Mutex // guards what follows, which hooks fill from many goroutines
	ids  *pb.TraceIds
	hops [farthest + 1]int // how many requests are under way at each hop
}

type callKey struct{}

// newCall begins the notes of a call.
func newCall(ctx context.Context, fullMethod string) (context.Context, *call) {
	c := &call{method: unknownMethod, begun: time.Now(), ids: &pb.TraceIds{}}
	if row, ok := policy.For(fullMethod); ok {
		c.method, c.row = row.Name, row
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		c.ids.TraceId = span.TraceID().String()
	}
	return context.WithValue(ctx, callKey{}, c), c
}

func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// NoteIDs adds ids under which the call's requests are known at the NHS, so that an error can name them. Of several
// requests the last counts; the audit trail has all. Outside of a call it does nothing.
func NoteIDs(ctx context.Context, ids *pb.TraceIds) {
	c := callFrom(ctx)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	proto.Merge(c.ids, ids)
}

// TraceIDs are the ids under which the call is known so far: its trace, its place in the audit trail, and what NoteIDs
// added. Nil outside of a call.
func TraceIDs(ctx context.Context) *pb.TraceIds {
	c := callFrom(ctx)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return proto.CloneOf(c.ids)
}

// EnterHop notes that a request to a hop is under way until leave is called, so that a deadline can say where the time
// went. Outside of a call it does nothing.
func EnterHop(ctx context.Context, hop pb.Hop) (leave func()) {
	c := callFrom(ctx)
	if c == nil || hop < 0 || hop > farthest {
		return func() {}
	}
	c.move(hop, 1)
	return sync.OnceFunc(func() { c.move(hop, -1) })
}

func (c *call) move(hop pb.Hop, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hops[hop] += by
}

// hop is where the call is: the farthest hop with a request under way, else the gateway.
func (c *call) hop() pb.Hop {
	c.mu.Lock()
	defer c.mu.Unlock()
	for hop := farthest; hop > pb.Hop_HOP_GATEWAY; hop-- {
		if c.hops[hop] > 0 {
			return hop
		}
	}
	return pb.Hop_HOP_GATEWAY
}
