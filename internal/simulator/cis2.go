package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	cis2Issuer   = "https://cis2.spine.example/simulated"
	cis2Audience = "SIMULATED-cis2-client"
	cis2KeyID    = "simulated-cis2-1"
	// idTokenLife is how long an ID token is good for an exchange.
	idTokenLife = time.Hour
	// cis2KeysPath is where its keys are published: on the host of the token service, for want of a host of its own.
	cis2KeysPath = "/cis2/jwks.json"
)

// Clinician is somebody who signs in to the simulated CIS2. Nobody is built in: whoever signs in exists.
type Clinician struct {
	// UserID is the unique id of the user, twelve digits: sub of the ID token. Required.
	UserID string
	// Roles are the role ids that the user holds, digits each: what NHSD-Session-URID may name. With more than one it
	// must name one (PDS contract, 4.4).
	Roles []string
	// AssuranceLevel is how strongly the user was authenticated: 3, which is what zero means, or less.
	AssuranceLevel int
}

// CIS2 is a simulated Care Identity Service 2: the issuer of the ID tokens that the token service exchanges (PDS
// contract, 4.2). It is safe for concurrent use.
type CIS2 struct {
	key  *rsa.PrivateKey
	jwks []byte

	mu    sync.Mutex
	roles map[string][]string // by user id, as the latest sign-in said
}

func newCIS2(key *rsa.PrivateKey) (*CIS2, error) {
	jwks, err := keySet("RS256", cis2KeyID, &key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encode the JWKS of CIS2: %w", err)
	}
	return &CIS2{key: key, jwks: jwks, roles: map[string][]string{}}, nil
}

// Issuer is the claim iss of every ID token.
func (c *CIS2) Issuer() string { return cis2Issuer }

// Audience is the claim aud of every ID token: the client that the user signed in to.
func (c *CIS2) Audience() string { return cis2Audience }

// JWKS is the JSON Web Key Set that ID tokens can be checked with. [Spine.CIS2KeysURL] has it, too.
func (c *CIS2) JWKS() []byte { return slices.Clone(c.jwks) }

// beside publishes the keys on a host that is another's. CIS2 is no part of the API platform, so that neither its faults nor the
// transcript know of it.
func (c *CIS2) beside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != cis2KeysPath || r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set(Marker, "true")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(c.jwks) // whoever asked may be gone
	})
}

// SignIn is a user signing in: it returns an ID token, good for an hour, and remembers the user's roles. A change that
// is not nil is made to the token's header and claims before it is signed, to make tokens that are no good; it is signed
// with RS512 if its alg then says so, and else with RS256. It fails for a user without an id.
func (c *CIS2) SignIn(user Clinician, change func(header, claims map[string]any)) (string, error) {
	if user.UserID == "" {
		return "", errors.New("sign in: the user has no id")
	}
	if user.AssuranceLevel == 0 {
		user.AssuranceLevel = 3
	}
	now := time.Now()
	header := map[string]any{"alg": "RS256", "typ": "JWT", "kid": cis2KeyID}
	level := strconv.Itoa(user.AssuranceLevel)
	claims := map[string]any{
		"iss": cis2Issuer, "sub": user.UserID, "aud": cis2Audience, "jti": uuid.NewString(),
		"iat": now.Unix(), "auth_time": now.Unix(), "exp": now.Add(idTokenLife).Unix(),
		"acr": "AAL" + level + "_ANY", "authentication_assurance_level": level, "id_assurance_level": "3",
	}
	if change != nil {
		change(header, claims)
	}
	token, err := c.sign(header, claims)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roles[user.UserID] = slices.Clone(user.Roles)
	return token, nil
}

func (c *CIS2) sign(header, claims map[string]any) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("encode the header: %w", err)
	}
	b, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(b)
	hash, digest := digestFor(header["alg"], signed)
	signature, err := rsa.SignPKCS1v15(rand.Reader, c.key, hash, digest)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// digestFor hashes what is signed: with SHA-512 for RS512, else with SHA-256.
func digestFor(algorithm any, signed string) (crypto.Hash, []byte) {
	if algorithm == "RS512" {
		digest := sha512.Sum512([]byte(signed))
		return crypto.SHA512, digest[:]
	}
	digest := sha256.Sum256([]byte(signed))
	return crypto.SHA256, digest[:]
}

// rolesOf are the roles of a user, as the platform learns them from the issuer and not from the ID token.
func (c *CIS2) rolesOf(user string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.roles[user])
}
