package fault

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Domain is the ErrorInfo domain of every reason here.
const Domain = "spinegate.v1"

// Bounds that keep the serialised status under 4 KiB before base64: common clients stop at 8 KiB for all trailers and
// then report UNAVAILABLE (product.md, Errors).
const (
	maxCandidates = 5
	maxIssues     = 5
	maxViolations = 10
	maxSentence   = 300
	maxWord       = 64
	// maxStatus leaves some of the 4 KiB for what a proxy or a later version may add.
	maxStatus = 3900
)

// ReasonName is the name of a reason without its prefix, as ErrorInfo carries it.
func ReasonName(r pb.ErrorReason) string { return strings.TrimPrefix(r.String(), "ERROR_REASON_") }

func hopName(h pb.Hop) string { return strings.TrimPrefix(h.String(), "HOP_") }

// Code is the gRPC code of a reason. A reason without a row is a fault of ours and says so.
func Code(r pb.ErrorReason) codes.Code {
	if row, ok := table[r]; ok {
		return row.code
	}
	return codes.Internal
}

// GRPCStatus is what the caller gets, without trace ids; [Status] adds them.
func (e *Error) GRPCStatus() *status.Status { return Status(e, nil) }

// Status explains err to a caller: code, ErrorInfo, our ErrorDetail, the clinician's sentence as LocalizedMessage for those who
// have the types of google.rpc alone and, where they apply, BadRequest and RetryInfo.
func Status(err error, ids *pb.TraceIds) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	e := Of(err)
	detail := Detail(e, ids)
	st := assemble(e, detail)
	for proto.Size(st.Proto()) > maxStatus && shorten(detail) {
		st = assemble(e, detail)
	}
	return st
}

// shorten drops the last item of the longest list; the totals keep what was there. It reports whether it could.
func shorten(d *pb.ErrorDetail) bool {
	switch v, c, i := len(d.GetViolations()), len(d.GetCandidates()), len(d.GetUpstreamIssues()); {
	case v > 0 && v >= c && v >= i:
		d.Violations = d.GetViolations()[:v-1]
	case c > 0 && c >= i:
		d.Candidates = d.GetCandidates()[:c-1]
	case i > 0:
		d.UpstreamIssues = d.GetUpstreamIssues()[:i-1]
	default:
		return false
	}
	return true
}

func assemble(e *Error, detail *pb.ErrorDetail) *status.Status {
	metadata := map[string]string{"hop": hopName(e.Hop), "retry": strings.TrimPrefix(detail.GetRetry().String(), "RETRY_CLASS_")}
	if e.HTTPStatus != 0 {
		metadata["http_status"] = strconv.Itoa(e.HTTPStatus)
	}
	if len(detail.GetUpstreamIssues()) > 0 {
		metadata["upstream_code"] = detail.GetUpstreamIssues()[0].GetIssueCode()
	}
	maps.Copy(metadata, e.Metadata)
	details := []protoadapt.MessageV1{
		protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: ReasonName(e.Reason), Domain: Domain, Metadata: metadata}),
		protoadapt.MessageV1Of(detail),
		protoadapt.MessageV1Of(&errdetails.LocalizedMessage{Locale: "en-GB", Message: detail.GetClinicianMessage()}),
	}
	if violations := detail.GetViolations(); len(violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: v.GetField(), Description: v.GetDescription(), Reason: v.GetRule(),
			})
		}
		details = append(details, protoadapt.MessageV1Of(bad))
	}
	if e.RetryAfter > 0 {
		details = append(details, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}))
	}
	st := status.New(Code(e.Reason), detail.GetOperatorMessage())
	if with, err := st.WithDetails(details...); err == nil {
		st = with
	}
	return st
}

// Detail is the ErrorDetail of err, cut to its bounds.
func Detail(err error, ids *pb.TraceIds) *pb.ErrorDetail {
	e := Of(err)
	row := table[e.Reason]
	operator := row.operator
	if e.Operator != "" {
		operator += " " + e.Operator
	}
	d := &pb.ErrorDetail{
		Reason:           e.Reason,
		Code:             int32(Code(e.Reason)), //nolint:gosec // gRPC codes are 0 to 16
		Hop:              e.Hop,
		Retry:            row.retry,
		TraceIds:         ids,
		ClinicianMessage: cut(row.clinician, maxSentence),
		OperatorMessage:  cut(operator, maxSentence),
		Candidates:       e.Candidates[:min(len(e.Candidates), maxCandidates)],
		CandidatesTotal:  int32(len(e.Candidates)), //nolint:gosec // a few
		ViolationsTotal:  int32(len(e.Violations)), //nolint:gosec // a few
		HttpStatus:       int32(e.HTTPStatus),      //nolint:gosec // three digits
	}
	if e.RetryAfter > 0 {
		d.RetryAfter = durationpb.New(e.RetryAfter)
	}
	for _, v := range e.Violations[:min(len(e.Violations), maxViolations)] {
		d.Violations = append(d.Violations, &pb.FieldViolation{
			Field: cut(v.GetField(), maxWord), Rule: cut(v.GetRule(), maxWord), Description: cut(v.GetDescription(), 2*maxWord),
		})
	}
	for _, i := range e.Issues[:min(len(e.Issues), maxIssues)] {
		d.UpstreamIssues = append(d.UpstreamIssues, &pb.UpstreamIssue{
			IssueType: word(i.GetIssueType()), IssueCode: word(i.GetIssueCode()), Severity: word(i.GetSeverity()),
		})
	}
	return d
}

func unexplained(err error) *Error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, err)
	case errors.Is(err, context.Canceled):
		return New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_CANCELLED, err)
	}
	return New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, err)
}

// Retryable says that the same call may be sent again, and after what wait.
func Retryable(err error) (bool, time.Duration) {
	e := Of(err)
	return e != nil && table[e.Reason].retry == pb.RetryClass_RETRY_CLASS_SAME_CALL, retryAfter(e)
}

func retryAfter(e *Error) time.Duration {
	if e == nil {
		return 0
	}
	return e.RetryAfter
}

// word lets through what looks like a code and nothing that could be a sentence about somebody.
func word(s string) string {
	s = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(s), " ", "_"))
	if len(s) > maxWord {
		return "UNREADABLE"
	}
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return "UNREADABLE"
		}
	}
	return s
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
