package server

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/spine"
	"github.com/spinegate/spinegate/internal/telemetry"
)

// root is an authority of a test.
type root struct {
	certificate *x509.Certificate
	key         crypto.Signer
	text        []byte
}

func newRoot(t *testing.T, name string, until time.Time) *root {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, SubjectKeyId: []byte(name),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	r := &root{key: key, text: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	if r.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *root) issue(t *testing.T, changes ...func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"pds.spine.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, change := range changes {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, r.certificate, key.Public(), r.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func writeFile(t *testing.T, path string, parts ...[]byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An upstream moves from one authority to another, in the order of docs/decisions/0011, while it is asked all the time: no
// request fails, and in the end the first authority is trusted no more.
func TestAuthoritiesRotateUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newRoot(t, "first", time.Now().Add(24*time.Hour)), newRoot(t, "second", time.Now().Add(24*time.Hour))
		file := filepath.Join(t.TempDir(), "ca.pem")
		writeFile(t, file, first.text)
		trusted, err := newAuthorities(config.File(file), quiet())
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		shown, handshakes := first.issue(t), 0
		show := func(c *tls.Certificate) {
			mu.Lock()
			defer mu.Unlock()
			shown = c
		}
		memory := &simulator.Memory{}
		listener, err := memory.Listen(t.Context(), simulator.PDS)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{
			ReadHeaderTimeout: time.Minute,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "close") // a handshake each
				_, _ = io.WriteString(w, "{}")
			}),
			TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				mu.Lock()
				defer mu.Unlock()
				handshakes++
				return shown, nil
			}},
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		}
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
		upstream, err := spine.New(spine.Config{
			Hop: pb.Hop_HOP_PDS, BaseURL: "https://pds.spine.example", Environment: pb.Environment_ENVIRONMENT_EMBEDDED,
			Roots: trusted.pool, Dial: memory.DialContext, Limits: spine.Limits{Attempts: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func() error {
			answer, err := upstream.Do(t.Context(), &spine.Request{Method: http.MethodGet, URL: "https://pds.spine.example/x", Template: "/x"})
			if err != nil {
				return err
			}
			return answer.Body.Close()
		}
		ctx, stop := context.WithCancel(t.Context())
		var loads sync.WaitGroup
		for range 4 {
			loads.Go(func() {
				for ctx.Err() == nil {
					if err := ask(); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second)
				}
			})
		}
		time.Sleep(time.Minute)
		writeFile(t, file, first.text, second.text[:len(second.text)/2]) // half written: what was read before stays
		time.Sleep(time.Minute)
		writeFile(t, file, first.text, second.text)
		time.Sleep(time.Minute)
		show(second.issue(t))
		time.Sleep(time.Minute)
		writeFile(t, file, second.text)
		time.Sleep(time.Minute)
		stop()
		loads.Wait()
		if handshakes < 4*5*59 {
			t.Errorf("only %d handshakes", handshakes)
		}
		show(first.issue(t))
		if ask() == nil {
			t.Error("the first authority is still trusted")
		}
		upstream.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
		time.Sleep(10 * time.Second) // ends of a pipe that close at once wait for each other
	})
}

// Callers' authorities change in the same way, and nobody resumes past the change.
func TestCallersAuthoritiesFollowTheirFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newRoot(t, "first", time.Now().Add(24*time.Hour)), newRoot(t, "second", time.Now().Add(24*time.Hour))
		dir := t.TempDir()
		certificateFile, keyFile := issue(t, dir, "gateway.example", time.Now(), time.Now().Add(24*time.Hour))
		file := filepath.Join(dir, "callers.pem")
		writeFile(t, file, first.text)
		g := &Gateway{log: quiet(), config: config.Config{Listen: config.Listen{
			CertificateFile: config.File(certificateFile), KeyFile: config.SecretFile(keyFile), ClientCAFile: config.File(file),
		}}}
		secure, err := g.callersTLS()
		if err != nil {
			t.Fatal(err)
		}
		sessions := map[*root]tls.ClientSessionCache{first: tls.NewLRUClientSessionCache(1), second: tls.NewLRUClientSessionCache(1)}
		shake := func(r *root) error {
			ours, theirs := net.Pipe()
			server := tls.Server(ours, secure)
			client := tls.Client(theirs, &tls.Config{
				InsecureSkipVerify: true, Certificates: []tls.Certificate{*r.issue(t)}, ClientSessionCache: sessions[r], ServerName: "gateway.example",
			})
			var talking sync.WaitGroup
			talking.Go(func() {
				_, _ = io.Copy(io.Discard, client) // session tickets come here
			})
			err := server.HandshakeContext(t.Context())
			if err == nil && server.ConnectionState().DidResume {
				t.Error("a session was resumed")
			}
			_ = ours.Close()
			_ = theirs.Close()
			talking.Wait()
			return err
		}
		judge := func(r *root, good bool) {
			t.Helper()
			if err := shake(r); (err == nil) != good {
				t.Errorf("%s: %v, want it to be trusted: %v", r.certificate.Subject.CommonName, err, good)
			}
		}
		judge(first, true)
		judge(second, false)
		writeFile(t, file, first.text, second.text)
		judge(second, false) // nobody looks that often
		time.Sleep(lookEvery)
		judge(second, true)
		judge(first, true)
		writeFile(t, file, second.text)
		time.Sleep(lookEvery)
		judge(first, false)
		judge(second, true)
	})
}

