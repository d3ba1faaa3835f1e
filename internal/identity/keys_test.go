package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/spinegate/spinegate/internal/identity"
)

// wire answers for the issuer's key set; it is the network, so that time can be virtual.
type wire struct {
	mu     sync.Mutex // guards what follows
	asked  int
	status int // 0: nobody answers
	body   []byte
}

// answer says what is answered from now on.
func (w *wire) answer(status int, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.body = status, body
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{
		StatusCode: w.status, Header: http.Header{"Location": {"https://evil.example/keys"}},
		Body: io.NopCloser(bytes.NewReader(w.body)), Request: r,
	}, nil
}

func fetch(t testing.TB, w *wire, log io.Writer) *identity.KeySet {
	t.Helper()
	keys, err := identity.FetchKeys(t.Context(), "https://issuer.example/keys", &http.Client{Transport: w}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestMadeUpKeyIDsAskTheIssuerOnceAMinute(t *testing.T) {
	f := newForeign(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: http.StatusOK, body: f.set}
		v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(fetch(t, w, io.Discard))}})
		for n := range 300 { // one a second: five minutes
			token := sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": strings.Repeat("k", 1+n%200)}, claims())
			if _, err := v.Verify(t.Context(), presented(t, token)); reason(err) != "TOKEN_INVALID" {
				t.Fatalf("Verify = %v", err)
			}
			time.Sleep(time.Second)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		// Once at the start, five times for the unknown keys, and for the refresh after five minutes.
		if w.asked < 6 || w.asked > 8 {
			t.Errorf("the issuer was asked %d times in five minutes", w.asked)
		}
	})
}

func TestARotatedKeyIsFound(t *testing.T) {
	before, after := newForeign(t), newForeign(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: http.StatusOK, body: before.set}
		v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{before.trusted(fetch(t, w, io.Discard))}})
		w.answer(http.StatusOK, bytes.ReplaceAll(after.set, []byte(`"ecdsa"`), []byte(`"ecdsa-2"`)))
		token := sign(t, jwt.SigningMethodES256, after.ecdsa, map[string]any{"kid": "ecdsa-2"}, claims())
		if _, err := v.Verify(t.Context(), presented(t, token)); err != nil {
			t.Errorf("a token of the new key: %v", err)
		}
		old := sign(t, jwt.SigningMethodES256, before.ecdsa, map[string]any{"kid": "ecdsa"}, claims())
		if _, err := v.Verify(t.Context(), presented(t, old)); reason(err) != "TOKEN_INVALID" {
			t.Errorf("a token of the withdrawn key: %v, want TOKEN_INVALID", err)
		}
	})
}

// An issuer that publishes a key before it signs with it, and for as long as its tokens live, loses no caller on the way.
func TestAnIssuersKeysRotateUnderLoad(t *testing.T) {
	before, after := newForeign(t), newForeign(t)
	renamed := bytes.ReplaceAll(after.set, []byte(`"kid":"`), []byte(`"kid":"next-`))
	var sets [2]struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := errors.Join(json.Unmarshal(before.set, &sets[0]), json.Unmarshal(renamed, &sets[1])); err != nil {
		t.Fatal(err)
	}
	both, err := json.Marshal(map[string]any{"keys": append(sets[0].Keys, sets[1].Keys...)})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &wire{status: http.StatusOK, body: before.set}
		v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{before.trusted(fetch(t, w, io.Discard))}})
		old := func() string {
			return sign(t, jwt.SigningMethodES256, before.ecdsa, map[string]any{"kid": "ecdsa"}, claims())
		}
		fresh := func() string {
			return sign(t, jwt.SigningMethodES256, after.ecdsa, map[string]any{"kid": "next-ecdsa"}, claims())
		}
		during := func(d time.Duration, tokens ...func() string) {
			t.Helper()
			for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(time.Second) {
				var calls sync.WaitGroup
				for n := range 4 {
					calls.Go(func() {
						if _, err := v.Verify(t.Context(), presented(t, tokens[n%len(tokens)]())); err != nil {
							t.Error(err)
						}
					})
				}
				calls.Wait()
			}
		}
		during(time.Minute, old)
		w.answer(http.StatusOK, both)
		during(10*time.Minute, old, fresh)
		w.answer(0, nil) // the issuer is away while keys are fresh
		during(4*time.Minute, old, fresh)
		w.answer(http.StatusOK, renamed)
		during(10*time.Minute, fresh)
		if _, err := v.Verify(t.Context(), presented(t, old())); reason(err) != "TOKEN_INVALID" {
			t.Errorf("a token of the withdrawn key: %v, want TOKEN_INVALID", err)
		}
	})
}

func TestKeysThatCannotBeFetchedAreOurTroubleAndNotTheCallers(t *testing.T) {
	f := newForeign(t)
	for _, tt := range []struct {
		name   string
		status int
		body   []byte
	}{
		{"refused", 0, nil},
		{"an error", http.StatusServiceUnavailable, nil},
		{"a redirect", http.StatusFound, nil},
		{"not a key set", http.StatusOK, []byte("<html>")},
		{"endless", http.StatusOK, append([]byte(`{"keys":[],"x":"`), bytes.Repeat([]byte("x"), 2<<20)...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				w := &wire{status: tt.status, body: tt.body}
				keys := fetch(t, w, &log)
				if !strings.Contains(log.String(), "issuer keys not refreshed") {
					t.Error("the operator is not told")
				}
				v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(keys)}})
				try := func() error {
					token := sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "ecdsa"}, claims())
					_, err := v.Verify(t.Context(), presented(t, token))
					return err
				}
				if err := try(); reason(err) != "UPSTREAM_UNAVAILABLE" {
					t.Errorf("without keys: %v, want UPSTREAM_UNAVAILABLE", err)
				}
				w.answer(http.StatusOK, f.set)
				time.Sleep(2 * time.Minute)
				if err := try(); err != nil {
					t.Errorf("once the issuer is back: %v", err)
				}
				w.answer(tt.status, tt.body)
				time.Sleep(14 * time.Minute)
				if err := try(); err != nil {
					t.Errorf("with keys that missed a refresh: %v", err)
				}
				time.Sleep(2 * time.Minute)
				if err := try(); reason(err) != "UPSTREAM_UNAVAILABLE" {
					t.Errorf("with stale keys: %v, want UPSTREAM_UNAVAILABLE", err)
				}
			})
		})
	}
}

func TestKeySetsAreFetchedOverTLSOnly(t *testing.T) {
	for _, address := range []string{"http://issuer.example/keys", "file:///etc/passwd", "", "https://"} {
		if _, err := identity.FetchKeys(t.Context(), address, http.DefaultClient, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("FetchKeys(%q) was accepted", address)
		}
	}
}
