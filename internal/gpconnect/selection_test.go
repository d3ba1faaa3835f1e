package gpconnect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spinegate/spinegate/internal/fault"
)

// noon is a moment on 2026-07-15, UK time.
var noon = time.Date(2026, time.July, 15, 11, 0, 0, 0, time.UTC)

func TestSelectionCheck(t *testing.T) {
	yearAgo := &MedicationFilter{Start: "2025-07-15"}
	predefined := Selection{
		Consultations: &ConsultationFilter{MostRecent: 3}, Problems: []ProblemFilter{{}}, Allergies: &AllergyFilter{}, Medications: yearAgo,
	}
	longer := predefined
	longer.Immunisations, longer.Uncategorised = &ImmunisationFilter{}, &Period{}
	between := predefined
	between.Immunisations = &ImmunisationFilter{}
	filtered := longer
	filtered.Uncategorised = &Period{Start: "2026-01-01"}
	for _, tt := range []struct {
		name    string
		version string
		s       Selection
		want    []string // "field rule"
	}{
		{"nothing", "1.6.2", Selection{}, []string{"selection selection.area"}},
		{"everything", "1.6.2", Everything(ParseVersion("1.6.2")), nil},
		{"everything of an old version", "1.2.7", Everything(ParseVersion("1.2.7")), nil},
		{"everything of an unknown version", "", Everything(Version{}), nil},

		{"medications from today", "1.6.2", Selection{Medications: &MedicationFilter{Start: "2026-07-15"}}, nil},
		{"medications from tomorrow", "1.6.2", Selection{Medications: &MedicationFilter{Start: "2026-07-16"}}, []string{"selection.medications.start_date selection.date.past"}},
		{"medications from a month", "1.6.2", Selection{Medications: &MedicationFilter{Start: "2026-07"}}, []string{"selection.medications.start_date selection.date.whole"}},
		{"medications from a day that never was", "1.6.2", Selection{Medications: &MedicationFilter{Start: "2026-02-30"}}, []string{"selection.medications.start_date selection.date.whole"}},
		{"medications from a time", "1.6.2", Selection{Medications: &MedicationFilter{Start: "2026-07-01T00:00:00Z"}}, []string{"selection.medications.start_date selection.date.whole"}},

		{"consultations of one day", "1.6.2", Selection{Consultations: &ConsultationFilter{Period: Period{"2026-07-15", "2026-07-15"}}}, nil},
		{"consultations reversed", "1.6.2", Selection{Consultations: &ConsultationFilter{Period: Period{"2026-07-15", "2026-07-14"}}}, []string{"selection.consultations.start_date selection.period.order"}},
		{"consultations to tomorrow", "1.6.2", Selection{Consultations: &ConsultationFilter{Period: Period{"", "2026-07-16"}}}, []string{"selection.consultations.end_date selection.date.past"}},
		{"the last ten consultations", "1.6.2", Selection{Consultations: &ConsultationFilter{MostRecent: 10}}, nil},
		{"both filters of consultations", "1.6.2", Selection{Consultations: &ConsultationFilter{MostRecent: 1, Period: Period{Start: "2026-01-01"}}}, []string{"selection.consultations.most_recent selection.exclusive"}},
		{"fewer than no consultations", "1.6.2", Selection{Consultations: &ConsultationFilter{MostRecent: -1}}, []string{"selection.consultations.most_recent selection.positive"}},

		{"uncategorised by period", "1.6.2", Selection{Uncategorised: &Period{Start: "2026-01-01"}}, nil},
		{"uncategorised badly", "1.6.2", Selection{Uncategorised: &Period{Start: "x", End: "2027-01-01"}}, []string{"selection.uncategorised.start_date selection.date.whole", "selection.uncategorised.end_date selection.date.past"}},
		{"investigations reversed", "1.6.2", Selection{Investigations: &Period{"2026-02-01", "2026-01-01"}}, []string{"selection.investigations.start_date selection.period.order"}},
		{"referrals in the future", "1.6.2", Selection{Referrals: &Period{Start: "2026-08-01"}}, []string{"selection.referrals.start_date selection.date.past"}},
		{"diary until today", "1.6.2", Selection{Diary: &DiaryFilter{"2026-07-15"}}, nil},
		{"diary until yesterday", "1.6.2", Selection{Diary: &DiaryFilter{"2026-07-14"}}, []string{"selection.diary.due_until selection.date.future"}},

		{"problems by status", "1.6.2", Selection{Problems: []ProblemFilter{{Status: "active"}}}, nil},
		{"problems by another status", "1.6.2", Selection{Problems: []ProblemFilter{{Status: "Active"}}}, []string{"selection.problems[0].status selection.code"}},
		{"significance at 1.6.2", "1.6.2", Selection{Problems: []ProblemFilter{{Significance: "major"}}}, []string{"selection.problems[0].significance selection.version"}},
		{"significance at 1.6.1", "1.6.1", Selection{Problems: []ProblemFilter{{Significance: "major"}}}, nil},
		{"significance at an unknown version", "", Selection{Problems: []ProblemFilter{{Significance: "major"}}}, []string{"selection.problems[0].significance selection.version"}},
		{"another significance", "1.5.1", Selection{Problems: []ProblemFilter{{Significance: "big"}}}, []string{"selection.problems[0].significance selection.code"}},
		{"problems twice at 1.5.1", "1.5.1", Selection{Problems: []ProblemFilter{{"active", "major"}, {"inactive", "major"}}}, nil},
		{"problems twice at 1.6.2", "1.6.2", Selection{Problems: []ProblemFilter{{Status: "active"}, {Status: "inactive"}}}, []string{"selection.problems selection.version"}},

		{"every filter beside consultations", "1.6.2", Selection{
			Consultations: &ConsultationFilter{}, Medications: &MedicationFilter{Start: "2026-01-01"}, Uncategorised: &Period{Start: "2026-01-01"},
			Investigations: &Period{Start: "2026-01-01"}, Referrals: &Period{End: "2026-01-01"}, Diary: &DiaryFilter{"2026-08-01"},
			Immunisations: &ImmunisationFilter{IncludeNotGiven: true, ExcludeStatus: true}, Problems: []ProblemFilter{{Status: "active"}},
		}, []string{
			"selection.medications.start_date selection.combination", "selection.uncategorised selection.combination",
			"selection.investigations selection.combination", "selection.referrals selection.combination",
			"selection.diary.due_until selection.combination", "selection.immunisations.include_not_given selection.combination",
			"selection.immunisations.exclude_status selection.combination", "selection.problems[0].status selection.combination",
		}},
		{"every filter beside problems", "1.6.2", Selection{
			Problems: []ProblemFilter{{Status: "active"}}, Medications: &MedicationFilter{Start: "2026-01-01"}, Uncategorised: &Period{Start: "2026-01-01"},
			Referrals: &Period{End: "2026-01-01"}, Diary: &DiaryFilter{"2026-08-01"}, Immunisations: &ImmunisationFilter{IncludeNotGiven: true, ExcludeStatus: true},
		}, []string{
			"selection.medications.start_date selection.combination", "selection.uncategorised selection.combination",
			"selection.referrals selection.combination", "selection.diary.due_until selection.combination",
			"selection.immunisations.include_not_given selection.combination", "selection.immunisations.exclude_status selection.combination",
		}},
		{"not given alone", "1.6.2", Selection{Immunisations: &ImmunisationFilter{IncludeNotGiven: true}}, nil},
		{"issues and ended allergies left out beside consultations", "1.6.2", Selection{
			Consultations: &ConsultationFilter{}, Medications: &MedicationFilter{ExcludeIssues: true}, Allergies: &AllergyFilter{ExcludeEnded: true},
		}, nil},

		{"the first predefined combination", "1.6.2", predefined, nil},
		{"the second predefined combination", "1.6.2", longer, nil},
		{"half of the second", "1.6.2", between, []string{"selection.medications.start_date selection.combination"}},
		{"the second with a filter", "1.6.2", filtered, []string{"selection.medications.start_date selection.combination", "selection.uncategorised selection.combination"}},
		{"a predefined combination before it was one", "1.6.1", predefined, []string{"selection.medications.start_date selection.combination"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			if err := tt.s.Check(ParseVersion(tt.version), noon); err != nil {
				for _, v := range fault.Of(err).Violations {
					got = append(got, v.GetField()+" "+v.GetRule())
				}
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectionKnowsTheUKsToday(t *testing.T) {
	s := Selection{Medications: &MedicationFilter{Start: "2026-07-16"}}
	// Half past eleven at night in UTC is tomorrow in a British summer.
	if err := s.Check(Version{}, time.Date(2026, time.July, 15, 23, 30, 0, 0, time.UTC)); err != nil {
		t.Errorf("today was refused: %v", err)
	}
	if err := s.Check(Version{}, time.Date(2026, time.July, 15, 22, 30, 0, 0, time.UTC)); err == nil {
		t.Error("tomorrow was accepted")
	}
}

func TestEverythingByVersion(t *testing.T) {
	all := Areas()[:9]
	for version, want := range map[string][]Area{
		"1.2.0": {Allergies, Medications}, "1.2.7": {Allergies, Medications}, "1.5.0": all, "1.6.2-beta": all, "2.0": all, "": all, "draft": all,
	} {
		s := Everything(ParseVersion(version))
		if diff := cmp.Diff(want, s.Requested()); diff != "" {
			t.Errorf("version %q (-want +got):\n%s", version, diff)
		}
		if s.Immunisations != nil && !s.ExcludesNotGiven() {
			t.Errorf("version %q: not-given immunisations are asked for beside consultations", version)
		}
	}
}

func TestSelectionEncoding(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    Selection
		want string
	}{
		{
			"everything at 1.6.2: the widest request of the contract", Everything(ParseVersion("1.6.2")),
			`{"name":"includeAllergies","part":[{"name":"includeResolvedAllergies","valueBoolean":true}]},` +
				`{"name":"includeMedication","part":[{"name":"includePrescriptionIssues","valueBoolean":true}]},` +
				`{"name":"includeConsultations"},{"name":"includeProblems"},{"name":"includeImmunisations"},` +
				`{"name":"includeUncategorisedData"},{"name":"includeInvestigations"},{"name":"includeReferrals"},{"name":"includeDiaryEntries"}`,
		},
		{
			"every filter",
			Selection{
				Allergies: &AllergyFilter{ExcludeEnded: true}, Medications: &MedicationFilter{ExcludeIssues: true, Start: "2025-01-02"},
				Consultations: &ConsultationFilter{Period: Period{"2025-01-01", "2025-02-01"}},
				Problems:      []ProblemFilter{{"active", "major"}, {"", "minor"}},
				Immunisations: &ImmunisationFilter{IncludeNotGiven: true, ExcludeStatus: true},
				Uncategorised: &Period{Start: "2025-01-01"}, Investigations: &Period{End: "2025-01-01"}, Referrals: &Period{"2025-01-01", "2025-02-01"},
				Diary: &DiaryFilter{"2027-01-01"},
			},
			`{"name":"includeAllergies","part":[{"name":"includeResolvedAllergies","valueBoolean":false}]},` +
				`{"name":"includeMedication","part":[{"name":"includePrescriptionIssues","valueBoolean":false},{"name":"medicationSearchFromDate","valueDate":"2025-01-02"}]},` +
				`{"name":"includeConsultations","part":[{"name":"consultationSearchPeriod","valuePeriod":{"start":"2025-01-01","end":"2025-02-01"}}]},` +
				`{"name":"includeProblems","part":[{"name":"filterStatus","valueCode":"active"},{"name":"filterSignificance","valueCode":"major"}]},` +
				`{"name":"includeProblems","part":[{"name":"filterSignificance","valueCode":"minor"}]},` +
				`{"name":"includeImmunisations","part":[{"name":"includeNotGiven","valueBoolean":true},{"name":"includeStatus","valueBoolean":false}]},` +
				`{"name":"includeUncategorisedData","part":[{"name":"uncategorisedDataSearchPeriod","valuePeriod":{"start":"2025-01-01"}}]},` +
				`{"name":"includeInvestigations","part":[{"name":"investigationSearchPeriod","valuePeriod":{"end":"2025-01-01"}}]},` +
				`{"name":"includeReferrals","part":[{"name":"referralSearchPeriod","valuePeriod":{"start":"2025-01-01","end":"2025-02-01"}}]},` +
				`{"name":"includeDiaryEntries","part":[{"name":"diaryEntriesSearchDate","valueDate":"2027-01-01"}]}`,
		},
		{
			"the last three consultations",
			Selection{Consultations: &ConsultationFilter{MostRecent: 3}},
			`{"name":"includeConsultations","part":[{"name":"includeNumberOfMostRecent","valuePositiveInt":3}]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.s.encode(number(t, askedDigits))
			if err != nil {
				t.Fatal(err)
			}
			want := `{"resourceType":"Parameters","parameter":[{"name":"patientNHSNumber","valueIdentifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` +
				askedDigits + `"}},` + tt.want + `]}`
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}