// What callers may show, where a certificate is all that they have (trust contract, T16). The other direction, and the proxy's, are
// in package spine.
func TestCallersAreTakenWithCertificatesThatAreRight(t *testing.T) {
	t.Parallel()
	now := time.Now()
	trusted, stranger := newRoot(t, "trusted", now.Add(day)), newRoot(t, "stranger", now.Add(day))
	dir := t.TempDir()
	certificateFile, keyFile := issue(t, dir, "gateway.example", now.Add(-time.Hour), now.Add(day))
	file := filepath.Join(dir, "callers.pem")
	writeFile(t, file, trusted.text)
	for _, tt := range []struct {
		name        string
		certificate *tls.Certificate // nil is none
		version     uint16
		with        bool // taken where there are issuers of tokens as well
		alone       bool // taken where there are none
	}{
		{"right", trusted.issue(t), 0, true, true},
		{"right, TLS 1.2", trusted.issue(t), tls.VersionTLS12, true, true},
		{"right, TLS 1.1", trusted.issue(t), tls.VersionTLS11, false, false},
		{"none", nil, 0, true, false},
		{"a stranger's", stranger.issue(t), 0, false, false},
		{"expired", trusted.issue(t, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }), 0, false, false},
		{"not good yet", trusted.issue(t, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }), 0, false, false},
		{"for servers", trusted.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), 0, false, false},
	} {
		for _, alone := range []bool{false, true} {
			c := config.Config{Listen: config.Listen{
				CertificateFile: config.File(certificateFile), KeyFile: config.SecretFile(keyFile), ClientCAFile: config.File(file),
			}}
			want := tt.alone
			if !alone {
				c.Identity.Issuers, want = []config.Issuer{{}}, tt.with
			}
			secure, err := (&Gateway{log: quiet(), config: c}).callersTLS()
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := net.Pipe()
			client := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tt.version}
			if tt.certificate != nil {
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return tt.certificate, nil }
			}
			var talking sync.WaitGroup
			talking.Go(func() { _, _ = io.Copy(io.Discard, tls.Client(theirs, client)) })
			if err := tls.Server(ours, secure).HandshakeContext(t.Context()); (err == nil) != want {
				t.Errorf("%s, alone %v: %v, want it to be taken: %v", tt.name, alone, err, want)
			}
			_ = ours.Close()
			_ = theirs.Close()
			talking.Wait()
		}
	}
}

func TestABundleIsReadWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	a, b := newRoot(t, "a", time.Now().Add(time.Hour)), newRoot(t, "b", time.Now().Add(time.Hour))
	spoilt := bytes.Replace(b.text, []byte("MII"), []byte("AAA"), 1)
	for name, tt := range map[string]struct {
		text []byte
		want string // "" is good
	}{
		"two, with words between":   {bytes.Join([][]byte{[]byte("# first\n"), a.text, []byte("\nsecond\n"), b.text}, nil), ""},
		"nothing":                   {nil, "no certificate"},
		"words":                     {[]byte("no certificate here"), "no certificate"},
		"the second is cut":         {append(bytes.Clone(a.text), b.text[:100]...), "after certificate 1"},
		"the second is none":        {append(bytes.Clone(a.text), spoilt...), "certificate 2"},
		"the second does not begin": {append(bytes.Clone(a.text), "-----BEGIN"...), "after certificate 1"},
	} {
		file := filepath.Join(t.TempDir(), "ca.pem")
		writeFile(t, file, tt.text)
		_, err := reach.ReadAuthorities(config.File(file))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "what follows", "after"), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// trusting is a gateway with certificates towards the Spine: its own, and one of an organisation.
