package identity

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Issuer is the sandbox's own OIDC issuer: an Ed25519 key that is made when it starts and dies with it, so that its tokens
// are worth nothing anywhere else. It exists for trying things out; nothing but the sandbox and tests makes one.
type Issuer struct {
	name, audience, keyID string
	key                   crypto.Signer
	public                jwkset.Storage
}

// NewIssuer makes an issuer with a fresh key. Name is its `iss`; tokens are for the audience.
func NewIssuer(name, audience string) (*Issuer, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity: make issuer: %w", err)
	}
	fingerprint := sha256.Sum256(public)
	i := &Issuer{
		name: name, audience: audience, key: key, public: jwkset.NewMemoryStorage(),
		keyID: base64.RawURLEncoding.EncodeToString(fingerprint[:12]),
	}
	jwk, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.AlgEdDSA, KID: i.keyID, USE: jwkset.UseSig},
	})
	if err != nil {
		return nil, fmt.Errorf("identity: make issuer: %w", err)
	}
	if err := i.public.KeyWrite(context.Background(), jwk); err != nil {
		return nil, fmt.Errorf("identity: make issuer: %w", err)
	}
	return i, nil
}

// Trusted is what a [Verifier] needs to believe this issuer, for the organisations of its personas.
func (i *Issuer) Trusted() (TrustedIssuer, error) {
	keys, err := newKeySet(context.Background(), i.public, nil)
	if err != nil {
		return TrustedIssuer{}, err
	}
	trusted := TrustedIssuer{Name: i.name, Audience: i.audience, Algorithms: []string{"EdDSA"}, Keys: keys}
	seen := make(map[nhs.ODSCode]bool)
	for _, p := range Personas() {
		if !seen[p.Organisation.ODS] {
			trusted.Organisations = append(trusted.Organisations, p.Organisation)
			seen[p.Organisation.ODS] = true
		}
	}
	return trusted, nil
}

// JWKS is the issuer's key set as it would be published.
func (i *Issuer) JWKS() (json.RawMessage, error) {
	set, err := i.public.JSONPublic(context.Background())
	if err != nil {
		return nil, fmt.Errorf("identity: publish keys: %w", err)
	}
	return set, nil
}

// Mint makes a token for a persona.
func (i *Issuer) Mint(p Persona, lifetime time.Duration) (nhs.Secret, error) {
	if lifetime <= 0 {
		return nhs.Secret{}, errors.New("identity: mint: a token needs a lifetime")
	}
	at, now := DefaultClaims(), time.Now()
	members := jwt.MapClaims{
		"iss": i.name, "aud": i.audience, "jti": uuid.NewString(), "iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
		at.UserID: p.Name, at.Organisation: p.Organisation.ODS.String(), at.Scopes: strings.Join(p.Scopes, " "),
	}
	if u := p.User; u != nil {
		for name, value := range map[string]string{
			at.UserID: u.LocalID, at.Family: u.Family, at.Given: u.Given, at.Prefix: u.Prefix,
			at.SDSUserID: u.SDSUserID, at.RoleProfileID: u.RoleProfileID,
		} {
			if value != "" {
				members[name] = value
			}
		}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, members)
	token.Header["kid"] = i.keyID
	signed, err := token.SignedString(i.key)
	if err != nil {
		return nhs.Secret{}, fmt.Errorf("identity: mint: %w", err)
	}
	return nhs.NewSecret(signed), nil
}
