package interceptor_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/interceptor"
)

func TestEveryCallHasAnEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  time.Duration // 0: none
		want time.Duration // what the service has, of 30 s
	}{
		{"none is the method's budget", 0, 30*time.Second - 100*time.Millisecond},
		{"a longer one is cut", time.Hour, 30*time.Second - 100*time.Millisecond},
		{"a shorter one is kept", 5 * time.Second, 4900 * time.Millisecond},
		{"the shortest", 300 * time.Millisecond, 200 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{})
				var left time.Duration
				g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
					end, _ := ctx.Deadline()
					left = time.Until(end)
					return &pb.TracePatientResponse{}, nil
				}
				ctx := g.as(t, "clinician")
				if tt.set > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.set)
					defer cancel()
				}
				if _, err := g.TracePatient(ctx, traceRequest()); err != nil {
					t.Fatal(err)
				}
				if left != tt.want {
					t.Errorf("the service has %v, want %v", left, tt.want)
				}
			})
		})
	}
}

func TestTooLittleTimeIsRefusedBeforeAnythingElse(t *testing.T) {
	for _, tt := range []struct {
		name string
		left time.Duration
		call func(*gateway, context.Context) error
	}{
		{"a question", 149 * time.Millisecond, func(g *gateway, ctx context.Context) error {
			_, err := g.TracePatient(ctx, traceRequest())
			return err
		}},
		{"a stream", 50 * time.Millisecond, func(g *gateway, ctx context.Context) error {
			_, err := read(g.GetStructuredRecord(ctx, recordRequest()))
			return err
		}},
		{"a write, which needs more", 999 * time.Millisecond, func(g *gateway, ctx context.Context) error {
			_, err := g.BookAppointment(ctx, bookRequest())
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{})
				ctx, cancel := context.WithTimeout(t.Context(), tt.left) // no token: time comes first
				defer cancel()
				last := g.check(t, tt.call(g, ctx), refusal{codes.DeadlineExceeded, "DEADLINE_TOO_SHORT", "GATEWAY"})
				if last.Subject != patient(t) || last.Context.Device != "ward tablet 7" {
					t.Error("the trail does not say about whom, and from where")
				}
			})
		})
	}
}

func TestAnEndSaysWhereTheTimeWent(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  time.Duration
		at   []pb.Hop
		want string
	}{
		{"nowhere yet", 5 * time.Second, nil, "GATEWAY"},
		{"at PDS", 5 * time.Second, []pb.Hop{pb.Hop_HOP_PDS}, "PDS"},
		{"at the practice", 0, []pb.Hop{pb.Hop_HOP_SSP, pb.Hop_HOP_PROVIDER, pb.Hop_HOP_SSP}, "PROVIDER"},
		{"past what does not exist", 5 * time.Second, []pb.Hop{99, -1}, "GATEWAY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{})
				g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
					leave := interceptor.EnterHop(ctx, pb.Hop_HOP_SDS)
					leave()
					leave() // twice is once
					for _, hop := range tt.at {
						interceptor.EnterHop(ctx, hop)
					}
					<-ctx.Done()
					return nil, fmt.Errorf("ask: %w", ctx.Err())
				}
				ctx := g.as(t, "clinician")
				if tt.set > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.set)
					defer cancel()
				}
				begun := time.Now()
				_, err := g.TracePatient(ctx, traceRequest())
				g.check(t, err, refusal{codes.DeadlineExceeded, "DEADLINE_EXCEEDED", tt.want})
				if took := time.Since(begun); tt.set > 0 && took > tt.set || took > 30*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestACallerPastItsLimitIsToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{})
		g.service.booking = func(context.Context, *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
			return &pb.BookAppointmentResponse{}, nil
		}
		g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
			return &pb.TracePatientResponse{}, nil
		}
		book := func(who string) error {
			_, err := g.BookAppointment(g.as(t, who), bookRequestOf(who))
			return err
		}
		for n := range 20 { // the burst of a write
			if err := book("clinician"); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		err := book("clinician")
		g.check(t, err, refusal{codes.ResourceExhausted, "RATE_LIMITED", "GATEWAY"})
		if wait := comeBack(t, err); wait <= 0 || wait > 200*time.Millisecond {
			t.Errorf("told to wait %v, want at most a fifth of a second", wait)
		}
		if err := book("receptionist"); err != nil {
			t.Errorf("another user is limited too: %v", err)
		}
		if _, err := g.TracePatient(g.as(t, "clinician"), traceRequest()); err != nil {
			t.Errorf("another method is limited too: %v", err)
		}
		time.Sleep(comeBack(t, err))
		if err := book("clinician"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		time.Sleep(time.Hour)
		if err := book("clinician"); err != nil {
			t.Errorf("after an hour: %v", err)
		}
	})
}

