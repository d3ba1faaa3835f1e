package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/web"
)

// service answers as a test wants.
type service struct {
	pb.UnimplementedEndpointDirectoryServer

	resolve func(context.Context) error
	many    func(grpc.ServerStreamingServer[pb.ResolveEndpointsResponse]) error
}

func (s *service) ResolveEndpoint(ctx context.Context, _ *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
	return &pb.ResolveEndpointResponse{}, s.resolve(ctx)
}

func (s *service) ResolveEndpoints(_ *pb.ResolveEndpointsRequest, out grpc.ServerStreamingServer[pb.ResolveEndpointsResponse]) error {
	return s.many(out)
}

const (
	resolve  = pb.EndpointDirectory_ResolveEndpoint_FullMethodName
	resolves = pb.EndpointDirectory_ResolveEndpoints_FullMethodName
	question = `{"ods_code": "A20047", "interaction": {"known": "KNOWN_INTERACTION_SEARCH_SLOT"}}`
	many     = `{"ods_codes": ["A20047"], "interactions": [{"known": "KNOWN_INTERACTION_SEARCH_SLOT"}]}`
)

// door is the HTTP server before the chain and a service, on a listener.
type door struct {
	*service

	store  *audit.Store
	issuer *identity.Issuer
	web    *web.Server
	inner  *grpc.Server
}

func open(t testing.TB, listener net.Listener, secure *tls.Config, change func(*web.Config)) *door {
	t.Helper()
	dir := t.TempDir()
	d := &door{service: &service{resolve: func(context.Context) error { return nil }}}
	var err error
	if d.store, err = audit.Open(t.Context(), audit.Config{
		Path: filepath.Join(dir, "audit.db"), KeyFile: filepath.Join(dir, "key"), CreateKey: true, Version: "test",
	}); err != nil {
		t.Fatal(err)
	}
	if d.issuer, err = identity.NewIssuer("https://sandbox.example", "spinegate"); err != nil {
		t.Fatal(err)
	}
	trusted, err := d.issuer.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	ods, err := nhs.ParseODSCode("Q8X01")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := identity.New(identity.Config{
		Issuers: []identity.TrustedIssuer{trusted},
		Certificates: []identity.Certificate{{
			Name: "client.q8x01.example", Organisation: identity.Organisation{ODS: ods, Name: "Example Urgent Care"}, Scopes: []string{"directory:read"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := interceptor.Chain(interceptor.Config{
		Log: slog.New(slog.DiscardHandler), Meter: sdkmetric.NewMeterProvider().Meter("test"), Audit: d.store, Identity: verifier, MaxInFlight: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		chain = append(chain, grpc.Creds(web.Credentials(credentials.NewTLS(secure))))
	}
	d.inner = grpc.NewServer(append(chain, grpc.WaitForHandlers(true))...)
	pb.RegisterEndpointDirectoryServer(d.inner, d.service)
	c := web.Config{
		TLS: secure, Methods: []string{resolve, resolves}, MaxStreams: 100, MaxHeader: 1 << 14,
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	if d.web, err = web.New(c); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := d.inner.Serve(d.web.Calls()); err != nil {
			t.Error(err)
		}
	})
	serving.Go(func() {
		if err := d.web.Serve(listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		d.inner.Stop()
		if err := d.web.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *door) token(t testing.TB, persona string) string {
	t.Helper()
	at := slices.IndexFunc(identity.Personas(), func(p identity.Persona) bool { return p.Name == persona })
	return d.mint(t, identity.Personas()[at])
}

func (d *door) mint(t testing.TB, p identity.Persona) string {
	t.Helper()
	token, err := d.issuer.Mint(p, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token.Reveal()
}

func (d *door) outcomes(t *testing.T) (all []audit.Entry) {
	t.Helper()
	for e, err := range d.store.Entries(t.Context(), audit.Query{Kind: audit.KindOutcome}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	slices.Reverse(all)
	return all
}

func issue(t *testing.T, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// The certificate of an HTTPS connection is believed as that of a gRPC connection is, with both versions of HTTP, and the
// address in the trail is the HTTP client's.
func TestCertificatesOverHTTPS(t *testing.T) {
	t.Parallel()
	ca, caKey := issue(t, nil, nil, "root")
	stranger, strangerKey := issue(t, nil, nil, "stranger")
	server, serverKey := issue(t, ca, caKey, "gateway.example")
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	base := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: roots, MinVersion: tls.VersionTLS12,
	}
	each := base.Clone()
	each.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return base.Clone(), nil } // as the gateway has it
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, listener, each, nil)
	var shown peer.Peer
	d.resolve = func(ctx context.Context) error {
		p, _ := peer.FromContext(ctx)
		shown = *p
		return nil
	}
	for _, tt := range []struct {
		name, certificate, persona string
		reason                     string
		organisation               string
	}{
		{"a certificate alone is a system", "client.q8x01.example", "", "", "Q8X01"},
		{"token and its own certificate", "client.q8x01.example", "clinician", "", "Q8X01"},
		{"token and another's certificate", "client.q8x01.example", "nurse", "CREDENTIALS_CONFLICT", "R9Y02"},
		{"a certificate of nobody", "other.example", "", "TOKEN_MISSING", ""},
		{"no certificate", "", "", "TOKEN_MISSING", ""},
		{"a token without a certificate", "", "nurse", "", "R9Y02"},
	} {
		for _, two := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{false: ", HTTP/1.1", true: ", HTTP/2"}[two], func(t *testing.T) {
				secure := &tls.Config{RootCAs: roots, ServerName: "gateway.example", MinVersion: tls.VersionTLS12}
				if tt.certificate != "" {
					leaf, key := issue(t, ca, caKey, tt.certificate)
					secure.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}
				}
				var from net.Addr
				transport := &http.Transport{TLSClientConfig: secure, ForceAttemptHTTP2: two, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					c, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
					if err == nil {
						from = c.LocalAddr()
					}
					return c, err
				}}
				defer transport.CloseIdleConnections()
				r := newRequest(t.Context(), t, resolve, question)
				r.URL.Scheme = "https"
				r.Header.Set("X-Forwarded-For", "192.0.2.7")
				if tt.persona != "" {
					r.Header.Set("Authorization", d.token(t, tt.persona))
				}
				answer, err := transport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if (answer.ProtoMajor == 2) != two {
					t.Errorf("it speaks %s", answer.Proto)
				}
				s := said{answer.StatusCode, answer.Header, body, nil}
				if tt.reason == "" {
					s.message(t, new(pb.ResolveEndpointResponse))
					if shown.Addr.String() != from.String() {
						t.Errorf("the call came from %v, want %v", shown.Addr, from)
					}
				} else {
					s.failed(t, http.StatusUnauthorized, tt.reason)
				}
				all := d.outcomes(t)
				if last := all[len(all)-1]; last.Peer != "127.0.0.1" || last.Caller.Organisation.String() != tt.organisation || last.Outcome.Reason != tt.reason {
					t.Errorf("the trail has %+v", last)
				}
			})
		}
	}
	// One of another authority ends the handshake.
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: "gateway.example", MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // whatever is asked for
			return &tls.Certificate{Certificate: [][]byte{stranger.Raw}, PrivateKey: strangerKey}, nil
		},
	}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	}}
	defer transport.CloseIdleConnections()
	r := newRequest(t.Context(), t, resolve, question)
	r.URL.Scheme = "https"
	if answer, err := transport.RoundTrip(r); err == nil {
		_ = answer.Body.Close()
		t.Error("a stranger's certificate is taken")
	}
}

