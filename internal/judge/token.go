package judge

import (
	"net/http"
	"slices"
	"time"
)

// Grants of the token service (PDS contract, 4.1 and 4.2).
const (
	clientCredentials = "client_credentials"
	tokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange" //nolint:gosec // the name of a grant, no credential
	refresh           = "refresh_token"
)

const assertionLife = 300

// tokenRules are about the requests for an access token.
var tokenRules = []Rule{
	{
		ID: "TOKEN-FORM-01", Says: "A token is asked for by POST, as `application/x-www-form-urlencoded` without a charset.",
		Section: "PDS 4.1", By: IMPL, leg: Token,
		check: func(r *request, _ *past) string {
			media, _ := r.only("Content-Type")
			return unless(r.Method == http.MethodPost && media == "application/x-www-form-urlencoded",
				"it is no POST of exactly that media type")
		},
	},
	{
		ID: "TOKEN-GRANT-01", Says: "The grant is one of the service's, and each field is sent once.",
		Section: "PDS 4.1, 4.2", By: IMPL, leg: Token,
		check: func(r *request, _ *past) string {
			for _, values := range r.form {
				if len(values) != 1 {
					return "a field is sent twice"
				}
			}
			return unless(slices.Contains([]string{clientCredentials, tokenExchange, refresh}, r.form.Get("grant_type")),
				"grant_type is none of the service's")
		},
	},
	assertionRule("TOKEN-TYPE-01", "`client_assertion_type` is `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.", IMPL,
		func(r *request, _ *past) string {
			return unless(r.form.Get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
				"client_assertion_type is another")
		}),
	assertionRule("TOKEN-JWT-01", "The client assertion is a signed JWT.", IMPL,
		func(r *request, _ *past) string {
			a := r.assertion
			return unless(len(a.parts) == 3 && a.parts[2] != "" && a.header != nil && a.claims != nil, "it cannot be read as one")
		}),
	assertionRule("TOKEN-ALG-01", "It is signed with RS512.", TEST,
		func(r *request, _ *past) string {
			return unless(r.assertion.header == nil || r.assertion.header.text("alg") == "RS512", "alg is another")
		}),
	assertionRule("TOKEN-KID-01", "Its header names the key.", TEST,
		func(r *request, _ *past) string {
			return unless(r.assertion.header == nil || r.assertion.header.text("kid") != "", "there is no kid")
		}),
	assertionRule("TOKEN-TYP-01", "Its `typ` is JWT.", IMPL,
		func(r *request, _ *past) string {
			return unless(r.assertion.header == nil || r.assertion.header.text("typ") == "JWT", "typ is another")
		}),
	assertionRule("TOKEN-ISS-01", "`iss` and `sub` are the application's key, both the same.", IMPL,
		func(r *request, _ *past) string {
			c := r.assertion.claims
			return unless(c == nil || c.text("iss") != "" && c.text("iss") == c.text("sub"), "they are missing or differ")
		}),
	assertionRule("TOKEN-AUD-01", "`aud` is the URL that the request is sent to, character for character.", IMPL,
		func(r *request, _ *past) string {
			return unless(r.assertion.claims == nil || r.assertion.claims.text("aud") == "https://"+r.Host+r.Path, "it is another URL")
		}),
	assertionRule("TOKEN-JTI-01", "`jti` is a text, and never used twice: what was refused is used up, too.", IMPL,
		func(r *request, before *past) string {
			if r.assertion.claims == nil {
				return ""
			}
			id := r.assertion.claims.text("jti")
			if id == "" {
				return "it is missing or no text"
			}
			return unless(!before.assertions[id], "it was used before")
		}),
	assertionRule("TOKEN-EXP-01", "`exp` is an integer, in the future and at most five minutes ahead.", TEST,
		func(r *request, _ *past) string {
			if r.assertion.claims == nil {
				return ""
			}
			exp, ok := whole(r.assertion.claims["exp"])
			if !ok {
				return "it is missing or no integer"
			}
			left := time.Unix(exp, 0).Sub(r.At)
			return unless(left > 0 && left <= assertionLife*time.Second, "it is past, or more than five minutes ahead")
		}),
	{
		ID: "TOKEN-SUBJECT-01", Says: "An exchange carries the user's ID token under its own type.",
		Section: "PDS 4.2", By: IMPL, leg: Token,
		check: func(r *request, _ *past) string {
			return unless(r.form.Get("grant_type") != tokenExchange || len(readToken(r.form.Get("subject_token")).parts) == 3 &&
				r.form.Get("subject_token_type") == "urn:ietf:params:oauth:token-type:id_token", "the subject token or its type is missing")
		},
	},
}

// assertionRule is a rule about the client assertion, which every grant but a refresh needs.
func assertionRule(id, says string, by Enforcer, check func(*request, *past) string) Rule {
	return Rule{
		ID: id, Says: says, Section: "PDS 4.1", By: by, leg: Token,
		check: func(r *request, before *past) string {
			if r.form.Get("grant_type") == refresh {
				return ""
			}
			return check(r, before)
		},
	}
}
