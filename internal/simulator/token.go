package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	formType      = "application/x-www-form-urlencoded"
	// assertionAhead is how far in the future an assertion may expire (PDS contract, 4.1).
	assertionAhead = 310 * time.Second
	// assertionMemory is how long a jti is remembered.
	assertionMemory = 30 * 24 * time.Hour
)

// application is one application as the API platform knows it.
type application struct {
	keys      map[string]*rsa.PublicKey // nil if no JWKS is registered
	offline   bool                      // the JWKS cannot be fetched
	scopes    []string                  // what it is subscribed to
	powerless bool                      // no Spine interaction granted
	nameless  bool                      // no ASID attached
}

// tokenService is the identity service of the API platform: client credentials (PDS contract, 4.1), and the exchange and
// refresh of a signed-in user's token (4.2). The log-in by way of a browser (4.3) is an unknown grant type here.
type tokenService struct {
	life time.Duration
	apps map[string]*application
	cis2 *CIS2

	mu      sync.Mutex
	seen    map[string]time.Time // by subject and jti
	issued  map[string]grant     // by access token
	refresh map[string]signIn    // by refresh token, each of them unused
}

// grant is what an access token stands for.
type grant struct {
	app    string
	scopes []string
	roles  []string // of the user, where there is one
	expiry time.Time
}

func newTokenService(life time.Duration, keys map[string]*rsa.PublicKey, cis2 *CIS2) *tokenService {
	all := []string{scopeApplication, scopeAAL3, scopeAAL2}
	return &tokenService{
		life: life, cis2: cis2, seen: map[string]time.Time{}, issued: map[string]grant{}, refresh: map[string]signIn{},
		apps: map[string]*application{
			APIKey:                    {keys: keys, scopes: all},
			APIKeyWithoutPublicKey:    {scopes: all},
			APIKeyWithUnreachableJWKS: {keys: keys, offline: true, scopes: all},
			APIKeyWithoutScope:        {keys: keys},
			APIKeyWithoutUserScope:    {keys: keys, scopes: []string{scopeApplication}},
			APIKeyWithoutInteraction:  {keys: keys, powerless: true, scopes: all},
			APIKeyWithoutASID:         {keys: keys, nameless: true, scopes: all},
		},
	}
}

// tokenError is a refusal of the token service.
type tokenError struct {
	status            int
	code, description string
}

func invalidRequest(description string) *tokenError {
	return &tokenError{http.StatusBadRequest, "invalid_request", description}
}

func unauthorised(description string) *tokenError {
	return &tokenError{http.StatusUnauthorized, "invalid_request", description}
}

func notConfigured() *tokenError {
	return &tokenError{
		http.StatusUnauthorized, "unauthorized_client",
		"you have tried to request authorization but your application is not configured to use this authorization grant type",
	}
}

// keyError is the code of what is wrong with a key. Yes, with a space.
const keyError = "public_key error"

func badSignature() *tokenError {
	return &tokenError{http.StatusUnauthorized, keyError, "JWT signature verification failed"}
}

