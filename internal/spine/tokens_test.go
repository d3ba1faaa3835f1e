package spine

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/simulator"
)

// sharedKeys are made once: RSA keys are the slow part of a start.
var sharedKeys = sync.OnceValues(simulator.GenerateKeys)

// embedded starts the embedded Spine on pipes.
func embedded(t *testing.T, o simulator.Options) (*simulator.Spine, *simulator.Memory) {
	t.Helper()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	memory := &simulator.Memory{}
	o.Keys, o.Network = keys, memory
	spine, err := simulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := spine.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return spine, memory
}

// tokensFor is a source of tokens of the embedded Spine, with changes.
func tokensFor(t *testing.T, s *simulator.Spine, m *simulator.Memory, change func(*TokensConfig)) *Tokens {
	t.Helper()
	app, err := s.Application()
	if err != nil {
		t.Fatal(err)
	}
	c := TokensConfig{
		Upstream: Config{
			BaseURL: s.TokenURL(), Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Dial: m.DialContext,
			TLS: (&service{pool: s.RootPool()}).tls(),
			Before: func(context.Context, Access) error {
				t.Error("a token fetch is no access")
				return nil
			},
		},
		APIKey: app.APIKey, Key: SigningKey{ID: app.KeyID, Signer: app.Key},
	}
	if change != nil {
		change(&c)
	}
	tokens, err := NewTokens(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	return tokens
}

func TestTokens(t *testing.T) {
	bubble(t, "are shared until a minute is left", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens := tokensFor(t, s, m, nil)
		ask := func() string {
			token, err := tokens.Token(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		first := ask()
		for range 53 { // 530 of 599 seconds
			time.Sleep(10 * time.Second)
			if ask() != first {
				t.Error("a token with more than a minute left was thrown away")
			}
		}
		time.Sleep(15 * time.Second)
		if ask() != first {
			t.Error("somebody had to wait although the last token was still good")
		}
		synctest.Wait()
		if ask() == first || len(s.Transcript().Of(simulator.Token)) != 2 {
			t.Error("a token with less than a minute left was given out")
		}
	})
	bubble(t, "one fetch for all who ask", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		tokens := tokensFor(t, s, m, nil)
		impatient, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		go func() {
			_, err := tokens.Token(impatient, nil)
			wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED)
		}()
		synctest.Wait()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := tokens.Token(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := len(s.Transcript().Of(simulator.Token)); got != 1 {
			t.Errorf("%d fetches; and the one who began it had given up", got)
		}
	})
	bubble(t, "a new assertion for each attempt", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Status: 503, Times: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := tokensFor(t, s, m, nil).Token(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		sent := s.Transcript().Of(simulator.Token)
		if len(sent) != 2 || sent[0].JWT.Claims["jti"] == sent[1].JWT.Claims["jti"] {
			t.Errorf("%d attempts; the same jti twice", len(sent))
		}
		if got := sent[1].Header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
			t.Errorf("Content-Type = %q", got)
		}
	})
}

func TestTokensRefused(t *testing.T) {
	const refused = pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		change   func(*TokensConfig)
		fault    simulator.Fault
		reason   pb.ErrorReason
		code     string
		attempts int
	}{
		{"unknown application", func(c *TokensConfig) { c.APIKey = "nobody" }, simulator.Fault{}, refused, "INVALID_REQUEST", 1},
		{"unknown key", func(c *TokensConfig) { c.Key.ID = "none" }, simulator.Fault{}, refused, "INVALID_REQUEST", 1},
		{"wrong key", func(c *TokensConfig) { c.Key.Signer = other }, simulator.Fault{}, refused, "PUBLIC_KEY_ERROR", 1},
		{"no public key", func(c *TokensConfig) { c.APIKey = simulator.APIKeyWithoutPublicKey }, simulator.Fault{}, refused, "PUBLIC_KEY_ERROR", 1},
		{"unreachable keys", func(c *TokensConfig) { c.APIKey = simulator.APIKeyWithUnreachableJWKS }, simulator.Fault{}, refused, "PUBLIC_KEY_ERROR", 1},
		{"no scope", func(c *TokensConfig) { c.APIKey = simulator.APIKeyWithoutScope }, simulator.Fault{}, refused, "UNAUTHORIZED_CLIENT", 1},
		{"rate limit", nil, simulator.Fault{Status: 429}, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, "", 2},
		{"down", nil, simulator.Fault{Status: 503}, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, "", 2},
		{"reset", nil, simulator.Fault{Reset: true}, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, "", 2},
		{"not JSON", nil, simulator.Fault{Status: 200, Body: "<html>"}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, "", 1},
		{"no token", nil, simulator.Fault{Status: 200, Body: `{"expires_in":"599","token_type":"Bearer"}`}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, "", 1},
		{"a token that is a header", nil, simulator.Fault{Status: 200, Body: `{"access_token":"a\r\nB: c","expires_in":"599","token_type":"Bearer"}`}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, "", 1},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s, m := embedded(t, simulator.Options{})
			if tt.fault != (simulator.Fault{}) {
				tt.fault.Upstream = simulator.Token
				if _, err := s.Faults().Set(tt.fault); err != nil {
					t.Fatal(err)
				}
			}
			_, err := tokensFor(t, s, m, tt.change).Token(t.Context(), nil)
			wantReason(t, err, pb.Hop_HOP_TOKEN, tt.reason)
			if tt.code != "" {
				if d := fault.Detail(err, nil).GetUpstreamIssues(); len(d) != 1 || d[0].GetIssueCode() != tt.code {
					t.Errorf("issues = %v", d)
				}
			}
			if got := len(s.Transcript().Of(simulator.Token)); got != tt.attempts {
				t.Errorf("%d attempts, want %d", got, tt.attempts)
			}
		})
	}
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewTokens(TokensConfig{APIKey: "a", Key: SigningKey{ID: "b", Signer: elliptical}}); err == nil {
		t.Error("a key that cannot sign RS512 was accepted")
	}
}

