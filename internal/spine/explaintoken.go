package spine

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// oauthError is how the token service says what was wrong (PDS contract, 4.1).
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	MessageID   string `json:"message_id"`
}

func readOAuthError(body []byte) oauthError {
	var said oauthError
	if err := json.Unmarshal(body, &said); err != nil {
		return oauthError{} // and not the half of it
	}
	return said
}

// explainToken applies the tables of the PDS contract, 4.1 and 4.2. What is wrong with a subject token or a refresh token
// is the clinician's sign-in, and all else that will not pass is our configuration.
//
// The operator is told the row by its fix: a description is passed on to nobody, since it could echo anything.
func explainToken(r Refusal) *fault.Error {
	e := ExplainStatus(r)
	r.Quote(e)
	if e.Reason != pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST &&
		e.Reason != pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED {
		return e
	}
	said := readOAuthError(r.Body)
	e.Reason = pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED
	if said.Code == "invalid_grant" || strings.Contains(said.Description, "subject_token") &&
		!strings.Contains(said.Description, "subject_token_type") { // which is ours to say
		e.Reason = pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID
	}
	switch fix, known := tokenFixes[said.Description]; {
	case known:
		e.Operator = fix
	case said.Code == "":
		e.Operator = "The answer is none of the token service's: check the token URL."
	default:
		e.Operator = "The token service gave a reason of its own, which is in the audit trail."
	}
	return e
}

// tokenFixes tell, for each description in the tables of the PDS contract, 4.1 and 4.2, which row it is and what to do.
var tokenFixes = map[string]string{ //nolint:gosec // sentences, no credentials
	"grant_type is missing": "The request named no grant type: a fault of the gateway.",
	"grant_type is invalid": "The service does not know the grant type that was asked for: check that the token URL is the platform's.",

	"Missing or invalid client_assertion_type - must be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'": "The request named no type of assertion: a fault of the gateway.",

	"Missing client_assertion":          "The request had no signed assertion: a fault of the gateway.",
	"Malformed JWT in client_assertion": "The signed assertion could not be decoded: a fault of the gateway.",
	"Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'": "The assertion was not signed with RS512: a fault of the gateway.",

	"Missing 'kid' header in client_assertion JWT":                                                                        "The assertion names no key: check that a key id is configured.",
	"Invalid 'typ' header in client_assertion JWT - must be 'JWT'":                                                        "The assertion's header has no typ JWT: a fault of the gateway.",
	"Missing 'exp' claim in client_assertion JWT":                                                                         "The assertion has no expiry: a fault of the gateway.",
	"Invalid 'exp' claim in client_assertion JWT - must be an integer":                                                    "The assertion's expiry is no whole number: a fault of the gateway.",
	"Invalid 'exp' claim in client_assertion JWT - JWT has expired":                                                       "The assertion had expired on arrival: this machine's clock is slow. Synchronise it.",
	"Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future":                                         "The assertion expires too far ahead: this machine's clock is fast. Synchronise it.",
	"Missing or non-matching 'iss'/'sub' claims in client_assertion JWT":                                                  "The assertion's issuer and subject are missing or differ: check that the API key's file is not empty.",
	"Missing 'jti' claim in client_assertion JWT":                                                                         "The assertion has no id: a fault of the gateway.",
	"Invalid 'jti' claim in client_assertion JWT - must be a unique string value such as a GUID":                          "The assertion's id is no text: a fault of the gateway.",
	"Non-unique 'jti' claim in client_assertion JWT":                                                                      "The assertion's id was used before: something on the way there sends requests twice.",
	"Invalid 'iss'/'sub' claims in client_assertion JWT":                                                                  "The platform knows no application with this API key: check the key, and that it belongs to this environment.",
	"Missing or invalid 'aud' claim in client_assertion JWT":                                                              "The assertion's audience is not the URL that was reached: configure the platform's own token URL, without a proxy between.",
	"Invalid 'kid' header in client_assertion JWT - no matching public key":                                               "The key with this kid is not in the JWKS that the platform holds: publish it at least an hour before it signs.",
	"JWT signature verification failed":                                                                                   "The private key is not the one published under this kid: check both.",
	"You need to register a public key to use this authentication method - please contact support to configure":           "No JWKS URL is registered with the application: register it with the platform.",
	"The JWKS endpoint, for your client_assertion can't be reached":                                                       "The platform cannot fetch the JWKS from the URL that is registered with the application.",
	"Content-Type header must be application/x-www-form-urlencoded":                                                       "The request had another content type: a fault of the gateway, or of something on the way there.",
	"you have tried to request authorization but your application is not configured to use this authorization grant type": "The application is not subscribed to PDS in this access mode, or the user's level of assurance gives no scope.",

	"Missing subject_token":          "The exchange brought no ID token.",
	"Malformed JWT in subject_token": "The ID token could not be decoded.",
	"missing or invalid subject_token_type - must be 'urn:ietf:params:oauth:token-type:id_token'": "The exchange did not say that it brought an ID token.",

	"Missing 'kid' header in subject_token JWT":                     "The ID token names no key.",
	"Invalid 'typ' header in subject_token JWT - must be 'JWT'":     "The ID token's header has no typ JWT.",
	"Missing 'exp' claim in subject_token JWT":                      "The ID token has no expiry.",
	"Invalid 'exp' claim in subject_token JWT - must be an integer": "The ID token's expiry is no whole number.",
	"Invalid 'exp' claim in subject_token JWT - JWT has expired":    "The ID token has expired: the clinician has to sign in again.",
	"Missing 'iss' claim in subject_token JWT":                      "The ID token names no issuer.",
	"Missing or non-matching 'iss' claim in subject_token JWT":      "The ID token's issuer is not the CIS2 of this environment.",
	"Missing 'aud' claim in subject_token JWT":                      "The ID token names no audience.",

	"refresh_token is invalid":                 "The session's refresh token is unknown or was used before: the clinician has to sign in again.",
	"refresh token refresh period has expired": "The session is too old to be refreshed: the clinician has to sign in again.",
}

