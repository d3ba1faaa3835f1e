package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

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
	again := make(chan os.Signal, 1) // from now on, so that the signal never ends the program
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	gateway, err := server.Start(ctx, c, server.Options{Version: release(), Logger: log})
	if err != nil {
		return err // it says what it was doing
	}
	reloading, stop := context.WithCancel(ctx)
	var reload sync.WaitGroup
	reload.Go(func() {
		for {
			select {
			case <-again:
				s.reload(reloading, gateway, log)
			case <-reloading.Done():
				return
			}
		}
	})
	defer reload.Wait()
	defer stop()
	return await(ctx, gateway)
}

// reload reads the configuration again and applies what can change while calls run. A configuration that is no good changes
// nothing.
func (s *serve) reload(ctx context.Context, gateway *server.Gateway, log *slog.Logger) {
	c, err := config.Load(s.Config, os.LookupEnv, config.Overrides{Listen: s.Listen, Admin: s.Admin})
	if err == nil {
		err = gateway.Reload(ctx, c)
	}
	if err != nil {
		log.ErrorContext(ctx, "the configuration was not reloaded", "error", err)
	}
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
