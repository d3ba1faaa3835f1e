package nhs

import (
	"fmt"
	"log/slog"
)

// secretMask is what every careless use of a Secret shows.
const secretMask = "secret:redacted"

// Secret is a text that proves something: a token, a key, a password. It masks itself; the zero Secret holds nothing.
type Secret struct{ text string }

// NewSecret makes a secret of a text.
func NewSecret(text string) Secret { return Secret{text} }

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