// explodingSigner is a device whose driver has a fault.
type explodingSigner struct{ crypto.Signer }

func (explodingSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { panic("CANARY") }

// A fetch has a goroutine of its own, where a panic would end the process.
func TestAPanicInAFetchIsAnError(t *testing.T) {
	bubble(t, "and the next fetch is a new one", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		tokens := tokensFor(t, s, m, func(c *TokensConfig) { c.Key.Signer = explodingSigner{c.Key.Signer} })
		reports := 0
		ctx := guard.NewContext(t.Context(), func(context.Context, any) { reports++ })
		for range 2 {
			_, err := tokens.Token(ctx, nil)
			wantReason(t, err, pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL)
		}
		if reports != 2 || len(s.Transcript().Of(simulator.Token)) != 0 {
			t.Errorf("%d reports, want one for each fetch", reports)
		}
	})
}

func TestReadGrantTakesTextAndNumber(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, life := range []string{`"599"`, `599`} {
		got, err := readGrant([]byte(`{"access_token":"aK9f_2Lq","expires_in":`+life+`,"token_type":"Bearer","x":{}}`), at)
		if want := (grant{token: "aK9f_2Lq", expires: at.Add(599 * time.Second)}); err != nil || got != want {
			t.Errorf("expires_in %s: %+v, %v", life, got, err)
		}
		got, err = readGrant([]byte(`{"access_token":"a1","expires_in":60,"token_type":"bearer","refresh_token":"r1","refresh_token_expires_in":`+
			life+`}`), at)
		if err != nil || got.refresh != "r1" || !got.refreshUntil.Equal(at.Add(599*time.Second)) {
			t.Errorf("refresh_token_expires_in %s: %+v, %v", life, got, err)
		}
	}
}

// patientRequest asks the embedded PDS through tokens.
func patientRequest(t *testing.T, s *simulator.Spine, m *simulator.Memory, tokens *Tokens) (*Upstream, *Request) {
	t.Helper()
	u := open(t, Config{
		Hop: pb.Hop_HOP_PDS, BaseURL: s.PDSURL(), Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Dial: m.DialContext,
		TLS: (&service{pool: s.RootPool()}).tls(), Tokens: tokens,
	})
	return u, &Request{
		Method: http.MethodGet, URL: s.PDSURL() + "/Patient/9990000018", Template: "/Patient/{id}", Repeatable: true,
		RequestID: "11111111-1111-4111-8111-111111111111", CorrelationID: CorrelationID(t.Context()),
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	bubble(t, "and the request repeated under its own id", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		u, q := patientRequest(t, s, m, tokensFor(t, s, m, nil))
		if _, err := fetch(t.Context(), u, q); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Status: 401, Times: 1}); err != nil {
			t.Fatal(err)
		}
		q.Limits.Attempts = 1 // a renewal is no retry
		if _, err := fetch(t.Context(), u, q); err != nil {
			t.Error(err)
		}
		asked := s.Transcript().Of(simulator.PDS)
		if len(asked) != 3 || asked[1].Header.Get("Authorization") == asked[2].Header.Get("Authorization") ||
			asked[1].Header.Get("X-Request-Id") != asked[2].Header.Get("X-Request-Id") {
			t.Errorf("PDS received %d requests", len(asked))
		}
	})
	bubble(t, "and then it gives up", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		u, q := patientRequest(t, s, m, tokensFor(t, s, m, nil))
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Status: 401}); err != nil {
			t.Fatal(err)
		}
		_, err := fetch(t.Context(), u, q)
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED)
		if p, k := len(s.Transcript().Of(simulator.PDS)), len(s.Transcript().Of(simulator.Token)); p != 2 || k != 2 {
			t.Errorf("PDS received %d requests and the token service %d, want 2 and 2", p, k)
		}
	})
	bubble(t, "a failure to get one is the token's, and nothing was sent", func(t *testing.T) {
		s, m := embedded(t, simulator.Options{})
		u, q := patientRequest(t, s, m, tokensFor(t, s, m, func(c *TokensConfig) { c.APIKey = "nobody" }))
		_, err := fetch(t.Context(), u, q)
		wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED)
		if !NeverSent(err) || len(s.Transcript().Of(simulator.PDS)) != 0 {
			t.Error("PDS was asked without a token")
		}
	})
}
