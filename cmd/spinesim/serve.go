package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spinegate/spinegate/internal/simulator"
)

type serve struct {
	Token    string   `default:"127.0.0.1:9101" env:"SPINESIM_TOKEN_ADDRESS" placeholder:"ADDRESS" help:"Where the token service listens (${default})."`
	PDS      string   `name:"pds" default:"127.0.0.1:9102" env:"SPINESIM_PDS_ADDRESS" placeholder:"ADDRESS" help:"Where PDS listens (${default})."`
	SDS      string   `name:"sds" default:"127.0.0.1:9103" env:"SPINESIM_SDS_ADDRESS" placeholder:"ADDRESS" help:"Where SDS listens (${default})."`
	Proxy    string   `default:"127.0.0.1:9104" env:"SPINESIM_PROXY_ADDRESS" placeholder:"ADDRESS" help:"Where the Spine Secure Proxy listens (${default})."`
	Control  string   `default:"127.0.0.1:9109" env:"SPINESIM_CONTROL_ADDRESS" placeholder:"ADDRESS" help:"Where faults are set, the transcript is read and clinicians sign in (${default}); loopback only."`
	HostName []string `placeholder:"NAME" help:"Another name that the servers are reached by; it goes into their certificates. Repeatable."`

	Data string `type:"existingdir" placeholder:"DIR" help:"Add the patients, practices, records and slots of this directory; internal/simulator/data/README.md says how they lie there."`
	Dir  string `type:"path" placeholder:"DIR" help:"Write certificates, keys, and configurations for a consumer and for spinegate here."`
	JWKS string `name:"jwks" type:"existingfile" placeholder:"FILE" help:"Accept client assertions signed with the keys of this JSON Web Key Set, too."`

	TokenLife time.Duration `default:"10m" help:"How long an access token lasts."`
	PDSQuota  int           `name:"pds-quota" default:"0" help:"Requests that PDS grants in a minute; 0 is no limit, 300 is real."`
	PDSSpike  time.Duration `name:"pds-spike" default:"0s" help:"Least time between two requests to PDS; 200ms is about real."`
	Verbose   bool          `short:"v" help:"Log every exchange."`
}

// Help says what is written.
func (*serve) Help() string {
	return `What --dir has in it:

  spinesim.yaml        every address, key and file below, for any consumer; whoever waits for it finds all of them
  gateway.yaml         the configuration of a spinegate in front of this Spine, for server serve --config; its issuer of
                       tokens is an example, and has to be replaced
  ca.pem               the authority that signed every certificate here
  client.pem           the consumer's client certificate for the proxy; client-key.pem is its key
  application-key.pem  the key that the application signs with for the token service; jwks.json is what it publishes
  token-apikey         the application's API key; sds-apikey is the one for SDS
  store.key            for gateway.yaml alone: what spinegate seals its own files with; kept if it is there`
}

// Run serves until the context ends.
func (s *serve) Run(ctx context.Context, stdout io.Writer, stderr logTo) error {
	level := slog.LevelInfo
	if s.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	options := simulator.Options{
		Network: simulator.Loopback{
			simulator.Token: s.Token, simulator.PDS: s.PDS, simulator.SDS: s.SDS, simulator.Proxy: s.Proxy,
		},
		DataDir: s.Data, Logger: log, HostNames: s.HostName,
		TokenLife: s.TokenLife, PDSQuota: s.PDSQuota, PDSSpike: s.PDSSpike,
	}
	if s.JWKS != "" {
		jwks, err := os.ReadFile(s.JWKS)
		if err != nil {
			return fmt.Errorf("read the JWKS: %w", err)
		}
		options.JWKS = jwks
	}
	spine, err := simulator.Start(ctx, options)
	if err != nil {
		return err
	}
	controlled, stop, err := s.control(ctx, spine)
	if err != nil {
		return errors.Join(err, spine.Close())
	}
	err = s.announce(stdout, spine, controlled)
	if err == nil {
		<-ctx.Done()
		fmt.Fprintln(stdout, "stopped")
	}
	return errors.Join(err, stop(), spine.Close())
}

// control listens for faults and questions. They come without any proof of who asks, so from this machine only.
func (s *serve) control(ctx context.Context, spine *simulator.Spine) (address string, stop func() error, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Control)
	if err != nil {
		return "", nil, fmt.Errorf("listen for control: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return "", nil, errors.Join(errors.New("the control address is not a loopback address"), listener.Close())
	}
	server := &http.Server{Handler: newControl(spine), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		closed := server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			closed = errors.Join(closed, err)
		}
		return closed
	}, nil
}

// announce says what to point a consumer at.
func (s *serve) announce(stdout io.Writer, spine *simulator.Spine, controlled string) error {
	app, err := spine.Application()
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "SIMULATED Spine. Not for patients: everybody here is invented.\n\n")
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  token\t%s\tAPI key %s, kid %s\n", spine.TokenURL(), app.APIKey, app.KeyID)
	fmt.Fprintf(table, "  PDS\t%s\t\n", spine.PDSURL())
	fmt.Fprintf(table, "  SDS\t%s\tapikey %s\n", spine.SDSURL(), spine.DirectoryKey())
	fmt.Fprintf(table, "  proxy\t%s\tmutual TLS\n", spine.ProxyURL())
	fmt.Fprintf(table, "  CIS2\t%s\tissuer %s, audience %s\n", spine.CIS2KeysURL(), spine.CIS2().Issuer(), spine.CIS2().Audience())
	fmt.Fprintf(table, "  control\t%s\tPOST /faults, GET /transcript, POST /sign-in\n", controlled)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	if s.Dir == "" {
		fmt.Fprintf(stdout, "\nWith --dir DIR the certificates and keys that a consumer needs are written there.\n")
		return nil
	}
	if err := writeConsumer(s.Dir, spine, app, controlled); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nWhat a consumer needs is in %s: %s names it all, and %s is for spinegate.\n", s.Dir, snippetName, gatewayName)
	return nil
}
