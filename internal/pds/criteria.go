package pds

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Criteria are what is known of somebody who is searched for (PDS contract, 7.1). They describe a person, so a Criteria
// masks itself wherever it is printed.
type Criteria struct {
	// Family may hold `*` from its third character on, but not in a fuzzy search.
	Family string
	// Given are the given names in order; wildcards as in Family. Each that PDS does not hold spoils the match.
	Given []string
	// Gender is male, female, other or unknown. Better left out.
	Gender string
	// Born and Died are the days between which it was.
	Born, Died Days
	// PostalCode is that of any known address; wildcards as in Family. It hides restricted people.
	PostalCode string
	// Practice is matched exactly. It hides restricted people.
	Practice nhs.ODSCode
	// Email and Phone are matched exactly.
	Email, Phone string
	// Match says how the rest is matched.
	Match Matching
	// History also matches former names, addresses and contact details. Fuzzy always does.
	History bool
	// AtMost is a ceiling, not a page size: if more match, the search fails with TOO_MANY_MATCHES. Zero leaves it to the
	// access mode.
	AtMost int
}

// Days are a range of days, yyyy-mm-dd, both included. An empty end is open, and equal ends are one day.
type Days struct{ First, Last string }

// Matching is how a search matches.
type Matching int

// The kinds of search (PDS contract, 7.3).
const (
	// Ordinary matches exactly, or by wildcards, what is current.
	Ordinary Matching = iota
	// Exact shows only who matches every criterion.
	Exact
	// Fuzzy matches homophones, transposed names and former details too.
	Fuzzy
)

const maskedCriteria = "pds:redacted"

// Format masks the criteria whatever the verb.
func (Criteria) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(maskedCriteria)) }

// LogValue masks the criteria.
func (Criteria) LogValue() slog.Value { return slog.StringValue(maskedCriteria) }

// MarshalText masks the criteria, so that no encoder can write them by accident.
func (Criteria) MarshalText() ([]byte, error) { return []byte(maskedCriteria), nil }

// trimmed is the criteria without spaces around any of them, so that a space is never a character of a name.
func (c Criteria) trimmed() Criteria {
	c.Given = slices.Clone(c.Given)
	for i := range c.Given {
		c.Given[i] = trim(c.Given[i])
	}
	for _, text := range []*string{&c.Family, &c.PostalCode, &c.Email, &c.Phone} {
		*text = trim(*text)
	}
	return c
}

// query is the criteria as PDS's parameters. Encode writes `*` as %2A and repeats what may be repeated.
func (c Criteria) query() url.Values {
	q := url.Values{"given": c.Given, "birthdate": c.Born.bounds(), "death-date": c.Died.bounds()}
	for name, text := range map[string]string{
		"family": c.Family, "gender": c.Gender, "address-postalcode": c.PostalCode,
		"general-practitioner": c.Practice.String(), "email": c.Email, "phone": c.Phone,
	} {
		if text != "" {
			q.Set(name, text)
		}
	}
	switch c.Match {
	case Exact:
		q.Set("_exact-match", "true")
	case Fuzzy:
		q.Set("_fuzzy-match", "true")
	case Ordinary:
	}
	if c.History && c.Match != Fuzzy {
		q.Set("_history", "true")
	}
	if c.AtMost > 0 {
		q.Set("_max-results", strconv.Itoa(c.AtMost))
	}
	return q
}

func (d Days) none() bool { return d == Days{} }

// bounds are the range as PDS writes one.
func (d Days) bounds() []string {
	switch {
	case d.none():
		return nil
	case d.First == d.Last:
		return []string{"eq" + d.First}
	case d.Last == "":
		return []string{"ge" + d.First}
	case d.First == "":
		return []string{"le" + d.Last}
	}
	return []string{"ge" + d.First, "le" + d.Last}
}

// Rules that criteria can break, by the names that callers get.
const (
	ruleRequired = "search.required"
	ruleFuzzy    = "search.fuzzy_minimum"
	ruleWildcard = "search.wildcard"
	ruleLength   = "search.length"
	ruleDate     = "search.date"
	ruleRange    = "search.range"
	ruleGender   = "search.gender"
	ruleMatching = "search.mode"
	ruleAtMost   = "search.max_results"
)

