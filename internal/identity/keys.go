package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// How fetched keys age (trust contract, T21).
const (
	keysRefreshEvery = 5 * time.Minute
	// keysUsable is how long keys serve that could not be refreshed: ten minutes past the refresh that failed.
	keysUsable = keysRefreshEvery + 10*time.Minute
	// unknownKeyEvery bounds what a spray of made-up key ids can make us ask the issuer.
	unknownKeyEvery = time.Minute
	fetchTimeout    = 5 * time.Second
	maxKeySet       = 1 << 20 // bytes
	minRSABits      = 2048
)

var (
	errKeysUnavailable = errors.New("the issuer's keys could not be fetched")
	errKey             = errors.New("no key of the issuer fits the token")
)

// KeySet is the public keys of one issuer. It is safe for concurrent use.
type KeySet struct {
	find keyfunc.Keyfunc
	// aged says how old fetched keys are; nil for keys that do not age.
	aged   *agingStorage
	flight singleflight.Group
}

// FetchKeys keeps the key set at an https URL at hand until ctx ends: fetched now, every five minutes, and at most once a
// minute when a token names a key that is not in it. A fetch that fails is logged and not an error: until one succeeds,
// and again ten minutes after a refresh was missed, tokens of the issuer fail with UPSTREAM_UNAVAILABLE.
//
// Client makes the requests; redirects are not followed.
func FetchKeys(ctx context.Context, address string, client *http.Client, log *slog.Logger) (*KeySet, error) {
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("identity: key set address %q: an https URL is needed", address)
	}
	bounded := *client
	bounded.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	bounded.Transport = boundedTransport{client.Transport}
	aged := &agingStorage{Storage: jwkset.NewMemoryStorage()}
	remote, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{
		Client: &bounded, Ctx: ctx, HTTPTimeout: fetchTimeout, NoErrorReturnFirstHTTPReq: true,
		RefreshErrorHandler: func(ctx context.Context, err error) {
			log.WarnContext(ctx, "issuer keys not refreshed", "address", address, "error", err)
		},
		RefreshInterval: keysRefreshEvery, Storage: aged,
	})
	if err != nil {
		return nil, fmt.Errorf("identity: fetch keys: %w", err)
	}
	storage, err := jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
		HTTPURLs:          map[string]jwkset.Storage{address: remote},
		RefreshUnknownKID: rate.NewLimiter(rate.Every(unknownKeyEvery), 1),
		RateLimitWaitMax:  fetchTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("identity: fetch keys: %w", err)
	}
	return newKeySet(ctx, storage, aged)
}

// StaticKeys is a key set that is known and does not change, for a simulated issuer.
func StaticKeys(jwks json.RawMessage) (*KeySet, error) {
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, fmt.Errorf("identity: key set: %w", err)
	}
	storage, err := set.ToStorage()
	if err != nil {
		return nil, fmt.Errorf("identity: key set: %w", err)
	}
	return newKeySet(context.Background(), storage, nil)
}

// newKeySet looks keys up in a storage. Keys for encryption are never used.
func newKeySet(ctx context.Context, storage jwkset.Storage, aged *agingStorage) (*KeySet, error) {
	find, err := keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: storage, UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}})
	if err != nil {
		return nil, fmt.Errorf("identity: key set: %w", err)
	}
	return &KeySet{find: find, aged: aged}, nil
}

// key finds the key that a token names. Callers who wait for the same unknown key share one question to the issuer, which
// takes fetchTimeout at most and does not end with the call of the one who asked it.
func (k *KeySet) key(ctx context.Context, t *jwt.Token) (any, error) {
	id, _ := t.Header["kid"].(string)
	key, err, _ := k.flight.Do(t.Method.Alg()+" "+id, func() (any, error) {
		return k.find.KeyfuncCtx(context.WithoutCancel(ctx))(t)
	})
	switch {
	case err == nil && fits(t.Method.Alg(), key):
		return key, nil
	case k.aged != nil && !k.aged.usable():
		return nil, errKeysUnavailable
	}
	return nil, errKey
}

// fits ties each algorithm to its kind of key, whatever the key set says.
func fits(algorithm string, key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return (algorithm == "RS256" || algorithm == "PS256" || algorithm == "RS512") && key.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return algorithm == "ES256" && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == "EdDSA" && len(key) == ed25519.PublicKeySize
	}
	return false
}

// agingStorage forgets keys that nobody has confirmed for too long.
type agingStorage struct {
	jwkset.Storage

	confirmed atomic.Pointer[time.Time]
}

func (s *agingStorage) usable() bool {
	at := s.confirmed.Load()
	return at != nil && time.Since(*at) < keysUsable
}

// KeyReplaceAll is called with each key set that was fetched.
func (s *agingStorage) KeyReplaceAll(ctx context.Context, keys []jwkset.JWK) error {
	if err := s.Storage.KeyReplaceAll(ctx, keys); err != nil {
		return err
	}
	now := time.Now()
	s.confirmed.Store(&now)
	return nil
}

// KeyRead makes stale keys unknown, so that the next fetch is not put off until the next refresh.
func (s *agingStorage) KeyRead(ctx context.Context, id string) (jwkset.JWK, error) {
	if !s.usable() {
		return jwkset.JWK{}, jwkset.ErrKeyNotFound
	}
	return s.Storage.KeyRead(ctx, id)
}

// boundedTransport reads no more of an answer than a key set can be.
type boundedTransport struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err // a transport hands errors on as they are
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxKeySet)
	return response, nil
}
