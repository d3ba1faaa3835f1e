package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"google.golang.org/grpc/metadata"
)

// WithTrace begins a W3C trace for the calls made with the context, and returns its id. The gateway goes on with it, and gives
// the id back in provenance and in errors. In a program with OpenTelemetry, otelgrpc.NewClientHandler does this.
func WithTrace(ctx context.Context) (context.Context, string) {
	var id [24]byte
	_, _ = rand.Read(id[:]) // never fails
	trace, span := hex.EncodeToString(id[:16]), hex.EncodeToString(id[16:])
	return metadata.AppendToOutgoingContext(ctx, "traceparent", "00-"+trace+"-"+span+"-01"), trace
}
