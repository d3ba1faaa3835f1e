package guard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
)

func TestAPanicIsReportedOnceAndItsValueGoesNowhere(t *testing.T) {
	const about = "CANARY-9990000018"
	for name, thrown := range map[string]any{"a text": about, "an error": errors.New(about)} {
		t.Run(name, func(t *testing.T) {
			var reported []any
			ctx := guard.NewContext(t.Context(), func(_ context.Context, thrown any) { reported = append(reported, thrown) })
			err := guard.Run(ctx, func() error { panic(thrown) })
			if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_INTERNAL || strings.Contains(fmt.Sprintf("%+v %v", err, errors.Unwrap(err)), "CANARY") {
				t.Errorf("Run = %v, want INTERNAL and nothing of what was thrown", err)
			}
			if len(reported) != 1 || reported[0] != thrown {
				t.Errorf("%d reports, want one", len(reported))
			}
		})
	}
}

func TestWithoutAReportAPanicIsStillAFault(t *testing.T) {
	if err := guard.Run(t.Context(), func() error { panic("x") }); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_INTERNAL {
		t.Errorf("Run = %v, want INTERNAL", err)
	}
}

func TestWhatDoesNotPanicPasses(t *testing.T) {
	want := errors.New("its own")
	ctx := guard.NewContext(t.Context(), func(context.Context, any) { t.Error("reported") })
	if err := guard.Run(ctx, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Run = %v, want %v", err, want)
	}
	if err := guard.Run(ctx, func() error { return nil }); err != nil {
		t.Errorf("Run = %v", err)
	}
}
