package server_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/ssh/agent"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/spine"
)

// keySetURL is where the public keys are.
const keySetURL = "http://localhost/.well-known/jwks.json"

// write puts a key into a file of a directory, in PEM.
func write(t *testing.T, dir, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writePublic puts the public half of a key into a file.
func writePublic(t *testing.T, dir, name string, key *rsa.PrivateKey) config.File {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return config.File(write(t, dir, name, "PUBLIC KEY", der))
}

// trace traces a patient.
func trace(t *testing.T, g *servertest.Gateway) error {
	t.Helper()
	_, err := g.PatientTrace.TracePatient(g.As(t.Context(), t, "clinician"), &pb.TracePatientRequest{NhsNumber: plain})
	return err
}

// verified takes an assertion to whoever has the key set as it is served now, and returns its kid.
func verified(t *testing.T, set, assertion string) (kid any) {
	t.Helper()
	keys, err := keyfunc.NewJWKSetJSON([]byte(set))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Parse(assertion, keys.Keyfunc, jwt.WithValidMethods([]string{"RS512"}))
	if err != nil {
		t.Error(err)
		return nil
	}
	return token.Header["kid"]
}

// A key is published, then signs, then is taken out, in the order of docs/decisions/0010-signing-keys.md; and what cannot
// work changes nothing.
func TestTheSigningKeyIsRotatedWithoutARestart(t *testing.T) {
	t.Parallel()
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set, err := spine.KeySet(spine.PublicKey{ID: "next-1", Key: &next.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(next)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithSpine(func(o *simulator.Options) { o.JWKS = set }))
		first, dir := servertest.Keys(t).Application, t.TempDir()
		secretFile := config.SecretFile(write(t, dir, "next.key", "PRIVATE KEY", private))
		nextFile, firstFile := writePublic(t, dir, "next.pub", next), writePublic(t, dir, "first.pub", first)
		open := config.SecretFile(write(t, dir, "open.key", "PRIVATE KEY", private))
		if err := os.Chmod(string(open), 0o644); err != nil {
			t.Fatal(err)
		}

		published := func(want ...string) string {
			t.Helper()
			code, body := ask(t, g, http.MethodGet, keySetURL)
			if code != http.StatusOK || strings.Count(body, `"kid"`) != len(want) || strings.Contains(body, `"d"`) {
				t.Errorf("%d: %d keys, want %d", code, strings.Count(body, `"kid"`), len(want))
			}
			for _, kid := range want {
				if !strings.Contains(body, `"`+kid+`"`) {
					t.Errorf("%s is not published", kid)
				}
			}
			return body
		}
		signs := func(want, set string) {
			t.Helper()
			time.Sleep(10 * time.Minute) // a token's life
			if err := trace(t, g); err != nil {
				t.Error(err)
			}
			sent := g.Spine.Transcript().Of(simulator.Token)
			if kid := verified(t, set, sent[len(sent)-1].JWT.Raw); kid != want {
				t.Errorf("signed with %v, want %s", kid, want)
			}
		}
		reload := func(change func(*config.Config)) {
			t.Helper()
			if err := g.Reload(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}

		signs("simulated-1", published("simulated-1"))
		reload(func(c *config.Config) {
			c.Spine.Token.AlsoPublish = []config.PublicKey{{KeyID: "next-1", PublicKeyFile: nextFile}}
		})
		both := published("simulated-1", "next-1")
		signs("simulated-1", both)

		for name, tt := range map[string]struct {
			change func(*config.Config)
			want   string
		}{
			"no file":              {func(c *config.Config) { c.Spine.Token.PrivateKeyFile += ".gone" }, "spine.token.privateKeyFile"},
			"a file for everybody": {func(c *config.Config) { c.Spine.Token.PrivateKeyFile = open }, "chmod o-rwx"},
			"another key's kid":    {func(c *config.Config) { c.Spine.Token.PrivateKeyFile = secretFile }, "a new key needs a new kid"},
			"an agent that is absent": {func(c *config.Config) {
				c.Spine.Token.PrivateKeyFile, c.Spine.Token.AgentSocket, c.Spine.Token.PublicKeyFile = "", filepath.Join(dir, "none"), firstFile
			}, "reach the agent"},
			"a private key to publish": {func(c *config.Config) {
				c.Spine.Token.AlsoPublish = []config.PublicKey{{KeyID: "next-1", PublicKeyFile: config.File(secretFile)}}
			}, "alsoPublish[0].publicKeyFile: not a PEM file with a PUBLIC KEY"},
			"a private key by another name": {func(c *config.Config) {
				file := config.File(write(t, dir, "mistaken.pub", "PUBLIC KEY", private))
				c.Spine.Token.AlsoPublish = []config.PublicKey{{KeyID: "next-1", PublicKeyFile: file}}
			}, "not a public key in PKIX form"},
			"a kid twice": {func(c *config.Config) {
				c.Spine.Token.AlsoPublish = []config.PublicKey{{KeyID: "simulated-1", PublicKeyFile: firstFile}}
			}, "another one has this id"},
			"no rate": {func(c *config.Config) {
				c.Spine.Token.KeyID, c.Spine.Token.PrivateKeyFile, c.Spine.PDS.RequestsPerSecond = "next-1", secretFile, 0
			}, "spine.pds.requestsPerSecond"},
			"no application": {func(c *config.Config) { c.Spine.Token = config.Token{} }, "restart"},
		} {
			if err := g.Reload(t.Context(), tt.change); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
			if published("simulated-1", "next-1") != both {
				t.Errorf("%s: other keys are published", name)
			}
		}
		signs("simulated-1", both)

		reload(func(c *config.Config) {
			c.Spine.Token.KeyID, c.Spine.Token.PrivateKeyFile = "next-1", secretFile
			c.Spine.Token.AlsoPublish = []config.PublicKey{{KeyID: "simulated-1", PublicKeyFile: firstFile}}
		})
		if !strings.Contains(g.Log.String(), `"from":"simulated-1","to":"next-1"`) {
			t.Error("the log does not name the keys")
		}
		signs("next-1", published("next-1", "simulated-1"))
		reload(func(c *config.Config) { c.Spine.Token.KeyID, c.Spine.Token.PrivateKeyFile = "next-1", secretFile })
		signs("next-1", published("next-1"))
	})
}

func TestTheKeySetMayBeKeptForAMoment(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, keySetURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := g.Admin.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "public, max-age=300"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestTheKeyCanLiveBehindAnAgent(t *testing.T) {
	t.Parallel()
	key, dir := servertest.Keys(t).Application, t.TempDir()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "agent")
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(t.Context()), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_ = agent.ServeAgent(ring, conn) // it ends with the connection
			_ = conn.Close()
		}
	})
	defer serving.Wait()
	defer listener.Close()
	public := writePublic(t, dir, "key.pub", key)
	behind := func(c *config.Config) {
		c.Spine.Token.PrivateKeyFile, c.Spine.Token.AgentSocket, c.Spine.Token.PublicKeyFile = "", socket, public
	}

	g := servertest.Start(t, servertest.WithConfig(behind))
	if err := trace(t, g); err != nil {
		t.Fatal(err)
	}
	_, set := ask(t, g, http.MethodGet, keySetURL)
	if kid := verified(t, set, g.Spine.Transcript().Of(simulator.Token)[0].JWT.Raw); kid != "simulated-1" {
		t.Errorf("signed with %v", kid)
	}
	if err := ring.Lock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := g.Reload(t.Context(), func(*config.Config) {}); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("with the agent locked: %v", err)
	}
}
