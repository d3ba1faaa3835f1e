package main

import (
	"fmt"
	"runtime/debug"
)

// Run prints one line.
func (versionCommand) Run(t *terminal) error {
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	t.out.write(fmt.Sprintf("spinegate %s%s\n", version, revision))
	return nil
}
