package spine

import (
	"fmt"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// tokenRow is a row of the PDS contract's tables of errors, 4.1 and 4.2.
type tokenRow struct {
	status            int
	code, description string
	reason            pb.ErrorReason
}

const (
	ours          = pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED
	signInRefused = pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID
)

var tokenRows = []tokenRow{
	{400, "invalid_request", "grant_type is missing", ours},
	{400, "unsupported_grant_type", "grant_type is invalid", ours},
	{400, "invalid_request", "Missing or invalid client_assertion_type - must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'", ours},
	{400, "invalid_request", "Missing client_assertion", ours},
	{400, "invalid_request", "Malformed JWT in client_assertion", ours},
	{400, "invalid_request", "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'", ours},
	{400, "invalid_request", "Missing 'kid' header in client_assertion JWT", ours},
	{400, "invalid_request", "Invalid 'typ' header in client_assertion JWT - must be 'JWT'", ours},
	{400, "invalid_request", "Missing 'exp' claim in client_assertion JWT", ours},
	{400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - must be an integer", ours},
	{400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - JWT has expired", ours},
	{400, "invalid_request", "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future", ours},
	{400, "invalid_request", "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT", ours},
	{400, "invalid_request", "Missing 'jti' claim in client_assertion JWT", ours},
	{400, "invalid_request", "Invalid 'jti' claim in client_assertion JWT - must be a unique string value such as a GUID", ours},
	{400, "invalid_request", "Non-unique 'jti' claim in client_assertion JWT", ours},
	{401, "invalid_request", "Invalid 'iss'/'sub' claims in client_assertion JWT", ours},
	{401, "invalid_request", "Missing or invalid 'aud' claim in client_assertion JWT", ours},
	{401, "invalid_request", "Invalid 'kid' header in client_assertion JWT - no matching public key", ours},
	{401, "public_key error", "JWT signature verification failed", ours},
	{403, "public_key error", "You need to register a public key to use this authentication method - please contact support to configure", ours},
	{403, "public_key error", "The JWKS endpoint, for your client_assertion can't be reached", ours},
	{401, "unauthorized_client", "you have tried to request authorization but your application is not configured to use this authorization grant type", ours},
	{415, "invalid_request", "Content-Type header must be application/x-www-form-urlencoded", ours},

	{400, "invalid_request", "Missing subject_token", signInRefused},
	{400, "invalid_request", "Malformed JWT in subject_token", signInRefused},
	{400, "invalid_request", "missing or invalid subject_token_type - must be 'urn:ietf:params:oauth:token-type:id_token'", ours},
	{400, "invalid_request", "Missing 'kid' header in subject_token JWT", signInRefused},
	{400, "invalid_request", "Invalid 'typ' header in subject_token JWT - must be 'JWT'", signInRefused},
	{400, "invalid_request", "Missing 'exp' claim in subject_token JWT", signInRefused},
	{400, "invalid_request", "Invalid 'exp' claim in subject_token JWT - must be an integer", signInRefused},
	{400, "invalid_request", "Invalid 'exp' claim in subject_token JWT - JWT has expired", signInRefused},
	{400, "invalid_request", "Missing 'iss' claim in subject_token JWT", signInRefused},
	{400, "invalid_request", "Missing or non-matching 'iss' claim in subject_token JWT", signInRefused},
	{401, "invalid_request", "Missing 'aud' claim in subject_token JWT", signInRefused},
	{401, "invalid_grant", "refresh_token is invalid", signInRefused},
	{401, "invalid_grant", "refresh token refresh period has expired", signInRefused},
}

const quotedID = "rrt-0c1f2e3d-a-geu2-4711-1234567-1"

func tokenRefusal(status int, code, description, id string) Refusal {
	return Refusal{
		Status: status,
		Body:   fmt.Appendf(nil, `{"error":%q,"error_description":%q,"message_id":%q}`, code, description, id),
	}
}

// wantToken checks what is made of a refusal, and that its words go to the audit trail and nowhere else.
func wantToken(t *testing.T, r Refusal, reason pb.ErrorReason, description string) *pb.ErrorDetail {
	t.Helper()
	e := explainToken(r)
	if e.Reason != reason {
		t.Errorf("%s, want %s", fault.ReasonName(e.Reason), fault.ReasonName(reason))
	}
	if !strings.Contains(e.UpstreamText, description) {
		t.Errorf("the trail gets %q", e.UpstreamText)
	}
	if said := fault.Status(e, nil).Proto().String(); strings.Contains(said, description) {
		t.Errorf("the caller is told %q", said)
	}
	return fault.Detail(e, nil)
}

func TestEveryRefusalOfATokenSaysWhatToDo(t *testing.T) {
	rows := map[string]string{} // by the operator's sentence
	for _, row := range tokenRows {
		t.Run(row.description, func(t *testing.T) {
			r := tokenRefusal(row.status, row.code, row.description, quotedID)
			e := explainToken(r)
			detail := wantToken(t, r, row.reason, row.description)
			if e.Operator == "" || !strings.HasSuffix(detail.GetOperatorMessage(), e.Operator) {
				t.Errorf("the fix is missing, or cut: %q", detail.GetOperatorMessage())
			}
			if other, ok := rows[e.Operator]; ok {
				t.Errorf("the operator cannot tell it from %q", other)
			}
			rows[e.Operator] = row.description
			if e.Metadata["message_id"] != quotedID || !strings.Contains(e.UpstreamText, quotedID) {
				t.Errorf("the message id is lost: %v, %q", e.Metadata, e.UpstreamText)
			}
		})
	}
	if len(tokenFixes) != len(tokenRows) {
		t.Errorf("%d fixes for %d rows", len(tokenFixes), len(tokenRows))
	}
}

func TestOtherRefusalsOfATokenSayNothingOfTheirs(t *testing.T) {
	const canary = "CANARY Mrs Testwell 9990000042"
	for _, tt := range []struct {
		name   string
		r      Refusal
		reason pb.ErrorReason
		says   string
	}{
		{"an unknown description", tokenRefusal(400, "invalid_request", canary, quotedID), ours, "audit trail"},
		{"one about the subject token", tokenRefusal(400, "invalid_request", canary+" in subject_token JWT", quotedID), signInRefused, "audit trail"},
		{"another invalid grant", tokenRefusal(401, "invalid_grant", canary, quotedID), signInRefused, "audit trail"},
		{"a wrong grant type beside a subject token", tokenRefusal(400, "invalid_request", "grant_type is invalid", quotedID), ours, "grant type"},
		{"a client that is not known", tokenRefusal(401, "invalid_client", canary, quotedID), ours, "audit trail"},
		{"another method", tokenRefusal(405, "invalid_request", canary, quotedID), ours, "audit trail"},
		{"nobody's 404", Refusal{Status: 404, Body: []byte("<html>" + canary)}, ours, "token URL"},
		{"two readings", Refusal{Status: 400, Body: []byte(`{"error":"invalid_grant","error":"x","error_description":"` + canary + `"}`)}, ours, "token URL"},
		{"a limit, whatever it speaks of", tokenRefusal(429, "invalid_grant", canary+" subject_token", quotedID), pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, "quota"},
		{"a fault, whatever it speaks of", tokenRefusal(503, "invalid_grant", canary+" subject_token", quotedID), pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, ""},
		{"a redirect", Refusal{Status: 302, Body: []byte(canary)}, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			description := canary
			if strings.Contains(string(tt.r.Body), "grant_type is invalid") {
				description = "grant_type is invalid"
			}
			if detail := wantToken(t, tt.r, tt.reason, description); !strings.Contains(detail.GetOperatorMessage(), tt.says) {
				t.Errorf("the operator is told %q", detail.GetOperatorMessage())
			}
		})
	}
}

func TestAMessageIDIsQuotedOnlyIfItLooksLikeOne(t *testing.T) {
	edge := func(diagnostics string) Refusal {
		return Refusal{Status: 500, Body: fmt.Appendf(nil, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","diagnostics":%q}]}`, diagnostics)}
	}
	for _, tt := range []struct {
		name string
		r    Refusal
		want string
	}{
		{"of the token service", tokenRefusal(400, "x", "y", quotedID), quotedID},
		{"of the edge", edge("An unknown error occurred processing this request (Message ID: " + quotedID + ")"), quotedID},
		{"none", edge("An unknown error occurred"), ""},
		{"not at the end", edge("(Message ID: " + quotedID + ") and more"), ""},
		{"a sentence", tokenRefusal(400, "x", "y", "Mrs Testwell"), ""},
		{"a sentence of the edge", edge("(Message ID: Mrs Testwell)"), ""},
		{"an NHS Number", tokenRefusal(400, "x", "y", "rrt-9990000042-1"), ""},
		{"an NHS Number, written 3-3-4", edge("(Message ID: 999-000-0042)"), ""},
		{"very long", tokenRefusal(400, "x", "y", strings.Repeat("a", 65)), ""},
		{"nothing that can be read", Refusal{Status: 502, Body: []byte("<html>")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, nil)
			tt.r.Quote(e)
			if got := e.Metadata["message_id"]; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
