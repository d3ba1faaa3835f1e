package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// A step that fails where nobody expects it says all that there is to find the reason by.
func TestAStepTellsTheWholeFailure(t *testing.T) {
	var out bytes.Buffer
	j := &journey{p: newPage(&out)}
	j.step(t.Context(), "Title", "Why", func(context.Context) error {
		return errors.Join(statusOf(&pb.ErrorDetail{
			Code: int32(codes.FailedPrecondition), Reason: pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED, Hop: pb.Hop_HOP_PROVIDER,
			ClinicianMessage: "for a clinician", OperatorMessage: "for an operator", HttpStatus: 422,
			UpstreamIssues: []*pb.UpstreamIssue{{Severity: "ERROR", IssueType: "INVALID", IssueCode: "INVALID_RESOURCE"}},
			TraceIds:       &pb.TraceIds{CallId: "the-call", SspTraceId: "the-ssp-trace"},
		}))
	})
	for _, want := range []string{
		"NOT AS IT SHOULD BE", "FAILED_PRECONDITION  BOOKING_REJECTED  at PROVIDER", "for a clinician", "for an operator",
		"HTTP 422 Unprocessable Entity; ERROR INVALID INVALID_RESOURCE", "call\u00a0the-call", "Ssp-TraceID\u00a0the-ssp-trace",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	out.Reset()
	j.step(t.Context(), "Title", "Why", func(context.Context) error { return expect(false, "a slot to book") })
	if !strings.Contains(out.String(), ": expected a slot to book\n") || j.failed != 2 {
		t.Errorf("%d failed:\n%s", j.failed, out.String())
	}
}

// A call that --timeout ended is told from one that took longer than the gateway allows.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exceeded := status.Error(codes.DeadlineExceeded, "")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, tt := range []struct {
			after time.Duration
			err   error
			want  bool
		}{
			{0, exceeded, false},
			{5 * time.Second, exceeded, false},
			{9900 * time.Millisecond, status.Error(codes.Unavailable, ""), false},
			{9900 * time.Millisecond, exceeded, true},
			{10 * time.Second, exceeded, true},
		} {
			end, _ := ctx.Deadline()
			time.Sleep(time.Until(end) - (10*time.Second - tt.after))
			err := late(ctx, tt.err)
			if _, got := errors.AsType[expired](err); got != tt.want || status.Code(err) != status.Code(tt.err) {
				t.Errorf("after %s: %v, late = %t", tt.after, err, got)
			}
		}
		if late(t.Context(), nil) != nil || late(ctx, nil) != nil {
			t.Error("a call that succeeded is late")
		}
	})
}

func TestHints(t *testing.T) {
	refused := func(reason pb.ErrorReason) error {
		return statusOf(&pb.ErrorDetail{Code: int32(codes.Unauthenticated), Reason: reason})
	}
	invalid := refused(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID)
	for _, tt := range []struct {
		minted string
		err    error
		want   string
	}{
		{"127.0.0.1:9090", invalid, "whose admin address is 127.0.0.1:9090. Is that the gateway that was called? Give --admin"},
		{"", invalid, "Is it for this gateway? \"spinegate doctor\" tells its dates"},
		{"", refused(pb.ErrorReason_ERROR_REASON_TOKEN_EXPIRED), "Get a new token. This one is from: SPINEGATE_TOKEN."},
		{"", refused(pb.ErrorReason_ERROR_REASON_TOKEN_MISSING), "SPINEGATE_TOKEN"},
		{"127.0.0.1:9090", refused(pb.ErrorReason_ERROR_REASON_SCOPE_MISSING), "give another --persona"},
		{"", refused(pb.ErrorReason_ERROR_REASON_SCOPE_MISSING), "docs/policy.md"},
		{"", refused(pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND), "Is the code right?"},
		{"", refused(pb.ErrorReason_ERROR_REASON_SLOT_TAKEN), "\"spinegate slots --handles\""},
		{"", refused(pb.ErrorReason_ERROR_REASON_CREDENTIALS_CONFLICT), "have to be of the same organisation"},
		{"", refused(pb.ErrorReason_ERROR_REASON_PATIENT_RESTRICTED), ""},
		{"", expired{status.Error(codes.DeadlineExceeded, "")}, "--timeout ended"},
		{"", status.Error(codes.Unavailable, ""), "Is it running"},
		{"", refused(pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES), "not an empty answer"},
	} {
		from := &choice{origin: map[string]string{"token": "SPINEGATE_TOKEN"}}
		got := (&terminal{minted: tt.minted, choice: from}).hint(tt.err, failureOf(tt.err))
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%v: hint %q, want %q", tt.err, got, tt.want)
		}
	}
}

// Ctrl-C is the user's own doing: nothing failed.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	args := []string{"trace", "9990000018", "--address", "127.0.0.1:1", "--token", "x"}
	var stdout, stderr bytes.Buffer
	if code := run(ctx, args, strings.NewReader(""), &stdout, &stderr); code != 130 || stderr.String() != "Interrupted.\n" || stdout.Len() > 0 {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
	stderr.Reset()
	if code := run(ctx, append(args, "--json"), strings.NewReader(""), &stdout, &stderr); code != 130 || !strings.HasPrefix(stderr.String(), `{"code":1,`) {
		t.Errorf("exit %d\n%s", code, stderr.String())
	}
	stderr.Reset()
	if code := run(ctx, []string{"trace", "1", "2222222222"}, strings.NewReader(""), &stdout, &stderr); code != 2 {
		t.Errorf("a wrong use: exit %d\n%s", code, stderr.String())
	}
	nobody, _ := io.Pipe()
	yes, err := newTerminal(nobody, &stdout, &stderr).agreed(ctx, "Book it?")
	if yes || !errors.Is(err, context.Canceled) {
		t.Errorf("agreed = %t, %v", yes, err)
	}
}

// Whoever searches coloured output finds a phrase, also where a line was broken before or after it.
func TestWhatStandsOutIsOnePiece(t *testing.T) {
	var out bytes.Buffer
	p := newPage(&out)
	p.colour = true
	p.paragraph(0, styled(bad, "NOT STATED: treated as restricted"), text(" and more"))
	p.entry(2, "label", 5, styled(good, strings.Repeat("word ", 30)+"end"))
	want := "\x1b[1;31mNOT STATED: treated as restricted\x1b[0m and more\n" +
		"  \x1b[2mlabel\x1b[0m  \x1b[32m" + strings.TrimSpace(strings.Repeat("word ", 18)) + "\x1b[0m\n" +
		"         \x1b[32m" + strings.Repeat("word ", 12) + "end\x1b[0m\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
