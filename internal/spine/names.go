package spine

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Every name that a span of this package carries, so that what is exported can be checked against one list
// (trust.md, 5). Those without the prefix are OpenTelemetry's own for HTTP clients.
const (
	// Instrumentation is the name of the tracer.
	Instrumentation = "github.com/spinegate/spinegate/internal/spine"

	AttributeMethod      = attribute.Key("http.request.method")
	AttributeStatus      = attribute.Key("http.response.status_code")
	AttributeResend      = attribute.Key("http.request.resend_count")
	AttributeTemplate    = attribute.Key("url.template")
	AttributeServer      = attribute.Key("server.address")
	AttributePort        = attribute.Key("server.port")
	AttributeErrorType   = attribute.Key("error.type")
	AttributeHop         = attribute.Key("spinegate.hop")
	AttributeAttempt     = attribute.Key("spinegate.attempt")
	AttributeInteraction = attribute.Key("spinegate.interaction_id")
	AttributePractice    = attribute.Key("spinegate.practice_ods_code")
	AttributeConsumer    = attribute.Key("spinegate.consumer_ods_code")
	AttributeSSPTrace    = attribute.Key("spinegate.ssp_trace_id")
	AttributeSSPFrom     = attribute.Key("spinegate.ssp_from")
	AttributeSSPTo       = attribute.Key("spinegate.ssp_to")
	AttributeRequest     = attribute.Key("spinegate.request_id")
	AttributeCorrelation = attribute.Key("spinegate.correlation_id")
	AttributeCode        = attribute.Key("spinegate.upstream_code")
	AttributeSimulated   = attribute.Key("spinegate.simulated")
	AttributeBytes       = attribute.Key("spinegate.answer_bytes")

	// SpanAuditToken is the span in which the audit token of one attempt is made.
	SpanAuditToken = "JWT"

	EventFirstByte = "first_byte"
	EventLastByte  = "last_byte"
)

// Attributes are the keys of all attributes above: what may be exported.
func Attributes() []attribute.Key {
	return []attribute.Key{
		AttributeMethod, AttributeStatus, AttributeResend, AttributeTemplate, AttributeServer, AttributePort, AttributeErrorType,
		AttributeHop, AttributeAttempt, AttributeInteraction, AttributePractice, AttributeConsumer, AttributeSSPTrace,
		AttributeSSPFrom, AttributeSSPTo, AttributeRequest, AttributeCorrelation, AttributeCode, AttributeSimulated, AttributeBytes,
	}
}

// spanName is closed: hops, methods and templates are.
func spanName(hop pb.Hop, method, template string) string {
	return hopName(hop) + " " + method + " " + template
}

func hopName(hop pb.Hop) string { return strings.TrimPrefix(hop.String(), "HOP_") }
