package spine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

const (
	connectLimit   = 5 * time.Second
	idleLimit      = 30 * time.Second
	maxHeaderBytes = 64 << 10
	maxIdlePerHost = 16
)

// newTransport makes the connections of one upstream: HTTP/1.1, kept alive, no proxy of the environment.
func newTransport(c Config) *http.Transport {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: connectLimit}).DialContext
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		config = c.TLS.Clone()
		config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	}
	config.NextProtos = nil
	if config.ServerName == "" {
		if base, err := url.Parse(c.BaseURL); err == nil {
			config.ServerName = base.Hostname()
		}
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialTLSContext:         secure(dial, config, c),
		Protocols:              &protocols,
		DisableCompression:     true, // exchange inflates, within bounds
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        c.MaxConns,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleLimit,
	}
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// secure dials and shakes hands, with the roots that are trusted at that moment. In a genuine environment it hangs up on a
// simulated Spine before a byte of a request is sent to it, whatever else is trusted. Nothing is resumed: each connection
// proves both its ends anew.
func secure(dial dialer, config *tls.Config, c Config) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		var hungUp error
		own := config.Clone()
		own.RootCAs, own.ClientSessionCache = c.roots(), nil
		own.VerifyConnection = func(state tls.ConnectionState) error {
			if genuine(c.Environment) && simulatedChain(&state) {
				hungUp = ErrSimulatedRoot
				_ = raw.Close()
				return hungUp
			}
			if config.VerifyConnection != nil {
				return config.VerifyConnection(state)
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, connectLimit)
		defer cancel()
		conn := tls.Client(raw, own)
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, cmp.Or(hungUp, err)
		}
		return conn, nil
	}
}

// exchange sends one attempt and reads the header of its answer. It is called with a request that nobody else holds.
func exchange(hop pb.Hop, transport http.RoundTripper, environment pb.Environment) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		r.Header.Set("Accept-Encoding", "gzip")
		setBody(r, t.Body)
		// Without a connection nothing can have left. With one, the transport writes from another goroutine, so that
		// anything may have.
		var connected atomic.Bool
		span := trace.SpanFromContext(r.Context())
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			GotConn:              func(httptrace.GotConnInfo) { connected.Store(true) },
			GotFirstResponseByte: func() { span.AddEvent(EventFirstByte) },
		}))
		answer, err := transport.RoundTrip(r)
		if err != nil {
			return nil, lost(hop, plain(err), connected.Load())
		}
		t.simulated = simulated(answer)
		if t.simulated && genuine(environment) {
			_ = answer.Body.Close()
			return nil, &failure{err: simulatedAnswer(hop), left: true, final: true}
		}
		if answer.Body, err = inflate(answer, t.limits.Bytes); err != nil {
			return nil, &failure{err: explainBody(hop, err), left: true, final: true}
		}
		return answer, nil
	}
}

// setBody gives a request its body. One without a body gets an empty one that cannot be rewound: net/http would repeat
// such a request by itself when a kept connection breaks, and then the same trace id and token would go out twice, the
// second time unknown to audit. With a body, it only repeats by itself when nothing of it was written.
func setBody(r *http.Request, body []byte) {
	if body == nil {
		r.Body = io.NopCloser(strings.NewReader(""))
		return
	}
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
}

// lost explains an exchange without an answer.
func lost(hop pb.Hop, err error, left bool) error {
	if errors.Is(err, ErrSimulatedRoot) || simulatedStranger(err) {
		return &failure{err: simulatedAnswer(hop), left: left, final: true}
	}
	return &failure{err: err, left: left, final: untrusted(err)}
}

func simulatedAnswer(hop pb.Hop) *fault.Error {
	return fault.New(hop, pb.ErrorReason_ERROR_REASON_SIMULATED_ANSWER, ErrSimulatedRoot)
}

// ProxyTLS is how the proxy is reached: c with no other suites than those that it offers and Go has (SDS contract, C4).
func ProxyTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.CipherSuites = []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	}
	return c
}
