package nhs

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
)

// masked is what every careless use of a Number shows.
const masked = "nhs:redacted"

// ErrNumber says that a text is not an NHS Number. It never carries the text.
var ErrNumber = errors.New("not an NHS number: ten digits with a correct check digit are needed")

// Number is a checked NHS Number. The zero Number is not valid.
type Number struct{ digits string }

// ParseNumber checks ten ASCII digits and their Modulus 11 check digit (PDS contract, section 14). Spaces and hyphens
// are refused: stripping them is for what faces people, not for an API.
func ParseNumber(s string) (Number, error) {
	if !validNumber(s) {
		return Number{}, ErrNumber
	}
	return Number{digits: s}, nil
}

func validNumber(s string) bool {
	if len(s) != 10 || s == "0000000000" {
		return false
	}
	sum := 0
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return false
		}
		// The check digit has weight 1, which makes the whole sum 0 mod 11. A number that would need check digit 10
		// cannot fulfil that with one digit, so it fails by itself.
		sum += int(c-'0') * (10 - i)
	}
	return sum%11 == 0
}

// NumberIn reports whether a text that should name nobody, as an id that a caller chooses, has an NHS Number between its
// punctuation, or one written 3-3-4.
func NumberIn(text string) bool {
	parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, part := range parts {
		if i+2 < len(parts) && len(part) == 3 && len(parts[i+1]) == 3 {
			part += parts[i+1] + parts[i+2]
		}
		if validNumber(part) {
			return true
		}
	}
	return false
}

// Digits is the number in clear: for the wire to the Spine and to the caller who asked, never for a log.
func (n Number) Digits() string { return n.digits }

// IsZero reports whether n holds no number.
func (n Number) IsZero() bool { return n.digits == "" }

// String masks the number.
func (n Number) String() string { return masked }

// GoString masks the number.
func (n Number) GoString() string { return masked }

// Format masks the number whatever the verb.
func (n Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue masks the number.
func (n Number) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the number, so that no encoder can write it by accident.
func (n Number) MarshalText() ([]byte, error) { return []byte(masked), nil }
