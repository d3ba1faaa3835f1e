package e2e

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// canary is what an upstream's explanation may quote: it must be in the audit trail and nowhere else.
const canary = "CANARY Mrs Testwell 9990000042"

// verdict is what a caller's program goes by.
type verdict struct {
	code   codes.Code
	reason pb.ErrorReason
	retry  pb.RetryClass
}

const (
	never     = pb.RetryClass_RETRY_CLASS_NEVER
	again     = pb.RetryClass_RETRY_CLASS_SAME_CALL
	corrected = pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION
)

var (
	numberInvalid = verdict{codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, corrected}
	searchInvalid = verdict{codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, corrected}
	tooMany       = verdict{codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES, corrected}
	notFound      = verdict{codes.NotFound, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND, corrected}
	invalidated   = verdict{codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED, never}
	restricted    = verdict{codes.PermissionDenied, pb.ErrorReason_ERROR_REASON_PATIENT_RESTRICTED, never}
	roleRefused   = verdict{codes.PermissionDenied, pb.ErrorReason_ERROR_REASON_SESSION_ROLE_REFUSED, corrected}
	ourSetup      = verdict{codes.Internal, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, never}
	ourBug        = verdict{codes.Internal, pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST, never}
	noAnswer      = verdict{codes.Internal, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, never}
	limited       = verdict{codes.ResourceExhausted, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, again}
	unavailable   = verdict{codes.Unavailable, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, again}
	silent        = verdict{codes.Unavailable, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, again}
	cutShort      = verdict{codes.Unavailable, pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT, again}
	tooLate       = verdict{codes.DeadlineExceeded, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, again}
)

// refusal is one way for PDS, or the token service before it, to refuse a call.
type refusal struct {
	name string
	// How it is provoked: by the configuration, by the Spine, by a fault at the hop, by what is asked (a trace, if nothing
	// else).
	configure func(*testing.T, *config.Config)
	spine     func(*simulator.Options)
	fault     simulator.Fault
	call      func(*testing.T, *gateway) error

	// What the caller must be told: the verdict, the HTTP status and the code of the upstream's issue, and when to come back.
	want   verdict
	status int
	issue  string
	after  time.Duration
	// operator is a part of the operator's sentence, and quoted the message id for the platform's support.
	operator, quoted string
	// How often PDS and the token service were asked.
	asked, tokens int
	// trail is a part of the upstream's explanation, which goes to the audit trail alone.
	trail string
}

// traceSomebody is the plainest call of all.
func traceSomebody(t *testing.T, g *gateway) error {
	t.Helper()
	_, err := g.trace.TracePatient(g.as(t, clinician), &pb.TracePatientRequest{NhsNumber: "9990000018"})
	return err
}

// searchSomebody is a search in which the gateway finds nothing wrong.
var searchSomebody = searchFor(&pb.SearchPatientsRequest{Family: "TESTWELL", BirthDateStart: "1950-01-01", BirthDateEnd: "1950-01-01"})

// try provokes a refusal at a hop and checks everything that follows from it.
func (r refusal) try(t *testing.T, hop pb.Hop) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Time stands still once the test has returned, and the fetch of a token outlives the call that began it.
		t.Cleanup(func() { time.Sleep(10 * time.Second) })
		var options []servertest.Option
		if r.configure != nil {
			options = append(options, servertest.WithConfig(func(c *config.Config) { r.configure(t, c) }))
		}
		if r.spine != nil {
			options = append(options, servertest.WithSpine(r.spine))
		}
		g := start(t, options...)
		if r.fault != (simulator.Fault{}) {
			r.fault.Upstream = simulator.PDS
			if hop == pb.Hop_HOP_TOKEN {
				r.fault.Upstream = simulator.Token
			}
			if _, err := g.spine.Faults().Set(r.fault); err != nil {
				t.Fatal(err)
			}
		}
		call := r.call
		if call == nil {
			call = traceSomebody
		}
		err := call(t, g)
		g.spine.Faults().Clear()
		wantFailure(t, err, r.want.code, r.want.reason, hop)
		g.wantOutcome(t, err, r.want.reason)
		r.wantTold(t, err)
		r.wantExplanationSealed(t, g, err)
		r.wantLogged(t, g)
		r.wantAttempts(t, g)
	})
}

