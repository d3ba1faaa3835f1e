package service

import (
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
)

// selectionOf is what a caller asks of a record; nil when it is left to the gateway.
func selectionOf(s *pb.RecordSelection) *gpconnect.Selection {
	if s == nil {
		return nil
	}
	out := &gpconnect.Selection{}
	if a := s.GetAllergies(); a != nil {
		out.Allergies = &gpconnect.AllergyFilter{ExcludeEnded: a.GetExcludeEnded()}
	}
	if m := s.GetMedications(); m != nil {
		out.Medications = &gpconnect.MedicationFilter{ExcludeIssues: m.GetExcludeIssues(), Start: m.GetStartDate()}
	}
	if c := s.GetConsultations(); c != nil {
		out.Consultations = &gpconnect.ConsultationFilter{
			Period: gpconnect.Period{Start: c.GetStartDate(), End: c.GetEndDate()}, MostRecent: int(c.GetMostRecent()),
		}
	}
	for _, p := range s.GetProblems() {
		out.Problems = append(out.Problems, gpconnect.ProblemFilter{
			Status:       filterCode(p.GetStatus().String(), "PROBLEM_STATUS_FILTER_"),
			Significance: filterCode(p.GetSignificance().String(), "PROBLEM_SIGNIFICANCE_FILTER_"),
		})
	}
	if i := s.GetImmunisations(); i != nil {
		out.Immunisations = &gpconnect.ImmunisationFilter{IncludeNotGiven: i.GetIncludeNotGiven(), ExcludeStatus: i.GetExcludeStatus()}
	}
	out.Uncategorised = periodFilter(s.GetUncategorised())
	out.Investigations = periodFilter(s.GetInvestigations())
	out.Referrals = periodFilter(s.GetReferrals())
	if d := s.GetDiary(); d != nil {
		out.Diary = &gpconnect.DiaryFilter{DueUntil: d.GetDueUntil()}
	}
	return out
}

// filterCode is the wire's word for one of our enum values; none for the unspecified one.
func filterCode(name, prefix string) string {
	if name == prefix+"UNSPECIFIED" {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}

func periodFilter(p *pb.PeriodSelection) *gpconnect.Period {
	if p == nil {
		return nil
	}
	return &gpconnect.Period{Start: p.GetStartDate(), End: p.GetEndDate()}
}

// echo is what is asked, as the caller is told.
func echo(s *gpconnect.Selection) *pb.RecordSelection {
	out := &pb.RecordSelection{}
	if a := s.Allergies; a != nil {
		out.Allergies = &pb.AllergySelection{ExcludeEnded: a.ExcludeEnded}
	}
	if m := s.Medications; m != nil {
		out.Medications = &pb.MedicationSelection{ExcludeIssues: m.ExcludeIssues, StartDate: m.Start}
	}
	if c := s.Consultations; c != nil {
		out.Consultations = &pb.ConsultationSelection{
			StartDate: c.Start, EndDate: c.End, MostRecent: int32(c.MostRecent), //nolint:gosec // at most 999
		}
	}
	for _, p := range s.Problems {
		out.Problems = append(out.Problems, &pb.ProblemSelection{
			Status: pb.ProblemStatusFilter(pb.ProblemStatusFilter_value[filterName("PROBLEM_STATUS_FILTER_", p.Status)]),
			Significance: pb.ProblemSignificanceFilter(
				pb.ProblemSignificanceFilter_value[filterName("PROBLEM_SIGNIFICANCE_FILTER_", p.Significance)]),
		})
	}
	if i := s.Immunisations; i != nil {
		out.Immunisations = &pb.ImmunisationSelection{IncludeNotGiven: i.IncludeNotGiven, ExcludeStatus: i.ExcludeStatus}
	}
	out.Uncategorised = periodSelection(s.Uncategorised)
	out.Investigations = periodSelection(s.Investigations)
	out.Referrals = periodSelection(s.Referrals)
	if d := s.Diary; d != nil {
		out.Diary = &pb.DiarySelection{DueUntil: d.DueUntil}
	}
	return out
}

func filterName(prefix, code string) string {
	if code == "" {
		return prefix + "UNSPECIFIED"
	}
	return prefix + strings.ToUpper(code)
}

func periodSelection(p *gpconnect.Period) *pb.PeriodSelection {
	if p == nil {
		return nil
	}
	return &pb.PeriodSelection{StartDate: p.Start, EndDate: p.End}
}

// permitted refuses a selection with an area that the organisation may not see. Nothing is narrowed silently.
func permitted(a asker, s *gpconnect.Selection) error {
	if len(a.Areas) == 0 {
		return nil
	}
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_AREA_NOT_PERMITTED, nil)
	for _, area := range s.Requested() {
		if !slices.Contains(a.Areas, areas[area]) {
			e.Violations = append(e.Violations, &pb.FieldViolation{
				Field: "selection." + area.String(), Rule: "organisation.areas", Description: "not permitted for the caller's organisation",
			})
		}
	}
	if len(e.Violations) > 0 {
		return e
	}
	return nil
}

// areasOf splits the areas into those asked for and the others.
func areasOf(s *gpconnect.Selection) (requested, others []pb.ClinicalArea) {
	for _, area := range gpconnect.Areas() {
		if s.Requests(area) {
			requested = append(requested, areas[area])
		} else {
			others = append(others, areas[area])
		}
	}
	return requested, others
}
