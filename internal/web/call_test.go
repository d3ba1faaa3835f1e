package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

const (
	trace   = pb.PatientTrace_TracePatient_FullMethodName
	traces  = pb.PatientTrace_TracePatients_FullMethodName
	records = pb.GPConnect_GetStructuredRecord_FullMethodName
)

// One call over HTTP and the same over gRPC: the same answer, and the same evidence, entry by entry.
func TestACallOverHTTPIsTheSameCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		ctx := metadata.AppendToOutgoingContext(g.As(t.Context(), t, "clinician"), "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		request := &pb.TracePatientRequest{NhsNumber: plain, Context: &pb.CallContext{Device: "ward tablet 7"}}
		want, err := g.PatientTrace.TracePatient(ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		var got pb.TracePatientResponse
		post(ctx, t, g, trace, `{"nhs_number": "9990000018", "context": {"device": "ward tablet 7"}}`).message(t, &got)
		if diff := cmp.Diff(want, &got, protocmp.Transform(), protocmp.IgnoreFields(&pb.TraceIds{}, "call_id", "pds_request_id")); diff != "" {
			t.Errorf("over HTTP (-want +got):\n%s", diff)
		}
		entries := g.Entries(t)
		if len(entries) != 6 {
			t.Fatalf("%d entries, want three for each call", len(entries))
		}
		for i, e := range entries[:3] {
			same := entries[3+i]
			for _, e := range []*audit.Entry{&e, &same} {
				e.Seq, e.Call = 0, ""
				if e.Access != nil {
					e.Access = nil // its ids are its own
				}
				e.Peer = "" // bufconn and pipe
			}
			if diff := cmp.Diff(e, same, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
				t.Errorf("entry %d (-gRPC +HTTP):\n%s", i, diff)
			}
		}
		silent(t, g)
	})
}

func TestAStreamIsALineForEachMessage(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	all, end, _ := stream[pb.GetStructuredRecordResponse](t, post(g.As(t.Context(), t, "clinician"), t, g, records, `{"nhs_number": "9990000115"}`))
	if len(all) < 100 || end != nil {
		t.Fatalf("%d messages, then %v", len(all), end)
	}
	if all[0].GetOpening() == nil || all[len(all)-1].GetClosing().GetVerdict() != pb.Verdict_VERDICT_WHOLE {
		t.Errorf("begins with %v, ends with %v", all[0], all[len(all)-1])
	}
	for i, m := range all {
		if int(m.GetSequence()) != i {
			t.Fatalf("message %d has sequence %d", i, m.GetSequence())
		}
	}
	silent(t, g)
}

// A stream that breaks says so in its last line. Before its first line it is an answer with HTTP's own status.
func TestAStreamThatFailsDoesNotLookWhole(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	ctx := g.As(t.Context(), t, "clinician")
	post(ctx, t, g, records, `{"nhs_number": "9990000026"}`).failed(t, http.StatusForbidden, "PATIENT_RESTRICTED")
	if _, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.Provider, Cut: true, CutAfter: -1}); err != nil {
		t.Fatal(err)
	}
	all, end, detail := stream[pb.GetStructuredRecordResponse](t, post(ctx, t, g, records, `{"nhs_number": "9990000115"}`))
	if len(all) == 0 || end == nil || detail.GetTraceIds().GetCallId() == "" {
		t.Fatalf("%d messages, then %v", len(all), end)
	}
	if slices.ContainsFunc(all, func(m *pb.GetStructuredRecordResponse) bool { return m.GetClosing() != nil }) {
		t.Error("there is a closing message")
	}
	last := outcomes(t, g)
	if got := last[len(last)-1]; got.Outcome.Reason != fault.ReasonName(detail.GetReason()) || got.Call != detail.GetTraceIds().GetCallId() {
		t.Errorf("the trail says %+v, the caller was told %v", got.Outcome, detail)
	}
}

