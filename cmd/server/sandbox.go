package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/telemetry"
)

type inSandbox struct {
	Listen string `default:"127.0.0.1:50051" placeholder:"ADDRESS" help:"Where gRPC is served, in clear text. In a container: 0.0.0.0:50051."`
	Admin  string `default:"127.0.0.1:9090" placeholder:"ADDRESS" help:"Where health, metrics, tokens and traces are served over HTTP."`
	Data   string `type:"existingdir" placeholder:"DIR" help:"Add the patients, practices, records and slots of this directory."`
	Dir    string `type:"path" placeholder:"DIR" help:"Keep the audit trail and the journal here. Without it they are gone at the end."`
	JSON   bool   `name:"json" help:"Say what is up as one line of JSON."`
}

// up is what the sandbox says when it is ready.
type up struct {
	GRPC      string    `json:"grpc"`
	Admin     string    `json:"admin"`
	Dir       string    `json:"dir"`
	Audit     string    `json:"audit"`
	AuditKey  string    `json:"audit_key"`
	Persona   string    `json:"persona"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
}

// persona of the token that is printed.
const (
	persona   = "clinician"
	tokenLife = 8 * time.Hour
)

// Run serves until the context ends.
func (s *inSandbox) Run(ctx context.Context, stdout io.Writer, stderr logTo) (err error) {
	if s.Dir == "" {
		if s.Dir, err = os.MkdirTemp("", "spinegate-sandbox-"); err != nil {
			return fmt.Errorf("make a directory for the audit trail: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.Dir)) }()
	}
	log := telemetry.NewLogger(stderr, slog.LevelInfo)
	telemetry.ReportErrors(log)
	running, err := sandbox.Start(ctx, sandbox.Options{
		Dir: s.Dir, Listen: s.Listen, Admin: s.Admin, Spine: simulator.Options{DataDir: s.Data}, Version: release(), Logger: log,
	})
	if err != nil {
		return err // it says what it was doing
	}
	if err := s.announce(stdout, running); err != nil {
		return errors.Join(err, running.Stop(context.WithoutCancel(ctx)))
	}
	return errors.Join(await(ctx, running.Gateway), running.Stop(context.WithoutCancel(ctx)))
}

// announce says what is up, and how to call it.
func (s *inSandbox) announce(stdout io.Writer, running *sandbox.Sandbox) error {
	token, err := running.Token(persona, tokenLife)
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return fmt.Errorf("find the directory: %w", err)
	}
	u := up{
		GRPC: reachable(running.Gateway.Address()), Admin: "http://" + reachable(running.Gateway.AdminAddress()), Dir: dir,
		Audit: running.Config.Audit.Path, AuditKey: string(running.Config.Audit.KeyFile),
		Persona: persona, Token: token.Reveal(), ExpiresAt: time.Now().Add(tokenLife).UTC().Truncate(time.Second),
	}
	if s.JSON {
		if err := json.NewEncoder(stdout).Encode(u); err != nil {
			return fmt.Errorf("announce: %w", err)
		}
		return nil
	}
	fmt.Fprintf(stdout, "spinegate with a SIMULATED Spine. Not for patients: everybody here is invented.\n\n")
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  gRPC\t%s\tclear text, reflection on\n", u.GRPC)
	fmt.Fprintf(table, "  admin\t%s\t/readyz, /metrics, /sandbox/personas\n", u.Admin)
	fmt.Fprintf(table, "  audit\t%s\tkey %s\n", u.Audit, u.AuditKey)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	fmt.Fprintf(stdout, `
A token for the %s, good for 8 hours:

  %s

A call:

  grpcurl -plaintext -H "authorization: Bearer %s" \
    -d '{"nhs_number": "9990000018"}' %s spinegate.v1.PatientTrace/TracePatient

`, u.Persona, u.Token, u.Token, u.GRPC)
	return nil
}

// reachable is an address that a client on this machine can use.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
}
