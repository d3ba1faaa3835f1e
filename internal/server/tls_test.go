package server_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/sandbox"
)

// The embedded Spine's client certificate does for a server's here: what matters is who trusts whom.
func TestCallersAreServedOverTLSAndShowACertificateThatIsTrusted(t *testing.T) {
	t.Parallel()
	running, err := sandbox.Start(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Version: "0.0.0-test", Logger: slog.New(slog.DiscardHandler),
		Configure: func(c *config.Config) {
			c.Listen.CertificateFile, c.Listen.KeyFile = c.Spine.Proxy.CertificateFile, c.Spine.Proxy.KeyFile
			c.Listen.ClientCAFile = c.Spine.CAFile
		},
		HTTP: "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	certificate := running.Spine.Client().Certificate

	// No issuer is configured, so a certificate is demanded.
	for _, tt := range []struct {
		name string
		tls  *tls.Config
		want codes.Code
	}{
		{"with a certificate", &tls.Config{Certificates: []tls.Certificate{certificate}}, codes.OK},
		{"without one", &tls.Config{}, codes.Unavailable},
		{"with an old version of TLS", &tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: tls.VersionTLS11}, codes.Unavailable},
	} {
		// The certificate names the gateway's host and is for clients, so its chain and its bytes are compared by hand.
		tt.tls.InsecureSkipVerify = true
		tt.tls.VerifyConnection = func(state tls.ConnectionState) error {
			if !state.PeerCertificates[0].Equal(certificate.Leaf) {
				t.Errorf("%s: the server showed another certificate", tt.name)
			}
			return nil
		}
		conn, err := grpc.NewClient(running.Gateway.Address().String(), grpc.WithTransportCredentials(credentials.NewTLS(tt.tls)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if status.Code(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		overHTTP(t, tt.name, running.Gateway.HTTPAddress(), tt.tls, tt.want == codes.OK)
	}
}

// overHTTP shows the same on the listener for HTTP, with and without HTTP/2.
func overHTTP(t *testing.T, name string, address net.Addr, secure *tls.Config, want bool) {
	t.Helper()
	for _, two := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: secure.Clone(), ForceAttemptHTTP2: two}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address.String()+"/openapi.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(r)
		if (err == nil) != want {
			t.Errorf("%s, over HTTP: %v", name, err)
		}
		if err == nil {
			if (answer.ProtoMajor == 2) != two {
				t.Errorf("%s: it speaks %s", name, answer.Proto)
			}
			_ = answer.Body.Close()
		}
		transport.CloseIdleConnections()
	}
}
