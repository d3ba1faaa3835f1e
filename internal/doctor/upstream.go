package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/spine"
)

// host is one upstream to be looked at.
type host struct {
	// subject is the setting of its address, and trusting that of its authorities; empty are the system's.
	subject, trusting string
	// address is its URL, and path what is asked for below it.
	address, path string
	tls           *tls.Config
	// shown is the setting of the client certificate that it is shown; empty for none.
	shown string
}

// answered is what an upstream said.
type answered struct {
	status int
	body   []byte
}

// upstreams looks at every service of the Spine. What it asks for needs no credentials, and is about nobody.
func (e *examination) upstreams(ctx context.Context) {
	if e.closed == nil {
		e.closed = map[string]bool{}
	}
	c, internet := e.config.Spine, &tls.Config{MinVersion: tls.VersionTLS12}
	if e.internet != nil {
		internet.RootCAs = e.internet.Pool
	}
	for _, h := range []host{
		{subject: "spine.token.url", address: c.Token.URL},
		{subject: "spine.pds.url", address: c.PDS.URL, path: "/_ping"},
		{subject: "spine.sds.url", address: c.SDS.URL, path: "/_ping"},
	} {
		if e.closed[h.subject] {
			e.skip(h.subject, "TLS", "The authorities of spine.caFile have to be right first.")
			continue
		}
		h.trusting, h.tls = string(c.CAFile), internet
		a, ok := e.look(ctx, h)
		e.closed[h.subject] = !ok
		if ok {
			e.judge(h, a)
		}
	}
	e.proxies(ctx)
}

// judge says what an answer of an upstream on the internet is worth.
func (e *examination) judge(h host, a answered) {
	switch {
	case a.status >= http.StatusInternalServerError:
		e.wrong(Warn, h.subject, "answer", fmt.Sprintf("HTTP %d", a.status), "The service may be down for now: see the NHS's service status.")
	case h.path != "" && a.status != http.StatusOK:
		e.wrong(Fail, h.subject, "answer", fmt.Sprintf("HTTP %d to %s, which is open to everybody", a.status, h.path),
			"Check the URL: it is the FHIR base, without a slash at its end.")
	default:
		e.ok(h.subject, "answer", "HTTP %d%s", a.status, strings.TrimRight(" to "+h.path, "to "))
	}
}

// proxies looks at the proxy with every certificate that it is shown. What is asked for is no practice's: the proxy refuses it by
// itself, and must get as far as that.
func (e *examination) proxies(ctx context.Context) {
	const subject = "spine.proxy.url"
	if e.proxy == nil {
		e.skip(subject, "TLS", "The authorities of spine.proxy.caFile have to be right first.")
		return
	}
	type shown struct {
		subject, key string
		pair         *tls.Certificate
	}
	all := []shown{{subject, "spine.proxy.certificateFile", e.proxy.shared}}
	for i, o := range e.config.Organisations {
		if o.Proxy.CertificateFile != "" {
			key := fmt.Sprintf("organisations[%d].proxy.certificateFile", i)
			all = append(all, shown{subject + " for " + o.ODS, key, e.proxy.own[ods(o)]})
		}
	}
	for _, s := range all {
		if s.pair == nil {
			e.skip(s.subject, "TLS", "%s has to be right first.", s.key)
			continue
		}
		asked := false
		h := host{
			subject: s.subject, trusting: string(e.config.Spine.Proxy.CAFile), address: e.config.Spine.Proxy.URL, path: "/", shown: s.key,
			tls: spine.ProxyTLS(&tls.Config{
				MinVersion: tls.VersionTLS12, RootCAs: e.proxy.authorities.Pool,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { asked = true; return s.pair, nil },
			}),
		}
		a, ok := e.look(ctx, h)
		if ok {
			e.judgeProxy(h, a, asked)
		}
	}
}

// judgeProxy tells a refused certificate from any other answer (SDS contract, C4 and C6).
func (e *examination) judgeProxy(h host, a answered, asked bool) {
	switch {
	case !asked:
		e.wrong(Fail, h.subject, "client certificate", "it asked for none", "Check the URL: the proxy always does.")
	case a.status >= 495 && a.status <= 497:
		e.refused(h, fmt.Sprintf("HTTP %d", a.status))
	default:
		e.ok(h.subject, "client certificate", "taken: HTTP %d to a request that is for no practice", a.status)
	}
}

// refused tells of a client certificate that is not taken, or is missing.
func (e *examination) refused(h host, how string) {
	if h.shown == "" {
		e.wrong(Fail, h.subject, "client certificate", how, "Show the client certificate that whoever runs the service gave you.")
		return
	}
	e.wrong(Fail, h.subject, "client certificate", "the proxy refused it: "+how,
		"Check "+h.shown+": the NHS must have issued it for this environment, it must be good now, and what lies between it and the root must stand beside it.")
}

// look goes to an upstream step by step, and tells each. It is false where the last step failed.
func (e *examination) look(ctx context.Context, h host) (answered, bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	u, err := url.Parse(h.address)
	if err != nil {
		e.wrong(Fail, h.subject, "URL", "it is none", "Correct it.")
		return answered{}, false
	}
	raw, ok := e.dial(ctx, h, u)
	if !ok {
		return answered{}, false
	}
	defer raw.Close()
	conn, ok := e.shake(ctx, h, u, raw)
	if !ok {
		return answered{}, false
	}
	return e.ask(ctx, h, conn)
}

