// Package telemetry sets up what operators see: traces, metrics and logs, by OpenTelemetry's standard settings.
//
// It promises that nothing leaves that was not registered. A span's attributes pass an allow-list of names, and with it
// go event attributes, status texts and whatever an exception had to say; a log line passes an allow-list of types.
// Values that are left are searched for NHS Numbers and tokens all the same. An exporter that is down or slow costs
// nothing but its own spans: queues are bounded, and Shutdown is too.
//
// Of a caller's trace context only traceparent is taken: tracestate and baggage are text that anybody could have
// written, and both would reach the exporter.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// flushTime bounds Shutdown: what the exporters have not taken by then is lost.
const flushTime = 5 * time.Second

// Config says what is told, and of whom. Everything about exporters comes from the OTEL_* environment variables.
type Config struct {
	// Version of the program.
	Version string
	// Environment that the gateway is configured for, such as INTEGRATION.
	Environment string
	// Attributes are the names that a span may carry, besides those of gRPC's own instrumentation.
	Attributes []attribute.Key
	// Traces is how many traces are remembered in memory for [Telemetry.Ring]; 0 is none. For the sandbox.
	Traces int
	// Processors see every span as an exporter would, and Readers every metric. For tests.
	Processors []sdktrace.SpanProcessor
	Readers    []sdkmetric.Reader
}

// Telemetry is what the rest of the program measures itself with. It sets no globals.
type Telemetry struct {
	// Tracers and Meters make tracers and meters.
	Tracers trace.TracerProvider
	Meters  metric.MeterProvider
	// Metrics answers a scrape by Prometheus, with exemplars for those who ask in OpenMetrics.
	Metrics http.Handler
	// Ring remembers the last traces; nil unless it was asked for.
	Ring *Ring

	stop []func(context.Context) error
}

// Start sets up traces and metrics. OTLP over gRPC is used for each signal that has an endpoint in the environment
// (OTEL_EXPORTER_OTLP_ENDPOINT or the signal's own); Prometheus metrics are always kept. A setting that would have to be
// ignored is an error.
func Start(ctx context.Context, c Config) (*Telemetry, error) {
	t := &Telemetry{}
	if err := t.start(ctx, c); err != nil {
		// What had been started has nothing to flush and must not leave goroutines behind.
		return nil, fmt.Errorf("start telemetry: %w", errors.Join(err, t.Shutdown(ctx)))
	}
	return t, nil
}

func (t *Telemetry) start(ctx context.Context, c Config) error {
	env, err := readEnvironment()
	if err != nil {
		return err
	}
	res, err := describe(ctx, c)
	if err != nil {
		return err
	}
	if err := t.startMetrics(ctx, c, env, res); err != nil {
		return err
	}
	return t.startTraces(ctx, c, env, res)
}

// describe says who is measured. The host and its users are nobody's business, so no detector for them is used.
func describe(ctx context.Context, c Config) (*resource.Resource, error) {
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			semconv.ServiceName("spinegate"),
			semconv.ServiceVersion(c.Version),
			semconv.DeploymentEnvironmentNameKey.String(c.Environment),
		),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
	)
	if err != nil {
		return nil, fmt.Errorf("describe the service: %w", err)
	}
	return res, nil
}

func (t *Telemetry) startTraces(ctx context.Context, c Config, env environment, res *resource.Resource) error {
	hops, err := newHops(t.Meters)
	if err != nil {
		return err
	}
	processors := slices.Clone(c.Processors)
	if c.Traces > 0 {
		t.Ring = newRing(c.Traces)
		processors = append(processors, t.Ring)
	}
	if env.exportTraces {
		exporter, err := otlptracegrpc.New(ctx)
		if err != nil {
			return fmt.Errorf("open the OTLP trace exporter: %w", err)
		}
		processors = append(processors, sdktrace.NewBatchSpanProcessor(exporter))
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(res),
		sdktrace.WithSampler(measured{env.sampler}),
		sdktrace.WithSpanProcessor(hops), // chooses its labels itself
	}
	for _, p := range processors {
		options = append(options, sdktrace.WithSpanProcessor(newAllowList(p, c.Attributes)))
	}
	provider := sdktrace.NewTracerProvider(options...)
	t.Tracers = provider
	// Spans first: the last of them are still measured.
	t.stop = append([]func(context.Context) error{provider.Shutdown}, t.stop...)
	return nil
}

func (t *Telemetry) startMetrics(ctx context.Context, c Config, env environment, res *resource.Resource) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	scraped, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return fmt.Errorf("open the Prometheus exporter: %w", err)
	}
	readers := append(slices.Clone(c.Readers), scraped)
	if env.exportMetrics {
		exporter, err := otlpmetricgrpc.New(ctx)
		if err != nil {
			return fmt.Errorf("open the OTLP metric exporter: %w", err)
		}
		readers = append(readers, sdkmetric.NewPeriodicReader(exporter))
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(res)}
	for _, r := range readers {
		options = append(options, sdkmetric.WithReader(r))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	t.Meters = provider
	t.Metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, Registry: registry})
	t.stop = append(t.stop, provider.Shutdown)
	return nil
}

// Shutdown hands what is left to the exporters, for as long as ctx lasts and for 5 seconds at most.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	errs := make([]error, 0, len(t.stop))
	for _, stop := range t.stop {
		errs = append(errs, stop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("flush telemetry: %w", err)
	}
	return nil
}

// ReportErrors has OpenTelemetry report what it cannot export to a log instead of to standard error. It is for main: there
// is one such place in a process.
func ReportErrors(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("telemetry cannot be exported", "error", err)
	}))
}
