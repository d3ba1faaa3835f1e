package interceptor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/spinegate/spinegate/gen/go/serviceconfig"
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// A client with our service config repeats what is unavailable for a moment. What we say is to wait it does not.
func TestNoLibraryRepeatsWhatIsToWait(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stream bool
		after  time.Duration
		want   int
	}{
		{"for a moment", false, 0, 3},
		{"for five seconds", false, 5 * time.Second, 1},
		{"a stream, for a moment", true, 0, 3},
		{"a stream, for five seconds", true, 5 * time.Second, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{dial: []grpc.DialOption{grpc.WithDefaultServiceConfig(serviceconfig.JSON), grpc.WithDisableServiceConfig()}})
				unavailable := func() error {
					e := fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, nil)
					e.RetryAfter = tt.after
					return e
				}
				calls := 0
				if tt.stream {
					g.service.record = func(*pb.GetStructuredRecordRequest, grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]) error {
						calls++
						return unavailable()
					}
					_, err := read(g.GetStructuredRecord(g.as(t, "clinician"), &pb.GetStructuredRecordRequest{NhsNumber: someone}))
					g.check(t, err, refusal{codeOf(unavailable()), "UPSTREAM_UNAVAILABLE", "PDS"})
				} else {
					g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
						calls++
						return nil, unavailable()
					}
					_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
					g.check(t, err, refusal{codeOf(unavailable()), "UPSTREAM_UNAVAILABLE", "PDS"})
				}
				if calls != tt.want {
					t.Errorf("%d calls arrived, want %d", calls, tt.want)
				}
			})
		})
	}
}
