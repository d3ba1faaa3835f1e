package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spinegate/spinegate/internal/config"
)

// keyPair is a certificate with its key, which follows its files.
type keyPair struct{ *renewed[*tls.Certificate] }

// newKeyPair reads a pair. One that does not belong together, is not yet good or not any more, or that fails a check is
// refused, now and when it changes. check is nil where a certificate may be for anybody.
func newKeyPair(certificateFile config.File, keyFile config.SecretFile, log *slog.Logger, check func(*x509.Certificate) error) (*keyPair, error) {
	r, err := newRenewed(log, func() (*tls.Certificate, error) {
		pair, err := readPair(certificateFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("load a certificate with its key: %w", err)
		}
		switch now := time.Now(); {
		case now.After(pair.Leaf.NotAfter):
			return nil, fmt.Errorf("it expired on %s", pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
		case now.Before(pair.Leaf.NotBefore):
			return nil, fmt.Errorf("it is not good before %s", pair.Leaf.NotBefore.UTC().Format(time.RFC3339))
		}
		if check != nil {
			if err := check(pair.Leaf); err != nil {
				return nil, err
			}
		}
		return &pair, nil
	}, string(certificateFile), string(keyFile))
	if err != nil {
		return nil, err
	}
	return &keyPair{r}, nil
}

// readPair reads both files with the care that each asks for: the key is a secret whenever it is read.
func readPair(certificateFile config.File, keyFile config.SecretFile) (tls.Certificate, error) {
	certificate, err := certificateFile.Read()
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := keyFile.Read()
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certificate, []byte(key.Reveal()))
}

// forClient is the GetCertificate of a server.
func (k *keyPair) forClient(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current(), nil }

// forServer is the GetClientCertificate of a client: the one that there is, whichever authorities the server names. Whether it
// takes that is for the server to say.
func (k *keyPair) forServer(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return k.current(), nil
}

// chain is the certificate and what was put beside it.
func (k *keyPair) chain() []*x509.Certificate {
	pair := k.current()
	chain := []*x509.Certificate{pair.Leaf}
	for _, der := range pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}

// authorities are those of a file, which they follow.
type authorities struct{ *renewed[bundle] }

// bundle is what a file of authorities holds.
type bundle struct {
	pool *x509.CertPool
	all  []*x509.Certificate
}

func newAuthorities(file config.File, log *slog.Logger) (*authorities, error) {
	r, err := newRenewed(log, func() (bundle, error) { return readBundle(file) }, string(file))
	if err != nil {
		return nil, err
	}
	return &authorities{r}, nil
}

// pool is the Roots of an upstream.
func (a *authorities) pool() *x509.CertPool { return a.current().pool }

func (a *authorities) chain() []*x509.Certificate { return a.current().all }

// readBundle reads a file of authorities whole or not at all: of one that somebody is still writing, those at the end would
// silently not be trusted.
func readBundle(file config.File) (bundle, error) {
	text, err := file.Read()
	if err != nil {
		return bundle{}, err
	}
	b := bundle{pool: x509.NewCertPool()}
	for block, rest := pem.Decode(text); ; block, rest = pem.Decode(rest) {
		if block == nil {
			if bytes.Contains(rest, []byte("-----BEGIN")) {
				return bundle{}, fmt.Errorf("what follows certificate %d cannot be read", len(b.all))
			}
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return bundle{}, fmt.Errorf("certificate %d: %w", len(b.all)+1, err)
		}
		b.pool.AddCert(c)
		b.all = append(b.all, c)
	}
	if len(b.all) == 0 {
		return bundle{}, errors.New("no certificate in it")
	}
	return b, nil
}
