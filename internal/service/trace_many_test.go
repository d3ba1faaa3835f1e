package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

type manyStream = grpc.BidiStreamingClient[pb.TracePatientsRequest, pb.TracePatientsResponse]

// quota is the rate at PDS.
func quota(perSecond float64) servertest.Option {
	return servertest.WithConfig(func(c *config.Config) { c.Spine.PDS.RequestsPerSecond = perSecond })
}

// bare leaves out what remembers every span and log line, so that memory can be measured.
func bare(o *sandbox.Options) {
	o.Processors, o.Readers, o.Logger = nil, nil, slog.New(slog.DiscardHandler)
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	servertest.Keys(t) // made outside: they are shared
	synctest.Test(t, f)
}

// begin opens a stream.
func begin(ctx context.Context, t *testing.T, g *servertest.Gateway, concurrency int32) manyStream {
	t.Helper()
	stream, err := g.PatientTrace.TracePatients(ctx)
	if err != nil {
		t.Fatal(err)
	}
	put(t, stream, &pb.TracePatientsRequest{Event: &pb.TracePatientsRequest_Start{Start: &pb.TraceStart{Concurrency: concurrency}}})
	return stream
}

func put(t *testing.T, stream manyStream, m *pb.TracePatientsRequest) {
	t.Helper()
	if err := stream.Send(m); err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("send: %v", err)
	}
}

func ask(id, number string) *pb.TracePatientsRequest {
	return &pb.TracePatientsRequest{Event: &pb.TracePatientsRequest_Item{Item: &pb.TraceItem{ItemId: id, NhsNumber: number}}}
}

// story is what a stream told, held against the promises of every stream.
type story struct {
	slim     bool // answers are counted and not kept
	next     int32
	results  map[string]*pb.TracePatientResponse
	failures map[string]*pb.ErrorDetail
	answers  int
	warnings []pb.StreamWarningKind
	closing  *pb.TraceClosing
}

func newStory() *story {
	return &story{results: map[string]*pb.TracePatientResponse{}, failures: map[string]*pb.ErrorDetail{}}
}

// hear takes in the next message, and reports false when the stream has ended with OK.
func (s *story) hear(t *testing.T, stream manyStream) bool {
	t.Helper()
	m, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		if s.closing == nil {
			t.Error("the stream ended with OK and without its closing message")
		}
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if m.GetSequence() != s.next || (m.GetOpening() != nil) != (s.next == 0) || s.closing != nil {
		t.Fatalf("message %d where %d was due, or out of place", m.GetSequence(), s.next)
	}
	s.next++
	fresh := func(id string) {
		s.answers++
		if s.results[id] != nil || s.failures[id] != nil {
			t.Errorf("item %q was answered twice", id)
		}
	}
	switch e := m.GetEvent().(type) {
	case *pb.TracePatientsResponse_Result:
		fresh(e.Result.GetItemId())
		if s.results[e.Result.GetItemId()] = e.Result.GetTrace(); s.slim {
			s.results[e.Result.GetItemId()] = &pb.TracePatientResponse{}
		}
	case *pb.TracePatientsResponse_Failure:
		fresh(e.Failure.GetItemId())
		if s.failures[e.Failure.GetItemId()] = e.Failure.GetError(); s.slim {
			s.failures[e.Failure.GetItemId()] = &pb.ErrorDetail{Reason: e.Failure.GetError().GetReason()}
		}
	case *pb.TracePatientsResponse_Warning:
		s.warnings = append(s.warnings, e.Warning.GetKind())
	case *pb.TracePatientsResponse_Closing:
		s.closing = e.Closing
		if int(s.closing.GetItemsTotal()) != s.answers || int(s.closing.GetResultsTotal()) != len(s.results) ||
			s.closing.GetFailuresTotal() != s.closing.GetItemsTotal()-s.closing.GetResultsTotal() {
			t.Errorf("the closing message miscounts %d answers: %v", s.answers, s.closing)
		}
	}
	return true
}

