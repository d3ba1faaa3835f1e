package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"

	"github.com/spinegate/spinegate/internal/nhs"
)

// NewLogger writes events to w, a JSON object to a line, with trace_id and span_id where the context has a span.
//
// What a line may hold is decided by type. Identifiers that mask themselves, organisations, numbers, times, addresses
// and errors are written; a message, a header, bytes or any other structure is replaced by the name of its type, and
// whatever has a name that promises a secret or a person by a mask. DEBUG is as safe as INFO.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact})})
}

// traced adds the ids of the context's span. In a logger with an open group they are in the group.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }

// redacted replaces a value that may not be written.
const redacted = "[redacted]"

// unspoken are parts of attribute names whose values are never written, whatever their type.
var unspoken = [...]string{
	"authorization", "token", "secret", "password", "apikey", "api_key", "assertion", "cookie", "credential",
	"nhs_number", "nhsnumber", "patient", "subject", "family", "given", "birth", "postcode", "body", "payload",
}

// redact is the ReplaceAttr of the JSON handler: it sees every attribute after its LogValuer, if any, has spoken.
func redact(_ []string, a slog.Attr) slog.Attr {
	key := strings.ToLower(a.Key)
	for _, part := range unspoken {
		if strings.Contains(key, part) {
			return slog.String(a.Key, redacted)
		}
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, scrub(a.Value.String()))
	case slog.KindAny:
		return slog.String(a.Key, tell(a.Value.Any()))
	default:
		return a
	}
}

// tell writes the values of the types that may be written.
func tell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case error:
		return errorText(v)
	case nhs.Number:
		return v.String()
	case nhs.ODSCode, nhs.ASID, nhs.PartyKey, nhs.Interaction, codes.Code, slog.Level, time.Month, time.Weekday,
		trace.TraceID, trace.SpanID, netip.Addr, netip.AddrPort, net.Addr, net.IP:
		return fmt.Sprint(v)
	case []string:
		return scrub(strings.Join(v, " "))
	case *slog.Source:
		return fmt.Sprintf("%s:%d", v.File, v.Line)
	default:
		return fmt.Sprintf("[redacted %T]", v)
	}
}

// errorText is the text of an error, scrubbed. net/http puts the whole URL into its errors, and PDS has patients in
// paths and their names in queries: what follows the host is cut out of it.
func errorText(err error) string {
	text := err.Error()
	if failed, ok := errors.AsType[*url.Error](err); ok {
		place := "an address"
		if u, parsed := url.Parse(failed.URL); parsed == nil && u.Host != "" {
			place = u.Scheme + "://" + u.Host
		}
		text = strings.ReplaceAll(text, failed.URL, place)
	}
	return scrub(text)
}
