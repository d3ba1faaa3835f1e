package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/interceptor"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
)

// Every refusal: what the caller is told, and that the trail has it with the same detail as a success.
func TestRefusals(t *testing.T) {
	g := start(t, options{})
	reached := false
	g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		reached = true
		return &pb.TracePatientResponse{}, nil
	}
	g.service.record = func(*pb.GetStructuredRecordRequest, grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]) error {
		reached = true
		return nil
	}
	g.service.booking = func(context.Context, *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
		reached = true
		return &pb.BookAppointmentResponse{}, nil
	}
	nobody := func() context.Context { return t.Context() }
	by := func(name string) func() context.Context {
		return func() context.Context { return g.as(t, name) }
	}
	bearing := func(token string) func() context.Context {
		return func() context.Context {
			return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
		}
	}
	stranger := identity.Personas()[0]
	stranger.Organisation = identity.Organisation{ODS: ods(t, "Z9Z99"), Name: "Somewhere Else"}
	auditToken, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{
		"iss": "https://sandbox.example", "aud": "spinegate", "sub": "u-1001", "reason_for_request": "directcare",
		"exp": time.Now().Add(5 * time.Minute).Unix(), "ods_code": "Q8X01",
	}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}

	trace := func(ctx context.Context) error {
		_, err := g.TracePatient(ctx, traceRequest())
		return err
	}
	record := func(ctx context.Context) error {
		_, err := read(g.GetStructuredRecord(ctx, &pb.GetStructuredRecordRequest{Context: why(), NhsNumber: someone}))
		return err
	}
	book := func(ctx context.Context) error {
		_, err := g.BookAppointment(ctx, bookRequest())
		return err
	}
	for _, tt := range []struct {
		name string
		by   func() context.Context
		call func(context.Context) error
		want refusal
		who  string // the organisation in the trail
	}{
		{"no token", nobody, trace, refusal{codes.Unauthenticated, "TOKEN_MISSING", "GATEWAY"}, ""},
		{"no token, stream", nobody, record, refusal{codes.Unauthenticated, "TOKEN_MISSING", "GATEWAY"}, ""},
		{"a made-up token", bearing("a.b.c"), trace, refusal{codes.Unauthenticated, "TOKEN_INVALID", "GATEWAY"}, ""},
		{"a GP Connect audit token", bearing(auditToken), trace, refusal{codes.Unauthenticated, "TOKEN_INVALID", "GATEWAY"}, ""},
		{"two tokens", func() context.Context {
			return metadata.AppendToOutgoingContext(g.as(t, "nurse"), "authorization", "Bearer x")
		}, trace, refusal{codes.Unauthenticated, "TOKEN_INVALID", "GATEWAY"}, ""},
		{"an organisation that may not call", func() context.Context { return g.with(t, stranger) }, trace, refusal{codes.PermissionDenied, "ORGANISATION_NOT_PERMITTED", "GATEWAY"}, "Z9Z99"},
		{"a system where a human is needed", by("system"), record, refusal{codes.PermissionDenied, "HUMAN_REQUIRED", "GATEWAY"}, "Q8X01"},
		{"a system at a method that nobody opened", by("system"), trace, refusal{codes.PermissionDenied, "HUMAN_REQUIRED", "GATEWAY"}, "Q8X01"},
		{"a wrong scope", by("nurse"), book, refusal{codes.PermissionDenied, "SCOPE_MISSING", "GATEWAY"}, "R9Y02"},
		{"a wrong scope, stream", by("receptionist"), record, refusal{codes.PermissionDenied, "SCOPE_MISSING", "GATEWAY"}, "Q8X01"},
		{"a method that is not built", by("clinician"), func(ctx context.Context) error {
			_, err := g.FindPatient(ctx, &pb.FindPatientRequest{Context: why(), NhsNumber: someone})
			return err
		}, refusal{codes.Unimplemented, "METHOD_NOT_BUILT", "GATEWAY"}, "Q8X01"},
		{"a stream that is not built", by("clinician"), func(ctx context.Context) error {
			_, err := read(g.GetRecordHtml(ctx, &pb.GetRecordHtmlRequest{Context: why(), NhsNumber: someone}))
			return err
		}, refusal{codes.Unimplemented, "METHOD_NOT_BUILT", "GATEWAY"}, "Q8X01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reached = false
			err := tt.call(tt.by())
			last := g.check(t, err, tt.want)
			if reached {
				t.Error("the service was reached")
			}
			if last.Caller.Organisation.String() != tt.who {
				t.Errorf("the trail names %q, want %q", last.Caller.Organisation, tt.who)
			}
			want := audit.Entry{
				Subject: patient(t), Policy: policy.Version, Peer: "bufconn",
				Context: audit.Context{Purpose: "DIRECT_CARE", Relationship: "REFERRED", Device: "ward tablet 7", Session: "encounter-7f3a9b1c2d4e"},
			}
			got := audit.Entry{Subject: last.Subject, Policy: last.Policy, Peer: last.Peer, Context: last.Context}
			if diff := cmp.Diff(want, got, comparing()); diff != "" {
				t.Errorf("the trail's detail (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), someone) {
				t.Error("the answer shows the number")
			}
		})
	}
}

