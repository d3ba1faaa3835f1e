package spine

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// sspName is the host name of the proxy in these tests.
const sspName = "proxy.spine.example"

// rsaKeys are made once: RSA keys are slow.
var rsaKeys = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// authority signs certificates as a test wants them.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pool        *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := rsaKeys()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root", SerialNumber: rand.Text()}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
		SubjectKeyId: []byte(rand.Text()),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.certificate)
	return a
}

// issue signs a certificate for both uses and the proxy's name, after a change.
func (a *authority) issue(t *testing.T, key crypto.Signer, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: sspName}, DNSNames: []string{sspName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// ssp is a proxy of which a test says how it shakes hands.
type ssp struct {
	*httptest.Server

	handled, handshakes atomic.Int32
	mu                  sync.Mutex
	hellos              []*tls.ClientHelloInfo
	resumed             bool
}

func serveTLS(t *testing.T, config *tls.Config) *ssp {
	t.Helper()
	s := &ssp{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handled.Add(1)
		s.mu.Lock()
		s.resumed = s.resumed || r.TLS.DidResume
		s.mu.Unlock()
		_, _ = io.WriteString(w, "{}")
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.EnableHTTP2 = slices.Contains(config.NextProtos, "h2")
	s.TLS = config
	s.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s.handshakes.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hellos = append(s.hellos, hello)
		return nil, nil //nolint:nilnil // the server's own
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// call asks the proxy once, and returns what the way to it is made of.
func (s *ssp) call(t *testing.T, roots *x509.CertPool, certificate tls.Certificate) (*Upstream, error) {
	t.Helper()
	p, err := NewProxy(ProxyConfig{Upstream: Config{
		BaseURL: "https://" + sspName, Environment: pb.Environment_ENVIRONMENT_EMBEDDED,
		TLS: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: roots,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil },
		},
		Limits: Limits{Attempts: 1},
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p.upstream, s.ask(t, p.upstream)
}

func (s *ssp) ask(t *testing.T, u *Upstream) error {
	t.Helper()
	_, err := fetch(t.Context(), u, &Request{
		Method: http.MethodGet, URL: "https://" + sspName + "/https://gp.example/x/metadata", Template: "/metadata", Limits: Limits{Attempts: 1},
	})
	return err
}

// The suites of the SDS contract, C4, and those that must not be spoken. A server that insists on one suite is met or not; what Go
// does not have (0011-tls-towards-the-proxy.md) is met by nobody, so there it is enough that it is not offered.
func TestTheProxyLegSpeaksTheSuitesThatItShould(t *testing.T) {
	t.Parallel()
	root := newAuthority(t)
	rsaCertificate := root.issue(t, rsaKeys(), nil)
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecdsaCertificate := root.issue(t, ecdsaKey, nil)

	for _, tt := range []struct {
		name     string
		id       uint16
		config   *tls.Config
		connects bool
	}{
		{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, &tls.Config{}, true},
		{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, &tls.Config{}, true},
		{"ECDHE-RSA-AES256-SHA384", 0xc028, nil, false},
		{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, &tls.Config{}, false},
		{"DHE-RSA-AES128-GCM-SHA256", 0x009e, nil, false},
		{"DHE-RSA-AES256-GCM-SHA384", 0x009f, nil, false},
		{"DHE-RSA-AES256-SHA256", 0x006b, nil, false},
		{"DHE-RSA-AES256-SHA", 0x0039, nil, false},
		{"AES128-SHA256, which must be refused", tls.TLS_RSA_WITH_AES_128_CBC_SHA256, &tls.Config{}, false},
		{"NULL-MD5, which must be refused", 0x0001, nil, false},
		{"ChaCha20 in TLS 1.2", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, &tls.Config{}, false},
		{"ECDSA alone", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, &tls.Config{Certificates: []tls.Certificate{ecdsaCertificate}}, false},
		{"TLS 1.3", tls.TLS_AES_128_GCM_SHA256, &tls.Config{MinVersion: tls.VersionTLS13}, true},
		{"TLS 1.1", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"HTTP/2, which is not taken", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := tt.config
			if config == nil {
				config = &tls.Config{}
			}
			if config.Certificates == nil {
				config.Certificates = []tls.Certificate{rsaCertificate}
			}
			if tt.config != nil && config.MinVersion != tls.VersionTLS13 {
				config.CipherSuites = []uint16{tt.id}
				if config.MaxVersion == 0 {
					config.MaxVersion = tls.VersionTLS12
				}
			}
			s := serveTLS(t, config)
			_, err := s.call(t, root.pool, rsaCertificate)
			if tt.config != nil && (err == nil) != tt.connects {
				t.Errorf("%v, want a connection: %v", err, tt.connects)
			}
			hello := s.hellos[0]
			if offered := slices.Contains(hello.CipherSuites, tt.id); offered != tt.connects {
				t.Errorf("offered: %v", offered)
			}
			if len(hello.SupportedProtos) > 0 {
				t.Errorf("the hello names protocols: %v", hello.SupportedProtos)
			}
			if s.handled.Load() > 0 != (err == nil) {
				t.Errorf("%d requests were handled, %v", s.handled.Load(), err)
			}
			want := []uint16{
				tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
				tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256, // Go lets none of the three be left out
			}
			for _, id := range hello.CipherSuites {
				if !slices.Contains(want, id) {
					t.Errorf("%s is offered too", tls.CipherSuiteName(id))
				}
			}
		})
	}
}

// Each way in which a certificate can be wrong, both directions (trust contract, T16).
func TestTheProxyLegTrustsAndIsTrustedByCertificatesThatAreRight(t *testing.T) {
	t.Parallel()
	root, stranger := newAuthority(t), newAuthority(t)
	type wrong struct {
		name   string
		issuer *authority
		change func(*x509.Certificate)
		server bool // whether it will do for a server
		client bool // and for a client
	}
	for _, tt := range []wrong{
		{"right", root, nil, true, true},
		{"another authority's", stranger, nil, false, false},
		{"expired", root, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, false, false},
		{"not good yet", root, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, false, false},
		{"for clients", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, false, true},
		{"for servers", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, true, false},
		{"for code", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }, false, false},
		{"for another name", root, func(c *x509.Certificate) { c.DNSNames = []string{"proxy.other.example"} }, false, true},
		{"for a name in its subject alone", root, func(c *x509.Certificate) { c.DNSNames = nil }, false, true},
		{"for a name that goes on", root, func(c *x509.Certificate) { c.DNSNames = []string{sspName + ".example"} }, false, true},
		{"signed with SHA-1", root, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }, false, false},
	} {
		good := root.issue(t, rsaKeys(), nil)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				certificate := tt.issuer.issue(t, rsaKeys(), tt.change)
				s := serveTLS(t, &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{certificate}})
				_, err := s.call(t, root.pool, good)
				s.judge(t, "the proxy's", err, tt.server)
				if err != nil && !NeverSent(err) {
					t.Error("something may have been sent to a stranger")
				}
				s = serveTLS(t, &tls.Config{
					MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{good},
					ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: root.pool,
				})
				_, err = s.call(t, root.pool, certificate)
				s.judge(t, "ours", err, tt.client)
			})
		}
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		s := serveTLS(t, &tls.Config{
			Certificates: []tls.Certificate{root.issue(t, rsaKeys(), nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: root.pool,
		})
		_, err := s.call(t, root.pool, tls.Certificate{})
		s.judge(t, "ours", err, false)
	})
}

func (s *ssp) judge(t *testing.T, whose string, err error, good bool) {
	t.Helper()
	if (err == nil) != good || (s.handled.Load() > 0) != good {
		t.Errorf("%s: %v and %d requests, want a connection: %v", whose, err, s.handled.Load(), good)
	}
	if err != nil {
		wantReason(t, err, pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
	}
}

func TestThereIsOneHandshakeForAConnectionAndNothingIsResumed(t *testing.T) {
	t.Parallel()
	root := newAuthority(t)
	certificate := root.issue(t, rsaKeys(), nil)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}})
	u, err := s.call(t, root.pool, certificate)
	for range 9 {
		if err == nil {
			err = s.ask(t, u)
		}
	}
	if err != nil || s.handled.Load() != 10 || s.handshakes.Load() != 1 {
		t.Errorf("%d handshakes for %d requests, %v", s.handshakes.Load(), s.handled.Load(), err)
	}
	u.Close()
	if err := s.ask(t, u); err != nil || s.handshakes.Load() != 2 || s.resumed {
		t.Errorf("%d handshakes, resumed: %v, %v", s.handshakes.Load(), s.resumed, err)
	}
}