// hearAll takes in everything.
func hearAll(t *testing.T, stream manyStream) *story {
	t.Helper()
	s := newStory()
	for s.hear(t, stream) { //nolint:revive // hear does it
	}
	return s
}

func (s *story) verdict(t *testing.T, want pb.Verdict) {
	t.Helper()
	if s.closing.GetVerdict() != want {
		t.Errorf("verdict %s, want %s: %v", s.closing.GetVerdict(), want, s.closing)
	}
}

// asked are the requests that PDS received.
func asked(g *servertest.Gateway) []simulator.Exchange { return g.Spine.Transcript().Of(simulator.PDS) }

// people take turns, since each may open five streams at once and one a second.
var people = []string{"clinician", "receptionist", "nurse"}

var numbers = []string{"9990000018", "9990000042", "9990000115", "9990000220", "9990000263", "9990000085", "9990000026"}

// A bad item ends in its own failure, is never asked about, and leaves its own evidence.
func TestABadItemNeverEndsTheStream(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 129)
	g := servertest.Start(t)
	for n, tt := range []struct {
		name   string
		item   *pb.TraceItem
		within *pb.CallContext
		told   string // the id in the answer; the item's where it is empty
		reason pb.ErrorReason
		fields []string
	}{
		{name: "no id", item: &pb.TraceItem{NhsNumber: "9990000018"}, fields: []string{"item_id"}},
		{name: "an id that is too long", item: &pb.TraceItem{ItemId: long, NhsNumber: "9990000018"}, told: long[:256], fields: []string{"item_id"}},
		{name: "an NHS Number as id", item: &pb.TraceItem{ItemId: "9990000018", NhsNumber: "9990000018"}, fields: []string{"item_id"}},
		{name: "an NHS Number in the id", item: &pb.TraceItem{ItemId: "ward 7, 999 000 0018!", NhsNumber: "9990000018"}, fields: []string{"item_id"}},
		{name: "an id again", item: &pb.TraceItem{ItemId: "good", NhsNumber: "9990000018"}, fields: []string{"item_id"}},
		{name: "no number", item: &pb.TraceItem{ItemId: "1"}, reason: pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, fields: []string{"nhs_number"}},
		{name: "a wrong number", item: &pb.TraceItem{ItemId: "2", NhsNumber: "9990000019"}, reason: pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, fields: []string{"nhs_number"}},
		{name: "spaces", item: &pb.TraceItem{ItemId: "3", NhsNumber: "999 000 0018"}, reason: pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, fields: []string{"nhs_number"}},
		{
			name: "nothing right", item: &pb.TraceItem{NhsNumber: "x", Expected: &pb.ExpectedDemographics{BirthDate: "yesterday", PracticeOdsCode: "!"}},
			reason: pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, fields: []string{"item_id", "nhs_number", "expected.birth_date", "expected.practice_ods_code"},
		},
		{
			name: "a name without end", item: &pb.TraceItem{ItemId: "4", NhsNumber: "9990000018", Expected: &pb.ExpectedDemographics{Given: []string{"A", strings.Repeat("x", 101)}}},
			fields: []string{"expected.given[1]"},
		},
		{name: "a context of its own", item: &pb.TraceItem{ItemId: "5", NhsNumber: "9990000018"}, within: &pb.CallContext{Device: "x"}, fields: []string{"context"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.Forget()
			stream := begin(g.As(t.Context(), t, people[n%len(people)]), t, g, 1)
			put(t, stream, ask("good", "9990000018"))
			put(t, stream, &pb.TracePatientsRequest{Context: tt.within, Event: &pb.TracePatientsRequest_Item{Item: tt.item}})
			put(t, stream, ask("good too", "9990000042"))
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			var failure *pb.TraceFailure
			var results []string
			var closing *pb.TraceClosing
			for {
				m, err := stream.Recv()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if f := m.GetFailure(); f != nil {
					failure = f
				}
				if r := m.GetResult(); r != nil {
					results = append(results, r.GetItemId())
				}
				closing = m.GetClosing()
			}
			if diff := cmp.Diff([]string{"good", "good too"}, results); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			id := tt.item.GetItemId()
			if tt.told != "" {
				id = tt.told
			}
			if failure == nil || failure.GetItemId() != id {
				t.Fatalf("failure = %v", failure)
			}
			reason := tt.reason
			if reason == 0 {
				reason = pb.ErrorReason_ERROR_REASON_REQUEST_INVALID
			}
			var fields []string
			for _, v := range failure.GetError().GetViolations() {
				fields = append(fields, v.GetField())
			}
			if failure.GetError().GetReason() != reason || !cmp.Equal(fields, tt.fields) || failure.GetError().GetHop() != pb.Hop_HOP_GATEWAY {
				t.Errorf("failed with %v", failure.GetError())
			}
			if closing.GetVerdict() != pb.Verdict_VERDICT_PARTIAL || closing.GetItemsTotal() != 3 || closing.GetFailuresTotal() != 1 {
				t.Errorf("closing = %v", closing)
			}
			if requests := len(asked(g)); requests != 2 {
				t.Errorf("PDS was asked %d times", requests)
			}
			evidence := g.Entries(t)
			evidence = evidence[len(evidence)-5:]
			if e := evidence[2]; e.Kind != audit.KindFailure || e.Failure.Item != tt.item.GetItemId() || e.Failure.Hop != "GATEWAY" ||
				e.Failure.Reason != fault.ReasonName(reason) {
				t.Errorf("the evidence is %s %+v", e.Kind, e.Failure)
			}
		})
	}
}