func TestAMissingScopeIsNamed(t *testing.T) {
	g := start(t, options{})
	_, err := g.BookAppointment(g.as(t, "nurse"), bookRequest())
	if _, info := details(t, err); info.GetMetadata()["scope"] != "appointments:write" {
		t.Errorf("metadata is %v", info.GetMetadata())
	}
}

func TestAMethodWithoutPolicyIsNobodys(t *testing.T) {
	g := start(t, options{})
	for _, method := range []string{"/spinegate.v1.GPConnect/Nope", "/elsewhere.Service/9990000018", "/spinegate.v1.GPConnect/getcapabilities"} {
		t.Run(method, func(t *testing.T) {
			err := g.conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{})
			g.check(t, err, refusal{codes.Unauthenticated, "TOKEN_MISSING", "GATEWAY"})
			err = g.conn.Invoke(g.as(t, "clinician"), method, &emptypb.Empty{}, &emptypb.Empty{})
			last := g.check(t, err, refusal{codes.PermissionDenied, "METHOD_WITHOUT_POLICY", "GATEWAY"})
			if last.Method != "(unknown)" || strings.Contains(g.log.String(), method) {
				t.Error("the caller's text for a method was written down")
			}
		})
	}
}

func TestWhatTheServiceSaysArrivesExplained(t *testing.T) {
	g := start(t, options{})
	notFound := fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND, errors.New("private: "+someone))
	notFound.UpstreamText = "No record for Mrs CANARY"
	for _, tt := range []struct {
		name string
		err  error
		want refusal
	}{
		{"a fault", notFound, refusal{codes.NotFound, "PATIENT_NOT_FOUND", "PDS"}},
		{"a fault, wrapped", fmt.Errorf("trace %s: %w", someone, notFound), refusal{codes.NotFound, "PATIENT_NOT_FOUND", "PDS"}},
		{"what nobody explained", errors.New("boom " + someone), refusal{codes.Internal, "INTERNAL", "GATEWAY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
				return &pb.TracePatientResponse{SupersededFrom: "x"}, tt.err
			}
			_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
			last := g.check(t, err, tt.want)
			if errors.Is(tt.err, notFound) && last.Outcome.Diagnostics != notFound.UpstreamText {
				t.Error("what the upstream explained is not in the trail")
			}
			if text := fmt.Sprintf("%+v", err) + g.log.String(); strings.Contains(text, someone) || strings.Contains(text, "CANARY") {
				t.Error("the answer, or the log, tells what was private")
			}
		})
	}
}

func TestTheIDsOfACallArriveWithItsError(t *testing.T) {
	g := start(t, options{})
	g.service.trace = func(ctx context.Context, _ *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
		interceptor.NoteIDs(ctx, &pb.TraceIds{PdsRequestId: "request-1"})
		interceptor.NoteIDs(ctx, &pb.TraceIds{PdsRequestId: "request-2", CorrelationId: "correlation"})
		return nil, fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND, nil)
	}
	_, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
	detail, _ := details(t, err)
	ids := detail.GetTraceIds()
	if ids.GetPdsRequestId() != "request-2" || ids.GetCorrelationId() != "correlation" || ids.GetCallId() == "" {
		t.Errorf("ids are %v", ids)
	}
}

