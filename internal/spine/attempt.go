package spine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

const (
	// reserve is kept of the caller's deadline for saying at which hop the time ran out (trust.md, 4.2).
	reserve = 100 * time.Millisecond
	// shortest is the least time that an attempt is begun with.
	shortest = 150 * time.Millisecond
)

// attempt gives each attempt its own limits and, through the proxy, its own Ssp-TraceID. The limits go on with the body
// of the answer and end when that is closed.
func attempt(send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		if t.ssp != nil {
			t.sspTraceID = uuid.NewString()
		}
		c, err := newClock(r.Context(), t.limits)
		if err != nil {
			return nil, refuse(err)
		}
		answer, err := send(t, r.WithContext(c.ctx)) //nolint:contextcheck // the clock's context is the request's with a limit
		if err != nil {
			err = c.blame(err)
			c.stop()
			return nil, err
		}
		c.await(t.limits.Progress)
		answer.Body = &timed{from: answer.Body, clock: c}
		return answer, nil
	}
}

// clock ends the context of an attempt when one of its limits is reached, with the limit as its cause.
type clock struct {
	parent   context.Context //nolint:containedctx // to tell the caller's end from ours
	ctx      context.Context //nolint:containedctx // it is the attempt's own, and this ends it
	cancel   context.CancelCauseFunc
	total    *time.Timer
	silence  *time.Timer
	progress time.Duration
}

func newClock(parent context.Context, limits Limits) (*clock, error) {
	total, cause := limits.Total, errTotal
	if deadline, ok := parent.Deadline(); ok {
		left := time.Until(deadline)
		if left < shortest {
			return nil, errCallerDeadline
		}
		if left-reserve < total {
			total, cause = left-reserve, errCallerDeadline
		}
	}
	c := &clock{parent: parent}
	c.ctx, c.cancel = context.WithCancelCause(parent)
	c.total = time.AfterFunc(total, func() { c.cancel(cause) })
	c.silence = time.AfterFunc(limits.FirstByte, func() { c.cancel(errFirstByte) })
	return c, nil
}

// await ends the wait for the first byte; from now on only silence inside a read counts.
func (c *clock) await(progress time.Duration) {
	c.silence.Stop()
	c.progress = progress
	c.silence = time.AfterFunc(progress, func() { c.cancel(errProgress) })
	c.silence.Stop()
}

func (c *clock) stop() {
	c.total.Stop()
	c.silence.Stop()
	c.cancel(nil)
}

// blame names the limit that ended an exchange in place of what the transport made of that.
func (c *clock) blame(err error) error {
	cause := context.Cause(c.ctx)
	if cause == nil {
		return err
	}
	if c.parent.Err() != nil {
		cause = c.parent.Err() // and not what the caller may have given as its cause
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return cause
	}
	if f.final {
		return renamed(f, cause)
	}
	// Only a limit of the attempt leaves room for another one.
	callers := !errors.Is(cause, errFirstByte) && !errors.Is(cause, errTotal)
	return &failure{err: cause, left: f.left, final: callers}
}

// renamed is a refusal of ours, which names its own reason; but a wait for a token that a limit of the attempt ended knows
// no more than that it was cancelled, and it was not by the caller.
func renamed(f *failure, cause error) error {
	e, ok := errors.AsType[*fault.Error](f)
	if !ok || e.Reason != pb.ErrorReason_ERROR_REASON_CANCELLED {
		return f
	}
	if named := ended(e.Hop, cause); named != nil {
		return &failure{err: named, left: f.left, final: true}
	}
	return f
}

// timed is a body whose reads must make progress. The caller's own slowness does not count.
type timed struct {
	from  io.ReadCloser
	clock *clock
}

func (b *timed) Read(p []byte) (int, error) {
	b.clock.silence.Reset(b.clock.progress)
	n, err := b.from.Read(p)
	b.clock.silence.Stop()
	if err != nil {
		// Also an end that looks regular: a server that sees us hang up can end its body as if that were all.
		err = b.clock.blame(err)
	}
	return n, err
}

func (b *timed) Close() error {
	err := b.from.Close()
	b.clock.stop()
	return err
}
