package spine

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

// retry sends again what may be sent again (PDS contract, 13; SDS contract, A10 and C5; trust.md, 4.2).
//
// A request that is not repeatable goes again only if nothing of it left. Waits are random between nothing and a bound
// that doubles, and at least what Retry-After asks for; one that does not fit before the deadline is not begun. Retries
// are at most a tenth of requests, so that an upstream in trouble is not given more. An answer that is not used is drained
// and closed, or it would hold its connection.
func retry(c Config, b *budgets, send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		who := spender{t.Consumer, t.Turn != nil}
		b.earn(who)
		left := false
		for t.attempt = 1; ; t.attempt++ {
			answer, err := send(t, r.Clone(r.Context()))
			f, failed := errors.AsType[*failure](err)
			left = left || !failed || f.left
			if failed {
				f.left = left
			}
			wait, again := c.again(t, answer, f)
			if !again || !fits(r, wait) || wait > 0 && !b.spend(who) {
				return answer, err
			}
			if answer != nil {
				drain(answer.Body)
			}
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
				return nil, &failure{err: r.Context().Err(), left: left, final: true}
			}
		}
	}
}

// again decides whether, and after what wait, to send again.
func (c Config) again(t *trip, answer *http.Response, f *failure) (time.Duration, bool) {
	if answer != nil && answer.StatusCode == http.StatusUnauthorized && t.token != "" && !t.renewed {
		// One renewal, whatever the number of attempts (PDS contract, 13).
		t.renewed = true
		c.Tokens.Drop(t.Worker, t.token)
		return 0, true
	}
	attempts := t.limits.Attempts
	if t.renewed {
		attempts++
	}
	if t.attempt >= attempts {
		return 0, false
	}
	wait := backoff(c.Backoff, t.attempt)
	if f != nil {
		return wait, !f.final && (t.Repeatable || !f.left)
	}
	return max(wait, retryAfter(answer.Header)), t.Repeatable && passing(c.Hop, answer.StatusCode)
}

// passing statuses are those that may be gone a moment later. A practice's 500 is about the one record and stays.
func passing(hop pb.Hop, status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, 599:
		return true
	case http.StatusInternalServerError:
		return hop != pb.Hop_HOP_SSP
	}
	return false
}

// backoff is a random wait before the attempt after n: full jitter below base × 2^(n-1), at most base × 20.
func backoff(base time.Duration, n int) time.Duration {
	bound := min(base<<min(n-1, 16), 20*base)
	return 1 + rand.N(bound) //nolint:gosec // spreads load, guards nothing
}

// fits reports that a wait and a shortest useful attempt end before the caller's deadline.
func fits(r *http.Request, wait time.Duration) bool {
	if r.Context().Err() != nil {
		return false
	}
	deadline, ok := r.Context().Deadline()
	return !ok || time.Until(deadline) > wait+shortest
}

// drain reads what is left of an answer, if that is little, so that its connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxRefusal)
	_ = body.Close()
}

// budgets allow each consumer one retry for ten requests, and ten in reserve so that a quiet one can retry at all.
type budgets struct {
	mu     sync.Mutex
	tenths map[spender]int
}

// spender is whose retries are counted. Those of a bulk job leave the others' alone.
type spender struct {
	consumer nhs.ODSCode
	bulk     bool
}

const (
	retryCost   = 10 // tenths
	maxReserve  = 100
	earnRequest = 1
)

func newBudgets() *budgets { return &budgets{tenths: map[spender]int{}} }

func (b *budgets) earn(who spender) {
	b.mu.Lock()
	defer b.mu.Unlock()
	have, known := b.tenths[who]
	if !known {
		have = maxReserve
	}
	b.tenths[who] = min(have+earnRequest, maxReserve)
}

func (b *budgets) spend(who spender) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tenths[who] < retryCost {
		return false
	}
	b.tenths[who] -= retryCost
	return true
}
