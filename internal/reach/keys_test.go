package reach

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

func TestAnApplicationKeyIsRSAInPEM(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	eight, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}) }
	for _, tt := range []struct {
		name string
		text []byte
		want string // "" is success
	}{
		{"PKCS 8", inPEM(eight), ""},
		{"PKCS 1", inPEM(x509.MarshalPKCS1PrivateKey(key)), ""},
		{"an elliptic curve", inPEM(wrong), "not an RSA key"},
		{"nonsense in PEM", inPEM([]byte("x")), "PKCS #1 or #8"},
		{"no PEM", eight, "not a PEM file"},
	} {
		got, err := parseRSA(tt.text)
		if tt.want == "" && (err != nil || !got.Equal(key)) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
