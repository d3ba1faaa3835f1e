package interceptor_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
)

// service is the three services, as far as a test says what they do.
type service struct {
	pb.UnimplementedPatientTraceServer
	pb.UnimplementedEndpointDirectoryServer
	pb.UnimplementedGPConnectServer

	trace    func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error)
	resolve  func(context.Context, *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error)
	record   func(*pb.GetStructuredRecordRequest, grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]) error
	slots    func(*pb.SearchSlotsRequest, grpc.ServerStreamingServer[pb.SearchSlotsResponse]) error
	booking  func(context.Context, *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error)
	practice func(context.Context, *pb.GetCapabilitiesRequest) (*pb.GetCapabilitiesResponse, error)
}

func (s *service) TracePatient(ctx context.Context, r *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
	return s.trace(ctx, r)
}

func (s *service) ResolveEndpoint(ctx context.Context, r *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
	return s.resolve(ctx, r)
}

func (s *service) GetStructuredRecord(r *pb.GetStructuredRecordRequest, out grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]) error {
	return s.record(r, out)
}

func (s *service) SearchSlots(r *pb.SearchSlotsRequest, out grpc.ServerStreamingServer[pb.SearchSlotsResponse]) error {
	return s.slots(r, out)
}

func (s *service) BookAppointment(ctx context.Context, r *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
	return s.booking(ctx, r)
}

func (s *service) GetCapabilities(ctx context.Context, r *pb.GetCapabilitiesRequest) (*pb.GetCapabilitiesResponse, error) {
	return s.practice(ctx, r)
}

// gateway is a real server with the chain, a real trail and a real client.
type gateway struct {
	pb.PatientTraceClient
	pb.EndpointDirectoryClient
	pb.GPConnectClient

	conn     *grpc.ClientConn
	service  *service
	store    *audit.Store
	issuer   *identity.Issuer
	verifier *identity.Verifier
	log      *journal
	metrics  *sdkmetric.ManualReader
}

// journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// options change what a gateway is started with.
type options struct {
	config       func(*interceptor.Config)
	certificates []identity.Certificate
	server       []grpc.ServerOption
	client       credentials.TransportCredentials
	dial         []grpc.DialOption
}

func start(t testing.TB, o options) *gateway {
	t.Helper()
	g := &gateway{service: &service{}, log: &journal{}, metrics: sdkmetric.NewManualReader()}
	dir := t.TempDir()
	var err error
	if g.store, err = audit.Open(t.Context(), audit.Config{
		Path: filepath.Join(dir, "audit.db"), KeyFile: filepath.Join(dir, "key"), CreateKey: true, Version: "test",
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.store.Close() })
	if g.issuer, err = identity.NewIssuer("https://sandbox.example", "spinegate"); err != nil {
		t.Fatal(err)
	}
	trusted, err := g.issuer.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	if g.verifier, err = identity.New(identity.Config{
		Issuers: []identity.TrustedIssuer{trusted}, Certificates: o.certificates,
	}); err != nil {
		t.Fatal(err)
	}
	config := interceptor.Config{
		Log:   slog.New(slog.NewJSONHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(g.metrics)).Meter("test"),
		Audit: g.store, Identity: g.verifier, MaxInFlight: 100,
	}
	if o.config != nil {
		o.config(&config)
	}
	chain, err := interceptor.Chain(config)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(chain, o.server...)...)
	pb.RegisterPatientTraceServer(server, g.service)
	pb.RegisterEndpointDirectoryServer(server, g.service)
	pb.RegisterGPConnectServer(server, g.service)
	healthpb.RegisterHealthServer(server, health.NewServer())

	wire := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- server.Serve(wire) }()
	if o.client == nil {
		o.client = insecure.NewCredentials()
	}
	dial := append([]grpc.DialOption{
		grpc.WithTransportCredentials(o.client),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return wire.DialContext(ctx) }),
	}, o.dial...)
	if g.conn, err = grpc.NewClient("passthrough:///gateway.example", dial...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	g.PatientTraceClient, g.EndpointDirectoryClient = pb.NewPatientTraceClient(g.conn), pb.NewEndpointDirectoryClient(g.conn)
	g.GPConnectClient = pb.NewGPConnectClient(g.conn)
	return g
}

// as is the context of a call by a persona.
func (g *gateway) as(t testing.TB, name string) context.Context {
	t.Helper()
	at := slices.IndexFunc(identity.Personas(), func(p identity.Persona) bool { return p.Name == name })
	return g.with(t, identity.Personas()[at])
}

func (g *gateway) with(t testing.TB, p identity.Persona) context.Context {
	t.Helper()
	token, err := g.issuer.Mint(p, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token.Reveal())
}

