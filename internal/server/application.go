package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/spine"
)

// application is one that the API platform knows: the gateway's, or an organisation's own. PDS gives each its own quota.
type application struct {
	ods    nhs.ODSCode // whose it is; zero for the gateway's
	people *pds.Client
	tokens *spine.Tokens                   // nil where PDS asks for none
	keys   atomic.Pointer[applicationKeys] // nil likewise
}

// openPDS makes the clients of PDS, one for each application.
func (g *Gateway) openPDS(ctx context.Context, towardsPDS, towardsTokens spine.Config) (demographics, error) {
	all, err := reach.Applications(g.config)
	if err != nil {
		return demographics{}, err
	}
	if err := reach.Distinct(g.config, all); err != nil {
		return demographics{}, err
	}
	d := demographics{own: make(map[nhs.ODSCode]*pds.Client)}
	for _, ods := range all {
		s, err := reach.ApplicationOf(g.config, ods)
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
	ctx context.Context, ods nhs.ODSCode, s reach.Application, towardsPDS, towardsTokens spine.Config,
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
	if a.people, err = pds.New(pds.Config{Upstream: towardsPDS, Rate: s.Rate}); err != nil {
		return nil, fmt.Errorf("spine.pds: %w", err)
	}
	g.onStop(func() error { a.people.Close(); return nil })
	return a, nil
}

// makeTokens makes the source of an application's access tokens.
func (g *Gateway) makeTokens(ctx context.Context, a *application, s reach.Application, upstream spine.Config) (*spine.Tokens, error) {
	keys, err := readKeys(s)
	if err != nil {
		return nil, err
	}
	tokens, err := s.Tokens(keys.Signing, upstream)
	if err != nil {
		return nil, err
	}
	g.heed(ctx, keys)
	a.keys.Store(keys)
	return tokens, nil
}

// renewal is what a reload found for an application.
type renewal struct {
	*application
	reach.Application

	fresh *applicationKeys // nil where PDS asks for no token
}

// renew reads what c says of an application, and changes nothing.
func (a *application) renew(c config.Config) (renewal, error) {
	s, err := reach.ApplicationOf(c, a.ods)
	if err != nil {
		return renewal{}, err
	}
	if (a.tokens == nil) != (s.APIKeyFile == "") {
		return renewal{}, fmt.Errorf("%s.apiKeyFile: whether there are tokens is settled at the start: restart", s.Key)
	}
	if math.IsNaN(s.Rate) || math.IsInf(s.Rate, 0) || s.Rate <= 0 {
		return renewal{}, fmt.Errorf("%s: the rate must be a number above zero", s.RateKey)
	}
	r := renewal{application: a, Application: s}
	if a.tokens == nil {
		return r, nil
	}
	if r.fresh, err = readKeys(s); err != nil {
		return renewal{}, err
	}
	if err := r.fresh.sameNames(a.keys.Load()); err != nil {
		return renewal{}, fmt.Errorf("%s: %w", s.Key, err)
	}
	return r, nil
}

// apply puts what was read into use.
func (g *Gateway) apply(ctx context.Context, r renewal) error {
	if err := r.people.SetRate(r.Rate); err != nil {
		return fmt.Errorf("%s: %w", r.RateKey, err)
	}
	if r.fresh == nil {
		return nil
	}
	if err := r.tokens.SetKey(r.fresh.Signing); err != nil {
		return fmt.Errorf("%s: %w", r.Key, err)
	}
	before := r.keys.Load()
	r.fresh.follow(before)
	r.keys.Store(r.fresh)
	g.heed(ctx, r.fresh)
	if signs := r.fresh.Signing.ID; signs != before.Signing.ID {
		g.log.InfoContext(ctx, "the signing key was changed", "from", before.Signing.ID, "to", signs, "setting", r.Key)
		if published := time.Since(r.fresh.since[signs]); published < platformKeeps {
			// It may be meant: a key that has leaked cannot wait.
			g.log.ErrorContext(ctx, "the key signs before the platform can know it: tokens may be refused for up to an hour", "kid", signs,
				"published_for", published.Round(time.Second).String(), "setting", r.Key)
		}
		if _, still := r.fresh.since[before.Signing.ID]; !still {
			g.log.WarnContext(ctx, "the key that signed until now is published no more: what it signed may be refused",
				"kid", before.Signing.ID, "setting", r.Key)
		}
	}
	g.log.InfoContext(ctx, "keys are published", "kids", r.fresh.names(), "setting", r.Key)
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
