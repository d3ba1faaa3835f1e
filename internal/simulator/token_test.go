package simulator_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/simulator"
)

type tokenRefusal struct {
	Status             int
	Error, Description string
}

func (r *rig) refusal(a answer) tokenRefusal {
	r.t.Helper()
	var body map[string]string
	if err := json.Unmarshal(a.body, &body); err != nil {
		r.t.Fatalf("not JSON: %s", a.body)
	}
	if body["message_id"] == "" {
		r.t.Errorf("no message_id in %s", a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		r.t.Errorf("Content-Type is %q", got)
	}
	return tokenRefusal{a.status, body["error"], body["error_description"]}
}

func TestTokenGranted(t *testing.T) {
	r := start(t, simulator.Options{})
	a := r.send(http.MethodPost, r.TokenURL(), form(r.assertion(nil)), "Content-Type", formType)
	var body map[string]any
	if err := json.Unmarshal(a.body, &body); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if token, ok := body["access_token"].(string); !ok || len(token) < 20 || strings.Contains(token, ".") {
		t.Errorf("access_token is %v, want something opaque", body["access_token"])
	}
	if issued, ok := body["issued_at"].(string); !ok || len(issued) != 13 {
		t.Errorf("issued_at is %v, want a string of milliseconds", body["issued_at"])
	}
	delete(body, "access_token")
	delete(body, "issued_at")
	if diff := cmp.Diff(map[string]any{"expires_in": "599", "token_type": "Bearer"}, body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTokenRefusals walks the checks of the PDS contract, 4.1, in their order.
func TestTokenRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) string {
		return r.assertion(func(_, claims map[string]any) {
			if value == nil {
				delete(claims, name)
			} else {
				claims[name] = value
			}
		})
	}
	header := func(name string, value any) string {
		return r.assertion(func(header, _ map[string]any) {
			if value == nil {
				delete(header, name)
			} else {
				header[name] = value
			}
		})
	}
	app := func(apiKey string) string {
		return r.assertion(func(_, claims map[string]any) { claims["iss"], claims["sub"] = apiKey, apiKey })
	}
	const in = " in client_assertion JWT"
	for _, tt := range []struct {
		name      string
		assertion string
		want      tokenRefusal
	}{
		{"no assertion", "", tokenRefusal{400, "invalid_request", "Missing client_assertion"}},
		{"two parts", "a.b", tokenRefusal{400, "invalid_request", "Malformed JWT in client_assertion"}},
		{"not base64", "!.!.!", tokenRefusal{400, "invalid_request", "Malformed JWT in client_assertion"}},
		{"another algorithm", header("alg", "RS256"), tokenRefusal{
			400, "invalid_request", "Invalid 'alg' header" + in + " - unsupported JWT algorithm - must be 'RS512'",
		}},
		{"expired", claim("exp", time.Now().Add(-time.Second).Unix()), tokenRefusal{
			400, "invalid_request", "Invalid 'exp' claim" + in + " - JWT has expired",
		}},
		{"no kid", header("kid", nil), tokenRefusal{400, "invalid_request", "Missing 'kid' header" + in}},
		{"another typ", header("typ", "JOSE"), tokenRefusal{
			400, "invalid_request", "Invalid 'typ' header" + in + " - must be 'JWT'",
		}},
		{"no exp", claim("exp", nil), tokenRefusal{400, "invalid_request", "Missing 'exp' claim" + in}},
		{"exp as text", claim("exp", "1767225600"), tokenRefusal{
			400, "invalid_request", "Invalid 'exp' claim" + in + " - must be an integer",
		}},
		{"no iss", claim("iss", nil), tokenRefusal{
			400, "invalid_request", "Missing or non-matching 'iss'/'sub' claims" + in,
		}},
		{"another sub", claim("sub", "somebody"), tokenRefusal{
			400, "invalid_request", "Missing or non-matching 'iss'/'sub' claims" + in,
		}},
		{"no jti", claim("jti", nil), tokenRefusal{400, "invalid_request", "Missing 'jti' claim" + in}},
		{"jti as number", claim("jti", 1), tokenRefusal{
			400, "invalid_request", "Invalid 'jti' claim" + in + " - must be a unique string value such as a GUID",
		}},
		{"exp too far ahead", claim("exp", time.Now().Add(6*time.Minute).Unix()), tokenRefusal{
			400, "invalid_request", "Invalid 'exp' claim" + in + " - more than 5 minutes in future",
		}},
		{"unknown application", app("nobody"), tokenRefusal{
			401, "invalid_request", "Invalid 'iss'/'sub' claims" + in,
		}},
		{"no JWKS registered", app(simulator.APIKeyWithoutPublicKey), tokenRefusal{
			403, "public_key error",
			"You need to register a public key to use this authentication method - please contact support to configure",
		}},
		{"JWKS unreachable", app(simulator.APIKeyWithUnreachableJWKS), tokenRefusal{
			403, "public_key error", "The JWKS endpoint, for your client_assertion can't be reached",
		}},
		{"unknown kid", header("kid", "another"), tokenRefusal{
			401, "invalid_request", "Invalid 'kid' header" + in + " - no matching public key",
		}},
		{"signed by somebody else", r.signed(stranger, nil), tokenRefusal{
			401, "public_key error", "JWT signature verification failed",
		}},
		{"another audience", claim("aud", r.TokenURL()+"/"), tokenRefusal{
			401, "invalid_request", "Missing or invalid 'aud' claim" + in,
		}},
		{"not subscribed", app(simulator.APIKeyWithoutScope), tokenRefusal{
			401, "unauthorized_client",
			"you have tried to request authorization but your application is not configured to use this authorization grant type",
		}},
		// Only the first failure is reported.
		{"expired and without kid", r.assertion(func(header, claims map[string]any) {
			claims["exp"] = time.Now().Add(-time.Second).Unix()
			delete(header, "kid")
		}), tokenRefusal{400, "invalid_request", "Invalid 'exp' claim" + in + " - JWT has expired"}},
		{"unknown kid and another audience", r.assertion(func(header, claims map[string]any) {
			header["kid"], claims["aud"] = "another", "elsewhere"
		}), tokenRefusal{401, "invalid_request", "Invalid 'kid' header" + in + " - no matching public key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.send(http.MethodPost, r.TokenURL(), form(tt.assertion), "Content-Type", formType)
			if diff := cmp.Diff(tt.want, r.refusal(a)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokenRequestRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	const assertionType = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
	for _, tt := range []struct {
		name, method, contentType, body string
		want                            tokenRefusal
	}{
		{"GET", http.MethodGet, "", "", tokenRefusal{405, "invalid_request", "Method not allowed"}},
		{"a charset", http.MethodPost, formType + "; charset=utf-8", "grant_type=client_credentials", tokenRefusal{
			415, "invalid_request", "Content-Type header must be application/x-www-form-urlencoded",
		}},
		{"no grant type", http.MethodPost, formType, assertionType, tokenRefusal{
			400, "invalid_request", "grant_type is missing",
		}},
		{
			"a log-in by way of a browser", http.MethodPost, formType, "grant_type=authorization_code",
			tokenRefusal{400, "unsupported_grant_type", "grant_type is invalid"},
		},
		{
			"the body of an exchange without its grant type", http.MethodPost, formType,
			"grant_type=x&subject_token_type=urn:ietf:params:oauth:token-type:id_token",
			tokenRefusal{400, "invalid_request", "grant_type is invalid"},
		},
		{"no assertion type", http.MethodPost, formType, "grant_type=client_credentials", tokenRefusal{
			400, "invalid_request",
			"Missing or invalid client_assertion_type - must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'",
		}},
		{"no assertion", http.MethodPost, formType, "grant_type=client_credentials&" + assertionType, tokenRefusal{
			400, "invalid_request", "Missing client_assertion",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{}
			if tt.contentType != "" {
				headers = append(headers, "Content-Type", tt.contentType)
			}
			a := r.send(tt.method, r.TokenURL(), tt.body, headers...)
			if diff := cmp.Diff(tt.want, r.refusal(a)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.want.Status == http.StatusMethodNotAllowed && a.header.Get("Allow") != http.MethodPost {
				t.Error("405 without Allow: POST")
			}
		})
	}
}

func TestAnAssertionIsGoodOnce(t *testing.T) {
	r := start(t, simulator.Options{})
	replayed := tokenRefusal{400, "invalid_request", "Non-unique 'jti' claim in client_assertion JWT"}
	for _, tt := range []struct {
		name   string
		change func(header, claims map[string]any)
		first  int
	}{
		{"that was granted", nil, http.StatusOK},
		{"that failed at its signature's key", func(header, _ map[string]any) { header["kid"] = "x" }, http.StatusUnauthorized},
		{"that failed at its audience", func(_, claims map[string]any) { claims["aud"] = "x" }, http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			jti := uuid.NewString()
			withJTI := func(header, claims map[string]any) {
				if tt.change != nil {
					tt.change(header, claims)
				}
				claims["jti"] = jti
			}
			first := r.send(http.MethodPost, r.TokenURL(), form(r.assertion(withJTI)), "Content-Type", formType)
			if first.status != tt.first {
				t.Fatalf("the first time: %d %s, want %d", first.status, first.body, tt.first)
			}
			again := r.assertion(func(_, claims map[string]any) { claims["jti"] = jti })
			a := r.send(http.MethodPost, r.TokenURL(), form(again), "Content-Type", formType)
			if diff := cmp.Diff(replayed, r.refusal(a)); diff != "" {
				t.Errorf("the second time (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("that failed before its jti was looked at can be repaired", func(t *testing.T) {
		jti := uuid.NewString()
		for _, tt := range []struct {
			change map[string]any
			status int
		}{{map[string]any{"jti": jti, "exp": "soon"}, 400}, {map[string]any{"jti": jti}, 200}} {
			text := r.assertion(func(_, claims map[string]any) { maps.Copy(claims, tt.change) })
			if a := r.send(http.MethodPost, r.TokenURL(), form(text), "Content-Type", formType); a.status != tt.status {
				t.Errorf("%d %s, want %d", a.status, a.body, tt.status)
			}
		}
	})
}

func TestOwnKeysAreAccepted(t *testing.T) {
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, simulator.Options{JWKS: []byte(`{"keys":[{"kty":"RSA","kid":"ours","alg":"RS512","use":"sig","e":"AQAB","n":"` +
		base64.RawURLEncoding.EncodeToString(own.N.Bytes()) + `"}]}`)})
	text := r.signed(own, func(header, _ map[string]any) { header["kid"] = "ours" })
	if a := r.send(http.MethodPost, r.TokenURL(), form(text), "Content-Type", formType); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}
