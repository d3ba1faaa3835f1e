package fault_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

var documented = regexp.MustCompile(`// Code ([A-Z_]+), retry ([A-Z_]+)\. Say: "([^"]+)"\n  ERROR_REASON_([A-Z0-9_]+) = (\d+);`)

// The comments of the enum are what a caller in any language reads; the table is what the gateway does.
func TestTheProtoCommentsAreTheTable(t *testing.T) {
	proto, err := os.ReadFile("../../proto/api/spinegate/v1/errors.proto")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{"UNSPECIFIED": true}
	for _, m := range documented.FindAllStringSubmatch(string(proto), -1) {
		code, retry, say, name := m[1], m[2], m[3], m[4]
		seen[name] = true
		reason := pb.ErrorReason(pb.ErrorReason_value["ERROR_REASON_"+name])
		detail := fault.Detail(fault.New(pb.Hop_HOP_PDS, reason, nil), nil)
		got := strings.ToUpper(snake(fault.Code(reason).String())) + " " +
			strings.TrimPrefix(detail.GetRetry().String(), "RETRY_CLASS_") + " " + detail.GetClinicianMessage()
		if want := code + " " + retry + " " + say; got != want {
			t.Errorf("%s: the gateway does\n  %s\nand the proto says\n  %s", name, got, want)
		}
		if detail.GetOperatorMessage() == "" {
			t.Errorf("%s has no sentence for the operator", name)
		}
	}
	for name := range pb.ErrorReason_value {
		if !seen[strings.TrimPrefix(name, "ERROR_REASON_")] {
			t.Errorf("%s has no code, retry class and sentence in its comment", name)
		}
	}
}

func snake(camel string) string {
	if camel == "Canceled" {
		return "cancelled"
	}
	return strings.TrimPrefix(regexp.MustCompile(`([A-Z])`).ReplaceAllString(camel, "_$1"), "_")
}

func TestTheLargestStatusStaysUnderFourKiB(t *testing.T) {
	long := strings.Repeat("é", 2000)
	for value := range pb.ErrorReason_name {
		e := fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason(value), nil)
		e.Operator, e.HTTPStatus, e.RetryAfter = long, 502, 1
		for range 50 {
			e.Candidates = append(e.Candidates, &pb.Candidate{
				OdsCode: "ABCDEFGHIJKL", PartyKey: "ABCDEFGHIJ-12345678", Asid: "123456789012", Host: strings.Repeat("h", 63),
			})
			e.Violations = append(e.Violations, &pb.FieldViolation{Field: long, Rule: long, Description: long})
			e.Issues = append(e.Issues, &pb.UpstreamIssue{IssueType: long, IssueCode: strings.Repeat("A", 64), Severity: long})
		}
		ids := &pb.TraceIds{
			TraceId: strings.Repeat("a", 32), CallId: strings.Repeat("a", 36), SspTraceId: strings.Repeat("a", 36),
			PdsRequestId: strings.Repeat("a", 36), CorrelationId: strings.Repeat("a", 36),
		}
		st := fault.Status(e, ids)
		size := proto.Size(st.Proto())
		if size >= 4096 {
			t.Errorf("%s: the status takes %d bytes", fault.ReasonName(e.Reason), size)
		}
		if len(st.Details()) < 2 {
			t.Errorf("%s: the details are missing", fault.ReasonName(e.Reason))
		}
	}
}
