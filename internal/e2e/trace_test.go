package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
)

// One call is one trace: the server's span, and below it a span for each hop, the token where it was fetched, and the
// audit token where it was made.
func TestARecordIsOneTraceOfEveryHop(t *testing.T) {
	g := start(t)
	r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
	if err != nil {
		t.Fatal(err)
	}
	g.Stop()
	id := r.closing.GetProvenance().GetTraceIds().GetTraceId()
	tree := map[trace.SpanID]sdktrace.ReadOnlySpan{}
	for _, s := range g.Spans.Ended() {
		if s.SpanContext().TraceID().String() == id {
			tree[s.SpanContext().SpanID()] = s
		}
	}
	var got []string
	for _, s := range tree {
		got = append(got, path(tree, s))
	}
	slices.Sort(got)
	const call = "spinegate.v1.GPConnect/GetStructuredRecord"
	want := []string{
		call,
		call + " > PDS GET /Patient/{id}",
		call + " > PDS GET /Patient/{id} > TOKEN POST /oauth2/token",
		call + " > SDS GET /Device",
		call + " > SDS GET /Device", // the statement's system, and the record's
		call + " > SDS GET /Endpoint",
		call + " > SDS GET /Endpoint",
		call + " > SSP GET /metadata",
		call + " > SSP GET /metadata > JWT",
		call + " > SSP POST /Patient/$gpc.getstructuredrecord",
		call + " > SSP POST /Patient/$gpc.getstructuredrecord > JWT",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for _, s := range tree {
		if s.SpanKind() != trace.SpanKindClient {
			continue
		}
		var events []string
		for _, e := range s.Events() {
			events = append(events, e.Name)
		}
		if !slices.Equal(events, []string{"first_byte", "last_byte"}) {
			t.Errorf("%s has the events %v", s.Name(), events)
		}
	}
}

func path(tree map[trace.SpanID]sdktrace.ReadOnlySpan, s sdktrace.ReadOnlySpan) string {
	if parent, ok := tree[s.Parent().SpanID()]; ok {
		return path(tree, parent) + " > " + s.Name()
	}
	return s.Name()
}

// Any one of the ids under which a request is known finds the call in the trail.
func TestAnyIDFindsTheOthers(t *testing.T) {
	g := start(t)
	r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
	if err != nil {
		t.Fatal(err)
	}
	ids := r.closing.GetProvenance().GetTraceIds()
	for name, id := range map[string]string{
		"trace id": ids.GetTraceId(), "call id": ids.GetCallId(), "Ssp-TraceID": ids.GetSspTraceId(),
		"X-Request-ID": ids.GetPdsRequestId(), "X-Correlation-ID": ids.GetCorrelationId(),
	} {
		t.Run(name, func(t *testing.T) {
			if id == "" {
				t.Fatal("the caller was not told")
			}
			kinds := map[audit.Kind]int{}
			for e, err := range g.audit.Entries(t.Context(), audit.Query{ID: id}) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Call != ids.GetCallId() {
					t.Errorf("it finds another call, of %s", e.Method)
				}
				kinds[e.Kind]++
			}
			// PDS, the statement and the record; the directory is asked about organisations only.
			if kinds[audit.KindAttempt] != 1 || kinds[audit.KindAccess] < 3 || kinds[audit.KindRelease] != 1 || kinds[audit.KindOutcome] != 1 {
				t.Errorf("it finds %v", kinds)
			}
		})
	}
}

// What the gateway adds to a request to the Spine is what the contracts name, and no more: no trace context of ours.
func TestOurTraceContextStaysHere(t *testing.T) {
	g := start(t)
	if _, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"}); err != nil {
		t.Fatal(err)
	}
	for _, x := range g.spine.Transcript().All() {
		for name := range x.Header {
			if strings.Contains("traceparent tracestate baggage", strings.ToLower(name)) {
				t.Errorf("%s was told %s", x.Upstream, name)
			}
		}
	}
}
