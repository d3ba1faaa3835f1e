package spine

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// assertionLife is how long an assertion is good for: less than the five minutes allowed, so that a clock that is ahead
// does no harm (PDS contract, 4.1).
const assertionLife = 240 * time.Second

// assertion is a signed statement of who the application is. It can be used once.
func (t *Tokens) assertion(now time.Time) (string, error) {
	token := jwt.NewWithClaims(rs512{}, jwt.MapClaims{
		"iss": t.config.APIKey,
		"sub": t.config.APIKey,
		"aud": t.config.Upstream.BaseURL,
		"jti": uuid.NewString(),
		"exp": now.Add(assertionLife).Unix(),
	})
	token.Header["kid"] = t.config.KeyID
	signed, err := token.SignedString(t.config.Signer)
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	return signed, nil
}

var errSigner = errors.New("an RSA signer of at least 2048 bits is needed")

func checkSigner(s crypto.Signer) error {
	if key, ok := s.Public().(*rsa.PublicKey); !ok || key.Size() < 256 {
		return errSigner
	}
	return nil
}

// rs512 signs with any [crypto.Signer], so that the key can live in a device; the library's own wants the key itself.
type rs512 struct{}

// Alg implements [jwt.SigningMethod].
func (rs512) Alg() string { return "RS512" }

// Sign implements [jwt.SigningMethod].
func (rs512) Sign(text string, key any) ([]byte, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	digest := sha512.Sum512([]byte(text))
	return signer.Sign(rand.Reader, digest[:], crypto.SHA512)
}

// Verify implements [jwt.SigningMethod] and verifies nothing: what we sign we do not accept.
func (rs512) Verify(string, []byte, any) error { return jwt.ErrSignatureInvalid }
