package simulator

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// The headers of the proxy (SDS contract, C3), in the form in which Go keys them.
const (
	headerTrace       = "Ssp-Traceid"
	headerFrom        = "Ssp-From"
	headerTo          = "Ssp-To"
	headerInteraction = "Ssp-Interactionid"
)

// Status codes of the proxy that are in no list (SDS contract, C6).
const (
	statusCertificate   = 495
	statusNoCertificate = 496
)

// proxy is the Spine Secure Proxy: SDS contract, part C, in the order of C8. It hands on what passes without touching it,
// compression included. It is a bare handler, because the paths that it gets have "//" in them.
type proxy struct {
	spine     *Spine
	forwarder *httputil.ReverseProxy
	transport *http.Transport
}

func newProxy(s *Spine, timeout time.Duration) *proxy {
	p := &proxy{spine: s}
	p.transport = &http.Transport{
		// Whatever the host of a practice is, its systems are behind one listener.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			if broken(ctx) {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return s.network.DialContext(ctx, network, s.practiceAddress)
		},
		TLSClientConfig:       s.pki.proxyClient(),
		DisableCompression:    true,
		MaxIdleConnsPerHost:   16,
		ResponseHeaderTimeout: timeout,
	}
	p.forwarder = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			target := r.In.Context().Value(targetKey{}).(*url.URL)
			r.Out.URL, r.Out.Host = target, target.Host
		},
		Transport:     roundTripper{p.transport},
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del(Marker) // it is on the answer already
			return nil
		},
		ErrorHandler: p.failed,
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return p
}

// roundTripper makes a practice unreachable when a fault wants it so, however many connections to it are open.
type roundTripper struct{ next http.RoundTripper }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if broken(r.Context()) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return t.next.RoundTrip(r)
}

func (p *proxy) closeIdle() { p.transport.CloseIdleConnections() }

type targetKey struct{}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, refused := p.check(r)
	if refused != nil {
		refused.write(w, r)
		return
	}
	p.forwarder.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, target)))
}

// check goes through the checks in the order of the SDS contract, C8, and returns the URL at the practice.
func (p *proxy) check(r *http.Request) (*url.URL, *proxyError) {
	certificate, refused := p.certificate(r)
	if refused != nil {
		return nil, refused
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, r.Method) {
		return nil, &proxyError{status: http.StatusMethodNotAllowed, issue: "forbidden", text: "405: Method Not Allowed"}
	}
	if refused := headersOf(r); refused != nil {
		return nil, refused
	}
	interaction, from, to := r.Header.Get(headerInteraction), r.Header.Get(headerFrom), r.Header.Get(headerTo)
	d := p.spine.directory
	if !d.known(interaction) || !mediaTypes(r) {
		return nil, &proxyError{http.StatusUnsupportedMediaType, "not-supported", "Unsupported_Media_Type"}
	}
	sender := d.system(from)
	if sender == nil || !sender.holds(interaction) || !names(certificate, d.names[from]) {
		return nil, forbidden("ASID_CHECK_FAILED_MESSAGESENDER_" + from)
	}
	receiver := d.system(to)
	var server attributes
	if receiver != nil && receiver.holds(interaction) {
		server = d.server(receiver.first("nhsMHSPartyKey"), interaction)
	}
	if server == nil {
		return nil, forbidden("PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_" + to)
	}
	address, text := server.first("nhsMHSEndPoint"), strings.TrimPrefix(r.RequestURI, "/")
	target, err := url.Parse(text)
	if err != nil || !below(address, text) {
		return nil, &proxyError{
			http.StatusBadRequest, "invalid",
			"ENDPOINT_" + address + "_CPAID_" + server.first("nhsMhsCPAId") + "_VARIES_FROM_TARGETURL_" + text,
		}
	}
	if d.unshared[receiver.first("nhsAsClient")] {
		return nil, forbidden("FOT_CHECK_FAILED_MESSAGESENDER_" + from + "_MESSAGERECEIVER_" + to)
	}
	return target, nil
}

// certificate judges the client's certificate: 496 for none, 495 for one that is not of the Spine's authority.
func (p *proxy) certificate(r *http.Request) (*x509.Certificate, *proxyError) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, &proxyError{status: statusNoCertificate}
	}
	leaf, others := r.TLS.PeerCertificates[0], x509.NewCertPool()
	for _, c := range r.TLS.PeerCertificates[1:] {
		others.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: p.spine.pki.pool, Intermediates: others, CurrentTime: time.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, &proxyError{status: statusCertificate}
	}
	return leaf, nil
}

