package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type version struct{}

// Run prints the version.
func (version) Run(stdout io.Writer) error {
	_, err := fmt.Fprintf(stdout, "spinegate %s %s %s/%s\n", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// builtAs is the version that a build without the revision at hand was told, as that of the image is:
// -ldflags '-X main.builtAs=v1.2.3'.
var builtAs string

// release is what the build was told, else the version that Go stamped into the program, or the revision that it was built from. Practices are told it.
func release() string {
	if builtAs != "" {
		return builtAs
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return setting.Value[:12]
		}
	}
	return "development"
}
