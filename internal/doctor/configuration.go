package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/reach"
)

// Load reads a configuration as the gateway does, and tells what is wrong with it and with the files that it names. It is false
// where it is too wrong for anything else to be tried. lookup is [os.LookupEnv].
func Load(path string, lookup func(string) (string, bool), tell func(Finding)) (config.Config, bool) {
	c, err := config.Load(path, lookup, config.Overrides{})
	if err != nil {
		for _, problem := range each(err) {
			tell(Finding{
				Subject: "configuration", Check: "settings", Verdict: Fail, Seen: problem.Error(), Do: "Correct it. docs/config.md explains every setting.",
			})
		}
		tell(Finding{Subject: "configuration", Check: "everything else", Verdict: Skipped, Seen: "The settings have to be right first."})
		return c, false
	}
	tell(Finding{Subject: "configuration", Check: "settings", Verdict: OK, Seen: fmt.Sprintf("%s, for %s", path, c.Environment)})
	if err := c.CheckFiles(); err != nil {
		for _, problem := range each(err) {
			tell(Finding{
				Subject: "configuration", Check: "files", Verdict: Fail, Seen: problem.Error(),
				Do: "Put the file there, readable for this user; a secret for nobody else.",
			})
		}
		return c, true
	}
	tell(Finding{Subject: "configuration", Check: "files", Verdict: OK, Seen: "Each file that is named can be read."})
	return c, true
}

// each are the errors that were joined.
func each(err error) []error {
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// stores looks at where the gateway keeps what it must not lose, and at the keys of handles.
func (e *examination) stores(context.Context) {
	for _, s := range []struct {
		key   string
		store config.Store
	}{{"audit.path", e.config.Audit}, {"journal.path", e.config.Journal}} {
		dir := filepath.Dir(s.store.Path)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			e.wrong(Fail, s.key, "directory", dir+" is not a directory that can be read", "Make it, on a local disk, writable for the gateway alone.")
			continue
		}
		e.ok(s.key, "directory", "%s", dir)
	}
	keys, err := reach.HandleKeys(e.config)
	switch {
	case err != nil:
		e.wrong(Fail, "handles.keyFiles", "keys", err.Error(), "Make one: openssl rand -hex 32.")
	case len(keys) == 0:
		e.wrong(Fail, "handles.keyFiles", "keys", "there is none", "Make one: openssl rand -hex 32.")
	default:
		e.ok("handles.keyFiles", "keys", "%d", len(keys))
	}
}
