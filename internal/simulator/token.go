package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
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
	unscoped  bool                      // no application-level scope
	powerless bool                      // no Spine interaction granted
	nameless  bool                      // no ASID attached
}

// tokenService is the identity service of the API platform for application-restricted access: PDS contract, 4.1. Token
// exchange (4.2) it answers as a platform does that has it switched off for the application: as an unknown grant type.
type tokenService struct {
	life time.Duration
	apps map[string]*application

	mu     sync.Mutex
	seen   map[string]time.Time // by subject and jti
	issued map[string]grant     // by token
}

// grant is what a token stands for.
type grant struct {
	app    string
	expiry time.Time
}

func newTokenService(life time.Duration, keys map[string]*rsa.PublicKey) *tokenService {
	return &tokenService{
		life: life, seen: map[string]time.Time{}, issued: map[string]grant{},
		apps: map[string]*application{
			APIKey:                    {keys: keys},
			APIKeyWithoutPublicKey:    {},
			APIKeyWithUnreachableJWKS: {keys: keys, offline: true},
			APIKeyWithoutScope:        {keys: keys, unscoped: true},
			APIKeyWithoutInteraction:  {keys: keys, powerless: true},
			APIKeyWithoutASID:         {keys: keys, nameless: true},
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

func (t *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != tokenPath {
		noSuchProxy(w, r)
		return
	}
	app, life, refused := t.authenticate(r)
	if refused != nil {
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		refused.write(w)
		return
	}
	now := time.Now()
	token := opaque()
	t.mu.Lock()
	t.issued[token] = grant{app: app, expiry: now.Add(life)}
	t.mu.Unlock()
	writeJSON(w, "application/json", http.StatusOK, map[string]string{
		"access_token": token,
		"expires_in":   strconv.Itoa(max(int(life/time.Second)-1, 0)),
		"token_type":   "Bearer",
		"issued_at":    strconv.FormatInt(now.UnixMilli(), 10),
	})
}

// authenticate goes through the checks in the order of the PDS contract, 4.1. It returns the application and how long
// its token lives.
func (t *tokenService) authenticate(r *http.Request) (string, time.Duration, *tokenError) {
	if r.Method != http.MethodPost {
		return "", 0, &tokenError{http.StatusMethodNotAllowed, "invalid_request", "Method not allowed"}
	}
	if types := r.Header.Values("Content-Type"); len(types) != 1 || types[0] != formType {
		return "", 0, &tokenError{
			http.StatusUnsupportedMediaType, "invalid_request", "Content-Type header must be " + formType,
		}
	}
	form := readForm(r)
	switch grantType := form.Get("grant_type"); grantType {
	case "":
		return "", 0, invalidRequest("grant_type is missing")
	case "client_credentials":
	default:
		return "", 0, &tokenError{http.StatusBadRequest, "unsupported_grant_type", "grant_type is invalid"}
	}
	if form.Get("client_assertion_type") != assertionType {
		return "", 0, invalidRequest("Missing or invalid client_assertion_type - must be '" + assertionType + "'")
	}
	raw := form.Get("client_assertion")
	if raw == "" {
		return "", 0, invalidRequest("Missing client_assertion")
	}
	assertion := decodeJWT(raw)
	if assertion == nil {
		return "", 0, invalidRequest("Malformed JWT in client_assertion")
	}
	subject, refused := t.claims(assertion)
	if refused != nil {
		return "", 0, refused
	}
	if refused := t.trust(assertion, subject, "https://"+r.Host+r.URL.Path); refused != nil {
		return "", 0, refused
	}
	return subject, t.lifeFor(form.Get("_access_token_expiry_ms")), nil
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
	const keyError = "public_key error"
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
	signed := assertion.Raw[:strings.LastIndexByte(assertion.Raw, '.')]
	digest := sha512.Sum512([]byte(signed))
	signature, err := base64.RawURLEncoding.DecodeString(assertion.Signature)
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA512, digest[:], signature) != nil {
		return &tokenError{http.StatusUnauthorized, keyError, "JWT signature verification failed"}
	}
	if assertion.Claims["aud"] != audience {
		return unauthorised("Missing or invalid 'aud' claim in client_assertion JWT")
	}
	if app.unscoped {
		return &tokenError{
			http.StatusUnauthorized, "unauthorized_client",
			"you have tried to request authorization but your application is not configured to use this authorization grant type",
		}
	}
	return nil
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
func (t *tokenService) redeem(token string) (app *application, expired bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.issued[token]
	if !ok {
		return nil, false
	}
	if !g.expiry.After(time.Now()) {
		return nil, true
	}
	return t.apps[g.app], false
}

// revoke forgets every token issued so far.
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
