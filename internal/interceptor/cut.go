package interceptor

import (
	"context"
	"errors"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// cutter ends the calls of a gateway that stops and has waited long enough for them. Their callers are told so, which
// they may answer by asking another replica; CANCELLED would say that they left by themselves.
type cutter struct {
	end context.Context //nolint:containedctx // it is an event of the gateway's life, and no call's context
}

func (c cutter) link(ctx context.Context, next rest) error {
	if c.end == nil {
		return next(ctx)
	}
	shuttingDown := refuse(pb.ErrorReason_ERROR_REASON_SHUTTING_DOWN)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.end, func() { cancel(shuttingDown) })() //nolint:contextcheck // as above
	err := next(ctx)
	if err == nil || !errors.Is(context.Cause(ctx), shuttingDown) {
		return err
	}
	if explained(ctx, err).Reason == pb.ErrorReason_ERROR_REASON_CANCELLED {
		return shuttingDown
	}
	return err
}
