package spine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Worker is a clinician who is signed in with CIS2 and in whose name PDS is asked: healthcare-worker access (PDS contract,
// 3 and 4.2). Whoever makes one has checked that the ID token is genuine and whose it is. It masks itself.
type Worker struct {
	// Organisation is for whom they work now. The sessions of one are nobody else's, whoever holds the ID token there.
	Organisation nhs.ODSCode
	// IDToken is what CIS2 issued when they signed in, unmodified.
	IDToken nhs.Secret
	// SignedIn is when they did, and Expires when the ID token does.
	SignedIn, Expires time.Time
	// Role is the role that they picked for this session (NHSD-Session-URID), in digits; empty for a user who has only one.
	Role string
}

// Format masks the worker whatever the verb.
func (w Worker) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("worker:redacted")) }

// LogValue masks the worker.
func (w Worker) LogValue() slog.Value { return slog.StringValue("worker:redacted") }

// LongestSession is how long after the sign-in a clinician's session can be continued (PDS contract, 4.2).
const LongestSession = 12 * time.Hour

// nearEnd is when an ID token is so near its end that it may have ended by the platform's clock.
const nearEnd = 30 * time.Second

var errSignInOver = errors.New("the ID token has expired, and nothing is held that could renew its session")

// workerToken is a token for a clinician. While the ID token is good it is exchanged, as often as need be; afterwards the
// session is refreshed, if this application can, until twelve hours after the sign-in.
func (t *Tokens) workerToken(ctx context.Context, w *Worker) (string, error) {
	s := t.workers.find(w)
	return s.get(ctx, func(ctx context.Context) (grant, error) {
		left, refresh := time.Until(w.Expires), s.refreshToken()
		canRefresh := refresh != "" && !t.config.ClientSecret.IsZero()
		switch {
		case left > nearEnd, left > 0 && !canRefresh:
			granted, err := t.fetch(ctx, func() (url.Values, error) { return t.exchange(w) }, anyTimes)
			if err == nil {
				s.keep(granted, w.SignedIn)
			}
			return granted, err
		case canRefresh:
			return t.continued(ctx, w, s, refresh)
		}
		e := fault.New(pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, errSignInOver)
		e.Operator = "Cause: " + errSignInOver.Error() + "."
		return grant{}, e
	})
}

// continued refreshes a session. A refresh token is good once: if the answer to it was lost, the next attempt is told so.
func (t *Tokens) continued(ctx context.Context, w *Worker, s *signIn, refresh string) (grant, error) {
	granted, err := t.fetch(ctx, func() (url.Values, error) { return t.renewal(refresh), nil }, justOnce)
	switch {
	case err == nil:
		s.keep(granted, w.SignedIn)
	case fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID:
		s.keep(grant{}, w.SignedIn)
	}
	return granted, err
}

// exchange is the form that turns an ID token into an access token (PDS contract, 4.2).
func (t *Tokens) exchange(w *Worker) (url.Values, error) {
	form, err := t.asserted()
	if err != nil {
		return nil, err
	}
	form.Set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
	form.Set("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")
	form.Set("subject_token", w.IDToken.Reveal())
	return form, nil
}

// renewal is the form that continues a clinician's session (PDS contract, 4.2).
func (t *Tokens) renewal(refresh string) url.Values {
	return url.Values{
		"grant_type": {"refresh_token"}, "client_id": {t.config.APIKey}, "client_secret": {t.config.ClientSecret.Reveal()},
		"refresh_token": {refresh},
	}
}
