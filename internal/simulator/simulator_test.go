package simulator_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// sharedKeys are made once: RSA keys are the slow part of a start.
var sharedKeys = sync.OnceValues(simulator.GenerateKeys)

// rig is a running Spine with a consumer in front of it.
type rig struct {
	*simulator.Spine
	t      *testing.T
	client *http.Client
	tls    *tls.Config
}

func start(t *testing.T, options simulator.Options) *rig {
	t.Helper()
	if options.Keys == nil {
		keys, err := sharedKeys()
		if err != nil {
			t.Fatal(err)
		}
		options.Keys = keys
	}
	options.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	spine, err := simulator.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Spine: spine, t: t, tls: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: spine.RootPool(), Certificates: []tls.Certificate{spine.Client().Certificate},
	}}
	dial := simulator.Loopback{}.DialContext
	if options.Network != nil {
		dial = options.Network.DialContext
	}
	transport := &http.Transport{TLSClientConfig: r.tls, DialContext: dial, DisableCompression: true}
	r.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := spine.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // of reading the body
}

// send makes a request with headers given as alternating names and values.
func (r *rig) send(method, target, body string, headers ...string) answer {
	r.t.Helper()
	a, err := r.try(r.t.Context(), method, target, body, headers...)
	if err != nil {
		r.t.Fatalf("%s: %v", method, err)
	}
	return a
}

func (r *rig) try(ctx context.Context, method, target, body string, headers ...string) (answer, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header[http.CanonicalHeaderKey(headers[i])] = append(request.Header.Values(headers[i]), headers[i+1])
	}
	response, err := r.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	a.body, a.err = io.ReadAll(response.Body)
	if response.Header.Get(simulator.Marker) != "true" {
		r.t.Errorf("%s answered %d without the header %s", request.Host, a.status, simulator.Marker)
	}
	return a, nil
}

// assertion signs a client assertion after changing its header and claims.
func (r *rig) assertion(change func(header, claims map[string]any)) string {
	r.t.Helper()
	app, err := r.Application()
	if err != nil {
		r.t.Fatal(err)
	}
	return r.signed(app.Key, change)
}

func (r *rig) signed(key *rsa.PrivateKey, change func(header, claims map[string]any)) string {
	r.t.Helper()
	claims := jwt.MapClaims{
		"iss": simulator.APIKey, "sub": simulator.APIKey, "aud": r.TokenURL(), "jti": uuid.NewString(),
		"exp": time.Now().Add(4 * time.Minute).Unix(),
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS512, claims)
	token.Header["kid"] = "simulated-1"
	if change != nil {
		change(token.Header, claims)
	}
	text, err := token.SignedString(key)
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

func form(assertion string) string {
	return url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}.Encode()
}

const formType = "application/x-www-form-urlencoded"

// token gets an access token as an application does.
func (r *rig) token() string { return r.tokenOf(simulator.APIKey) }

func (r *rig) tokenOf(apiKey string) string {
	r.t.Helper()
	a := r.send(http.MethodPost, r.TokenURL(), form(r.assertion(func(_, claims map[string]any) {
		claims["iss"], claims["sub"] = apiKey, apiKey
	})), "Content-Type", formType)
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(a.body, &granted); err != nil || a.status != http.StatusOK {
		r.t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return granted.AccessToken
}

// patient reads a patient from PDS.
func (r *rig) patient(number string) answer {
	r.t.Helper()
	return r.send(http.MethodGet, r.PDSURL()+"/Patient/"+number, "",
		"Authorization", "Bearer "+r.token(), "X-Request-ID", uuid.NewString())
}

// issue is what tells errors apart: the code, the type, the text.
type issue struct{ Severity, Type, System, Code, Display, Diagnostics string }

// issueOf reads the only issue of an OperationOutcome in JSON.
func issueOf(t *testing.T, body []byte) issue {
	t.Helper()
	var o struct {
		ResourceType string
		Issue        []struct {
			Severity, Code, Diagnostics string
			Details                     struct {
				Coding []struct{ System, Code, Display string }
			}
		}
	}
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatalf("not an OperationOutcome: %s", body)
	}
	if o.ResourceType != "OperationOutcome" || len(o.Issue) != 1 || len(o.Issue[0].Details.Coding) != 1 {
		t.Fatalf("not an OperationOutcome with one issue and one code: %s", body)
	}
	i := o.Issue[0]
	c := i.Details.Coding[0]
	return issue{i.Severity, i.Code, c.System, c.Code, c.Display, i.Diagnostics}
}