// Each item is an access of its own, about its own patient; the stream as a whole is about nobody.
func TestEachItemIsEvidenceOfItsOwn(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	stream := begin(g.As(t.Context(), t, "clinician"), t, g, 4)
	for id, number := range map[string]string{"a": "9990000018", "b": "9990000042", "c": "9990000379", "d": "9990000019"} {
		put(t, stream, ask(id, number))
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	told := hearAll(t, stream)
	if len(told.results) != 2 || told.failures["c"].GetReason() != pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND {
		t.Errorf("results %d, failures %v", len(told.results), told.failures)
	}
	got := map[string]int{}
	for _, e := range g.Entries(t) {
		switch {
		case e.Access != nil:
			got["access "+e.Access.Item+" "+e.Access.Subject.Digits()]++
		case e.Failure != nil:
			got["failure "+e.Failure.Item+" "+digits(e.Failure.Subject)+" "+e.Failure.Reason]++
		default:
			got[string(e.Kind)]++
		}
		if !e.Subject.IsZero() {
			t.Errorf("%s is about a patient", e.Kind)
		}
		if o := e.Outcome; o != nil && (o.Code != "OK" || o.Verdict != "PARTIAL" || o.Resources["Patient"] != 2) {
			t.Errorf("outcome = %+v", o)
		}
	}
	want := map[string]int{
		"ATTEMPT": 1, "OUTCOME": 1, "access a 9990000018": 1, "access b 9990000042": 1, "access c 9990000379": 1,
		"failure c 9990000379 PATIENT_NOT_FOUND": 1, "failure d  NHS_NUMBER_INVALID": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	number, err := nhs.ParseNumber("9990000379")
	if err != nil {
		t.Fatal(err)
	}
	about := 0
	for _, err := range g.Audit.Entries(t.Context(), audit.Query{Patient: number, Limit: 10}) {
		if err != nil {
			t.Fatal(err)
		}
		about++
	}
	if about != 2 {
		t.Errorf("%d entries are found by the patient of item c", about)
	}
}

func digits(n nhs.Number) string {
	if n.IsZero() {
		return ""
	}
	return n.Digits()
}

func TestHowAStreamMustBegin(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	start := func(c *pb.CallContext) *pb.TracePatientsRequest {
		return &pb.TracePatientsRequest{Context: c, Event: &pb.TracePatientsRequest_Start{Start: &pb.TraceStart{}}}
	}
	for n, tt := range []struct {
		name     string
		messages []*pb.TracePatientsRequest
		code     codes.Code
		verdict  pb.Verdict
	}{
		{"nothing", nil, codes.InvalidArgument, 0},
		{"an item", []*pb.TracePatientsRequest{ask("1", "9990000018")}, codes.InvalidArgument, 0},
		{"neither", []*pb.TracePatientsRequest{{}}, codes.InvalidArgument, 0},
		{"a session", []*pb.TracePatientsRequest{start(&pb.CallContext{SessionId: "visit-7f3a9b1c2d4e5f60"})}, codes.InvalidArgument, 0},
		{"too much at once", []*pb.TracePatientsRequest{{Event: &pb.TracePatientsRequest_Start{Start: &pb.TraceStart{Concurrency: 65}}}}, codes.InvalidArgument, 0},
		{"twice", []*pb.TracePatientsRequest{start(nil), start(nil)}, codes.InvalidArgument, 0},
		{"and may end at once", []*pb.TracePatientsRequest{start(&pb.CallContext{Device: "x"})}, codes.OK, pb.Verdict_VERDICT_WHOLE},
		{"or after an item", []*pb.TracePatientsRequest{start(nil), ask("1", "9990000018")}, codes.OK, pb.Verdict_VERDICT_WHOLE},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream, err := g.PatientTrace.TracePatients(g.As(t.Context(), t, people[n%len(people)]))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range tt.messages {
				put(t, stream, m)
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			var closing *pb.TraceClosing
			for err == nil {
				var m *pb.TracePatientsResponse
				if m, err = stream.Recv(); m.GetClosing() != nil {
					closing = m.GetClosing()
				}
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if status.Code(err) != tt.code || closing.GetVerdict() != tt.verdict {
				t.Errorf("%v, closing %v", err, closing)
			}
			if items := int(closing.GetItemsTotal()); tt.code == codes.OK && items != len(tt.messages)-1 {
				t.Errorf("%d items", items)
			}
		})
	}
}

// hold keeps every answer of PDS about a patient back.
func hold(t *testing.T, g *servertest.Gateway, number string) *simulator.Rule {
	t.Helper()
	rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, NHSNumber: number, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rule.Release)
	return rule
}

func TestCancellingAStreamEndsItAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, quota(500))
		held := hold(t, g, "9990000018")
		ctx, cancel := context.WithCancel(g.As(t.Context(), t, "clinician"))
		stream := begin(ctx, t, g, 16)
		go func() {
			for n := 0; stream.Send(ask(fmt.Sprintf("item-%d", n), "9990000018")) == nil; n++ { //nolint:revive // until it is cancelled
			}
		}()
		<-held.Reached()
		time.Sleep(time.Second)
		before := time.Now()
		cancel()
		for {
			if _, err := stream.Recv(); err != nil {
				if status.Code(err) != codes.Canceled {
					t.Errorf("the stream ended with %v", err)
				}
				break
			}
		}
		synctest.Wait()
		entries := g.Entries(t)
		if last := entries[len(entries)-1]; last.Kind != audit.KindOutcome || last.Outcome.Code != "CANCELLED" || last.At.Sub(before) > 0 {
			t.Errorf("the last evidence, after %s, is %s %+v", last.At.Sub(before), last.Kind, last.Outcome)
		}
		if requests := len(asked(g)); requests != 16 {
			t.Errorf("%d requests were under way", requests)
		}
	})
}

