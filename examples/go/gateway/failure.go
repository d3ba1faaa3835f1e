package gateway

import (
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Failure is what the gateway says about an error of a call, or about a failure within a stream; and about an error that the
// gateway did not make, what can be said all the same.
type Failure struct {
	// Code as every language writes it: NOT_FOUND.
	Code string
	// Reason is stable: program against it. Empty when the gateway did not make the error.
	Reason string
	// Hop is where on the road it failed: PDS.
	Hop string
	// Retry is whether repeating helps: NEVER, SAME_CALL, AFTER_CORRECTION or SAME_REQUEST_ID. Empty when the gateway did not
	// make the error.
	Retry string
	// ClinicianMessage is a sentence that can be shown to a clinician. There always is one.
	ClinicianMessage string
	// TraceID is that by which the operator of the gateway finds the call.
	TraceID string
	// Fields broke a rule of the request.
	Fields []Violation
	// Detail has more: how long to wait, a sentence for operators, candidates. Nil when the gateway did not make the error: it
	// was not reached, or the call's own deadline or cancellation came first. For a booking that is the same as OUTCOME_UNKNOWN:
	// it may have been made, so make the same call with the same request id.
	Detail *pb.ErrorDetail
}

// Violation is a field that broke a rule, and what is wrong with it.
type Violation struct{ Field, Description string }

// FailureOf reads a call's error. The details decode because errdetails and our own package are imported.
func FailureOf(err error) Failure {
	st := status.Convert(err)
	f := Failure{Code: codeName(st.Code()), ClinicianMessage: unsaid(st.Code())}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason, f.Hop = d.GetReason(), d.GetMetadata()["hop"]
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Fields = append(f.Fields, Violation{v.GetField(), v.GetDescription()})
			}
		case *pb.ErrorDetail:
			f.add(d)
		}
	}
	return f
}

// FailureOfDetail reads a failure within a stream, of one of many targets, which says the same as a call's error.
func FailureOfDetail(d *pb.ErrorDetail) Failure {
	f := Failure{
		Code:   codeName(codes.Code(d.GetCode())), //nolint:gosec // gRPC codes are 0 to 16
		Reason: strings.TrimPrefix(d.GetReason().String(), "ERROR_REASON_"),
		Hop:    strings.TrimPrefix(d.GetHop().String(), "HOP_"),
	}
	for _, v := range d.GetViolations() {
		f.Fields = append(f.Fields, Violation{v.GetField(), v.GetDescription()})
	}
	f.add(d)
	return f
}

// add takes what stands in the ErrorDetail alone. A value that is newer than this program has its number for a name.
func (f *Failure) add(d *pb.ErrorDetail) {
	f.Retry = strings.TrimPrefix(d.GetRetry().String(), "RETRY_CLASS_")
	f.ClinicianMessage = d.GetClinicianMessage()
	f.TraceID = d.GetTraceIds().GetTraceId()
	f.Detail = d
}

// unsaid is the sentence for an error about which the gateway said nothing.
func unsaid(c codes.Code) string {
	switch c {
	case codes.DeadlineExceeded:
		return "This took too long. Try again."
	case codes.Canceled:
		return "The request was cancelled."
	default:
		return "The service cannot be reached. Try again in a moment."
	}
}

func codeName(c codes.Code) string { return code.Code(c).String() } //nolint:gosec // gRPC codes are 0 to 16
