package interceptor

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/tap"
)

// firstMessage is how long a call may take to send its request once it has begun. Nobody knows yet who calls: the record
// of a refusal says whom it was about, so the request is read first. Without a bound whoever sends a header and no more
// would be waited for until the connection's age ends it.
const firstMessage = 5 * time.Second

// awaiting is the context of a call whose request has not arrived. It ends as a deadline does.
type awaiting struct {
	context.Context

	timer   *time.Timer
	expired atomic.Bool
}

// Err implements [context.Context].
func (a *awaiting) Err() error {
	err := a.Context.Err()
	if err != nil && a.expired.Load() {
		return context.DeadlineExceeded
	}
	return err
}

type awaitingKey struct{}

// Value implements [context.Context].
func (a *awaiting) Value(key any) any {
	if key == (awaitingKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// await begins to wait for the request of a call. It implements [tap.ServerInHandle]: the transport is the only place
// where the wait of a unary call can be ended, because no interceptor sees one before its request is there.
func await(ctx context.Context, _ *tap.Info) (context.Context, error) {
	ctx, cancel := context.WithCancel(ctx) // ends with the transport's own at the latest
	a := &awaiting{Context: ctx}
	a.timer = time.AfterFunc(firstMessage, func() {
		a.expired.Store(true)
		cancel()
	})
	return a, nil
}

// awaited ends the wait: the request has arrived, or somebody else bounds it.
func awaited(ctx context.Context) {
	if a, ok := ctx.Value(awaitingKey{}).(*awaiting); ok {
		a.timer.Stop()
	}
}