func TestCallsAtATime(t *testing.T) {
	for _, tt := range []struct {
		name   string
		most   int
		begin  int    // calls of one caller that stay
		next   string // who comes next
		reason string
	}{
		{"of one caller", 100, 8, "clinician", "RATE_LIMITED"},
		{"of all callers", 4, 4, "receptionist", "OVERLOADED"},
		{"with room for another", 9, 8, "receptionist", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{config: func(c *interceptor.Config) { c.MaxInFlight = tt.most }})
				goOn := make(chan struct{})
				g.service.booking = func(ctx context.Context, r *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
					if r.GetDescription() == "stay" {
						<-goOn
					}
					return &pb.BookAppointmentResponse{}, nil
				}
				var staying sync.WaitGroup
				for range tt.begin {
					staying.Go(func() {
						r := bookRequestOf("clinician")
						r.Description = "stay"
						if _, err := g.BookAppointment(g.as(t, "clinician"), r); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				_, err := g.BookAppointment(g.as(t, tt.next), bookRequestOf(tt.next))
				if tt.reason == "" {
					if err != nil {
						t.Error(err)
					}
				} else {
					g.check(t, err, refusal{codes.ResourceExhausted, tt.reason, "GATEWAY"})
					if comeBack(t, err) <= 0 {
						t.Error("nobody says when to come back")
					}
				}
				close(goOn)
				staying.Wait()
				if _, err := g.BookAppointment(g.as(t, tt.next), bookRequestOf(tt.next)); err != nil {
					t.Errorf("once there is room: %v", err)
				}
			})
		})
	}
}

func TestCallersWhoHaveTheirWholeAllowanceAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, err := interceptor.Limited(1000, 10*time.Second)
		if err != nil || n > 7 {
			t.Errorf("%d callers are remembered, %v; want those of the last minute", n, err)
		}
	})
}

func TestStreamsAreLimitedWhileTheyLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{config: func(c *interceptor.Config) { c.MaxInFlight = 1 }})
		g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
			if err := send(out, opening()); err != nil {
				return err
			}
			<-out.Context().Done()
			return out.Context().Err()
		}
		first, err := g.GetStructuredRecord(g.as(t, "clinician"), recordRequest())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := first.Recv(); err != nil {
			t.Fatal(err)
		}
		_, err = read(g.GetStructuredRecord(g.as(t, "nurse"), recordRequest()))
		g.check(t, err, refusal{codes.ResourceExhausted, "OVERLOADED", "GATEWAY"})
		if _, err := first.Recv(); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("the first stream ended with %v, want its budget to end it", err)
		}
	})
}

// bookRequestOf is a booking in an encounter of that user's own.
func bookRequestOf(who string) *pb.BookAppointmentRequest {
	r := bookRequest()
	r.Context.SessionId = "encounter-of-the-" + who
	return r
}

// comeBack is the wait that an answer asks for.
func comeBack(t testing.TB, err error) time.Duration {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration()
		}
	}
	t.Fatalf("the answer has no RetryInfo: %v", err)
	return 0
}

func TestOutsideOfACallThereIsNothingToNote(t *testing.T) {
	interceptor.NoteIDs(t.Context(), &pb.TraceIds{TraceId: "x"})
	interceptor.EnterHop(t.Context(), pb.Hop_HOP_PDS)()
	if ids := interceptor.TraceIDs(t.Context()); ids != nil {
		t.Errorf("ids are %v", ids)
	}
}
