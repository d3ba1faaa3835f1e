package telemetry

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// spansPerTrace bounds what is remembered of one trace.
const spansPerTrace = 512

// Ring remembers the spans of the last traces, in memory, so that the sandbox can show a call as a tree without a trace
// store. It is safe for concurrent use.
type Ring struct {
	mu     sync.Mutex
	traces map[trace.TraceID][]*Span // guarded by mu
	order  []trace.TraceID           // oldest first; guarded by mu
	limit  int
}

// Span is one span of a trace and what was done inside it, as JSON for people's tools.
type Span struct {
	ID     string `json:"span_id"`
	Parent string `json:"parent_span_id,omitempty"`
	Name   string `json:"name"`
	// Kind is internal, server or client.
	Kind string `json:"kind"`
	// Start is when it began, and Duration how long it took, in nanoseconds.
	Start    time.Time     `json:"start"`
	Duration time.Duration `json:"duration_ns"`
	// Error says that it failed; error.type among the attributes says how.
	Error      bool              `json:"error,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Events     []SpanEvent       `json:"events,omitempty"`
	// Children began inside it, in order of their start.
	Children []*Span `json:"children,omitempty"`
}

// SpanEvent is a moment of a span.
type SpanEvent struct {
	Name string `json:"name"`
	// After is the time since the span began, in nanoseconds.
	After time.Duration `json:"after_ns"`
}

func newRing(limit int) *Ring {
	return &Ring{traces: map[trace.TraceID][]*Span{}, limit: limit}
}

// Trace returns the roots of a trace's tree: one, unless spans are missing or still open. There are none of a trace that
// is not remembered.
func (r *Ring) Trace(id string) []*Span {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != len(trace.TraceID{}) {
		return nil
	}
	r.mu.Lock()
	spans := slices.Clone(r.traces[trace.TraceID(raw)])
	r.mu.Unlock()
	return tree(spans)
}

// tree hangs copies of the spans into one another.
func tree(spans []*Span) []*Span {
	byID := make(map[string]*Span, len(spans))
	ordered := make([]*Span, 0, len(spans))
	for _, s := range spans {
		node := *s
		byID[node.ID] = &node
		ordered = append(ordered, &node)
	}
	slices.SortStableFunc(ordered, func(a, b *Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(b.Duration, a.Duration))
	})
	var roots []*Span
	for _, s := range ordered {
		if parent := byID[s.Parent]; parent != nil {
			parent.Children = append(parent.Children, s)
		} else {
			roots = append(roots, s)
		}
	}
	return roots
}

// OnEnd remembers a span.
func (r *Ring) OnEnd(s sdktrace.ReadOnlySpan) {
	span := &Span{
		ID: s.SpanContext().SpanID().String(), Name: s.Name(), Kind: s.SpanKind().String(),
		Start: s.StartTime(), Duration: s.EndTime().Sub(s.StartTime()), Error: s.Status().Code == codes.Error,
	}
	if s.Parent().HasSpanID() {
		span.Parent = s.Parent().SpanID().String()
	}
	for _, kv := range s.Attributes() {
		if span.Attributes == nil {
			span.Attributes = make(map[string]string, len(s.Attributes()))
		}
		span.Attributes[string(kv.Key)] = kv.Value.String()
	}
	for _, e := range s.Events() {
		span.Events = append(span.Events, SpanEvent{Name: e.Name, After: e.Time.Sub(s.StartTime())})
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	id := s.SpanContext().TraceID()
	known, ok := r.traces[id]
	if !ok {
		r.order = append(r.order, id)
		if len(r.order) > r.limit {
			delete(r.traces, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
	}
	if len(known) < spansPerTrace {
		r.traces[id] = append(known, span)
	}
}

// OnStart, ForceFlush and Shutdown have nothing to do: only what has ended is remembered, and only in memory.
func (*Ring) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// ForceFlush has nothing to do.
func (*Ring) ForceFlush(context.Context) error { return nil }

// Shutdown has nothing to do.
func (*Ring) Shutdown(context.Context) error { return nil }
