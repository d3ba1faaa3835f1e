package spine

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spinegate/spinegate/internal/fault"
)

// spanned makes a client span of each attempt, from before the first byte goes until the answer is read. It holds the
// template and never the path (trust.md, T6), and the trace context is not sent: the Spine and the practices behind it
// are other people's systems (trust.md, 5.3).
func spanned(c Config, base *url.URL, send next) next {
	tracer := c.Tracer.Tracer(Instrumentation)
	return func(t *trip, r *http.Request) (*http.Response, error) {
		ctx, span := tracer.Start(r.Context(), spanName(c.Hop, t.Method, t.Template),
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes(c, base, t)...))
		t.span = span
		answer, err := send(t, r.WithContext(ctx))
		if err != nil {
			span.SetAttributes(AttributeErrorType.String(errorType(c, err)))
			span.SetStatus(codes.Error, "")
			span.End()
			return nil, err
		}
		span.SetAttributes(AttributeStatus.Int(answer.StatusCode))
		if t.simulated {
			span.SetAttributes(AttributeSimulated.Bool(true))
		}
		if answer.StatusCode >= 400 {
			span.SetAttributes(AttributeErrorType.String(strconv.Itoa(answer.StatusCode)))
			span.SetStatus(codes.Error, "")
		}
		answer.Body = &watched{from: answer.Body, span: span}
		return answer, nil
	}
}

func attributes(c Config, base *url.URL, t *trip) []attribute.KeyValue {
	all := []attribute.KeyValue{
		AttributeHop.String(hopName(c.Hop)),
		AttributeMethod.String(t.Method),
		AttributeTemplate.String(t.Template),
		AttributeServer.String(base.Hostname()),
		AttributeAttempt.Int(t.attempt),
	}
	if port, err := strconv.Atoi(base.Port()); err == nil {
		all = append(all, AttributePort.Int(port))
	}
	if t.attempt > 1 {
		all = append(all, AttributeResend.Int(t.attempt-1))
	}
	texts := map[attribute.Key]string{
		AttributeInteraction: t.Interaction.String(),
		AttributePractice:    t.Practice.String(),
		AttributeConsumer:    t.Consumer.String(),
		AttributeSSPTrace:    t.sspTraceID,
		AttributeRequest:     t.RequestID,
		AttributeCorrelation: t.CorrelationID,
	}
	if t.ssp != nil {
		texts[AttributeSSPFrom], texts[AttributeSSPTo] = t.ssp.from.String(), t.ssp.to.String()
	}
	for key, text := range texts {
		if text != "" {
			all = append(all, key.String(text))
		}
	}
	return all
}

// errorType is a reason's name: a closed set.
func errorType(c Config, err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return fault.ReasonName(e.Reason)
	}
	if e := ended(c.Hop, err); e != nil {
		return fault.ReasonName(e.Reason)
	}
	return "transport"
}

// describe adds to the span of a refused attempt what was made of the refusal.
func describe(span trace.Span, e *fault.Error) {
	if span == nil {
		return
	}
	span.SetAttributes(AttributeErrorType.String(fault.ReasonName(e.Reason)))
	if detail := fault.Detail(e, nil).GetUpstreamIssues(); len(detail) > 0 && detail[0].GetIssueCode() != "" {
		span.SetAttributes(AttributeCode.String(detail[0].GetIssueCode()))
	}
}

// watched ends the span when the answer is read or given up.
type watched struct {
	from  io.ReadCloser
	span  trace.Span
	bytes int64
	once  sync.Once
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.bytes += int64(n)
	if errors.Is(err, io.EOF) {
		b.span.AddEvent(EventLastByte)
	} else if err != nil {
		b.span.SetStatus(codes.Error, "")
	}
	return n, err
}

func (b *watched) Close() error {
	err := b.from.Close()
	b.once.Do(func() {
		b.span.SetAttributes(AttributeBytes.Int64(b.bytes))
		b.span.End()
	})
	return err
}