func TestManyRequestsGoOverOneStream(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	body, items := io.Pipe()
	r := newRequest(g.As(t.Context(), t, "clinician"), t, traces, "")
	r.Body, r.ContentLength = body, -1
	go func() { _, _ = io.WriteString(items, `{"start":{}}`+"\n") }()
	answer, err := g.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	next := func() *pb.TracePatientsResponse {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		all, _, _ := stream[pb.TracePatientsResponse](t, said{answer.StatusCode, answer.Header, line, nil})
		return all[0]
	}
	if next().GetOpening() == nil {
		t.Error("it does not begin with an opening")
	}
	// Each is sent when the one before is answered: both directions flow at once.
	for _, id := range []string{"one", "two"} {
		if _, err := io.WriteString(items, `{"item": {"item_id": "`+id+`", "nhs_number": "9990000018"}}`); err != nil {
			t.Fatal(err)
		}
		if got := next().GetResult(); got.GetItemId() != id || got.GetTrace().GetPatient().GetNhsNumber() != plain {
			t.Errorf("the answer to %s is %v", id, got)
		}
	}
	if err := items.Close(); err != nil {
		t.Fatal(err)
	}
	if got := next().GetClosing(); got.GetVerdict() != pb.Verdict_VERDICT_WHOLE || got.GetItemsTotal() != 2 {
		t.Errorf("it ends with %v", got)
	}
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// A message of a stream that cannot be read ends it, as over gRPC, and the reader is let go.
func TestAStreamOfRequestsEndsAtWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	body, items := io.Pipe()
	r := newRequest(g.As(t.Context(), t, "clinician"), t, traces, "")
	r.Body, r.ContentLength = body, -1
	go func() { _, _ = io.WriteString(items, `{"start":{}} {"item": {"nobody": 1}}`) }() // and never ends
	s := send(t, g.HTTP, r)
	_ = items.Close()
	_, end, detail := stream[pb.TracePatientsResponse](t, s)
	if end == nil || detail.GetReason() != pb.ErrorReason_ERROR_REASON_REQUEST_INVALID || detail.GetViolations()[0].GetRule() != "json.message" {
		t.Errorf("it ends with %v", end)
	}
	// gRPC ends such a stream by itself, so the service sees a bad message or a caller who has gone, whichever is first, and its
	// outcome may come after the answer.
	all := outcomes(t, g)
	for deadline := time.Now().Add(10 * time.Second); len(all) == 0 && time.Now().Before(deadline); all = outcomes(t, g) {
		time.Sleep(5 * time.Millisecond)
	}
	if len(all) != 1 || all[0].Outcome.Reason != "REQUEST_INVALID" && all[0].Outcome.Reason != "CANCELLED" {
		t.Errorf("outcomes %+v", all)
	}
}

// A stream that is refused is answered at once, although its caller could still send.
func TestAStreamOfRequestsThatIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		for _, tt := range []struct {
			by, timeout, reason string
			code                int
		}{
			{"", "", "TOKEN_MISSING", http.StatusUnauthorized},
			{"clinician", "140m", "DEADLINE_TOO_SHORT", http.StatusGatewayTimeout},
		} {
			ctx := t.Context()
			if tt.by != "" {
				ctx = g.As(ctx, t, tt.by)
			}
			body, items := io.Pipe()
			r := newRequest(ctx, t, traces, "")
			r.Body, r.ContentLength = body, -1
			if tt.timeout != "" {
				r.Header.Set("Grpc-Timeout", tt.timeout)
			}
			began := time.Now()
			send(t, g.HTTP, r).failed(t, tt.code, tt.reason)
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: took %v", tt.reason, took)
			}
			_ = items.Close()
		}
	})
}

func TestACallEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Hold: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(g.As(t.Context(), t, "clinician"))
		r := newRequest(ctx, t, trace, `{"nhs_number": "9990000018"}`)
		done := make(chan error, 1)
		go func() { _, err := g.HTTP.Do(r); done <- err }()
		<-rule.Reached()
		cancel()
		if err := <-done; err == nil {
			t.Error("there is an answer")
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if all := outcomes(t, g); len(all) != 1 || all[0].Outcome.Reason != "CANCELLED" {
			t.Errorf("outcomes %+v, want that it was cancelled", all)
		}
		rule.Release()
	})
}

func TestATimeoutIsTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		if _, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			timeout, reason string
			code            int
			took            time.Duration // as over gRPC
		}{
			{"2S", "DEADLINE_EXCEEDED", http.StatusGatewayTimeout, overGRPC(t, g, 2*time.Second)},
			{"2000m", "DEADLINE_EXCEEDED", http.StatusGatewayTimeout, overGRPC(t, g, 2*time.Second)},
			{"140m", "DEADLINE_TOO_SHORT", http.StatusGatewayTimeout, 0},
			{"1n", "DEADLINE_TOO_SHORT", http.StatusGatewayTimeout, 0},
			{"0S", "DEADLINE_TOO_SHORT", http.StatusGatewayTimeout, 0},
			{"-1S", "REQUEST_INVALID", http.StatusBadRequest, 0},
			{"+1S", "REQUEST_INVALID", http.StatusBadRequest, 0},
			{"1", "REQUEST_INVALID", http.StatusBadRequest, 0},
			{"S", "REQUEST_INVALID", http.StatusBadRequest, 0},
			{"123456789S", "REQUEST_INVALID", http.StatusBadRequest, 0},
			{"1s", "REQUEST_INVALID", http.StatusBadRequest, 0},
		} {
			r := newRequest(g.As(t.Context(), t, "clinician"), t, trace, `{"nhs_number": "9990000018"}`)
			r.Header.Set("Grpc-Timeout", tt.timeout)
			began := time.Now()
			detail := send(t, g.HTTP, r).failed(t, tt.code, tt.reason)
			if took := time.Since(began); took != tt.took {
				t.Errorf("%s: took %v, want %v", tt.timeout, took, tt.took)
			}
			if tt.reason == "DEADLINE_EXCEEDED" && detail.GetHop() != pb.Hop_HOP_PDS {
				t.Errorf("%s: hop is %s", tt.timeout, detail.GetHop())
			}
		}
	})
}

