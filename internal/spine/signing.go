package spine

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// SigningKey is what an application signs its assertions with (PDS contract, 4.1).
type SigningKey struct {
	// ID is the kid: the key's name in the key set that the application publishes. Required.
	ID string
	// Signer holds the RSA private key, of at least 2048 bits. Required.
	Signer crypto.Signer
}

// SetKey replaces the key that assertions are signed with, from the next one on. The token that is held stays in use. A key
// that cannot sign RS512 is refused and changes nothing.
func (t *Tokens) SetKey(k SigningKey) error {
	if _, err := k.Public(); err != nil {
		return err
	}
	t.key.Store(&k)
	return nil
}

// Public is the half that is published. It fails for a key that cannot sign RS512.
func (k SigningKey) Public() (PublicKey, error) {
	if k.Signer == nil {
		return PublicKey{}, errNoSigner
	}
	key, ok := k.Signer.Public().(*rsa.PublicKey)
	if !ok {
		return PublicKey{}, errSigner
	}
	public := PublicKey{ID: k.ID, Key: key}
	return public, public.check()
}

var (
	errNoSigner = errors.New("a key id and a signer are required")
	errSigner   = errors.New("an RSA key of at least 2048 bits is needed")
)

// PublicKey is the public half of a [SigningKey].
type PublicKey struct {
	// ID is the kid. Required.
	ID string
	// Key has at least 2048 bits. Required.
	Key *rsa.PublicKey
}

func (k PublicKey) check() error {
	if k.ID == "" {
		return errNoSigner
	}
	if k.Key == nil || k.Key.N.BitLen() < 2048 {
		return errSigner
	}
	return nil
}

// KeySet is the JSON Web Key Set that an application publishes (PDS contract, 4.1). Nothing private can get into it: a public
// key is all that it is given. Each kid must be there once, and each key have at least 2048 bits.
func KeySet(keys ...PublicKey) ([]byte, error) {
	type member struct {
		Type      string `json:"kty"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
		ID        string `json:"kid"`
		Modulus   string `json:"n"`
		Exponent  string `json:"e"`
	}
	var set struct {
		Keys []member `json:"keys"`
	}
	known := map[string]bool{}
	for _, k := range keys {
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("publish key %q: %w", k.ID, err)
		}
		if known[k.ID] {
			return nil, fmt.Errorf("publish key %q: another one has this id", k.ID)
		}
		known[k.ID] = true
		set.Keys = append(set.Keys, member{
			Type: "RSA", Use: "sig", Algorithm: rs512{}.Alg(), ID: k.ID,
			Modulus:  base64.RawURLEncoding.EncodeToString(k.Key.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.Key.E)).Bytes()),
		})
	}
	text, err := json.Marshal(set, jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write the key set: %w", err)
	}
	return append(text, '\n'), nil
}

// rs512 signs with any [crypto.Signer], so that the key can live in a device; the library's own wants the key itself.
type rs512 struct{}

// Alg implements [jwt.SigningMethod].
func (rs512) Alg() string { return "RS512" }

// Sign implements [jwt.SigningMethod]. A device that hashes by itself, a [crypto.MessageSigner], is given the whole text.
func (rs512) Sign(text string, key any) ([]byte, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	return crypto.SignMessage(signer, rand.Reader, []byte(text), crypto.SHA512)
}

// Verify implements [jwt.SigningMethod] and verifies nothing: what we sign we do not accept.
func (rs512) Verify(string, []byte, any) error { return jwt.ErrSignatureInvalid }
