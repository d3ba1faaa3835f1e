package spine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// service is an HTTP server of a test's own, on pipes and in virtual time, for what the embedded Spine never does.
type service struct {
	config Config // how to reach it
	pool   *x509.CertPool
	memory *simulator.Memory

	mu          sync.Mutex
	connections int
	requests    []*http.Request
}

// serve starts a service whose certificate names an organisation.
func serve(t *testing.T, organisation string, handler http.HandlerFunc) *service {
	t.Helper()
	s := &service{memory: &simulator.Memory{}, pool: x509.NewCertPool()}
	listener, err := s.memory.Listen(t.Context(), simulator.PDS)
	if err != nil {
		t.Fatal(err)
	}
	certificate := s.certificate(t, organisation)
	life, end := context.WithCancel(context.WithoutCancel(t.Context()))
	server := &http.Server{
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}},
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			s.requests = append(s.requests, r)
			s.mu.Unlock()
			handler(w, r)
		}),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.connections++
			return ctx
		},
		BaseContext: func(net.Listener) context.Context { return life },
		ErrorLog:    log.New(t.Output(), "", 0),
	}
	go func() {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	}()
	t.Cleanup(func() {
		end()
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	s.config = Config{
		Hop: pb.Hop_HOP_PDS, BaseURL: "https://pds.spine.example/FHIR", Environment: pb.Environment_ENVIRONMENT_EMBEDDED,
		TLS: s.tls(), Dial: s.memory.DialContext,
	}
	return s
}

func (s *service) certificate(t *testing.T, organisation string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{organisation}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"pds.spine.example"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.pool.AddCert(root)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (s *service) tls() *tls.Config {
	return &tls.Config{RootCAs: s.pool, MinVersion: tls.VersionTLS12}
}

func (s *service) received() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.requests...)
}

// open makes the client of a service.
func open(t *testing.T, c Config) *Upstream {
	t.Helper()
	u, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

// get is a request that may be repeated.
func get() *Request {
	return &Request{
		Method: http.MethodGet, URL: "https://pds.spine.example/FHIR/Patient/9990000018", Template: "/Patient/{id}",
		Repeatable: true, RequestID: "11111111-1111-4111-8111-111111111111",
	}
}

// post is one that may not.
func post() *Request {
	return &Request{
		Method: http.MethodPost, URL: "https://pds.spine.example/FHIR/Appointment", Template: "/Appointment", Body: []byte(`{}`),
	}
}

// fetch sends a request and reads the answer whole.
func fetch(ctx context.Context, u *Upstream, q *Request) (string, error) {
	answer, err := u.Do(ctx, q)
	if err != nil {
		return "", err
	}
	text, err := answer.Body.ReadAll()
	return string(text), err
}

// statuses answers with these one after the other, then 200.
func statuses(all ...int) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(all) == 0 {
			return
		}
		w.WriteHeader(all[0])
		_, _ = w.Write([]byte("a body that has to be drained"))
		all = all[1:]
	}
}

func wantReason(t *testing.T, err error, hop pb.Hop, reason pb.ErrorReason) {
	t.Helper()
	if err == nil {
		t.Fatalf("no failure, want %s", fault.ReasonName(reason))
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("%v is no fault", err)
	}
	if e.Hop != hop || e.Reason != reason {
		t.Errorf("failed with %v (cause %v), want %s at %s", e, errors.Unwrap(e), fault.ReasonName(reason), hop)
	}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// Time stands still once the test has returned. Ends of a pipe that close at the same moment wait for each other
			// until TLS gives up, so they are given the time for it.
			t.Cleanup(func() { time.Sleep(10 * time.Second) })
			f(t)
		})
	})
}

func ods(t *testing.T, code string) nhs.ODSCode {
	t.Helper()
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func asid(t *testing.T, id string) nhs.ASID {
	t.Helper()
	a, err := nhs.ParseASID(id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
