package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// SignIn is a clinician's sign-in with CIS2, proved by the ID token that CIS2 issued for it. It masks itself.
type SignIn struct {
	// IDToken is the proof, unmodified: it can be exchanged for access to PDS in the clinician's name (PDS contract, 4.2).
	IDToken Secret
	// UserID is the clinician's unique id, in digits: the one by which CIS2 and the Spine know them.
	UserID string
	// ExpiresAt is when the ID token expires. That may be past: a session can outlive the token that began it.
	ExpiresAt time.Time
}

// Format masks the sign-in whatever the verb.
func (s *SignIn) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("sign-in:redacted")) }

// LogValue masks the sign-in.
func (s *SignIn) LogValue() slog.Value { return slog.StringValue("sign-in:redacted") }

// CIS2 is the issuer of ID tokens: NHS Care Identity Service 2.
type CIS2 struct {
	// Issuer is its `iss`, exactly.
	Issuer string
	// Audience is what must be among an ID token's `aud`: the client that clinicians sign in to.
	Audience string
	// Algorithms that it signs with, as a [TrustedIssuer]'s.
	Algorithms []string
	// Keys are its public keys.
	Keys *KeySet
}

// longestSession is how long a session can be continued after the sign-in (PDS contract, 4.2), and so how old an ID token
// may be that stands for it.
const longestSession = 12 * time.Hour

// levels are the levels of authentication with which PDS lets a clinician in.
var levels = []string{"2", "3"}

// Why a sign-in was refused.
var (
	errNoCIS2    = errors.New("this gateway is not configured to take CIS2 sign-ins")
	errManyIDs   = errors.New("more than one ID token, or an empty one")
	errLevel     = errors.New("ID token has no level of authentication that PDS accepts")
	errNotUser   = errors.New("ID token names no user by digits")
	errNoUser    = errors.New("the caller's own credential names no SDS user, whose the ID token could be")
	errOtherUser = errors.New("ID token is another user's than the one whom the caller's own credential names")
	errTooOld    = errors.New("ID token is older than any session")
)

// IDToken reads the ID token from the values of the metadata [IDTokenKey]: none, or exactly one.
func IDToken(values []string) (Secret, error) {
	switch {
	case len(values) == 0:
		return Secret{}, nil
	case len(values) > 1 || values[0] == "":
		return Secret{}, refuse(pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, errManyIDs)
	}
	return Secret{text: values[0]}, nil
}

// IDTokenKey is the metadata key under which a caller passes on the ID token of its user.
const IDTokenKey = "spinegate-cis2-id-token" //nolint:gosec // a name, not a secret

// signIn finds out whether a caller's user is signed in with CIS2: by an ID token beside the bearer token, or because the
// bearer token is one. An ID token of somebody else is refused, so that nobody asks in another's name.
func (v *Verifier) signIn(ctx context.Context, c Credentials, caller Caller) (*SignIn, error) {
	token := c.IDToken
	if token.IsZero() {
		if v.cis2 == nil || caller.Issuer != v.cis2.trusted.Name {
			return nil, nil //nolint:nilnil // nobody is signed in, which is no failure
		}
		token = c.Token
	}
	if v.cis2 == nil {
		return nil, invalidSignIn(errNoCIS2)
	}
	in, err := v.readSignIn(ctx, token)
	if err != nil {
		return nil, err
	}
	switch {
	case caller.User == nil || caller.User.SDSUserID == "":
		return nil, invalidSignIn(errNoUser)
	case caller.User.SDSUserID != in.UserID:
		return nil, invalidSignIn(errOtherUser)
	}
	return in, nil
}

// readSignIn checks an ID token. One that is genuine and has expired is not refused here: it may stand for a session that is
// still being continued.
func (v *Verifier) readSignIn(ctx context.Context, token Secret) (*SignIn, error) {
	name, err := inspect(token)
	if err == nil && name != v.cis2.trusted.Name {
		err = errIssuer
	}
	if err != nil {
		return nil, invalidSignIn(err)
	}
	c, err := v.cis2.verify(ctx, token)
	if err != nil {
		if fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE {
			return nil, err
		}
		return nil, invalidSignIn(errors.Unwrap(err))
	}
	expires, err := c.GetExpirationTime()
	if err != nil || expires == nil {
		return nil, invalidSignIn(errTime)
	}
	if time.Since(expires.Time) > longestSession {
		return nil, invalidSignIn(errTooOld)
	}
	subject, err := c.GetSubject()
	if err == nil {
		subject, err = digits(subject)
	}
	if err != nil {
		return nil, invalidSignIn(errNotUser)
	}
	if level, err := c.textOrNumber("authentication_assurance_level"); err != nil || !slices.Contains(levels, level) {
		return nil, invalidSignIn(errLevel)
	}
	return &SignIn{IDToken: token, UserID: subject, ExpiresAt: expires.Time}, nil
}

func invalidSignIn(cause error) *fault.Error {
	return refuse(pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, cause)
}
