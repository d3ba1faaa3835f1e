package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/spine"
)

// application is one that the API platform knows: the gateway's, or an organisation's own. PDS gives each its own quota.
type application struct {
	ods    nhs.ODSCode // whose it is; zero for the gateway's
	people *pds.Client
	tokens *spine.Tokens                   // nil where PDS asks for none
	keys   atomic.Pointer[applicationKeys] // nil likewise
}

// settings are what a configuration says of an application.
type settings struct {
	config.Application

	key, rateKey string // where they are
	rate         float64
}

// settingsOf finds the settings of the application of an organisation, or of the gateway's for the zero code.
func settingsOf(c config.Config, ods nhs.ODSCode) (settings, error) {
	rate := c.Spine.PDS.RequestsPerSecond
	if ods.IsZero() {
		return settings{c.Spine.Token.Application(), "spine.token", "spine.pds.requestsPerSecond", rate}, nil
	}
	for i, o := range c.Organisations {
		if code, err := nhs.ParseODSCode(o.ODS); err == nil && code == ods {
			key := fmt.Sprintf("organisations[%d].", i)
			return settings{o.Token, key + "token", key + "pdsRequestsPerSecond", cmp.Or(o.PDSRequestsPerSecond, rate)}, nil
		}
	}
	return settings{}, fmt.Errorf("organisations: %s is missing: which there are is settled at the start: restart", ods)
}

// openPDS makes the clients of PDS, one for each application.
func (g *Gateway) openPDS(ctx context.Context, towardsPDS, towardsTokens spine.Config) (demographics, error) {
	all := []nhs.ODSCode{{}}
	for i, o := range g.config.Organisations {
		if o.Token.IsZero() {
			continue
		}
		ods, err := nhs.ParseODSCode(o.ODS)
		if err != nil {
			return demographics{}, fmt.Errorf("organisations[%d].ods: %w", i, err)
		}
		all = append(all, ods)
	}
	d := demographics{own: make(map[nhs.ODSCode]*pds.Client)}
	for _, ods := range all {
		s, err := settingsOf(g.config, ods)
		if err != nil {
			return demographics{}, err
		}
		a, err := g.openApplication(ctx, ods, s, towardsPDS, towardsTokens)
		if err != nil {
			return demographics{}, err
		}
		g.applications = append(g.applications, a)
		if ods.IsZero() {
			d.shared = a.people
		} else {
			d.own[ods] = a.people
		}
	}
	return d, nil
}

func (g *Gateway) openApplication(
	ctx context.Context, ods nhs.ODSCode, s settings, towardsPDS, towardsTokens spine.Config,
) (*application, error) {
	a := &application{ods: ods}
	var err error
	if s.APIKeyFile != "" {
		if a.tokens, err = g.makeTokens(ctx, a, s, towardsTokens); err != nil {
			return nil, err
		}
		g.onStop(func() error { a.tokens.Close(); return nil })
	}
	towardsPDS.Tokens = a.tokens
	if a.people, err = pds.New(pds.Config{Upstream: towardsPDS, Rate: s.rate}); err != nil {
		return nil, fmt.Errorf("spine.pds: %w", err)
	}
	g.onStop(func() error { a.people.Close(); return nil })
	return a, nil
}

// makeTokens makes the source of an application's access tokens.
func (g *Gateway) makeTokens(ctx context.Context, a *application, s settings, upstream spine.Config) (*spine.Tokens, error) {
	apiKey, err := s.APIKeyFile.Read()
	if err != nil {
		return nil, fmt.Errorf("%s.apiKeyFile: %w", s.key, err)
	}
	keys, err := readKeys(s)
	if err != nil {
		return nil, err
	}
	var secret string
	if s.ClientSecretFile != "" {
		text, err := s.ClientSecretFile.Read()
		if err != nil {
			return nil, fmt.Errorf("%s.clientSecretFile: %w", s.key, err)
		}
		secret = text.Reveal()
	}
	tokens, err := spine.NewTokens(spine.TokensConfig{
		Upstream: upstream, APIKey: apiKey.Reveal(), Key: keys.signing, ClientSecret: secret,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.key, err)
	}
	g.heed(ctx, keys)
	a.keys.Store(keys)
	return tokens, nil
}

