package simulator_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

const proxyCodes = "http://fhir.nhs.net/ValueSet/gpconnect-schedule-response-code-1-0"

// refused is an error of the proxy's own: text in display and diagnostics.
func refused(status int, kind, text string) issue {
	return issue{"error", kind, proxyCodes, fmt.Sprint(status), text, text}
}

// with changes headers given as alternating names and values; an empty value removes.
func with(headers []string, changes ...string) []string {
	out := slices.Clone(headers)
	for i := 0; i < len(changes); i += 2 {
		at := slices.Index(out, changes[i])
		switch {
		case at >= 0 && changes[i+1] == "":
			out = slices.Delete(out, at, at+2)
		case at >= 0:
			out[at+1] = changes[i+1]
		default:
			out = append(out, changes[i], changes[i+1])
		}
	}
	return out
}

// TestProxyRefusals walks the checks of the SDS contract, C8, in their order, with the literal errors of C6.
func TestProxyRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	p, other := r.practice("A20047"), r.practice("B84001")
	good := r.ssp(p, nhs.ReadMetadata)
	target := "/" + p.Roots.Foundations + "/metadata"
	header := func(name string) issue { return refused(400, "invalid", "MISSING_OR_INVALID_HEADER_"+name) }
	varies := func(text string) issue {
		return refused(400, "invalid", "ENDPOINT_"+p.Roots.Foundations+"_CPAID_S918001A000001_VARIES_FROM_TARGETURL_"+text)
	}
	const mediaType = "Unsupported_Media_Type"
	for _, tt := range []struct {
		name, method, target string
		headers              []string
		status               int
		want                 issue
	}{
		{"DELETE, before the headers", http.MethodDelete, target, []string{"Accept", "application/fhir+json"}, 405, issue{
			"fatal", "forbidden", "https://fhir.nhs.uk/StructureDefinition/spine-operationoutcome-1", "405",
			"405: Method Not Allowed", "",
		}},
		{"no trace id", "GET", target, with(good, "Ssp-TraceID", ""), 400, header("Ssp-TraceID")},
		{"trace id is no UUID", "GET", target, with(good, "Ssp-TraceID", "1"), 400, header("Ssp-TraceID")},
		{"no sender", "GET", target, with(good, "Ssp-From", ""), 400, header("Ssp-From")},
		{"sender twice", "GET", target, append(slices.Clone(good), "Ssp-From", "200000000115"), 400, header("Ssp-From")},
		{"receiver lost a zero", "GET", target, with(good, "Ssp-To", "91800000001"), 400, header("Ssp-To")},
		{"no interaction", "GET", target, with(good, "Ssp-InteractionID", ""), 400, header("Ssp-InteractionID")},
		{
			"unknown interaction", "GET", target, with(good, "Ssp-InteractionID", "urn:x"), 415,
			refused(415, "not-supported", mediaType),
		},
		{"a body of no type", "POST", target, good, 415, refused(415, "not-supported", mediaType)},
		{
			"a body of another type", "POST", target, with(good, "Content-Type", "text/plain"), 415,
			refused(415, "not-supported", mediaType),
		},
		{
			"unknown sender", "GET", target, with(good, "Ssp-From", "000000000042"), 403,
			refused(403, "forbidden", "ASID_CHECK_FAILED_MESSAGESENDER_000000000042"),
		},
		{
			"a practice as sender: another host's name", "GET", target, with(good, "Ssp-From", p.ASID.String()), 403,
			refused(403, "forbidden", "ASID_CHECK_FAILED_MESSAGESENDER_918000000001"),
		},
		{
			"unknown receiver", "GET", target, with(good, "Ssp-To", "000000000042"), 403,
			refused(403, "forbidden", "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_000000000042"),
		},
		{
			"a consumer system as receiver", "GET", target, with(good, "Ssp-To", "200000080000"), 403,
			refused(403, "forbidden", "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_200000080000"),
		},
		{
			"receiver without the interaction", "GET", "/" + other.Roots.Foundations + "/documents/metadata",
			with(good, "Ssp-To", other.ASID.String(), "Ssp-InteractionID", nhs.ReadDocumentsMetadata.String()), 403,
			refused(403, "forbidden", "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_918000000002"),
		},
		{
			"another practice's address", "GET", "/" + other.Roots.Foundations + "/metadata", good, 400,
			varies(other.Roots.Foundations + "/metadata"),
		},
		{
			"a port added", "GET", "/https://gp.a20047.example:443/A20047/STU3/1/gpconnect/metadata", good, 400,
			varies("https://gp.a20047.example:443/A20047/STU3/1/gpconnect/metadata"),
		},
		{
			"slashes collapsed", "GET", "/https:/gp.a20047.example/A20047/STU3/1/gpconnect/metadata", good, 400,
			varies("https:/gp.a20047.example/A20047/STU3/1/gpconnect/metadata"),
		},
		{
			"not at a path boundary", "GET", "/" + p.Roots.Foundations + "metadata", good, 400,
			varies(p.Roots.Foundations + "metadata"),
		},
		{
			"no agreement", "GET", "/" + r.practice("K88009").Roots.Foundations + "/metadata",
			r.ssp(r.practice("K88009"), nhs.ReadMetadata), 403,
			refused(403, "forbidden", "FOT_CHECK_FAILED_MESSAGESENDER_200000000115_MESSAGERECEIVER_918000000010"),
		},
		{
			"unreachable", "GET", "/" + r.practice("G85006").Roots.Foundations + "/metadata?a=b",
			r.ssp(r.practice("G85006"), nhs.ReadMetadata), 502, refused(502, "transient",
				"ERROR_COMMUNICATING_TO_ENDPOINT_URL_https://gp.g85006.example/G85006/STU3/1/gpconnect/metadata?a=b"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.send(tt.method, r.ProxyURL()+tt.target, "", tt.headers...)
			if a.status != tt.status {
				t.Errorf("status %d, want %d", a.status, tt.status)
			}
			if diff := cmp.Diff(tt.want, issueOf(t, a.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if received := r.Transcript().Of(simulator.Provider); len(received) > 0 {
		t.Errorf("%d requests reached a practice, want none", len(received))
	}
}

func TestProxyErrorsAreXMLUnlessJSONIsAskedFor(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	headers := with(r.ssp(p, nhs.ReadMetadata), "Accept", "", "Ssp-From", "000000000042")
	target := r.ProxyURL() + "/" + p.Roots.Foundations + "/metadata"
	a := r.send(http.MethodGet, target, "", headers...)
	var got struct {
		XMLName xml.Name
		Code    struct {
			Value string `xml:"value,attr"`
		} `xml:"issue>details>coding>code"`
		Diagnostics struct {
			Value string `xml:"value,attr"`
		} `xml:"issue>diagnostics"`
	}
	if err := xml.Unmarshal(a.body, &got); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if a.header.Get("Content-Type") != "application/fhir+xml" || got.XMLName.Space != "http://hl7.org/fhir" ||
		got.XMLName.Local != "OperationOutcome" || got.Code.Value != "403" ||
		got.Diagnostics.Value != "ASID_CHECK_FAILED_MESSAGESENDER_000000000042" {
		t.Errorf("%v %s", a.header, a.body)
	}
	if a := r.send(http.MethodGet, target+"?_format=application/json%2Bfhir", "", headers...); issueOf(t, a.body).Code != "403" {
		t.Errorf("with _format: %s", a.body)
	}
}

func TestProxyWantsAClientCertificate(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	stranger := start(t, simulator.Options{}) // another authority
	named, err := r.IssueClient("somebody.else.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name         string
		certificates []tls.Certificate
		status       int
	}{
		{"none", nil, 496},
		{"of another authority", []tls.Certificate{stranger.Client().Certificate}, 495},
		{"for another host", []tls.Certificate{named.Certificate}, http.StatusForbidden},
		{"the right one", []tls.Certificate{r.Client().Certificate}, http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := r.tls.Clone()
			config.Certificates = nil
			// Whatever the server says it would like to see.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if tt.certificates == nil {
					return &tls.Certificate{}, nil
				}
				return &tt.certificates[0], nil
			}
			transport := &http.Transport{TLSClientConfig: config}
			defer transport.CloseIdleConnections()
			caller := *r
			caller.client = &http.Client{Transport: transport}
			a := caller.metadata(p)
			if a.status != tt.status {
				t.Errorf("status %d, want %d: %s", a.status, tt.status, a.body)
			}
			if a.status > 490 && len(a.body) > 0 {
				t.Errorf("%d has a body: %s", a.status, a.body)
			}
		})
	}
}

func TestProxySpeaksTheSuitesOfTheContract(t *testing.T) {
	r := start(t, simulator.Options{})
	address := strings.TrimPrefix(r.ProxyURL(), "https://")
	shake := func(config *tls.Config) error {
		config.RootCAs = r.RootPool()
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	for suite, good := range map[uint16]bool{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:       true,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:       true,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA256:             false,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:     false,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: false,
	} {
		err := shake(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.CipherSuiteName(suite), err)
		}
	}
	if shake(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) == nil {
		t.Error("TLS 1.1 was spoken")
	}
	plain, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := io.WriteString(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	var hungUp net.Error
	if said, err := io.ReadAll(plain); len(said) > 0 || errors.As(err, &hungUp) && hungUp.Timeout() {
		t.Errorf("plain HTTP was answered with %q", said)
	}
}

// TestProxyHandsOn looks at both ends: what the consumer sent and what the practice received are the same.
func TestProxyHandsOn(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	a, err := r.record(t.Context(), p, "9990000018")
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%v: %d %s", err, a.status, a.body)
	}
	sent, received := r.Transcript().Of(simulator.Proxy)[0], r.Transcript().Of(simulator.Provider)[0]
	if got, want := received.Path, "/A20047/STU3/1/gpconnect/structured/Patient/$gpc.getstructuredrecord"; got != want {
		t.Errorf("the practice received the path %s, want %s", got, want)
	}
	if got, want := sent.Path, "/https://gp.a20047.example"+received.Path; got != want {
		t.Errorf("the proxy received the path %s, want %s", got, want)
	}
	if received.Host != "gp.a20047.example" || !bytes.Equal(sent.Body, received.Body) {
		t.Errorf("host %s, body %s", received.Host, received.Body)
	}
	if diff := cmp.Diff(sent.Header, received.Header); diff != "" {
		t.Errorf("headers (-sent +received):\n%s", diff)
	}
	if !strings.Contains(sent.Peer, "CN=gateway.spinegate.example") || !strings.Contains(received.Peer, "SIMULATED") {
		t.Errorf("peers %q and %q", sent.Peer, received.Peer)
	}
	if sent.JWT == nil || sent.JWT.Claims["requested_scope"] != "patient/*.read" || sent.JWT.Header["alg"] != "none" {
		t.Errorf("the token was read as %+v", sent.JWT)
	}
}

func TestProxyKeepsCompression(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	a := r.send(http.MethodGet, r.ProxyURL()+"/"+p.Roots.Foundations+"/metadata", "",
		append(r.ssp(p, nhs.ReadMetadata), "Authorization", r.audit(p.Roots.Foundations, "organization/*.read"),
			"Accept-Encoding", "gzip")...)
	if a.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding %q, want gzip: %.80s", a.header.Get("Content-Encoding"), a.body)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unpacked); err != nil || !bytes.Contains(text, []byte("CapabilityStatement")) {
		t.Errorf("%v: %.80s", err, text)
	}
}

func TestProxyReusesConnections(t *testing.T) {
	r := start(t, simulator.Options{})
	for range 3 {
		r.metadata(r.practice("A20047"))
	}
	connections := map[simulator.Upstream]map[uint64]bool{}
	for _, e := range r.Transcript().All() {
		if connections[e.Upstream] == nil {
			connections[e.Upstream] = map[uint64]bool{}
		}
		connections[e.Upstream][e.Connection] = true
	}
	if n := len(connections[simulator.Proxy]); n != 1 {
		t.Errorf("%d connections to the proxy, want 1", n)
	}
	if n := len(connections[simulator.Provider]); n != 1 {
		t.Errorf("%d connections to the practice, want 1", n)
	}
}