// shake makes a TLS connection of one.
func (e *examination) shake(ctx context.Context, h host, u *url.URL, raw net.Conn) (*tls.Conn, bool) {
	config := h.tls.Clone()
	config.ServerName = u.Hostname()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		e.handshakeFailed(h, u, err)
		return nil, false
	}
	state := conn.ConnectionState()
	seen := fmt.Sprintf("%s, %s, %q signed by %q, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite),
		state.PeerCertificates[0].Subject.CommonName, state.PeerCertificates[0].Issuer.CommonName, left(state.PeerCertificates[0]))
	if e.config.Environment.Genuine() && spine.RefuseSimulatedRoots(inPEM(state.PeerCertificates)) != nil {
		e.wrong(Fail, h.subject, "environment", seen+": a simulated Spine, and the environment is "+string(e.config.Environment),
			"Give the URL that the NHS gave you, or environment SANDBOX.")
		return nil, false
	}
	e.ok(h.subject, "TLS", "%s", seen)
	return conn, true
}

// dial resolves and connects.
func (e *examination) dial(ctx context.Context, h host, u *url.URL) (net.Conn, bool) {
	if net.ParseIP(u.Hostname()) == nil {
		found, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
		if err != nil {
			seen := u.Hostname() + " cannot be resolved"
			if dns, ok := errors.AsType[*net.DNSError](err); ok {
				seen += ": " + dns.Err
			}
			e.wrong(Fail, h.subject, "DNS", seen, "Check the name, and that this machine asks a resolver that knows it: some of the NHS's names are known on HSCN alone.")
			return nil, false
		}
		e.ok(h.subject, "DNS", "%s is %s", u.Hostname(), strings.Join(found, ", "))
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	began := time.Now()
	address := net.JoinHostPort(u.Hostname(), port)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		e.wrong(Fail, h.subject, "TCP", fmt.Sprintf("%s: %s", address, cause(err)), "Check the address, and that firewalls and routes let this machine through. HTTPS_PROXY is not used.")
		return nil, false
	}
	e.ok(h.subject, "TCP", "%s in %s", address, time.Since(began).Round(time.Millisecond))
	return conn, true
}

// handshakeFailed says whose fault it is.
func (e *examination) handshakeFailed(h host, u *url.URL, err error) {
	untrusted, _ := errors.AsType[*tls.CertificateVerificationError](err)
	trusting, do := "the system's authorities", "Name the authority that signed it in a caFile, if it is to be trusted."
	if h.trusting != "" {
		trusting, do = h.trusting, "Put the authority that signed it into that file, if it is to be trusted."
	}
	shown := ""
	if untrusted != nil && len(untrusted.UnverifiedCertificates) > 0 {
		leaf := untrusted.UnverifiedCertificates[0]
		shown = fmt.Sprintf("%q, signed by %q, %s: ", leaf.Subject.CommonName, leaf.Issuer.CommonName, left(leaf))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		e.wrong(Fail, h.subject, "TLS", shown+"by no authority of "+trusting, do)
		return
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		e.wrong(Fail, h.subject, "TLS", shown+"it is not for "+u.Hostname(), "Check the URL: something else answers there.")
		return
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		e.wrong(Fail, h.subject, "TLS", shown+"it is not good", "If it has not expired for others, look at this machine's clock.")
		return
	}
	if alert, ok := remote(err); ok && strings.Contains(alert, "certificate") {
		e.refused(h, alert)
		return
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		e.wrong(Fail, h.subject, "TLS", "what answers there does not speak TLS", "Check the port, and what stands between: a web proxy answers in its own words.")
		return
	}
	e.wrong(Fail, h.subject, "TLS", cause(err), "Check what stands between: a firewall that inspects TLS is not the NHS's service.")
}

// ask sends one request over a connection, and looks at the clocks by its answer.
func (e *examination) ask(ctx context.Context, h host, conn *tls.Conn) (answered, bool) {
	transport := &http.Transport{
		DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(h.address, "/")+h.path, http.NoBody)
	if err != nil {
		e.wrong(Fail, h.subject, "URL", "it is none", "Correct it.")
		return answered{}, false
	}
	sent := time.Now()
	response, err := transport.RoundTrip(request)
	received := time.Now()
	if err != nil {
		if alert, ok := remote(err); ok && strings.Contains(alert, "certificate") {
			e.refused(h, alert) // in TLS 1.3 it comes after the handshake
		} else if h.shown != "" {
			e.wrong(Fail, h.subject, "client certificate", "the proxy hung up without an answer: "+cause(err),
				"It does so where it does not take a certificate: check "+h.shown+".")
		} else {
			e.wrong(Fail, h.subject, "answer", cause(err), "Check what stands between.")
		}
		return answered{}, false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		e.wrong(Fail, h.subject, "answer", "it was cut short: "+cause(err), "Check what stands between.")
		return answered{}, false
	}
	e.clock(h.subject, response.Header, sent, received)
	return answered{response.StatusCode, body}, true
}

// remote is the TLS alert by which the other side ended a connection.
func remote(err error) (string, bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err.Error(), true
	}
	return "", false
}

// cause is the innermost error that says something, without addresses that are told already.
func cause(err error) string {
	switch op, ok := errors.AsType[*net.OpError](err); {
	case errors.Is(err, context.DeadlineExceeded):
		return "nothing came in time"
	case ok:
		return op.Err.Error()
	}
	return err.Error()
}

func inPEM(chain []*x509.Certificate) []byte {
	var text []byte
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}
