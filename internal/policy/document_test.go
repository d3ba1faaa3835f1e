package policy_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/documenttest"
	"github.com/spinegate/spinegate/internal/policy"
)

var update = flag.Bool("update", false, "write docs/policy.md")

const document = "../../docs/policy.md"

// What callers read about methods is printed from the table by which they are judged.
func TestTheDocumentIsTheTable(t *testing.T) {
	var out strings.Builder
	out.WriteString("# What each method asks of a caller\n\n" +
		"Printed from `internal/policy/table.go`, version " + policy.Version + ", by which every call is judged. A test keeps the two equal.\n\n" +
		"| Method | Scopes | Who | Evidence is about | Limit for one caller | Time | |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for m := range policy.All() {
		var scopes []string
		for _, s := range m.Scopes {
			scopes = append(scopes, "`"+string(s)+"`")
		}
		built := "not built yet"
		if m.Built {
			built = "works"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s | %s | %s |\n", strings.TrimPrefix(m.Name, "/spinegate.v1."),
			strings.Join(scopes, ", "), m.Human, m.Audit, m.Limit, m.Budget, built)
	}
	out.WriteString("\n\"per call\": the answer comes within the time. \"per item\": so does each answer of a stream of items. \"progressive\": a first " +
		"byte, then progress, then an end. \"soft end\": shortly before the end every target that is silent is TIMED_OUT, and the " +
		"stream still closes. \"at least\" is what must be left of a deadline when the call arrives.\n")
	documenttest.Holds(t, document, out.String(), *update, "go test ./internal/policy -update")
}
