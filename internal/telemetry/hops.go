package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// HopDuration is the histogram of how long each request to the Spine took, in seconds, to the last byte of its answer.
// How many there were, and how many failed, follows from its counts.
const HopDuration = "spinegate.hop.duration"

// HopKey is the attribute that makes a span the span of a hop.
const HopKey = attribute.Key("spinegate.hop")

// hopLabels are what hops are told apart by, all of closed sets. No practice is among them: there are thousands.
var hopLabels = map[attribute.Key]bool{
	HopKey: true, "http.request.method": true, "url.template": true, "http.response.status_code": true, "error.type": true,
}

// hops measures the spans of hops, so that a request is measured where its span is made and nowhere else.
type hops struct {
	duration metric.Float64Histogram
}

func newHops(meters metric.MeterProvider) (*hops, error) {
	duration, err := meters.Meter("github.com/spinegate/spinegate/internal/telemetry").Float64Histogram(HopDuration,
		metric.WithUnit("s"),
		metric.WithDescription("How long requests to the Spine took, by hop and operation, to the last byte of the answer."),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60))
	if err != nil {
		return nil, fmt.Errorf("make the histogram of hops: %w", err)
	}
	return &hops{duration: duration}, nil
}

// OnEnd measures a span if it is a hop's.
func (h *hops) OnEnd(span sdktrace.ReadOnlySpan) {
	if span.SpanKind() != trace.SpanKindClient {
		return
	}
	var labels []attribute.KeyValue
	hop := false
	for _, kv := range span.Attributes() {
		if hopLabels[kv.Key] {
			labels = append(labels, kv)
			hop = hop || kv.Key == HopKey
		}
	}
	if !hop {
		return
	}
	// The span's own context makes it the exemplar.
	ctx := trace.ContextWithSpanContext(context.Background(), span.SpanContext())
	h.duration.Record(ctx, span.EndTime().Sub(span.StartTime()).Seconds(), metric.WithAttributes(labels...))
}

// OnStart has nothing to measure.
func (*hops) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// ForceFlush has nothing to do.
func (*hops) ForceFlush(context.Context) error { return nil }

// Shutdown has nothing to do.
func (*hops) Shutdown(context.Context) error { return nil }
