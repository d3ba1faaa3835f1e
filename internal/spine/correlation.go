package spine

import (
	"context"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
)

// CorrelationID is what to send as X-Correlation-ID: the trace id in the form of a UUID, so that whoever finds one finds
// the other (trust.md, 5.3), or a random one outside a trace.
func CorrelationID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return uuid.UUID(id).String()
	}
	return uuid.NewString()
}
