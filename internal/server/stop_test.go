package server_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// traceHeld begins a trace that PDS holds back, and returns once PDS has been asked.
func traceHeld(t *testing.T, g *servertest.Gateway) (rule *simulator.Rule, done chan error) {
	t.Helper()
	rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := g.As(t.Context(), t, "clinician")
	done = make(chan error, 1)
	go func() {
		_, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: plain})
		done <- err
	}()
	<-rule.Reached()
	return rule, done
}

func TestAStopLetsCallsEndAndAcceptsNoOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t)
		health := grpc_health_v1.NewHealthClient(g.Conn)
		watch, err := health.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if now, err := watch.Recv(); err != nil || now.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Fatalf("health = %v, %v before the stop", now, err)
		}
		rule, done := traceHeld(t, g)
		stopped := make(chan struct{})
		go func() { defer close(stopped); g.StopGateway() }()
		if now, err := watch.Recv(); err != nil || now.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
			t.Errorf("health = %v, %v, want NOT_SERVING before anything else happens", now, err)
		}
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("stopped while a call was running")
		default:
		}
		rule.Release()
		if err := <-done; err != nil {
			t.Errorf("a call that was running got %v, want its answer", err)
		}
		<-stopped
		if outcomes := outcomesIn(t, g.Dir); len(outcomes) != 1 || outcomes[0].Code != "OK" {
			t.Errorf("outcomes %v in the trail, want that of the call", outcomes)
		}
	})
}

func TestAStopThatTakesTooLongCutsCallsOffAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const within = 2 * time.Second
		g := servertest.Start(t, servertest.WithConfig(func(c *config.Config) { c.Bounds.StopWithin = within }))
		_, done := traceHeld(t, g)
		began := time.Now()
		g.StopGateway()
		if took := time.Since(began); took < within || took > within+time.Second {
			t.Errorf("stopped after %v, want %v", took, within)
		}
		err := <-done
		var detail *pb.ErrorDetail
		for _, d := range status.Convert(err).Details() {
			if d, ok := d.(*pb.ErrorDetail); ok {
				detail = d
			}
		}
		if status.Code(err) != codes.Unavailable || detail.GetReason() != pb.ErrorReason_ERROR_REASON_SHUTTING_DOWN ||
			detail.GetRetry() != pb.RetryClass_RETRY_CLASS_SAME_CALL {
			t.Errorf("the call got %v, want SHUTTING_DOWN", err)
		}
		if outcomes := outcomesIn(t, g.Dir); len(outcomes) != 1 || outcomes[0].Reason != "SHUTTING_DOWN" {
			t.Errorf("outcomes %v in the trail, want one that says SHUTTING_DOWN", outcomes)
		}
	})
}

// outcomesIn reads a trail that nobody writes any more.
func outcomesIn(t *testing.T, dir string) (all []audit.Outcome) {
	t.Helper()
	reader, err := audit.OpenReader(t.Context(), audit.Config{Path: dir + "/audit.db", KeyFile: dir + "/store.key"})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	stopped := false
	for e, err := range reader.Entries(t.Context(), audit.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Outcome != nil {
			all = append(all, *e.Outcome)
		}
		stopped = stopped || e.System != nil && e.System.Event == audit.EventStop
	}
	if !stopped {
		t.Error("the trail was not closed in good order")
	}
	return all
}

func TestConnectionsAndMessagesAreBounded(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	ctx := g.As(t.Context(), t, "clinician")
	large := make([]byte, 2<<20)
	for i := range large {
		large[i] = 'a'
	}
	_, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: string(large)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a message of 2 MiB: %v, want RESOURCE_EXHAUSTED", status.Code(err))
	}
	if sent := g.Spine.Transcript().All(); len(sent) != 0 {
		t.Errorf("%d requests left", len(sent))
	}
	short, cancel := context.WithTimeout(withMetadata(ctx, string(large[:40<<10])), 10*time.Second)
	defer cancel()
	if _, err := g.PatientTrace.TracePatient(short, &pb.TracePatientRequest{NhsNumber: plain}); err == nil {
		t.Error("metadata of 40 KiB was accepted")
	}
}