func trusting(t *testing.T, change func(*config.Config, *root)) *Gateway {
	t.Helper()
	now := time.Now()
	r, shared, own := newRoot(t, "root", now.Add(1000*day)), t.TempDir(), t.TempDir()
	ca := filepath.Join(shared, "ca.pem")
	writeFile(t, ca, r.text)
	certificateFile, keyFile := issue(t, shared, "gateway.example", now, now.Add(100*day))
	ownFile, ownKey := issue(t, own, "trust.example", now, now.Add(40*day))
	g := &Gateway{log: quiet(), config: config.Config{
		System: config.System{URL: "https://Gateway.example"},
		Spine: config.Spine{Proxy: config.Proxy{
			CAFile: config.File(ca), CertificateFile: config.File(certificateFile), KeyFile: config.SecretFile(keyFile),
		}},
		Organisations: []config.Organisation{
			{ODS: "Q8X01", FQDN: "gateway.example"},
			{ODS: "R9Y02", FQDN: "Trust.example", Proxy: config.ClientCertificate{CertificateFile: config.File(ownFile), KeyFile: config.SecretFile(ownKey)}},
		},
	}}
	if change != nil {
		change(&g.config, r)
	}
	return g
}

func TestAGatewayDoesNotStartOnCertificatesThatCannotWork(t *testing.T) {
	t.Parallel()
	now := time.Now()
	pair := func(from, until time.Time) (config.File, config.SecretFile) {
		c, k := issue(t, t.TempDir(), "gateway.example", from, until)
		return config.File(c), config.SecretFile(k)
	}
	for name, tt := range map[string]struct {
		change func(*config.Config, *root)
		want   string // "" is none
	}{
		"what is good":       {nil, ""},
		"no name configured": {func(c *config.Config, _ *root) { c.Organisations[0].FQDN = "" }, ""},
		"another name":       {func(c *config.Config, _ *root) { c.Organisations[0].FQDN = "other.example" }, "organisations[0].fqdn: the client certificate is for another"},
		"the gateway is told to practices as another": {
			func(c *config.Config, _ *root) { c.System.URL = "https://trust.example" }, "system.url: the client certificate is for another",
		},
		"the shared one's name with one's own": {
			func(c *config.Config, _ *root) { c.Organisations[1].FQDN = "gateway.example" }, "organisations[1].fqdn",
		},
		"an expired one": {func(c *config.Config, _ *root) {
			c.Spine.Proxy.CertificateFile, c.Spine.Proxy.KeyFile = pair(now.Add(-day), now.Add(-time.Minute))
		}, "spine.proxy.certificateFile: it expired on"},
		"one that is not good yet": {func(c *config.Config, _ *root) {
			c.Spine.Proxy.CertificateFile, c.Spine.Proxy.KeyFile = pair(now.Add(time.Hour), now.Add(day))
		}, "spine.proxy.certificateFile: it is not good before"},
		"an organisation's expired one": {func(c *config.Config, _ *root) {
			c.Organisations[1].Proxy.CertificateFile, c.Organisations[1].Proxy.KeyFile = pair(now.Add(-day), now.Add(-time.Minute))
		}, "organisations[1].proxy.certificateFile: it expired on"},
		"another's key": {func(c *config.Config, _ *root) {
			c.Organisations[1].Proxy.KeyFile = c.Spine.Proxy.KeyFile
		}, "organisations[1].proxy.certificateFile: load a certificate with its key"},
		"a key without its certificate": {func(c *config.Config, _ *root) {
			c.Organisations[1].Proxy.CertificateFile = ""
		}, "organisations[1].proxy.certificateFile"},
		"no authorities": {func(c *config.Config, _ *root) { c.Spine.Proxy.CAFile = "" }, "spine.proxy.caFile"},
		"an issuer's authorities that are none": {func(c *config.Config, _ *root) {
			c.Identity.Issuers = []config.Issuer{{CAFile: c.Spine.Proxy.CAFile}, {CAFile: config.File(c.Spine.Proxy.KeyFile)}}
		}, "identity.issuers[1].caFile: no certificate in it"},
		"CIS2's authorities that are none": {func(c *config.Config, _ *root) {
			c.Identity.CIS2.CAFile = config.File(c.Spine.Proxy.KeyFile)
		}, "identity.cis2.caFile: no certificate in it"},
	} {
		err := CheckCertificates(trusting(t, tt.change).config)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// lines is a log that is written by one and read by another.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take is what was written since it was asked for last.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// What operators see of the time that certificates have left. Health has no part in it.
func TestOperatorsAreWarnedBeforeACertificateExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := trusting(t, nil)
		var log lines
		g.log = slog.New(slog.NewJSONHandler(&log, nil))
		var err error
		if g.trusted, err = g.readTrust(); err != nil {
			t.Fatal(err)
		}
		reader := sdkmetric.NewManualReader()
		g.telemetry = &telemetry.Telemetry{Meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))}
		life, end := context.WithCancel(t.Context())
		if err := g.watchCertificates(life); err != nil {
			t.Fatal(err)
		}
		left := func() map[string]float64 {
			var all metricdata.ResourceMetrics
			if err := reader.Collect(t.Context(), &all); err != nil {
				t.Fatal(err)
			}
			days := map[string]float64{}
			for _, m := range all.ScopeMetrics[0].Metrics {
				gauge, ok := m.Data.(metricdata.Gauge[float64])
				if !ok || m.Name != CertificateExpiry || m.Unit != "d" {
					t.Fatalf("%s in %s", m.Name, m.Unit)
				}
				for _, p := range gauge.DataPoints {
					key, _ := p.Attributes.Value(certificateKey)
					days[key.AsString()] = p.Value
				}
			}
			return days
		}
		near := func(want map[string]float64) {
			t.Helper()
			got := left()
			for key, days := range want {
				if d := got[key] - days; d < -0.01 || d > 0.01 || len(got) != len(want) {
					t.Errorf("%s has %.2f days, want %.2f; %d in all", key, got[key], days, len(got))
				}
			}
		}
		const own = "organisations[1].proxy.certificateFile"
		near(map[string]float64{"spine.proxy.caFile": 1000, "spine.proxy.certificateFile": 100, own: 40})
		said := func(want ...string) {
			t.Helper()
			synctest.Wait()
			text := log.take()
			if n := strings.Count(text, "\n"); n != len(want) {
				t.Errorf("%d lines, want %d:\n%s", n, len(want), text)
			}
			for _, w := range want {
				if !strings.Contains(text, w) || !strings.Contains(text, own) || !strings.Contains(text, "trust.example") {
					t.Errorf("no %q in:\n%s", w, text)
				}
			}
		}
		said()
		time.Sleep(9*day + time.Minute) // 31 days left
		said()
		time.Sleep(day) // 30
		said(`"days":30`)
		time.Sleep(10 * day) // 20
		said()
		time.Sleep(6 * day) // 14
		said(`"level":"WARN"`)
		time.Sleep(13*day + 2*time.Hour) // 1
		said(`"days":7`, `"days":1}`)
		near(map[string]float64{"spine.proxy.caFile": 1000 - 39.08, "spine.proxy.certificateFile": 100 - 39.08, own: 0.92})
		time.Sleep(2 * day)
		said(`"level":"ERROR","msg":"a certificate has expired"`)
		if got := left()[own]; got > -1 {
			t.Errorf("%.2f days are left of what has expired", got)
		}
		// A renewal says nothing but that it was read.
		issue(t, filepath.Dir(string(g.config.Organisations[1].Proxy.CertificateFile)), "trust.example", time.Now(), time.Now().Add(300*day))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if text := log.take(); strings.Contains(text, "expire") || !strings.Contains(text, "was read again") {
			t.Errorf("after the renewal:\n%s", text)
		}
		if got := left()[own]; got < 299 {
			t.Errorf("%.2f days are left of what was renewed", got)
		}
		end()
		g.serving.Wait()
	})
}

