package interceptor

import (
	"context"
	"fmt"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// reserve is kept of every deadline for saying how it ended (trust contract, 4.2).
const reserve = 100 * time.Millisecond

// deadline gives every call an end: the caller's, the method's budget, or that of the connection, whichever is first. A
// call with too little left is refused before anything is asked for it.
type deadline struct {
	// life is how long a connection lasts at least; zero is for ever.
	life time.Duration
}

type openedKey struct{}

// opened notes when a connection began.
func opened(ctx context.Context) context.Context {
	return context.WithValue(ctx, openedKey{}, time.Now())
}

func (d deadline) link(ctx context.Context, next rest) error {
	budget := rowOf(callFrom(ctx)).Budget
	end := time.Now().Add(budget.Total)
	if set, ok := ctx.Deadline(); ok && set.Before(end) {
		end = set
	}
	if began, ok := ctx.Value(openedKey{}).(time.Time); ok && d.life > 0 && began.Add(d.life).Before(end) {
		end = began.Add(d.life)
	}
	if time.Until(end) < budget.Least {
		e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT, nil)
		e.Operator = fmt.Sprintf("At least %s must be left when the call arrives.", budget.Least)
		return e
	}
	ctx, cancel := context.WithDeadline(ctx, end.Add(-reserve))
	defer cancel()
	return next(ctx)
}
