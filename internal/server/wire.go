package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/service"
	"github.com/spinegate/spinegate/internal/spine"
)

// spanAttributes are the names that a span may carry.
func spanAttributes() []attribute.Key { return spine.Attributes() }

var environments = map[config.Environment]pb.Environment{
	config.Embedded:    pb.Environment_ENVIRONMENT_EMBEDDED,
	config.Sandbox:     pb.Environment_ENVIRONMENT_SANDBOX,
	config.Integration: pb.Environment_ENVIRONMENT_INTEGRATION,
	config.Live:        pb.Environment_ENVIRONMENT_LIVE,
}

var pdsAccess = map[config.PDSAccess]service.PDSAccess{
	config.ByIdentity:            service.ByIdentity,
	config.HealthcareWorker:      service.AsWorker,
	config.ApplicationRestricted: service.AsApplication,
}

// assemble puts everything together, from the upstreams to the gRPC server. life ends when the gateway stops.
func (g *Gateway) assemble(life context.Context, o Options) (*grpc.Server, error) {
	ways, err := g.reach(life, o)
	if err != nil {
		return nil, err
	}
	services, err := g.offer(ways, o)
	if err != nil {
		return nil, err
	}
	believed, err := g.believe(life, o)
	if err != nil {
		return nil, err
	}
	cut, cutOff := context.WithCancel(context.WithoutCancel(life))
	g.cut = cutOff
	chain, err := interceptor.Chain(interceptor.Config{ //nolint:contextcheck // each call brings its own
		Log: g.log, Meter: g.telemetry.Meters.Meter("github.com/spinegate/spinegate/internal/interceptor"), Audit: g.audit,
		Identity: believed, OpenToSystems: g.config.Identity.OpenToSystems, MaxInFlight: g.config.Bounds.CallsAtOnce,
		ConnectionLife: connectionLife(), Cut: cut,
	})
	if err != nil {
		return nil, fmt.Errorf("build the chain: %w", err)
	}
	server, err := g.newServer(chain)
	if err != nil {
		return nil, err
	}
	pb.RegisterPatientTraceServer(server, services.trace)
	pb.RegisterEndpointDirectoryServer(server, services.directory)
	pb.RegisterGPConnectServer(server, services.practices)
	g.health.register(server)
	if o.Embedded != nil {
		registerReflection(server)
	}
	return server, nil
}

// ways are the clients of the upstreams.
type ways struct {
	demographics demographics
	directory    directory
	practices    *gpconnect.Client
}

// reach makes the clients. Nothing is dialled yet.
func (g *Gateway) reach(ctx context.Context, o Options) (ways, error) {
	c := g.config.Spine
	internet, proxied, err := g.spineTLS()
	if err != nil {
		return ways{}, err
	}
	upstream := func(base string, roots *tls.Config) spine.Config {
		return spine.Config{
			BaseURL: base, Environment: environments[g.config.Environment], TLS: roots, Dial: o.Dial,
			Before: evidence, Tracer: g.telemetry.Tracers,
		}
	}
	addresses := spine.AddressPolicy{HostSuffixes: c.Proxy.AddressSuffixes}

	towardsPDS := upstream(c.PDS.URL, internet)
	if c.Token.APIKeyFile != "" {
		tokens, err := g.makeTokens(ctx, upstream(c.Token.URL, internet))
		if err != nil {
			return ways{}, err
		}
		towardsPDS.Tokens = tokens
		g.onStop(func() error { tokens.Close(); return nil })
	}
	people, err := pds.New(pds.Config{Upstream: towardsPDS, Rate: c.PDS.RequestsPerSecond})
	if err != nil {
		return ways{}, fmt.Errorf("spine.pds: %w", err)
	}
	g.onStop(func() error { people.Close(); return nil })
	g.people = people

	var key string
	if c.SDS.APIKeyFile != "" {
		secret, err := c.SDS.APIKeyFile.Read()
		if err != nil {
			return ways{}, fmt.Errorf("spine.sds.apiKeyFile: %w", err)
		}
		key = secret.Reveal()
	}
	systems, err := sds.New(sds.Config{
		Upstream: upstream(c.SDS.URL, internet), APIKey: key, Addresses: addresses, PerMinute: c.SDS.RequestsPerMinute,
	})
	if err != nil {
		return ways{}, fmt.Errorf("spine.sds: %w", err)
	}
	g.onStop(func() error { systems.Close(); return nil })
	g.systems = systems

	proxy, err := spine.NewProxy(spine.ProxyConfig{Upstream: upstream(c.Proxy.URL, proxied), Addresses: addresses})
	if err != nil {
		return ways{}, fmt.Errorf("spine.proxy: %w", err)
	}
	g.onStop(func() error { proxy.Close(); return nil })
	practices := gpconnect.New(proxy, gpconnect.Config{
		HeldPerCall: int64(g.config.Bounds.HeldPerCall), HeldInAll: int64(g.config.Bounds.HeldInAll),
	})
	return ways{demographics{people}, directory{systems}, practices}, nil
}

