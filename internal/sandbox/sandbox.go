// Package sandbox is the gateway with the whole Spine embedded, in one process: nothing to install, nothing to configure.
//
// It starts package simulator, writes what a consumer of it needs into a directory, and starts the gateway on those files,
// so that the gateway reads certificates, keys and settings exactly as one in front of the real Spine does. Only the
// sandbox subcommand and tests import it; `serve` has no way here.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/journal"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server"
	"github.com/spinegate/spinegate/internal/simulator"
	"github.com/spinegate/spinegate/internal/store"
)

// Options shape a sandbox.
type Options struct {
	// Dir holds the audit trail, the journal, and the certificates and keys of this run. It is made if need be. Required.
	Dir string
	// Listen, Admin and HTTP are addresses; the defaults are those of [config.Default]. The listeners replace them.
	Listen, Admin, HTTP                   string
	Listener, AdminListener, HTTPListener net.Listener
	// Spine shapes the embedded Spine.
	Spine simulator.Options
	// Version of the program, and Logger for what operators need to know. Required.
	Version string
	Logger  *slog.Logger
	// Configure, if set, changes the gateway's configuration before it starts.
	Configure func(*config.Config)
	// Processors and Readers are [server.Options]'s. For tests.
	Processors []sdktrace.SpanProcessor
	Readers    []sdkmetric.Reader
}

// Sandbox is a gateway and its Spine.
type Sandbox struct {
	// Gateway serves callers.
	Gateway *server.Gateway
	// Spine is what it asks.
	Spine *simulator.Spine
	// Config is what the gateway runs with.
	Config config.Config

	issuer *identity.Issuer
}

// Names that tokens of the sandbox carry.
const (
	issuerName = "https://sandbox.spinegate.example"
	audience   = "spinegate-sandbox"
)

// ErrDirInUse says that another sandbox runs in the directory.
var ErrDirInUse = errors.New("another process has the directory in use")

// Start opens the Spine, then the gateway. ctx bounds the start alone; Stop ends both. [ErrDirInUse] means that nothing was
// started or written.
func Start(ctx context.Context, o Options) (*Sandbox, error) {
	s := &Sandbox{}
	if err := s.start(ctx, o); err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", errors.Join(err, s.Stop(ctx)))
	}
	return s, nil
}

func (s *Sandbox) start(ctx context.Context, o Options) error {
	if err := tryDir(ctx, o.Dir); err != nil {
		return err
	}
	var err error
	if s.issuer, err = identity.NewIssuer(issuerName, audience); err != nil { //nolint:contextcheck // it keeps keys in memory
		return err
	}
	if s.Spine, err = simulator.Start(ctx, o.Spine); err != nil {
		return err
	}
	if s.Config, err = s.configure(o); err != nil {
		return err
	}
	cis2 := s.Spine.CIS2()
	keys, err := identity.StaticKeys(cis2.JWKS()) //nolint:contextcheck // it keeps keys in memory
	if err != nil {
		return err
	}
	options := server.Options{
		Version: o.Version, Logger: o.Logger, Listener: o.Listener, AdminListener: o.AdminListener, HTTPListener: o.HTTPListener,
		Embedded: &server.Embedded{
			Issuer: s.issuer, SignIn: s.SignIn,
			CIS2: &identity.CIS2{Issuer: cis2.Issuer(), Audience: cis2.Audience(), Algorithms: []string{"RS256"}, Keys: keys},
		},
		Processors: o.Processors, Readers: o.Readers,
	}
	if o.Spine.Network != nil {
		options.Dial = o.Spine.Network.DialContext
	}
	s.Gateway, err = server.Start(ctx, s.Config, options)
	return err
}

// tryDir looks whether another sandbox runs in a directory, before anything that it reads is replaced. The journal can be
// opened by one process alone; the gateway opens it again.
func tryDir(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	path, key := stores(dir, "journal.db")
	found, err := journal.Open(ctx, journal.Config{Path: path, KeyFile: key, CreateKey: true})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%s: %w", dir, ErrDirInUse)
	}
	if err != nil {
		return err
	}
	return found.Close()
}

// stores is the path of a store in a directory, and that of the key that all of them share.
func stores(dir, name string) (path, key string) {
	return filepath.Join(dir, name), filepath.Join(dir, "store.key")
}

// Token makes a token for one of [identity.Personas], by name.
func (s *Sandbox) Token(name string, life time.Duration) (nhs.Secret, error) {
	for _, p := range identity.Personas() {
		if p.Name == name {
			return s.Mint(p, life)
		}
	}
	return nhs.Secret{}, fmt.Errorf("there is no persona %q", name)
}

