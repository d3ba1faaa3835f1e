package telemetry

import (
	"fmt"
	"os"
	"strconv"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// environment is what the OTEL_* variables ask for, as far as the SDK does not read them itself.
type environment struct {
	exportTraces, exportMetrics bool
	sampler                     sdktrace.Sampler
}

// readEnvironment refuses what would have to be ignored: who sets a variable expects something of it.
func readEnvironment() (e environment, err error) {
	if e.sampler, err = samplerFromEnv(); err != nil {
		return environment{}, err
	}
	if e.exportTraces, err = exported("TRACES"); err != nil {
		return environment{}, err
	}
	if e.exportMetrics, err = exported("METRICS"); err != nil {
		return environment{}, err
	}
	return e, nil
}

// exported reports whether a signal, TRACES or METRICS, is to be sent by OTLP.
func exported(signal string) (bool, error) {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch exporter := os.Getenv("OTEL_" + signal + "_EXPORTER"); exporter {
	case "none", "prometheus": // Prometheus can always come and ask
		return false, nil
	case "", "otlp":
	default:
		return false, fmt.Errorf("OTEL_%s_EXPORTER is %q: only otlp and none are known here", signal, exporter)
	}
	if first("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return false, nil
	}
	switch protocol := first("OTEL_EXPORTER_OTLP_"+signal+"_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol {
	case "", "grpc":
		return true, nil
	default:
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: only grpc is spoken here", protocol)
	}
}

// first is the first of the environment variables that is set.
func first(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// samplerFromEnv is what OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG ask for. The default is to follow the caller,
// and to sample what has none.
func samplerFromEnv() (sdktrace.Sampler, error) {
	ratio := 1.0
	if arg := os.Getenv("OTEL_TRACES_SAMPLER_ARG"); arg != "" {
		var err error
		if ratio, err = strconv.ParseFloat(arg, 64); err != nil || ratio < 0 || ratio > 1 {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q: a number from 0 to 1 is needed", arg)
		}
	}
	switch name := os.Getenv("OTEL_TRACES_SAMPLER"); name {
	case "", "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio)), nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(ratio), nil
	default:
		return nil, fmt.Errorf("OTEL_TRACES_SAMPLER is %q, which is not known", name)
	}
}
