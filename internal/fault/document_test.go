package fault_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/documenttest"
	"github.com/spinegate/spinegate/internal/fault"
)

var update = flag.Bool("update", false, "write docs/errors.md")

const document = "../../docs/errors.md"

const preface = `# Every error

Printed from the comments of ` + "`ErrorReason`" + ` in [errors.proto](../proto/api/spinegate/v1/errors.proto); a test keeps the two equal, and another
holds the comments against what the gateway does. [The consumer guide](consumer.md#errors) says how to read an error in your language.

**Program against the reason**, which is stable. New ones may be added: treat one that you do not know by its code and its retry
class. **Show a clinician the sentence**, which the error brings along as ` + "`clinician_message`" + `: it names what to do, nothing of the patient, and
nothing technical. Log the trace id beside it, never the request.

| Retry | What to do |
| --- | --- |
| never | Do not repeat the call: the answer will be the same until somebody changes something elsewhere. |
| same call | Send the same call again, after ` + "`retry_after`" + ` where it is set, a few times at most and with growing pauses. |
| after correction | Change what is wrong first: a value, a token, a handle, the time allowed. |
| same request_id | Make the same call with the same ` + "`request_id`" + `: it finds out what became of the first, and nothing is sent twice. |
`

var retryWords = map[pb.RetryClass]string{
	pb.RetryClass_RETRY_CLASS_NEVER:            "never",
	pb.RetryClass_RETRY_CLASS_SAME_CALL:        "same call",
	pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION: "after correction",
	pb.RetryClass_RETRY_CLASS_SAME_REQUEST_ID:  "same request_id",
}

var (
	section = regexp.MustCompile(`^  // -- (.*)$`)
	remark  = regexp.MustCompile(`^  // (.*)$`)
	value   = regexp.MustCompile(`^  (ERROR_REASON_[A-Z0-9_]+) = \d+;$`)
)

// What a consumer reads about errors is printed from the contract.
func TestTheDocumentOfErrorsIsTheContract(t *testing.T) {
	t.Parallel()
	contract, err := os.Open("../../proto/api/spinegate/v1/errors.proto")
	if err != nil {
		t.Fatal(err)
	}
	defer contract.Close()
	var out strings.Builder
	out.WriteString(preface)
	var said []string
	printed := 0
	for lines := bufio.NewScanner(contract); lines.Scan(); {
		line := lines.Text()
		if found := section.FindStringSubmatch(line); found != nil {
			fmt.Fprintf(&out, "\n## %s\n\n| Reason | Code | Retry | Show a clinician | What happened |\n| --- | --- | --- | --- | --- |\n",
				strings.TrimSuffix(found[1], "."))
		} else if found := value.FindStringSubmatch(line); found != nil {
			if reason := pb.ErrorReason(pb.ErrorReason_value[found[1]]); reason != pb.ErrorReason_ERROR_REASON_UNSPECIFIED {
				out.WriteString(row(t, reason, said))
				printed++
			}
			said = nil
		} else if found := remark.FindStringSubmatch(line); found != nil {
			said = append(said, found[1])
		} else {
			said = nil
		}
	}
	if want := len(pb.ErrorReason_name) - 1; printed != want {
		t.Errorf("%d reasons were printed, and there are %d", printed, want)
	}
	documenttest.Holds(t, document, out.String(), *update, "go test ./internal/fault -update")
}

// row is a line of a table. The last line of a comment has the code, the retry class and the sentence, which an error itself says.
func row(t *testing.T, reason pb.ErrorReason, said []string) string {
	t.Helper()
	if len(said) < 2 || !strings.HasPrefix(said[len(said)-1], "Code ") {
		t.Fatalf("%s: its comment is %q", reason, said)
	}
	detail := fault.Detail(fault.New(pb.Hop_HOP_GATEWAY, reason, nil), nil)
	word, ok := retryWords[detail.GetRetry()]
	if !ok {
		t.Fatalf("%s: %s has no word", reason, detail.GetRetry())
	}
	return fmt.Sprintf("| `%s` | `%s` | %s | %s | %s |\n", fault.ReasonName(reason), strings.ToUpper(snake(fault.Code(reason).String())),
		word, detail.GetClinicianMessage(), strings.Join(said[:len(said)-1], " "))
}