// Mint makes a token for anybody.
func (s *Sandbox) Mint(p identity.Persona, life time.Duration) (nhs.Secret, error) {
	return s.issuer.Mint(p, life)
}

// SignIn signs a clinician in with the simulated CIS2, by SDS user id, with the roles that they hold, and returns their ID
// token.
func (s *Sandbox) SignIn(userID string, roles ...string) (string, error) {
	return s.Spine.CIS2().SignIn(simulator.Clinician{UserID: userID, Roles: roles}, nil)
}

// Stop ends the gateway, then the Spine. It may be called again.
func (s *Sandbox) Stop(ctx context.Context) error {
	var errs []error
	if s.Gateway != nil {
		errs = append(errs, s.Gateway.Stop(ctx))
	}
	if s.Spine != nil {
		errs = append(errs, s.Spine.Close())
	}
	return errors.Join(errs...)
}

// telephone is a number of the range that is kept for drama; practices are given it with a booking.
const telephone = "01632 960115"

// plenty is more requests a second than the quotas of PDS and SDS let anybody try out.
const plenty = 1000

// configure writes what the gateway needs into files, and names them.
func (s *Sandbox) configure(o Options) (config.Config, error) {
	application, err := s.Spine.Application()
	if err != nil {
		return config.Config{}, err
	}
	client, dir := s.Spine.Client(), filepath.Join(o.Dir, "spine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return config.Config{}, fmt.Errorf("make the directory for certificates: %w", err)
	}
	var errs []error
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		errs = append(errs, os.WriteFile(path, content, 0o600))
		return path
	}
	c := config.Default()
	c.Environment = config.Embedded
	if o.Listen != "" {
		c.Listen.Address = o.Listen
	}
	if o.Admin != "" {
		c.Admin.Address = o.Admin
	}
	c.Listen.HTTP.Address = o.HTTP
	c.Spine.CAFile = config.File(file("ca.pem", s.Spine.RootCAs()))
	c.Spine.Token = config.Token{
		URL: s.Spine.TokenURL(), KeyID: application.KeyID,
		APIKeyFile:       config.SecretFile(file("platform.apikey", []byte(application.APIKey))),
		PrivateKeyFile:   config.SecretFile(file("platform.key", application.KeyPEM)),
		ClientSecretFile: config.SecretFile(file("platform.secret", []byte(application.Secret))),
	}
	c.Spine.PDS = config.PDS{URL: s.Spine.PDSURL(), RequestsPerSecond: plenty}
	c.Spine.SDS = config.SDS{
		URL: s.Spine.SDSURL(), APIKeyFile: config.SecretFile(file("directory.apikey", []byte(s.Spine.DirectoryKey()))),
		RequestsPerMinute: 60 * plenty,
	}
	c.Spine.Proxy = config.Proxy{
		URL: s.Spine.ProxyURL(), CAFile: c.Spine.CAFile,
		CertificateFile: config.File(file("client.pem", client.CertificatePEM)),
		KeyFile:         config.SecretFile(file("client.key", client.KeyPEM)),
	}
	c.System = config.System{URL: "https://gateway.spinegate.example", DeviceID: "sandbox-1", Model: "spinegate"}
	for _, consumer := range s.Spine.Consumers() {
		organisation := config.Organisation{
			ODS: consumer.ODS.String(), Name: consumer.Name, ASID: consumer.ASID.String(), Phone: telephone, FQDN: consumer.FQDN,
		}
		if !slices.Contains(client.Certificate.Leaf.DNSNames, consumer.FQDN) {
			own, err := s.Spine.IssueClient(consumer.FQDN)
			if err != nil {
				return config.Config{}, err
			}
			organisation.Proxy = config.ClientCertificate{
				CertificateFile: config.File(file(consumer.ODS.String()+".pem", own.CertificatePEM)),
				KeyFile:         config.SecretFile(file(consumer.ODS.String()+".key", own.KeyPEM)),
			}
		}
		c.Organisations = append(c.Organisations, organisation)
	}
	trail, key := stores(o.Dir, "audit.db")
	writes, _ := stores(o.Dir, "journal.db")
	c.Audit = config.Store{Path: trail, KeyFile: config.SecretFile(key)}
	c.Journal = config.Store{Path: writes, KeyFile: config.SecretFile(key)}
	if o.Configure != nil {
		o.Configure(&c)
	}
	if err := errors.Join(errs...); err != nil {
		return config.Config{}, fmt.Errorf("write certificates and keys: %w", err)
	}
	return c, nil
}
