package spine

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/singleflight"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
)

// TokensConfig describes an application that is known to the API platform (PDS contract, 4.1).
type TokensConfig struct {
	// Upstream is how the token service is reached. Its BaseURL is the token URL itself, which is also the audience of
	// what is signed. Hop, Explain, Before and Tokens are set here.
	Upstream Config
	// APIKey is the application's client id. Required.
	APIKey string
	// KeyID names the signing key in the application's published key set. Required.
	KeyID string
	// Signer holds the RSA private key. Required.
	Signer crypto.Signer
}

// renewBefore is what must be left of a token for it to be used.
const renewBefore = 60 * time.Second

// Tokens gives access tokens for application-restricted access. It holds one, shared by all who ask, and fetches the next
// when less than a minute is left; whoever asks meanwhile waits for the same fetch.
type Tokens struct {
	config   TokensConfig
	upstream *Upstream
	fetching singleflight.Group

	mu      sync.Mutex
	token   string
	expires time.Time
}

// NewTokens prepares a source of tokens. Nothing is fetched.
func NewTokens(c TokensConfig) (*Tokens, error) {
	if c.APIKey == "" || c.KeyID == "" || c.Signer == nil {
		return nil, errors.New("API key, key id and signer are required")
	}
	if err := checkSigner(c.Signer); err != nil {
		return nil, err
	}
	c.Upstream.Hop, c.Upstream.Explain = pb.Hop_HOP_TOKEN, explainToken
	c.Upstream.Before, c.Upstream.Tokens = nil, nil // a system event, not an access
	c.Upstream.Limits = c.Upstream.Limits.or(Limits{
		FirstByte: 3 * time.Second, Progress: 3 * time.Second, Total: 3 * time.Second, Attempts: 2, Bytes: 64 << 10,
	})
	upstream, err := New(c.Upstream)
	if err != nil {
		return nil, err
	}
	return &Tokens{config: c, upstream: upstream}, nil
}

// Close closes idle connections.
func (t *Tokens) Close() { t.upstream.Close() }

// Token is a token with at least a minute left. It fails at hop TOKEN.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	if token := t.held(); token != "" {
		return token, nil
	}
	// The fetch outlives the caller who began it: others wait for it. Its own limits end it. It has a goroutine of its own,
	// where a panic would end the process.
	fetched := t.fetching.DoChan("", func() (fetched any, err error) {
		err = guard.Run(ctx, func() (err error) {
			if token := t.held(); token != "" {
				fetched = token
				return nil
			}
			fetched, err = t.fetch(context.WithoutCancel(ctx))
			return err
		})
		return fetched, err
	})
	select {
	case result := <-fetched:
		if result.Err != nil {
			return "", result.Err
		}
		token, _ := result.Val.(string)
		return token, nil
	case <-ctx.Done():
		return "", ended(pb.Hop_HOP_TOKEN, ctx.Err())
	}
}

// Drop forgets a token that was refused, unless another one is held by now.
func (t *Tokens) Drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

func (t *Tokens) held() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Until(t.expires) < renewBefore {
		return ""
	}
	return t.token
}

// fetch asks for a token. Every attempt is signed anew: an assertion that reached the service is used up, whatever the
// answer (PDS contract, 4.1).
func (t *Tokens) fetch(ctx context.Context) (string, error) {
	answer, err := t.upstream.Do(ctx, &Request{
		Method: http.MethodPost, URL: t.config.Upstream.BaseURL, Template: t.upstream.base.Path,
		// Exactly this, without a charset (PDS contract, 4.1).
		Header:     http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		body:       t.form,
		Repeatable: true,
	})
	if err != nil {
		return "", err
	}
	asked := answer.RetrievedAt
	text, err := answer.Body.ReadAll()
	if err != nil {
		return "", err
	}
	token, life, err := readToken(text)
	if err != nil {
		return "", fault.New(pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.expires = token, asked.Add(life)
	return token, nil
}

func (t *Tokens) form() ([]byte, error) {
	assertion, err := t.assertion(time.Now())
	if err != nil {
		return nil, err
	}
	return []byte(url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}.Encode()), nil
}

var errTokenAnswer = errors.New("the token service's answer has no bearer token with a life")

// readToken reads an answer. expires_in is text here and a number elsewhere.
func readToken(text []byte) (token string, life time.Duration, err error) {
	var in struct {
		Token string         `json:"access_token"`
		Type  string         `json:"token_type"`
		Life  jsontext.Value `json:"expires_in"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return "", 0, errTokenAnswer
	}
	seconds, err := strconv.Atoi(strings.Trim(string(in.Life), `"`))
	if err != nil || seconds <= 0 || in.Token == "" || !strings.EqualFold(in.Type, "Bearer") || !visible(in.Token) {
		return "", 0, errTokenAnswer
	}
	return in.Token, time.Duration(min(seconds, 24*3600)) * time.Second, nil
}

// visible says that a text can be a header's value as it is.
func visible(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) < 0
}

// authorise puts an access token on an attempt, and what the proxy wants there.
func authorise(tokens *Tokens, send next) next {
	return func(t *trip, r *http.Request) (*http.Response, error) {
		t.token = ""
		if tokens != nil {
			token, err := tokens.Token(r.Context())
			if err != nil {
				return nil, refuse(err)
			}
			t.token = token
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if t.ssp != nil {
			if err := t.ssp.stamp(r.Context(), r.Header, t.sspTraceID, time.Now()); err != nil {
				return nil, refuse(err)
			}
		}
		if t.body != nil {
			body, err := t.body()
			if err != nil {
				return nil, refuse(fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, err))
			}
			t.Body = body
		}
		return send(t, r)
	}
}
