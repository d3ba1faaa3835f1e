package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// The gateway is killed with SIGKILL between sending a booking and its answer. Whoever makes the same call to the next
// process learns what became of it, and nothing is sent twice. This is the real program with a real configuration, in
// front of a Spine that survives it.
func TestAGatewayThatIsKilledWhileBookingDoesNotBookTwice(t *testing.T) {
	for _, tt := range []struct {
		name string
		// fault holds the booking: the practice has done its work (After), or has not been asked.
		fault simulator.Fault
		// books says whether the practice holds an appointment in the end.
		books bool
		// then is what the same call is told by the next process.
		outcome pb.BookingOutcome
		reason  pb.ErrorReason
	}{
		{
			name:    "the practice had booked",
			fault:   simulator.Fault{Upstream: simulator.Provider, Interaction: nhs.CreateAppointment, After: true, Hold: true, Times: 1},
			books:   true,
			outcome: pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED,
		},
		{
			name: "the practice had not heard of it",
			// Held at the proxy, which then fails: the request goes no further.
			fault:  simulator.Fault{Upstream: simulator.Proxy, Interaction: nhs.CreateAppointment, Hold: true, Status: http.StatusServiceUnavailable, Times: 1},
			reason: pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPremises(t)
			gateway := p.start(t)
			slot := gateway.firstSlot(t)
			rule, err := p.spine.Faults().Set(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			req := booking("9990000018", slot)
			done := make(chan error, 1)
			go func() {
				_, err := gateway.client.BookAppointment(gateway.ctx, req)
				done <- err
			}()
			<-rule.Reached()
			gateway.kill(t)
			if err := <-done; err == nil {
				t.Fatal("the killed gateway answered")
			}
			rule.Release()

			answer, err := p.start(t).client.BookAppointment(gateway.ctx, req)
			if tt.reason != 0 {
				wantFailure(t, err, codes.Unknown, tt.reason, pb.Hop_HOP_PROVIDER)
			} else if err != nil || answer.GetOutcome() != tt.outcome {
				t.Errorf("the next process says %v, %v", answer.GetOutcome(), err)
			}
			servertest.Judge(t, p.spine.Transcript().All())
			if n := len(p.spine.Transcript().With(simulator.Proxy, nhs.CreateAppointment)); n != 1 {
				t.Errorf("%d requests were sent", n)
			}
			if n := len(p.spine.Bookings(ods(t, "A20047"))); (n == 1) != tt.books {
				t.Errorf("the practice holds %d bookings", n)
			}
		})
	}
}

// premises are where one gateway after another runs: its files, its Spine, and an issuer of tokens.
type premises struct {
	dir    string
	binary string
	spine  *simulator.Spine
	token  string
}

func newPremises(t *testing.T) *premises {
	t.Helper()
	p := &premises{dir: t.TempDir()}
	p.binary = filepath.Join(p.dir, "server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, "../../cmd/server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	var err error
	if p.spine, err = simulator.Start(t.Context(), simulator.Options{Keys: servertest.Keys(t)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.spine.Close(); err != nil {
			t.Error(err)
		}
	})
	p.issue(t)
	app, err := p.spine.Application()
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "app.pem", app.KeyPEM)
	p.write(t, "app.key", []byte(app.APIKey))
	p.write(t, "sds.key", []byte(p.spine.DirectoryKey()))
	p.write(t, "ca.pem", p.spine.RootCAs())
	p.write(t, "client.pem", p.spine.Client().CertificatePEM)
	p.write(t, "client.key", p.spine.Client().KeyPEM)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	p.write(t, "seal.key", fmt.Appendf(nil, "%x\n", key))
	return p
}

func (p *premises) write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue makes an issuer with a published key, and a token of it for a named human.
func (p *premises) issue(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	jwks := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","use":"sig","alg":"ES256","x":%q,"y":%q}]}`,
		encode(point[1:33]), encode(point[33:]))
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(jwks))
	}))
	t.Cleanup(issuer.Close)
	p.write(t, "issuer.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}))
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": "https://login.example", "aud": "spinegate", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": "1",
		"sub": "u-1", "family_name": "EXAMPLE", "given_name": "Chris", "ods_code": "Q8X01",
		"scope": "appointments:read appointments:write",
	})
	token.Header["kid"] = "k1"
	if p.token, err = token.SignedString(key); err != nil {
		t.Fatal(err)
	}
	p.write(t, "config.yaml", []byte(p.config(issuer.URL)))
}

func (p *premises) config(issuer string) string {
	return `environment: SANDBOX
spine:
  caFile: ca.pem
  token: {url: "` + p.spine.TokenURL() + `", apiKeyFile: app.key, keyID: "` + p.keyID() + `", privateKeyFile: app.pem}
  pds: {url: "` + p.spine.PDSURL() + `", requestsPerSecond: 100}
  sds: {url: "` + p.spine.SDSURL() + `", apiKeyFile: sds.key}
  proxy: {url: "` + p.spine.ProxyURL() + `", certificateFile: client.pem, keyFile: client.key, caFile: ca.pem}
system: {url: "https://gateway.spinegate.example", deviceID: gateway-1}
organisations:
  - {ods: Q8X01, name: Example Urgent Care, asid: "200000000115", phone: "01632 960100"}
identity:
  issuers:
    - name: https://login.example
      audience: spinegate
      jwksURL: ` + issuer + `
      caFile: issuer.pem
      algorithms: [ES256]
      organisations: [Q8X01]
audit: {path: audit.db, keyFile: seal.key}
journal: {path: journal.db, keyFile: seal.key}
handles: {keyFiles: [seal.key]}
`
}

func (p *premises) keyID() string {
	app, err := p.spine.Application()
	if err != nil {
		return ""
	}
	return app.KeyID
}

// process is one gateway, as the operating system runs it.
type process struct {
	command *exec.Cmd
	client  pb.GPConnectClient
	ctx     context.Context
}

// start runs the gateway until it serves.
func (p *premises) start(t *testing.T) *process {
	t.Helper()
	address := freeAddress(t)
	command := exec.CommandContext(t.Context(), p.binary, "serve", "--config", "config.yaml", "--listen", address, "--admin", freeAddress(t))
	command.Dir, command.Stderr = p.dir, t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	healthy, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := healthpb.NewHealthClient(conn).Check(healthy, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
		t.Fatal(err)
	}
	return &process{
		command: command, client: pb.NewGPConnectClient(conn),
		ctx: metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+p.token),
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := p.command.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the gateway ended by itself: %v", err)
	}
}

func (p *process) firstSlot(t *testing.T) *pb.Slot {
	t.Helper()
	day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	stream, err := p.client.SearchSlots(p.ctx, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047"}, Start: day, End: day})
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetSlot() != nil {
			return m.GetSlot()
		}
	}
}
