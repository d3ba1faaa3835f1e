package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type allergyIntolerance struct {
	head
	Identifier         list[identifier] `json:"identifier"`
	ClinicalStatus     text             `json:"clinicalStatus"`
	VerificationStatus text             `json:"verificationStatus"`
	Type               text             `json:"type"`
	Category           list[text]       `json:"category"`
	Criticality        text             `json:"criticality"`
	Code               *concept         `json:"code"`
	Patient            *reference       `json:"patient"`
	onset
	AssertedDate   text             `json:"assertedDate"`
	Recorder       *reference       `json:"recorder"`
	Asserter       *reference       `json:"asserter"`
	LastOccurrence text             `json:"lastOccurrence"`
	Note           list[annotation] `json:"note"`
	Reaction       list[reaction]   `json:"reaction"`
}

// onset is when an allergy or a problem began.
type onset struct {
	OnsetDateTime text           `json:"onsetDateTime"`
	OnsetAge      *quantity      `json:"onsetAge"`
	OnsetPeriod   *period        `json:"onsetPeriod"`
	OnsetRange    *quantityRange `json:"onsetRange"`
	OnsetString   text           `json:"onsetString"`
}

func (o *onset) check() error {
	return choice(o.OnsetDateTime != "", o.OnsetAge != nil, o.OnsetPeriod != nil, o.OnsetRange != nil, o.OnsetString != "")
}

type reaction struct {
	Substance     *concept         `json:"substance"`
	Manifestation list[concept]    `json:"manifestation"`
	Description   text             `json:"description"`
	Onset         text             `json:"onset"`
	Severity      text             `json:"severity"`
	ExposureRoute *concept         `json:"exposureRoute"`
	Note          list[annotation] `json:"note"`
}

func (a *allergyIntolerance) form(e *pb.RecordEntry) error {
	m, err := a.message()
	e.Typed = &pb.RecordEntry_AllergyIntolerance{AllergyIntolerance: m}
	return err
}

func (a *allergyIntolerance) message() (*pb.AllergyIntolerance, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	m := &pb.AllergyIntolerance{
		Identifier:          identifiers(a.Identifier),
		Code:                clinicalCode(a.Code),
		Patient:             resourceReference(a.Patient),
		AssertedDate:        clinicalDate(a.AssertedDate),
		Recorder:            resourceReference(a.Recorder),
		Asserter:            resourceReference(a.Asserter),
		LastOccurrence:      clinicalDate(a.LastOccurrence),
		Note:                annotations(a.Note),
		Reaction:            each(a.Reaction, (*reaction).message),
		AssociatedEncounter: resourceReference(value(a.Extension, "encounter-associatedEncounter").ValueReference),
	}
	m.ClinicalStatus, m.ClinicalStatusCode = status[pb.AllergyClinicalStatus](
		pb.AllergyClinicalStatus_value, "ALLERGY_CLINICAL_STATUS_", a.ClinicalStatus)
	m.VerificationStatus, m.VerificationStatusCode = status[pb.AllergyVerificationStatus](
		pb.AllergyVerificationStatus_value, "ALLERGY_VERIFICATION_STATUS_", a.VerificationStatus)
	m.Type, m.TypeCode = status[pb.AllergyType](pb.AllergyType_value, "ALLERGY_TYPE_", a.Type)
	m.Criticality, m.CriticalityCode = status[pb.AllergyCriticality](
		pb.AllergyCriticality_value, "ALLERGY_CRITICALITY_", a.Criticality)
	for _, c := range a.Category {
		category, received := status[pb.AllergyCategory](pb.AllergyCategory_value, "ALLERGY_CATEGORY_", c)
		m.Category = append(m.Category, category)
		m.CategoryCode = append(m.CategoryCode, received)
	}
	if x := find(a.Extension, "Extension-CareConnect-AllergyIntoleranceEnd-1"); x != nil {
		m.AllergyIntoleranceEnd = &pb.AllergyEnd{
			EndDate:     clinicalDate(x.part("endDate").ValueDateTime),
			ReasonEnded: optional(x.part("reasonEnded").ValueString),
		}
	}
	switch {
	case a.OnsetDateTime != "":
		m.Onset = &pb.AllergyIntolerance_OnsetDateTime{OnsetDateTime: clinicalDate(a.OnsetDateTime)}
	case a.OnsetAge != nil:
		m.Onset = &pb.AllergyIntolerance_OnsetAge{OnsetAge: quantityMessage(a.OnsetAge)}
	case a.OnsetPeriod != nil:
		m.Onset = &pb.AllergyIntolerance_OnsetPeriod{OnsetPeriod: clinicalPeriod(a.OnsetPeriod)}
	case a.OnsetRange != nil:
		m.Onset = &pb.AllergyIntolerance_OnsetRange{OnsetRange: rangeMessage(a.OnsetRange)}
	case a.OnsetString != "":
		m.Onset = &pb.AllergyIntolerance_OnsetString{OnsetString: string(a.OnsetString)}
	}
	return m, nil
}

func (r *reaction) message() *pb.AllergyReaction {
	m := &pb.AllergyReaction{
		Substance:     clinicalCode(r.Substance),
		Manifestation: clinicalCodes(r.Manifestation),
		Description:   optional(r.Description),
		Onset:         clinicalDate(r.Onset),
		ExposureRoute: clinicalCode(r.ExposureRoute),
		Note:          annotations(r.Note),
	}
	m.Severity, m.SeverityCode = status[pb.AllergySeverity](pb.AllergySeverity_value, "ALLERGY_SEVERITY_", r.Severity)
	return m
}