func TestAViolationNamesTheRuleAndNeverTheValue(t *testing.T) {
	g := start(t, options{})
	canary := "canary-value"
	for _, tt := range []struct {
		name   string
		change func(*pb.BookAppointmentRequest)
		reason string
		want   []string // field and rule
	}{
		{"a wrong check digit", func(r *pb.BookAppointmentRequest) { r.NhsNumber = "9990000019" }, "NHS_NUMBER_INVALID", []string{"nhs_number string.nhs_number"}},
		{"no number", func(r *pb.BookAppointmentRequest) { r.NhsNumber = "" }, "NHS_NUMBER_INVALID", []string{"nhs_number string.nhs_number"}},
		{"spaces", func(r *pb.BookAppointmentRequest) { r.NhsNumber = "999 000 0018" }, "NHS_NUMBER_INVALID", []string{"nhs_number string.nhs_number"}},
		{"a practice that is a filter", func(r *pb.BookAppointmentRequest) { r.OdsCode = "A2)(uid=*" }, "REQUEST_INVALID", []string{"ods_code string.ods_code"}},
		{"no request id", func(r *pb.BookAppointmentRequest) { r.RequestId = canary }, "REQUEST_INVALID", []string{"request_id string.uuid"}},
		{"the second handle", func(r *pb.BookAppointmentRequest) { r.SlotHandles = []string{"fine", canary + "!"} }, "REQUEST_INVALID", []string{"slot_handles[1] string.handle"}},
		{"two things", func(r *pb.BookAppointmentRequest) { r.NhsNumber, r.OdsCode = canary, canary }, "NHS_NUMBER_INVALID", []string{"nhs_number string.nhs_number", "ods_code string.ods_code"}},
		{"a short session", func(r *pb.BookAppointmentRequest) { r.Context.SessionId = canary }, "REQUEST_INVALID", []string{"context.session_id string.pattern"}},
		{"a session with a number in it", func(r *pb.BookAppointmentRequest) { r.Context.SessionId = "visit-" + someone + ".ward" }, "REQUEST_INVALID", []string{"context.session_id session_id.nhs_number"}},
		{"a session with a number in parts", func(r *pb.BookAppointmentRequest) { r.Context.SessionId = "visit-999-000-0018.ward" }, "REQUEST_INVALID", []string{"context.session_id session_id.nhs_number"}},
		{"a device with a new line", func(r *pb.BookAppointmentRequest) { r.Context.Device = canary + "\n" }, "REQUEST_INVALID", []string{"context.device string.pattern"}},
		{"a purpose that nobody knows", func(r *pb.BookAppointmentRequest) { r.Context.Purpose = 7 }, "REQUEST_INVALID", []string{"context.purpose enum.defined_only"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := bookRequest()
			tt.change(r)
			_, err := g.BookAppointment(g.as(t, "clinician"), r)
			g.check(t, err, refusal{codes.InvalidArgument, tt.reason, "GATEWAY"})
			detail, _ := details(t, err)
			var got []string
			for _, v := range detail.GetViolations() {
				got = append(got, v.GetField()+" "+v.GetRule())
				if v.GetDescription() == "" {
					t.Errorf("%s is not described", v.GetField())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			for _, value := range []string{canary, someone, "9990000019", "uid=*"} {
				if strings.Contains(fmt.Sprintf("%+v", err), value) {
					t.Errorf("the answer echoes a value: %v", err)
				}
			}
		})
	}
}

func TestTheRequestOfAStreamIsValidatedToo(t *testing.T) {
	g := start(t, options{})
	g.service.record = func(*pb.GetStructuredRecordRequest, grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]) error {
		t.Error("the service was reached")
		return nil
	}
	_, err := read(g.GetStructuredRecord(g.as(t, "clinician"), &pb.GetStructuredRecordRequest{NhsNumber: "9990000019"}))
	g.check(t, err, refusal{codes.InvalidArgument, "NHS_NUMBER_INVALID", "GATEWAY"})
}

func TestASessionWhereThereIsNone(t *testing.T) {
	got, err := interceptor.Violations("/spinegate.v1.PatientTrace/SearchPatients",
		&pb.SearchPatientsRequest{Context: why(), Family: "X", BirthDateStart: "1950-01-01"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"context.session_id session_id.not_here"}, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestTheOrderInWhichThingsAreRefused(t *testing.T) {
	g := start(t, options{})
	bad := &pb.FindPatientRequest{NhsNumber: "1"}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want string
	}{
		{"no token comes before a bad number", t.Context(), "TOKEN_MISSING"},
		{"a system comes before what is not built", g.as(t, "system"), "HUMAN_REQUIRED"},
		{"what is not built comes before a bad number", g.as(t, "clinician"), "METHOD_NOT_BUILT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := g.FindPatient(tt.ctx, bad)
			if detail, _ := details(t, err); fault.ReasonName(detail.GetReason()) != tt.want {
				t.Errorf("reason is %s, want %s", detail.GetReason(), tt.want)
			}
		})
	}
}

func ods(t testing.TB, code string) nhs.ODSCode {
	t.Helper()
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// comparing lets the vocabulary of package nhs be compared.
func comparing() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b nhs.Number) bool { return a == b }),
		cmp.Comparer(func(a, b nhs.ODSCode) bool { return a == b }),
	}
}
