package identity

import (
	"fmt"
	"log/slog"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// secretMask is what every careless use of a Secret shows.
const secretMask = "secret:redacted"

// Secret is a text that proves something, such as a token. It masks itself; the zero Secret holds nothing.
type Secret struct{ text string }

// Reveal is the text: for the one who is to use it, never for a log or an error.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether s holds nothing.
func (s Secret) IsZero() bool { return s.text == "" }

// String masks the secret.
func (s Secret) String() string { return secretMask }

// GoString masks the secret.
func (s Secret) GoString() string { return secretMask }

// Format masks the secret whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secretMask)) }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(secretMask) }

// MarshalText masks the secret, so that no encoder can write it by accident.
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretMask), nil }

// Bearer reads the token from the values of the `authorization` metadata. No value is no token; anything but exactly one
// `Bearer <token>` is TOKEN_INVALID, since choosing between two credentials would let a caller be somebody else to whoever
// chooses differently.
func Bearer(authorization []string) (Secret, error) {
	if len(authorization) == 0 {
		return Secret{}, nil
	}
	scheme, token, found := strings.Cut(authorization[0], " ")
	if len(authorization) > 1 || !found || !strings.EqualFold(scheme, "bearer") || token == "" {
		return Secret{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errAuthorization)
	}
	return Secret{text: token}, nil
}

// refuse is a refusal of a credential at the gateway, and says why: whoever sets up a caller has nothing else to go by. Causes
// are our own constants, with the name of a claim at most: what a library says about a token may quote it.
func refuse(reason pb.ErrorReason, cause error) *fault.Error {
	e := fault.New(pb.Hop_HOP_GATEWAY, reason, cause)
	e.Operator = "Cause: " + cause.Error() + "."
	return e
}
