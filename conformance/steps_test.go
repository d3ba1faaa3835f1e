package conformance_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/policy"
)

// step is the part of a step by which it is counted.
type step struct {
	ID   string `json:"id"`
	Call string `json:"call"`
}

func steps(t *testing.T) []step {
	t.Helper()
	var all []step
	if err := json.Unmarshal([]byte(text(t, "steps.json")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// built are the methods that work in this version, as steps name them: service and method.
func built() []string {
	var all []string
	for m := range policy.All() {
		if m.Built {
			all = append(all, strings.TrimPrefix(m.Name, "/spinegate.v1."))
		}
	}
	return slices.Sorted(slices.Values(all))
}

// Whoever builds a method shows it to the clients of every language: without a step here none of them calls it.
func TestEveryMethodThatIsBuiltHasAStep(t *testing.T) {
	t.Parallel()
	var called []string
	for _, s := range steps(t) {
		called = append(called, s.Call)
	}
	slices.Sort(called)
	if diff := cmp.Diff(built(), slices.Compact(called)); diff != "" {
		t.Errorf("the methods that steps.json calls are not those that are built (-built +called):\n%s", diff)
	}
}

// What a step prints stands below its id, so each id is there once, in the order of the steps.
func TestEveryStepIsInTheTranscript(t *testing.T) {
	t.Parallel()
	var want []string
	for _, s := range steps(t) {
		want = append(want, s.ID)
	}
	var got []string
	for line := range strings.Lines(text(t, "expected.txt")) {
		if !strings.HasPrefix(line, " ") && !strings.Contains(line, ":") { // the journey's lines have a colon
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps.json and expected.txt (-steps +transcript):\n%s", diff)
	}
	slices.Sort(want)
	if once := slices.Compact(slices.Clone(want)); len(once) != len(want) {
		t.Errorf("two steps have one id: %v", want)
	}
}

// The readme's table of what works names the methods that do.
func TestTheReadmeNamesWhatIsBuilt(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`(?m)^\| Works \|.*$`).FindString(text(t, "../README.md"))
	var named []string
	for _, name := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(row, -1) {
		named = append(named, name[1])
	}
	var want []string
	for _, name := range built() {
		_, method, _ := strings.Cut(name, "/")
		want = append(want, method)
	}
	slices.Sort(named)
	slices.Sort(want)
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("README.md, \"What works today\" (-built +named):\n%s", diff)
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	all, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}