func client(l *servertest.Pipes) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.DialContext(ctx) }}}
}

// Whoever takes nothing of an answer holds nothing for ever.
func TestAnAnswerThatNobodyTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := servertest.NewPipes()
		d := open(t, listener, nil, nil)
		ended := make(chan time.Time, 1)
		d.many = func(out grpc.ServerStreamingServer[pb.ResolveEndpointsResponse]) error {
			defer func() { ended <- time.Now() }()
			for {
				if err := out.Send(&pb.ResolveEndpointsResponse{Event: &pb.ResolveEndpointsResponse_Failure{
					Failure: &pb.EndpointFailure{OdsCode: strings.Repeat("x", 1000)},
				}}); err != nil {
					return err
				}
			}
		}
		c := client(listener)
		defer c.CloseIdleConnections()
		r := newRequest(t.Context(), t, resolves, many)
		r.Header.Set("Authorization", d.token(t, "clinician"))
		began := time.Now()
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if took := (<-ended).Sub(began); took > 31*time.Second {
			t.Errorf("it ended after %v", took)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err == nil {
			t.Error("what is left of the answer looks whole")
		}
		_ = answer.Body.Close()
		synctest.Wait()
		if all := d.outcomes(t); len(all) != 1 || all[0].Outcome.Code == "OK" {
			t.Errorf("the trail has %+v", all)
		}
	})
}

