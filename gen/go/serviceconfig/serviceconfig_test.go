package serviceconfig_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/spinegate/spinegate/gen/go/serviceconfig"
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// gateway answers nothing but UNAVAILABLE, with a trailer of a size, and keeps what it saw.
type gateway struct {
	pb.UnimplementedPatientTraceServer
	pb.UnimplementedGPConnectServer

	trailer  int
	calls    int
	deadline bool
}

func (g *gateway) TracePatient(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
	return nil, g.refuse(ctx)
}

func (g *gateway) BookAppointment(ctx context.Context, _ *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
	return nil, g.refuse(ctx)
}

func (g *gateway) refuse(ctx context.Context) error {
	g.calls++
	_, g.deadline = ctx.Deadline()
	_ = grpc.SetTrailer(ctx, metadata.Pairs("much", strings.Repeat("x", g.trailer)))
	return status.Error(codes.Unavailable, "said by the gateway")
}

// start serves the gateway, and connects to it by a name for which somebody's DNS offers another service config.
func start(t *testing.T, g *gateway) *grpc.ClientConn {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterPatientTraceServer(server, g)
	pb.RegisterGPConnectServer(server, g)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	names := manual.NewBuilderWithScheme("offered")
	names.BuildCallback = func(_ resolver.Target, conn resolver.ClientConn, _ resolver.BuildOptions) {
		names.InitialState(resolver.State{
			Addresses:     []resolver.Address{{Addr: listener.Addr().String()}},
			ServiceConfig: conn.ParseServiceConfig(`{}`),
		})
	}
	conn, err := grpc.NewClient("offered:///gateway", append(serviceconfig.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithResolvers(names))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAReadIsRepeatedAndAWriteIsNot(t *testing.T) {
	t.Parallel()
	reads, writes := &gateway{}, &gateway{}
	_, err := pb.NewPatientTraceClient(start(t, reads)).TracePatient(t.Context(), &pb.TracePatientRequest{})
	if status.Code(err) != codes.Unavailable || reads.calls != 3 || !reads.deadline {
		t.Errorf("a read: %v, %d calls, with a deadline: %t", err, reads.calls, reads.deadline)
	}
	_, err = pb.NewGPConnectClient(start(t, writes)).BookAppointment(t.Context(), &pb.BookAppointmentRequest{})
	if status.Code(err) != codes.Unavailable || writes.calls != 1 || !writes.deadline {
		t.Errorf("a write: %v, %d calls, with a deadline: %t", err, writes.calls, writes.deadline)
	}
}

// What the gateway may send is read, and nothing larger.
func TestMetadataUpToTheGatewaysOwnLimit(t *testing.T) {
	t.Parallel()
	for size, read := range map[int]bool{31 << 10: true, 33 << 10: false} {
		conn := start(t, &gateway{trailer: size})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := pb.NewGPConnectClient(conn).BookAppointment(ctx, &pb.BookAppointmentRequest{})
		cancel()
		if got := status.Convert(err).Message() == "said by the gateway"; got != read {
			t.Errorf("%d bytes of metadata: %v", size, err)
		}
	}
}