// trail is the entries of a call, oldest first.
func (g *gateway) trail(t testing.TB, q audit.Query) []audit.Entry {
	t.Helper()
	var all []audit.Entry
	for e, err := range g.store.Entries(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != audit.KindSystem {
			all = append(all, e)
		}
	}
	slices.Reverse(all)
	return all
}

// panics is how many were counted.
func (g *gateway) panics(t testing.TB) (n int64) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := g.metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "spinegate.panics" {
				for _, p := range sum.DataPoints {
					n += p.Value
				}
			}
		}
	}
	return n
}

// refusal is what a caller and the trail must agree on.
type refusal struct {
	code   codes.Code
	reason string
	hop    string
}

// check holds an error against what it must be, in every form in which it travels, and returns the OUTCOME.
func (g *gateway) check(t testing.TB, err error, want refusal) audit.Entry {
	t.Helper()
	detail, info := details(t, err)
	st := status.Convert(err)
	if st.Code() != want.code || info.GetReason() != want.reason || info.GetMetadata()["hop"] != want.hop || info.GetDomain() != fault.Domain {
		t.Fatalf("answer is %s %s at %s (%s), want %+v", st.Code(), info.GetReason(), info.GetMetadata()["hop"], st.Message(), want)
	}
	if fault.ReasonName(detail.GetReason()) != want.reason || codes.Code(detail.GetCode()) != want.code || "HOP_"+want.hop != detail.GetHop().String() {
		t.Errorf("detail is %v, want %+v", detail, want)
	}
	id := detail.GetTraceIds().GetCallId()
	if id == "" {
		t.Fatal("the answer does not name its call")
	}
	entries := g.trail(t, audit.Query{ID: id})
	if len(entries) < 2 || entries[0].Kind != audit.KindAttempt || entries[len(entries)-1].Kind != audit.KindOutcome {
		t.Fatalf("trail has %d entries of the call, want at least ATTEMPT and OUTCOME", len(entries))
	}
	last := entries[len(entries)-1]
	if last.Outcome.Reason != want.reason || last.Outcome.Hop != want.hop || last.Outcome.Code != canonical(want.code) {
		t.Errorf("outcome is %+v, want %+v", last.Outcome, want)
	}
	return last
}

func canonical(c codes.Code) string {
	return map[codes.Code]string{
		codes.Unauthenticated: "UNAUTHENTICATED", codes.PermissionDenied: "PERMISSION_DENIED", codes.InvalidArgument: "INVALID_ARGUMENT",
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL",
		codes.ResourceExhausted: "RESOURCE_EXHAUSTED", codes.NotFound: "NOT_FOUND", codes.Canceled: "CANCELLED", codes.Unavailable: "UNAVAILABLE",
		codes.FailedPrecondition: "FAILED_PRECONDITION",
	}[c]
}

// details are those of ours in a status.
func details(t testing.TB, err error) (*pb.ErrorDetail, *errdetails.ErrorInfo) {
	t.Helper()
	if err == nil {
		t.Fatal("the call succeeded")
	}
	var detail *pb.ErrorDetail
	var info *errdetails.ErrorInfo
	for _, d := range status.Convert(err).Details() {
		switch d := d.(type) {
		case *pb.ErrorDetail:
			detail = d
		case *errdetails.ErrorInfo:
			info = d
		}
	}
	if detail == nil || info == nil {
		t.Fatalf("the answer lacks its details: %v", err)
	}
	return detail, info
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// read reads a stream to its end.
func read[T any](stream grpc.ServerStreamingClient[T], err error) ([]*T, error) {
	var all []*T
	for err == nil {
		var m *T
		if m, err = stream.Recv(); err == nil {
			all = append(all, m)
		}
	}
	if errors.Is(err, io.EOF) {
		return all, nil
	}
	return all, err
}

// Somebody, as every part of a request can name them.
const someone = "9990000018"

func why() *pb.CallContext {
	return &pb.CallContext{
		SessionId: "encounter-7f3a9b1c2d4e", Device: "ward tablet 7", Relationship: pb.Relationship_RELATIONSHIP_REFERRED,
	}
}

func patient(t testing.TB) nhs.Number {
	t.Helper()
	n, err := nhs.ParseNumber(someone)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func traceRequest() *pb.TracePatientRequest {
	return &pb.TracePatientRequest{Context: why(), NhsNumber: someone}
}

func bookRequest() *pb.BookAppointmentRequest {
	return &pb.BookAppointmentRequest{
		Context: why(), RequestId: "60e0b220-8136-4ca5-ae46-1d97ef59d068", NhsNumber: someone, OdsCode: "a20047",
		SlotHandles: []string{"handle"}, Description: "review",
	}
}
