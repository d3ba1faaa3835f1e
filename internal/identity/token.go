package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Bounds of a token (trust contract, T2).
const (
	maxToken = 8 << 10
	maxKeyID = 256
	// leeway allows for clocks that differ; those of the NHS differ by 250 ms at most.
	leeway = 10 * time.Second
)

// Why a credential was refused: causes for the operator, none of which quotes the credential.
var (
	errNoCredential     = errors.New("neither a token nor a known certificate")
	errAuthorization    = errors.New("authorization metadata is not one bearer token")
	errSize             = errors.New("token is too long")
	errForm             = errors.New("token is not three parts of JSON and a signature")
	errHeader           = errors.New("token header brings a key or asks for an extension")
	errType             = errors.New("token is of another kind than an access token")
	errKeyID            = errors.New("token header names no key, or a very long one")
	errIssuer           = errors.New("token issuer is not trusted")
	errSignature        = errors.New("token algorithm, key or signature is wrong")
	errAudience         = errors.New("token is for another audience, or lacks a claim that it must have")
	errTime             = errors.New("token has expired or is not valid yet")
	errBinding          = errors.New("token is bound to a certificate, or another proof, that was not presented")
	errConflict         = errors.New("token and certificate name different organisations")
	errTwoOrganisations = errors.New("certificate stands for two organisations")
	errOrganisation     = errors.New("organisation is not one that the issuer may vouch for")
)

// algorithms are all that can ever be allowed. Each belongs to one kind of key; see checkKey.
var algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// kinds are what a token's header may call it; many issuers say nothing, or JWT.
var kinds = []string{"", "jwt", "at+jwt", "application/at+jwt"}

// TrustedIssuer is an OIDC issuer whose tokens are believed.
type TrustedIssuer struct {
	// Name is its `iss`, exactly.
	Name string
	// Audience is what must be among a token's `aud`.
	Audience string
	// Algorithms that it signs with: a choice of RS256, PS256, ES256 and EdDSA.
	Algorithms []string
	// Keys are its public keys.
	Keys *KeySet
	// Claims says where the caller is in its tokens; [DefaultClaims] fills what is empty.
	Claims Claims
	// UserSystem is the naming system (a URI) of its user ids. Empty: the issuer's Name.
	UserSystem string
	// Organisations are the ones that it may vouch for.
	Organisations []Organisation
}

// issuer checks the tokens of one TrustedIssuer.
type issuer struct {
	trusted TrustedIssuer
	parser  *jwt.Parser
	// expiredToo lets a token pass that has expired and is good otherwise.
	expiredToo bool
}

func newIssuer(t TrustedIssuer) (*issuer, error) {
	if err := checkOrganisations(t.Organisations); err != nil {
		return nil, err
	}
	t.Claims = t.Claims.orDefault()
	if t.UserSystem == "" {
		t.UserSystem = t.Name
	}
	return newTokenIssuer(t, algorithms)
}

// newTokenIssuer makes what checks tokens, whatever they are read for, that are signed with some of the allowed algorithms.
func newTokenIssuer(t TrustedIssuer, allowed []string) (*issuer, error) {
	switch {
	case t.Name == "" || t.Audience == "":
		return nil, errors.New("a name and an audience are needed")
	case t.Keys == nil:
		return nil, errors.New("keys are needed")
	case len(t.Algorithms) == 0:
		return nil, fmt.Errorf("algorithms are needed: some of %s", strings.Join(allowed, ", "))
	}
	for _, a := range t.Algorithms {
		if !slices.Contains(allowed, a) {
			return nil, fmt.Errorf("algorithm %q is not one of %s", a, strings.Join(allowed, ", "))
		}
	}
	return &issuer{trusted: t, parser: jwt.NewParser(
		jwt.WithValidMethods(t.Algorithms), jwt.WithIssuer(t.Name), jwt.WithAudience(t.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(),
	)}, nil
}

// inspect checks the outside of a token before anything is looked up for it, and reads the issuer that it claims and what kind
// of token it says that it is, in lower case. What it refuses would pass a lenient reader: repeated names, names that differ in case, text after the JSON, bad UTF-8.
func inspect(token nhs.Secret) (issuer, kind string, err error) {
	if len(token.Reveal()) > maxToken {
		return "", "", errSize
	}
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return "", "", errForm
	}
	var header, payload claims
	for i, to := range []*claims{&header, &payload} {
		text, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil || to.UnmarshalJSON(text) != nil {
			return "", "", errForm
		}
	}
	for _, name := range []string{"jku", "jwk", "x5u", "x5c", "crit"} {
		if _, there := header[name]; there {
			return "", "", errHeader
		}
	}
	// Tokens of other kinds, which the same issuer signs with the same key, say so (RFC 8725, 3.11).
	kind, err = header.text("typ")
	if kind = strings.ToLower(kind); err != nil || !slices.Contains(kinds, kind) {
		return "", "", errType
	}
	if id, err := header.text("kid"); err != nil || id == "" || len(id) > maxKeyID {
		return "", "", errKeyID
	}
	if issuer, err = payload.GetIssuer(); err != nil {
		return "", "", errIssuer
	}
	return issuer, kind, nil
}

// verify checks signature, issuer, audience and times.
func (i *issuer) verify(ctx context.Context, token nhs.Secret) (claims, error) {
	var c claims
	_, err := i.parser.ParseWithClaims(token.Reveal(), &c, func(t *jwt.Token) (any, error) { return i.trusted.Keys.key(ctx, t) })
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, errKeysUnavailable):
		e := fault.New(pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, errKeysUnavailable)
		e.Operator = "The keys of the token's issuer could not be fetched."
		return nil, e
	case !errors.Is(err, jwt.ErrTokenInvalidClaims):
		return nil, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errSignature)
	case isAny(err, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing, jwt.ErrInvalidType):
		return nil, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errAudience)
	case i.expiredToo && !isAny(err, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued) && errors.Is(err, jwt.ErrTokenExpired):
		return c, nil
	case isAny(err, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued):
		return nil, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_EXPIRED, errTime)
	}
	return nil, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errAudience)
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}
