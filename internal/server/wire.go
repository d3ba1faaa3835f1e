package server

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/service"
	"github.com/spinegate/spinegate/internal/spine"
)

// spanAttributes are the names that a span may carry.
func spanAttributes() []attribute.Key { return spine.Attributes() }

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
	bounds, err := g.bounds()
	if err != nil {
		return nil, err
	}
	cut, cutOff := context.WithCancel(context.WithoutCancel(life))
	g.cut = cutOff
	chain, err := interceptor.Chain(interceptor.Config{ //nolint:contextcheck // each call brings its own
		Log: g.log, Meter: g.telemetry.Meters.Meter("github.com/spinegate/spinegate/internal/interceptor"), Audit: g.audit,
		Identity: believed, OpenToSystems: g.config.Identity.OpenToSystems, Organisations: bounds, MaxInFlight: g.config.Bounds.CallsAtOnce,
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

// bounds are what organisations may call, and how often, where that is less than all.
func (g *Gateway) bounds() (map[nhs.ODSCode]interceptor.Organisation, error) {
	all := make(map[nhs.ODSCode]interceptor.Organisation)
	for i, o := range g.config.Organisations {
		ods, err := nhs.ParseODSCode(o.ODS)
		if err != nil {
			return nil, fmt.Errorf("organisations[%d].ods: %w", i, err)
		}
		all[ods] = interceptor.Organisation{Methods: o.Methods, PerSecond: o.Limit}
	}
	return all, nil
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
	upstream := func(base string) spine.Config {
		return spine.Config{
			BaseURL: base, Environment: reach.Environment(g.config.Environment), Roots: g.trusted.towardsInternet(), Dial: o.Dial,
			Before: evidence, Tracer: g.telemetry.Tracers,
		}
	}
	people, err := g.openPDS(ctx, upstream(c.PDS.URL), upstream(c.Token.URL))
	if err != nil {
		return ways{}, err
	}

	systems, err := reach.Directory(g.config, upstream(c.SDS.URL))
	if err != nil {
		return ways{}, err
	}
	g.onStop(func() error { systems.Close(); return nil })
	g.systems = systems

	towardsProxy := upstream(c.Proxy.URL)
	towardsProxy.TLS, towardsProxy.Roots = g.trusted.towardsProxy(), g.trusted.proxy.pool
	proxy, err := spine.NewProxy(spine.ProxyConfig{Upstream: towardsProxy, Addresses: reach.Addresses(g.config), Own: g.trusted.certificates()})
	if err != nil {
		return ways{}, fmt.Errorf("spine.proxy: %w", err)
	}
	g.onStop(func() error { proxy.Close(); return nil })
	practices := gpconnect.New(proxy, gpconnect.Config{
		HeldPerCall: int64(g.config.Bounds.HeldPerCall), HeldInAll: int64(g.config.Bounds.HeldInAll),
	})
	return ways{people, directory{systems}, practices}, nil
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
		Environment: reach.Environment(g.config.Environment), Demographics: w.demographics, Directory: w.directory, Practices: w.practices,
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
	keys, err := reach.HandleKeys(g.config)
	if err != nil {
		return nil, err
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
		if o.Proxy.CertificateFile != "" {
			organisation.Endpoint = "https://" + o.FQDN // the host name that its certificate is for (SDS contract, E2)
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
