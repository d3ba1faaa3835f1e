package judge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/judge"
	"github.com/spinegate/spinegate/internal/nhs"
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

// People are told of one token what the judge says of the request that carried it.
func TestPeopleAreToldTheSame(t *testing.T) {
	good := record(t)
	for _, m := range jwtMutations {
		t.Run(m.rule, func(t *testing.T) {
			tp := newTape(t, good)
			e := m.good(tp)
			at := judge.Circumstances{Interaction: e.Header.Get("Ssp-InteractionID"), Address: addressOf(e)}
			m.bad(tp, e)
			rulings, err := judge.AuditToken(strings.TrimPrefix(e.Header.Get("Authorization"), "Bearer "), at)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rulings {
				if (r.Why != "") != (r.Rule.ID == m.rule && r.Judged) {
					t.Errorf("%s: judged %v, %q", r.Rule.ID, r.Judged, r.Why)
				}
				alone := r.Rule.ID != "JWT-IAT-02" && r.Rule.ID != "JWT-FRESH-01"
				if whole := m.rule != "JWT-BASE64-01" && m.rule != "JWT-JSON-01"; whole && r.Judged != alone {
					t.Errorf("%s: judged %v", r.Rule.ID, r.Judged)
				}
			}
		})
	}
	if _, err := judge.AuditToken("a.b.", judge.Circumstances{Interaction: "urn:x"}); !errors.Is(err, judge.ErrInteraction) {
		t.Errorf("an unknown interaction: %v", err)
	}
}

// addressOf is the service root URL that a request calls.
func addressOf(e *judge.Exchange) string {
	root, _, _ := strings.Cut(strings.TrimPrefix(e.Path, "/"), "/metadata")
	return root
}

// No sentence about a rule or a verdict has anything of a request in it, whatever the request holds.
func TestVerdictsSayNothingOfAPatient(t *testing.T) {
	good := record(t)
	for _, m := range mutations() {
		tp := newTape(t, good)
		m.bad(tp, m.good(tp))
		for _, v := range judge.Exchanges(tp.all) {
			if nhs.NumberIn(v.Why) || strings.Contains(strings.ToUpper(v.Why), "TESTWELL") {
				t.Errorf("%s says too much", v.Rule)
			}
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
