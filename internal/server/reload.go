package server

import (
	"context"
	"errors"
	"fmt"
	"math"

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
	return nil
}

// useKeys puts keys into use that have been read and tried.
func (g *Gateway) useKeys(ctx context.Context, keys *applicationKeys) error {
	if err := g.tokens.SetKey(keys.signing); err != nil {
		return fmt.Errorf("spine.token: %w", err)
	}
	before := g.keys.Swap(keys)
	g.heed(ctx, keys)
	if keys.signing.ID != before.signing.ID {
		g.log.InfoContext(ctx, "the signing key was changed", "from", before.signing.ID, "to", keys.signing.ID)
	}
	g.log.InfoContext(ctx, "keys are published", "kids", keys.names())
	return nil
}
