package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/spine"
)

type settings struct {
	Check  check  `cmd:"" help:"Report everything that is wrong with a configuration, and with the files that it names."`
	Print  effect `cmd:"" help:"Print what would be used: defaults, the file and the environment. Secrets are paths."`
	Manual manual `cmd:"" help:"Print what every setting means, as Markdown."`
}

type check struct {
	File string `arg:"" type:"path" help:"The configuration."`
}

// Run checks a configuration.
func (c *check) Run(stdout io.Writer) error {
	loaded, err := config.Load(c.File, os.LookupEnv, config.Overrides{})
	if err != nil {
		return err // it says what it was doing
	}
	if err := loaded.CheckFiles(); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if err := refuseSimulated(loaded); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	organisations := "1 organisation"
	if n := len(loaded.Organisations); n != 1 {
		organisations = fmt.Sprintf("%d organisations", n)
	}
	fmt.Fprintf(stdout, "%s is good for %s: %s, gRPC on %s.\n", c.File, loaded.Environment, organisations, loaded.Listen.Address)
	return nil
}

// refuseSimulated finds the certificates of a simulated Spine that `serve` would refuse where a real one is configured.
func refuseSimulated(c config.Config) error {
	if !c.Environment.Genuine() {
		return nil
	}
	var errs []error
	for _, f := range []struct {
		key  string
		file config.File
	}{
		{"spine.caFile", c.Spine.CAFile},
		{"spine.proxy.caFile", c.Spine.Proxy.CAFile},
		{"spine.proxy.certificateFile", c.Spine.Proxy.CertificateFile},
	} {
		if f.file == "" {
			continue
		}
		text, err := f.file.Read()
		if err == nil {
			err = spine.RefuseSimulatedRoots(text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: the environment is %s: %w", f.key, c.Environment, err))
		}
	}
	return errors.Join(errs...)
}

type effect struct {
	File string `arg:"" type:"path" help:"The configuration."`
}

// Run prints the effective configuration.
func (e *effect) Run(stdout io.Writer) error {
	loaded, err := config.Load(e.File, os.LookupEnv, config.Overrides{})
	if err != nil {
		return err // it says what it was doing
	}
	return loaded.Print(stdout) // it says what it was doing
}

type manual struct{}

// Run prints the manual.
func (manual) Run(stdout io.Writer) error { return config.Manual(stdout) }
