package spine

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh/agent"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/signer"
	"github.com/spinegate/spinegate/internal/simulator"
)

// newKey is a key of the application beside the simulator's own, and the key set that publishes it.
func newKey(t *testing.T, id string) (SigningKey, []byte) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := SigningKey{ID: id, Signer: private}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	set, err := KeySet(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, set
}

// Tokens run out several times and the key is changed while two hundred callers ask: nobody is refused, each renewal is one
// fetch, no assertion is sent twice, and from the change on the new key signs.
func TestTheKeyIsRotatedUnderLoad(t *testing.T) {
	next, set := newKey(t, "next-1")
	bubble(t, "and no call fails", func(t *testing.T) {
		const (
			callers, rounds = 200, 15
			life            = 5 * time.Minute
		)
		s, m := embedded(t, simulator.Options{JWKS: set, TokenLife: life})
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.Token, Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		tokens := tokensFor(t, s, m, nil)
		first := tokens.key.Load().ID
		u := open(t, Config{
			Hop: pb.Hop_HOP_PDS, BaseURL: s.PDSURL(), Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Dial: m.DialContext,
			TLS: (&service{pool: s.RootPool()}).tls(), Tokens: tokens, MaxConns: 8,
		})
		var load sync.WaitGroup
		for range callers {
			load.Go(func() {
				for range rounds {
					_, q := patientRequest(t, s, m, tokens)
					if _, err := fetch(t.Context(), u, q); err != nil {
						t.Error(err)
					}
					time.Sleep(mathrand.N(3 * time.Minute))
				}
			})
		}
		time.Sleep(12 * time.Minute)
		if err := tokens.SetKey(next); err != nil {
			t.Fatal(err)
		}
		changed := time.Now()
		load.Wait()

		fetches, used := s.Transcript().Of(simulator.Token), map[string]bool{}
		for _, e := range s.Transcript().Of(simulator.PDS) {
			used[e.Header.Get("Authorization")] = true
		}
		// The last is fetched ahead of need, and may come when nobody is left to use it.
		if n := len(fetches); n < 4 || n != len(used) && n != len(used)+1 {
			t.Errorf("%d fetches for %d tokens in %v", len(fetches), len(used), time.Since(changed)+12*time.Minute)
		}
		assertions, signed := map[any]bool{}, map[any]int{}
		for i, e := range fetches {
			assertions[e.JWT.Claims["jti"]] = true
			signed[e.JWT.Header["kid"]]++
			want := first
			if e.At.After(changed) {
				want = next.ID
			}
			if e.Status != 200 || e.JWT.Header["kid"] != want {
				t.Errorf("fetch %d: status %d, signed with %v, want %v", i, e.Status, e.JWT.Header["kid"], want)
			}
			if i > 0 && e.At.Sub(fetches[i-1].At) < life-renewBefore-time.Second {
				t.Errorf("fetch %d came %v after the last", i, e.At.Sub(fetches[i-1].At))
			}
		}
		if len(assertions) != len(fetches) || signed[first] < 2 || signed[next.ID] < 2 {
			t.Errorf("%d assertions in %d fetches, signed with %v", len(assertions), len(fetches), signed)
		}
	})
}

// An assertion that an agent signed is as good as any.
func TestAKeyBehindAnAgentSigns(t *testing.T) {
	t.Parallel()
	s, m := embedded(t, simulator.Options{})
	tokens := tokensFor(t, s, m, nil)
	app, err := s.Application()
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: app.Key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			_ = agent.ServeAgent(ring, conn) // it ends with the connection
			_ = conn.Close()
		}
	})
	defer serving.Wait()
	defer listener.Close()

	behind, err := signer.New(socket, &app.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.SetKey(SigningKey{ID: app.KeyID, Signer: behind}); err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Token(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens.Drop(nil, token)
	if err := ring.Lock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_, err = tokens.Token(t.Context(), nil)
	wantReason(t, err, pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
	if !errors.Is(err, signer.ErrEmpty) {
		t.Errorf("%v does not say that the agent is locked", errors.Unwrap(err))
	}
	if got := len(s.Transcript().Of(simulator.Token)); got != 1 {
		t.Errorf("%d fetches, want one: the second had no assertion", got)
	}
}

func TestAKeyThatCannotSignIsRefused(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "a")
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tokens := &Tokens{}
	if err := tokens.SetKey(key); err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]SigningKey{
		"no id": {Signer: key.Signer}, "no signer": {ID: "b"}, "elliptical": {"b", elliptical}, "short": {"b", short},
	} {
		if err := tokens.SetKey(k); err == nil || tokens.key.Load().ID != "a" {
			t.Errorf("%s: %v, and %s is in use", name, err, tokens.key.Load().ID)
		}
	}
}

func TestTheKeySetIsWhatThePlatformReads(t *testing.T) {
	t.Parallel()
	key, _ := newKey(t, "a")
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	text, err := KeySet(public, PublicKey{"b", public.Key})
	if err != nil {
		t.Fatal(err)
	}
	var set map[string][]map[string]string
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	if len(set) != 1 || len(set["keys"]) != 2 {
		t.Fatalf("a set of %d members with %d keys", len(set), len(set["keys"]))
	}
	one := set["keys"][1]
	if diff := cmp.Diff([]string{"alg", "e", "kid", "kty", "n", "use"}, slices.Sorted(maps.Keys(one))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if one["kty"] != "RSA" || one["alg"] != "RS512" || one["use"] != "sig" || one["kid"] != "b" || one["e"] != "AQAB" {
		t.Errorf("a key for %s, %s, %s, %s, %s", one["kty"], one["alg"], one["use"], one["kid"], one["e"])
	}
	if empty, err := KeySet(); err != nil || !bytes.Contains(empty, []byte("[]")) {
		t.Errorf("no keys: %s, %v", empty, err)
	}
	for want, keys := range map[string][]PublicKey{
		"another one has this id": {public, public}, "a key id": {{"", public.Key}}, "2048 bits": {{ID: "c"}},
	} {
		if _, err := KeySet(keys...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
