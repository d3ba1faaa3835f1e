package spine

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// TokensConfig describes an application that is known to the API platform (PDS contract, 4.1).
type TokensConfig struct {
	// Upstream is how the token service is reached. Its BaseURL is the token URL itself, which is also the audience of
	// what is signed. Hop, Explain, Before and Tokens are set here.
	Upstream Config
	// APIKey is the application's client id. Required.
	APIKey string
	// Key signs until [Tokens.SetKey]. Required.
	Key SigningKey
	// ClientSecret continues clinicians' sessions when their ID token has expired (PDS contract, 4.2). Without it they sign
	// in again.
	ClientSecret nhs.Secret
}

// Tokens gives access tokens: one for the application, and one for each clinician who is signed in. Each is shared by all who
// may use it, and the next one is fetched, once for all who ask, when less than a minute is left.
type Tokens struct {
	config   TokensConfig
	upstream *Upstream
	key      atomic.Pointer[SigningKey]
	own      pass
	workers  signIns
}

// NewTokens prepares a source of tokens. Nothing is fetched.
func NewTokens(c TokensConfig) (*Tokens, error) {
	if c.APIKey == "" {
		return nil, errors.New("an API key is required")
	}
	t := &Tokens{}
	if err := t.SetKey(c.Key); err != nil {
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
	t.config, t.upstream = c, upstream
	return t, nil
}

// Close closes idle connections.
func (t *Tokens) Close() { t.upstream.Close() }

// Token is a token that is good for ten seconds at least: the worker's, or the application's own for nil. It fails at hop TOKEN; with
// CIS2_TOKEN_INVALID where it is the worker's sign-in that is refused or over.
func (t *Tokens) Token(ctx context.Context, w *Worker) (string, error) {
	if w != nil {
		return t.workerToken(ctx, w)
	}
	return t.own.get(ctx, func(ctx context.Context) (grant, error) { return t.fetch(ctx, t.credentials, anyTimes) })
}

// Drop forgets a token of a worker, or of the application, that was refused, unless another one is held by now.
func (t *Tokens) Drop(w *Worker, token string) {
	if w != nil {
		t.workers.drop(w, token)
		return
	}
	t.own.drop(token)
}

// grant is what the token service gave.
type grant struct {
	token   string
	expires time.Time
	// refresh continues the session of a user until refreshUntil; empty for an application.
	refresh      string
	refreshUntil time.Time
}

// slowest is how long a request may take that is sent just once: what it brings is used up, whether we hear the answer or
// not (PDS contract, 13). Others are limited as [NewTokens] says and tried again.
const slowest = 25 * time.Second

// repetition says whether a form may be sent again after it may have arrived.
type repetition bool

const (
	anyTimes repetition = true
	justOnce repetition = false
)

// fetch asks for a token. The form is made anew for every attempt, because an assertion that reached the service is used up,
// whatever the answer (PDS contract, 4.1).
func (t *Tokens) fetch(ctx context.Context, form func() (url.Values, error), again repetition) (grant, error) {
	var sent url.Values
	var limits Limits
	if again == justOnce {
		limits = Limits{FirstByte: slowest, Progress: slowest, Total: slowest}
	}
	answer, err := t.upstream.Do(ctx, &Request{
		Method: http.MethodPost, URL: t.config.Upstream.BaseURL, Template: t.upstream.base.Path,
		// Exactly this, without a charset (PDS contract, 4.1).
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		body: func() ([]byte, error) {
			var err error
			sent, err = form()
			return []byte(sent.Encode()), err
		},
		Repeatable: bool(again), Limits: limits,
	})
	if err != nil {
		return grant{}, withholding(err, sent)
	}
	text, err := answer.Body.ReadAll()
	if err != nil {
		return grant{}, err
	}
	granted, err := readGrant(text, answer.RetrievedAt)
	if err != nil {
		return grant{}, fault.New(pb.Hop_HOP_TOKEN, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, err)
	}
	return granted, nil
}

// credentials is the form by which the application asks for itself.
func (t *Tokens) credentials() (url.Values, error) {
	form, err := t.asserted()
	if err != nil {
		return nil, err
	}
	form.Set("grant_type", "client_credentials")
	return form, nil
}

// asserted is a form with a fresh assertion of who the application is.
func (t *Tokens) asserted() (url.Values, error) {
	assertion, err := t.assertion(time.Now())
	if err != nil {
		return nil, err
	}
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}, nil
}

var errTokenAnswer = errors.New("the token service's answer has no bearer token with a life")

// readGrant reads an answer that came at a time. Numbers are text here and numbers elsewhere.
func readGrant(text []byte, at time.Time) (grant, error) {
	var in struct {
		Token       string         `json:"access_token"`
		Type        string         `json:"token_type"`
		Life        jsontext.Value `json:"expires_in"`
		Refresh     string         `json:"refresh_token"`
		RefreshLife jsontext.Value `json:"refresh_token_expires_in"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return grant{}, errTokenAnswer
	}
	life, ok := readSeconds(in.Life)
	if !ok || in.Token == "" || !strings.EqualFold(in.Type, "Bearer") || !visible(in.Token) {
		return grant{}, errTokenAnswer
	}
	g := grant{token: in.Token, expires: at.Add(life)}
	if life, ok := readSeconds(in.RefreshLife); ok && in.Refresh != "" {
		g.refresh, g.refreshUntil = in.Refresh, at.Add(life)
	}
	return g, nil
}

// readSeconds reads a time above zero, at most a day.
func readSeconds(value jsontext.Value) (time.Duration, bool) {
	seconds, err := strconv.Atoi(strings.Trim(string(value), `"`))
	if err != nil || seconds <= 0 {
		return 0, false
	}
	return time.Duration(min(seconds, 24*3600)) * time.Second, true
}

// visible says that a text can be a header's value as it is.
func visible(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f }) < 0
}
