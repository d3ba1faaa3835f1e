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
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/telemetry"
)

type inSandbox struct {
	Listen    string   `default:"127.0.0.1:50051" env:"SPINEGATE_SANDBOX_LISTEN" placeholder:"ADDRESS" help:"Where gRPC is served, in clear text (${default}). In a container: 0.0.0.0:50051."`
	Admin     string   `default:"127.0.0.1:9090" env:"SPINEGATE_SANDBOX_ADMIN" placeholder:"ADDRESS" help:"Where health, metrics, tokens and traces are served over HTTP (${default})."`
	HTTP      string   `name:"http" placeholder:"ADDRESS" help:"Serve the methods over HTTP and JSON too, in clear text, such as at 127.0.0.1:8080; docs/http.md."`
	Origin    []string `name:"http-origin" placeholder:"ORIGIN" help:"Let the pages of this origin call over HTTP from a browser, such as http://localhost:3000. It may be repeated."`
	Data      string   `type:"existingdir" placeholder:"DIR" help:"Add the patients, practices, records and slots of this directory; internal/simulator/data/README.md says how they lie there."`
	PDSAccess string   `name:"pds-access" enum:"BY_IDENTITY,HEALTHCARE_WORKER,APPLICATION_RESTRICTED" default:"BY_IDENTITY" help:"As whom PDS is asked: pdsAccess in docs/config.md (${enum})."`
	Dir       string   `type:"path" placeholder:"DIR" help:"Keep the audit trail and the journal here. Without it they are in a directory that is gone at the end."`
	JSON      bool     `name:"json" help:"Say what is up as one line of JSON."`
}

// Validate refuses what cannot be meant, before anything is started.
func (s *inSandbox) Validate() error {
	if s.HTTP == "" && len(s.Origin) > 0 {
		return errors.New("--http-origin: there is no page to let in without --http")
	}
	for _, origin := range s.Origin {
		if err := config.CheckOrigin(origin); err != nil {
			return fmt.Errorf("--http-origin: %w", err)
		}
	}
	return nil
}

// up is what the sandbox says when it is ready.
type up struct {
	GRPC      string    `json:"grpc"`
	Admin     string    `json:"admin"`
	HTTP      string    `json:"http,omitempty"`
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // else it would end the program before what it made is removed
	stdout, stderr = untilGone{stdout, stop}, logTo{untilGone{stderr, stop}}
	calls, err := listen(ctx, "--listen", s.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = calls.Close() }() // the gateway may have closed it
	admin, err := listen(ctx, "--admin", s.Admin)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }()
	var web net.Listener
	if s.HTTP != "" {
		if web, err = listen(ctx, "--http", s.HTTP); err != nil {
			return err
		}
		defer func() { _ = web.Close() }()
	}
	temporary := s.Dir == ""
	if temporary {
		if s.Dir, err = os.MkdirTemp("", "spinegate-sandbox-"); err != nil {
			return fmt.Errorf("make a directory for the audit trail: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.Dir)) }()
	}
	log := telemetry.NewLogger(stderr, slog.LevelInfo)
	telemetry.ReportErrors(log)
	running, err := sandbox.Start(ctx, sandbox.Options{
		Dir: s.Dir, Listen: s.Listen, Listener: calls, Admin: s.Admin, AdminListener: admin, HTTP: s.HTTP, HTTPListener: web,
		Spine: simulator.Options{DataDir: s.Data}, Version: release(), Logger: log,
		Configure: func(c *config.Config) {
			c.Listen.HTTP.AllowedOrigins = s.Origin
			for i := range c.Organisations {
				c.Organisations[i].PDSAccess = config.PDSAccess(s.PDSAccess)
			}
		},
	})
	if errors.Is(err, sandbox.ErrDirInUse) {
		return fmt.Errorf("--dir %s is in use: another sandbox? Stop it, or give another --dir", s.Dir)
	}
	if err != nil {
		return err // it says what it was doing
	}
	if err := s.announce(stdout, running, temporary); err != nil {
		return errors.Join(err, running.Stop(context.WithoutCancel(ctx)))
	}
	return errors.Join(await(ctx, running.Gateway), running.Stop(context.WithoutCancel(ctx)))
}

// listen opens a listener at the address of a flag, before anything else is started.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s %s is in use: another sandbox? Stop it, or give another %s", flag, address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return listener, nil
}

// untilGone writes until whoever reads has gone, as in `sandbox | head`, and then has the sandbox stop in order.
type untilGone struct {
	io.Writer
	stop context.CancelFunc
}

// Write writes, or says that nobody reads any more.
func (w untilGone) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		w.stop()
		return len(p), nil
	}
	return n, err
}

// announce says what is up, and how to call it.
func (s *inSandbox) announce(stdout io.Writer, running *sandbox.Sandbox, temporary bool) error {
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
	if at := running.Gateway.HTTPAddress(); at != nil {
		u.HTTP = "http://" + reachable(at)
	}
	if s.JSON {
		if err := json.NewEncoder(stdout).Encode(u); err != nil {
			return fmt.Errorf("announce: %w", err)
		}
		return nil
	}
	fmt.Fprintf(stdout, "spinegate with a SIMULATED Spine. Not for patients: everybody here is invented.\n\n")
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  gRPC\t%s\tclear text, reflection on\n", running.Gateway.Address())
	fmt.Fprintf(table, "  admin\thttp://%s\t/readyz, /metrics, /sandbox/personas\n", running.Gateway.AdminAddress())
	listening := []net.Addr{running.Gateway.Address(), running.Gateway.AdminAddress()}
	if at := running.Gateway.HTTPAddress(); at != nil {
		listening = append(listening, at)
		fmt.Fprintf(table, "  HTTP\thttp://%s\tthe same methods as POST with JSON; /openapi.json\n", at)
	}
	kept := "kept"
	if temporary {
		kept = "gone at the end; --dir DIR keeps it"
	}
	fmt.Fprintf(table, "  dir\t%s\t%s\n", u.Dir, kept)
	fmt.Fprintf(table, "  audit\t%s\tkey %s\n", u.Audit, u.AuditKey)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	for _, a := range listening {
		if tcp, ok := a.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
			fmt.Fprintf(stdout, "\nWARNING: %s is open to the network, in clear text.\n", a)
		}
	}
	fmt.Fprintf(stdout, `
A token for the %s, good for 8 hours:

  %s

A call:

  grpcurl -plaintext -H "authorization: Bearer %s" \
    -d '{"nhs_number": "9990000018"}' %s spinegate.v1.PatientTrace/TracePatient

What it left as evidence:

  bin/spinegate audit --dir %s

`, u.Persona, u.Token, u.Token, u.GRPC, u.Dir)
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
