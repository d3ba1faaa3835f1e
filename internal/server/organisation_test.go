package server_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/server"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// community is the index of the second organisation of the sandbox, of which the nurse is.
const community = 1

// ownApplication gives that organisation an application of its own, which the simulator knows by the same key.
func ownApplication(t *testing.T) func(*config.Config) {
	t.Helper()
	apiKey := filepath.Join(t.TempDir(), "own.apikey")
	if err := os.WriteFile(apiKey, []byte(simulator.APIKeyWithoutUserScope), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) {
		o := &c.Organisations[community]
		o.Token = c.Spine.Token.Application()
		o.Token.APIKeyFile = config.SecretFile(apiKey)
	}
}

func TestAnOrganisationIsBoundByItsConfiguration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithConfig(func(c *config.Config) {
			c.Organisations[community].Methods, c.Organisations[community].Limit = []string{"spinegate.v1.PatientTrace"}, 2
		}))
		nurse := g.As(t.Context(), t, "nurse")
		_, err := g.GPConnect.GetCapabilities(nurse, &pb.GetCapabilitiesRequest{OdsCode: "A20047"})
		if status.Code(err) != codes.PermissionDenied || len(g.Spine.Transcript().All()) > 0 {
			t.Errorf("what it may not call: %v, %d requests", err, len(g.Spine.Transcript().All()))
		}
		ask := func() error {
			_, err := g.PatientTrace.TracePatient(nurse, &pb.TracePatientRequest{NhsNumber: plain})
			return err
		}
		if err := ask(); err != nil {
			t.Error(err)
		}
		if err := ask(); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("past its limit: %v", err)
		}
		if err := trace(t, g); err != nil {
			t.Errorf("another organisation: %v", err)
		}
		time.Sleep(time.Second)
		if err := ask(); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

// Each application has its own tokens, its own quota at PDS, and its own page of keys.
func TestAnOrganisationsOwnApplication(t *testing.T) {
	t.Parallel()
	own := ownApplication(t)
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithConfig(func(c *config.Config) {
			own(c)
			c.Organisations[community].Token.KeyID = "simulated-1"
			c.Organisations[community].PDSRequestsPerSecond = 1
		}))
		const page = "http://localhost/.well-known/R9Y02/jwks.json"
		code, body := ask(t, g, http.MethodGet, page)
		if code != http.StatusOK || strings.Count(body, `"kid"`) != 1 {
			t.Errorf("%d %s", code, body)
		}
		if code, _ := ask(t, g, http.MethodGet, "http://localhost/.well-known/Q8X01/jwks.json"); code != http.StatusNotFound {
			t.Errorf("an organisation without an application has a page of keys: %d", code)
		}
		nurse := g.As(t.Context(), t, "nurse")
		took := func() time.Duration {
			t.Helper()
			begun := time.Now()
			for range 10 {
				if _, err := g.PatientTrace.TracePatient(nurse, &pb.TracePatientRequest{NhsNumber: plain}); err != nil {
					t.Error(err)
				}
			}
			return time.Since(begun)
		}
		if d := took(); d < 7*time.Second || d > 10*time.Second {
			t.Errorf("ten requests at one a second took %v", d)
		}
		begun := time.Now()
		for range 10 {
			if err := trace(t, g); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(begun); d > time.Second {
			t.Errorf("another organisation waited %v for this one's quota", d)
		}
		issuers := map[any]int{}
		for _, x := range g.Spine.Transcript().Of(simulator.Token) {
			issuers[x.JWT.Claims["iss"]]++
		}
		if len(issuers) != 2 || issuers[simulator.APIKey] != 1 || issuers[simulator.APIKeyWithoutUserScope] != 1 {
			t.Errorf("tokens were asked for by %v", issuers)
		}

		file := writePublic(t, t.TempDir(), "next.pub", servertest.Keys(t).CIS2)
		if err := g.Reload(t.Context(), func(c *config.Config) {
			c.Organisations[community].PDSRequestsPerSecond = 100
			c.Organisations[community].Token.AlsoPublish = []config.PublicKey{{KeyID: "next-1", PublicKeyFile: file}}
		}); err != nil {
			t.Fatal(err)
		}
		if _, body := ask(t, g, http.MethodGet, page); strings.Count(body, `"kid"`) != 2 {
			t.Errorf("published after the reload:\n%s", body)
		}
		if _, body := ask(t, g, http.MethodGet, keySetURL); strings.Contains(body, "next-1") {
			t.Error("the key is published for another application too")
		}
		if d := took(); d > 2*time.Second {
			t.Errorf("ten requests at a hundred a second took %v", d)
		}

		for name, tt := range map[string]struct {
			change func(*config.Config)
			want   string
		}{
			"no such organisation": {func(c *config.Config) { c.Organisations = c.Organisations[:community] }, "R9Y02 is missing"},
			"no application":       {func(c *config.Config) { c.Organisations[community].Token = config.Application{} }, "organisations[1].token.apiKeyFile: whether"},
			"no key":               {func(c *config.Config) { c.Organisations[community].Token.PrivateKeyFile += ".gone" }, "organisations[1].token.privateKeyFile"},
			"another's API key": {func(c *config.Config) {
				c.Organisations[community].Token.APIKeyFile = c.Spine.Token.APIKeyFile
			}, "organisations[1].token.apiKeyFile: spine.token has this API key"},
			"another's kid": {func(c *config.Config) {
				c.Spine.PDS.RequestsPerSecond = 0.001 // must not be applied
				c.Organisations[community].Token.AlsoPublish = []config.PublicKey{{
					KeyID: "next-1", PublicKeyFile: writePublic(t, t.TempDir(), "other.pub", servertest.Keys(t).Proxy),
				}}
			}, "organisations[1].token: \"next-1\" stands for another key"},
		} {
			if err := g.Reload(t.Context(), tt.change); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
		}
		begun = time.Now()
		for range 5 {
			if err := trace(t, g); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(begun); d > time.Second {
			t.Errorf("a reload that failed slowed requests to %v", d)
		}
	})
}

// Two paths, or one: what counts is the key in them.
func TestApplicationsDoNotShareAnAPIKey(t *testing.T) {
	t.Parallel()
	var loaded config.Config
	_, err := sandbox.Start(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Version: "0.0.0-test", Logger: slog.New(slog.DiscardHandler),
		Spine: simulator.Options{Network: new(simulator.Memory), Keys: servertest.Keys(t)},
		Configure: func(c *config.Config) {
			text, err := os.ReadFile(string(c.Spine.Token.APIKeyFile))
			if err != nil {
				t.Error(err)
			}
			file := filepath.Join(t.TempDir(), "copied.apikey")
			if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
				t.Error(err)
			}
			for i := range c.Organisations {
				c.Organisations[i].Token = c.Spine.Token.Application()
				c.Organisations[i].Token.APIKeyFile = config.SecretFile(file)
			}
			loaded = *c
		},
	})
	for does, err := range map[string]error{"a start": err, "config check": server.CheckKeys(loaded)} {
		if err == nil || !strings.Contains(err.Error(), "organisations[0].token.apiKeyFile: spine.token has this API key") {
			t.Errorf("%s: %v, want a refusal", does, err)
		}
	}
}
