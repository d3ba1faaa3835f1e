package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/journal"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/sds"
)

const canary = "CANARY-9990000018"

// broken is a directory with a fault of programming in it.
type broken struct{}

func (broken) Route(_ context.Context, q sds.Question) (sds.Route, error) {
	if q.Interaction == nhs.GetStructuredRecord || q.ODS.String() == "B84001" {
		return sds.Route{}, fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND, nil)
	}
	panic(canary)
}

func (broken) Sender(context.Context, sds.SenderQuestion) (sds.Sender, error) { panic(canary) }

// registered is a PDS where everybody is registered at one practice.
type registered struct {
	demographicsService

	at nhs.ODSCode
}

func (r registered) Patient(_ context.Context, n nhs.Number, _ pds.Requester) (*pds.Trace, error) {
	return &pds.Trace{
		Record: pds.Record{Current: n, Restriction: pds.Unrestricted}, Death: pds.NoneRecorded,
		Registration: pds.Registration{Status: pds.Registered, ODS: r.at},
	}, nil
}

// brokenGateway serves GPConnect in front of a broken directory, with what the chain gives a call.
func brokenGateway(t *testing.T) (client pb.GPConnectClient, reports *atomic.Int32) {
	t.Helper()
	parse := func(code string) nhs.ODSCode {
		ods, err := nhs.ParseODSCode(code)
		if err != nil {
			t.Fatal(err)
		}
		return ods
	}
	sealer, err := handle.New(handle.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	_, _, practices, err := New(Config{
		Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Demographics: registered{at: parse("A20047")}, Directory: broken{},
		Practices: &gpconnect.Client{}, Handles: sealer, Journal: &journal.Journal{}, Concurrency: 2, ItemBudget: 1,
		Organisations: map[nhs.ODSCode]Organisation{parse("Q8X01"): {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	reports = &atomic.Int32{}
	known := func(ctx context.Context) context.Context {
		ctx = guard.NewContext(ctx, func(context.Context, any) { reports.Add(1) })
		return identity.NewContext(ctx, identity.Caller{Organisation: identity.Organisation{ODS: parse("Q8X01")}})
	}
	server := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return handler(known(ctx), req)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(srv, of{ss, known(ss.Context())})
		}),
	)
	pb.RegisterGPConnectServer(server, practices)
	wire := bufconn.Listen(1 << 16)
	go server.Serve(wire) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///gateway", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return wire.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pb.NewGPConnectClient(conn), reports
}

// of is a stream with another context.
type of struct {
	grpc.ServerStream

	ctx context.Context
}

func (o of) Context() context.Context { return o.ctx }

// reasonOf is the reason that a caller was told.
func reasonOf(t *testing.T, err error) pb.ErrorReason {
	t.Helper()
	if strings.Contains(fmt.Sprintf("%+v", err), "CANARY") {
		t.Error("the answer shows what was thrown")
	}
	for _, d := range status.Convert(err).Details() {
		if detail, ok := d.(*pb.ErrorDetail); ok {
			return detail.GetReason()
		}
	}
	return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
}

func TestAPanicInAGoroutineOfACallIsThatCallsFault(t *testing.T) {
	client, reports := brokenGateway(t)
	t.Run("statements", func(t *testing.T) {
		before := reports.Load()
		_, err := client.GetCapabilities(t.Context(), &pb.GetCapabilitiesRequest{OdsCode: "A20047"})
		if got := reasonOf(t, err); got != pb.ErrorReason_ERROR_REASON_INTERNAL || reports.Load()-before != 3 {
			t.Errorf("answer is %v with %d reports, want INTERNAL and one for each root", err, reports.Load()-before)
		}
	})
	t.Run("the statement of a record's system", func(t *testing.T) {
		before := reports.Load()
		stream, err := client.GetStructuredRecord(t.Context(), &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
		if err == nil {
			_, err = stream.Recv()
		}
		// The version is unknown then, and the call goes on to where the directory has nobody.
		if got := reasonOf(t, err); got != pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND || reports.Load()-before != 1 {
			t.Errorf("answer is %v with %d reports, want ENDPOINT_NOT_FOUND and one", err, reports.Load()-before)
		}
	})
	t.Run("one practice of several", func(t *testing.T) {
		before := reports.Load()
		stream, err := client.SearchSlots(t.Context(), &pb.SearchSlotsRequest{
			OdsCodes: []string{"A20047", "B84001"}, Start: "2026-12-01", End: "2026-12-02",
		})
		got := map[string]pb.ErrorReason{}
		verdict := pb.Verdict_VERDICT_UNSPECIFIED
		for err == nil {
			var m *pb.SearchSlotsResponse
			if m, err = stream.Recv(); err == nil {
				if f := m.GetFailure(); f != nil {
					got[f.GetOdsCode()] = f.GetError().GetReason()
				}
				verdict = max(verdict, m.GetClosing().GetVerdict())
			}
		}
		if !errors.Is(err, io.EOF) || verdict != pb.Verdict_VERDICT_PARTIAL || reports.Load()-before != 1 ||
			got["A20047"] != pb.ErrorReason_ERROR_REASON_INTERNAL || got["B84001"] != pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND {
			t.Errorf("failures %v, %s, %v; want INTERNAL for the one and the other's own", got, verdict, err)
		}
	})
}
