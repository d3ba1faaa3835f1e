package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type condition struct {
	head
	Identifier         list[identifier] `json:"identifier"`
	ClinicalStatus     text             `json:"clinicalStatus"`
	VerificationStatus text             `json:"verificationStatus"`
	Category           list[concept]    `json:"category"`
	Code               *concept         `json:"code"`
	Subject            *reference       `json:"subject"`
	Context            *reference       `json:"context"`
	onset
	abatement
	AssertedDate text             `json:"assertedDate"`
	Asserter     *reference       `json:"asserter"`
	Note         list[annotation] `json:"note"`
}

// abatement is when, or that, a problem ended.
type abatement struct {
	AbatementDateTime text           `json:"abatementDateTime"`
	AbatementAge      *quantity      `json:"abatementAge"`
	AbatementBoolean  stated         `json:"abatementBoolean"`
	AbatementPeriod   *period        `json:"abatementPeriod"`
	AbatementRange    *quantityRange `json:"abatementRange"`
	AbatementString   text           `json:"abatementString"`
}

func (a *abatement) check() error {
	return choice(a.AbatementDateTime != "", a.AbatementAge != nil, a.AbatementBoolean != 0, a.AbatementPeriod != nil,
		a.AbatementRange != nil, a.AbatementString != "")
}

func (c *condition) form(e *pb.RecordEntry) error {
	if err := c.onset.check(); err != nil {
		return err
	}
	if err := c.abatement.check(); err != nil {
		return err
	}
	m := &pb.Condition{
		Identifier:           identifiers(c.Identifier),
		Category:             clinicalCodes(c.Category),
		Code:                 clinicalCode(c.Code),
		Subject:              resourceReference(c.Subject),
		Context:              resourceReference(c.Context),
		AssertedDate:         clinicalDate(c.AssertedDate),
		Asserter:             resourceReference(c.Asserter),
		Note:                 annotations(c.Note),
		ActualProblem:        resourceReference(value(c.Extension, "Extension-CareConnect-ActualProblem-1").ValueReference),
		RelatedProblemHeader: relatedProblems(c.Extension),
	}
	for i := range c.Extension {
		if x := &c.Extension[i]; x.is("Extension-CareConnect-RelatedClinicalContent-1") && x.ValueReference != nil {
			m.RelatedClinicalContent = append(m.RelatedClinicalContent, resourceReference(x.ValueReference))
		}
	}
	m.ClinicalStatus, m.ClinicalStatusCode = status[pb.ConditionClinicalStatus](
		pb.ConditionClinicalStatus_value, "CONDITION_CLINICAL_STATUS_", c.ClinicalStatus)
	m.VerificationStatus, m.VerificationStatusCode = status[pb.ConditionVerificationStatus](
		pb.ConditionVerificationStatus_value, "CONDITION_VERIFICATION_STATUS_", c.VerificationStatus)
	m.ProblemSignificance, m.ProblemSignificanceCode = status[pb.ProblemSignificance](
		pb.ProblemSignificance_value, "PROBLEM_SIGNIFICANCE_",
		text(value(c.Extension, "Extension-CareConnect-ProblemSignificance-1").ValueCode))
	c.onset.into(m)
	c.abatement.into(m)
	e.Typed = &pb.RecordEntry_Condition{Condition: m}
	return nil
}

func (o *onset) into(m *pb.Condition) {
	switch {
	case o.OnsetDateTime != "":
		m.Onset = &pb.Condition_OnsetDateTime{OnsetDateTime: clinicalDate(o.OnsetDateTime)}
	case o.OnsetAge != nil:
		m.Onset = &pb.Condition_OnsetAge{OnsetAge: quantityMessage(o.OnsetAge)}
	case o.OnsetPeriod != nil:
		m.Onset = &pb.Condition_OnsetPeriod{OnsetPeriod: clinicalPeriod(o.OnsetPeriod)}
	case o.OnsetRange != nil:
		m.Onset = &pb.Condition_OnsetRange{OnsetRange: rangeMessage(o.OnsetRange)}
	case o.OnsetString != "":
		m.Onset = &pb.Condition_OnsetString{OnsetString: string(o.OnsetString)}
	}
}

func (a *abatement) into(m *pb.Condition) {
	switch {
	case a.AbatementDateTime != "":
		m.Abatement = &pb.Condition_AbatementDateTime{AbatementDateTime: clinicalDate(a.AbatementDateTime)}
	case a.AbatementAge != nil:
		m.Abatement = &pb.Condition_AbatementAge{AbatementAge: quantityMessage(a.AbatementAge)}
	case a.AbatementBoolean != 0:
		m.Abatement = &pb.Condition_AbatementBoolean{AbatementBoolean: pb.Stated(a.AbatementBoolean)}
	case a.AbatementPeriod != nil:
		m.Abatement = &pb.Condition_AbatementPeriod{AbatementPeriod: clinicalPeriod(a.AbatementPeriod)}
	case a.AbatementRange != nil:
		m.Abatement = &pb.Condition_AbatementRange{AbatementRange: rangeMessage(a.AbatementRange)}
	case a.AbatementString != "":
		m.Abatement = &pb.Condition_AbatementString{AbatementString: string(a.AbatementString)}
	}
}