// makeTokens makes the source of access tokens for PDS.
func (g *Gateway) makeTokens(ctx context.Context, upstream spine.Config) (*spine.Tokens, error) {
	c := g.config.Spine.Token
	apiKey, err := c.APIKeyFile.Read()
	if err != nil {
		return nil, fmt.Errorf("spine.token.apiKeyFile: %w", err)
	}
	keys, err := readKeys(c)
	if err != nil {
		return nil, err
	}
	var secret nhs.Secret
	if c.ClientSecretFile != "" {
		if secret, err = c.ClientSecretFile.Read(); err != nil {
			return nil, fmt.Errorf("spine.token.clientSecretFile: %w", err)
		}
	}
	tokens, err := spine.NewTokens(spine.TokensConfig{
		Upstream: upstream, APIKey: apiKey.Reveal(), Key: keys.signing, ClientSecret: secret,
	})
	if err != nil {
		return nil, fmt.Errorf("spine.token: %w", err)
	}
	g.heed(ctx, keys)
	g.keys.Store(keys)
	g.tokens = tokens
	return tokens, nil
}

// services are the implementations of the API.
type services struct {
	trace     *service.PatientTrace
	directory *service.EndpointDirectory
	practices *service.GPConnect
}

// offer makes the services.
func (g *Gateway) offer(w ways, o Options) (services, error) {
	handles, err := g.handles(o)
	if err != nil {
		return services{}, err
	}
	organisations, err := g.organisations()
	if err != nil {
		return services{}, err
	}
	system := g.config.System
	var manufacturer nhs.ODSCode
	if system.ManufacturerODS != "" {
		if manufacturer, err = nhs.ParseODSCode(system.ManufacturerODS); err != nil {
			return services{}, fmt.Errorf("system.manufacturerODS: %w", err)
		}
	}
	items, _ := policy.For(pb.PatientTrace_TracePatients_FullMethodName)
	trace, directory, practices, err := service.New(service.Config{
		Environment: environments[g.config.Environment], Demographics: w.demographics, Directory: w.directory, Practices: w.practices,
		Handles: handles, Journal: g.journal, Organisations: organisations, Concurrency: g.config.Bounds.PracticesAtOnce, ItemBudget: items.Budget.Item,
		Device: spine.Device{
			System: strings.TrimSuffix(system.URL, "/") + "/Id/device", ID: system.DeviceID, Model: system.Model, Version: o.Version,
		},
		Issuer: system.URL, Manufacturer: manufacturer,
	})
	if err != nil {
		return services{}, fmt.Errorf("build the services: %w", err)
	}
	return services{trace, directory, practices}, nil
}

