package server

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/signer"
	"github.com/spinegate/spinegate/internal/spine"
)

// applicationKeys are the keys by which the API platform knows the application (PDS contract, 4.1).
type applicationKeys struct {
	signing   spine.SigningKey
	published []spine.PublicKey // of the signing key first
	set       []byte            // published, as it is served
	// since is when this process began to publish each, by kid.
	since map[string]time.Time
}

// CheckKeys reads the keys of every application that a configuration names, and finds two applications with one API key. An
// agent is not asked for a signature.
func CheckKeys(c config.Config) error {
	all, err := applicationsOf(c)
	if err != nil {
		return err
	}
	if err := distinct(c, all); err != nil {
		return err
	}
	for _, ods := range all {
		s, err := settingsOf(c, ods)
		if err != nil {
			return err
		}
		if s.KeyID == "" {
			continue // the NHS's sandbox of PDS asks for no token
		}
		if _, err := parseKeys(s); err != nil {
			return err
		}
	}
	return nil
}

// readKeys reads the keys that a configuration names, and has the one that signs sign something: a key that cannot is found
// now and not with the next token.
func readKeys(c settings) (*applicationKeys, error) {
	k, err := parseKeys(c)
	if err != nil {
		return nil, err
	}
	// What is signed here is no token, and nobody takes it for one.
	if _, err := crypto.SignMessage(k.signing.Signer, rand.Reader, []byte("spinegate: does this key sign?"), crypto.SHA512); err != nil {
		return nil, fmt.Errorf("%s: sign with %q: %w", c.key, c.KeyID, err)
	}
	return k, nil
}

func parseKeys(c settings) (*applicationKeys, error) {
	k := &applicationKeys{signing: spine.SigningKey{ID: c.KeyID}}
	var err error
	if k.signing.Signer, err = signingKey(c); err != nil {
		return nil, err
	}
	own, err := k.signing.Public()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.key, err)
	}
	k.published = []spine.PublicKey{own}
	for i, also := range c.AlsoPublish {
		public, err := readPublicKey(also.PublicKeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s.alsoPublish[%d].publicKeyFile: %w", c.key, i, err)
		}
		k.published = append(k.published, spine.PublicKey{ID: also.KeyID, Key: public})
	}
	if k.set, err = spine.KeySet(k.published...); err != nil {
		return nil, fmt.Errorf("%s: %w", c.key, err)
	}
	k.since = make(map[string]time.Time, len(k.published))
	for _, public := range k.published {
		k.since[public.ID] = time.Now()
	}
	return k, nil
}

// signingKey is the private key, from its file or behind its agent.
func signingKey(c settings) (crypto.Signer, error) {
	if c.AgentSocket != "" {
		public, err := readPublicKey(c.PublicKeyFile)
		if err != nil {
			return nil, fmt.Errorf("%s.publicKeyFile: %w", c.key, err)
		}
		key, err := signer.New(c.AgentSocket, public)
		if err != nil {
			return nil, fmt.Errorf("%s.publicKeyFile: %w", c.key, err)
		}
		return key, nil
	}
	text, err := c.PrivateKeyFile.Read()
	if err != nil {
		return nil, fmt.Errorf("%s.privateKeyFile: %w", c.key, err)
	}
	key, err := parseRSA([]byte(text.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("%s.privateKeyFile: %w", c.key, err)
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

// usualBits is how long a signing key usually is (PDS contract, 4.1).
const usualBits = 4096

// heed tells operators of keys that are shorter than is usual. Those of the embedded Spine are, and are nobody's to change.
func (g *Gateway) heed(ctx context.Context, k *applicationKeys) {
	for _, public := range k.published {
		if bits := public.Key.N.BitLen(); bits < usualBits && g.config.Environment != config.Embedded {
			g.log.WarnContext(ctx, "a key of the application is shorter than usual", "kid", public.ID, "bits", bits, "usual", usualBits)
		}
	}
}

// follow takes over since when keys have been published that were published before.
func (k *applicationKeys) follow(before *applicationKeys) {
	for id, since := range before.since {
		if _, still := k.since[id]; still {
			k.since[id] = since
		}
	}
}

// platformKeeps is for how long the platform keeps a key set that it fetched (PDS contract, 4.1).
const platformKeeps = time.Hour

// sameNames fails if a kid stands for another key than it did. The platform keeps what it fetched for an hour: it would
// check against the old key.
func (k *applicationKeys) sameNames(before *applicationKeys) error {
	for _, now := range k.published {
		for _, then := range before.published {
			if now.ID == then.ID && !now.Key.Equal(then.Key) {
				return fmt.Errorf("%q stands for another key already: a new key needs a new kid", now.ID)
			}
		}
	}
	return nil
}

// names are the kids that are published.
func (k *applicationKeys) names() []string {
	names := make([]string, 0, len(k.published))
	for _, public := range k.published {
		names = append(names, public.ID)
	}
	return names
}
