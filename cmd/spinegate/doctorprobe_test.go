package main

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/spinegate/spinegate/internal/doctor"
)

func statusError(code codes.Code, reason, hop string, more ...protoadapt.MessageV1) error {
	st, err := status.New(code, "The operator's sentence.").WithDetails(append(more, &errdetails.ErrorInfo{
		Reason: reason, Metadata: map[string]string{"hop": hop},
	})...)
	if err != nil {
		return err
	}
	return st.Err()
}

// What a gateway says to empty calls, by their number, is one finding where it says the same to all.
func TestWhatMayBeCalled(t *testing.T) {
	t.Parallel()
	wait := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)}
	long := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)}
	empty := status.Error(codes.InvalidArgument, "empty")
	for name, test := range map[string]struct {
		answer  func(n int64) error
		verdict doctor.Verdict
		want    string
		letIn   bool
	}{
		"the issuer's keys": {
			answer:  func(int64) error { return statusError(codes.Unavailable, "UPSTREAM_UNAVAILABLE", "TOKEN") },
			verdict: doctor.Fail, want: "UPSTREAM_UNAVAILABLE at TOKEN: The operator's sentence.|jwksURL",
		},
		"another upstream": {
			answer:  func(int64) error { return statusError(codes.Unavailable, "UPSTREAM_UNAVAILABLE", "GATEWAY") },
			verdict: doctor.Fail, want: "Have the gateway's operator look",
		},
		"expired": {
			answer:  func(int64) error { return statusError(codes.Unauthenticated, "TOKEN_EXPIRED", "GATEWAY") },
			verdict: doctor.Fail, want: "TOKEN_EXPIRED at GATEWAY|Get a new token",
		},
		"limited once": {
			answer: func(n int64) error {
				if n == 1 {
					return statusError(codes.ResourceExhausted, "RATE_LIMITED", "GATEWAY", wait)
				}
				return empty
			},
			verdict: doctor.OK, want: "TracePatient, SearchPatients", letIn: true,
		},
		"limited for long": {
			answer:  func(int64) error { return statusError(codes.ResourceExhausted, "RATE_LIMITED", "GATEWAY", long) },
			verdict: doctor.Fail, want: "RATE_LIMITED at GATEWAY|Wait, and try again",
		},
		"different reasons": {
			answer: func(n int64) error {
				if n == 1 {
					return statusError(codes.Internal, "INTERNAL", "GATEWAY")
				}
				return statusError(codes.Unavailable, "UPSTREAM_UNAVAILABLE", "TOKEN")
			},
			verdict: doctor.Warn, want: "TracePatient (INTERNAL INTERNAL at GATEWAY), SearchPatients (UNAVAILABLE", letIn: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			s := grpc.NewServer(grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return test.answer(calls.Add(1)) }))
			at, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Serve(at) }() // ends with Stop
			t.Cleanup(s.Stop)
			conn, err := grpc.NewClient(at.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })

			var out bytes.Buffer
			term := newTerminal(nil, &out, &out)
			term.json = true
			r := &callerReport{findings: &findings{t: term, count: map[doctor.Verdict]int{}}}
			_, letIn := r.methods(t.Context(), &doctorCommand{gateway: gateway{Timeout: time.Minute}}, &connection{ClientConn: conn})
			if letIn != test.letIn {
				t.Errorf("let in: %t", letIn)
			}
			if !letIn && (r.count[doctor.Fail] != 1 || r.count[doctor.Skipped] != 1) {
				t.Errorf("%v", r.count)
			}
			for want := range strings.SplitSeq(test.want, "|") {
				if !strings.Contains(out.String(), want) || r.count[test.verdict] == 0 {
					t.Errorf("no %q in %s", want, out.String())
				}
			}
		})
	}
}
