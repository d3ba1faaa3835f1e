package sds

import (
	"context"
	"errors"
	"sync"
)

var errPanic = errors.New("a look-up panicked")

// flights let callers who ask the same at the same time share the work. Unlike x/sync's singleflight, work goes on when
// the caller who began it gives up, and stops when the last one does. The zero flights is ready.
type flights[K comparable, V any] struct {
	mu sync.Mutex
	by map[K]*flight[V]
}

type flight[V any] struct {
	done    chan struct{}
	value   V
	err     error
	waiting int // guarded by flights.mu
	stop    context.CancelFunc
}

// share returns what work makes of key, whoever began it, or the end of ctx.
func (f *flights[K, V]) share(ctx context.Context, key K, work func(context.Context) (V, error)) (V, error) {
	shared := f.board(ctx, key, work)
	defer f.leave(key, shared)
	select {
	case <-shared.done:
		return shared.value, shared.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (f *flights[K, V]) board(ctx context.Context, key K, work func(context.Context) (V, error)) *flight[V] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared := f.by[key]; shared != nil {
		shared.waiting++
		return shared
	}
	if f.by == nil {
		f.by = map[K]*flight[V]{}
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // stopped by the last who waits
	shared := &flight[V]{done: make(chan struct{}), waiting: 1, stop: stop}
	f.by[key] = shared
	go func() {
		defer close(shared.done)
		defer func() {
			if recover() != nil { // here nobody else would, and one look-up must not end the program
				shared.err = errPanic
			}
		}()
		shared.value, shared.err = work(ctx)
	}()
	return shared
}

// leave forgets a flight as soon as one caller has what it made: it is for those who ask at the same time, not a cache.
func (f *flights[K, V]) leave(key K, shared *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	shared.waiting--
	landed := false
	select {
	case <-shared.done:
		landed = true
	default:
	}
	if f.by[key] == shared && (landed || shared.waiting == 0) {
		delete(f.by, key)
	}
	if shared.waiting == 0 {
		shared.stop()
	}
}
