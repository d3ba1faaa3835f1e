package gateway

import (
	"context"
	"net"
	"reflect"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

func detail() *pb.ErrorDetail {
	return &pb.ErrorDetail{
		Reason:           pb.ErrorReason_ERROR_REASON_SEARCH_INVALID,
		Code:             int32(codes.InvalidArgument),
		Hop:              pb.Hop_HOP_GATEWAY,
		Retry:            pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		TraceIds:         &pb.TraceIds{TraceId: "4bf92f3577b34da6a3ce929d0e0e4736"},
		ClinicianMessage: "Not enough details to search for the patient.",
		Violations:       []*pb.FieldViolation{{Field: "birth_date_start", Description: "is required"}},
	}
}

func TestAFailureInAStreamReadsAsACallsErrorDoes(t *testing.T) {
	t.Parallel()
	st, err := status.New(codes.InvalidArgument, "").WithDetails(
		&errdetails.ErrorInfo{Reason: "SEARCH_INVALID", Metadata: map[string]string{"hop": "GATEWAY"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "birth_date_start", Description: "is required"},
		}},
		detail())
	if err != nil {
		t.Fatal(err)
	}
	want := Failure{
		Code: "INVALID_ARGUMENT", Reason: "SEARCH_INVALID", Hop: "GATEWAY", Retry: "AFTER_CORRECTION",
		ClinicianMessage: "Not enough details to search for the patient.",
		TraceID:          "4bf92f3577b34da6a3ce929d0e0e4736",
		Fields:           []Violation{{"birth_date_start", "is required"}},
	}
	for from, got := range map[string]Failure{"an error": FailureOf(st.Err()), "a detail": FailureOfDetail(detail())} {
		if got.Detail.GetReason() != detail().GetReason() {
			t.Errorf("of %s: the detail is %v", from, got.Detail)
		}
		got.Detail = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("of %s: %+v, want %+v", from, got, want)
		}
	}
}

// New values are added to the contract: to a program that is older they are numbers.
func TestAFailureWithValuesThatAreNewer(t *testing.T) {
	t.Parallel()
	f := FailureOfDetail(&pb.ErrorDetail{Reason: 9001, Code: 99, Hop: 9002, Retry: 9003})
	if f.Code != "99" || f.Reason != "9001" || f.Hop != "9002" || f.Retry != "9003" {
		t.Errorf("%+v", f)
	}
}

// The sentences of what the gateway had no part in: nobody is there, there is no time, nobody waits any more.
func TestAFailureThatTheGatewayDidNotMakeHasASentence(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	_ = listener.Close()
	gw, err := Connect(nobody, insecure.NewCredentials(), Tokens{sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	defer gw.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, c := range []struct {
		ctx  context.Context
		want Failure
	}{
		{t.Context(), Failure{Code: "UNAVAILABLE", ClinicianMessage: "The service cannot be reached. Try again in a moment."}},
		{late, Failure{Code: "DEADLINE_EXCEEDED", ClinicianMessage: "This took too long. Try again."}},
		{cancelled, Failure{Code: "CANCELLED", ClinicianMessage: "The request was cancelled."}},
	} {
		_, err := gw.Practices.BookAppointment(c.ctx, &pb.BookAppointmentRequest{})
		if got := FailureOf(err); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %+v, want %+v", err, got, c.want)
		}
	}
}
