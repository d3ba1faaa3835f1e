package server_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func withMetadata(ctx context.Context, text string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-large", text)
}
