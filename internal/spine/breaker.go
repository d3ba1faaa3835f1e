package spine

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// How a breaker judges: it opens after five failures in a row, or when half of at least twenty in a minute failed,
// and lets one request through after five seconds.
const (
	breakerWindow  = time.Minute
	breakerBucket  = 6 * time.Second
	breakerPause   = 5 * time.Second
	breakerInARow  = 5
	breakerAtLeast = 20
)

// breakers are one for an upstream, and behind the proxy one for each practice's system, so that one practice that is
// down costs the others nothing. There are as many as ASIDs were called: some thousands at most.
type breakers struct {
	hop pb.Hop
	mu  sync.Mutex
	by  map[nhs.ASID]*gobreaker.TwoStepCircuitBreaker[struct{}]
}

func newBreakers(hop pb.Hop) *breakers {
	return &breakers{hop: hop, by: map[nhs.ASID]*gobreaker.TwoStepCircuitBreaker[struct{}]{}}
}

var (
	errCounted  = errors.New("counts against the upstream")
	errExcluded = errors.New("says nothing about the upstream")
)

func (b *breakers) of(asid nhs.ASID) *gobreaker.TwoStepCircuitBreaker[struct{}] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.by[asid]; known != nil {
		return known
	}
	made := gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Interval: breakerWindow, BucketPeriod: breakerBucket, Timeout: breakerPause,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= breakerInARow ||
				c.Requests >= breakerAtLeast && c.TotalFailures*2 >= c.Requests
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errExcluded) },
	})
	b.by[asid] = made
	return made
}

// guarded stops requests to what is known to be down. It counts requests, not attempts.
func guarded(hop pb.Hop, b *breakers, send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		var asid nhs.ASID
		reason := pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE
		if t.ssp != nil {
			asid, reason = t.ssp.to, pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE
		}
		done, err := b.of(asid).Allow()
		if err != nil {
			e := fault.New(hop, reason, err)
			e.Operator = "It failed repeatedly and is being left alone for some seconds."
			e.RetryAfter = breakerPause
			return nil, refuse(e)
		}
		verdict := errExcluded // also if send panics
		defer func() { done(verdict) }()
		answer, err := send(t, r)
		verdict = judge(hop, answer, err)
		return answer, err
	}
}

// judge tells what a request says about the health of its upstream. What a caller cancelled or gave too little time for
// says nothing; neither does what we refused, nor a 4xx, nor a practice's 500, which is about one record.
func judge(hop pb.Hop, answer *http.Response, err error) error {
	f, failed := errors.AsType[*failure](err)
	switch {
	case failed && f.final:
		return errExcluded
	case err != nil:
		return errCounted
	case answer.StatusCode >= 500 && passing(hop, answer.StatusCode):
		return errCounted
	case answer.StatusCode >= 400:
		return errExcluded
	}
	return nil
}
