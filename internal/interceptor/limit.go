package interceptor

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
)

const (
	// comeBack is when a caller is told to try again where nobody knows: when a call ends.
	comeBack = time.Second
	// forgetEvery is how often callers are forgotten who have their whole allowance again.
	forgetEvery = time.Minute
)

// limiter bounds how often and how many at a time: by caller and method, by organisation, and all calls together.
type limiter struct {
	// most is how many calls there are at a time, and share how many of them can be one organisation's: each of its users is
	// bounded, but it may have many.
	most, share int
	// organisations has those with a bound of their own; each is safe for concurrent use.
	organisations map[nhs.ODSCode]*rate.Limiter

	mu        sync.Mutex // guards what follows
	inFlight  int
	of        map[nhs.ODSCode]int // how many of them are an organisation's
	use       map[user]*use
	forgotten time.Time
}

// user is who a limit is counted for. Systems of an organisation share one.
type user struct {
	organisation   nhs.ODSCode
	system, id     string
	method, issuer string
}

type use struct {
	rate     *rate.Limiter
	inFlight int
}

func newLimiter(most int, organisations map[nhs.ODSCode]Organisation) *limiter {
	l := &limiter{
		most: most, share: most, organisations: make(map[nhs.ODSCode]*rate.Limiter),
		of: make(map[nhs.ODSCode]int), use: make(map[user]*use), forgotten: time.Now(),
	}
	if len(organisations) > 1 {
		l.share = max(1, most*3/4)
	}
	for ods, o := range organisations {
		if o.PerSecond > 0 {
			l.organisations[ods] = rate.NewLimiter(rate.Limit(o.PerSecond), max(1, int(math.Ceil(o.PerSecond))))
		}
	}
	return l
}

func (l *limiter) link(ctx context.Context, next rest) error {
	caller, _ := identity.FromContext(ctx)
	c := callFrom(ctx)
	who := user{organisation: caller.Organisation.ODS, method: c.method, issuer: caller.Issuer}
	if u := caller.User; u != nil {
		who.system, who.id = u.LocalSystem, u.LocalID
	}
	release, err := l.admit(who, rowOf(c).Limit)
	if err != nil {
		return err
	}
	defer release()
	return next(ctx)
}

// admit lets a call in, and release says that it has ended.
func (l *limiter) admit(who user, limit policy.Limit) (release func(), err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	if l.inFlight >= l.most {
		return nil, later(pb.ErrorReason_ERROR_REASON_OVERLOADED, comeBack)
	}
	if l.of[who.organisation] >= l.share {
		return nil, later(pb.ErrorReason_ERROR_REASON_RATE_LIMITED, comeBack)
	}
	u := l.use[who]
	if u == nil {
		u = &use{rate: rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst)}
		l.use[who] = u
	}
	if u.inFlight >= limit.InFlight {
		return nil, later(pb.ErrorReason_ERROR_REASON_RATE_LIMITED, comeBack)
	}
	// A refusal costs nothing: neither of the two allowances is used up by what the other one forbids.
	own := u.rate.ReserveN(now, 1)
	wait := own.DelayFrom(now)
	if all := l.organisations[who.organisation]; all != nil && wait == 0 {
		shared := all.ReserveN(now, 1)
		if wait = shared.DelayFrom(now); wait > 0 {
			shared.CancelAt(now)
		}
	}
	if wait > 0 {
		own.CancelAt(now)
		return nil, later(pb.ErrorReason_ERROR_REASON_RATE_LIMITED, wait)
	}
	u.inFlight++
	l.inFlight++
	l.of[who.organisation]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		u.inFlight--
		l.inFlight--
		if l.of[who.organisation]--; l.of[who.organisation] == 0 {
			delete(l.of, who.organisation)
		}
	}, nil
}

// forget drops callers about whom nothing needs to be known. The caller holds mu.
func (l *limiter) forget(now time.Time) {
	if now.Sub(l.forgotten) < forgetEvery {
		return
	}
	l.forgotten = now
	for who, u := range l.use {
		if u.inFlight == 0 && u.rate.TokensAt(now) >= float64(u.rate.Burst()) {
			delete(l.use, who)
		}
	}
}

func later(reason pb.ErrorReason, wait time.Duration) error {
	e := fault.New(pb.Hop_HOP_GATEWAY, reason, nil)
	e.RetryAfter = wait
	return e
}
