package interceptor_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
)

func TestAnOrganisationCallsWhatItMayAndNothingElse(t *testing.T) {
	g := start(t, options{config: func(c *interceptor.Config) {
		c.Organisations = map[nhs.ODSCode]interceptor.Organisation{
			ods(t, "Q8X01"): {Methods: []string{"spinegate.v1.EndpointDirectory", pb.GPConnect_BookAppointment_FullMethodName}},
		}
	}})
	served := 0
	g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		served++
		return &pb.TracePatientResponse{}, nil
	}
	g.service.resolve = func(context.Context, *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
		return &pb.ResolveEndpointResponse{}, nil
	}
	g.service.booking = func(context.Context, *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
		return &pb.BookAppointmentResponse{}, nil
	}
	if _, err := g.ResolveEndpoint(g.as(t, "clinician"), resolveRequest()); err != nil {
		t.Errorf("a method of a service that is allowed: %v", err)
	}
	if _, err := g.BookAppointment(g.as(t, "clinician"), bookRequestOf("clinician")); err != nil {
		t.Errorf("a method that is allowed: %v", err)
	}
	want := refusal{codes.PermissionDenied, "ORGANISATION_NOT_PERMITTED", "GATEWAY"}
	_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
	g.check(t, err, want)
	slots, err := g.SearchSlots(g.as(t, "receptionist"), &pb.SearchSlotsRequest{})
	if err == nil {
		_, err = slots.Recv()
	}
	g.check(t, err, want)
	if served != 0 {
		t.Error("the service was asked")
	}
	if _, err := g.TracePatient(g.as(t, "nurse"), traceRequest()); err != nil {
		t.Errorf("another organisation is bound too: %v", err)
	}
}

func TestWhatIsNoMethodCannotBeAllowed(t *testing.T) {
	g := start(t, options{})
	for _, name := range []string{"", "spinegate.v1", "/spinegate.v1.PatientTrace", "spinegate.v1.PatientTrace/", "/spinegate.v1.PatientTrace/TracePatience"} {
		_, err := interceptor.Chain(interceptor.Config{
			Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Audit: g.store, Identity: g.verifier, MaxInFlight: 1,
			Organisations: map[nhs.ODSCode]interceptor.Organisation{ods(t, "Q8X01"): {Methods: []string{name}}},
		})
		if err == nil {
			t.Errorf("%q is taken for a method or a service", name)
		}
	}
}

func TestTheCallersOfAnOrganisationShareItsAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, options{config: func(c *interceptor.Config) {
			c.Organisations = map[nhs.ODSCode]interceptor.Organisation{ods(t, "Q8X01"): {PerSecond: 4}}
		}})
		g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
			return &pb.TracePatientResponse{}, nil
		}
		g.service.resolve = func(context.Context, *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
			return &pb.ResolveEndpointResponse{}, nil
		}
		trace := func(who string) error {
			_, err := g.TracePatient(g.as(t, who), &pb.TracePatientRequest{NhsNumber: someone})
			return err
		}
		for n, who := range []string{"clinician", "receptionist", "clinician"} {
			if err := trace(who); err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		if _, err := g.ResolveEndpoint(g.as(t, "system"), resolveRequest()); err != nil {
			t.Fatalf("the last of a second's worth: %v", err)
		}
		err := trace("receptionist")
		g.check(t, err, refusal{codes.ResourceExhausted, "RATE_LIMITED", "GATEWAY"})
		if wait := comeBack(t, err); wait != 250*time.Millisecond {
			t.Errorf("told to wait %v, want a quarter of a second", wait)
		}
		for range 100 { // refusals use up nothing
			if trace("clinician") == nil {
				t.Fatal("let in past the allowance")
			}
		}
		if err := trace("nurse"); err != nil {
			t.Errorf("another organisation is limited too: %v", err)
		}
		time.Sleep(250 * time.Millisecond)
		if err := trace("clinician"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

// Many users of one organisation, each within their own bounds, leave a quarter of the places to the others.
func TestNoOrganisationTakesEveryPlace(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		organisations         []string
		most, theirs, further int // places, and how many of them are one organisation's, and then another's
	}{
		{"several organisations", []string{"Q8X01", "R9Y02"}, 8, 6, 2},
		{"one organisation", []string{"Q8X01"}, 8, 8, 0},
		{"several, and hardly a place", []string{"Q8X01", "R9Y02"}, 1, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, options{config: func(c *interceptor.Config) {
					c.MaxInFlight, c.Organisations = tt.most, make(map[nhs.ODSCode]interceptor.Organisation)
					for _, code := range tt.organisations {
						c.Organisations[ods(t, code)] = interceptor.Organisation{}
					}
				}})
				end := make(chan struct{})
				g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
					<-end
					return &pb.TracePatientResponse{}, nil
				}
				var calls sync.WaitGroup
				hold := func(who string, want int, reason string) {
					t.Helper()
					for range want {
						calls.Go(func() {
							if _, err := g.TracePatient(g.as(t, who), &pb.TracePatientRequest{NhsNumber: someone}); err != nil {
								t.Errorf("within the bounds: %v", err)
							}
						})
					}
					synctest.Wait()
					_, err := g.TracePatient(g.as(t, who), &pb.TracePatientRequest{NhsNumber: someone})
					g.check(t, err, refusal{codes.ResourceExhausted, reason, "GATEWAY"})
				}
				reason := "RATE_LIMITED"
				if tt.further == 0 {
					reason = "OVERLOADED"
				}
				hold("clinician", tt.theirs, reason)
				hold("nurse", tt.further, "OVERLOADED")
				close(end)
				calls.Wait()
				end = make(chan struct{}) // places are free again
				hold("clinician", tt.theirs, reason)
				close(end)
				calls.Wait()
			})
		})
	}
}
