package judge_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/documenttest"
	"github.com/spinegate/spinegate/internal/judge"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

const document = "../../docs/conformance.md"

const preface = `# What our requests are held against

Printed from ` + "`judge.Rules()`" + ` in ` + "`internal/judge`" + `; a test keeps the two equal. The judge reads what went over the wire and shares no code
with what sent it. It runs over every request that a test makes the gateway send to the embedded Spine, and each of its
rules is broken on purpose by a test. ` + "`spinegate lint-jwt`" + ` applies the JWT rules to one audit token.

Sections are those of the contracts in [references.md](references.md). Who enforces a rule: TEST the provider acceptance
suite or live tests of the platform, REF the reference provider, IMPL the running service or its gateway, SPEC the published
specification, SCAL the list of what a consumer has to show before it goes live, J our own judgement.

| Rule | What a request must be | Section | Enforced by |
| --- | --- | --- | --- |
`

// What people read about the rules is printed from the rules.
func TestTheDocumentIsTheRules(t *testing.T) {
	var out strings.Builder
	out.WriteString(preface)
	for _, r := range judge.Rules() {
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", r.ID, strings.ReplaceAll(r.Says, "|", `\|`), r.Section, r.By)
	}
	documenttest.Holds(t, document, out.String(), *update, "go test ./internal/judge -update")
}
