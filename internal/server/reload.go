package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/spinegate/spinegate/internal/config"
)

// Reload applies what can change while calls run: spine.pds.requestsPerSecond and spine.sds.requestsPerMinute, for everything
// that runs and waits, too; and the application's keys: the next token is signed with the new one, and the key set is the new one. Nothing else of c is
// looked at. After an error everything is as it was. It can take as long as an agent may take to sign.
func (g *Gateway) Reload(ctx context.Context, c config.Config) error {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if (g.tokens == nil) != (c.Spine.Token.APIKeyFile == "") {
		return errors.New("spine.token.apiKeyFile: whether there are tokens is settled at the start: restart")
	}
	var keys *applicationKeys
	if g.tokens != nil {
		var err error
		if keys, err = readKeys(c.Spine.Token); err != nil {
			return err
		}
		if err := keys.sameNames(g.keys.Load()); err != nil {
			return err
		}
	}
	perSecond, perMinute := c.Spine.PDS.RequestsPerSecond, c.Spine.SDS.RequestsPerMinute
	if !(perMinute > 0) || math.IsInf(perMinute, 1) { // looked at before anything is changed
		return errors.New("spine.sds.requestsPerMinute: it must be a number above zero")
	}
	if err := g.people.SetRate(perSecond); err != nil {
		return fmt.Errorf("spine.pds.requestsPerSecond: %w", err)
	}
	if err := g.systems.SetRate(perMinute); err != nil {
		return fmt.Errorf("spine.sds.requestsPerMinute: %w", err)
	}
	if keys != nil {
		if err := g.useKeys(ctx, keys); err != nil {
			return err
		}
	}
	g.log.InfoContext(ctx, "reloaded", "spine.pds.requestsPerSecond", perSecond, "spine.sds.requestsPerMinute", perMinute)
	g.mention(ctx, c)
	return nil
}

// mention tells of a configuration that differs in more than what was applied.
func (g *Gateway) mention(ctx context.Context, c config.Config) {
	running, token := g.config, g.config.Spine.Token
	running.Spine.PDS.RequestsPerSecond = c.Spine.PDS.RequestsPerSecond
	running.Spine.SDS.RequestsPerMinute = c.Spine.SDS.RequestsPerMinute
	running.Spine.Token = c.Spine.Token
	running.Spine.Token.URL, running.Spine.Token.APIKeyFile, running.Spine.Token.ClientSecretFile = token.URL, token.APIKeyFile, token.ClientSecretFile
	if !reflect.DeepEqual(running, c) {
		g.log.WarnContext(ctx, "other settings have changed, too: they need a restart")
	}
}

// useKeys puts keys into use that have been read and tried.
func (g *Gateway) useKeys(ctx context.Context, keys *applicationKeys) error {
	if err := g.tokens.SetKey(keys.signing); err != nil {
		return fmt.Errorf("spine.token: %w", err)
	}
	before := g.keys.Load()
	keys.follow(before)
	g.keys.Store(keys)
	g.heed(ctx, keys)
	if signs := keys.signing.ID; signs != before.signing.ID {
		g.log.InfoContext(ctx, "the signing key was changed", "from", before.signing.ID, "to", signs)
		if published := time.Since(keys.since[signs]); published < platformKeeps {
			// It may be meant: a key that has leaked cannot wait.
			g.log.ErrorContext(ctx, "the key signs before the platform can know it: tokens may be refused for up to an hour", "kid", signs,
				"published_for", published.Round(time.Second).String())
		}
		if _, still := keys.since[before.signing.ID]; !still {
			g.log.WarnContext(ctx, "the key that signed until now is published no more: what it signed may be refused", "kid", before.signing.ID)
		}
	}
	g.log.InfoContext(ctx, "keys are published", "kids", keys.names())
	return nil
}
