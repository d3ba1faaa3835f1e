package interceptor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/policy"
)

func codeOf(err error) codes.Code { return status.Code(err) }

func kindOutcome() audit.Query { return audit.Query{Kind: audit.KindOutcome} }

// eventually waits for what a server does after its client has gone.
func (g *gateway) eventually(t testing.TB, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestHealthNeedsNobodyAndLeavesNoTrace(t *testing.T) {
	g := start(t, options{})
	answer, err := healthpb.NewHealthClient(g.conn).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("health is %v, %v", answer, err)
	}
	if n := len(g.trail(t, audit.Query{})); n != 0 || g.log.String() != "" {
		t.Errorf("%d entries and log %q", n, g.log.String())
	}
	// Reflection that is switched off is unimplemented, so that clients go on without it.
	stream, err := reflectionpb.NewServerReflectionClient(g.conn).ServerReflectionInfo(t.Context())
	if err == nil {
		_, err = stream.Recv()
	}
	if codeOf(err) != codes.Unimplemented {
		t.Errorf("reflection is %v", err)
	}
}

func TestALineForEachCall(t *testing.T) {
	g := start(t, options{})
	g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		return &pb.TracePatientResponse{}, nil
	}
	if _, err := g.TracePatient(g.as(t, "clinician"), traceRequest()); err != nil {
		t.Fatal(err)
	}
	_, err := g.TracePatient(t.Context(), traceRequest())
	detail, _ := details(t, err)
	var lines []map[string]any
	for line := range strings.Lines(g.log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fields)
	}
	if len(lines) != 2 {
		t.Fatalf("%d lines, want one for each call", len(lines))
	}
	slices.SortFunc(lines, func(a, b map[string]any) int { return strings.Compare(a["code"].(string), b["code"].(string)) })
	for i, want := range []map[string]any{
		{"level": "INFO", "msg": "call", "method": pb.PatientTrace_TracePatient_FullMethodName, "code": "OK", "organisation": "Q8X01"},
		{
			"level": "INFO", "msg": "call", "method": pb.PatientTrace_TracePatient_FullMethodName, "code": "UNAUTHENTICATED", "organisation": "",
			"reason": "TOKEN_MISSING", "hop": "GATEWAY", "call_id": detail.GetTraceIds().GetCallId(),
		},
	} {
		for key, value := range want {
			if lines[i][key] != value {
				t.Errorf("line %d: %s is %v, want %v", i, key, lines[i][key], value)
			}
		}
	}
	for _, secret := range []string{someone, "SANDBOX", "Robin", "ward tablet", "encounter-", "eyJ"} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
}

func TestWhatGRPCEndsByItselfIsEvidenceToo(t *testing.T) {
	g := start(t, options{server: []grpc.ServerOption{grpc.MaxRecvMsgSize(1 << 10)}})
	large := traceRequest()
	large.Context.Device = strings.Repeat("x", 2<<10)
	_, err := g.TracePatient(g.as(t, "clinician"), large)
	if codeOf(err) != codes.ResourceExhausted {
		t.Fatalf("answer is %v", err)
	}
	g.eventually(t, func() bool {
		all := g.trail(t, kindOutcome())
		return len(all) == 1 && all[0].Outcome.Reason == "REQUEST_INVALID" && all[0].Method == pb.PatientTrace_TracePatient_FullMethodName
	})
	// In a stream the chain is there already.
	_, err = read(g.GetStructuredRecord(g.as(t, "clinician"), &pb.GetStructuredRecordRequest{Context: large.GetContext(), NhsNumber: someone}))
	if codeOf(err) != codes.ResourceExhausted {
		t.Fatalf("answer is %v", err)
	}
	g.eventually(t, func() bool {
		all := g.trail(t, kindOutcome())
		return len(all) == 2 && all[1].Outcome.Reason == "REQUEST_INVALID" && strings.Count(g.log.String(), `"msg":"call"`) == 2
	})
}

func TestAMethodIsOpenedToSystemsOneByOne(t *testing.T) {
	g := start(t, options{config: func(c *interceptor.Config) {
		c.OpenToSystems = []string{pb.PatientTrace_TracePatient_FullMethodName}
	}})
	g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		if c, ok := identity.FromContext(ctx); !ok || c.User != nil {
			t.Error("the service does not see a system")
		}
		return &pb.TracePatientResponse{}, nil
	}
	g.service.resolve = func(context.Context, *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
		return &pb.ResolveEndpointResponse{}, nil
	}
	if _, err := g.TracePatient(g.as(t, "system"), traceRequest()); err != nil {
		t.Error(err)
	}
	if _, err := g.ResolveEndpoint(g.as(t, "system"), resolveRequest()); err != nil {
		t.Errorf("the directory is open to systems: %v", err)
	}
	_, err := g.ListRelatedPersons(g.as(t, "system"), &pb.ListRelatedPersonsRequest{NhsNumber: someone})
	g.check(t, err, refusal{codes.PermissionDenied, "HUMAN_REQUIRED", "GATEWAY"})
}

func resolveRequest() *pb.ResolveEndpointRequest {
	return &pb.ResolveEndpointRequest{OdsCode: "A20047", Interaction: &pb.Interaction{
		Name: &pb.Interaction_Known{Known: pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT},
	}}
}

