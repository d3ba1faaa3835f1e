package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/spine"
)

// trust is how the two sides of the Spine are trusted, and as whom the gateway shows itself: what lies on the internet by the
// configured authorities or the system's, the proxy by its own alone, with a client certificate. All of it follows its
// files.
type trust struct {
	internet, proxy *authorities // internet is nil for the system's
	pair            *keyPair
	own             map[nhs.ODSCode]*keyPair // of organisations that have one of their own
}

// readTrust reads the certificates towards the Spine. What is expired or incomplete is refused.
func (g *Gateway) readTrust() (*trust, error) {
	c, t := g.config.Spine, &trust{own: make(map[nhs.ODSCode]*keyPair)}
	var err error
	if c.CAFile != "" {
		if t.internet, err = newAuthorities(c.CAFile, g.log); err != nil {
			return nil, fmt.Errorf("spine.caFile: %w", err)
		}
		g.watched = append(g.watched, watched{"spine.caFile", t.internet.chain})
	}
	if t.proxy, err = newAuthorities(c.Proxy.CAFile, g.log); err != nil {
		return nil, fmt.Errorf("spine.proxy.caFile: %w", err)
	}
	if t.pair, err = newKeyPair(c.Proxy.CertificateFile, c.Proxy.KeyFile, g.log, g.checkShared); err != nil {
		return nil, fmt.Errorf("spine.proxy.certificateFile: %w", err)
	}
	g.watched = append(g.watched,
		watched{"spine.proxy.caFile", t.proxy.chain}, watched{"spine.proxy.certificateFile", t.pair.chain})
	for i, o := range g.config.Organisations {
		if !ownsCertificate(o) {
			continue
		}
		key := fmt.Sprintf("organisations[%d].proxy.certificateFile", i)
		ods, err := nhs.ParseODSCode(o.ODS)
		if err == nil {
			t.own[ods], err = newKeyPair(o.Proxy.CertificateFile, o.Proxy.KeyFile, g.log, func(leaf *x509.Certificate) error {
				return checkFQDN(leaf, i, o)
			})
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		g.watched = append(g.watched, watched{key, t.own[ods].chain})
	}
	return t, nil
}

// CheckCertificates finds what a start would refuse among the certificates that a configuration names: those that are not good
// now, that come without their key or are for another host name, and authorities that cannot be read.
func CheckCertificates(c config.Config) error {
	g := &Gateway{config: c, log: slog.New(slog.DiscardHandler)}
	_, towardsSpine := g.readTrust()
	_, towardsCallers := g.callersTLS()
	errs := []error{towardsSpine, towardsCallers}
	issuer := func(key string, file config.File) {
		if file != "" {
			_, err := g.issuerAuthorities(key, file)
			errs = append(errs, err)
		}
	}
	issuer("identity.cis2", c.Identity.CIS2.CAFile)
	for i, o := range c.Identity.Issuers {
		issuer(fmt.Sprintf("identity.issuers[%d]", i), o.CAFile)
	}
	return errors.Join(errs...)
}

// ownsCertificate reports whether an organisation shows a certificate of its own, or means to.
func ownsCertificate(o config.Organisation) bool {
	return o.Proxy.CertificateFile != "" || o.Proxy.KeyFile != ""
}

// checkShared holds the gateway's certificate against what practices are told that the gateway is (SDS contract, E2), and
// against every organisation that shows it.
func (g *Gateway) checkShared(leaf *x509.Certificate) error {
	told, err := url.Parse(g.config.System.URL)
	if err != nil {
		return errors.New("system.url: not a URL")
	}
	var errs []error
	if err := reach.CheckName(leaf, told.Hostname()); err != nil {
		errs = append(errs, fmt.Errorf("system.url: %w", err))
	}
	for i, o := range g.config.Organisations {
		if !ownsCertificate(o) {
			errs = append(errs, checkFQDN(leaf, i, o))
		}
	}
	return errors.Join(errs...)
}

// checkFQDN holds a certificate against the organisation with that index.
func checkFQDN(leaf *x509.Certificate, i int, o config.Organisation) error {
	if err := reach.CheckName(leaf, o.FQDN); err != nil {
		return fmt.Errorf("organisations[%d].fqdn: %w", i, err)
	}
	return nil
}

// towardsInternet are the authorities of PDS, SDS and the token service; nil are the system's.
func (t *trust) towardsInternet() func() *x509.CertPool {
	if t.internet == nil {
		return nil
	}
	return t.internet.pool
}

// towardsProxy is the client's side of the proxy leg.
func (t *trust) towardsProxy() *tls.Config {
	return &tls.Config{GetClientCertificate: t.pair.forServer, MinVersion: tls.VersionTLS12}
}

// certificates are those of organisations that have their own.
func (t *trust) certificates() map[nhs.ODSCode]spine.ClientCertificate {
	own := make(map[nhs.ODSCode]spine.ClientCertificate, len(t.own))
	for ods, pair := range t.own {
		own[ods] = pair.forServer
	}
	return own
}
