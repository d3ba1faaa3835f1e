package interceptor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

const waits = 5 * time.Second // for a request, once a call has begun

func TestACallThatDoesNotSendItsRequestIsNotWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		stream       bool
	}{
		{"a question", pb.PatientTrace_TracePatient_FullMethodName, false},
		{"a server stream", pb.GPConnect_GetStructuredRecord_FullMethodName, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{})
				began := time.Now()
				call, err := g.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: tt.stream}, tt.method) // no token either
				if err != nil {
					t.Fatal(err)
				}
				err = call.RecvMsg(&emptypb.Empty{})
				if codeOf(err) != codes.DeadlineExceeded || time.Since(began) != waits {
					t.Errorf("after %v: %v, want DEADLINE_EXCEEDED after %v", time.Since(began), err, waits)
				}
				synctest.Wait()
				all := g.trail(t, kindOutcome())
				if len(all) != 1 || all[0].Outcome.Reason != "DEADLINE_EXCEEDED" || all[0].Method != tt.method {
					t.Errorf("the trail has %d outcomes, want one that says DEADLINE_EXCEEDED", len(all))
				}
			})
		})
	}
}

func TestWhatIsFreeWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{})
		began := time.Now()
		call, err := g.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, healthpb.Health_Watch_FullMethodName)
		if err != nil {
			t.Fatal(err)
		}
		if err := call.RecvMsg(&emptypb.Empty{}); codeOf(err) != codes.DeadlineExceeded || time.Since(began) != waits {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// A request that came in time is not cut off later, however long its answer takes.
func TestARequestThatCameIsNotTimedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{})
		late := func() error {
			time.Sleep(3 * waits)
			return nil
		}
		g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
			return &pb.TracePatientResponse{}, errors.Join(late(), ctx.Err())
		}
		g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
			if err := errors.Join(late(), out.Context().Err()); err != nil {
				return err
			}
			return send(out, opening(), closing(pb.Verdict_VERDICT_WHOLE))
		}
		if _, err := g.TracePatient(g.as(t, "clinician"), traceRequest()); err != nil {
			t.Errorf("a question: %v", err)
		}
		call, err := g.conn.NewStream(g.as(t, "clinician"), &grpc.StreamDesc{ServerStreams: true}, pb.GPConnect_GetStructuredRecord_FullMethodName)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(waits - time.Millisecond)
		if err := call.SendMsg(recordRequest()); err != nil {
			t.Fatal(err)
		}
		if err := call.CloseSend(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := call.RecvMsg(&pb.GetStructuredRecordResponse{}); err != nil {
				t.Errorf("a stream whose request came late: %v", err)
			}
		}
	})
}

// A stream in both directions is bounded by its budget: its caller is known before anything is read.
func TestAStreamInBothDirectionsIsRefusedWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{})
		began := time.Now()
		call, err := g.TracePatients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = call.Recv()
		g.check(t, err, refusal{codes.Unauthenticated, "TOKEN_MISSING", "GATEWAY"})
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}
