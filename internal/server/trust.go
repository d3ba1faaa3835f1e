package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"

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
	if t.pair, err = newKeyPair(string(c.Proxy.CertificateFile), string(c.Proxy.KeyFile), g.log); err != nil {
		return nil, fmt.Errorf("spine.proxy.certificateFile: %w", err)
	}
	g.watched = append(g.watched,
		watched{"spine.proxy.caFile", t.proxy.chain}, watched{"spine.proxy.certificateFile", t.pair.chain})
	for i, o := range g.config.Organisations {
		used, key := t.pair, fmt.Sprintf("organisations[%d]", i)
		if o.Proxy.CertificateFile != "" || o.Proxy.KeyFile != "" {
			key := key + ".proxy.certificateFile"
			ods, err := nhs.ParseODSCode(o.ODS)
			if err == nil {
				used, err = newKeyPair(string(o.Proxy.CertificateFile), string(o.Proxy.KeyFile), g.log)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			t.own[ods] = used
			g.watched = append(g.watched, watched{key, used.chain})
		}
		if err := reach.CheckName(used.current().Leaf, o.FQDN); err != nil {
			return nil, fmt.Errorf("%s.fqdn: %w", key, err)
		}
	}
	return t, nil
}

// CheckCertificates finds what a start would refuse among the certificates that a configuration names: those that are not good
// now, that come without their key or are for another host name, and authorities that cannot be read.
func CheckCertificates(c config.Config) error {
	g := &Gateway{config: c, log: slog.New(slog.DiscardHandler)}
	_, towardsSpine := g.readTrust()
	_, towardsCallers := g.callersTLS()
	return errors.Join(towardsSpine, towardsCallers)
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