const (
	// maxName is how long a name may be, in characters.
	maxName = 35
	// firstWildcard is the first place, from 0, where a wildcard may stand.
	firstWildcard = 2
)

// check collects what is wrong with criteria, by the fields of SearchPatientsRequest and never by their values.
type check struct {
	Criteria

	violations []*pb.FieldViolation
}

func (c *check) refuse(field, rule, description string) {
	c.violations = append(c.violations, &pb.FieldViolation{Field: field, Rule: rule, Description: description})
}

// violations are the rules of the PDS contract, 7.1 and 7.2, that trimmed criteria break in a mode that shows at most so
// many people. PDS checks the same, at the price of a call that is written to a national audit trail.
func (c Criteria) violations(atMost int) []*pb.FieldViolation {
	k := &check{Criteria: c}
	k.minimum()
	k.names()
	k.exactly()
	k.days("birth_date", c.Born)
	k.days("death_date", c.Died)
	if c.AtMost < 0 || c.AtMost > atMost {
		k.refuse("max_results", ruleAtMost, fmt.Sprintf("PDS shows at most %d, which is for clinicians who are signed in with CIS2; without a sign-in, 1", workerAtMost))
	}
	return k.violations
}

// minimum is what each kind of search needs at least.
func (c *check) minimum() {
	if c.Match < Ordinary || c.Match > Fuzzy {
		c.refuse("mode", ruleMatching, "is none of the kinds of search")
		return
	}
	if c.Born.none() {
		c.refuse("birth_date_start", ruleRequired, "the birth date, or a range of birth dates, is needed")
	}
	if c.Match != Fuzzy {
		if c.Family == "" {
			c.refuse("family", ruleRequired, "the family name, or the beginning of it, is needed")
		}
		return
	}
	both, either := c.Family != "" && len(c.Given) > 0, c.Family != "" || len(c.Given) > 0
	if !both && (!either || c.Gender == "" || c.PostalCode == "") {
		c.refuse("mode", ruleFuzzy, "fuzzy needs given and family name and birth date, or one of the names, birth date, gender and postcode")
	}
}

// names checks what may hold a wildcard.
func (c *check) names() {
	c.name("family", c.Family)
	for i, given := range c.Given {
		field := fmt.Sprintf("given[%d]", i)
		if given == "" {
			c.refuse(field, ruleRequired, "is blank")
		}
		c.name(field, given)
	}
	c.wildcard("postal_code", strings.ReplaceAll(c.PostalCode, " ", "")) // PDS ignores its spaces
}

func (c *check) name(field, text string) {
	if utf8.RuneCountInString(text) > maxName {
		c.refuse(field, ruleLength, fmt.Sprintf("has more than %d characters", maxName))
	}
	c.wildcard(field, text)
}

func (c *check) wildcard(field, text string) {
	before, _, found := strings.Cut(text, "*")
	switch {
	case !found:
	case c.Match == Fuzzy:
		c.refuse(field, ruleWildcard, "a fuzzy search takes no wildcard")
	case c.Match == Exact:
		c.refuse(field, ruleWildcard, "an exact search finds nobody by a wildcard")
	case utf8.RuneCountInString(before) < firstWildcard:
		c.refuse(field, ruleWildcard, "a wildcard may stand from the third character on")
	}
}

// exactly checks what is matched as it is.
func (c *check) exactly() {
	for field, text := range map[string]string{"email": c.Email, "phone": c.Phone} {
		if strings.Contains(text, "*") {
			c.refuse(field, ruleWildcard, "takes no wildcard")
		}
	}
	if c.Gender != "" && !slices.Contains([]string{"male", "female", "other", "unknown"}, c.Gender) {
		c.refuse("gender", ruleGender, "is none of PDS's genders")
	}
}

func (c *check) days(field string, d Days) {
	readable := true
	for name, text := range map[string]string{field + "_start": d.First, field + "_end": d.Last} {
		if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
			c.refuse(name, ruleDate, "is no day of the calendar, yyyy-mm-dd")
			readable = false
		}
	}
	if readable && d.First != "" && d.Last != "" && d.Last < d.First {
		c.refuse(field+"_end", ruleRange, "lies before the start")
	}
}