// practice finds a built-in practice.
func (r *rig) practice(ods string) simulator.Practice {
	r.t.Helper()
	for _, p := range r.Practices() {
		if p.ODS.String() == ods {
			return p
		}
	}
	r.t.Fatalf("no practice %s", ods)
	return simulator.Practice{}
}

// ssp are the headers of a call from the first consumer to a practice.
func (r *rig) ssp(p simulator.Practice, interaction nhs.Interaction) []string {
	return []string{
		"Ssp-TraceID", uuid.NewString(), "Ssp-From", r.Consumers()[0].ASID.String(), "Ssp-To", p.ASID.String(),
		"Ssp-InteractionID", interaction.String(), "Accept", "application/fhir+json",
	}
}

// audit is the unsigned token of the GP Connect leg, for organisation reads.
func (r *rig) audit(audience, scope string) string {
	r.t.Helper()
	consumer := r.Consumers()[0]
	now := time.Now().Unix()
	token := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{
		"iss": "https://gateway.spinegate.example/", "sub": "u-1", "aud": audience, "iat": now, "exp": now + 300,
		"reason_for_request": "directcare", "requested_scope": scope,
		"requesting_device": map[string]any{
			"resourceType": "Device", "model": "test", "version": "1",
			"identifier": []any{map[string]any{"system": "https://gateway.spinegate.example/Id/device", "value": "1"}},
		},
		"requesting_organization": map[string]any{
			"resourceType": "Organization", "name": consumer.Name,
			"identifier": []any{map[string]any{
				"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": consumer.ODS.String(),
			}},
		},
		"requesting_practitioner": map[string]any{
			"resourceType": "Practitioner", "id": "u-1",
			"name": []any{map[string]any{"family": "Testdoctor", "given": []any{"Tess"}, "prefix": []any{"Dr"}}},
			"identifier": []any{
				map[string]any{"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "UNK"},
				map[string]any{"system": "https://fhir.nhs.uk/Id/sds-role-profile-id", "value": "UNK"},
				map[string]any{"system": "https://gateway.spinegate.example/Id/user", "value": "u-1"},
			},
		},
	})
	text, err := token.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		r.t.Fatal(err)
	}
	return "Bearer " + text
}

// metadata asks a practice for its Foundations capability statement, through the proxy.
func (r *rig) metadata(p simulator.Practice) answer {
	r.t.Helper()
	return r.send(http.MethodGet, r.ProxyURL()+"/"+p.Roots.Foundations+"/metadata", "",
		append(r.ssp(p, nhs.ReadMetadata), "Authorization", r.audit(p.Roots.Foundations, "organization/*.read"))...)
}

// record asks for a patient's structured record, as much of it as one request may, through the proxy.
func (r *rig) record(ctx context.Context, p simulator.Practice, number string) (answer, error) {
	body := `{"resourceType":"Parameters","parameter":[{"name":"patientNHSNumber","valueIdentifier":` +
		`{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + number + `"}},` +
		`{"name":"includeAllergies","part":[{"name":"includeResolvedAllergies","valueBoolean":true}]},` +
		`{"name":"includeMedication","part":[{"name":"includePrescriptionIssues","valueBoolean":true}]},` +
		`{"name":"includeConsultations"},{"name":"includeProblems"},{"name":"includeImmunisations"},` +
		`{"name":"includeUncategorisedData"},{"name":"includeInvestigations"},{"name":"includeReferrals"},` +
		`{"name":"includeDiaryEntries"}]}`
	return r.try(ctx, http.MethodPost, r.ProxyURL()+"/"+p.Roots.Structured+"/Patient/$gpc.getstructuredrecord", body,
		append(r.ssp(p, nhs.GetStructuredRecord), "Authorization", r.audit(p.Roots.Structured, "patient/*.read"),
			"Content-Type", "application/fhir+json;charset=utf-8")...)
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatalf("not JSON: %s", raw)
	}
	return b.String()
}