// A stream may be silent for longer than somebody may take to read it, and a connection between two requests.
func TestSilenceIsNotSlowness(t *testing.T) {
	t.Parallel()
	for _, two := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[two], func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ca, caKey := issue(t, nil, nil, "root")
				server, serverKey := issue(t, ca, caKey, "gateway.example")
				roots := x509.NewCertPool()
				roots.AddCert(ca)
				listener := servertest.NewPipes()
				d := open(t, listener, &tls.Config{
					Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}}, MinVersion: tls.VersionTLS12,
				}, nil)
				d.many = func(out grpc.ServerStreamingServer[pb.ResolveEndpointsResponse]) error {
					for i := range int32(3) {
						time.Sleep(50 * time.Second)
						if err := out.Send(&pb.ResolveEndpointsResponse{Sequence: i, Event: &pb.ResolveEndpointsResponse_Opening{}}); err != nil {
							return err
						}
					}
					time.Sleep(50 * time.Second)
					return out.Send(&pb.ResolveEndpointsResponse{Sequence: 3, Event: &pb.ResolveEndpointsResponse_Closing{Closing: &pb.DirectoryClosing{}}})
				}
				d.resolve = func(context.Context) error {
					time.Sleep(25 * time.Second)
					return nil
				}
				connections := 0
				transport := &http.Transport{
					ForceAttemptHTTP2: two, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "gateway.example", MinVersion: tls.VersionTLS12},
					DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
						connections++
						return listener.DialContext(ctx)
					},
					ExpectContinueTimeout: time.Hour,
				}
				defer transport.CloseIdleConnections()
				ask := func(method, body string, change func(*http.Request)) said {
					r := newRequest(t.Context(), t, method, body)
					r.URL.Scheme = "https"
					r.Header.Set("Authorization", d.token(t, "clinician"))
					change(r)
					return send(t, &http.Client{Transport: transport}, r)
				}
				asItIs := func(*http.Request) {}
				all, end, _ := stream[pb.ResolveEndpointsResponse](t, ask(resolves, many, asItIs))
				if len(all) != 4 || end != nil {
					t.Errorf("%d messages, then %v", len(all), end)
				}
				time.Sleep(45 * time.Second)
				ask("/nowhere", "", func(r *http.Request) { r.Method = http.MethodGet }).failed(t, http.StatusNotFound, "REQUEST_INVALID")
				time.Sleep(45 * time.Second)
				ask(resolve, question, func(r *http.Request) { r.Header.Set("Expect", "100-continue") }).message(t, new(pb.ResolveEndpointResponse))
				time.Sleep(45 * time.Second)
				ask(resolve, question, asItIs).message(t, new(pb.ResolveEndpointResponse))
				if connections != 1 {
					t.Errorf("%d connections", connections)
				}
			})
		})
	}
}

// A connection moves on when it is old, so that load spreads and a certificate is looked at again.
func TestAnOldConnectionTakesItsLastCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := servertest.NewPipes()
		d := open(t, listener, nil, func(c *web.Config) { c.Age = 30 * time.Minute })
		c := client(listener)
		defer c.CloseIdleConnections()
		var closed []int
		for i := range 70 {
			r := newRequest(t.Context(), t, resolve, question)
			r.Header.Set("Authorization", d.token(t, "clinician"))
			answer, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.Close {
				closed = append(closed, i)
			}
			time.Sleep(59 * time.Second)
		}
		if !slices.Equal(closed, []int{31, 63}) {
			t.Errorf("connections ended with calls %v", closed)
		}
	})
}

// Calls that are given up as soon as they are made, by the hundred, leave nothing behind.
func TestCallsThatAreGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	ca, caKey := issue(t, nil, nil, "root")
	server, serverKey := issue(t, ca, caKey, "gateway.example")
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, listener, &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}}, MinVersion: tls.VersionTLS12,
	}, nil)
	var inside atomic.Int32
	d.resolve = func(ctx context.Context) error {
		inside.Add(1)
		defer inside.Add(-1)
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
		return ctx.Err()
	}
	transport := &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "gateway.example", MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		},
	}
	defer transport.CloseIdleConnections()
	ask := func(ctx context.Context) (*http.Response, error) {
		r := newRequest(ctx, t, resolve, question)
		r.URL.Scheme = "https"
		r.Header.Set("Authorization", d.token(t, "clinician"))
		return transport.RoundTrip(r)
	}
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			if answer, err := ask(ctx); err == nil {
				_ = answer.Body.Close()
			}
		})
	}
	all.Wait()
	answer, err := ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusTooManyRequests { // the caller's own limit holds here too
		t.Errorf("the next call is answered %d", answer.StatusCode)
	}
	if err := d.web.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("%d calls still run", n)
	}
}

// A method that is not linked in is told of at the start.
func TestAMethodThatNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"/spinegate.v1.Nobody/Knows", "/spinegate.v1.TracePatientRequest", ""} {
		if _, err := web.New(web.Config{Methods: []string{name}, Log: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

// An origin is written out, whoever names it: the library would take a wildcard.
func TestAnOriginThatIsNone(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"*", "https://*.example", "null", "http://portal.example", ""} {
		if _, err := web.New(web.Config{Origins: []string{"https://portal.example", origin}, Log: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("%q is taken", origin)
		}
	}
}
