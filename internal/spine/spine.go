// Package spine is the kit that every call to the NHS Spine goes out through: one [Upstream] for each service, with its
// own connections, retries, breaker and spans; the source of access tokens; and the [Proxy], which puts GP Connect's
// headers and audit token on a request.
//
// It promises that
//   - an upstream is only ever dialled at its configured address: redirects are errors, HTTP_PROXY is ignored, and an
//     address that came from the directory is path data, never a host to connect to (trust.md, T1);
//   - what cannot be repeated safely is sent once, and [NeverSent] tells a failure before the first byte from one after it;
//   - nothing leaves before [Config].Before agreed, once for each request on the wire;
//   - no identifier of a patient is in a span, an error text or a header other than where the contracts put it;
//   - a simulated Spine is recognised on every answer and refused in a real environment;
//   - every failure is, or wraps, a [fault.Error] that says at which hop and why.
//
// Requests pass, outermost first: breaker, retry, limiter, compose, attempt (its time limits), span, authorise, before, stamp, exchange.
// Each is a function in a file of that name.
package spine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Config describes one upstream.
type Config struct {
	// Hop is the upstream's place on the road; it is in every fault and span. Required.
	Hop pb.Hop
	// BaseURL is what requests are made below, https and without a trailing slash. Required.
	BaseURL string
	// Environment is which Spine this is. In INTEGRATION and LIVE a simulated answer is refused. Required.
	Environment pb.Environment
	// TLS holds the trusted roots and, where the upstream wants one, the client certificate. nil trusts the system's
	// roots. It is cloned; the minimum version is raised to 1.2.
	TLS *tls.Config
	// Roots are asked for at every handshake and take the place of those in TLS, so that they can change. nil leaves those.
	Roots func() *x509.CertPool
	// Dial opens connections. nil dials TCP with a limit of five seconds.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Before is asked before the bytes of each attempt go. nil asks nobody.
	Before Before
	// Tokens puts an access token on every attempt. nil puts none.
	Tokens *Tokens
	// Quota spaces attempts, so that the upstream's quota is not overrun. nil does not.
	Quota *Quota
	// Limits apply where a request sets none. Zero fields take the defaults given there.
	Limits Limits
	// Backoff is the upper bound of the first random wait before a retry; it doubles up to Backoff × 20. Zero is 100 ms.
	Backoff time.Duration
	// MaxConns bounds the connections at the same time. Zero does not.
	MaxConns int
	// Tracer makes the spans. nil makes none.
	Tracer trace.TracerProvider
	// Explain turns an answer other than 2xx into a fault. nil explains by the status alone.
	Explain Explain
}

// Limits bound one request. A zero field takes the default.
type Limits struct {
	// FirstByte is how long an attempt waits for the header of the answer, dialling included. Default 10 s.
	FirstByte time.Duration
	// Progress is the longest silence inside the body of the answer while it is being read. Default 10 s.
	Progress time.Duration
	// Total is how long an attempt may take to its last byte. Default 60 s.
	Total time.Duration
	// Attempts is how often the request is sent at most. Default 3. A token that was refused adds one.
	Attempts int
	// Bytes is how long the answer may be after decompression. Default 1 MiB.
	Bytes int64
}

// Request is one request to an [Upstream].
type Request struct {
	// Method and URL are the request line. The URL is sent as it is, byte for byte, and must lie below the BaseURL.
	Method, URL string
	// Template is the path with {names} in place of what identifies anybody: what spans and audit entries see.
	Template string
	// Header is sent with every attempt.
	Header http.Header
	// Body is sent with every attempt; nil sends none.
	Body []byte
	// Repeatable says that sending twice does no harm. Without it a request is only repeated if nothing left.
	Repeatable bool
	// Turn is leave from the Config's Quota for the first attempt; the further ones wait in the bulk line. nil is a request
	// that somebody waits for at a screen.
	Turn *Turn
	// Consumer is the organisation whose user asks; the retry budget is shared within it, bulk apart from the rest.
	Consumer nhs.ODSCode
	// Worker is the clinician in whose name is asked; nil asks in the application's own.
	Worker *Worker
	// Practice is the organisation asked about, where there is one.
	Practice nhs.ODSCode
	// RequestID is sent as X-Request-ID, the same on every attempt, unless it is empty.
	RequestID string
	// CorrelationID is sent as X-Correlation-ID unless it is empty.
	CorrelationID string
	// Interaction is what a directory look-up is about, or what is asked of a practice.
	Interaction nhs.Interaction
	// Limits override those of the Config where they are not zero.
	Limits Limits

	// body, where it is not nil, makes a new Body for each attempt.
	body func() ([]byte, error)
	// ssp is what the proxy adds; nil elsewhere.
	ssp *sspCall
}

// Response is an answer with a status of 2xx. Its Body must be closed.
type Response struct {
	// Status is the HTTP status.
	Status int
	// Header is the upstream's.
	Header http.Header
	// Body is decompressed and bounded. What its Read fails with is or wraps a [fault.Error]: ANSWER_CUT_SHORT,
	// ANSWER_TOO_LARGE, ANSWER_INVALID, UPSTREAM_TIMED_OUT, DEADLINE_EXCEEDED or CANCELLED.
	Body *Body
	// Simulated says that a simulator answered.
	Simulated bool
	// RetrievedAt is when the header of the answer came.
	RetrievedAt time.Time
	// SSPTraceID is the Ssp-TraceID of the attempt that was answered; empty except through the proxy.
	SSPTraceID string
	// Attempt is the number of that attempt, from 1.
	Attempt int
}