// renewal is what a reload found for an application.
type renewal struct {
	*application
	settings

	fresh *applicationKeys // nil where PDS asks for no token
}

// renew reads what c says of an application, and changes nothing.
func (a *application) renew(c config.Config) (renewal, error) {
	s, err := settingsOf(c, a.ods)
	if err != nil {
		return renewal{}, err
	}
	if (a.tokens == nil) != (s.APIKeyFile == "") {
		return renewal{}, fmt.Errorf("%s.apiKeyFile: whether there are tokens is settled at the start: restart", s.key)
	}
	if math.IsNaN(s.rate) || math.IsInf(s.rate, 0) || s.rate <= 0 {
		return renewal{}, fmt.Errorf("%s: the rate must be a number above zero", s.rateKey)
	}
	r := renewal{application: a, settings: s}
	if a.tokens == nil {
		return r, nil
	}
	if r.fresh, err = readKeys(s); err != nil {
		return renewal{}, err
	}
	if err := r.fresh.sameNames(a.keys.Load()); err != nil {
		return renewal{}, fmt.Errorf("%s: %w", s.key, err)
	}
	return r, nil
}

// apply puts what was read into use.
func (g *Gateway) apply(ctx context.Context, r renewal) error {
	if err := r.people.SetRate(r.rate); err != nil {
		return fmt.Errorf("%s: %w", r.rateKey, err)
	}
	if r.fresh == nil {
		return nil
	}
	if err := r.tokens.SetKey(r.fresh.signing); err != nil {
		return fmt.Errorf("%s: %w", r.key, err)
	}
	before := r.keys.Swap(r.fresh)
	g.heed(ctx, r.fresh)
	if r.fresh.signing.ID != before.signing.ID {
		g.log.InfoContext(ctx, "the signing key was changed", "from", before.signing.ID, "to", r.fresh.signing.ID, "setting", r.key)
	}
	g.log.InfoContext(ctx, "keys are published", "kids", r.fresh.names(), "setting", r.key)
	return nil
}

// publishKeys offers the key set of each application: of the gateway's at one path, and of an organisation's own at another,
// so that no application's tokens can be signed with another's key.
func (g *Gateway) publishKeys(mux *http.ServeMux) {
	for _, a := range g.applications {
		if a.keys.Load() == nil {
			continue
		}
		path := "/.well-known/jwks.json"
		if !a.ods.IsZero() {
			path = "/.well-known/" + a.ods.String() + "/jwks.json"
		}
		mux.HandleFunc("GET "+path, a.publish)
	}
}

// publish answers with the key set. It is the one page that may be shown to the internet, so a cache in front may absorb
// what comes from there; not for long, because its time adds to the hour for which the platform keeps the set, and so to how
// long a new key must wait.
func (a *application) publish(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.keys.Load().set) // whoever asked may be gone
}

// Reload applies what can change while calls run: how many requests a second each application may make to PDS, for everything
// that runs and waits, too; and the applications' keys: the next token is signed with the new one, and the key set is the new
// one. Nothing else of c is looked at. After an error everything is as it was. It can take as long as an agent may take to sign.
func (g *Gateway) Reload(ctx context.Context, c config.Config) error {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	renewals := make([]renewal, len(g.applications))
	var errs []error
	for i, a := range g.applications {
		r, err := a.renew(c)
		renewals[i], errs = r, append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, r := range renewals {
		if err := g.apply(ctx, r); err != nil {
			return err
		}
	}
	g.log.InfoContext(ctx, "reloaded", "spine.pds.requestsPerSecond", c.Spine.PDS.RequestsPerSecond)
	return nil
}
