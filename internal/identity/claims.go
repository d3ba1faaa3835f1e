package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/text/unicode/norm"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Claims names the top-level claims that a caller is read from. A name that is empty is [DefaultClaims]'.
type Claims struct {
	// Organisation holds the ODS code of the user's organisation.
	Organisation string
	// UserID, Family and Given together make a named human; Prefix adds to the name.
	UserID string
	Family string
	Given  string
	Prefix string
	// SDSUserID, RoleProfileID and SessionRole are what CIS2 knows of a user, in digits.
	SDSUserID     string
	RoleProfileID string
	SessionRole   string
	// Scopes holds the scopes: one text with spaces between them, or an array.
	Scopes string
}

// DefaultClaims are the names of OpenID Connect and of CIS2, and `ods_code` for the organisation.
func DefaultClaims() Claims {
	return Claims{
		Organisation: "ods_code",
		UserID:       "sub", Family: "family_name", Given: "given_name", Prefix: "title",
		SDSUserID: "nhsid_useruid", RoleProfileID: "selected_roleid", SessionRole: "selected_roleid",
		Scopes: "scope",
	}
}

func (c Claims) orDefault() Claims {
	d := DefaultClaims()
	for _, pair := range []struct{ name, standard *string }{
		{&c.Organisation, &d.Organisation},
		{&c.UserID, &d.UserID},
		{&c.Family, &d.Family},
		{&c.Given, &d.Given},
		{&c.Prefix, &d.Prefix},
		{&c.SDSUserID, &d.SDSUserID},
		{&c.RoleProfileID, &d.RoleProfileID},
		{&c.SessionRole, &d.SessionRole},
		{&c.Scopes, &d.Scopes},
	} {
		if *pair.name == "" {
			*pair.name = *pair.standard
		}
	}
	return c
}

// Bounds of what a token may say (T3). Lengths are in bytes.
const (
	maxText   = 128
	maxScopes = 64
)

var (
	errClaim = errors.New("a claim is malformed, too long or holds control characters")

	scopeGrammar  = regexp.MustCompile(`^[!#-\[\]-~]{1,64}$`) // RFC 6749, 3.3
	digitsGrammar = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// caller reads who the token speaks of. A credential with only some of a human's particulars names no human.
func (i *issuer) caller(c claims) (Caller, error) {
	at := i.trusted.Claims
	var fields struct{ organisation, id, family, given, prefix, sdsUser, roleProfile, sessionRole, tokenID string }
	for _, read := range []struct {
		claim string
		to    *string
		check func(string) (string, error)
	}{
		{at.Organisation, &fields.organisation, text},
		{at.UserID, &fields.id, text},
		{at.Family, &fields.family, text},
		{at.Given, &fields.given, text},
		{at.Prefix, &fields.prefix, text},
		{at.SDSUserID, &fields.sdsUser, digits},
		{at.RoleProfileID, &fields.roleProfile, digits},
		{at.SessionRole, &fields.sessionRole, digits},
		{"jti", &fields.tokenID, text},
	} {
		value, err := c.text(read.claim)
		if err == nil && value != "" {
			*read.to, err = read.check(value)
		}
		if err != nil {
			return Caller{}, fmt.Errorf("claim %q: %w", read.claim, err)
		}
	}
	organisation, err := nhs.ParseODSCode(fields.organisation)
	if err != nil {
		return Caller{}, fmt.Errorf("claim %q: %w", at.Organisation, err)
	}
	scopes, err := c.scopes(at.Scopes)
	if err != nil {
		return Caller{}, fmt.Errorf("claim %q: %w", at.Scopes, err)
	}
	expires, err := c.GetExpirationTime()
	if err != nil || expires == nil {
		return Caller{}, errClaim
	}
	caller := Caller{
		Organisation: Organisation{ODS: organisation}, Scopes: scopes, SessionRole: fields.sessionRole,
		Issuer: i.trusted.Name, TokenID: fields.tokenID, ExpiresAt: expires.Time,
	}
	if fields.id != "" && fields.family != "" && fields.given != "" {
		caller.User = &User{
			LocalID: fields.id, LocalSystem: i.trusted.UserSystem,
			Family: fields.family, Given: fields.given, Prefix: fields.prefix,
			SDSUserID: fields.sdsUser, RoleProfileID: fields.roleProfile,
		}
	}
	return caller, nil
}

// text composes a text (NFC) and refuses what could forge a line, a header or an order of reading.
func text(s string) (string, error) {
	s = norm.NFC.String(s)
	if len(s) > maxText || strings.TrimSpace(s) != s {
		return "", errClaim
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point) {
			return "", errClaim
		}
	}
	return s, nil
}

