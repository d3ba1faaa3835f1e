package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/spine"
)

// soon is how long before the end a certificate is warned of.
const soon = 30 * 24 * time.Hour

// proxySide is what the proxy is reached with.
type proxySide struct {
	authorities reach.Authorities
	shared      *tls.Certificate                 // nil where it cannot be read
	own         map[nhs.ODSCode]*tls.Certificate // of organisations that have one of their own
}

// certificates looks at every certificate and authority that is configured.
func (e *examination) certificates(context.Context) {
	c := e.config
	if c.Spine.CAFile != "" {
		if a, ok := e.authorities("spine.caFile", c.Spine.CAFile); ok {
			e.internet = &a
		} else {
			e.closed = map[string]bool{"spine.token.url": true, "spine.pds.url": true, "spine.sds.url": true}
		}
	}
	authorities, trusted := e.authorities("spine.proxy.caFile", c.Spine.Proxy.CAFile)
	side := &proxySide{authorities: authorities, own: map[nhs.ODSCode]*tls.Certificate{}}
	key := "spine.proxy.certificateFile"
	side.shared = e.pair(key, c.Spine.Proxy.CertificateFile, c.Spine.Proxy.KeyFile, side)
	e.genuine(key, c.Spine.Proxy.CertificateFile)
	if u, err := url.Parse(c.System.URL); err == nil && side.shared != nil {
		e.names(key, "system.url", side.shared, u.Hostname(), Warn)
	}
	for i, o := range c.Organisations {
		shown, key := side.shared, key
		if o.Proxy.CertificateFile != "" {
			key = fmt.Sprintf("organisations[%d].proxy.certificateFile", i)
			shown = e.pair(key, o.Proxy.CertificateFile, o.Proxy.KeyFile, side)
			e.genuine(key, o.Proxy.CertificateFile)
			if ods, err := nhs.ParseODSCode(o.ODS); err == nil && shown != nil {
				side.own[ods] = shown
			}
		}
		if shown != nil && o.FQDN != "" {
			e.names(key, fmt.Sprintf("organisations[%d].fqdn", i), shown, o.FQDN, Fail)
		}
	}
	if trusted {
		e.proxy = side
	}
	if l := c.Listen; l.CertificateFile != "" {
		e.pair("listen.certificateFile", l.CertificateFile, l.KeyFile, nil)
	}
	if c.Listen.ClientCAFile != "" {
		e.authorities("listen.clientCAFile", c.Listen.ClientCAFile)
	}
}

// authorities looks at a file of them.
func (e *examination) authorities(key string, file config.File) (reach.Authorities, bool) {
	a, err := reach.ReadAuthorities(file)
	if err != nil {
		e.wrong(Fail, key, "authorities", err.Error(), "Give a PEM file with the whole certificates of the authorities that are to be trusted.")
		return a, false
	}
	var expired int
	for _, c := range a.All {
		if time.Now().After(c.NotAfter) {
			expired++
		}
	}
	seen := fmt.Sprintf("%d in %s; the first to expire is %q, %s", len(a.All), file, reach.First(a.All).Subject.CommonName, left(reach.First(a.All)))
	switch {
	case expired == len(a.All):
		e.wrong(Fail, key, "authorities", seen, "None of them is good any more: get the current ones.")
	case expired > 0:
		e.wrong(Warn, key, "authorities", seen, "Take out what has expired, and make sure that its successor is there.")
	case time.Until(reach.First(a.All).NotAfter) < soon:
		e.wrong(Warn, key, "authorities", seen, "Add its successor: a file is read again within half a minute.")
	default:
		e.ok(key, "authorities", "%s", seen)
	}
	if strings.HasPrefix(key, "spine.") {
		e.genuine(key, file)
	}
	return a, true
}

// genuine refuses what belongs to a simulated Spine where a real one is configured.
func (e *examination) genuine(key string, file config.File) {
	if !e.config.Environment.Genuine() {
		return
	}
	text, err := file.Read()
	if err == nil && errors.Is(spine.RefuseSimulatedRoots(text), spine.ErrSimulatedRoot) {
		e.wrong(Fail, key, "environment", fmt.Sprintf("%s has %v, and the environment is %s", file, spine.ErrSimulatedRoot, e.config.Environment),
			"Give the certificates that the NHS issued, or environment SANDBOX.")
	}
}

