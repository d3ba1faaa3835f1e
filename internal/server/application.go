package server

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"time"

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

// applicationsOf are the organisations that have an application of their own, after the zero code for the gateway's.
func applicationsOf(c config.Config) ([]nhs.ODSCode, error) {
	all := []nhs.ODSCode{{}}
	for i, o := range c.Organisations {
		if o.Token.IsZero() {
			continue
		}
		ods, err := nhs.ParseODSCode(o.ODS)
		if err != nil {
			return nil, fmt.Errorf("organisations[%d].ods: %w", i, err)
		}
		all = append(all, ods)
	}
	return all, nil
}

// distinct refuses a configuration in which two of these applications have one API key: it stands for one application, which
// has one quota and one key set.
func distinct(c config.Config, all []nhs.ODSCode) error {
	known := make(map[string]string, len(all)) // where a key is, by what it is
	for _, ods := range all {
		s, err := settingsOf(c, ods)
		if err != nil {
			return err
		}
		if s.APIKeyFile == "" {
			continue // PDS asks for no token
		}
		text, err := s.APIKeyFile.Read()
		if err != nil {
			return fmt.Errorf("%s.apiKeyFile: %w", s.key, err)
		}
		if other, taken := known[text.Reveal()]; taken {
			return fmt.Errorf("%s.apiKeyFile: %s has this API key: an application of its own needs its own", s.key, other)
		}
		known[text.Reveal()] = s.key
	}
	return nil
}

// openPDS makes the clients of PDS, one for each application.
func (g *Gateway) openPDS(ctx context.Context, towardsPDS, towardsTokens spine.Config) (demographics, error) {
	all, err := applicationsOf(g.config)
	if err != nil {
		return demographics{}, err
	}
	if err := distinct(g.config, all); err != nil {
		return demographics{}, err
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
	var secret nhs.Secret
	if s.ClientSecretFile != "" {
		if secret, err = s.ClientSecretFile.Read(); err != nil {
			return nil, fmt.Errorf("%s.clientSecretFile: %w", s.key, err)
		}
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
	before := r.keys.Load()
	r.fresh.follow(before)
	r.keys.Store(r.fresh)
	g.heed(ctx, r.fresh)
	if signs := r.fresh.signing.ID; signs != before.signing.ID {
		g.log.InfoContext(ctx, "the signing key was changed", "from", before.signing.ID, "to", signs, "setting", r.key)
		if published := time.Since(r.fresh.since[signs]); published < platformKeeps {
			// It may be meant: a key that has leaked cannot wait.
			g.log.ErrorContext(ctx, "the key signs before the platform can know it: tokens may be refused for up to an hour", "kid", signs,
				"published_for", published.Round(time.Second).String(), "setting", r.key)
		}
		if _, still := r.fresh.since[before.signing.ID]; !still {
			g.log.WarnContext(ctx, "the key that signed until now is published no more: what it signed may be refused",
				"kid", before.signing.ID, "setting", r.key)
		}
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
