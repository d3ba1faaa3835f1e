package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server"
	"github.com/spinegate/spinegate/internal/telemetry"
)

type serve struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration; server config manual explains it."`
	Listen string `placeholder:"ADDRESS" help:"Where callers reach the gateway, instead of listen.address."`
	Admin  string `placeholder:"ADDRESS" help:"Where operators reach it, instead of admin.address."`
}

// Run serves until the context ends.
func (s *serve) Run(ctx context.Context, stderr logTo) error {
	c, err := config.Load(s.Config, os.LookupEnv, config.Overrides{Listen: s.Listen, Admin: s.Admin})
	if err != nil {
		return err // it says what it was doing
	}
	if err := c.CheckFiles(); err != nil {
		return fmt.Errorf("%s: %w", s.Config, err)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %w", err)
	}
	log := telemetry.NewLogger(stderr, level)
	telemetry.ReportErrors(log)
	gateway, err := server.Start(ctx, c, server.Options{Version: release(), Logger: log})
	if err != nil {
		return err // it says what it was doing
	}
	return await(ctx, gateway)
}

// await stops the gateway when the context ends or a listener does.
func await(ctx context.Context, gateway *server.Gateway) error {
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-gateway.Failed():
	}
	// The calls that run get their time to end: the gateway bounds it.
	return errors.Join(failed, gateway.Stop(context.WithoutCancel(ctx)))
}
