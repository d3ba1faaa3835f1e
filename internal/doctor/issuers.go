package doctor

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/config"
)

// issuers fetches the key sets by which callers' tokens are checked.
func (e *examination) issuers(ctx context.Context) {
	type issuer struct {
		key, url string
		file     config.File
	}
	var all []issuer
	for i, is := range e.config.Identity.Issuers {
		all = append(all, issuer{fmt.Sprintf("identity.issuers[%d]", i), is.JWKSURL, is.CAFile})
	}
	if c := e.config.Identity.CIS2; c.Name != "" {
		all = append(all, issuer{"identity.cis2", c.JWKSURL, c.CAFile})
	}
	for _, is := range all {
		h := host{subject: is.key + ".jwksURL", trusting: string(is.file), address: is.url, tls: &tls.Config{MinVersion: tls.VersionTLS12}}
		if is.file != "" {
			a, ok := e.authorities(is.key+".caFile", is.file)
			if !ok {
				e.skip(h.subject, "key set", "Its caFile has to be right first.")
				continue
			}
			h.tls.RootCAs = a.Pool
		}
		a, ok := e.look(ctx, h)
		if !ok {
			continue
		}
		var set published
		if err := json.Unmarshal(a.body, &set); a.status != 200 || err != nil || len(set.Keys) == 0 {
			e.wrong(Fail, h.subject, "key set", fmt.Sprintf("HTTP %d, and no key set", a.status),
				"Give the jwks_uri of the issuer's discovery document: without its keys no token of its is taken.")
			continue
		}
		e.ok(h.subject, "key set", "%s", count(len(set.Keys), "key"))
	}
}
