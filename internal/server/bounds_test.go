package server_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/server/servertest"
)

// Connections that say nothing take up every place there is, for as long as a handshake may take and no longer.
func TestConnectionsThatSayNothingLoseTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const places, handshake = 1024, 10 * time.Second
		door := bufconn.Listen(1 << 10)
		servertest.Start(t, func(o *sandbox.Options) { o.Listener = door })
		silent := make([]net.Conn, places)
		for i := range silent {
			var err error
			if silent[i], err = door.DialContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer silent[i].Close()
		}
		conn, err := grpc.NewClient("passthrough:///gateway", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return door.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		ask := func(within time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
			return err
		}
		if err := ask(handshake / 2); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("with every place taken: %v, want to wait", err)
		}
		if err := ask(time.Minute); err != nil || time.Since(began) > 2*handshake {
			t.Errorf("after %v: %v, want a place once a handshake has taken too long", time.Since(began), err)
		}
	})
}

func TestAConnectionThatAsksNothingIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t)
		ask := func() {
			t.Helper()
			if _, err := grpc_health_v1.NewHealthClient(g.Conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		before := g.Conn.GetState()
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if after := g.Conn.GetState(); after == before {
			t.Errorf("the connection is still %s", after)
		}
		ask() // clients come back by themselves
	})
}

// What somebody calls a method that does not exist is their text. It may be a patient.
func TestTheNameOfAnUnknownMethodIsInNoSpanMetricOrLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t)
		for _, method := range []string{"/patients/" + plain, "/spinegate.v1.PatientTrace/Canary" + plain, "/grpc.health.v1.Health/" + plain} {
			err := g.Conn.Invoke(g.As(t.Context(), t, "clinician"), method, &pb.TracePatientRequest{}, &pb.TracePatientResponse{})
			if code := status.Code(err); code != codes.PermissionDenied {
				t.Errorf("%s: %v", method, err)
			}
		}
		synctest.Wait()
		others := 0
		for _, s := range g.Spans.Ended() {
			if text := fmt.Sprint(s.Name(), s.Attributes(), s.Events(), s.Status()); strings.Contains(text, plain) || strings.Contains(text, "Canary") {
				t.Errorf("a span has the caller's text: %s", text)
			}
			if s.Name() == "_OTHER" {
				others++
			}
		}
		if others != 3 {
			t.Errorf("%d spans of unknown methods with the one name, want 3", others)
		}
		_, metrics := ask(t, g, "GET", "http://localhost/metrics")
		if strings.Contains(metrics, plain) || strings.Contains(g.Log.String(), plain) {
			t.Error("metrics or log have the caller's text")
		}
	})
}
