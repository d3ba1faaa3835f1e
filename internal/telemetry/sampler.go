package telemetry

import sdktrace "go.opentelemetry.io/otel/sdk/trace"

// measured samples as another sampler decides, and has every other span recorded all the same: metrics are made of
// spans, and a metric that misses most of what happened is none.
type measured struct{ sdktrace.Sampler }

func (m measured) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	result := m.Sampler.ShouldSample(p)
	if result.Decision == sdktrace.Drop {
		result.Decision = sdktrace.RecordOnly
	}
	return result
}
