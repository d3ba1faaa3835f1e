package judge_test

import (
	"encoding/base64"
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
				without := m.rule == "JWT-CLAIMS-01" && r.Rule.ID == "JWT-REASON-01" // its claim is what is missing
				alone := !without && r.Rule.ID != "JWT-IAT-02" && r.Rule.ID != "JWT-FRESH-01"
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

// What is absent is not judged in the linter, and JWT-CLAIMS-01 alone names all of it.
func TestWhatIsAbsentIsNotJudged(t *testing.T) {
	for name, test := range map[string]struct {
		claims string // empty is no such part
		broken map[string]string
		judged []string
	}{
		"no claims part": {
			claims: "",
			broken: map[string]string{"JWT-FORM-01": "it has 0 dots and not 2"},
			judged: []string{"JWT-FORM-01", "JWT-BASE64-01", "JWT-HEADER-01"},
		},
		"no claim": {
			claims: "{}",
			broken: map[string]string{"JWT-CLAIMS-01": "missing: iss, sub, aud, iat, exp, reason_for_request, requested_scope, " +
				"requesting_device, requesting_organization, requesting_practitioner"},
			judged: []string{"JWT-FORM-01", "JWT-BASE64-01", "JWT-HEADER-01", "JWT-JSON-01", "JWT-CLAIMS-01", "JWT-CLAIMS-02", "JWT-RECORD-01"},
		},
		"times": {
			claims: `{"iat":1767225600,"exp":1767225901}`,
			broken: map[string]string{
				"JWT-CLAIMS-01": "missing: iss, sub, aud, reason_for_request, requested_scope, requesting_device, requesting_organization, requesting_practitioner",
				"JWT-EXP-01":    "it is `iat` +301, and not `iat` + 300",
			},
			judged: []string{
				"JWT-FORM-01", "JWT-BASE64-01", "JWT-HEADER-01", "JWT-JSON-01", "JWT-CLAIMS-01", "JWT-CLAIMS-02", "JWT-IAT-01", "JWT-EXP-01",
				"JWT-RECORD-01",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
			if test.claims != "" {
				raw += "." + base64.RawURLEncoding.EncodeToString([]byte(test.claims)) + "."
			}
			rulings, err := judge.AuditToken(raw, judge.Circumstances{})
			if err != nil {
				t.Fatal(err)
			}
			var judged []string
			for _, r := range rulings {
				if r.Judged {
					judged = append(judged, r.Rule.ID)
				}
				if r.Why != test.broken[r.Rule.ID] {
					t.Errorf("%s: %q", r.Rule.ID, r.Why)
				}
			}
			if !slices.Equal(judged, test.judged) {
				t.Errorf("judged %v, want %v", judged, test.judged)
			}
		})
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
