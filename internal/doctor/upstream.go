package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
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
	// asked becomes true when it asks for a client certificate.
	asked *bool
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
