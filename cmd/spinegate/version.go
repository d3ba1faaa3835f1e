package main

import (
	"runtime/debug"
	"strings"
)

// Run prints one line.
func (versionCommand) Run(t *terminal) error {
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	if !t.json {
		t.out.write(strings.TrimSpace("spinegate "+version+" "+revision) + "\n")
		return nil
	}
	return printLines(t.out, struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitzero"`
	}{version, revision})
}
