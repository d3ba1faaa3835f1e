package interceptor

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/spinegate/spinegate/internal/fault"
)

// failures counts the calls that failed by what operators are woken for: the reason, which a gRPC code alone does not tell.
// Every label is of a closed set.
type failures struct{ calls metric.Int64Counter }

func newFailures(meter metric.Meter) (failures, error) {
	calls, err := meter.Int64Counter("spinegate.failures",
		metric.WithDescription("Calls that failed, by method, reason and where on the road. Failures of one target inside a stream are not among them."))
	if err != nil {
		return failures{}, fmt.Errorf("interceptor: count failures: %w", err)
	}
	return failures{calls}, nil
}

func (f failures) count(ctx context.Context, method string, e *fault.Error) {
	f.calls.Add(ctx, 1, metric.WithAttributes(
		attribute.String("spinegate.method", method),
		attribute.String("spinegate.reason", fault.ReasonName(e.Reason)),
		attribute.String("spinegate.hop", hopName(e.Hop))))
}
