package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

func TestNothingOfACauseReachesTheCaller(t *testing.T) {
	secret := errors.New("patient 9990000018 of Church Lane")
	for _, err := range []error{
		secret,
		fmt.Errorf("reading the record: %w", secret),
		fmt.Errorf("doing: %w", fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, secret)),
	} {
		st := fault.Status(err, nil)
		if text := st.Proto().String(); strings.Contains(text, "9990000018") || strings.Contains(text, "Church") {
			t.Errorf("the status shows the cause: %s", text)
		}
	}
}

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want codes.Code
	}{
		{"nobody explained it", errors.New("x"), codes.Internal},
		{"the deadline ran out", fmt.Errorf("x: %w", context.DeadlineExceeded), codes.DeadlineExceeded},
		{"the caller gave up", fmt.Errorf("x: %w", context.Canceled), codes.Canceled},
		{"it was explained further down", fmt.Errorf("x: %w",
			fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, nil)), codes.FailedPrecondition},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.Status(tt.err, nil).Code(); got != tt.want {
				t.Errorf("code = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnErrorIsAStatusThatEveryLanguageDecodes(t *testing.T) {
	e := fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, nil)
	e.RetryAfter, e.HTTPStatus = 2*time.Second, 429
	e.Issues = []*pb.UpstreamIssue{{IssueType: "value", IssueCode: "ACCESS DENIED", Severity: "error"}, {IssueCode: "Mrs Smith, 1 High St"}}
	st, ok := status.FromError(e)
	if !ok || st.Code() != codes.ResourceExhausted {
		t.Fatalf("status = %v, %v", st, ok)
	}
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	var detail *pb.ErrorDetail
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.RetryInfo:
			retry = d
		case *pb.ErrorDetail:
			detail = d
		}
	}
	if info.GetReason() != "UPSTREAM_RATE_LIMITED" || info.GetDomain() != "spinegate.v1" || info.GetMetadata()["hop"] != "PDS" {
		t.Errorf("ErrorInfo = %v", info)
	}
	if retry.GetRetryDelay().AsDuration() != 2*time.Second {
		t.Errorf("RetryInfo = %v", retry)
	}
	if got := detail.GetUpstreamIssues(); got[0].GetIssueCode() != "ACCESS_DENIED" || got[1].GetIssueCode() != "UNREADABLE" {
		t.Errorf("issues = %v", got)
	}
	if !errors.Is(e, fault.New(0, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, nil)) {
		t.Error("errors.Is does not go by reason")
	}
}
