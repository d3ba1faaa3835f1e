package interceptor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
)

type recordStream = grpc.ServerStreamingServer[pb.GetStructuredRecordResponse]

// send sends the events of a record in order.
// send sends messages, telling the record what leaves as a service does.
func send(out recordStream, messages ...*pb.GetStructuredRecordResponse) error {
	record := audit.FromContext(out.Context())
	for i, m := range messages {
		m.Sequence = int32(i)
		for _, e := range []*pb.RecordEntry{m.GetEntry(), m.GetPatient().GetPatient()} {
			if e != nil {
				record.Count(e.GetResourceType(), 1)
			}
		}
		if err := out.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func opening() *pb.GetStructuredRecordResponse {
	return &pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Opening{Opening: &pb.RecordOpening{}}}
}

func answerPatient() *pb.GetStructuredRecordResponse {
	return &pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Patient{
		Patient: &pb.AnswerPatient{Patient: &pb.RecordEntry{ResourceType: "Patient", Json: []byte("{}")}},
	}}
}

func entry(resourceType string) *pb.GetStructuredRecordResponse {
	return &pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Entry{
		Entry: &pb.RecordEntry{ResourceType: resourceType, Json: []byte("{}")},
	}}
}

func closing(v pb.Verdict) *pb.GetStructuredRecordResponse {
	return &pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Closing{
		Closing: &pb.RecordClosing{Verdict: v, ContentLength: 4711, ContentSha256: []byte{1, 2, 3}},
	}}
}

func recordRequest() *pb.GetStructuredRecordRequest {
	return &pb.GetStructuredRecordRequest{Context: why(), NhsNumber: someone}
}

func TestTheOutcomeIsDurableBeforeTheClosingMessage(t *testing.T) {
	g := start(t, options{})
	var id string
	g.service.record = func(r *pb.GetStructuredRecordRequest, out recordStream) error {
		if r.GetNhsNumber() != someone {
			t.Error("the service got another request than was sent")
		}
		id = audit.FromContext(out.Context()).ID()
		if err := send(out, opening(), answerPatient(), entry("List"), entry("Observation"), entry("Observation"), entry("not a type of FHIR")); err != nil {
			return err
		}
		if n := len(g.trail(t, audit.Query{ID: id, Kind: audit.KindOutcome})); n != 0 {
			t.Errorf("%d outcomes before the closing message", n)
		}
		if err := out.Send(closing(pb.Verdict_VERDICT_WARNED)); err != nil {
			return err
		}
		if n := len(g.trail(t, audit.Query{ID: id, Kind: audit.KindOutcome})); n != 1 {
			t.Errorf("%d outcomes once the closing message was sent, want 1", n)
		}
		return nil
	}
	all, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
	if err != nil || len(all) != 7 {
		t.Fatalf("the stream gave %d messages and %v", len(all), err)
	}
	entries := g.trail(t, audit.Query{ID: id})
	last := entries[len(entries)-1]
	want := &audit.Outcome{
		Code: "OK", Verdict: "WARNED", Bytes: 4711, SHA256: []byte{1, 2, 3}, Duration: last.Outcome.Duration,
		Resources: map[string]int{"Patient": 1, "List": 1, "Observation": 2, "Other": 1},
	}
	if diff := cmp.Diff(want, last.Outcome); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	robin := identity.Personas()[0].User
	wantCaller := audit.Caller{
		Organisation: ods(t, "Q8X01"), OrganisationName: "Example Urgent Care", UserID: robin.LocalID, UserSystem: "https://sandbox.example",
		Prefix: robin.Prefix, Given: robin.Given, Family: robin.Family, SDSUserID: robin.SDSUserID, SDSRoleProfileID: robin.RoleProfileID,
		Scopes: identity.Personas()[0].Scopes, Issuer: "https://sandbox.example",
	}
	if diff := cmp.Diff(wantCaller, last.Caller, comparing()); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if last.Subject != patient(t) || last.Method != pb.GPConnect_GetStructuredRecord_FullMethodName {
		t.Errorf("the trail says %s about %v", last.Method, last.Subject == patient(t))
	}
}

func TestAServiceMayWriteItsOwnOutcome(t *testing.T) {
	g := start(t, options{})
	g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
		r := audit.FromContext(out.Context())
		if err := r.Outcome(out.Context(), audit.Outcome{Code: "OK", Verdict: "WHOLE", Bytes: 1}); err != nil {
			return err
		}
		return send(out, closing(pb.Verdict_VERDICT_WHOLE))
	}
	if _, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest())); err != nil {
		t.Fatal(err)
	}
	if all := g.trail(t, audit.Query{Kind: audit.KindOutcome}); len(all) != 1 || all[0].Outcome.Bytes != 1 {
		t.Errorf("outcomes are %v, want the service's own", all)
	}
}

