package interceptor

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/policy"
)

// Violations are the fields and rules that a request of a method breaks.
func Violations(method string, request proto.Message) ([]string, error) {
	v, err := newValidator()
	if err != nil {
		return nil, err
	}
	_, c := newCall(context.Background(), method)
	var found []string
	if e, ok := errors.AsType[*fault.Error](v.check(c, request)); ok {
		for _, b := range e.Violations {
			found = append(found, b.GetField()+" "+b.GetRule())
		}
	}
	return found, nil
}

// Identify is the link that identifies, alone.
func Identify(ctx context.Context, v *identity.Verifier) (caller identity.Caller, err error) {
	ctx, _ = newCall(ctx, unknownMethod)
	err = identifier{v}.link(ctx, func(ctx context.Context) error {
		var ok bool
		if caller, ok = identity.FromContext(ctx); !ok {
			return errors.New("the rest of the chain was reached without a caller")
		}
		return nil
	})
	return caller, err
}

// Limited is how many callers a limiter remembers after so many have called once each, at that distance.
func Limited(callers int, apart time.Duration) (remembered int, err error) {
	l := newLimiter(1, nil)
	for n := range callers {
		release, err := l.admit(user{id: strconv.Itoa(n)}, policy.Limit{PerSecond: 1, Burst: 1, InFlight: 1})
		if err != nil {
			return 0, err
		}
		release()
		time.Sleep(apart)
	}
	return len(l.use), nil
}
