package spine

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/guard"
)

const (
	// renewBefore is what is left of a token when the next one is fetched.
	renewBefore = 60 * time.Second
	// useful is what must be left of a token for it to be used: it has to be good when the request arrives.
	useful = 10 * time.Second
)

// pass is one access token after another. All who ask share it. The next one is fetched while the last is still good, so
// that nobody waits for it unless they must; and there is never a second fetch at the same time.
type pass struct {
	fetching singleflight.Group

	mu      sync.Mutex // guards what follows
	token   string
	expires time.Time
}

// get gives the token that is held, or what fetch comes back with.
func (p *pass) get(ctx context.Context, fetch func(context.Context) (grant, error)) (string, error) {
	token, left := p.held()
	if left >= renewBefore {
		return token, nil
	}
	// The fetch outlives the caller who began it: others wait for it. Its own limits end it. It has a goroutine of its own,
	// where a panic would end the process.
	fetched := p.fetching.DoChan("", func() (token any, err error) {
		err = guard.Run(ctx, func() error {
			if held, left := p.held(); left >= renewBefore {
				token = held
				return nil
			}
			granted, err := fetch(context.WithoutCancel(ctx))
			if err != nil {
				return err
			}
			p.hold(granted)
			token = granted.token
			return nil
		})
		return token, err
	})
	if left >= useful {
		return token, nil // the next one comes by itself, and if it does not this one is still good
	}
	select {
	case result := <-fetched:
		if result.Err != nil {
			return "", result.Err
		}
		token, _ := result.Val.(string)
		return token, nil
	case <-ctx.Done():
		return "", ended(pb.Hop_HOP_TOKEN, ctx.Err())
	}
}

// held is the token and how long it is good; without one that is not long.
func (p *pass) held() (string, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token, time.Until(p.expires)
}

// left is how long the token is good that is held.
func (p *pass) left() time.Duration {
	_, left := p.held()
	return left
}

func (p *pass) hold(g grant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token, p.expires = g.token, g.expires
}

// drop forgets a token that was refused, unless another one is held by now.
func (p *pass) drop(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == token {
		p.token, p.expires = "", time.Time{}
	}
}