// overGRPC is how long a call takes that PDS does not answer.
func overGRPC(t *testing.T, g *servertest.Gateway, timeout time.Duration) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(g.As(t.Context(), t, "clinician"), timeout)
	defer cancel()
	began := time.Now()
	if _, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: plain}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("over gRPC: %v", err)
	}
	return time.Since(began)
}

// held begins a stream of many that one answer of PDS holds back after the opening has left.
func held(t *testing.T, g *servertest.Gateway) (rule *simulator.Rule, done chan said) {
	t.Helper()
	rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(g.As(t.Context(), t, "clinician"), t, traces, `{"start":{}} {"item": {"item_id": "one", "nhs_number": "9990000018"}}`)
	done = make(chan said, 1)
	go func() { done <- send(t, g.HTTP, r) }()
	<-rule.Reached()
	return rule, done
}

func TestAStopLetsStreamsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		rule, done := held(t, g)
		stopped := make(chan struct{})
		go func() { defer close(stopped); g.StopGateway() }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("stopped while a stream was running")
		default:
		}
		rule.Release()
		all, end, _ := stream[pb.TracePatientsResponse](t, <-done)
		if end != nil || all[len(all)-1].GetClosing().GetVerdict() != pb.Verdict_VERDICT_WHOLE {
			t.Errorf("the stream ends with %v, %v", all[len(all)-1], end)
		}
		<-stopped
	})
}

func TestAStopThatTakesTooLongSaysSoInTheLastLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP(), servertest.WithConfig(func(c *config.Config) { c.Bounds.StopWithin = 2 * time.Second }))
		_, done := held(t, g)
		began := time.Now()
		g.StopGateway()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("stopped after %v", took)
		}
		all, end, detail := stream[pb.TracePatientsResponse](t, <-done)
		if end == nil || detail.GetReason() != pb.ErrorReason_ERROR_REASON_SHUTTING_DOWN || all[len(all)-1].GetClosing() != nil {
			t.Errorf("the stream ends with %v, %v", all[len(all)-1], end)
		}
	})
}

// What is wrong with an answer is in the same details as over gRPC, and their types are named.
func TestAnErrorIsTheSameError(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	ctx := g.As(t.Context(), t, "clinician")
	_, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000019"})
	want := status.Convert(err).Details()
	s := post(ctx, t, g, trace, `{"nhs_number": "9990000019"}`)
	s.failed(t, http.StatusBadRequest, "NHS_NUMBER_INVALID")
	got, _ := failure(t, s.body)
	for i, d := range got.Details() {
		if diff := cmp.Diff(want[i], d, protocmp.Transform(), protocmp.IgnoreFields(&pb.ErrorDetail{}, "trace_ids")); diff != "" {
			t.Errorf("detail %d (-gRPC +HTTP):\n%s", i, diff)
		}
	}
	var raw struct {
		Details []struct {
			Type string `json:"@type"`
		}
	}
	if err := json.Unmarshal(s.body, &raw); err != nil || len(raw.Details) != 4 || raw.Details[0].Type != "type.googleapis.com/google.rpc.ErrorInfo" {
		t.Errorf("%v: %+v", err, raw)
	}
	if strings.Contains(string(s.body), "9990000019") {
		t.Error("the answer echoes the number")
	}
}

func TestWhoHasHadEnoughIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		ctx := g.As(t.Context(), t, "clinician")
		for range 1000 {
			s := post(ctx, t, g, trace, `{"nhs_number": "1"}`)
			if s.status == http.StatusBadRequest {
				continue
			}
			s.failed(t, http.StatusTooManyRequests, "RATE_LIMITED")
			if s.header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After is %q", s.header.Get("Retry-After"))
			}
			return
		}
		t.Error("nobody was limited")
	})
}
