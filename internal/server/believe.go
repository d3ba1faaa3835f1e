package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/reach"
)

// believe makes what finds out who calls. Key sets are kept fresh until life ends.
func (g *Gateway) believe(life context.Context, o Options) (*identity.Verifier, error) {
	if o.Embedded != nil {
		trusted, err := o.Embedded.Issuer.Trusted() //nolint:contextcheck // it keeps keys in memory
		if err != nil {
			return nil, fmt.Errorf("trust the sandbox's issuer: %w", err)
		}
		return identity.New(identity.Config{Issuers: []identity.TrustedIssuer{trusted}, CIS2: o.Embedded.CIS2})
	}
	known := make(map[string]identity.Organisation, len(g.config.Organisations))
	for i, o := range g.config.Organisations {
		ods, err := nhs.ParseODSCode(o.ODS)
		if err != nil {
			return nil, fmt.Errorf("organisations[%d].ods: %w", i, err)
		}
		known[ods.String()] = identity.Organisation{ODS: ods, Name: o.Name}
	}
	find := func(code string) (identity.Organisation, error) {
		ods, err := nhs.ParseODSCode(code)
		if err != nil {
			return identity.Organisation{}, err
		}
		return known[ods.String()], nil
	}
	c := identity.Config{}
	if cis2 := g.config.Identity.CIS2; cis2.Name != "" {
		keys, err := g.fetchKeys(life, "identity.cis2", cis2.JWKSURL, cis2.CAFile)
		if err != nil {
			return nil, err // it says where
		}
		c.CIS2 = &identity.CIS2{Issuer: cis2.Name, Audience: cis2.Audience, Algorithms: cis2.Algorithms, Keys: keys}
	}
	for i, issuer := range g.config.Identity.Issuers {
		trusted, err := g.believeIssuer(life, fmt.Sprintf("identity.issuers[%d]", i), issuer, find)
		if err != nil {
			return nil, err // it says where
		}
		c.Issuers = append(c.Issuers, trusted)
	}
	for i, certificate := range g.config.Identity.Certificates {
		organisation, err := find(certificate.Organisation)
		if err != nil {
			return nil, fmt.Errorf("identity.certificates[%d]: %w", i, err)
		}
		c.Certificates = append(c.Certificates, identity.Certificate{
			Name: certificate.Name, SHA256: certificate.SHA256, Organisation: organisation, Scopes: certificate.Scopes,
		})
	}
	return identity.New(c)
}

// jwksTimeout bounds one fetch of a key set.
const jwksTimeout = 10 * time.Second

// believeIssuer makes an issuer of tokens of the settings below a key.
func (g *Gateway) believeIssuer(
	life context.Context, key string, c config.Issuer, find func(string) (identity.Organisation, error),
) (identity.TrustedIssuer, error) {
	keys, err := g.fetchKeys(life, key, c.JWKSURL, c.CAFile)
	if err != nil {
		return identity.TrustedIssuer{}, err
	}
	trusted := identity.TrustedIssuer{
		Name: c.Name, Audience: c.Audience, Algorithms: c.Algorithms, Keys: keys, UserSystem: c.UserSystem,
		Claims: identity.Claims(c.Claims),
	}
	for i, code := range c.Organisations {
		organisation, err := find(code)
		if err != nil {
			return identity.TrustedIssuer{}, fmt.Errorf("%s.organisations[%d]: %w", key, i, err)
		}
		trusted.Organisations = append(trusted.Organisations, organisation)
	}
	return trusted, nil
}

// fetchKeys keeps the key set of an issuer, whose settings are below a key, at hand until life ends.
func (g *Gateway) fetchKeys(life context.Context, key, address string, file config.File) (*identity.KeySet, error) {
	transport := &http.Transport{TLSHandshakeTimeout: jwksTimeout, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	if file != "" {
		authorities, err := g.issuerAuthorities(key, file)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	}
	g.onStop(func() error { transport.CloseIdleConnections(); return nil })
	keys, err := identity.FetchKeys(life, address, &http.Client{Transport: transport, Timeout: jwksTimeout}, g.log)
	if err != nil {
		return nil, fmt.Errorf("%s.jwksURL: %w", key, err)
	}
	return keys, nil
}

// issuerAuthorities reads the authorities that are trusted for an issuer's key set, once: they do not follow their file.
func (g *Gateway) issuerAuthorities(key string, file config.File) (*x509.CertPool, error) {
	key += ".caFile"
	read, err := reach.ReadAuthorities(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	g.watched = append(g.watched, watched{key, func() []*x509.Certificate { return read.All }})
	return read.Pool, nil
}
