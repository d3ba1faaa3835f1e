package nhs

import (
	"errors"
	"regexp"
	"strings"
)

// Errors of the parsers below. None carries the refused text.
var (
	ErrODSCode     = errors.New("not an ODS code: 3 to 12 letters and digits are needed")
	ErrASID        = errors.New("not an ASID: 12 digits are needed")
	ErrPartyKey    = errors.New("not a party key")
	ErrInteraction = errors.New("not a GP Connect interaction id")
)

// ODSCode identifies an organisation, in upper case. The zero ODSCode is not valid.
type ODSCode struct{ code string }

var odsGrammar = regexp.MustCompile(`^[A-Za-z0-9]{3,12}$`)

// ParseODSCode checks and upper-cases an organisation code. SDS puts what it is given into a directory filter
// unescaped (SDS contract, A3.6), so nothing else may pass.
func ParseODSCode(s string) (ODSCode, error) {
	if !odsGrammar.MatchString(s) {
		return ODSCode{}, ErrODSCode
	}
	return ODSCode{code: strings.ToUpper(s)}, nil
}

// String is the code in upper case; an organisation is not personal data.
func (c ODSCode) String() string { return c.code }

// IsZero reports whether c holds no code.
func (c ODSCode) IsZero() bool { return c.code == "" }

// ASID is an accredited system id: who is talking. Twelve digits, leading zeros kept. The zero ASID is not valid.
type ASID struct{ id string }

var asidGrammar = regexp.MustCompile(`^[0-9]{12}$`)

// ParseASID checks twelve digits.
func ParseASID(s string) (ASID, error) {
	if !asidGrammar.MatchString(s) {
		return ASID{}, ErrASID
	}
	return ASID{id: s}, nil
}

// String is the id.
func (a ASID) String() string { return a.id }

// IsZero reports whether a holds no id.
func (a ASID) IsZero() bool { return a.id == "" }

// PartyKey identifies a message handling server. It joins an SDS Endpoint to its Device. The zero PartyKey is not valid.
type PartyKey struct{ key string }

var partyKeyGrammar = regexp.MustCompile(`^[A-Z0-9]{2,10}-[0-9]{4,8}$`)

// ParsePartyKey checks a key after trimming and upper-casing (SDS contract, B4).
func ParsePartyKey(s string) (PartyKey, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if !partyKeyGrammar.MatchString(s) {
		return PartyKey{}, ErrPartyKey
	}
	return PartyKey{key: s}, nil
}

// String is the key.
func (k PartyKey) String() string { return k.key }

// IsZero reports whether k holds no key.
func (k PartyKey) IsZero() bool { return k.key == "" }