// pair looks at a certificate with its key: whether they fit, how long it is good, and whether its chain is whole. towards is nil
// for one that is shown to callers.
func (e *examination) pair(key string, file config.File, keyFile config.SecretFile, towards *proxySide) *tls.Certificate {
	pair, err := reach.Pair(file, keyFile)
	if err != nil {
		do := "Give the PEM files of a certificate and of its own private key."
		if _, missing := errors.AsType[*os.PathError](err); !missing {
			do = "Give the private key that the certificate was asked for with: no other fits."
		}
		e.wrong(Fail, key, "key", err.Error(), do)
		return nil
	}
	e.ok(key, "key", "%s belongs to %s", keyFile, file)
	chain := reach.Chain(pair)
	first := reach.First(chain)
	seen := fmt.Sprintf("%q, %s", first.Subject.CommonName, left(first))
	switch {
	case reach.GoodNow(pair.Leaf) != nil || reach.GoodNow(first) != nil:
		e.wrong(Fail, key, "dates", seen, "Get a new certificate. If this one is, look at this machine's clock.")
	case time.Until(first.NotAfter) < soon:
		e.wrong(Warn, key, "dates", seen, "Get the next one: it is read within half a minute of being put there.")
	default:
		e.ok(key, "dates", "%s", seen)
	}
	e.chain(key, chain, towards)
	return pair
}

// chain looks whether each certificate is signed by the next, and towards the proxy by an authority of the Spine.
func (e *examination) chain(key string, chain []*x509.Certificate, towards *proxySide) {
	for i, c := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(c); err != nil {
			e.wrong(Fail, key, "chain", fmt.Sprintf("%q is not signed by %q, which stands behind it", chain[i].Subject.CommonName, c.Subject.CommonName),
				"Put the certificate first, and behind it each the one that signed the one before.")
			return
		}
	}
	last := chain[len(chain)-1]
	seen := fmt.Sprintf("%s, signed by %q", count(len(chain), "certificate"), last.Issuer.CommonName)
	if towards == nil || towards.authorities.Pool == nil {
		e.ok(key, "chain", "%s", seen)
		return
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: towards.authorities.Pool, Intermediates: between, CurrentTime: chain[0].NotBefore.Add(time.Second), // dates are another check
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		e.wrong(Warn, key, "chain", seen+", which is no authority of spine.proxy.caFile",
			"The proxy takes certificates that the Spine's authorities signed: put the ones between beside it, and check that it is for this environment.")
		return
	}
	if err != nil {
		e.wrong(Warn, key, "chain", seen+": "+err.Error(), "The proxy may refuse it: ask for a client certificate.")
		return
	}
	e.ok(key, "chain", "%s, as spine.proxy.caFile has it", seen)
}

// names holds a certificate against the host name that it has to be for (SDS contract, B2).
func (e *examination) names(key, setting string, pair *tls.Certificate, name string, otherwise Verdict) {
	if err := reach.CheckName(pair.Leaf, name); err != nil {
		e.wrong(otherwise, setting, "host name", fmt.Sprintf("%s; configured is %s", err, name),
			"The proxy compares the certificate with the host name that the ASID is registered for: give the certificate for it, or correct "+setting+".")
		return
	}
	e.ok(setting, "host name", "%s has it: %s", key, name)
}

// left says how long a certificate is good.
func left(c *x509.Certificate) string {
	switch now := time.Now(); {
	case now.After(c.NotAfter):
		return "expired on " + c.NotAfter.UTC().Format(time.DateOnly)
	case now.Before(c.NotBefore):
		return "not good before " + c.NotBefore.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("good until %s, %s left", c.NotAfter.UTC().Format(time.DateOnly), count(int(time.Until(c.NotAfter)/(24*time.Hour)), "day"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
