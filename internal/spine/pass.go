package spine

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/guard"
)

// renewBefore is what must be left of a token for it to be used.
const renewBefore = 60 * time.Second

// pass is one access token after another. All who ask share it, and whoever asks while the next one is fetched waits for
// that fetch: there is never a second at the same time.
type pass struct {
	fetching singleflight.Group

	mu      sync.Mutex // guards what follows
	token   string
	expires time.Time
}

// token gives the token that is held, or what fetch comes back with.
func (p *pass) get(ctx context.Context, fetch func(context.Context) (grant, error)) (string, error) {
	if token := p.held(); token != "" {
		return token, nil
	}
	// The fetch outlives the caller who began it: others wait for it. Its own limits end it. It has a goroutine of its own,
	// where a panic would end the process.
	fetched := p.fetching.DoChan("", func() (token any, err error) {
		err = guard.Run(ctx, func() error {
			if held := p.held(); held != "" {
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

func (p *pass) held() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Until(p.expires) < renewBefore {
		return ""
	}
	return p.token
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
