package interceptor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

func TestASessionIsOneEncounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{})
		g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
			return &pb.TracePatientResponse{}, nil
		}
		g.service.resolve = func(context.Context, *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
			return &pb.ResolveEndpointResponse{}, nil
		}
		g.service.record = func(r *pb.GetStructuredRecordRequest, out recordStream) error {
			return send(out, opening(), closing(pb.Verdict_VERDICT_WHOLE))
		}
		trace := func(who, number string) error {
			r := traceRequest()
			r.NhsNumber = number
			_, err := g.TracePatient(g.as(t, who), r)
			return err
		}
		resolve := func(who string) error {
			r := resolveRequest()
			r.Context = why()
			_, err := g.ResolveEndpoint(g.as(t, who), r)
			return err
		}
		record := func(who, number string) error {
			r := recordRequest()
			r.Context, r.NhsNumber = why(), number
			_, err := read(g.GetStructuredRecord(g.as(t, who), r))
			return err
		}
		mismatch := refusal{codes.FailedPrecondition, "SESSION_MISMATCH", "GATEWAY"}
		const another = "9990000042"
		for _, err := range []error{resolve("clinician"), trace("clinician", someone), record("clinician", someone), resolve("clinician")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for name, err := range map[string]error{
			"another patient": trace("clinician", another), "another patient's record": record("clinician", another),
			"another user": trace("receptionist", someone),
		} {
			if g.check(t, err, mismatch); t.Failed() {
				t.Fatalf("that was %s", name)
			}
		}
		if err := trace("nurse", another); err != nil {
			t.Errorf("another organisation's own session of that id: %v", err)
		}
		g.check(t, trace("nurse", someone), mismatch)
		// A request that is refused for what it says binds nothing.
		unbound := traceRequest()
		unbound.Context.SessionId, unbound.NhsNumber = "encounter-of-another", "9990000019"
		_, err := g.TracePatient(g.as(t, "receptionist"), unbound)
		g.check(t, err, refusal{codes.InvalidArgument, "NHS_NUMBER_INVALID", "GATEWAY"})
		unbound.NhsNumber = another
		if _, err := g.TracePatient(g.as(t, "clinician"), unbound); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Minute)
		if err := trace("receptionist", another); err != nil {
			t.Errorf("after fifteen idle minutes: %v", err)
		}
	})
}
