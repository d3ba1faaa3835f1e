package pds

import (
	"context"
	"errors"
	"strings"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Found is the answer to a search.
type Found struct {
	Source

	// Matches are in PDS's order, which is the one to show them in.
	Matches []Match
	// AbsenceNotProven says that whoever is not among them may be on PDS nevertheless: a criterion hides restricted people,
	// or the access mode shows one match at most.
	AbsenceNotProven bool
}

// Match is one person found. A search leaves out most of what says where somebody is registered and whether they live, so
// that nothing is concluded from it (PDS contract, 7.6).
type Match struct {
	Record

	// Score says how well the criteria agree, digit for digit as received. It is no probability, and not for users.
	Score string
}

// Errors of a search's answer.
var (
	errTooMany = errors.New("more people than may be shown")
	errAddress = errors.New("an entry's address is another person's")
)

// Search finds people by what is known of them.
//
// It fails with SEARCH_INVALID before anything is sent if the criteria break a rule of PDS's, with TOO_MANY_MATCHES if more
// people match than may be shown, with ANSWER_INVALID if any entry of the answer cannot be relied upon, or with a failure
// of the road there (PDS contract, 7 and 12). Finding nobody is an answer.
func (c *Client) Search(ctx context.Context, criteria Criteria, by Requester) (*Found, error) {
	criteria, atMost := criteria.trimmed(), c.access(by).atMost()
	if violations := criteria.violations(atMost); len(violations) > 0 {
		e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, nil)
		e.Violations = violations
		return nil, e
	}
	answer, err := c.get(ctx, "/Patient?"+criteria.query().Encode(), searchTemplate, by)
	if err != nil {
		return nil, err
	}
	entries, err := fhir.ReadSearchset(answer.text)
	if err != nil {
		return nil, answer.notFound(err)
	}
	matches, err := matchesOf(entries, dayOf(time.Now()))
	if err != nil {
		return nil, answer.invalid(err)
	}
	if len(matches) > atMost || criteria.AtMost > 0 && len(matches) > criteria.AtMost {
		return nil, answer.invalid(errTooMany)
	}
	return &Found{
		Source: answer.Source, Matches: matches,
		AbsenceNotProven: atMost == restrictedAtMost || criteria.PostalCode != "" || !criteria.Practice.IsZero(),
	}, nil
}

// matchesOf are the people in a searchset. One entry that is not what it must be spoils them all: without it the list
// would look complete.
func matchesOf(entries []fhir.SearchEntry, today day) ([]Match, error) {
	matches := make([]Match, 0, len(entries))
	for _, entry := range entries {
		person, err := fhir.ReadPatient(entry.Resource)
		if err != nil {
			return nil, err
		}
		record, err := newRecord(person, today)
		if err != nil {
			return nil, err
		}
		if named := lastNumber(entry.FullURL, "/Patient/"); !named.IsZero() && named != record.Current {
			return nil, errAddress
		}
		matches = append(matches, Match{Record: record, Score: entry.Score})
	}
	return matches, nil
}

// lastNumber is the NHS Number that follows a segment of an address; zero where there is none.
func lastNumber(address, segment string) nhs.Number {
	at := strings.LastIndex(address, segment)
	if at < 0 {
		return nhs.Number{}
	}
	digits, _, _ := strings.Cut(address[at+len(segment):], "/")
	number, err := nhs.ParseNumber(digits)
	if err != nil {
		return nhs.Number{}
	}
	return number
}

// oneAtMost says why a search shows so little, and what would show more.
const oneAtMost = "PDS was asked as the application, which sees one match at most; a clinician who is signed in with CIS2 sees up to 50."

// notFound explains an answer of 200 that is no searchset. Taken for an empty one it would say that nobody is there.
func (a answer) notFound(err error) error {
	if !errors.Is(err, fhir.ErrResourceType) {
		return a.invalid(err)
	}
	outcome, _ := fhir.ReadOutcome(a.text)
	switch worst := outcome.Worst(); {
	case worst.Code() == "TOO_MANY_MATCHES":
		e := a.refused(pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES)
		if a.Access == AsApplication {
			e.Operator = oneAtMost
		}
		return e
	case worst.Type == "not-supported":
		e := a.refused(pb.ErrorReason_ERROR_REASON_ANSWER_INVALID)
		e.Operator = "PDS's public sandbox holds no answer for these criteria; it says nothing about anybody."
		return e
	}
	return a.unreadable(err)
}