// When the caller's credential or time runs out, whatever was read is answered, and the stream closes with OK.
func TestAStreamEndsWithItsTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		token, deadline time.Duration
		ends            time.Duration
		// age is how old the connection is when the stream begins.
		age time.Duration
	}{
		{"the token", 30 * time.Second, 0, 30 * time.Second, 0},
		{"the caller's deadline", time.Hour, 20 * time.Second, 20 * time.Second, 0},
		{"the total budget", 3 * time.Hour, 0, 30 * time.Minute, 0},
		{"a very short token", 2 * time.Second, 0, 2 * time.Second, 0},
		{"the connection", 3 * time.Hour, 0, 12 * time.Minute, 20 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				g := servertest.Start(t, quota(5), bare)
				hold(t, g, "9990000026")
				ctx := g.AsFor(t.Context(), t, "clinician", tt.token)
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				for opened := time.Now(); time.Since(opened) < tt.age; time.Sleep(time.Minute) {
					if _, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000042"}); err != nil {
						t.Fatal(err)
					}
				}
				start := time.Now()
				stream := begin(ctx, t, g, 8)
				var sending sync.WaitGroup
				defer sending.Wait()
				sending.Go(func() {
					for n := 0; ; n++ {
						// One patient, about whom PDS never answers, comes near the end.
						number, pause := "9990000018", max(250*time.Millisecond, tt.ends/100)
						if left := tt.ends - time.Since(start); left < min(7*time.Second, tt.ends/2) {
							number, pause = "9990000026", 250*time.Millisecond
						}
						if stream.Send(ask(fmt.Sprintf("item-%d", n), number)) != nil {
							return
						}
						time.Sleep(min(pause, max(tt.ends-6*time.Second-time.Since(start), 250*time.Millisecond)))
					}
				})
				told := hearAll(t, stream)
				took := time.Since(start)
				told.verdict(t, pb.Verdict_VERDICT_PARTIAL)
				if took > tt.ends || took < tt.ends*17/20 {
					t.Errorf("it took %s", took)
				}
				if len(told.failures) == 0 || len(told.results) == 0 {
					t.Errorf("%d results, %d failures", len(told.results), len(told.failures))
				}
				for id, e := range told.failures {
					if e.GetReason() != pb.ErrorReason_ERROR_REASON_STREAM_ENDED || e.GetRetryAfter().AsDuration() <= 0 {
						t.Errorf("%s failed with %v", id, e)
					}
				}
			})
		})
	}
}

