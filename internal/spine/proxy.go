package spine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// ProxyConfig describes the Spine Secure Proxy.
type ProxyConfig struct {
	// Upstream is how the proxy is reached. TLS must hold the client certificate, and it or Roots the Spine's roots. Hop,
	// Explain and Tokens are set here, and Limits are those of each interaction.
	Upstream Config
	// Own are the client certificates of organisations that have their own (SDS contract, B2). Calls of such an organisation
	// go over connections that nobody else's go over.
	Own map[nhs.ODSCode]ClientCertificate
	// Addresses says which practices' addresses may be called.
	Addresses AddressPolicy
}

// ClientCertificate gives the certificate for one handshake: the GetClientCertificate of [tls.Config].
type ClientCertificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error)

// Proxy is the Spine Secure Proxy (SDS contract, part C): the only way to a practice. It is safe for concurrent use.
type Proxy struct {
	upstream  *Upstream
	own       map[nhs.ODSCode]*Upstream
	base      string
	addresses AddressPolicy
}

// Destination is a practice's system, as the directory gave it.
type Destination struct {
	// ODS is the practice.
	ODS nhs.ODSCode
	// ASID is the accredited system that answers for it.
	ASID nhs.ASID
	// Address is the service root URL, byte for byte.
	Address string
}

// Call is one call to a practice. Method, path, scope and limits follow from its interaction.
type Call struct {
	Destination Destination
	Interaction nhs.Interaction
	// Requester is who asks, and From the ASID of their organisation.
	Requester Requester
	From      nhs.ASID
	// Patient is whose record is asked for, where the audit token names it: with Access Record HTML.
	Patient nhs.Number
	// ID is the logical id where the interaction's path has one.
	ID string
	// Query is encoded here.
	Query url.Values
	// Body is a FHIR resource in JSON; nil for none.
	Body []byte
	// IfMatch is the version that an amendment is based on, W/"3"; empty for none.
	IfMatch string
	// Limits override the interaction's where they are not zero.
	Limits Limits
}

// NewProxy prepares the proxy. Nothing is dialled.
func NewProxy(c ProxyConfig) (*Proxy, error) {
	secure := c.Upstream.TLS
	if secure == nil || c.Upstream.roots() == nil || len(secure.Certificates) == 0 && secure.GetClientCertificate == nil {
		return nil, errors.New("the proxy needs the Spine's own roots and a client certificate")
	}
	c.Upstream.TLS = ProxyTLS(secure)
	c.Upstream.Hop, c.Upstream.Explain, c.Upstream.Tokens = pb.Hop_HOP_SSP, explainProxy, nil
	c.Upstream.BaseURL = strings.TrimSuffix(c.Upstream.BaseURL, "/")
	upstream, err := New(c.Upstream)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &Proxy{upstream: upstream, own: make(map[nhs.ODSCode]*Upstream, len(c.Own)), base: c.Upstream.BaseURL, addresses: c.Addresses}
	for ods, certificate := range c.Own {
		theirs := c.Upstream
		theirs.TLS = theirs.TLS.Clone()
		theirs.TLS.Certificates, theirs.TLS.GetClientCertificate = nil, certificate
		if p.own[ods], err = New(theirs); err != nil {
			return nil, fmt.Errorf("proxy for %s: %w", ods, err)
		}
	}
	return p, nil
}

// Close closes idle connections.
func (p *Proxy) Close() {
	p.upstream.Close()
	for _, upstream := range p.own {
		upstream.Close()
	}
}

// towards is the way for an organisation's calls. It follows from the organisation in whose name is asked, as the audit
// token and Ssp-From do, and from nothing else.
func (p *Proxy) towards(ods nhs.ODSCode) *Upstream {
	if own := p.own[ods]; own != nil {
		return own
	}
	return p.upstream
}

