package simulator

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Exchange is one request as an upstream received it, and how it was answered.
type Exchange struct {
	// Sequence counts from 1 in the order of arrival.
	Sequence int
	// At is when the request arrived.
	At time.Time
	// Upstream is who received it: Token, PDS, SDSEndpoint, SDSDevice, Proxy, Provider, or SDS for a request to neither
	// operation of SDS.
	Upstream Upstream
	// Method, Path and Query are the request line, undecoded.
	Method, Path, Query string
	// Host is the Host header.
	Host string
	// Header holds the other headers.
	Header http.Header
	// Body is the body, whole.
	Body []byte
	// JWT is the token of the Authorization header, or the client assertion of a token request, decoded and not
	// verified. It is nil where there is none that can be decoded.
	JWT *JWT
	// Peer is the subject of the client's certificate, such as "CN=gateway.spinegate.example,O=…".
	Peer string
	// PeerNames are the host names that the certificate is for, and PeerSerial its serial number.
	PeerNames  []string
	PeerSerial string
	// Connection is the same for requests that shared a TCP connection, and differs for others.
	Connection uint64
	// Status is the status answered; zero while there is none, and for ever if the connection was reset before one.
	Status int
	// Answer is the body that Token, PDS and SDS answered, and Proxy where a patient was to be found, as far as it was written
	// and at most a megabyte of it. No other of the practices' is kept.
	Answer []byte
	// Done says that the answer is written, or broken off.
	Done bool
}

// JWT is a token taken apart.
type JWT struct {
	// Raw is the token as received.
	Raw string
	// Header and Claims are its decoded parts. Numbers are [json.Number].
	Header, Claims map[string]any
	// Signature is the third part, as received.
	Signature string
}

// Interaction is the interaction id that the request named, for the proxy and the practices.
func (e Exchange) Interaction() nhs.Interaction {
	return nhs.Interaction(e.Header.Get(headerInteraction))
}

// transcriptLimit is how many exchanges a transcript keeps.
const transcriptLimit = 10_000

// Transcript is what the upstreams received, in order of arrival: at least the latest nine thousand exchanges, so that a Spine can
// run for long and under load. It is safe for concurrent use.
type Transcript struct {
	mu          sync.Mutex
	exchanges   []*Exchange
	sequence    int
	connections uint64
	changed     chan struct{} // closed and replaced whenever exchanges change
}

// All is everything received so far. The exchanges are copies; their bodies and headers are shared and must not be
// changed.
func (t *Transcript) All() []Exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.copies()
}

func (t *Transcript) copies() []Exchange {
	all := make([]Exchange, len(t.exchanges))
	for i, e := range t.exchanges {
		all[i] = *e
	}
	return all
}

// Of is what the named upstreams received. SDS includes both of its operations.
func (t *Transcript) Of(upstreams ...Upstream) []Exchange {
	var some []Exchange
	for _, e := range t.All() {
		for _, u := range upstreams {
			if u.covers(e.Upstream) {
				some = append(some, e)
				break
			}
		}
	}
	return some
}

// With is what named this interaction to the proxy or a practice, as the given upstream received it.
func (t *Transcript) With(upstream Upstream, interaction nhs.Interaction) []Exchange {
	var some []Exchange
	for _, e := range t.Of(upstream) {
		if e.Interaction() == interaction {
			some = append(some, e)
		}
	}
	return some
}

// Upstreams are the upstreams of all exchanges in order: the shape of what happened.
func (t *Transcript) Upstreams() []Upstream {
	var order []Upstream
	for _, e := range t.All() {
		order = append(order, e.Upstream)
	}
	return order
}

// Wait returns when done is true of what has been received, or the context ends.
func (t *Transcript) Wait(ctx context.Context, done func([]Exchange) bool) error {
	for {
		t.mu.Lock()
		if t.changed == nil {
			t.changed = make(chan struct{})
		}
		changed, all := t.changed, t.copies()
		t.mu.Unlock()
		if done(all) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Reset forgets everything received so far, and returns it. Connections keep their numbers.
func (t *Transcript) Reset() []Exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	forgotten := t.copies()
	t.exchanges, t.sequence = nil, 0
	t.announce()
	return forgotten
}

func (t *Transcript) announce() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// begin writes down a request. The body was read before.
func (t *Transcript) begin(r *http.Request, upstream Upstream, body []byte) *Exchange {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	connection, _ := r.Context().Value(connectionKey{}).(uint64)
	names, serial := peerNames(r.TLS)
	e := &Exchange{
		At: time.Now(), Upstream: upstream, Method: r.Method, Path: path, Query: query, Host: r.Host,
		Header: r.Header.Clone(), Body: body, JWT: tokenOf(r, body), Peer: peer(r.TLS), PeerNames: names, PeerSerial: serial, Connection: connection,
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sequence++
	e.Sequence = t.sequence
	if len(t.exchanges) >= transcriptLimit {
		t.exchanges = append(t.exchanges[:0:0], t.exchanges[transcriptLimit/10:]...)
	}
	t.exchanges = append(t.exchanges, e)
	t.announce()
	return e
}

func (t *Transcript) answered(e *Exchange, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Status == 0 {
		e.Status = status
	}
	t.announce()
}

// answerLimit is how much is kept of an answer.
const answerLimit = 1 << 20

// finders are the interactions that give the logical id of a patient.
var finders = []nhs.Interaction{nhs.SearchPatient, nhs.RegisterPatient, nhs.SearchDocumentsPatient}

// wrote keeps a piece of an answer, of the upstreams whose answers decide what may be sent next.
func (t *Transcript) wrote(e *Exchange, piece []byte) {
	if e.Upstream == Provider || e.Upstream == Proxy && !slices.Contains(finders, e.Interaction()) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Answer = append(e.Answer, piece[:min(len(piece), answerLimit-len(e.Answer))]...)
}

// finished closes an exchange and returns the status answered.
func (t *Transcript) finished(e *Exchange) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Done = true
	t.announce()
	return e.Status
}

type connectionKey struct{}

// nameConnection numbers connections, over all upstreams.
func (t *Transcript) nameConnection(ctx context.Context, _ net.Conn) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connections++
	return context.WithValue(ctx, connectionKey{}, t.connections)
}

func peer(state *tls.ConnectionState) string {
	if state == nil || len(state.PeerCertificates) == 0 {
		return ""
	}
	return state.PeerCertificates[0].Subject.String()
}

func peerNames(state *tls.ConnectionState) (names []string, serial string) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil, ""
	}
	leaf := state.PeerCertificates[0]
	return leaf.DNSNames, leaf.SerialNumber.String()
}

func tokenOf(r *http.Request, body []byte) *JWT {
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		raw = form.Get("client_assertion")
	}
	return decodeJWT(raw)
}

// decodeJWT takes a token apart without judging it, and is nil for what is not one.
func decodeJWT(raw string) *JWT {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil
	}
	j := &JWT{Raw: raw, Signature: parts[2]}
	for i, into := range []*map[string]any{&j.Header, &j.Claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil
		}
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil || *into == nil {
			return nil
		}
	}
	return j
}
