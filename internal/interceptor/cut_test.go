package interceptor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/interceptor"
)

// withCut cuts calls off when life ends.
func withCut(life context.Context) func(*interceptor.Config) {
	return func(c *interceptor.Config) { c.Cut = life }
}

func TestCallsOfAStoppingGatewayAreToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		life, cut := context.WithCancel(t.Context())
		g := start(t, options{config: withCut(life)})
		g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
			if err := send(out, opening()); err != nil {
				return err
			}
			<-out.Context().Done()
			return out.Context().Err()
		}
		g.service.booking = func(context.Context, *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
			time.Sleep(2 * time.Second) // a write goes on, and says how it ended
			return &pb.BookAppointmentResponse{}, nil
		}
		answers := map[string]chan error{"a question": make(chan error, 1), "a stream": make(chan error, 1), "a write": make(chan error, 1)}
		go func() {
			_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
			answers["a question"] <- err
		}()
		go func() {
			_, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
			answers["a stream"] <- err
		}()
		go func() {
			_, err := g.BookAppointment(g.as(t, "clinician"), bookRequest())
			answers["a write"] <- err
		}()
		time.Sleep(time.Second)
		cut()
		for _, name := range []string{"a question", "a stream"} {
			err := <-answers[name]
			g.check(t, err, refusal{codes.Unavailable, "SHUTTING_DOWN", "GATEWAY"})
			if detail, _ := details(t, err); detail.GetRetry() != pb.RetryClass_RETRY_CLASS_SAME_CALL {
				t.Errorf("%s may not be sent again: %s", name, detail.GetRetry())
			}
		}
		if err := <-answers["a write"]; err != nil {
			t.Errorf("a write that ended got %v, want its answer", err)
		}
	})
}

// Who leaves by themselves while a gateway stops has still left by themselves.
func TestACallerWhoLeftIsNotShutDown(t *testing.T) {
	g := start(t, options{config: withCut(t.Context())})
	begun := make(chan struct{})
	g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, leave := context.WithCancel(g.as(t, "clinician"))
	go func() { <-begun; leave() }()
	if _, err := g.TracePatient(ctx, traceRequest()); codeOf(err) != codes.Canceled {
		t.Errorf("answer is %v", err)
	}
	g.eventually(t, func() bool {
		all := g.trail(t, audit.Query{Kind: audit.KindOutcome})
		return len(all) == 1 && all[0].Outcome.Reason == "CANCELLED"
	})
}
