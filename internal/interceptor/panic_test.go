package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/guard"
)

// explode panics as the runtime does, or with an error, about somebody.
func explode(about string, runtime bool) {
	var nothing map[string]int
	if runtime {
		nothing[about] = 1 //nolint:staticcheck // it panics, and is meant to
	}
	panic(errors.New(about))
}

func TestAPanicTellsNobodyAnything(t *testing.T) {
	const canary = "CANARY-Zephyrine-9990000018"
	g := start(t, options{})
	g.service.trace = func(_ context.Context, r *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		explode(canary, r.GetExpected() == nil)
		return nil, nil
	}
	g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
		if err := send(out, opening()); err != nil {
			return err
		}
		panic(canary)
	}
	calls := map[string]func() error{
		"the runtime's": func() error {
			_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
			return err
		},
		"an error": func() error {
			r := traceRequest()
			r.Expected = &pb.ExpectedDemographics{}
			_, err := g.TracePatient(g.as(t, "clinician"), r)
			return err
		},
		"a text, in a stream": func() error {
			_, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			err := call()
			g.check(t, err, refusal{codes.Internal, "INTERNAL", "GATEWAY"})
			for _, leak := range []string{canary, "goroutine", ".go:", "panic"} {
				if strings.Contains(fmt.Sprintf("%+v", err), leak) {
					t.Errorf("the answer shows %q: %v", leak, err)
				}
			}
		})
	}
	log := g.log.String()
	if strings.Contains(log, "CANARY") || strings.Contains(log, someone) {
		t.Errorf("the log shows what was thrown:\n%s", log)
	}
	for _, place := range []string{"interceptor_test.explode (panic_test.go:", `"thrown":"*errors.errorString"`, `"thrown":"runtime.plainError"`, `"thrown":"string"`} {
		if !strings.Contains(log, place) {
			t.Errorf("the log does not show %s:\n%s", place, log)
		}
	}
	if n := g.panics(t); n != int64(len(calls)) {
		t.Errorf("%d panics were counted, want %d", n, len(calls))
	}
}

// What a service starts has no chain around it, and ends the process unless it recovers by itself.
func TestAPanicInAGoroutineOfTheServiceIsReportedToo(t *testing.T) {
	const canary = "CANARY-Zephyrine-9990000018"
	g := start(t, options{})
	g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		failed := make(chan error)
		go func() {
			failed <- guard.Run(ctx, func() error {
				explode(canary, false)
				return nil
			})
		}()
		return nil, <-failed
	}
	_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
	g.check(t, err, refusal{codes.Internal, "INTERNAL", "GATEWAY"})
	log := g.log.String()
	if strings.Contains(fmt.Sprintf("%+v", err)+log, "CANARY") {
		t.Error("what was thrown was written down")
	}
	if !strings.Contains(log, `"stack":["github.com/spinegate/spinegate/internal/interceptor_test.explode (panic_test.go:`) {
		t.Errorf("the log does not begin with where it was thrown:\n%s", log)
	}
	if n := g.panics(t); n != 1 {
		t.Errorf("%d panics were counted, want 1", n)
	}
}

func TestAPanicInALinkIsAnAnswerAndEvidence(t *testing.T) {
	g := start(t, options{config: breakIdentity(t)})
	_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
	if got := codeOf(err); got != codes.Internal {
		t.Errorf("answer is %v", err)
	}
	last := g.trail(t, kindOutcome())
	if len(last) != 1 || last[0].Outcome.Reason != "INTERNAL" {
		t.Errorf("the trail has %d outcomes, want one that says INTERNAL", len(last))
	}
	if g.panics(t) != 1 {
		t.Error("the panic was not counted")
	}
}