// The authorities of key sets end as well as those of the Spine, and nobody would sign in any more.
func TestOperatorsAreWarnedOfIssuersAuthorities(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, file, newRoot(t, "issuers", time.Now().Add(10*day)).text)
	const nowhere = "https://127.0.0.1:1/jwks"
	g := trusting(t, func(c *config.Config, _ *root) {
		c.Organisations[0].Name, c.Organisations[1].Name = "Example Urgent Care", "Example Community Trust"
		c.Identity = config.Identity{
			Issuers: []config.Issuer{{
				Name: "https://login.example", Audience: "spinegate", JWKSURL: nowhere, Algorithms: []string{"ES256"},
				Organisations: []string{"Q8X01"}, CAFile: config.File(file),
			}},
			CIS2: config.CIS2{Name: "https://cis2.example", Audience: "client", JWKSURL: nowhere, Algorithms: []string{"RS256"}, CAFile: config.File(file)},
		}
	})
	var log lines
	life, end := context.WithCancel(t.Context())
	if _, err := g.believe(life, Options{}); err != nil {
		t.Fatal(err)
	}
	end()
	g.log = slog.New(slog.NewJSONHandler(&log, nil))
	g.warn(t.Context(), make([]warning, len(g.watched)))
	text := log.take()
	for _, key := range []string{"identity.issuers[0].caFile", "identity.cis2.caFile"} {
		if !strings.Contains(text, `"a certificate expires soon","setting":"`+key+`"`) {
			t.Errorf("nothing is said of %s in:\n%s", key, text)
		}
	}
}