func (r refusal) wantTold(t *testing.T, err error) {
	t.Helper()
	detail, info := detailOf(err), &errdetails.ErrorInfo{}
	var after time.Duration
	for _, d := range status.Convert(err).Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.RetryInfo:
			after = d.GetRetryDelay().AsDuration()
		}
	}
	issue := ""
	if issues := detail.GetUpstreamIssues(); len(issues) > 0 {
		issue = issues[0].GetIssueCode()
	}
	httpStatus := ""
	if r.status != 0 {
		httpStatus = fmt.Sprint(r.status)
	}
	if int(detail.GetHttpStatus()) != r.status || info.GetMetadata()["http_status"] != httpStatus ||
		issue != r.issue || info.GetMetadata()["upstream_code"] != r.issue {
		t.Errorf("status %d and code %q, want %d and %q (%v)", detail.GetHttpStatus(), issue, r.status, r.issue, info.GetMetadata())
	}
	if detail.GetRetry() != r.want.retry || after != r.after || detail.GetRetryAfter().AsDuration() != r.after {
		t.Errorf("retry %s after %s, want %s after %s", detail.GetRetry(), after, r.want.retry, r.after)
	}
	if !strings.Contains(detail.GetOperatorMessage(), r.operator) {
		t.Errorf("the operator is told %q, want %q", detail.GetOperatorMessage(), r.operator)
	}
	if id := info.GetMetadata()["message_id"]; !strings.HasPrefix(id, r.quoted) || (id == "") != (r.quoted == "") {
		t.Errorf("message id %q, want %q", id, r.quoted)
	}
}

// wantExplanationSealed looks for the upstream's words, which may quote anything.
func (r refusal) wantExplanationSealed(t *testing.T, g *gateway, err error) {
	t.Helper()
	kept := ""
	for e, err := range g.audit.Entries(t.Context(), audit.Query{ID: detailOf(err).GetTraceIds().GetCallId()}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == audit.KindOutcome {
			kept = e.Outcome.Diagnostics
		}
	}
	if !strings.Contains(kept, r.trail) {
		t.Errorf("the trail keeps %q, want %q", kept, r.trail)
	}
	told := map[string]string{
		"the status": status.Convert(err).Proto().String(), "the log": g.logs(), "a span": strings.Join(g.spans(), "\n"),
	}
	for where, text := range told {
		for _, secret := range []string{"CANARY", "Testwell", "9990000042", "9990000018", r.trail} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("%q is in %s", secret, where)
			}
		}
	}
}

// wantLogged checks that whoever runs the gateway hears of what is theirs to put right, with the id to quote.
func (r refusal) wantLogged(t *testing.T, g *gateway) {
	t.Helper()
	if theirs := r.want == ourSetup || r.want == ourBug; theirs != strings.Contains(g.logs(), `"level":"ERROR"`) {
		t.Errorf("an alert: %t, want %t", !theirs, theirs)
	}
	if r.quoted != "" && !strings.Contains(g.logs(), `"message_id":"`+r.quoted) {
		t.Error("the message id is not in the log")
	}
}

// wantAttempts counts what was sent. A retry keeps the id of its request, and no assertion is sent twice (PDS contract, 13
// and 4.1).
func (r refusal) wantAttempts(t *testing.T, g *gateway) {
	t.Helper()
	asked, tokens := g.spine.Transcript().Of(simulator.PDS), g.spine.Transcript().Of(simulator.Token)
	if len(asked) != r.asked || len(tokens) != r.tokens {
		t.Errorf("PDS was asked %d times and the token service %d, want %d and %d", len(asked), len(tokens), r.asked, r.tokens)
	}
	for _, e := range asked {
		if id := e.Header.Get("X-Request-Id"); id == "" || id != asked[0].Header.Get("X-Request-Id") {
			t.Errorf("X-Request-ID %q, after %q", id, asked[0].Header.Get("X-Request-Id"))
		}
	}
	used := map[any]bool{}
	for _, e := range tokens {
		if e.JWT == nil || used[e.JWT.Raw] || used[e.JWT.Claims["jti"]] {
			t.Error("an assertion was sent twice")
			continue
		}
		used[e.JWT.Raw], used[e.JWT.Claims["jti"]] = true, true
	}
}