func TestWithoutEvidenceThereIsNoAnswer(t *testing.T) {
	t.Run("unary", func(t *testing.T) {
		g := start(t, options{})
		g.service.trace = func(context.Context, *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
			_ = g.store.Close()
			return &pb.TracePatientResponse{}, nil
		}
		resp, err := g.TracePatient(g.as(t, "clinician"), traceRequest())
		unavailable(t, err)
		if resp != nil {
			t.Error("there is an answer")
		}
	})
	t.Run("stream", func(t *testing.T) {
		g := start(t, options{})
		g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
			if err := send(out, opening(), answerPatient()); err != nil {
				return err
			}
			_ = g.store.Close()
			return out.Send(closing(pb.Verdict_VERDICT_WHOLE))
		}
		all, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
		unavailable(t, err)
		if len(all) != 2 {
			t.Errorf("%d messages arrived, want those before the closing message", len(all))
		}
	})
	t.Run("stream whose service takes no notice", func(t *testing.T) {
		g := start(t, options{})
		g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
			_ = g.store.Close()
			_ = out.Send(closing(pb.Verdict_VERDICT_WHOLE))
			return nil
		}
		if all, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest())); err == nil || len(all) != 0 {
			t.Errorf("%d messages and %v", len(all), err)
		}
	})
	t.Run("refusal", func(t *testing.T) {
		g := start(t, options{})
		_ = g.store.Close()
		_, err := g.TracePatient(g.as(t, "receptionist"), &pb.TracePatientRequest{NhsNumber: "1"})
		unavailable(t, err)
	})
}

func unavailable(t testing.TB, err error) {
	t.Helper()
	detail, info := details(t, err)
	if codes.Code(detail.GetCode()) != codes.Unavailable || info.GetReason() != "AUDIT_UNAVAILABLE" || detail.GetHop() != pb.Hop_HOP_AUDIT {
		t.Errorf("answer is %v", err)
	}
}

func TestAStreamEndsOKOnlyWithItsClosingMessage(t *testing.T) {
	g := start(t, options{})
	g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
		return send(out, opening(), entry("List"))
	}
	_, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
	last := g.check(t, err, refusal{codes.Internal, "INTERNAL", "GATEWAY"})
	if diff := cmp.Diff(map[string]int{"List": 1}, last.Outcome.Resources); diff != "" {
		t.Errorf("what left (-want +got):\n%s", diff)
	}
}

func TestAStreamThatFailsSaysWhatLeft(t *testing.T) {
	g := start(t, options{})
	g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
		return errors.Join(send(out, opening(), answerPatient(), entry("List")),
			fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT, nil))
	}
	_, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
	last := g.check(t, err, refusal{codes.Unavailable, "ANSWER_CUT_SHORT", "PROVIDER"})
	if diff := cmp.Diff(map[string]int{"Patient": 1, "List": 1}, last.Outcome.Resources); diff != "" {
		t.Errorf("what left (-want +got):\n%s", diff)
	}
}

// A connection that breaks in the middle of a stream is the caller's leaving, not a fault of the gateway.
func TestACallerWhoseConnectionBreaksHasLeft(t *testing.T) {
	g := start(t, options{})
	ids := make(chan string, 1)
	g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
		ids <- audit.FromContext(out.Context()).ID()
		for {
			if err := send(out, entry("List")); err != nil {
				return err
			}
		}
	}
	stream, err := g.GetStructuredRecord(g.as(t, "clinician"), recordRequest())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	_ = g.conn.Close()
	id := <-ids
	g.eventually(t, func() bool {
		all := g.trail(t, audit.Query{ID: id, Kind: audit.KindOutcome})
		return len(all) == 1 && all[0].Outcome.Reason == "CANCELLED" && !strings.Contains(g.log.String(), `"level":"ERROR"`)
	})
}

func TestACallerWhoLeavesIsEvidenceToo(t *testing.T) {
	g := start(t, options{})
	begun, ended := make(chan string, 1), make(chan struct{})
	g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
		begun <- audit.FromContext(out.Context()).ID()
		<-out.Context().Done()
		defer close(ended)
		return out.Context().Err()
	}
	ctx, cancel := context.WithCancel(g.as(t, "clinician"))
	done := make(chan error, 1)
	go func() {
		_, err := read(g.GetStructuredRecord(ctx, recordRequest()))
		done <- err
	}()
	id := <-begun
	cancel()
	if err := <-done; err == nil {
		t.Error("the caller who left got an answer")
	}
	<-ended
	_ = g.conn.Close()
	g.eventually(t, func() bool {
		all := g.trail(t, audit.Query{ID: id, Kind: audit.KindOutcome})
		return len(all) == 1 && all[0].Outcome.Reason == "CANCELLED" && all[0].Outcome.Code == "CANCELLED" &&
			strings.Contains(g.log.String(), `"code":"CANCELLED"`)
	})
}

func TestWhatOneCallIsAboutIsNotAnothers(t *testing.T) {
	g := start(t, options{})
	g.service.slots = func(r *pb.SearchSlotsRequest, out grpc.ServerStreamingServer[pb.SearchSlotsResponse]) error {
		return out.Send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Closing{Closing: &pb.SlotsClosing{Verdict: pb.Verdict_VERDICT_PARTIAL}}})
	}
	request := &pb.SearchSlotsRequest{OdsCodes: []string{"A20047", "B84001"}, Start: "2026-12-01", End: "2026-12-02"}
	if _, err := read(g.SearchSlots(g.as(t, "receptionist"), request)); err != nil {
		t.Fatal(err)
	}
	last := g.trail(t, audit.Query{Kind: audit.KindOutcome})[0]
	if !last.Subject.IsZero() || !last.Practice.IsZero() || last.Outcome.Verdict != "PARTIAL" || last.Outcome.Resources != nil {
		t.Errorf("the trail has %s", fmt.Sprint(last.Outcome))
	}
}