// handles makes the sealer of handles. The sandbox without a key has one that dies with it.
func (g *Gateway) handles(o Options) (*handle.Sealer, error) {
	var keys [][]byte
	for i, file := range g.config.Handles.KeyFiles {
		text, err := file.Read()
		if err != nil {
			return nil, fmt.Errorf("handles.keyFiles[%d]: %w", i, err)
		}
		key, err := hex.DecodeString(text.Reveal())
		if err != nil {
			return nil, fmt.Errorf("handles.keyFiles[%d]: 64 hexadecimal digits are needed", i)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 && o.Embedded != nil {
		keys = [][]byte{handle.NewKey()}
	}
	sealer, err := handle.New(keys...)
	if err != nil {
		return nil, fmt.Errorf("handles.keyFiles: %w", err)
	}
	return sealer, nil
}

// organisations are those that may call, as services see them.
func (g *Gateway) organisations() (map[nhs.ODSCode]service.Organisation, error) {
	all := make(map[nhs.ODSCode]service.Organisation, len(g.config.Organisations))
	for i, o := range g.config.Organisations {
		ods, err := nhs.ParseODSCode(o.ODS)
		if err != nil {
			return nil, fmt.Errorf("organisations[%d].ods: %w", i, err)
		}
		var asid nhs.ASID // zero is asked for in the directory
		if o.ASID != "" {
			if asid, err = nhs.ParseASID(o.ASID); err != nil {
				return nil, fmt.Errorf("organisations[%d].asid: %w", i, err)
			}
		}
		organisation := service.Organisation{
			ASID: asid, Phone: o.Phone, PDSAccess: pdsAccess[o.PDSAccess], RequireDevice: o.RequireDevice, RequireRelationship: o.RequireRelationship,
		}
		for j, name := range o.Areas {
			area, ok := pb.ClinicalArea_value["CLINICAL_AREA_"+name]
			if !ok {
				return nil, fmt.Errorf("organisations[%d].areas[%d]: not a clinical area", i, j)
			}
			organisation.Areas = append(organisation.Areas, pb.ClinicalArea(area))
		}
		all[ods] = organisation
	}
	return all, nil
}

// spineTLS is how the two sides of the Spine are trusted: what lies on the internet by the configured authorities or the
// system's, the proxy by its own alone, with a client certificate that is read again when it changes.
func (g *Gateway) spineTLS() (internet, proxied *tls.Config, err error) {
	c := g.config.Spine
	if c.CAFile != "" {
		pool, err := readPool(c.CAFile)
		if err != nil {
			return nil, nil, fmt.Errorf("spine.caFile: %w", err)
		}
		internet = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	pool, err := readPool(c.Proxy.CAFile)
	if err != nil {
		return nil, nil, fmt.Errorf("spine.proxy.caFile: %w", err)
	}
	pair, err := newKeyPair(string(c.Proxy.CertificateFile), string(c.Proxy.KeyFile), g.log)
	if err != nil {
		return nil, nil, fmt.Errorf("spine.proxy.certificateFile: %w", err)
	}
	if err := g.checkNames(pair.current()); err != nil {
		return nil, nil, err
	}
	return internet, &tls.Config{RootCAs: pool, GetClientCertificate: pair.forServer, MinVersion: tls.VersionTLS12}, nil
}

// checkNames refuses an ASID that is registered for another host name than the certificate's (SDS contract, B2), and a
// certificate that is of no use any more.
func (g *Gateway) checkNames(certificate *tls.Certificate) error {
	leaf := certificate.Leaf
	if now := time.Now(); now.After(leaf.NotAfter) {
		return fmt.Errorf("spine.proxy.certificateFile: it expired on %s", leaf.NotAfter.Format(time.DateOnly))
	}
	names := append([]string{leaf.Subject.CommonName}, leaf.DNSNames...)
	for i, o := range g.config.Organisations {
		if o.FQDN != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, o.FQDN) }) {
			return fmt.Errorf("organisations[%d].fqdn: the client certificate is for another host name: %s", i, strings.Join(names, ", "))
		}
	}
	return nil
}

func readPool(file config.File) (*x509.CertPool, error) {
	text, err := file.Read()
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}
