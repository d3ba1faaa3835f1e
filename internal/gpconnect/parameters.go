package gpconnect

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/nhs"
)

// nhsNumberSystem is what STU3 calls the NHS number.
const nhsNumberSystem = "https://fhir.nhs.uk/Id/nhs-number"

// parameters is the resource that an operation is asked with (gpconnect.md, 5).
type parameters struct {
	ResourceType string      `json:"resourceType"`
	Parameter    []parameter `json:"parameter"`
}

type parameter struct {
	Name       string      `json:"name"`
	Identifier *identifier `json:"valueIdentifier,omitempty"`
	Boolean    *bool       `json:"valueBoolean,omitempty"`
	Integer    int         `json:"valuePositiveInt,omitzero"`
	Code       string      `json:"valueCode,omitempty"`
	Date       string      `json:"valueDate,omitempty"`
	Period     *period     `json:"valuePeriod,omitempty"`
	Part       []parameter `json:"part,omitempty"`
}

type identifier struct {
	System string `json:"system,omitempty"`
	Value  string `json:"value,omitempty"`
}

type period struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

// encode writes the request for one patient. Whatever has a default that sources disagree about is written out.
func (s Selection) encode(number nhs.Number) ([]byte, error) {
	p := parameters{ResourceType: "Parameters", Parameter: []parameter{
		{Name: "patientNHSNumber", Identifier: &identifier{System: nhsNumberSystem, Value: number.Digits()}},
	}}
	area := func(a Area, parts ...parameter) {
		p.Parameter = append(p.Parameter, parameter{Name: a.parameter(), Part: parts})
	}
	if s.Allergies != nil {
		area(Allergies, boolean("includeResolvedAllergies", !s.Allergies.ExcludeEnded))
	}
	if s.Medications != nil {
		parts := []parameter{boolean("includePrescriptionIssues", !s.Medications.ExcludeIssues)}
		area(Medications, append(parts, date("medicationSearchFromDate", s.Medications.Start)...)...)
	}
	if s.Consultations != nil {
		parts := searchPeriod("consultationSearchPeriod", s.Consultations.Period)
		if n := s.Consultations.MostRecent; n > 0 {
			parts = append(parts, parameter{Name: "includeNumberOfMostRecent", Integer: n})
		}
		area(Consultations, parts...)
	}
	for _, filter := range s.Problems {
		area(Problems, append(code("filterStatus", filter.Status), code("filterSignificance", filter.Significance)...)...)
	}
	if s.Immunisations != nil {
		var parts []parameter
		if s.Immunisations.IncludeNotGiven {
			parts = append(parts, boolean("includeNotGiven", true))
		}
		if s.Immunisations.ExcludeStatus {
			parts = append(parts, boolean("includeStatus", false))
		}
		area(Immunisations, parts...)
	}
	if s.Uncategorised != nil {
		area(Uncategorised, searchPeriod("uncategorisedDataSearchPeriod", *s.Uncategorised)...)
	}
	if s.Investigations != nil {
		area(Investigations, searchPeriod("investigationSearchPeriod", *s.Investigations)...)
	}
	if s.Referrals != nil {
		area(Referrals, searchPeriod("referralSearchPeriod", *s.Referrals)...)
	}
	if s.Diary != nil {
		area(Diary, date("diaryEntriesSearchDate", s.Diary.DueUntil)...)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode the request for a structured record: %w", err)
	}
	return body, nil
}

func boolean(name string, value bool) parameter { return parameter{Name: name, Boolean: &value} }

func date(name, value string) []parameter {
	if value == "" {
		return nil
	}
	return []parameter{{Name: name, Date: value}}
}

func code(name, value string) []parameter {
	if value == "" {
		return nil
	}
	return []parameter{{Name: name, Code: value}}
}

func searchPeriod(name string, p Period) []parameter {
	if p == (Period{}) {
		return nil
	}
	return []parameter{{Name: name, Period: &period{Start: p.Start, End: p.End}}}
}
