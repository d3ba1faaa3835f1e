package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeOfID      = "urn:ietf:params:oauth:token-type:id_token"
	typeOfAccess  = "urn:ietf:params:oauth:token-type:access_token"
	// refreshWindow is how long after the sign-in a session can be refreshed: the remaining time shrinks with each exchange
	// and each refresh.
	refreshWindow = 12 * time.Hour
)

// signIn is a user's session as the identity service keeps it behind a refresh token.
type signIn struct {
	grant
	until time.Time // of the refresh window
	count int       // how often it was refreshed
}

// exchange turns the ID token of a user into an access token (PDS contract, 4.2). The client assertion was good.
func (t *tokenService) exchange(apiKey string, form url.Values) (map[string]string, *tokenError) {
	user, level, since, refused := t.subject(form)
	if refused != nil {
		return nil, refused
	}
	scopes := scopesOf(t.apps[apiKey].scopes, ":aal"+level+":")
	if len(scopes) == 0 {
		return nil, notConfigured()
	}
	s := signIn{
		grant: grant{app: apiKey, scopes: scopes, roles: t.cis2.rolesOf(user)}, until: since.Add(refreshWindow),
	}
	answer := t.session(s, t.lifeFor(form.Get("_access_token_expiry_ms")))
	answer["issued_token_type"] = typeOfAccess
	return answer, nil
}

// session issues an access token and the refresh token that goes with it.
func (t *tokenService) session(s signIn, life time.Duration) map[string]string {
	answer := t.issue(s.grant, life)
	refresh := opaque()
	t.mu.Lock()
	t.refresh[refresh] = s
	t.mu.Unlock()
	answer["refresh_token"] = refresh
	answer["refresh_token_expires_in"] = strconv.Itoa(max(int(time.Until(s.until)/time.Second)-1, 0))
	answer["refresh_count"] = strconv.Itoa(s.count)
	return answer
}

// subject checks the subject token and returns the user's id, the level of assurance and when they signed in. Where the contract lists no
// words for a check (the algorithm, the key, the signature), they are those of the client assertion.
func (t *tokenService) subject(form url.Values) (user, level string, since time.Time, refused *tokenError) {
	fail := func(e *tokenError) (string, string, time.Time, *tokenError) { return "", "", time.Time{}, e }
	const in = " in subject_token JWT"
	raw := form.Get("subject_token")
	if raw == "" {
		return fail(invalidRequest("Missing subject_token"))
	}
	token := decodeJWT(raw)
	if token == nil {
		return fail(invalidRequest("Malformed JWT in subject_token"))
	}
	if form.Get("subject_token_type") != typeOfID {
		return fail(invalidRequest("missing or invalid subject_token_type - must be '" + typeOfID + "'"))
	}
	kid, _ := token.Header["kid"].(string)
	if kid == "" {
		return fail(invalidRequest("Missing 'kid' header" + in))
	}
	if typ, _ := token.Header["typ"].(string); !strings.EqualFold(typ, "JWT") {
		return fail(invalidRequest("Invalid 'typ' header" + in + " - must be 'JWT'"))
	}
	algorithm, _ := token.Header["alg"].(string)
	if algorithm == "" {
		return fail(invalidRequest("Missing 'alg' header" + in))
	}
	if token.Claims["exp"] == nil {
		return fail(invalidRequest("Missing 'exp' claim" + in))
	}
	expiry, isNumber := seconds(token.Claims["exp"])
	if !isNumber {
		return fail(invalidRequest("Invalid 'exp' claim" + in + " - must be an integer"))
	}
	if !expiry.After(time.Now()) {
		return fail(invalidRequest("Invalid 'exp' claim" + in + " - JWT has expired"))
	}
	if token.Claims["iss"] == nil {
		return fail(invalidRequest("Missing 'iss' claim" + in))
	}
	if token.Claims["iss"] != cis2Issuer {
		return fail(invalidRequest("Missing or non-matching 'iss' claim" + in))
	}
	if token.Claims["aud"] == nil {
		return fail(unauthorised("Missing 'aud' claim" + in))
	}
	if algorithm != "RS256" && algorithm != "RS512" {
		return fail(invalidRequest("Invalid 'alg' header" + in + " - unsupported JWT algorithm - must be 'RS256' or 'RS512'"))
	}
	if kid != cis2KeyID {
		return fail(unauthorised("Invalid 'kid' header" + in + " - no matching public key"))
	}
	if !token.signedBy(&t.cis2.key.PublicKey) {
		return fail(badSignature())
	}
	user, _ = token.Claims["sub"].(string)
	switch claim := token.Claims["authentication_assurance_level"].(type) {
	case string:
		level = claim
	case json.Number:
		level = claim.String()
	}
	since, told := seconds(token.Claims["auth_time"])
	if !told {
		since = time.Now()
	}
	return user, level, since, nil
}

// again answers a refresh token with a new session. Each is good once (PDS contract, 4.2). The contract has no words for
// a client that does not identify itself; these are ours.
func (t *tokenService) again(form url.Values) (map[string]string, *tokenError) {
	apiKey := form.Get("client_id")
	if t.apps[apiKey] == nil || form.Get("client_secret") != clientSecret {
		return nil, &tokenError{http.StatusUnauthorized, "invalid_client", "client_id or client_secret is invalid"}
	}
	token := form.Get("refresh_token")
	if token == "" {
		return nil, invalidRequest("refresh_token is missing")
	}
	t.mu.Lock()
	s, ok := t.refresh[token]
	ok = ok && s.app == apiKey
	if ok {
		delete(t.refresh, token)
	}
	t.mu.Unlock()
	const invalidGrant = "invalid_grant"
	switch {
	case !ok:
		return nil, &tokenError{http.StatusUnauthorized, invalidGrant, "refresh_token is invalid"}
	case !s.until.After(time.Now()):
		return nil, &tokenError{http.StatusUnauthorized, invalidGrant, "refresh token refresh period has expired"}
	}
	s.count++
	return t.session(s, t.lifeFor(form.Get("_access_token_expiry_ms"))), nil
}
