package spine

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// proxyTo is the way through the embedded proxy, with changes.
func proxyTo(t *testing.T, s *simulator.Spine, m *simulator.Memory, change func(*ProxyConfig)) *Proxy {
	t.Helper()
	config := (&service{pool: s.RootPool()}).tls()
	config.Certificates = []tls.Certificate{s.Client().Certificate}
	c := ProxyConfig{Upstream: Config{
		BaseURL: s.ProxyURL(), Environment: pb.Environment_ENVIRONMENT_EMBEDDED, TLS: config, Dial: m.DialContext,
	}}
	if change != nil {
		change(&c)
	}
	p, err := NewProxy(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func requester(t *testing.T) Requester {
	t.Helper()
	return Requester{
		Organisation: Organisation{ODS: ods(t, "Q8X01"), Name: "Example Urgent Care"},
		User: User{
			ID: "u-7731", System: "https://gateway.spinegate.example/Id/user", Family: "Okafor", Given: "Ada", Prefix: "Dr",
		},
		Device: Device{System: "https://gateway.spinegate.example/Id/device", ID: "gw-01", Model: "Example Gateway", Version: "0.1.0"},
		Issuer: "https://gateway.spinegate.example/",
	}
}

const structuredRequest = `{"resourceType":"Parameters","parameter":[{"name":"patientNHSNumber",
	"valueIdentifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000255"}}]}`

// callTo is a read of the capability statement of a built-in practice.
func callTo(t *testing.T, code, provider string) Call {
	t.Helper()
	return Call{
		Destination: Destination{
			ODS: ods(t, code), ASID: asid(t, provider),
			Address: "https://gp." + strings.ToLower(code) + ".example/" + code + "/STU3/1/gpconnect",
		},
		Interaction: nhs.ReadMetadata, Requester: requester(t), From: asid(t, "200000000115"),
	}
}

func TestProxyCallsAPractice(t *testing.T) {
	bubble(t, "with six headers, a fresh token and the address byte for byte", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		var accesses []Access
		p := proxyTo(t, s, m, func(c *ProxyConfig) {
			c.Upstream.Before = func(_ context.Context, a Access) error {
				accesses = append(accesses, a)
				return nil
			}
		})
		call := callTo(t, "A20047", "918000000001")
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Proxy, Status: 503, Times: 1}); err != nil {
			t.Fatal(err)
		}
		answer, err := p.Do(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		text, err := answer.Body.ReadAll()
		if err != nil || !strings.Contains(string(text), "CapabilityStatement") || !answer.Simulated || answer.Attempt != 2 {
			t.Errorf("%d bytes, %v, %+v", len(text), err, answer)
		}
		sent := s.Transcript().Of(simulator.Proxy)
		if len(sent) != 2 || len(accesses) != 2 {
			t.Fatalf("%d requests and %d accesses, want 2", len(sent), len(accesses))
		}
		for i, e := range sent {
			if e.Method+" "+e.Path != "GET /"+call.Destination.Address+"/metadata" || e.Query != "" {
				t.Errorf("request line %s %s?%s", e.Method, e.Path, e.Query)
			}
			header := map[string]string{}
			for name, values := range e.Header {
				header[name] = strings.Join(values, "|")
			}
			trace := header["Ssp-Traceid"]
			if _, err := uuid.Parse(trace); err != nil || trace != accesses[i].SSPTraceID {
				t.Errorf("Ssp-TraceID %q, and %q in the access", trace, accesses[i].SSPTraceID)
			}
			delete(header, "Ssp-Traceid")
			delete(header, "Authorization")
			delete(header, "User-Agent")
			if diff := cmp.Diff(map[string]string{
				"Accept": "application/fhir+json", "Accept-Encoding": "gzip", "Ssp-From": "200000000115", "Ssp-To": "918000000001",
				"Ssp-Interactionid": string(nhs.ReadMetadata),
			}, header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			want := Access{
				Hop: pb.Hop_HOP_SSP, Method: http.MethodGet, Template: "/metadata", Interaction: nhs.ReadMetadata,
				Practice: call.Destination.ODS, Consumer: call.Requester.Organisation.ODS, SSPTraceID: trace,
				From: call.From, To: call.Destination.ASID, Attempt: i + 1,
			}
			if accesses[i] != want {
				t.Errorf("access %+v, want %+v", accesses[i], want)
			}
			if e.JWT.Claims["aud"] != call.Destination.Address || e.JWT.Claims["requested_scope"] != "organization/*.read" {
				t.Errorf("claims %v", e.JWT.Claims)
			}
		}
		if sent[0].Header.Get("Ssp-Traceid") == sent[1].Header.Get("Ssp-Traceid") {
			t.Error("two attempts share an Ssp-TraceID")
		}
	})
}

func TestProxyFailures(t *testing.T) {
	for _, tt := range []struct {
		name     string
		ods, to  string
		change   func(*Call, *ProxyConfig)
		hop      pb.Hop
		reason   pb.ErrorReason
		attempts int
	}{
		{"switched off", "E83004", "918000000005", func(c *Call, _ *ProxyConfig) {
			c.Interaction, c.Body = nhs.GetStructuredRecord, []byte(structuredRequest)
			c.Destination.Address += "/structured"
		}, pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF, 1},
		{"down", "G85006", "918000000007", nil, pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE, 2},
		{"no agreement", "K88009", "918000000010", nil, pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT, 1},
		{
			"another address", "A20047", "918000000001", func(c *Call, _ *ProxyConfig) { c.Destination.Address += "x" },
			pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES, 1,
		},
		{"an unknown receiver", "A20047", "999999999999", nil, pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED, 1},
		{
			"an unknown sender", "A20047", "918000000001", func(c *Call, _ *ProxyConfig) { c.From = asid(t, "000000000001") },
			pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_SENDER_NOT_ACCREDITED, 1,
		},
		{"another practice's sender", "A20047", "918000000001", func(c *Call, p *ProxyConfig) {
			p.Upstream.TLS.Certificates = nil
			p.Upstream.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
		}, pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_CLIENT_CERTIFICATE_REFUSED, 1},
		{"an unknown item", "A20047", "918000000001", func(c *Call, _ *ProxyConfig) {
			c.Interaction, c.ID = nhs.ReadLocation, "no-such-location"
		}, pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND, 1},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s, m := embedded(t, simulator.Options{})
			call := callTo(t, tt.ods, tt.to)
			p := proxyTo(t, s, m, func(c *ProxyConfig) {
				if tt.change != nil {
					tt.change(&call, c)
				}
			})
			_, err := p.Do(t.Context(), call)
			wantReason(t, err, tt.hop, tt.reason)
			if NeverSent(err) {
				t.Error("it was sent")
			}
			if got := len(s.Transcript().Of(simulator.Proxy)); got != tt.attempts {
				t.Errorf("%d attempts, want %d", got, tt.attempts)
			}
		})
	}
}

