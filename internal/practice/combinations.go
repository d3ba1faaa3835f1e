package practice

import (
	"slices"
	"time"
)

// Linked items arrive unfiltered, so a filtered area beside consultations or problems would look complete and not be:
// these parts are refused beside them (gpconnect.md, 5).
var (
	forbiddenByProblems = [...]string{
		"medicationSearchFromDate", "uncategorisedDataSearchPeriod", "referralSearchPeriod", "diaryEntriesSearchDate",
		"includeNotGiven", "includeStatus",
	}
	forbiddenByConsultations = [...]string{
		"medicationSearchFromDate", "uncategorisedDataSearchPeriod", "referralSearchPeriod", "diaryEntriesSearchDate",
		"includeNotGiven", "includeStatus", "filterStatus", "filterSignificance",
	}
)

func (s *System) checkCombination(parameters []parameter, sel *selection, now time.Time) error {
	if s.predefined(parameters, sel, now) {
		return nil
	}
	for i := range parameters {
		for _, part := range parameters[i].parts {
			forbidden := sel.areas[Consultations] && slices.Contains(forbiddenByConsultations[:], part.name) ||
				sel.areas[Problems] && slices.Contains(forbiddenByProblems[:], part.name)
			if forbidden {
				return invalidParameter(parameters[i].name + "." + part.name + " is not allowed beside consultations or problems")
			}
		}
	}
	return nil
}

// predefined knows the two searches of 1.6.2 that break the rule and must be accepted: the last three consultations,
// problems, all allergies and a year of medication, alone or with immunisations and uncategorised data.
func (s *System) predefined(parameters []parameter, sel *selection, now time.Time) bool {
	if s.olderThan(1, 6, 2) || len(sel.unrecognised) > 0 {
		return false
	}
	short := []Area{Allergies, Medications, Consultations, Problems}
	long := append(slices.Clone(short), Immunisations, Uncategorised)
	switch {
	case len(sel.areas) != len(short) && len(sel.areas) != len(long):
		return false
	case slices.ContainsFunc(long[:len(sel.areas)], func(a Area) bool { return !sel.areas[a] }):
		return false
	}
	for i := range parameters {
		bare := parameters[i].name != Allergies.parameter() && parameters[i].name != Medications.parameter() &&
			parameters[i].name != Consultations.parameter()
		if bare && len(parameters[i].parts) > 0 {
			return false
		}
	}
	year := midnightOf(now).AddDate(-1, 0, 0)
	return sel.resolved && sel.recent == 3 && !sel.medicationsFrom.IsZero() &&
		!sel.medicationsFrom.Before(year.AddDate(0, 0, -1)) && !sel.medicationsFrom.After(year.AddDate(0, 0, 1))
}