// Explain turns an answer that is not 2xx into a fault. It need not set Hop, HTTPStatus or RetryAfter.
type Explain func(Refusal) *fault.Error

// Refusal is an answer with another status than 2xx.
type Refusal struct {
	// Status is the HTTP status. It may be one that IANA never listed (SDS contract, C6).
	Status int
	// Header is the upstream's.
	Header http.Header
	// Body is the beginning of the body, decompressed, at most 64 KiB.
	Body []byte
	// Template and Interaction are the request's.
	Template    string
	Interaction nhs.Interaction
}

// Upstream is one service of the Spine. It is safe for concurrent use.
type Upstream struct {
	config    Config
	base      *url.URL
	transport *http.Transport
	send      next
}

// next is the rest of the way out for one attempt, or for all of them.
type next func(*trip, *http.Request) (*http.Response, error)

// trip is one request on its way: what the layers tell each other.
type trip struct {
	*Request

	limits  Limits
	attempt int
	// sspTraceID is fresh for each attempt.
	sspTraceID string
	// token is what authorise put on the attempt, and renewed that a refused one was replaced once.
	token   string
	renewed bool
	// simulated is what exchange saw.
	simulated bool
	// span is that of the last attempt.
	span trace.Span
}

// New prepares an upstream. Nothing is dialled.
func New(c Config) (*Upstream, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the base URL must be https, with a host and without user, query and fragment")
	}
	if c.Hop == pb.Hop_HOP_UNSPECIFIED || c.Environment == pb.Environment_ENVIRONMENT_UNSPECIFIED {
		return nil, errors.New("hop and environment are required")
	}
	if genuine(c.Environment) && simulatedPool(c.roots()) {
		return nil, fmt.Errorf("%s trusts a simulated root: %w", c.Hop, ErrSimulatedRoot)
	}
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider()
	}
	c.Limits = c.Limits.or(Limits{
		FirstByte: 10 * time.Second, Progress: 10 * time.Second, Total: time.Minute, Attempts: 3, Bytes: 1 << 20,
	})
	if c.Backoff == 0 {
		c.Backoff = 100 * time.Millisecond
	}
	u := &Upstream{config: c, base: base, transport: newTransport(c)}
	send := exchange(c.Hop, u.transport, c.Environment)
	send = stamp(send)
	send = before(c.Hop, c.Before, send)
	send = authorise(c.Tokens, send)
	send = spanned(c, base, send)
	send = attempt(send)
	send = compose(c.Hop, send)
	send = limited(c.Hop, c.Quota, send)
	send = retry(c, newBudgets(), send)
	u.send = guarded(c.Hop, newBreakers(c.Hop), send)
	return u, nil
}

// roots are those that are trusted now; nil are the system's.
func (c Config) roots() *x509.CertPool {
	switch {
	case c.Roots != nil:
		return c.Roots()
	case c.TLS != nil:
		return c.TLS.RootCAs
	default:
		return nil
	}
}

// Close closes idle connections.
func (u *Upstream) Close() { u.transport.CloseIdleConnections() }

// Do sends a request and gives the answer if its status is 2xx.
func (u *Upstream) Do(ctx context.Context, q *Request) (*Response, error) {
	t := &trip{Request: q, limits: q.Limits.or(u.config.Limits)}
	r, err := u.newRequest(ctx, q)
	if err != nil {
		return nil, refuse(fault.New(u.config.Hop, pb.ErrorReason_ERROR_REASON_INTERNAL, err))
	}
	answer, err := u.send(t, r)
	if err != nil {
		return nil, u.explainFailure(err)
	}
	if answer.StatusCode/100 != 2 {
		return nil, u.explainRefusal(t, answer)
	}
	return &Response{
		Status: answer.StatusCode, Header: answer.Header, Body: &Body{hop: u.config.Hop, from: answer.Body},
		Simulated: t.simulated, RetrievedAt: time.Now(), SSPTraceID: t.sspTraceID, Attempt: t.attempt,
	}, nil
}

var errNotBelowBase = errors.New("the URL does not lie below the upstream's base")

// newRequest makes a request whose URL reaches the wire byte for byte (SDS contract, C2).
func (u *Upstream) newRequest(ctx context.Context, q *Request) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, q.URL, nil)
	if err != nil {
		return nil, errNotBelowBase // the error itself quotes the URL
	}
	origin := u.base.Scheme + "://" + u.base.Host
	if r.URL.Host != u.base.Host || r.URL.User != nil || origin+r.URL.RequestURI() != q.URL {
		return nil, errNotBelowBase
	}
	if q.Header != nil {
		r.Header = q.Header.Clone()
	}
	if q.RequestID != "" {
		r.Header.Set("X-Request-Id", q.RequestID)
	}
	if q.CorrelationID != "" {
		r.Header.Set("X-Correlation-Id", q.CorrelationID)
	}
	return r, nil
}

// or fills what is zero.
func (l Limits) or(defaults Limits) Limits {
	if l.FirstByte == 0 {
		l.FirstByte = defaults.FirstByte
	}
	if l.Progress == 0 {
		l.Progress = defaults.Progress
	}
	if l.Total == 0 {
		l.Total = defaults.Total
	}
	if l.Attempts == 0 {
		l.Attempts = defaults.Attempts
	}
	if l.Bytes == 0 {
		l.Bytes = defaults.Bytes
	}
	return l
}
