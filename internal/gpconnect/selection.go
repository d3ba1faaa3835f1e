package gpconnect

import (
	"slices"
	"strconv"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// Selection is what is asked of a structured record: areas, and filters that narrow them. An area that is nil is not
// asked for. Zero values of filters narrow nothing. Dates are whole, yyyy-mm-dd (gpconnect.md, 5).
type Selection struct {
	Allergies      *AllergyFilter
	Medications    *MedicationFilter
	Consultations  *ConsultationFilter
	Problems       []ProblemFilter
	Immunisations  *ImmunisationFilter
	Uncategorised  *Period
	Investigations *Period
	Referrals      *Period
	Diary          *DiaryFilter
}

// AllergyFilter narrows allergies.
type AllergyFilter struct {
	// ExcludeEnded leaves ended allergies out.
	ExcludeEnded bool
}

// MedicationFilter narrows medications.
type MedicationFilter struct {
	// ExcludeIssues leaves out every issue of a prescription.
	ExcludeIssues bool
	// Start leaves out what ended before this day, which is not in the future.
	Start string
}

// ConsultationFilter narrows consultations by period or by number, not by both.
type ConsultationFilter struct {
	Period

	// MostRecent is how many of the latest to give; 0 is all.
	MostRecent int
}

// ProblemFilter narrows problems. Several are united, below version 1.6.2 only.
type ProblemFilter struct {
	// Status is "active", "inactive" or empty for both.
	Status string
	// Significance is "major", "minor" or empty for both; only from 1.5.0 to 1.6.1.
	Significance string
}

// ImmunisationFilter changes what immunisations are given.
type ImmunisationFilter struct {
	// IncludeNotGiven adds those that were not given.
	IncludeNotGiven bool
	// ExcludeStatus leaves consent and dissent out.
	ExcludeStatus bool
}

// Period narrows an area to days that are not in the future, both included. Either may be empty.
type Period struct{ Start, End string }

// DiaryFilter narrows diary entries.
type DiaryFilter struct {
	// DueUntil leaves out what is due later than this day, which is not in the past.
	DueUntil string
}

// Everything is the largest request that a provider of a version must accept as one call, unfiltered. It leaves out
// immunisations that were not given: they may not be asked for beside consultations or problems.
//
// A version that is unknown is asked for every area, because a provider that lacks one says so in its answer.
func Everything(v Version) Selection {
	s := Selection{Allergies: &AllergyFilter{}, Medications: &MedicationFilter{}}
	if v.before(1, 5, 0) {
		return s
	}
	s.Consultations, s.Problems = &ConsultationFilter{}, []ProblemFilter{{}}
	s.Immunisations, s.Diary = &ImmunisationFilter{}, &DiaryFilter{}
	s.Uncategorised, s.Investigations, s.Referrals = &Period{}, &Period{}, &Period{}
	return s
}

// Requests reports whether an area is asked for.
func (s Selection) Requests(a Area) bool { return slices.Contains(s.Requested(), a) }

// Requested are the areas asked for, in order.
func (s Selection) Requested() []Area {
	var areas []Area
	for _, ask := range []struct {
		area  Area
		asked bool
	}{
		{Allergies, s.Allergies != nil},
		{Medications, s.Medications != nil},
		{Consultations, s.Consultations != nil},
		{Problems, len(s.Problems) > 0},
		{Immunisations, s.Immunisations != nil},
		{Uncategorised, s.Uncategorised != nil},
		{Investigations, s.Investigations != nil},
		{Referrals, s.Referrals != nil},
		{Diary, s.Diary != nil},
	} {
		if ask.asked {
			areas = append(areas, ask.area)
		}
	}
	return areas
}

// ExcludesNotGiven reports that immunisations are asked for without those that were not given.
func (s Selection) ExcludesNotGiven() bool {
	return s.Immunisations != nil && !s.Immunisations.IncludeNotGiven
}

// Check holds the selection against the rules of the contract for a provider of a version, which may be unknown. now is
// the moment at which "today" is the UK's. Its error is a REQUEST_INVALID that names every field that breaks a rule, below
// "selection".
func (s Selection) Check(v Version, now time.Time) error {
	c := checker{today: civil(now)}
	c.fields(s)
	c.versions(s, v)
	if v.before(1, 6, 2) || !c.predefined(s) {
		c.combinations(s)
	}
	if len(c.violations) == 0 {
		return nil
	}
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, nil)
	e.Violations = c.violations
	return e
}

// checker collects what is wrong with a selection.
type checker struct {
	today      string
	violations []*pb.FieldViolation
}

func (c *checker) broken(field, rule, description string) {
	c.violations = append(c.violations, &pb.FieldViolation{Field: "selection." + field, Rule: rule, Description: description})
}