func (t *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != tokenPath {
		noSuchProxy(w, r)
		return
	}
	answer, refused := t.answer(r)
	if refused != nil {
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		refused.write(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, answer)
}

// answer goes through the checks in the order of the PDS contract, 4.1, and does what the grant type asks for.
func (t *tokenService) answer(r *http.Request) (map[string]string, *tokenError) {
	if r.Method != http.MethodPost {
		return nil, &tokenError{http.StatusMethodNotAllowed, "invalid_request", "Method not allowed"}
	}
	if types := r.Header.Values("Content-Type"); len(types) != 1 || types[0] != formType {
		return nil, &tokenError{
			http.StatusUnsupportedMediaType, "invalid_request", "Content-Type header must be " + formType,
		}
	}
	form := readForm(r)
	grantType := form.Get("grant_type")
	switch grantType {
	case "":
		return nil, invalidRequest("grant_type is missing")
	case "refresh_token":
		return t.again(form)
	case "client_credentials", exchangeGrant:
	default:
		if form.Has("subject_token") || form.Has("subject_token_type") {
			return nil, invalidRequest("grant_type is invalid") // another code than without (PDS contract, 4.2)
		}
		return nil, &tokenError{http.StatusBadRequest, "unsupported_grant_type", "grant_type is invalid"}
	}
	apiKey, refused := t.client(form, "https://"+r.Host+r.URL.Path)
	switch {
	case refused != nil:
		return nil, refused
	case grantType == exchangeGrant:
		return t.exchange(apiKey, form)
	}
	scopes := scopesOf(t.apps[apiKey].scopes, ":app:")
	if len(scopes) == 0 {
		return nil, notConfigured()
	}
	answer := t.issue(grant{app: apiKey, scopes: scopes}, t.lifeFor(form.Get("_access_token_expiry_ms")))
	answer["issued_at"] = strconv.FormatInt(time.Now().UnixMilli(), 10)
	return answer, nil
}

// issue makes an access token for what is granted.
func (t *tokenService) issue(g grant, life time.Duration) map[string]string {
	g.expiry = time.Now().Add(life)
	token := opaque()
	t.mu.Lock()
	t.issued[token] = g
	t.mu.Unlock()
	return map[string]string{
		"access_token": token, "expires_in": strconv.Itoa(max(int(life/time.Second)-1, 0)), "token_type": "Bearer",
	}
}

// client finds out, by the client assertion, which application asks.
func (t *tokenService) client(form url.Values, audience string) (string, *tokenError) {
	if form.Get("client_assertion_type") != assertionType {
		return "", invalidRequest("Missing or invalid client_assertion_type - must be '" + assertionType + "'")
	}
	raw := form.Get("client_assertion")
	if raw == "" {
		return "", invalidRequest("Missing client_assertion")
	}
	assertion := decodeJWT(raw)
	if assertion == nil {
		return "", invalidRequest("Malformed JWT in client_assertion")
	}
	apiKey, refused := t.claims(assertion)
	if refused == nil {
		refused = t.trust(assertion, apiKey, audience)
	}
	if refused != nil {
		return "", refused
	}
	return apiKey, nil
}

// claims checks what the assertion says of itself, and remembers its jti.
func (t *tokenService) claims(assertion *JWT) (string, *tokenError) {
	header, claims := assertion.Header, assertion.Claims
	const in = " in client_assertion JWT"
	if header["alg"] != "RS512" {
		return "", invalidRequest("Invalid 'alg' header" + in + " - unsupported JWT algorithm - must be 'RS512'")
	}
	now := time.Now()
	expiry, isNumber := seconds(claims["exp"])
	if isNumber && !expiry.After(now) {
		return "", invalidRequest("Invalid 'exp' claim" + in + " - JWT has expired")
	}
	if kid, _ := header["kid"].(string); kid == "" {
		return "", invalidRequest("Missing 'kid' header" + in)
	}
	if typ, _ := header["typ"].(string); !strings.EqualFold(typ, "JWT") {
		return "", invalidRequest("Invalid 'typ' header" + in + " - must be 'JWT'")
	}
	if claims["exp"] == nil {
		return "", invalidRequest("Missing 'exp' claim" + in)
	}
	if !isNumber {
		return "", invalidRequest("Invalid 'exp' claim" + in + " - must be an integer")
	}
	subject, _ := claims["sub"].(string)
	if subject == "" || claims["iss"] != claims["sub"] {
		return "", invalidRequest("Missing or non-matching 'iss'/'sub' claims" + in)
	}
	if claims["jti"] == nil {
		return "", invalidRequest("Missing 'jti' claim" + in)
	}
	jti, ok := claims["jti"].(string)
	if !ok || jti == "" {
		return "", invalidRequest("Invalid 'jti' claim" + in + " - must be a unique string value such as a GUID")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	memory := subject + "\x00" + jti
	if at, ok := t.seen[memory]; ok && now.Sub(at) < assertionMemory {
		return "", invalidRequest("Non-unique 'jti' claim" + in)
	}
	if expiry.Sub(now) > assertionAhead {
		return "", invalidRequest("Invalid 'exp' claim" + in + " - more than 5 minutes in future")
	}
	t.seen[memory] = now
	return subject, nil
}

// trust checks the assertion against what is known of the application.
func (t *tokenService) trust(assertion *JWT, subject, audience string) *tokenError {
	app := t.apps[subject]
	switch {
	case app == nil:
		return unauthorised("Invalid 'iss'/'sub' claims in client_assertion JWT")
	case app.keys == nil:
		return &tokenError{
			http.StatusForbidden, keyError,
			"You need to register a public key to use this authentication method - please contact support to configure",
		}
	case app.offline:
		return &tokenError{
			http.StatusForbidden, keyError, "The JWKS endpoint, for your client_assertion can't be reached",
		}
	}
	kid, _ := assertion.Header["kid"].(string)
	key := app.keys[kid]
	if key == nil {
		return unauthorised("Invalid 'kid' header in client_assertion JWT - no matching public key")
	}
	if !assertion.signedBy(key) {
		return badSignature()
	}
	if assertion.Claims["aud"] != audience {
		return unauthorised("Missing or invalid 'aud' claim in client_assertion JWT")
	}
	return nil
}

// signedBy verifies the signature of a token with the algorithm that its header names.
func (j *JWT) signedBy(key *rsa.PublicKey) bool {
	hash, digest := digestFor(j.Header["alg"], j.Raw[:strings.LastIndexByte(j.Raw, '.')])
	signature, err := base64.RawURLEncoding.DecodeString(j.Signature)
	return err == nil && rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
}

// lifeFor shortens, and never lengthens, the life of a token as the caller asked.
func (t *tokenService) lifeFor(milliseconds string) time.Duration {
	asked, err := strconv.ParseInt(milliseconds, 10, 64)
	if err != nil || asked <= 0 || asked > t.life.Milliseconds() {
		return t.life
	}
	return time.Duration(asked) * time.Millisecond
}

// redeem finds what a token stands for. The second result says that it was once good.
func (t *tokenService) redeem(token string) (s *session, expired bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.issued[token]
	if !ok {
		return nil, false
	}
	if !g.expiry.After(time.Now()) {
		return nil, true
	}
	return &session{app: t.apps[g.app], mode: modeOf(g.scopes), roles: g.roles}, false
}

// revoke forgets every access token issued so far.
func (t *tokenService) revoke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.issued)
}

func (e *tokenError) write(w http.ResponseWriter) {
	writeJSON(w, "application/json", e.status, map[string]string{
		"error": e.code, "error_description": e.description, "message_id": messageID(),
	})
}

// natural is what the platform says for a status of its own making.
func (t *tokenService) natural(w http.ResponseWriter, _ *http.Request, status int) {
	(&tokenError{status, "server_error", http.StatusText(status)}).write(w)
}

func readForm(r *http.Request) url.Values {
	if err := r.ParseForm(); err != nil {
		return url.Values{} // nothing in it can be read, so everything is missing
	}
	return r.PostForm
}

// seconds reads a JSON number of whole seconds since 1970.
func seconds(claim any) (time.Time, bool) {
	n, ok := claim.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	i, err := n.Int64()
	if err != nil || i > math.MaxInt32*100 || i < -math.MaxInt32 {
		return time.Time{}, false
	}
	return time.Unix(i, 0), true
}

// opaque is a token that cannot be parsed, in the alphabet of the real ones.
func opaque() string { return "sim" + rand.Text() }

// messageID is what the platform wants quoted to its support.
func messageID() string { return "rrt-simulated-" + uuid.NewString() }
