package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// failure is what a status says, read as any client would: the standard details first, ours where they are known.
type failure struct {
	code   codes.Code
	reason string
	hop    string
	// message is the status's own, for a failure without details of ours.
	message string
	detail  *pb.ErrorDetail
	wait    time.Duration
	// more is what the gateway says beyond that, such as the scope that is missing.
	more string
	// brief leaves out the ids.
	brief bool
	// fields are violations, from the standard detail where ours is absent.
	fields []*pb.FieldViolation
}

// statusIn is the status of the call that err is about. The status package replaces the message of one that was wrapped.
func statusIn(err error) (*status.Status, bool) {
	if call, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err); ok {
		return call.GRPCStatus(), true
	}
	return status.New(codes.Unknown, ""), false
}

// failureOf reads a call's error.
func failureOf(err error) failure {
	st, _ := statusIn(err)
	f := failure{code: st.Code(), message: st.Message()}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			f.reason, f.hop, f.more = d.GetReason(), d.GetMetadata()["hop"], metadataWords(d.GetMetadata())
		case *errdetails.RetryInfo:
			f.wait = d.GetRetryDelay().AsDuration()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.fields = append(f.fields, &pb.FieldViolation{Field: v.GetField(), Rule: v.GetReason(), Description: v.GetDescription()})
			}
		case *pb.ErrorDetail:
			f.detail = d
		}
	}
	if f.reason == "" && f.detail != nil {
		f.reason, f.hop = name(f.detail.GetReason()), name(f.detail.GetHop())
	}
	if len(f.detail.GetViolations()) > 0 {
		f.fields = f.detail.GetViolations()
	}
	return f
}

// metadataWords is what is said in metadata and nowhere else.
func metadataWords(metadata map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if key != "hop" && key != "retry" && key != "http_status" && key != "upstream_code" {
			parts = append(parts, key+" "+metadata[key])
		}
	}
	return strings.Join(parts, ", ")
}

// failureIn reads the failure of one target, which has no status of its own.
func failureIn(d *pb.ErrorDetail) failure {
	return failure{
		code:   codes.Code(d.GetCode()), //nolint:gosec // a gRPC code
		reason: name(d.GetReason()), hop: name(d.GetHop()), detail: d, fields: d.GetViolations(),
		wait: d.GetRetryAfter().AsDuration(),
	}
}

// codeName is a code as it is written in every language: NOT_FOUND. Go's own names differ.
func codeName(c codes.Code) string { return code.Code(c).String() } //nolint:gosec // a gRPC code

// title is the failure in a line.
func (f failure) title() string {
	parts := []string{codeName(f.code)}
	if f.reason != "" {
		parts = append(parts, f.reason)
	}
	if f.hop != "" {
		parts = append(parts, "at "+f.hop)
	}
	return strings.Join(parts, "  ")
}

// retry says in words whether the same call helps.
func (f failure) retry() string {
	after := ""
	if f.wait > 0 {
		after = ", after " + took(f.wait)
	}
	switch f.detail.GetRetry() {
	case pb.RetryClass_RETRY_CLASS_NEVER:
		return "no: the same call will fail again"
	case pb.RetryClass_RETRY_CLASS_SAME_CALL:
		return "yes: the same call may be sent again" + after
	case pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION:
		return "after a change: another value, a fresh handle, a new token" + after
	case pb.RetryClass_RETRY_CLASS_SAME_REQUEST_ID:
		return "yes, with the same request id: that is how to find out what became of it" + after
	case pb.RetryClass_RETRY_CLASS_UNSPECIFIED:
	}
	return "not stated" + after
}

// show says everything that a failure says.
func (f failure) show(p *page, indent int) {
	const label = 10
	d := f.detail
	p.entry(indent, "clinician", label, text(d.GetClinicianMessage()))
	if d == nil {
		p.entry(indent, "message", label, text(f.message))
	}
	p.entry(indent, "operator", label, text(d.GetOperatorMessage()))
	p.entry(indent, "namely", label, text(f.more))
	for _, v := range f.fields {
		p.entry(indent, "field", label, textf("%s %s", v.GetField(), v.GetDescription()))
	}
	if more := int(d.GetViolationsTotal()) - len(f.fields); more > 0 {
		p.entry(indent, "", label, textf("and %d more", more))
	}
	if d.GetHttpStatus() != 0 || len(d.GetUpstreamIssues()) > 0 {
		p.entry(indent, "upstream", label, text(upstream(d)))
	}
	f.showCandidates(p, indent, label)
	if d != nil || f.wait > 0 {
		p.entry(indent, "retry", label, text(f.retry()))
	}
	if !f.brief {
		p.entry(indent, "ids", label, text(ids(d.GetTraceIds())))
	}
}

func (f failure) showCandidates(p *page, indent, label int) {
	d := f.detail
	if len(d.GetCandidates()) == 0 {
		return
	}
	p.entry(indent, "candidates", label, textf("%d, and none was chosen:", max(int(d.GetCandidatesTotal()), len(d.GetCandidates()))))
	var rows [][]cell
	for _, c := range d.GetCandidates() {
		rows = append(rows, []cell{text(c.GetOdsCode()), text(c.GetPartyKey()), text(c.GetAsid()), text(c.GetHost())})
	}
	p.table(indent+label+2, rows...)
}

func upstream(d *pb.ErrorDetail) string {
	var parts []string
	if s := int(d.GetHttpStatus()); s != 0 {
		parts = append(parts, strings.TrimSpace("HTTP "+strconv.Itoa(s)+" "+http.StatusText(s)))
	}
	for _, i := range d.GetUpstreamIssues() {
		parts = append(parts, strings.TrimSpace(i.GetSeverity()+" "+i.GetIssueType()+" "+i.GetIssueCode()))
	}
	return strings.Join(parts, "; ")
}

// ids are every id under which a request is known.
func ids(t *pb.TraceIds) string {
	var parts []string
	for _, id := range []struct{ name, value string }{
		{"trace", t.GetTraceId()},
		{"call", t.GetCallId()},
		{"Ssp-TraceID", t.GetSspTraceId()},
		{"X-Request-ID", t.GetPdsRequestId()},
		{"X-Correlation-ID", t.GetCorrelationId()},
	} {
		if id.value != "" {
			parts = append(parts, id.name+"\u00a0"+id.value)
		}
	}
	return strings.Join(parts, " ")
}

// explain says on standard error why a command failed.
func (t *terminal) explain(err error) {
	st, isCall := statusIn(err)
	switch {
	case t.json && isCall:
		if line, err := jsonLine(st.Proto()); err == nil {
			_, _ = t.stderr.Write(line)
			return
		}
		fallthrough
	case !isCall:
		fmt.Fprintf(t.stderr, "spinegate: %s\n", clean(err.Error()))
		return
	}
	f := failureOf(err)
	p := newPage(t.stderr)
	p.paragraph(0, styled(bad, "FAILED"), text("  "+f.title()))
	f.show(p, 2)
	if hint := t.hint(err, f); hint != "" {
		p.paragraph(2, text(hint))
	}
}
