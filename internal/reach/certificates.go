package reach

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/config"
)

// Pair reads a certificate with its key. One that does not belong together is refused; whether it is good now is for
// [GoodNow] to say.
func Pair(certificateFile config.File, keyFile config.SecretFile) (*tls.Certificate, error) {
	certificate, err := certificateFile.Read()
	if err != nil {
		return nil, fmt.Errorf("load a certificate with its key: %w", err)
	}
	key, err := keyFile.Read() // a secret whenever it is read, not at the start alone
	if err != nil {
		return nil, fmt.Errorf("load a certificate with its key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, []byte(key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("load a certificate with its key: %w", err)
	}
	return &pair, nil
}

// GoodNow refuses a certificate that is not yet good, or not any more.
func GoodNow(leaf *x509.Certificate) error {
	switch now := time.Now(); {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("it expired on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("it is not good before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// Chain is a certificate and what was put beside it.
func Chain(pair *tls.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{pair.Leaf}
	for _, der := range pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}

// First is the one of several certificates that expires first; nil for none.
func First(all []*x509.Certificate) *x509.Certificate {
	var first *x509.Certificate
	for _, c := range all {
		if first == nil || c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first
}

// ErrOtherHost is what a certificate fails with that is not its bearer's.
var ErrOtherHost = errors.New("the client certificate is for another host name")

// CheckName refuses an ASID that is registered for another host name than the certificate's (SDS contract, B2). An empty name
// refuses nothing.
func CheckName(leaf *x509.Certificate, fqdn string) error {
	names := append([]string{leaf.Subject.CommonName}, leaf.DNSNames...)
	if fqdn == "" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, fqdn) }) {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOtherHost, strings.Join(names, ", "))
}

// Authorities are what a file of them holds.
type Authorities struct {
	Pool *x509.CertPool
	All  []*x509.Certificate
}

// ReadAuthorities reads a file of authorities whole or not at all: of one that somebody is still writing, those at the end
// would silently not be trusted.
func ReadAuthorities(file config.File) (Authorities, error) {
	text, err := file.Read()
	if err != nil {
		return Authorities{}, err
	}
	a := Authorities{Pool: x509.NewCertPool()}
	for block, rest := pem.Decode(text); ; block, rest = pem.Decode(rest) {
		if block == nil {
			if bytes.Contains(rest, []byte("-----BEGIN")) {
				return Authorities{}, fmt.Errorf("what follows certificate %d cannot be read", len(a.All))
			}
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Authorities{}, fmt.Errorf("certificate %d: %w", len(a.All)+1, err)
		}
		a.Pool.AddCert(c)
		a.All = append(a.All, c)
	}
	if len(a.All) == 0 {
		return Authorities{}, errors.New("no certificate in it")
	}
	return a, nil
}