// messageID is what the platform writes, and edgeMessageID where its edge writes it (PDS contract, 12.2).
var (
	messageID     = regexp.MustCompile(`^(rrt-[a-z0-9-]{1,60}|[0-9A-Fa-f-]{36})$`)
	edgeMessageID = regexp.MustCompile(`\(Message ID: ([^()]*)\)$`)
)

// Quote notes in a fault, as metadata message_id, the id under which the API platform's support finds the exchange: that
// of an OAuth error, or the one with which the edge ends its diagnostics (PDS contract, 4.1 and 12.2). What does not look
// like an id stays out, and so does one with an NHS Number in it.
func (r Refusal) Quote(e *fault.Error) {
	id := readOAuthError(r.Body).MessageID
	if outcome, ok := fhir.ReadOutcome(r.Body); ok && id == "" {
		if found := edgeMessageID.FindStringSubmatch(outcome.Worst().Diagnostics); found != nil {
			id = found[1]
		}
	}
	if messageID.MatchString(id) && !nhs.NumberIn(id) {
		e.Metadata = map[string]string{"message_id": id}
	}
}

// proofs are the fields of a form that prove something. An answer may quote them.
var proofs = []string{"client_assertion", "client_secret", "subject_token", "refresh_token"}

// withholding takes out of an answer's text, which goes to the audit trail, whatever it quotes of what was sent as a proof.
func withholding(err error, sent url.Values) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	for _, name := range proofs {
		for _, proof := range sent[name] {
			for part := range strings.SplitSeq(proof, ".") { // of a JWT, which may be quoted in part
				for _, written := range []string{part, url.QueryEscape(part)} {
					if written != "" {
						e.UpstreamText = strings.ReplaceAll(e.UpstreamText, written, "[withheld]")
					}
				}
			}
		}
	}
	return err
}