func TestProxyRefusesWhatMustNotBeSent(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Call)
		hop    pb.Hop
		reason pb.ErrorReason
	}{
		{"no user", func(c *Call) { c.Requester.User = User{} }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED},
		{"a user without a name", func(c *Call) { c.Requester.User.Family = " " }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED},
		{"a user without an id", func(c *Call) { c.Requester.User.ID = "" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED},
		{"a name with a line break", func(c *Call) { c.Requester.User.Given = "Ada\r\nX: y" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED},
		{"a name that runs backwards", func(c *Call) { c.Requester.User.Given = "A\u202eda" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED},
		{"an organisation without a name", func(c *Call) { c.Requester.Organisation.Name = "" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"no device", func(c *Call) { c.Requester.Device = Device{} }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"no ASID of ours", func(c *Call) { c.From = nhs.ASID{} }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN},
		{"no ASID of theirs", func(c *Call) { c.Destination.ASID = nhs.ASID{} }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"record transfer", func(c *Call) { c.Interaction = nhs.MigrateStructuredRecord }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"an id where there is none", func(c *Call) { c.ID = "1" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"no id where there is one", func(c *Call) { c.Interaction = nhs.ReadPatient }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"an id that climbs", func(c *Call) { c.Interaction, c.ID = nhs.ReadPatient, ".." }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"an id that is a path", func(c *Call) { c.Interaction, c.ID = nhs.ReadPatient, "1/../2" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"a version that is a header", func(c *Call) { c.IfMatch = "W/\"1\"\r\nX: y" }, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL},
		{"a private address", func(c *Call) { c.Destination.Address = "https://127.0.0.1/x" }, pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s, m := embedded(t, simulator.Options{})
			call := callTo(t, "A20047", "918000000001")
			tt.change(&call)
			_, err := proxyTo(t, s, m, nil).Do(t.Context(), call)
			wantReason(t, err, tt.hop, tt.reason)
			if !NeverSent(err) || len(s.Transcript().All()) != 0 {
				t.Error("something was sent")
			}
		})
	}
	for name, change := range map[string]func(*tls.Config){
		"no roots":       func(c *tls.Config) { c.RootCAs = nil },
		"no certificate": func(c *tls.Config) { c.Certificates = nil },
	} {
		bubble(t, name, func(t *testing.T) {
			s, _ := embedded(t, simulator.Options{})
			config := (&service{pool: s.RootPool()}).tls()
			config.Certificates = []tls.Certificate{s.Client().Certificate}
			change(config)
			if _, err := NewProxy(ProxyConfig{Upstream: Config{BaseURL: s.ProxyURL(), Environment: 1, TLS: config}}); err == nil {
				t.Error("half an identity was accepted")
			}
		})
	}
}

// The embedded proxy and practices have a table of their own: interaction, verb, path and scope have to agree.
func TestEveryOperationIsAcceptedAsSuch(t *testing.T) {
	bubble(t, "by proxy and practice", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		p := proxyTo(t, s, m, nil)
		for interaction, op := range operations {
			call := callTo(t, "A20047", "918000000001")
			call.Interaction = interaction
			if strings.Contains(op.path, "HealthcareService") || op.edition == dstu2 {
				continue // a draft, and Access Record HTML: the embedded practices have neither
			}
			switch {
			case strings.Contains(string(interaction), ":structured:") || interaction == nhs.GetStructuredRecord:
				call.Destination.Address += "/structured"
			case strings.Contains(string(interaction), ":documents:"):
				call.Destination.Address += "/documents"
			}
			if strings.Contains(op.path, "{id}") {
				call.ID = "1"
			}
			if op.method != http.MethodGet {
				call.Body = []byte(`{"resourceType":"Parameters"}`)
			}
			if answer, err := p.Do(t.Context(), call); err == nil {
				_ = answer.Body.Close()
			} else {
				t.Logf("%s: %v", interaction, err)
			}
		}
		for _, e := range s.Transcript().Of(simulator.Proxy) {
			op := operations[e.Interaction()]
			if e.JWT.Claims["requested_scope"] != op.scope {
				t.Errorf("%s was asked with scope %v", e.Interaction(), e.JWT.Claims["requested_scope"])
			}
			if e.Status == http.StatusUnsupportedMediaType || e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusForbidden {
				t.Errorf("%s: %d", e.Interaction(), e.Status)
			}
		}
	})
}

func TestQueryIsEncoded(t *testing.T) {
	bubble(t, "as RFC 3986 wants it", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		call := callTo(t, "A20047", "918000000001")
		call.Destination.Address += "/" // some have one, and it stays
		call.Interaction = nhs.SearchSlot
		call.Query = url.Values{"start": {"ge2026-01-05T09:00:00+00:00"}, "searchFilter": {"a|b c", "d&e=f"}}
		_, _ = proxyTo(t, s, m, nil).Do(t.Context(), call)
		sent := s.Transcript().Of(simulator.Proxy)[0]
		if want := "/https://gp.a20047.example/A20047/STU3/1/gpconnect/Slot"; sent.Path != want {
			t.Errorf("path %s, want %s", sent.Path, want)
		}
		if want := "searchFilter=a%7Cb%20c&searchFilter=d%26e%3Df&start=ge2026-01-05T09%3A00%3A00%2B00%3A00"; sent.Query != want {
			t.Errorf("query %s, want %s", sent.Query, want)
		}
	})
}

func TestAWriteIsNeverRepeated(t *testing.T) {
	for name, f := range map[string]simulator.Fault{
		"503": {Status: 503}, "502": {Status: 502}, "a reset": {Reset: true}, "silence": {Delay: time.Minute},
	} {
		bubble(t, name, func(t *testing.T) {
			s, m := embedded(t, simulator.Options{})
			f.Upstream = simulator.Proxy
			if _, err := s.Faults().Set(f); err != nil {
				t.Fatal(err)
			}
			call := callTo(t, "A20047", "918000000001")
			call.Interaction, call.Body = nhs.CreateAppointment, []byte(`{"resourceType":"Appointment"}`)
			_, err := proxyTo(t, s, m, nil).Do(t.Context(), call)
			if err == nil || NeverSent(err) {
				t.Errorf("%v", err)
			}
			sent := s.Transcript().Of(simulator.Proxy)
			if len(sent) != 1 || sent[0].Header.Get("Content-Type") != "application/fhir+json;charset=utf-8" || string(sent[0].Body) != string(call.Body) {
				t.Errorf("%d requests", len(sent))
			}
		})
	}
}
