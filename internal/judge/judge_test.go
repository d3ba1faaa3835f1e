package judge_test

import (
	"slices"
	"testing"

	"github.com/spinegate/spinegate/internal/judge"
)

// broke are the rules that a tape breaks, each once.
func broke(tp *tape) []string {
	var rules []string
	for _, v := range judge.Exchanges(tp.all) {
		rules = append(rules, v.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// Every rule is broken by one mutation of a request that keeps them all, and every mutation breaks its rule and those that
// it says it breaks, too. A rule that nothing breaks judges nothing.
func TestEveryRuleIsBrokenByItsMutation(t *testing.T) {
	good := record(t)
	t.Run("the journey", func(t *testing.T) {
		for _, v := range judge.Exchanges(good) {
			t.Errorf("request %d breaks %s: %s", v.Index, v.Rule, v.Why)
		}
	})
	mutated := map[string]bool{}
	for _, m := range mutations() {
		mutated[m.rule] = true
		t.Run(m.rule, func(t *testing.T) {
			tp := newTape(t, good)
			e := m.good(tp)
			if rules := broke(tp); len(rules) > 0 {
				t.Fatalf("before the mutation it breaks %v", rules)
			}
			m.bad(tp, e)
			want := append([]string{m.rule}, m.also...)
			slices.Sort(want)
			if rules := broke(tp); !slices.Equal(rules, want) {
				t.Errorf("it breaks %v, want %v", rules, want)
			}
		})
	}
	for _, r := range judge.Rules() {
		if !mutated[r.ID] {
			t.Errorf("nothing breaks %s", r.ID)
		}
	}
}

func TestRulesHaveOneIDAndEverythingThatAReaderNeeds(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range judge.Rules() {
		if seen[r.ID] || r.ID == "" || r.Says == "" || r.Section == "" || r.By == "" {
			t.Errorf("%q is there twice or incomplete", r.ID)
		}
		seen[r.ID] = true
	}
}