// Do calls a practice. An answer of 2xx is returned as it is, whatever it holds; any other is a fault at hop SSP if the
// proxy made it and at hop PROVIDER if the practice did. [NeverSent] tells whether the practice can have heard of it.
func (p *Proxy) Do(ctx context.Context, c Call) (*Response, error) {
	op, ok := operations[c.Interaction]
	if !ok {
		return nil, refuse(misuse("The interaction is not one that can be called."))
	}
	if e := c.check(); e != nil {
		return nil, refuse(e)
	}
	if op.edition == dstu2 && op.scope == readPatient && c.Patient.IsZero() {
		return nil, refuse(misuse("The patient is missing whose record the audit token has to name."))
	}
	target, err := p.url(c, op)
	if err != nil {
		return nil, refuse(err)
	}
	header := http.Header{
		"Accept":            {op.edition.mediaType()},
		"Ssp-From":          {c.From.String()},
		"Ssp-To":            {c.Destination.ASID.String()},
		"Ssp-Interactionid": {c.Interaction.String()},
	}
	if c.Body != nil {
		header.Set("Content-Type", op.edition.mediaType()+";charset=utf-8")
	}
	if c.IfMatch != "" {
		header.Set("If-Match", c.IfMatch)
	}
	return p.towards(c.Requester.Organisation.ODS).Do(ctx, &Request{
		Method: op.method, URL: target, Template: "/" + op.path, Header: header, Body: c.Body, Repeatable: !op.write,
		Consumer: c.Requester.Organisation.ODS, Practice: c.Destination.ODS, Interaction: c.Interaction,
		Limits: c.Limits.or(op.limits),
		ssp: &sspCall{from: c.From, to: c.Destination.ASID, states: statement{
			requester: c.Requester, address: c.Destination.Address, scope: op.scope, edition: op.edition,
			patient: c.Patient, practice: c.Destination.ODS,
		}},
	})
}

// ifMatch is the form of a weak entity tag with a version id.
var ifMatch = regexp.MustCompile(`^W/"[A-Za-z0-9.-]{1,64}"$`)

// check refuses a call that must not be made.
func (c Call) check() *fault.Error {
	switch {
	case c.From.IsZero():
		return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN, nil)
	case c.Destination.ASID.IsZero() || c.Destination.ODS.IsZero():
		return misuse("The destination is incomplete.")
	case c.IfMatch != "" && !ifMatch.MatchString(c.IfMatch):
		return misuse("The version is not one.")
	}
	return c.Requester.check()
}

func misuse(operator string) *fault.Error {
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, nil)
	e.Operator = operator
	return e
}

// logicalID is the form of a FHIR id. Another one is refused, not escaped (SDS contract, C2).
var logicalID = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// url puts the practice's address behind the proxy's, byte for byte, by concatenation: what libraries do to a second
// scheme inside a path ranges from losing a slash to calling the practice directly (SDS contract, C2).
func (p *Proxy) url(c Call, op operation) (string, error) {
	address := c.Destination.Address
	if err := p.addresses.Check(address); err != nil {
		return "", fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED, err)
	}
	path := op.path
	if strings.Contains(path, "{id}") {
		if !logicalID.MatchString(c.ID) || strings.Trim(c.ID, ".") == "" {
			return "", misuse("The id is not a FHIR id.")
		}
		path = strings.ReplaceAll(path, "{id}", c.ID)
	} else if c.ID != "" {
		return "", misuse("The interaction takes no id.")
	}
	if !strings.HasSuffix(address, "/") {
		path = "/" + path
	}
	target := p.base + "/" + address + path
	if len(c.Query) > 0 {
		// RFC 3986 and not a form: a space is %20.
		target += "?" + strings.ReplaceAll(c.Query.Encode(), "+", "%20")
	}
	return target, nil
}

// sspCall is what the proxy adds to a request, and anew to each attempt.
type sspCall struct {
	from, to nhs.ASID
	states   statement
}

// stamp puts on an attempt what must be fresh (SDS contract, C3 and E1).
func (s *sspCall) stamp(ctx context.Context, header http.Header, traceID string, now time.Time) error {
	_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer(Instrumentation).Start(ctx, SpanAuditToken)
	defer span.End()
	token, err := auditToken(s.states, now)
	if err != nil {
		return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, err)
	}
	header.Set("Ssp-Traceid", traceID)
	header.Set("Authorization", "Bearer "+token)
	return nil
}
