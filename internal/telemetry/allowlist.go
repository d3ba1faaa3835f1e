package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// grpcAttributes are what otelgrpc writes, the same in every deployment: nothing in them comes from a message. The
// address of the caller is not among them; that is for the audit trail.
var grpcAttributes = [...]attribute.Key{
	semconv.RPCSystemNameKey, semconv.RPCMethodKey, semconv.RPCResponseStatusCodeKey,
	semconv.ServerAddressKey, semconv.ServerPortKey, semconv.ErrorTypeKey,
}

// allowList stands before a processor and shows it each span without what is not registered.
type allowList struct {
	sdktrace.SpanProcessor

	allowed map[attribute.Key]bool
}

func newAllowList(next sdktrace.SpanProcessor, attributes []attribute.Key) *allowList {
	allowed := make(map[attribute.Key]bool, len(attributes)+len(grpcAttributes))
	for _, key := range grpcAttributes {
		allowed[key] = true
	}
	for _, key := range attributes {
		allowed[key] = true
	}
	return &allowList{SpanProcessor: next, allowed: allowed}
}

// OnStart is not passed on: what a processor did with a span that is still open could not be filtered.
func (*allowList) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd passes on what may be seen of the span.
func (a *allowList) OnEnd(span sdktrace.ReadOnlySpan) {
	a.SpanProcessor.OnEnd(a.filter(span))
}

// cleared is a span without what is not registered. Whatever it does not replace is made by our own code or by the SDK.
type cleared struct {
	sdktrace.ReadOnlySpan

	name       string
	attributes []attribute.KeyValue
	events     []sdktrace.Event
	links      []sdktrace.Link
	status     sdktrace.Status
}

func (a *allowList) filter(span sdktrace.ReadOnlySpan) cleared {
	c := cleared{ReadOnlySpan: span, name: scrub(span.Name()), attributes: a.keep(span.Attributes())}
	for _, event := range span.Events() {
		event.Name, event.Attributes = scrub(event.Name), a.keep(event.Attributes)
		c.events = append(c.events, event)
	}
	for _, link := range span.Links() {
		link.Attributes = a.keep(link.Attributes)
		c.links = append(c.links, link)
	}
	// The description is the text of some error. Why a call failed is in error.type, which is registered.
	c.status = sdktrace.Status{Code: span.Status().Code}
	return c
}

// keep returns the attributes that are registered, their text scrubbed.
func (a *allowList) keep(attributes []attribute.KeyValue) []attribute.KeyValue {
	var kept []attribute.KeyValue
	for _, kv := range attributes {
		if !a.allowed[kv.Key] {
			continue
		}
		switch kv.Value.Type() {
		case attribute.STRING:
			kv.Value = attribute.StringValue(scrub(kv.Value.AsString()))
		case attribute.STRINGSLICE:
			texts := kv.Value.AsStringSlice()
			for i, text := range texts {
				texts[i] = scrub(text)
			}
			kv.Value = attribute.StringSliceValue(texts)
		case attribute.BOOL, attribute.INT64, attribute.FLOAT64,
			attribute.BOOLSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE:
		default: // bytes and structures are nothing that is registered here
			continue
		}
		kept = append(kept, kv)
	}
	return kept
}

func (c cleared) Name() string                     { return c.name }
func (c cleared) Attributes() []attribute.KeyValue { return c.attributes }
func (c cleared) Events() []sdktrace.Event         { return c.events }
func (c cleared) Links() []sdktrace.Link           { return c.links }
func (c cleared) Status() sdktrace.Status          { return c.status }
