package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server"
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
	if err := server.RefuseSimulatedFiles(loaded); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if err := errors.Join(server.CheckKeys(loaded), server.CheckCertificates(loaded)); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	organisations := "1 organisation"
	if n := len(loaded.Organisations); n != 1 {
		organisations = fmt.Sprintf("%d organisations", n)
	}
	fmt.Fprintf(stdout, "%s is good for %s: %s, gRPC on %s.\n", c.File, loaded.Environment, organisations, loaded.Listen.Address)
	if loaded.Spine.Token.AgentSocket != "" {
		fmt.Fprintln(stdout, "The agent that holds the signing key was not asked: serve asks it at the start.")
	}
	return nil
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
