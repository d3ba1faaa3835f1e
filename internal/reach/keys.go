package reach

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/signer"
	"github.com/spinegate/spinegate/internal/spine"
)

// UsualBits is how long a signing key usually is (PDS contract, 4.1).
const UsualBits = 4096

// Keys are those by which the API platform knows an application (PDS contract, 4.1).
type Keys struct {
	// Signing is the one that signs.
	Signing spine.SigningKey
	// Published are the public halves in the application's key set, that of Signing first.
	Published []spine.PublicKey
}

// ReadKeys reads the keys that a configuration names. An agent is not asked for anything.
func (a Application) ReadKeys() (*Keys, error) {
	k := &Keys{Signing: spine.SigningKey{ID: a.KeyID}}
	var err error
	if k.Signing.Signer, err = a.signer(); err != nil {
		return nil, err
	}
	own, err := k.Signing.Public()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Key, err)
	}
	k.Published = []spine.PublicKey{own}
	for i, also := range a.AlsoPublish {
		public, err := readPublicKey(also.PublicKeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s.alsoPublish[%d].publicKeyFile: %w", a.Key, i, err)
		}
		k.Published = append(k.Published, spine.PublicKey{ID: also.KeyID, Key: public})
	}
	return k, nil
}

// Try has the key that signs sign something, so that one that cannot is found before a token is needed.
func (a Application) Try(k *Keys) error {
	// What is signed here is no token, and nobody takes it for one.
	if _, err := crypto.SignMessage(k.Signing.Signer, rand.Reader, []byte("spinegate: does this key sign?"), crypto.SHA512); err != nil {
		return fmt.Errorf("%s: sign with %q: %w", a.Key, a.KeyID, err)
	}
	return nil
}

// signer is the private key, from its file or behind its agent.
func (a Application) signer() (crypto.Signer, error) {
	if a.AgentSocket != "" {
		public, err := readPublicKey(a.PublicKeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s.publicKeyFile: %w", a.Key, err)
		}
		key, err := signer.New(a.AgentSocket, public)
		if err != nil {
			return nil, fmt.Errorf("%s.publicKeyFile: %w", a.Key, err)
		}
		return key, nil
	}
	text, err := a.PrivateKeyFile.Read()
	if err != nil {
		return nil, fmt.Errorf("%s.privateKeyFile: %w", a.Key, err)
	}
	key, err := parseRSA([]byte(text.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("%s.privateKeyFile: %w", a.Key, err)
	}
	return key, nil
}

// parseRSA reads an RSA private key in PEM, PKCS #1 or #8. Its errors show nothing of it.
func parseRSA(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("not a PEM file")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a private key in PKCS #1 or #8, unencrypted")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key, and only RS512 is accepted there")
	}
	return key, nil
}

// readPublicKey reads an RSA public key in PEM. What is private there by mistake is refused, and not shown.
func readPublicKey(file config.File) (*rsa.PublicKey, error) {
	text, err := file.Read()
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("not a PEM file with a PUBLIC KEY (ssh-keygen -e -m PKCS8 makes one of what an agent lists)")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a public key in PKIX form")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("not an RSA key, and only RS512 is accepted there")
	}
	return key, nil
}
