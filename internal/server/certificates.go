package server

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/reach"
)

// keyPair is a certificate with its key, which follows its files.
type keyPair struct{ *renewed[*tls.Certificate] }

// newKeyPair reads a pair. One that does not belong together, is not yet good or not any more, or that fails a check is
// refused, now and when it changes. check is nil where a certificate may be for anybody.
func newKeyPair(certificateFile config.File, keyFile config.SecretFile, log *slog.Logger, check func(*x509.Certificate) error) (*keyPair, error) {
	r, err := newRenewed(log, func() (*tls.Certificate, error) {
		pair, err := reach.Pair(certificateFile, keyFile)
		if err != nil {
			return nil, err
		}
		if err := reach.GoodNow(pair.Leaf); err != nil {
			return nil, err
		}
		if check != nil {
			if err := check(pair.Leaf); err != nil {
				return nil, err
			}
		}
		return pair, nil
	}, string(certificateFile), string(keyFile))
	if err != nil {
		return nil, err
	}
	return &keyPair{r}, nil
}

// forClient is the GetCertificate of a server.
func (k *keyPair) forClient(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current(), nil }

// forServer is the GetClientCertificate of a client: the one that there is, whichever authorities the server names. Whether it
// takes that is for the server to say.
func (k *keyPair) forServer(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return k.current(), nil
}

// chain is the certificate and what was put beside it.
func (k *keyPair) chain() []*x509.Certificate { return reach.Chain(k.current()) }

// authorities are those of a file, which they follow.
type authorities struct{ *renewed[reach.Authorities] }

func newAuthorities(file config.File, log *slog.Logger) (*authorities, error) {
	r, err := newRenewed(log, func() (reach.Authorities, error) { return reach.ReadAuthorities(file) }, string(file))
	if err != nil {
		return nil, err
	}
	return &authorities{r}, nil
}

// pool is the Roots of an upstream.
func (a *authorities) pool() *x509.CertPool { return a.current().Pool }

func (a *authorities) chain() []*x509.Certificate { return a.current().All }
