package simulator

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

// Application is what an application holds to be let in by the token service (PDS contract, 4.1).
type Application struct {
	// APIKey is the client id: issuer and subject of an assertion.
	APIKey string
	// KeyID is the header kid of an assertion.
	KeyID string
	// Key signs assertions, and KeyPEM is the same for a file, as PKCS #8.
	Key    *rsa.PrivateKey
	KeyPEM []byte
	// Secret is what it is known by besides APIKey when it refreshes a user's session (PDS contract, 4.2).
	Secret string
	// JWKS is the public half as the application publishes it.
	JWKS []byte
}

// The API keys that the token service knows. They are names, not secrets: nothing behind them is real.
const (
	// APIKey is the application that may do what the gateway needs.
	APIKey = "SIMULATED-application" //nolint:gosec // a name, not a secret
	// APIKeyWithoutPublicKey has not registered the URL of a JWKS: 403.
	APIKeyWithoutPublicKey = "SIMULATED-no-public-key"
	// APIKeyWithUnreachableJWKS has registered one that cannot be fetched: 403.
	APIKeyWithUnreachableJWKS = "SIMULATED-unreachable-jwks" //nolint:gosec // a name, not a secret
	// APIKeyWithoutScope is not subscribed to PDS: 401 unauthorized_client.
	APIKeyWithoutScope = "SIMULATED-no-scope" //nolint:gosec // a name, not a secret
	// APIKeyWithoutUserScope is subscribed to PDS for itself and not for users: an exchange is a 401 unauthorized_client.
	APIKeyWithoutUserScope = "SIMULATED-no-user-scope"
	// APIKeyWithoutInteraction gets tokens, but Spine has not granted it a PDS interaction: 401 from Spine.
	APIKeyWithoutInteraction = "SIMULATED-no-interaction"
	// APIKeyWithoutASID gets tokens, but has no ASID attached: 400 MISSING_VALUE from the edge.
	APIKeyWithoutASID = "SIMULATED-no-asid"
)

// directoryKey is the API key for SDS, a name as well.
const directoryKey = "SIMULATED-directory-key"

// clientSecret is what every application refreshes a user's session with.
const clientSecret = "SIMULATED-client-secret"

// keyID is the kid of the application's own key.
const keyID = "simulated-1"

func newApplication(key *rsa.PrivateKey) (Application, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Application{}, fmt.Errorf("encode the application's key: %w", err)
	}
	jwks, err := keySet("RS512", keyID, &key.PublicKey)
	if err != nil {
		return Application{}, fmt.Errorf("encode the application's JWKS: %w", err)
	}
	return Application{
		APIKey: APIKey, KeyID: keyID, Key: key, Secret: clientSecret, JWKS: jwks,
		KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, nil
}

// keySet is a JWKS with one RSA key, as a file.
func keySet(algorithm, kid string, key *rsa.PublicKey) ([]byte, error) {
	number := base64.RawURLEncoding.EncodeToString
	jwks, err := json.MarshalIndent(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "alg": algorithm, "use": "sig", "kid": kid,
		"n": number(key.N.Bytes()), "e": number(big.NewInt(int64(key.E)).Bytes()),
	}}}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(jwks, '\n'), nil
}

// publicKeys are the keys that an assertion may be signed with, by kid: the application's own and those of a JWKS.
func publicKeys(own *rsa.PrivateKey, jwks []byte) (map[string]*rsa.PublicKey, error) {
	keys := map[string]*rsa.PublicKey{keyID: &own.PublicKey}
	if jwks == nil {
		return keys, nil
	}
	var set struct {
		Keys []struct{ Kty, Kid, N, E string }
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("read the JWKS: %w", err)
	}
	for i, k := range set.Keys {
		if k.Kty != "RSA" || k.Kid == "" {
			return nil, fmt.Errorf("read the JWKS: key %d is not an RSA key with a kid", i)
		}
		n, errN := base64.RawURLEncoding.DecodeString(k.N)
		e, errE := base64.RawURLEncoding.DecodeString(k.E)
		if err := errors.Join(errN, errE); err != nil {
			return nil, fmt.Errorf("read the JWKS: key %d: %w", i, err)
		}
		exponent := new(big.Int).SetBytes(e)
		if len(n) < 256 || !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 {
			return nil, fmt.Errorf("read the JWKS: key %d is not an RSA key of at least 2048 bits", i)
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
	}
	return keys, nil
}
