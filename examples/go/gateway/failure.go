package gateway

import (
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Failure is an error of a call with what the gateway says about it.
type Failure struct {
	// Code as every language writes it: NOT_FOUND.
	Code string
	// Reason is stable: program against it. Empty when the error did not come from the gateway.
	Reason string
	// Hop is where on the road it failed.
	Hop string
	// Fields broke a rule of the request.
	Fields []string
	// Detail has more: whether a retry helps, sentences to show, candidates. Nil when the error did not come from the gateway.
	Detail *pb.ErrorDetail
}

// FailureOf reads a call's error. The details decode because errdetails and our own package are imported.
func FailureOf(err error) Failure {
	st := status.Convert(err)
	f := Failure{Code: code.Code(st.Code()).String()}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason, f.Hop = d.GetReason(), d.GetMetadata()["hop"]
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				f.Fields = append(f.Fields, v.GetField())
			}
		case *pb.ErrorDetail:
			f.Detail = d
		}
	}
	return f
}