// Where the clinician's session ends in the middle, so does the stream: nothing more is read, and what was read is answered.
func TestAStreamEndsWithTheCliniciansSession(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithConfig(func(c *config.Config) { c.Spine.Token.ClientSecretFile = "" }))
		ctx := g.SignIn(g.AsFor(t.Context(), t, "clinician", 8*time.Hour), t, "900000000101", "900000000102")
		time.Sleep(59 * time.Minute)
		stream, told := begin(ctx, t, g, 1), newStory()
		told.hear(t, stream)
		put(t, stream, ask("good", "9990000018"))
		told.hear(t, stream)
		time.Sleep(2 * time.Minute) // the ID token has expired, and the token of ten minutes has not
		refused, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Status: 401, Times: 1})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			put(t, stream, ask(fmt.Sprintf("late-%d", n), "9990000042"))
		}
		for told.hear(t, stream) { //nolint:revive // hear does it
		}
		told.verdict(t, pb.Verdict_VERDICT_PARTIAL)
		if len(told.results) != 1 || len(told.failures) == 0 || len(told.failures) > 3 || refused.Hits() != 1 {
			t.Errorf("%d results, %d failures", len(told.results), len(told.failures))
		}
		for id, e := range told.failures {
			if r := e.GetReason(); r != pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID && r != pb.ErrorReason_ERROR_REASON_STREAM_ENDED {
				t.Errorf("%s failed with %s", id, r)
			}
		}
		if got := len(asked(g)); got != 2 {
			t.Errorf("PDS was asked %d times", got)
		}
	})
}

