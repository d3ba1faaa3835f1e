package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

const plain = "9990000018"

func TestACallGoesAllTheWayAndLeavesItsEvidenceFirst(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	answer, err := g.PatientTrace.TracePatient(g.As(t.Context(), t, "clinician"), &pb.TracePatientRequest{NhsNumber: plain})
	if err != nil {
		t.Fatalf("%v\n%s", err, g.Log)
	}
	p := answer.GetProvenance()
	if p.GetEnvironment() != pb.Environment_ENVIRONMENT_EMBEDDED || !p.GetSimulated() {
		t.Errorf("provenance = %v, want EMBEDDED and simulated", p)
	}
	var kinds []audit.Kind
	for _, e := range g.Entries(t) {
		kinds = append(kinds, e.Kind)
		if e.Trace != p.GetTraceIds().GetTraceId() || e.Call != p.GetTraceIds().GetCallId() {
			t.Errorf("entry %d is of trace %s and call %s, want those of the answer", e.Seq, e.Trace, e.Call)
		}
		if a := e.Access; a != nil && (a.Hop != "PDS" || a.Route != "/Patient/{id}" || a.RequestID != p.GetTraceIds().GetPdsRequestId()) {
			t.Errorf("access = %+v, want PDS by its template, under the id of the answer", a)
		}
	}
	if want := []audit.Kind{audit.KindAttempt, audit.KindAccess, audit.KindOutcome}; !equal(kinds, want) {
		t.Errorf("entries %v, want %v", kinds, want)
	}
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestNothingLeavesForACallThatIsRefused(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	_, err := g.PatientTrace.TracePatient(t.Context(), &pb.TracePatientRequest{NhsNumber: plain})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v, want UNAUTHENTICATED", err)
	}
	if sent := g.Spine.Transcript().All(); len(sent) != 0 {
		t.Errorf("%d requests left", len(sent))
	}
	if entries := g.Entries(t); len(entries) == 0 || entries[len(entries)-1].Outcome == nil {
		t.Errorf("entries = %v, want the refusal", entries)
	}
}

func TestALookUpInTheDirectoryIsRecordedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := g.EndpointDirectory.ResolveEndpoint(g.As(t.Context(), t, "clinician"), &pb.ResolveEndpointRequest{
			OdsCode:     "A20047",
			Interaction: &pb.Interaction{Name: &pb.Interaction_Known{Known: pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT}},
		})
		done <- err
	}()
	<-rule.Reached()
	entries := g.Entries(t)
	if len(entries) != 1 || entries[0].Kind != audit.KindAttempt || entries[0].Caller.Organisation.String() != "Q8X01" {
		t.Errorf("when SDS is asked the trail has %+v, want the attempt with its caller", entries)
	}
	rule.Release()
	if err := <-done; err != nil {
		t.Errorf("%v\n%s", err, g.Log)
	}
}

// ask asks the listener for operators.
func ask(t *testing.T, g *servertest.Gateway, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := g.Admin.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestOperatorsSeeHealthAndMetrics(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	if _, err := g.PatientTrace.TracePatient(g.As(t.Context(), t, "clinician"), &pb.TracePatientRequest{NhsNumber: plain}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.PatientTrace.TracePatient(g.As(t.Context(), t, "clinician"), &pb.TracePatientRequest{NhsNumber: "9990000492"}); err == nil {
		t.Fatal("nobody was found")
	}
	for _, tt := range []struct{ path, want string }{
		{"/healthz", "alive"},
		{"/readyz", "ready"},
		{"/metrics", `spinegate_hop_duration_seconds_count{`},
		{"/metrics", `spinegate_failures_total{`},
		{"/metrics", `spinegate_method="/spinegate.v1.PatientTrace/TracePatient"`},
		{"/metrics", `spinegate_reason="PATIENT_NOT_FOUND"`},
		{"/metrics", `spinegate_store="audit"} 1`},
		{"/metrics", `spinegate_store="journal"} 1`},
		{"/metrics", `spinegate_certificate_expiry_days{`},
		{"/metrics", `spinegate_certificate="spine.proxy.certificateFile"`},
	} {
		if code, body := ask(t, g, http.MethodGet, "http://localhost"+tt.path); code != http.StatusOK || !strings.Contains(body, tt.want) {
			t.Errorf("GET %s = %d %.200q, want %q in it", tt.path, code, body, tt.want)
		}
	}
}

func TestTheSandboxShowsWhatACallDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t)
		answer, err := g.PatientTrace.TracePatient(g.As(t.Context(), t, "clinician"), &pb.TracePatientRequest{NhsNumber: plain})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the server's span ends after its answer has left
		id := answer.GetProvenance().GetTraceIds().GetTraceId()
		code, body := ask(t, g, http.MethodGet, "http://127.0.0.1/sandbox/traces/"+id)
		for _, want := range []string{id, "spinegate.v1.PatientTrace/TracePatient", "PDS GET /Patient/{id}", "first_byte"} {
			if code != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%d, want %q in\n%s", code, want, body)
			}
		}
		if strings.Contains(body, plain) {
			t.Error("the trace has the NHS number")
		}
	})
}

func TestTheSandboxAnswersThisMachineAlone(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t)
	for _, tt := range []struct {
		name, method, url string
		want              int
	}{
		{"a token", http.MethodPost, "http://127.0.0.1/sandbox/token?persona=nurse", http.StatusOK},
		{"a token for the first persona", http.MethodPost, "http://localhost:9090/sandbox/token", http.StatusOK},
		{"everybody", http.MethodGet, "http://[::1]/sandbox/personas", http.StatusOK},
		{"nobody", http.MethodPost, "http://127.0.0.1/sandbox/token?persona=nobody", http.StatusNotFound},
		{"a link that was followed", http.MethodGet, "http://127.0.0.1/sandbox/token", http.StatusMethodNotAllowed},
		{"by the name of a rebound host", http.MethodPost, "http://evil.example/sandbox/token", http.StatusForbidden},
		{"no trace", http.MethodGet, "http://127.0.0.1/sandbox/traces/zz", http.StatusNotFound},
	} {
		if code, body := ask(t, g, tt.method, tt.url); code != tt.want {
			t.Errorf("%s: %d %q, want %d", tt.name, code, body, tt.want)
		}
	}
}