// names reports whether a certificate is for the host name that an ASID is registered with (SDS contract, B2).
func names(certificate *x509.Certificate, fqdn string) bool {
	return fqdn != "" && (strings.EqualFold(certificate.Subject.CommonName, fqdn) ||
		certificate.VerifyHostname(fqdn) == nil)
}

// headersOf checks presence and form of the four headers. No source has the wording of this refusal: it is shaped like
// the proxy's others.
func headersOf(r *http.Request) *proxyError {
	asid := func(s string) bool { _, err := nhs.ParseASID(s); return err == nil }
	for _, h := range []struct {
		key, name string
		valid     func(string) bool
	}{
		{headerTrace, "Ssp-TraceID", uuidText.MatchString},
		{headerFrom, "Ssp-From", asid},
		{headerTo, "Ssp-To", asid},
		{headerInteraction, "Ssp-InteractionID", func(s string) bool { return s != "" }},
	} {
		if values := r.Header.Values(h.key); len(values) != 1 || !h.valid(values[0]) {
			return &proxyError{http.StatusBadRequest, "invalid", "MISSING_OR_INVALID_HEADER_" + h.name}
		}
	}
	return nil
}

// mediaTypes checks that a body says what it is, and that it is FHIR, as must be whatever a GET says (SDS contract, C3).
func mediaTypes(r *http.Request) bool {
	values := r.Header.Values("Content-Type")
	if len(values) == 0 {
		return r.Method == http.MethodGet
	}
	kind, _, err := mime.ParseMediaType(values[0])
	return err == nil && len(values) == 1 && slices.Contains([]string{
		"application/fhir+json", "application/fhir+xml", "application/json+fhir", "application/xml+fhir",
		"application/json", "application/xml",
	}, kind)
}

// below reports whether a target is the registered address, or below it at a path boundary, byte for byte (C2).
func below(address, target string) bool {
	rest, ok := strings.CutPrefix(target, address)
	return ok && address != "" &&
		(rest == "" || strings.HasSuffix(address, "/") || rest[0] == '/' || rest[0] == '?')
}

// failed answers when the practice could not be reached, or took too long.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the consumer is gone
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		(&proxyError{status: http.StatusGatewayTimeout}).write(w, r)
		return
	}
	p.natural(w, r, http.StatusBadGateway)
}

// natural is what the proxy says with a status that a fault asks for.
func (p *proxy) natural(w http.ResponseWriter, r *http.Request, status int) {
	text := strings.TrimPrefix(r.RequestURI, "/")
	switch status {
	case http.StatusBadGateway:
		(&proxyError{status, "transient", "ERROR_COMMUNICATING_TO_ENDPOINT_URL_" + text}).write(w, r)
	case http.StatusForbidden:
		forbidden("FOT_CHECK_FAILED_MESSAGESENDER_"+r.Header.Get(headerFrom)+"_MESSAGERECEIVER_"+r.Header.Get(headerTo)).
			write(w, r)
	case http.StatusUnsupportedMediaType:
		(&proxyError{status, "not-supported", "Unsupported_Media_Type"}).write(w, r)
	default:
		(&proxyError{status: status}).write(w, r)
	}
}

// proxyError is a refusal of the proxy's own (SDS contract, C6). Without a text it has no body.
type proxyError struct {
	status      int
	issue, text string
}

func forbidden(text string) *proxyError { return &proxyError{http.StatusForbidden, "forbidden", text} }

// write answers in JSON if that was asked for, and in XML otherwise.
func (e *proxyError) write(w http.ResponseWriter, r *http.Request) {
	if e.text == "" {
		w.WriteHeader(e.status)
		return
	}
	issue := outcomeIssue{Severity: "error", Code: e.issue, Diagnostics: e.text, Details: &outcomeDetails{
		Coding: []outcomeCoding{{
			System: "http://fhir.nhs.net/ValueSet/gpconnect-schedule-response-code-1-0",
			Code:   strconv.Itoa(e.status), Display: e.text,
		}},
	}}
	body := outcome{ResourceType: "OperationOutcome", ID: randomID()}
	if e.status == http.StatusMethodNotAllowed { // the odd one
		issue.Severity, issue.Diagnostics, body.ID = "fatal", "", ""
		issue.Details.Coding[0].System = "https://fhir.nhs.uk/StructureDefinition/spine-operationoutcome-1"
	}
	body.Issue = []outcomeIssue{issue}
	if wantsJSON(r) {
		writeJSON(w, "application/fhir+json", e.status, body)
		return
	}
	body.writeXML(w, e.status)
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "json") ||
		strings.Contains(r.URL.Query().Get("_format"), "json")
}