// settle waits until the upstreams are done with every exchange: a client may have its answer a moment before.
func (r *rig) settle() {
	r.t.Helper()
	if err := r.Transcript().Wait(r.t.Context(), func(all []simulator.Exchange) bool {
		return !slices.ContainsFunc(all, func(e simulator.Exchange) bool { return !e.Done })
	}); err != nil {
		r.t.Fatal(err)
	}
}

func TestTheChainOfCalls(t *testing.T) {
	r := start(t, simulator.Options{})
	if a := r.patient("9990000018"); a.status != http.StatusOK || a.header.Get("Etag") != `W/"7"` {
		t.Fatalf("PDS: %d %v %s", a.status, a.header, a.body)
	}
	query := "?organization=https://fhir.nhs.uk/Id/ods-organization-code%7CA20047" +
		"&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId%7C" + nhs.ReadMetadata.String()
	endpoints := r.send(http.MethodGet, r.SDSURL()+"/Endpoint"+query, "", "apikey", r.DirectoryKey())
	p := r.practice("A20047")
	if body := compact(t, endpoints.body); !strings.Contains(body, `"total":1,`) ||
		!strings.Contains(body, `"address":"`+p.Roots.Foundations+`"`) {
		t.Fatalf("SDS Endpoint: %d %s", endpoints.status, endpoints.body)
	}
	devices := r.send(http.MethodGet, r.SDSURL()+"/Device"+query+
		"&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey%7C"+p.PartyKey.String(), "", "apikey", r.DirectoryKey())
	if body := compact(t, devices.body); !strings.Contains(body, `"total":1,`) ||
		!strings.Contains(body, `"value":"`+p.ASID.String()+`"`) {
		t.Fatalf("SDS Device: %d %s", devices.status, devices.body)
	}
	if a := r.metadata(p); a.status != http.StatusOK || !strings.Contains(string(a.body), "CapabilityStatement") {
		t.Fatalf("metadata: %d %s", a.status, a.body)
	}
}

func TestReachedByName(t *testing.T) {
	r := start(t, simulator.Options{
		Network: simulator.Loopback{simulator.PDS: "0.0.0.0:0"}, HostNames: []string{"sim.example"},
	})
	if !strings.HasPrefix(r.PDSURL(), "https://sim.example:") || !strings.HasPrefix(r.SDSURL(), "https://127.0.0.1:") {
		t.Errorf("PDS at %s, SDS at %s", r.PDSURL(), r.SDSURL())
	}
	here := strings.Replace(r.PDSURL(), "sim.example", "localhost", 1)
	if a := r.send(http.MethodGet, here+"/_ping", ""); a.status != http.StatusOK {
		t.Errorf("_ping: %d", a.status)
	}
}

func TestAnAddressInUse(t *testing.T) {
	r := start(t, simulator.Options{})
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	taken := strings.TrimPrefix(r.ProxyURL(), "https://")
	spine, err := simulator.Start(t.Context(), simulator.Options{Keys: keys, Network: simulator.Loopback{simulator.Proxy: taken}})
	if err == nil {
		_ = spine.Close()
		t.Fatal("two proxies on one address")
	}
	if !strings.Contains(err.Error(), "listen as proxy") {
		t.Errorf("%v does not say what it was doing", err)
	}
}
