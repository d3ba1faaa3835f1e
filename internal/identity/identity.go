// Package identity finds out who is calling. A [Verifier] turns what a caller presents (an OIDC bearer token, a client
// certificate, or both) into a typed [Caller], and the caller travels in the context from there on.
//
// Everything about the caller comes from the credential and from this gateway's configuration, never from the body of a
// request: the organisation whose ASID, quota and name are used is the one that was proved (trust contract, T7). What
// may end in a header, an audit token or a log has passed a grammar by then (T3).
//
// Tokens are checked by one piece of code which knows four asymmetric algorithms and nothing else (T2). The `alg: none`
// token that GP Connect asks for is written elsewhere and refused here. No error, log or format verb shows a token.
package identity

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Organisation is one that may call, as it is configured.
type Organisation struct {
	ODS nhs.ODSCode
	// Name is what practices are told.
	Name string
}

// User is the human who asks, as the issuer of the token knows them. A User that exists has an id, a family name and a
// given name; the rest may be empty. It masks itself: whatever formats or logs it writes no detail.
type User struct {
	// LocalID is the user's id in LocalSystem, the naming system of the organisation's own directory.
	LocalID     string
	LocalSystem string
	Family      string
	Given       string
	Prefix      string
	// SDSUserID and RoleProfileID identify a user who signed in with CIS2, in digits; empty for others.
	SDSUserID     string
	RoleProfileID string
}

// Caller is who asks. It is made by a [Verifier] and read-only afterwards.
type Caller struct {
	Organisation Organisation
	// User is nil when the credential names no human: a system, which may do little.
	User *User
	// SignIn is the user's sign-in with CIS2; nil when there is none.
	SignIn *SignIn
	// Scopes are what the credential permits, in the words of package policy.
	Scopes []string
	// SessionRole is the role that a CIS2 user picked for this session (NHSD-Session-URID), in digits, or empty.
	SessionRole string
	// Issuer vouched for all of this: an OIDC issuer, or the certificate's.
	Issuer string
	// TokenID is the token's jti, or empty.
	TokenID string
	// ExpiresAt is when the credential ends.
	ExpiresAt time.Time
}

// Format masks the user whatever the verb.
func (u *User) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("user:redacted")) }

// LogValue masks the user.
func (u *User) LogValue() slog.Value { return slog.StringValue("user:redacted") }

// Format shows the organisation, which is not personal, and no more.
func (c Caller) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("caller:" + c.Organisation.ODS.String()))
}

// LogValue shows the organisation and no more.
func (c Caller) LogValue() slog.Value {
	return slog.GroupValue(slog.String("organisation", c.Organisation.ODS.String()))
}

type callerKey struct{}

// NewContext gives a context its caller.
func NewContext(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// FromContext is the caller of the call that ctx belongs to; false when nobody was identified.
func FromContext(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
