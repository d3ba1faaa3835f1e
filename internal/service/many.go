package service

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
)

// errSilent is the end of a target that had not answered when the call had to end.
var errSilent = fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_TIMED_OUT, nil)

// softEnd is when a call with many targets stops waiting, so that it can still say who was silent.
func softEnd(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, false
	}
	left := time.Until(deadline)
	return left - min(500*time.Millisecond, left/4), true
}

// askMany asks every target, some at a time, and gives the news of each to pass, one after the other and from the calling
// goroutine alone, which is the only one that may send. ask tells news, and gives up when tell says that nobody listens; it
// has to guard itself. It ends when pass wants no more, when every target was asked, or softly before the deadline; by then
// nobody is being asked any more. A caller who has gone is an error.
func askMany[T, N any](
	ctx context.Context, targets []T, atOnce int,
	ask func(ctx context.Context, target T, tell func(N) bool), pass func(N) (more bool, err error),
) error {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var end <-chan time.Time
	if wait, bounded := softEnd(ctx); bounded {
		end = time.After(wait)
	}
	news, asked := make(chan N), make(chan struct{})
	var broken error
	go func() {
		defer close(asked)
		broken = guard.Run(asking, func() error {
			var group errgroup.Group
			group.SetLimit(atOnce)
			for _, target := range targets {
				if asking.Err() != nil {
					break
				}
				group.Go(func() error {
					ask(asking, target, func(n N) bool { return hand(asking, news, n) })
					return nil
				})
			}
			return group.Wait()
		})
	}()
	err := gather(ctx, news, end, asked, pass)
	stop()
	<-asked
	return errors.Join(err, broken)
}

// gather passes on news until no more is wanted, time is up, or nobody is asked any more: the last news of each target was
// passed on by then.
func gather[N any](ctx context.Context, news <-chan N, end <-chan time.Time, asked <-chan struct{}, pass func(N) (bool, error)) error {
	for {
		select {
		case n := <-news:
			if more, err := pass(n); err != nil || !more {
				return err
			}
		case <-end:
			return nil
		case <-asked:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
