package identity_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
)

const (
	issuerName = "https://issuer.example"
	audience   = "spinegate"
)

// foreign is an issuer as the world has them: a key for each algorithm, published over https.
type foreign struct {
	rsa     *rsa.PrivateKey
	weak    *rsa.PrivateKey // of 1024 bits
	ecdsa   *ecdsa.PrivateKey
	ed25519 ed25519.PrivateKey
	set     []byte
}

func newForeign(t testing.TB) *foreign {
	t.Helper()
	f := &foreign{}
	var err error
	if f.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if f.ecdsa, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, f.ed25519, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if f.weak, err = rsa.GenerateKey(rand.Reader, 1024); err != nil {
		t.Fatal(err)
	}
	storage := jwkset.NewMemoryStorage()
	for id, key := range map[string]any{
		"rsa": &f.rsa.PublicKey, "ecdsa": &f.ecdsa.PublicKey, "ed25519": f.ed25519.Public(), "weak": &f.weak.PublicKey,
	} {
		jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id}})
		if err != nil {
			t.Fatal(err)
		}
		if err := storage.KeyWrite(t.Context(), jwk); err != nil {
			t.Fatal(err)
		}
	}
	if f.set, err = storage.JSONPublic(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// keys serves the key set and fetches it as the gateway does.
func (f *foreign) keys(t testing.TB) *identity.KeySet {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(f.set) }))
	t.Cleanup(server.Close)
	keys, err := identity.FetchKeys(t.Context(), server.URL, server.Client(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (f *foreign) trusted(keys *identity.KeySet) identity.TrustedIssuer {
	return identity.TrustedIssuer{
		Name: issuerName, Audience: audience, Algorithms: []string{"RS256", "PS256", "ES256", "EdDSA"}, Keys: keys,
		UserSystem: "https://directory.example/users",
		Organisations: []identity.Organisation{
			{ODS: ods("Q8X01"), Name: "Example Urgent Care"}, {ODS: ods("R9Y02"), Name: "Example Community Trust"},
		},
	}
}

// claims of somebody who may call.
func claims(changes ...jwt.MapClaims) jwt.MapClaims {
	all := jwt.MapClaims{
		"iss": issuerName, "aud": []string{"another", audience}, "jti": "t-1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"sub": "u-1", "family_name": "QUARTERMAINE", "given_name": "Zephyrine", "title": "Dr",
		"ods_code": "q8x01", "scope": "patient:trace record:read", "selected_roleid": "555001234998",
	}
	for _, change := range changes {
		for name, value := range change {
			if value == nil {
				delete(all, name)
				continue
			}
			all[name] = value
		}
	}
	return all
}

// sign makes a token; header members change what the method sets.
func sign(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	for name, value := range header {
		if value == nil {
			delete(token.Header, name)
			continue
		}
		token.Header[name] = value
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// presented is what arrives when somebody sends a token.
func presented(t testing.TB, token string) identity.Credentials {
	t.Helper()
	secret, err := identity.Bearer([]string{"Bearer " + token})
	if err != nil {
		t.Fatal(err)
	}
	return identity.Credentials{Token: secret}
}

func verifier(t testing.TB, c identity.Config) *identity.Verifier {
	t.Helper()
	v, err := identity.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// certificate makes a client certificate as TLS would hand it over.
func certificate(t testing.TB, names []string, uris ...string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, DNSNames: names,
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func ods(code string) nhs.ODSCode {
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		panic(err)
	}
	return c
}

// reason is the name of an error's reason; empty for nil.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return fault.ReasonName(fault.ReasonOf(err))
}
