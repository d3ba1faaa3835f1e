package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/telemetry"
)

func TestALogLineHoldsWhatItsTypesAllow(t *testing.T) {
	t.Parallel()
	checked, err := nhs.ParseNumber(number)
	if err != nil {
		t.Fatal(err)
	}
	practice, err := nhs.ParseODSCode("A20047")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		attr slog.Attr
		want any
	}{
		{"a text", slog.String("event", "started"), "started"},
		{"a number", slog.Int("attempt", 2), 2.0},
		{"a time span", slog.Duration("took", time.Second), 1e9},
		{"a checked NHS Number", slog.Any("of", checked), "nhs:redacted"},
		{"an organisation", slog.Any("practice_ods_code", practice), "A20047"},
		{"an NHS Number in a text", slog.String("note", "id:"+number+"."), "id:nhs:redacted."},
		{"ten digits with a wrong check digit", slog.String("note", "9990000019"), "9990000019"},
		{"ten digits inside a longer word", slog.String("note", "x"+number), "x" + number},
		{"a request id", slog.String("id", "6a9e2f0c-1234-4abc-9def-1234567890ab"), "6a9e2f0c-1234-4abc-9def-1234567890ab"},
		{"a token in a text", slog.String("note", "got eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ. back"), "got token:redacted back"},
		{"a name that promises a secret", slog.String("Access-Token", "abc"), "[redacted]"},
		{"a name that promises a person", slog.String("family_name", "TESTWELL"), "[redacted]"},
		{"an error", slog.Any("error", errors.New("no record of "+number)), "no record of nhs:redacted"},
		{
			"an error of net/http", slog.Any("error", fmt.Errorf("trace: %w", &url.Error{
				Op: "Get", URL: "https://pds.example/Patient?family=TESTWELL", Err: errors.New("refused"),
			})), `trace: Get "https://pds.example": refused`,
		},
		{"a message", slog.Any("request", wrapperspb.String(number)), "[redacted *wrapperspb.StringValue]"},
		{"a header", slog.Any("header", http.Header{"Authorization": {"x"}}), "[redacted http.Header]"},
		{"bytes", slog.Any("raw", []byte(number)), "[redacted []uint8]"},
		{"texts", slog.Any("areas", []string{"problems", number}), "problems nhs:redacted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			telemetry.NewLogger(&out, slog.LevelDebug).LogAttrs(t.Context(), slog.LevelDebug, "event", tt.attr)
			if diff := cmp.Diff(tt.want, decode(t, out.Bytes())[tt.attr.Key]); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALogLineNamesItsTraceAndIsOneLine(t *testing.T) {
	t.Parallel()
	tel := start(t, telemetry.Config{})
	ctx, span := tel.Tracers.Tracer("test").Start(t.Context(), "call")
	defer span.End()
	var out bytes.Buffer
	logger := telemetry.NewLogger(&out, slog.LevelInfo).With("service", "x").With("family", "TESTWELL")
	logger.InfoContext(ctx, "about "+number+"\n{\"level\":\"ERROR\"}", "method", "a\r\nb")
	logger.DebugContext(ctx, "not written at INFO")

	if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != 1 {
		t.Fatalf("%d lines, want one:\n%s", lines, out.Bytes())
	}
	got := decode(t, out.Bytes())
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "about nhs:redacted\n{\"level\":\"ERROR\"}", "method": "a\r\nb", "service": "x", "family": "[redacted]",
		"trace_id": span.SpanContext().TraceID().String(), "span_id": span.SpanContext().SpanID().String(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if trace.SpanContextFromContext(t.Context()).IsValid() {
		t.Error("the test's own context has a span")
	}
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return got
}
