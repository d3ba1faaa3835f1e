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
	"github.com/spinegate/spinegate/internal/nhs"
)

// SignIn is a clinician's sign-in with CIS2, proved by the ID token that CIS2 issued for it. It masks itself.
type SignIn struct {
	// IDToken is the proof, unmodified: it can be exchanged for access to PDS in the clinician's name (PDS contract, 4.2).
	IDToken nhs.Secret
	// UserID is the clinician's unique id, in digits: the one by which CIS2 and the Spine know them.
	UserID string
	// Role is the role that they picked for the session, where the ID token names it, in digits.
	Role string
	// SignedInAt is when they signed in.
	SignedInAt time.Time
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
	// Algorithms that it signs with: RS256, RS512, or both. The platform takes no others (PDS contract, 4.2).
	Algorithms []string
	// Keys are its public keys.
	Keys *KeySet
}

var cis2Algorithms = []string{"RS256", "RS512"}

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
	errTooOld    = errors.New("ID token is of a sign-in more than twelve hours ago")
	errNoStart   = errors.New("ID token does not say when it was issued, or says that it will be")
	errNoIDToken = errors.New("token is not of the kind that an ID token is (typ JWT)")
	errParty     = errors.New("ID token was issued to another client than the one that clinicians sign in to here (azp)")
	errRole      = errors.New("ID token is for another role than the caller's credential names")
)

// IDToken reads the ID token from the values of the metadata [IDTokenKey]: none, or exactly one.
func IDToken(values []string) (nhs.Secret, error) {
	switch {
	case len(values) == 0:
		return nhs.Secret{}, nil
	case len(values) > 1 || values[0] == "":
		return nhs.Secret{}, refuse(pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, errManyIDs)
	}
	return nhs.NewSecret(values[0]), nil
}

// IDTokenKey is the metadata key under which a caller passes on the ID token of its user.
const IDTokenKey = "spinegate-cis2-id-token" //nolint:gosec // a name, not a secret

// signIn finds out whether a caller's user is signed in with CIS2: by an ID token beside the bearer token, or because the
// bearer token is one. An ID token of somebody else is refused, so that nobody asks in another's name.
func (v *Verifier) signIn(ctx context.Context, c Credentials, caller Caller) (*SignIn, error) {
	switch {
	case !c.IDToken.IsZero() && v.cis2 == nil:
		return nil, invalidSignIn(errNoCIS2)
	case !c.IDToken.IsZero():
		return v.readSignIn(ctx, c.IDToken, caller)
	case v.cis2 == nil || caller.Issuer != v.cis2.trusted.Name:
		return nil, nil //nolint:nilnil // nobody is signed in, which is no failure
	}
	in, err := v.readSignIn(ctx, c.Token, caller)
	if fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID {
		return nil, nil //nolint:nilnil // a good bearer token of the same issuer, and no ID token: nobody said that it was
	}
	return in, err
}

// readSignIn checks an ID token, and that it is the caller's. One that is genuine and has expired is not refused here: it may
// stand for a session that is still being continued.
func (v *Verifier) readSignIn(ctx context.Context, token nhs.Secret, caller Caller) (*SignIn, error) {
	name, kind, err := inspect(token)
	switch {
	case err != nil:
		return nil, invalidSignIn(err)
	case name != v.cis2.trusted.Name:
		return nil, invalidSignIn(errIssuer)
	case kind != "jwt":
		return nil, invalidSignIn(errNoIDToken)
	}
	c, err := v.cis2.verify(ctx, token)
	if err != nil {
		if fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE {
			return nil, err
		}
		return nil, invalidSignIn(errors.Unwrap(err))
	}
	in, err := v.signInOf(c)
	if err != nil {
		return nil, invalidSignIn(err)
	}
	in.IDToken = token
	switch {
	case caller.User == nil || caller.User.SDSUserID == "":
		return nil, invalidSignIn(errNoUser)
	case caller.User.SDSUserID != in.UserID:
		return nil, invalidSignIn(errOtherUser)
	case in.Role != "" && caller.SessionRole != "" && in.Role != caller.SessionRole:
		return nil, invalidSignIn(errRole)
	}
	return in, nil
}

// signInOf reads the claims of a genuine ID token (OpenID Connect Core, 2 and 3.1.3.7).
func (v *Verifier) signInOf(c claims) (*SignIn, error) {
	subject, err := c.GetSubject()
	if err == nil {
		subject, err = digits(subject)
	}
	if err != nil {
		return nil, errNotUser
	}
	issued, err := c.GetIssuedAt()
	if err != nil || issued == nil {
		return nil, errNoStart
	}
	expires, err := c.GetExpirationTime()
	if err != nil || expires == nil {
		return nil, errTime
	}
	in := &SignIn{UserID: subject, SignedInAt: issued.Time, ExpiresAt: expires.Time}
	if authenticated, err := c.date("auth_time"); err != nil || authenticated != nil && time.Until(authenticated.Time) > leeway {
		return nil, errNoStart
	} else if authenticated != nil {
		in.SignedInAt = authenticated.Time
	}
	if time.Since(in.SignedInAt) > longestSession {
		return nil, errTooOld
	}
	if in.Role, err = c.text(v.cis2.trusted.Claims.SessionRole); err == nil && in.Role != "" {
		in.Role, err = digits(in.Role)
	}
	if err != nil {
		return nil, errRole
	}
	if level, err := c.textOrNumber("authentication_assurance_level"); err != nil || !slices.Contains(levels, level) {
		return nil, errLevel
	}
	audience, _ := c.GetAudience() // it was checked
	party, err := c.text("azp")
	if err != nil || party != "" && party != v.cis2.trusted.Audience || party == "" && len(audience) > 1 {
		return nil, errParty
	}
	return in, nil
}

func invalidSignIn(cause error) *fault.Error {
	return refuse(pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, cause)
}
