package doctor

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/spine"
)

// signingKeys has the key of each application sign something, and holds the key sets that are registered against it.
func (e *examination) signingKeys(ctx context.Context) {
	e.keys = map[nhs.ODSCode]*reach.Keys{}
	for code, a := range e.applications() {
		subject := a.Key
		if a.APIKeyFile == "" {
			e.skip(subject, "signing key", "PDS is asked for without a token.")
			continue
		}
		keys, err := a.ReadKeys()
		if err != nil {
			e.wrong(Fail, subject, "signing key", err.Error(), "Give the application's RSA key in PEM: the private one, or the public half of the one behind the agent.")
			continue
		}
		if err := a.Try(keys); err != nil {
			do := "The key cannot sign with RS512: make another, of 4096 bits, and publish it under a kid of its own."
			if a.AgentSocket != "" {
				do = "Start the agent at " + a.AgentSocket + " and give it the key; this user must be allowed to use the socket."
			}
			e.wrong(Fail, subject, "signing key", err.Error(), do)
			continue
		}
		e.keys[code] = keys
		where := string(a.PrivateKeyFile)
		if a.AgentSocket != "" {
			where = "behind the agent at " + a.AgentSocket
		}
		bits := keys.Published[0].Key.N.BitLen()
		seen := fmt.Sprintf("kid %s, %d bits, %s: it signs", a.KeyID, bits, where)
		if bits < reach.UsualBits {
			e.wrong(Warn, subject, "signing key", seen, fmt.Sprintf("%d bits are usual: make the next one that long.", reach.UsualBits))
		} else {
			e.ok(subject, "signing key", "%s", seen)
		}
		e.keySet(ctx, code, subject, keys.Published[0])
	}
}

// applications are those that the configuration names, by organisation, the gateway's first.
func (e *examination) applications() func(func(nhs.ODSCode, reach.Application) bool) {
	return func(yield func(nhs.ODSCode, reach.Application) bool) {
		all, err := reach.Applications(e.config)
		if err != nil {
			return // [config.Load] has refused it
		}
		for _, code := range all {
			a, err := reach.ApplicationOf(e.config, code)
			if err != nil || !yield(code, a) {
				return
			}
		}
	}
}

// published is a key set, as far as it matters here.
type published struct {
	Keys []struct {
		ID       string `json:"kid"`
		Modulus  string `json:"n"`
		Exponent string `json:"e"`
	} `json:"keys"`
}

// keySet looks whether the URL that is registered publishes the key that signs, under its kid. It is fetched as the platform
// fetches it: trusting the system's authorities.
func (e *examination) keySet(ctx context.Context, code nhs.ODSCode, subject string, signs spine.PublicKey) {
	address, given := e.options.KeySets[code]
	if !given {
		e.skip(subject, "key set", "Which URL is registered for it was not said (--jwks-url).")
		return
	}
	h := host{subject: subject + " key set", address: address, tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	a, ok := e.look(ctx, h)
	if !ok {
		return
	}
	var set published
	if err := json.Unmarshal(a.body, &set); a.status != 200 || err != nil {
		e.wrong(Fail, subject, "key set", fmt.Sprintf("%s answers HTTP %d, and no key set", address, a.status),
			"Publish what the gateway's admin listener has at /.well-known/jwks.json there.")
		return
	}
	var kids []string
	for _, k := range set.Keys {
		kids = append(kids, k.ID)
		if k.ID != signs.ID {
			continue
		}
		if n, err := base64.RawURLEncoding.DecodeString(k.Modulus); err != nil || !sameKey(signs.Key, n) {
			e.wrong(Fail, subject, "key set", "kid "+signs.ID+" is another key there", "A kid stands for one key for ever: give the key that signs a kid of its own, and publish it.")
			return
		}
		e.ok(subject, "key set", "%s has kid %s", address, signs.ID)
		return
	}
	e.wrong(Fail, subject, "key set", fmt.Sprintf("%s has no kid %s, but %s", address, signs.ID, strings.Join(kids, ", ")),
		"Publish it there at least two hours before it signs: docs/decisions/0010-signing-keys.md.")
}

func sameKey(key *rsa.PublicKey, modulus []byte) bool {
	return key.N.Cmp(new(big.Int).SetBytes(modulus)) == 0
}

// tokens gets a token for each application, as the gateway does.
func (e *examination) tokens(ctx context.Context) {
	for code, a := range e.applications() {
		subject := a.Key
		keys := e.keys[code]
		switch {
		case a.APIKeyFile == "":
			continue
		case keys == nil:
			e.skip(subject, "token", "The signing key has to be right first.")
			continue
		case e.closed["spine.token.url"]:
			e.skip(subject, "token", "The token service has to be reached first.")
			continue
		}
		if err := e.token(ctx, a, keys.Signing); err != nil {
			if errors.Is(err, errFile) {
				e.wrong(Fail, subject, "token", err.Error(), "Put what the API platform gave you into it, readable for this user and nobody else.")
				continue
			}
			seen, do := refusal(err)
			e.wrong(Fail, subject, "token", seen, do)
			continue
		}
		e.ok(subject, "token", "granted")
	}
	if e.config.Identity.CIS2.Name != "" {
		e.skip("identity.cis2", "token of a clinician", "It takes a clinician who signs in.")
	}
}

// errFile says that it was not the token service that refused.
var errFile = errors.New("the application's files")

// token gets a token and forgets it.
func (e *examination) token(ctx context.Context, a reach.Application, key spine.SigningKey) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tokens, err := a.Tokens(key, e.towards(e.config.Spine.Token.URL))
	if err != nil {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	defer tokens.Close()
	_, err = tokens.Token(ctx, nil)
	return err
}