// An item that PDS never answers fails by itself, within its own time.
func TestAnItemHasItsOwnTime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, bare)
		hold(t, g, "9990000018")
		stream := begin(g.As(t.Context(), t, "clinician"), t, g, 2)
		start := time.Now()
		put(t, stream, ask("silent", "9990000018"))
		for n := range 40 {
			put(t, stream, ask(fmt.Sprint(n), "9990000042"))
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		told := hearAll(t, stream)
		if len(told.results) != 40 || told.failures["silent"].GetReason() != pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT {
			t.Errorf("%d results, failures %v", len(told.results), told.failures)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("the item took %s", took)
		}
	})
}

// Without evidence nothing is asked and nobody is told anything more.
func TestAStreamEndsWithTheTrail(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	stream := begin(g.As(t.Context(), t, "clinician"), t, g, 1)
	put(t, stream, ask("1", "9990000018"))
	told := newStory()
	for told.answers < 1 {
		told.hear(t, stream)
	}
	if err := g.Audit.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, stream, ask("2", "9990000042"))
	for {
		m, err := stream.Recv()
		if err == nil {
			t.Errorf("after the trail had ended: %v", m.GetSequence())
			continue
		}
		if status.Code(err) != codes.Unavailable {
			t.Errorf("the stream ended with %v", err)
		}
		break
	}
	if requests := len(asked(g)); requests != 1 {
		t.Errorf("PDS was asked %d times", requests)
	}
}

// No message is larger than the contract says, and the pieces of an answer are one answer.
func TestALargeAnswerComesInPieces(t *testing.T) {
	t.Parallel()
	const number = "9990000603"
	patient := strings.ReplaceAll(`{
		"resourceType": "Patient", "id": "@NUMBER",
		"identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "@NUMBER"}],
		"meta": {"versionId": "1", "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "U"}]},
		"name": [{"id": "1", "use": "usual", "family": "LONGTEST", "given": ["Lea"], "period": {"start": "2020-01-01"}}],
		"gender": "female", "birthDate": "1970-01-01",
		"address": [@ADDRESSES]}`, "@NUMBER", number)
	address := `{"use": "temp", "line": ["` + strings.Repeat("Long Lane ", 1000) + `"], "period": {"start": "2020-01-01"}}`
	patient = strings.Replace(patient, "@ADDRESSES", strings.Repeat(address+",", 79)+address, 1)
	g := servertest.Start(t, servertest.WithData(servertest.WriteData(t, map[string]string{"patients/" + number + ".json": patient})))
	stream := begin(g.As(t.Context(), t, "clinician"), t, g, 1)
	put(t, stream, ask("long", number))
	put(t, stream, ask("short", "9990000018"))
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var json []byte
	var pieces int
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if size := proto.Size(m); size > 1<<20 {
			t.Errorf("a message has %d bytes", size)
		}
		r := m.GetResult()
		if r.GetItemId() == "long" {
			if m.GetSequence() != 1 {
				t.Errorf("piece %d has sequence %d", pieces, m.GetSequence())
			}
			pieces++
			json = append(json, r.GetTrace().GetPatient().GetJson()...)
			if last := !m.GetContinues(); last != (r.GetTrace().GetProvenance() != nil) || last != (len(r.GetTrace().GetPatient().GetAddresses()) == 80) {
				t.Errorf("piece %d of the answer is out of its place", pieces)
			}
		}
		if r.GetItemId() == "short" && m.GetSequence() != 2 || m.GetClosing() != nil && m.GetSequence() != 3 {
			t.Errorf("after the pieces came %d", m.GetSequence())
		}
	}
	if pieces < 2 || len(json) < 800_000 || !strings.HasSuffix(string(json), "}") {
		t.Errorf("%d pieces, %d bytes", pieces, len(json))
	}
}
