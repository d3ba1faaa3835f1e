package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/spine"
)

func TestNothingIsAskedOutsideOfARecordedCall(t *testing.T) {
	t.Parallel()
	for _, hop := range []pb.Hop{pb.Hop_HOP_PDS, pb.Hop_HOP_SSP} {
		err := evidence(t.Context(), spine.Access{Hop: hop, Method: "GET", Template: "/x"})
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE || !errors.Is(err, audit.ErrNoRecord) {
			t.Errorf("%s: %v, want AUDIT_UNAVAILABLE", hop, err)
		}
	}
	if _, err := (directory{}).Route(t.Context(), sds.Question{}); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE {
		t.Errorf("SDS: %v, want AUDIT_UNAVAILABLE", err)
	}
	if err := evidence(t.Context(), spine.Access{Hop: pb.Hop_HOP_TOKEN}); err != nil {
		t.Errorf("a token belongs to no call: %v", err)
	}
}

// issue writes a self-signed pair for a name into dir.
func issue(t *testing.T, dir, name string, from, until time.Time) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificateFile, keyFile = filepath.Join(dir, "pair.pem"), filepath.Join(dir, "pair.key")
	for file, block := range map[string]*pem.Block{
		certificateFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificateFile, keyFile
}

func TestARenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, now := t.TempDir(), time.Now()
		certificateFile, keyFile := issue(t, dir, "first.example", now, now.Add(time.Hour))
		pair, err := newKeyPair(config.File(certificateFile), config.SecretFile(keyFile), slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		in := func(want string) {
			t.Helper()
			if got := pair.current().Leaf.Subject.CommonName; got != want {
				t.Errorf("%s is in use, want %s", got, want)
			}
		}
		in("first.example")
		issue(t, dir, "second.example", now, now.Add(time.Hour))
		in("first.example") // nobody looks that often
		time.Sleep(lookEvery)
		in("second.example")
		if err := os.WriteFile(keyFile, []byte("half of a"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		in("second.example") // what cannot be read does not take the last good one away
		issue(t, dir, "third.example", now, now.Add(time.Hour))
		time.Sleep(lookEvery)
		in("third.example")
	})
}

func TestClearTextIsForThisMachine(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "0.0.0.0:1": false, "192.0.2.1:1": false} {
		tcp, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := loopback(tcp); got != want {
			t.Errorf("loopback(%s) = %v", address, got)
		}
	}
	listen := config.Listen{Address: "0.0.0.0:0", HTTP: config.HTTP{Address: "0.0.0.0:0"}}
	g := &Gateway{config: config.Config{Listen: listen}, grpc: grpc.NewServer(), log: slog.New(slog.DiscardHandler)}
	if err := g.serve(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "listen.address: clear text") {
		t.Errorf("serve = %v, want a refusal", err)
	}
	if err := g.serveHTTP(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "listen.http.address: clear text") {
		t.Errorf("serveHTTP = %v, want a refusal", err)
	}
}

// failing is a store that can be told to fail.
type failing struct{ err error }

func (f *failing) Healthy() error { return f.err }

func TestHealthIsRedWhileAStoreCannotBeWritten(t *testing.T) {
	t.Parallel()
	trail, journal := &failing{}, &failing{}
	v := newVitals(t.Context(), slog.New(slog.DiscardHandler), trail, journal)
	metrics := sdkmetric.NewManualReader()
	if err := v.measure(sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics)).Meter("test")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no space left")
	const serving, not = grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING
	for _, tt := range []struct {
		name           string
		trail, journal error
		all, practices grpc_health_v1.HealthCheckResponse_ServingStatus
		ready          bool
	}{
		{"both can be written", nil, nil, serving, serving, true},
		{"no trail", broken, nil, not, not, false},
		{"both again", nil, nil, serving, serving, true},
		{"no journal", nil, broken, serving, not, false},
	} {
		trail.err, journal.err = tt.trail, tt.journal
		v.look(t.Context())
		for service, want := range map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{
			"": tt.all, pb.PatientTrace_ServiceDesc.ServiceName: tt.all, pb.GPConnect_ServiceDesc.ServiceName: tt.practices,
		} {
			answer, err := v.server.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
			if err != nil || answer.GetStatus() != want {
				t.Errorf("%s: health of %q = %v, %v, want %v", tt.name, service, answer, err, want)
			}
		}
		if _, ready := v.ready(); ready != tt.ready {
			t.Errorf("%s: ready = %v", tt.name, ready)
		}
		if got, want := writable(t, metrics), map[string]bool{"audit": tt.trail == nil, "journal": tt.journal == nil}; !maps.Equal(got, want) {
			t.Errorf("%s: writable are %v, want %v", tt.name, got, want)
		}
	}
	v.stop()
	trail.err, journal.err = nil, nil
	v.look(t.Context())
	if word, ready := v.ready(); ready || word != "stopping" {
		t.Errorf("after the stop: %q, %v", word, ready)
	}
}

// writable is what the metrics say of each store.
func writable(t *testing.T, metrics *sdkmetric.ManualReader) map[string]bool {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, m := range all.ScopeMetrics[0].Metrics {
		if gauge, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == StoreWritable {
			for _, p := range gauge.DataPoints {
				name, _ := p.Attributes.Value("spinegate.store")
				got[name.AsString()] = p.Value == 1
			}
		}
	}
	return got
}
