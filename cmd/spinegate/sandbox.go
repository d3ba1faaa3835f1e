package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// maxAdminAnswer bounds what is read of the admin address.
const maxAdminAnswer = 8 << 20

// sandbox is the admin address of a gateway with the Spine embedded: it gives tokens and shows traces to whoever asks
// from this machine.
type sandbox struct {
	Admin   string `group:"gateway" setting:"admin" variable:"SPINEGATE_ADMIN" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Admin address of a sandbox on this machine, which gives tokens to try things out (${default})."`
	Persona string `group:"gateway" setting:"persona" default:"clinician" placeholder:"NAME" help:"For whom a sandbox's token is (${default}); \"spinegate token --list\" lists them."`
}

// persona is somebody for whom a sandbox gives tokens.
type persona struct {
	Name         string   `json:"name"`
	About        string   `json:"about"`
	Organisation string   `json:"organisation_name"`
	ODSCode      string   `json:"organisation"`
	Scopes       []string `json:"scopes"`
	SignsIn      bool     `json:"signs_in_with_cis2"`
}

// span is one span of a trace as a sandbox remembers it.
type span struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Start      time.Time         `json:"start"`
	DurationNS int64             `json:"duration_ns"`
	Error      bool              `json:"error"`
	Attributes map[string]string `json:"attributes"`
	Events     []spanEvent       `json:"events"`
	Children   []span            `json:"children"`
}

func (s span) duration() time.Duration { return time.Duration(s.DurationNS) }

type spanEvent struct {
	Name    string `json:"name"`
	AfterNS int64  `json:"after_ns"`
}

// minted are the tokens of a persona.
type minted struct {
	Token string `json:"token"`
	// IDToken is that of a sign-in with CIS2; empty for a persona without a smartcard.
	IDToken string `json:"cis2_id_token"`
}

// mint gets tokens.
func (s *sandbox) mint(ctx context.Context) (minted, error) {
	var got minted
	if err := s.ask(ctx, http.MethodPost, "/sandbox/token?persona="+url.QueryEscape(s.Persona), &got); err != nil {
		if errors.Is(err, errNotThere) {
			return minted{}, misusedf("--persona: there is no such persona here; \"spinegate token --list\" names everybody")
		}
		return minted{}, err
	}
	if got.Token == "" {
		return minted{}, errors.New("the sandbox answered without a token")
	}
	return got, nil
}

// personas lists for whom there are tokens.
func (s *sandbox) personas(ctx context.Context) ([]persona, error) {
	var all []persona
	err := s.ask(ctx, http.MethodGet, "/sandbox/personas", &all)
	return all, err
}

// spans are the roots of a trace's tree: one, once the call has ended.
func (s *sandbox) spans(ctx context.Context, traceID string) ([]span, error) {
	var trace struct {
		Spans []span `json:"spans"`
	}
	err := s.ask(ctx, http.MethodGet, "/sandbox/traces/"+url.PathEscape(traceID), &trace)
	return trace.Spans, err
}

// errNotThere is the sandbox's answer about what it does not have.
var errNotThere = errors.New("the sandbox has no such thing")

// ask asks the admin address, which is never another machine: whoever answers there chooses the token.
func (s *sandbox) ask(ctx context.Context, method, path string, answer any) error {
	if s.Admin == "" {
		return misusedf("the target is no sandbox, which alone gives tokens away: it has no admin address")
	}
	if err := wellFormed("--admin", s.Admin, "9090", false); err != nil {
		return err
	}
	if !loopback(s.Admin) {
		return misusedf("--admin: %s is not on this machine", s.Admin)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.Admin+path, http.NoBody)
	if err != nil {
		return misusedf("--admin: %s is not an address", s.Admin)
	}
	transport := &http.Transport{} // without a proxy
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the address, which is ours
		}
		if _, ok := errors.AsType[net.Error](err); !ok && ctx.Err() == nil { // whatever came is in the text
			return fmt.Errorf("what answers at %s is not the admin address of a sandbox; is it the gateway's own?", s.Admin)
		}
		return fmt.Errorf("ask the sandbox at %s (\"server sandbox\" starts one): %w", s.Admin, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
	if err != nil {
		return fmt.Errorf("read the sandbox's answer: %w", err)
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return errNotThere
	default:
		return fmt.Errorf("the sandbox answered %s: %s", response.Status, strings.TrimSpace(string(body[:min(len(body), 200)])))
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return errors.New("the sandbox's answer cannot be read") // it may hold a token, so nothing of it is told
	}
	return nil
}