func digits(s string) (string, error) {
	if !digitsGrammar.MatchString(s) {
		return "", errClaim
	}
	return s, nil
}

// claims is a part of a token as it is: the payload, for which it implements [jwt.Claims], or the header.
type claims map[string]jsontext.Value

// UnmarshalJSON reads one object strictly, which the library's own reader would not do.
func (c *claims) UnmarshalJSON(b []byte) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(b, &members); err != nil || members == nil {
		return errForm
	}
	*c = members
	return nil
}

// text is a claim that is a string; empty when it is absent or null.
func (c claims) text(name string) (string, error) {
	var s string
	if value, there := c[name]; there && json.Unmarshal(value, &s) != nil {
		return "", errClaim
	}
	return s, nil
}

// textOrNumber is a claim that issuers write as a string or as a number.
func (c claims) textOrNumber(name string) (string, error) {
	if value := c[name]; value.Kind() == '0' {
		return string(value), nil
	}
	return c.text(name)
}

// scopes reads the scopes, which issuers write in two ways.
func (c claims) scopes(name string) ([]string, error) {
	list, err := c.list(name, strings.Fields)
	if err != nil || len(list) > maxScopes {
		return nil, errClaim
	}
	for _, s := range list {
		if !scopeGrammar.MatchString(s) {
			return nil, errClaim
		}
	}
	return list, nil
}

// list is a claim that is an array of strings, or one string that split takes apart.
func (c claims) list(name string, split func(string) []string) ([]string, error) {
	value, there := c[name]
	if !there {
		return nil, nil
	}
	var one string
	if json.Unmarshal(value, &one) == nil {
		return split(one), nil
	}
	var many []string
	if json.Unmarshal(value, &many) != nil {
		return nil, errClaim
	}
	return many, nil
}

// boundTo reports whether a token that is bound to a proof (RFC 8705, `cnf`) came with it. A binding of a kind that is
// not known here cannot be checked, so it is not met.
func (c claims) boundTo(leaf *x509.Certificate) bool {
	value, there := c["cnf"]
	if !there {
		return true
	}
	var confirmation map[string]string
	if leaf == nil || json.Unmarshal(value, &confirmation) != nil || len(confirmation) != 1 {
		return false
	}
	fingerprint := sha256.Sum256(leaf.Raw)
	return confirmation["x5t#S256"] == base64.RawURLEncoding.EncodeToString(fingerprint[:])
}

// maxDate is the last second of the year 9999.
const maxDate = 253402300799

func (c claims) date(name string) (*jwt.NumericDate, error) {
	value, there := c[name]
	if !there {
		return nil, nil // the library's way to say absent
	}
	var seconds float64
	if json.Unmarshal(value, &seconds) != nil || seconds < 0 || seconds > maxDate {
		return nil, jwt.ErrInvalidType
	}
	return jwt.NewNumericDate(time.UnixMilli(int64(seconds * 1000))), nil
}

// GetExpirationTime implements [jwt.Claims].
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.date("exp") }

// GetIssuedAt implements [jwt.Claims].
func (c claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.date("iat") }

// GetNotBefore implements [jwt.Claims].
func (c claims) GetNotBefore() (*jwt.NumericDate, error) { return c.date("nbf") }

// GetIssuer implements [jwt.Claims].
func (c claims) GetIssuer() (string, error) { return c.text("iss") }

// GetSubject implements [jwt.Claims].
func (c claims) GetSubject() (string, error) { return c.text("sub") }

// GetAudience implements [jwt.Claims].
func (c claims) GetAudience() (jwt.ClaimStrings, error) {
	return c.list("aud", func(one string) []string { return []string{one} })
}