// fields checks each value by itself.
func (c *checker) fields(s Selection) {
	if len(s.Requested()) == 0 {
		c.violations = append(c.violations, &pb.FieldViolation{
			Field: "selection", Rule: "selection.area", Description: "at least one area must be asked for, or the selection left unset",
		})
	}
	if s.Medications != nil {
		c.past("medications.start_date", s.Medications.Start)
	}
	if s.Consultations != nil {
		c.period("consultations", &s.Consultations.Period)
		switch n := s.Consultations.MostRecent; {
		case n < 0:
			c.broken("consultations.most_recent", "selection.positive", "must not be negative")
		case n > 0 && s.Consultations.Period != Period{}:
			c.broken("consultations.most_recent", "selection.exclusive", "may not stand beside a period")
		}
	}
	for i, p := range s.Problems {
		field := "problems[" + strconv.Itoa(i) + "]"
		if p.Status != "" && p.Status != "active" && p.Status != "inactive" {
			c.broken(field+".status", "selection.code", "must be active or inactive")
		}
		if p.Significance != "" && p.Significance != "major" && p.Significance != "minor" {
			c.broken(field+".significance", "selection.code", "must be major or minor")
		}
	}
	c.period("uncategorised", s.Uncategorised)
	c.period("investigations", s.Investigations)
	c.period("referrals", s.Referrals)
	if s.Diary != nil && c.whole("diary.due_until", s.Diary.DueUntil) && s.Diary.DueUntil < c.today {
		c.broken("diary.due_until", "selection.date.future", "must not be before today")
	}
}

// whole checks a date's form and reports whether there is a date to check further.
func (c *checker) whole(field, date string) bool {
	if date == "" {
		return false
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		c.broken(field, "selection.date.whole", "must be a whole date, yyyy-mm-dd")
		return false
	}
	return true
}

func (c *checker) past(field, date string) bool {
	if !c.whole(field, date) {
		return false
	}
	if date > c.today {
		c.broken(field, "selection.date.past", "must not be after today")
		return false
	}
	return true
}

func (c *checker) period(field string, p *Period) {
	if p == nil {
		return
	}
	start, end := c.past(field+".start_date", p.Start), c.past(field+".end_date", p.End)
	if start && end && p.Start > p.End {
		c.broken(field+".start_date", "selection.period.order", "must not be after end_date")
	}
}

// versions checks what the provider's version does not know. Areas it does not know are asked for all the same: the
// answer says that they are missing.
func (c *checker) versions(s Selection, v Version) {
	significance := !v.Known() || v.before(1, 5, 0) || !v.before(1, 6, 2)
	for i, p := range s.Problems {
		if p.Significance != "" && significance {
			c.broken("problems["+strconv.Itoa(i)+"].significance", "selection.version", "is known from version 1.5.0 to 1.6.1 only")
		}
	}
	if len(s.Problems) > 1 && !v.before(1, 6, 2) {
		c.broken("problems", "selection.version", "may only be repeated below version 1.6.2")
	}
}

// predefined reports whether this is one of the two combinations that providers must accept although they break the rule
// for combinations (gpconnect.md, 5).
func (c *checker) predefined(s Selection) bool {
	shape := s.Consultations != nil && *s.Consultations == ConsultationFilter{MostRecent: 3} &&
		len(s.Problems) == 1 && s.Problems[0] == ProblemFilter{} &&
		s.Allergies != nil && *s.Allergies == AllergyFilter{} &&
		s.Medications != nil && *s.Medications == MedicationFilter{Start: c.yearAgo()} &&
		s.Investigations == nil && s.Referrals == nil && s.Diary == nil
	short := s.Immunisations == nil && s.Uncategorised == nil
	long := s.Immunisations != nil && *s.Immunisations == ImmunisationFilter{} && s.Uncategorised != nil && *s.Uncategorised == Period{}
	return shape && (short || long)
}

func (c *checker) yearAgo() string {
	today, err := time.Parse(time.DateOnly, c.today)
	if err != nil {
		return "" // cannot happen: civil wrote it
	}
	return today.AddDate(-1, 0, 0).Format(time.DateOnly)
}

// combinations refuses filters beside consultations or problems: linked items arrive unfiltered, so that a filtered area
// beside them looks complete and is not. The specification's list does not have the period of investigations; one test
// script of its makers does, so it is not sent either.
func (c *checker) combinations(s Selection) {
	var beside string
	switch {
	case s.Consultations != nil:
		beside = "may not be set beside consultations"
	case len(s.Problems) > 0:
		beside = "may not be set beside problems"
	default:
		return
	}
	forbid := func(set bool, field string) {
		if set {
			c.broken(field, "selection.combination", beside)
		}
	}
	forbid(s.Medications != nil && s.Medications.Start != "", "medications.start_date")
	forbid(s.Uncategorised != nil && *s.Uncategorised != Period{}, "uncategorised")
	forbid(s.Investigations != nil && *s.Investigations != Period{}, "investigations")
	forbid(s.Referrals != nil && *s.Referrals != Period{}, "referrals")
	forbid(s.Diary != nil && s.Diary.DueUntil != "", "diary.due_until")
	forbid(s.Immunisations != nil && s.Immunisations.IncludeNotGiven, "immunisations.include_not_given")
	forbid(s.Immunisations != nil && s.Immunisations.ExcludeStatus, "immunisations.exclude_status")
	if s.Consultations == nil {
		return
	}
	for i, p := range s.Problems {
		forbid(p.Status != "", "problems["+strconv.Itoa(i)+"].status")
		forbid(p.Significance != "", "problems["+strconv.Itoa(i)+"].significance")
	}
}
