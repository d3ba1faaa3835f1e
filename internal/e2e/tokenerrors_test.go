package e2e

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

func secretFile(t *testing.T, content []byte) config.SecretFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return config.SecretFile(path)
}

// withAnotherPrivateKey signs with a key that is published nowhere.
func withAnotherPrivateKey(t *testing.T, c *config.Config) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(servertest.Keys(t).CIS2)
	if err != nil {
		t.Fatal(err)
	}
	c.Spine.Token.PrivateKeyFile = secretFile(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// naturalTokenRefusals are the rows of the PDS contract, 4.1, that a wrong configuration provokes.
var naturalTokenRefusals = []refusal{
	{
		name: "an unknown application", configure: withKey("nobody"),
		status: 401, issue: "INVALID_REQUEST", operator: "no application with this API key", trail: "Invalid 'iss'/'sub' claims in client_assertion JWT",
	},
	{
		name: "an unknown key", configure: func(_ *testing.T, c *config.Config) { c.Spine.Token.KeyID = "simulated-2" },
		status: 401, issue: "INVALID_REQUEST", operator: "is not in the JWKS", trail: "Invalid 'kid' header in client_assertion JWT - no matching public key",
	},
	{
		name: "another key", configure: withAnotherPrivateKey,
		status: 401, issue: "PUBLIC_KEY_ERROR", operator: "not the one published under this kid", trail: "JWT signature verification failed",
	},
	{
		name: "no key set registered", configure: withKey(simulator.APIKeyWithoutPublicKey),
		status: 403, issue: "PUBLIC_KEY_ERROR", operator: "No JWKS URL is registered", trail: "You need to register a public key",
	},
	{
		name: "a key set that cannot be fetched", configure: withKey(simulator.APIKeyWithUnreachableJWKS),
		status: 403, issue: "PUBLIC_KEY_ERROR", operator: "cannot fetch the JWKS", trail: "can't be reached",
	},
	{
		name: "no subscription", configure: withKey(simulator.APIKeyWithoutScope),
		status: 401, issue: "UNAUTHORIZED_CLIENT", operator: "not subscribed", trail: "not configured to use this authorization grant type",
	},
}

// injectedTokenRefusals are the rows that this gateway's own requests cannot provoke, with what the operator is told.
var injectedTokenRefusals = []struct {
	status            int
	code, description string
	operator          string
}{
	{400, "invalid_request", "grant_type is missing", "no grant type"},
	{400, "unsupported_grant_type", "grant_type is invalid", "does not know the grant type"},
	{400, "invalid_request", "Missing or invalid client_assertion_type - must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'", "no type of assertion"},
	{400, "invalid_request", "Missing client_assertion", "no signed assertion"},
	{400, "invalid_request", "Malformed JWT in client_assertion", "could not be decoded"},
	{400, "invalid_request", "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'", "not signed with RS512"},
	{400, "invalid_request", "Missing 'kid' header in client_assertion JWT", "names no key"},
	{400, "invalid_request", "Invalid 'typ' header in client_assertion JWT - must be 'JWT'", "no typ JWT"},
	{400, "invalid_request", "Missing 'exp' claim in client_assertion JWT", "has no expiry"},
	{400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - must be an integer", "no whole number"},
	{400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - JWT has expired", "clock is slow"},
	{400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future", "clock is fast"},
	{400, "invalid_request", "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT", "issuer and subject"},
	{400, "invalid_request", "Missing 'jti' claim in client_assertion JWT", "has no id"},
	{400, "invalid_request", "Invalid 'jti' claim in client_assertion JWT - must be a unique string value such as a GUID", "id is no text"},
	{400, "invalid_request", "Non-unique 'jti' claim in client_assertion JWT", "used before"},
	{401, "invalid_request", "Missing or invalid 'aud' claim in client_assertion JWT", "audience"},
	{400, "invalid_request", "missing or invalid subject_token_type - must be 'urn:ietf:params:oauth:token-type:id_token'", "did not say that it brought"},
	{415, "invalid_request", "Content-Type header must be application/x-www-form-urlencoded", "another content type"},
	{400, "invalid_request", canary, "audit trail"},
	{405, "invalid_request", canary, "audit trail"},
}

func oauthError(t *testing.T, status int, code, description string) simulator.Fault {
	t.Helper()
	body, err := json.Marshal(map[string]string{"error": code, "error_description": description, "message_id": platformID})
	if err != nil {
		t.Fatal(err)
	}
	return simulator.Fault{Status: status, MediaType: "application/json", Body: string(body)}
}

// tokenTroubles are answers that are not in the table, and none at all.
var tokenTroubles = []refusal{
	{
		name: "a limit", fault: simulator.Fault{Status: 429},
		want: limited, status: 429, issue: "SERVER_ERROR", after: 5 * time.Second, tokens: 2, quoted: "rrt-simulated-", trail: "Too Many Requests",
	},
	{
		name: "a fault", fault: simulator.Fault{Status: 500},
		want: unavailable, status: 500, issue: "SERVER_ERROR", tokens: 2, quoted: "rrt-simulated-", trail: "Internal Server Error",
	},
	{
		name: "a service that is not there", fault: simulator.Fault{Status: 503},
		want: unavailable, status: 503, issue: "SERVER_ERROR", tokens: 2, quoted: "rrt-simulated-", trail: "Service Unavailable",
	},
	{
		name: "a gateway's HTML", fault: byStranger(502, "text/html", "<html>"+canary+"</html>"),
		want: unavailable, status: 502, tokens: 2, trail: canary,
	},
	{
		name: "a connection that is reset", fault: simulator.Fault{Reset: true},
		want: unavailable, tokens: 2,
	},
	{
		name: "silence", fault: simulator.Fault{Delay: time.Hour},
		want: silent, tokens: 2,
	},
	{
		name: "silence until our own deadline", fault: simulator.Fault{Delay: time.Hour}, call: traceInTwoSeconds,
		want: tooLate, tokens: 1,
	},
	{
		name: "another address", configure: func(_ *testing.T, c *config.Config) {
			c.Spine.Token.URL = strings.Replace(c.Spine.Token.URL, "/oauth2/", "/oauth3/", 1)
		},
		want: ourSetup, status: 404, issue: "UNREADABLE", tokens: 1, operator: "token URL", trail: "Unable to identify proxy",
	},
	{
		name: "a wall before it", fault: byStranger(403, "text/html", "<html>"+canary+"</html>"),
		want: ourSetup, status: 403, tokens: 1, operator: "token URL", trail: canary,
	},
	{
		name: "no token at all", fault: byStranger(200, "text/html", "<html>"+canary+"</html>"),
		want: noAnswer, tokens: 1,
	},
}

// Each row of the PDS contract, 4.1, is our own configuration to the caller, and tells the operator what to do. Nothing is
// asked of PDS, what may be asked again is signed anew, and the platform's message id is there to be quoted.
func TestTokenRefusalsAreToldApart(t *testing.T) {
	for _, r := range naturalTokenRefusals {
		r.want, r.tokens, r.quoted = ourSetup, 1, "rrt-simulated-"
		t.Run(r.name, func(t *testing.T) { r.try(t, pb.Hop_HOP_TOKEN) })
	}
	for _, row := range injectedTokenRefusals {
		t.Run(row.operator, func(t *testing.T) {
			refusal{
				fault: oauthError(t, row.status, row.code, row.description), want: ourSetup, status: row.status,
				issue: strings.ToUpper(row.code), operator: row.operator, quoted: platformID, tokens: 1, trail: row.description,
			}.try(t, pb.Hop_HOP_TOKEN)
		})
	}
	for _, r := range tokenTroubles {
		t.Run(r.name, func(t *testing.T) { r.try(t, pb.Hop_HOP_TOKEN) })
	}
}

// subjectTokenRefusals are the rows of the PDS contract, 4.2, about the ID token of a clinician, with what the operator is told.
// The gateway has looked at it before, so that only a platform that sees it differently answers so.
var subjectTokenRefusals = []struct {
	status      int
	description string
	operator    string
}{
	{400, "Missing subject_token", "brought no ID token"},
	{400, "Malformed JWT in subject_token", "could not be decoded"},
	{400, "Missing 'kid' header in subject_token JWT", "names no key"},
	{400, "Invalid 'typ' header in subject_token JWT - must be 'JWT'", "no typ JWT"},
	{400, "Missing 'exp' claim in subject_token JWT", "no expiry"},
	{400, "Invalid 'exp' claim in subject_token JWT - must be an integer", "no whole number"},
	{400, "Invalid 'exp' claim in subject_token JWT - JWT has expired", "sign in again"},
	{400, "Missing 'iss' claim in subject_token JWT", "names no issuer"},
	{400, "Missing or non-matching 'iss' claim in subject_token JWT", "not the CIS2 of this environment"},
	{401, "Missing 'aud' claim in subject_token JWT", "names no audience"},
	{400, canary + " in subject_token", "audit trail"},
}

// What is wrong with a clinician's sign-in is told as that, and not as a fault of this gateway's.
func TestRefusalsOfASignInAreToldApart(t *testing.T) {
	signIn := verdict{codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, corrected}
	trace := func(t *testing.T, g *gateway) error {
		t.Helper()
		_, err := g.trace.TracePatient(g.asWorker(t, clinician, clinicianCard, clinicianRole), &pb.TracePatientRequest{NhsNumber: "9990000018"})
		return err
	}
	for _, row := range subjectTokenRefusals {
		t.Run(row.operator, func(t *testing.T) {
			refusal{
				fault: oauthError(t, row.status, "invalid_request", row.description), call: trace, want: signIn, status: row.status,
				issue: "INVALID_REQUEST", operator: row.operator, quoted: platformID, tokens: 1, trail: row.description,
			}.try(t, pb.Hop_HOP_TOKEN)
		})
	}
	t.Run("an application without users", func(t *testing.T) {
		refusal{
			configure: withKey(simulator.APIKeyWithoutUserScope), call: trace, want: ourSetup, status: 401, issue: "UNAUTHORIZED_CLIENT",
			operator: "not subscribed", quoted: "rrt-simulated-", tokens: 1, trail: "not configured to use this authorization grant type",
		}.try(t, pb.Hop_HOP_TOKEN)
	})
}
