package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"

	"github.com/spinegate/spinegate/internal/reach"
)

// Reload applies what can change while calls run: how many requests each application may make to PDS and the gateway to SDS, for
// everything that runs and waits, too; and the applications' keys: the next token is signed with the new one, and the key set
// is the new one. Nothing else of c is applied. What is wrong with c is found before anything of it is applied, so that after an
// error everything is as it was. It can take as long as an agent may take to sign.
func (g *Gateway) Reload(ctx context.Context, c config.Config) error {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	renewals, all := make([]renewal, len(g.applications)), make([]nhs.ODSCode, len(g.applications))
	var errs []error
	for i, a := range g.applications {
		r, err := a.renew(c)
		renewals[i], all[i], errs = r, a.ods, append(errs, err)
	}
	perMinute := c.Spine.SDS.RequestsPerMinute
	if !(perMinute > 0) || math.IsInf(perMinute, 1) {
		errs = append(errs, errors.New("spine.sds.requestsPerMinute: it must be a number above zero"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := reach.Distinct(c, all); err != nil { // the keys in use stay until a restart, which this would prevent
		return err
	}
	for _, r := range renewals {
		if err := g.apply(ctx, r); err != nil {
			return err
		}
	}
	if err := g.systems.SetRate(perMinute); err != nil {
		return fmt.Errorf("spine.sds.requestsPerMinute: %w", err)
	}
	g.log.InfoContext(ctx, "reloaded", "spine.pds.requestsPerSecond", c.Spine.PDS.RequestsPerSecond, "spine.sds.requestsPerMinute", perMinute)
	g.mention(ctx, c)
	return nil
}

// mention tells of a configuration that differs in more than what was applied.
func (g *Gateway) mention(ctx context.Context, c config.Config) {
	if !reflect.DeepEqual(fixed(g.config), fixed(c)) {
		g.log.WarnContext(ctx, "other settings have changed, too: they need a restart")
	}
}

// fixed is a configuration without what [Gateway.Reload] applies.
func fixed(c config.Config) config.Config {
	c.Spine.PDS.RequestsPerSecond, c.Spine.SDS.RequestsPerMinute = 0, 0
	token := c.Spine.Token
	c.Spine.Token = config.Token{URL: token.URL, APIKeyFile: token.APIKeyFile, ClientSecretFile: token.ClientSecretFile}
	organisations := make([]config.Organisation, len(c.Organisations))
	for i, o := range c.Organisations {
		o.PDSRequestsPerSecond = 0
		o.Token = config.Application{APIKeyFile: o.Token.APIKeyFile, ClientSecretFile: o.Token.ClientSecretFile}
		organisations[i] = o
	}
	c.Organisations = organisations
	return c
}