func TestClientCertificates(t *testing.T) {
	ca, caKey := issue(t, nil, nil, "root")
	server, serverKey := issue(t, ca, caKey, "gateway.example")
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for _, tt := range []struct {
		name, certificate string
		persona           string
		want              string
	}{
		{"a certificate alone is a system", "client.q8x01.example", "", ""},
		{"token and its own certificate", "client.q8x01.example", "clinician", ""},
		{"token and another's certificate", "client.q8x01.example", "nurse", "CREDENTIALS_CONFLICT"},
		{"a certificate of nobody", "other.example", "", "TOKEN_MISSING"},
		{"no certificate", "", "", "TOKEN_MISSING"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := &tls.Config{RootCAs: roots, ServerName: "gateway.example", MinVersion: tls.VersionTLS12}
			if tt.certificate != "" {
				leaf, key := issue(t, ca, caKey, tt.certificate)
				client.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}
			}
			g := start(t, options{
				certificates: []identity.Certificate{{
					Name:         "client.q8x01.example",
					Organisation: identity.Organisation{ODS: ods(t, "Q8X01"), Name: "Example Urgent Care"}, Scopes: []string{"directory:read"},
				}},
				server: []grpc.ServerOption{grpc.Creds(credentials.NewTLS(&tls.Config{
					Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}},
					ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: roots, MinVersion: tls.VersionTLS12,
				}))},
				client: credentials.NewTLS(client),
			})
			g.service.resolve = func(context.Context, *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
				return &pb.ResolveEndpointResponse{}, nil
			}
			ctx := t.Context()
			if tt.persona != "" {
				ctx = g.as(t, tt.persona)
			}
			_, err := g.ResolveEndpoint(ctx, resolveRequest())
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			g.check(t, err, refusal{codes.Unauthenticated, tt.want, "GATEWAY"})
		})
	}
}

// issue makes a certificate, self-signed when there is no parent.
func issue(t testing.TB, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// breakIdentity makes the link that identifies callers panic: an issuer whose keys nobody made.
func breakIdentity(t testing.TB) func(*interceptor.Config) {
	t.Helper()
	return func(c *interceptor.Config) {
		var err error
		if c.Identity, err = identity.New(identity.Config{Issuers: []identity.TrustedIssuer{{
			Name: "https://sandbox.example", Audience: "spinegate", Algorithms: []string{"EdDSA"}, Keys: &identity.KeySet{},
			Organisations: []identity.Organisation{{ODS: ods(t, "Q8X01"), Name: "Example Urgent Care"}},
		}}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigurationThatLacksSomethingIsRefused(t *testing.T) {
	g := start(t, options{})
	whole := interceptor.Config{Log: nil, Meter: noop.Meter{}, Audit: g.store, Identity: &identity.Verifier{}, MaxInFlight: 1}
	for _, tt := range []struct {
		name   string
		change func(*interceptor.Config)
		want   string
	}{
		{"no log", func(*interceptor.Config) {}, "log"},
		{"no trail", func(c *interceptor.Config) { c.Audit = nil }, "audit"},
		{"no room", func(c *interceptor.Config) { c.Log, c.MaxInFlight = discard(), 0 }, "in flight"},
		{"a record opened to systems", func(c *interceptor.Config) {
			c.Log, c.OpenToSystems = discard(), []string{pb.GPConnect_GetStructuredRecord_FullMethodName}
		}, "GetStructuredRecord"},
		{"a method that does not exist, opened", func(c *interceptor.Config) { c.Log, c.OpenToSystems = discard(), []string{"/nope"} }, "/nope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := whole
			tt.change(&c)
			if _, err := interceptor.Chain(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Chain = %v, want an error that says %s", err, tt.want)
			}
		})
	}
}

func TestThePersonasScopesAreThePolicys(t *testing.T) {
	for _, p := range identity.Personas() {
		for _, s := range p.Scopes {
			if !slices.Contains(policy.Scopes(), policy.Scope(s)) {
				t.Errorf("%s has scope %q, which no method asks for", p.Name, s)
			}
		}
	}
	for _, s := range policy.Scopes() {
		if !slices.Contains(identity.Personas()[0].Scopes, string(s)) {
			t.Errorf("the first persona lacks scope %q", s)
		}
	}
}

func FuzzMetadataNeverMakesACaller(f *testing.F) {
	g := start(f, options{})
	token, err := g.issuer.Mint(identity.Personas()[0], time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	good := "Bearer " + token.Reveal()
	f.Add("authorization", good, "x", "y")
	f.Add("authorization", good, "authorization", good)
	f.Add("Authorization", good+" ", "x-ods-code", "Q8X01")
	f.Add("authorization", "Bearer", "x", "")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		md := metadata.MD{}
		md.Append(key1, value1)
		md.Append(key2, value2)
		caller, err := interceptor.Identify(metadata.NewIncomingContext(t.Context(), md), g.verifier)
		values := md.Get("authorization")
		scheme, rest, _ := strings.Cut(strings.Join(values, "\x00"), " ")
		honest := len(values) == 1 && strings.EqualFold(scheme, "bearer") && rest == token.Reveal()
		if (err == nil) != honest {
			t.Errorf("Identify = %v for metadata that the issuer's token is in: %v", err, honest)
		}
		if err == nil && caller.Organisation.ODS.String() != "Q8X01" {
			t.Errorf("the caller is of %s", caller.Organisation.ODS)
		}
	})
}
