package spine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// Worker is a clinician who is signed in with CIS2 and in whose name PDS is asked: healthcare-worker access (PDS contract,
// 3 and 4.2). It masks itself.
type Worker struct {
	// IDToken is what CIS2 issued when they signed in, unmodified. Whoever made the Worker has checked that it is genuine and
	// whose it is.
	IDToken string
	// Expires is when it does.
	Expires time.Time
	// Role is the role that they picked for this session (NHSD-Session-URID), in digits; empty for a user who has only one.
	Role string
}

// Format masks the worker whatever the verb.
func (w *Worker) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("worker:redacted")) }

// LogValue masks the worker.
func (w *Worker) LogValue() slog.Value { return slog.StringValue("worker:redacted") }

const (
	// mostSignIns is how many clinicians' tokens are held. Beyond it the one that was not used for the longest time is
	// fetched anew when it is needed.
	mostSignIns = 10_000
	// sweepEvery is how often those are forgotten that are of no use any more.
	sweepEvery = time.Minute
)

// signIns are the clinicians who are signed in, by the digest of their ID token: nobody gets a token of a sign-in that they
// do not hold the proof of.
type signIns struct {
	mu    sync.Mutex // guards what follows
	of    map[[sha256.Size]byte]*signIn
	swept time.Time
}

// signIn is one clinician's, from sign-in to the end of the refresh window.
type signIn struct {
	pass

	used time.Time // guarded by signIns.mu
	end  time.Time // when the ID token expires; guarded by signIns.mu

	// What follows is touched by the one fetch that runs, and by sweeps.
	refreshing sync.Mutex
	refresh    string
	until      time.Time // of the refresh window
}

// find is the sign-in of a worker, which is begun if need be.
func (s *signIns) find(w *Worker) *signIn {
	now, key := time.Now(), sha256.Sum256([]byte(w.IDToken))
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) >= sweepEvery {
		s.sweep(now)
	}
	found := s.of[key]
	if found == nil {
		if len(s.of) >= mostSignIns {
			s.forgetOne()
		}
		if s.of == nil {
			s.of = map[[sha256.Size]byte]*signIn{}
		}
		found = &signIn{end: w.Expires}
		s.of[key] = found
	}
	found.used = now
	return found
}

// sweep forgets those whose ID token, refresh window and access token have all ended. The caller holds mu.
func (s *signIns) sweep(now time.Time) {
	s.swept = now
	for key, each := range s.of {
		if now.After(each.end) && now.After(each.refreshableUntil()) && each.held() == "" {
			delete(s.of, key)
		}
	}
}

// forgetOne forgets the one that was not used for the longest time. The caller holds mu.
func (s *signIns) forgetOne() {
	var oldest [sha256.Size]byte
	var used time.Time
	for key, each := range s.of {
		if used.IsZero() || each.used.Before(used) {
			oldest, used = key, each.used
		}
	}
	delete(s.of, oldest)
}

func (s *signIn) refreshableUntil() time.Time {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	return s.until
}

var errSignInOver = errors.New("the ID token has expired, and nothing is held that could renew its session")

// workerToken is a token for a clinician. While the ID token is good it is exchanged, as often as need be; afterwards the
// session is refreshed, if this application can, until its window ends.
func (t *Tokens) workerToken(ctx context.Context, w *Worker) (string, error) {
	s := t.workers.find(w)
	return s.get(ctx, func(ctx context.Context) (grant, error) {
		if time.Until(w.Expires) > 0 {
			granted, err := t.fetch(ctx, func() (url.Values, error) { return t.exchange(w) }, anyTimes)
			if err == nil {
				s.keep(granted)
			}
			return granted, err
		}
		refresh := s.refreshToken()
		if refresh == "" || t.config.ClientSecret == "" {
			return grant{}, fault.New(pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, errSignInOver)
		}
		// A refresh token is good once. If the answer to it was lost, asking again finds out.
		granted, err := t.fetch(ctx, func() (url.Values, error) { return t.renewal(refresh), nil }, justOnce)
		switch {
		case err == nil:
			s.keep(granted)
		case fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID:
			s.keep(grant{})
		}
		return granted, err
	})
}

// keep remembers what a session can be refreshed with.
func (s *signIn) keep(g grant) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	s.refresh, s.until = g.refresh, g.refreshUntil
}

func (s *signIn) refreshToken() string {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	if time.Until(s.until) <= 0 {
		return ""
	}
	return s.refresh
}

// exchange is the form that turns an ID token into an access token (PDS contract, 4.2).
func (t *Tokens) exchange(w *Worker) (url.Values, error) {
	form, err := t.asserted()
	if err != nil {
		return nil, err
	}
	form.Set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
	form.Set("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")
	form.Set("subject_token", w.IDToken)
	return form, nil
}

// renewal is the form that continues a clinician's session (PDS contract, 4.2).
func (t *Tokens) renewal(refresh string) url.Values {
	return url.Values{
		"grant_type": {"refresh_token"}, "client_id": {t.config.APIKey}, "client_secret": {t.config.ClientSecret},
		"refresh_token": {refresh},
	}
}
