package server

import (
	"context"
	"fmt"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/spine"
)

// applicationKeys are the keys of an application as this process publishes them.
type applicationKeys struct {
	*reach.Keys

	set []byte // published, as it is served
	// since is when this process began to publish each, by kid.
	since map[string]time.Time
}

// CheckKeys reads the keys of every application that a configuration names, and finds two applications with one API key. An
// agent is not asked for a signature.
func CheckKeys(c config.Config) error {
	all, err := reach.Applications(c)
	if err != nil {
		return err
	}
	if err := reach.Distinct(c, all); err != nil {
		return err
	}
	for _, ods := range all {
		a, err := reach.ApplicationOf(c, ods)
		if err != nil {
			return err
		}
		if a.KeyID == "" {
			continue // the NHS's sandbox of PDS asks for no token
		}
		if _, err := parseKeys(a); err != nil {
			return err
		}
	}
	return nil
}

// readKeys reads the keys that a configuration names, and has the one that signs sign something: a key that cannot is found
// now and not with the next token.
func readKeys(a reach.Application) (*applicationKeys, error) {
	k, err := parseKeys(a)
	if err != nil {
		return nil, err
	}
	return k, a.Try(k.Keys)
}

func parseKeys(a reach.Application) (*applicationKeys, error) {
	read, err := a.ReadKeys()
	if err != nil {
		return nil, err
	}
	k := &applicationKeys{Keys: read, since: make(map[string]time.Time, len(read.Published))}
	if k.set, err = spine.KeySet(k.Published...); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Key, err)
	}
	for _, public := range k.Published {
		k.since[public.ID] = time.Now()
	}
	return k, nil
}

// heed tells operators of keys that are shorter than is usual. Those of the embedded Spine are, and are nobody's to change.
func (g *Gateway) heed(ctx context.Context, k *applicationKeys) {
	for _, public := range k.Published {
		if bits := public.Key.N.BitLen(); bits < reach.UsualBits && g.config.Environment != config.Embedded {
			g.log.WarnContext(ctx, "a key of the application is shorter than usual", "kid", public.ID, "bits", bits, "usual", reach.UsualBits)
		}
	}
}

// follow takes over since when keys have been published that were published before.
func (k *applicationKeys) follow(before *applicationKeys) {
	for id, since := range before.since {
		if _, still := k.since[id]; still {
			k.since[id] = since
		}
	}
}

// platformKeeps is for how long the platform keeps a key set that it fetched (PDS contract, 4.1).
const platformKeeps = time.Hour

// sameNames fails if a kid stands for another key than it did. The platform keeps what it fetched for an hour: it would
// check against the old key.
func (k *applicationKeys) sameNames(before *applicationKeys) error {
	for _, now := range k.Published {
		for _, then := range before.Published {
			if now.ID == then.ID && !now.Key.Equal(then.Key) {
				return fmt.Errorf("%q stands for another key already: a new key needs a new kid", now.ID)
			}
		}
	}
	return nil
}

// names are the kids that are published.
func (k *applicationKeys) names() []string {
	names := make([]string, 0, len(k.Published))
	for _, public := range k.Published {
		names = append(names, public.ID)
	}
	return names
}
