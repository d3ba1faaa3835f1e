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

// deadline gives every call an end: the caller's, or the method's budget where that is less or none was set. A call with
// too little left is refused before anything is asked for it.
func deadline(ctx context.Context, next rest) error {
	budget := rowOf(callFrom(ctx)).Budget
	end := time.Now().Add(budget.Total)
	if set, ok := ctx.Deadline(); ok && set.Before(end) {
		end = set
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
