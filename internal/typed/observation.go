package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type observation struct {
	head
	Identifier list[identifier] `json:"identifier"`
	BasedOn    list[reference]  `json:"basedOn"`
	Status     text             `json:"status"`
	Category   list[concept]    `json:"category"`
	Code       *concept         `json:"code"`
	Subject    *reference       `json:"subject"`
	Context    *reference       `json:"context"`
	effective
	Issued       text            `json:"issued"`
	Performer    list[reference] `json:"performer"`
	ValueBoolean stated          `json:"valueBoolean"`
	finding
	Comment   text            `json:"comment"`
	BodySite  *concept        `json:"bodySite"`
	Method    *concept        `json:"method"`
	Specimen  *reference      `json:"specimen"`
	Related   list[related]   `json:"related"`
	Component list[component] `json:"component"`
}

// finding is what an observation and its components share.
type finding struct {
	ValueQuantity        *quantity            `json:"valueQuantity"`
	ValueCodeableConcept *concept             `json:"valueCodeableConcept"`
	ValueString          text                 `json:"valueString"`
	ValueRange           *quantityRange       `json:"valueRange"`
	ValueRatio           *ratio               `json:"valueRatio"`
	ValueTime            text                 `json:"valueTime"`
	ValueDateTime        text                 `json:"valueDateTime"`
	ValuePeriod          *period              `json:"valuePeriod"`
	ValueAttachment      *attachment          `json:"valueAttachment"`
	ValueSampledData     unmodelled           `json:"valueSampledData"`
	DataAbsentReason     *concept             `json:"dataAbsentReason"`
	Interpretation       *concept             `json:"interpretation"`
	ReferenceRange       list[referenceRange] `json:"referenceRange"`
}

func (f *finding) check(more bool) error {
	return choice(more, f.ValueQuantity != nil, f.ValueCodeableConcept != nil, f.ValueString != "", f.ValueRange != nil,
		f.ValueRatio != nil, f.ValueTime != "", f.ValueDateTime != "", f.ValuePeriod != nil, f.ValueAttachment != nil)
}

type referenceRange struct {
	Low       *quantity      `json:"low"`
	High      *quantity      `json:"high"`
	Type      *concept       `json:"type"`
	AppliesTo list[concept]  `json:"appliesTo"`
	Age       *quantityRange `json:"age"`
	Text      text           `json:"text"`
}

type related struct {
	Type   text       `json:"type"`
	Target *reference `json:"target"`
}

type component struct {
	Code *concept `json:"code"`
	finding
}

func (o *observation) form(e *pb.RecordEntry) error {
	if err := choice(o.EffectiveDateTime != "", o.EffectivePeriod != nil); err != nil {
		return err
	}
	if err := o.check(o.ValueBoolean != 0); err != nil {
		return err
	}
	components, err := tryEach(o.Component, (*component).message)
	if err != nil {
		return err
	}
	m := &pb.Observation{
		Identifier:       identifiers(o.Identifier),
		BasedOn:          references(o.BasedOn),
		Category:         clinicalCodes(o.Category),
		Code:             clinicalCode(o.Code),
		Subject:          resourceReference(o.Subject),
		Context:          resourceReference(o.Context),
		Issued:           clinicalDate(o.Issued),
		Performer:        references(o.Performer),
		DataAbsentReason: clinicalCode(o.DataAbsentReason),
		Interpretation:   clinicalCode(o.Interpretation),
		Comment:          optional(o.Comment),
		BodySite:         clinicalCode(o.BodySite),
		Method:           clinicalCode(o.Method),
		Specimen:         resourceReference(o.Specimen),
		ReferenceRange:   each(o.ReferenceRange, (*referenceRange).message),
		Related:          each(o.Related, (*related).message),
		Component:        components,
	}
	m.Status, m.StatusCode = status[pb.ObservationStatus](pb.ObservationStatus_value, "OBSERVATION_STATUS_", o.Status)
	switch {
	case o.EffectiveDateTime != "":
		m.Effective = &pb.Observation_EffectiveDateTime{EffectiveDateTime: clinicalDate(o.EffectiveDateTime)}
	case o.EffectivePeriod != nil:
		m.Effective = &pb.Observation_EffectivePeriod{EffectivePeriod: clinicalPeriod(o.EffectivePeriod)}
	}
	o.valueInto(m)
	e.Typed = &pb.RecordEntry_Observation{Observation: m}
	return nil
}

func (o *observation) valueInto(m *pb.Observation) {
	switch {
	case o.ValueBoolean != 0:
		m.Value = &pb.Observation_ValueBoolean{ValueBoolean: pb.Stated(o.ValueBoolean)}
	case o.ValueQuantity != nil:
		m.Value = &pb.Observation_ValueQuantity{ValueQuantity: quantityMessage(o.ValueQuantity)}
	case o.ValueCodeableConcept != nil:
		m.Value = &pb.Observation_ValueCodeableConcept{ValueCodeableConcept: clinicalCode(o.ValueCodeableConcept)}
	case o.ValueString != "":
		m.Value = &pb.Observation_ValueString{ValueString: string(o.ValueString)}
	case o.ValueRange != nil:
		m.Value = &pb.Observation_ValueRange{ValueRange: rangeMessage(o.ValueRange)}
	case o.ValueRatio != nil:
		m.Value = &pb.Observation_ValueRatio{ValueRatio: ratioMessage(o.ValueRatio)}
	case o.ValueTime != "":
		m.Value = &pb.Observation_ValueTime{ValueTime: string(o.ValueTime)}
	case o.ValueDateTime != "":
		m.Value = &pb.Observation_ValueDateTime{ValueDateTime: clinicalDate(o.ValueDateTime)}
	case o.ValuePeriod != nil:
		m.Value = &pb.Observation_ValuePeriod{ValuePeriod: clinicalPeriod(o.ValuePeriod)}
	case o.ValueAttachment != nil:
		m.Value = &pb.Observation_ValueAttachment{ValueAttachment: attachmentMessage(o.ValueAttachment)}
	}
}

func (c *component) message() (*pb.ObservationComponent, error) {
	if err := c.check(false); err != nil {
		return nil, err
	}
	m := &pb.ObservationComponent{
		Code:             clinicalCode(c.Code),
		DataAbsentReason: clinicalCode(c.DataAbsentReason),
		Interpretation:   clinicalCode(c.Interpretation),
		ReferenceRange:   each(c.ReferenceRange, (*referenceRange).message),
	}
	switch {
	case c.ValueQuantity != nil:
		m.Value = &pb.ObservationComponent_ValueQuantity{ValueQuantity: quantityMessage(c.ValueQuantity)}
	case c.ValueCodeableConcept != nil:
		m.Value = &pb.ObservationComponent_ValueCodeableConcept{ValueCodeableConcept: clinicalCode(c.ValueCodeableConcept)}
	case c.ValueString != "":
		m.Value = &pb.ObservationComponent_ValueString{ValueString: string(c.ValueString)}
	case c.ValueRange != nil:
		m.Value = &pb.ObservationComponent_ValueRange{ValueRange: rangeMessage(c.ValueRange)}
	case c.ValueRatio != nil:
		m.Value = &pb.ObservationComponent_ValueRatio{ValueRatio: ratioMessage(c.ValueRatio)}
	case c.ValueTime != "":
		m.Value = &pb.ObservationComponent_ValueTime{ValueTime: string(c.ValueTime)}
	case c.ValueDateTime != "":
		m.Value = &pb.ObservationComponent_ValueDateTime{ValueDateTime: clinicalDate(c.ValueDateTime)}
	case c.ValuePeriod != nil:
		m.Value = &pb.ObservationComponent_ValuePeriod{ValuePeriod: clinicalPeriod(c.ValuePeriod)}
	case c.ValueAttachment != nil:
		m.Value = &pb.ObservationComponent_ValueAttachment{ValueAttachment: attachmentMessage(c.ValueAttachment)}
	}
	return m, nil
}

func (r *referenceRange) message() *pb.ObservationReferenceRange {
	return &pb.ObservationReferenceRange{
		Low:       quantityMessage(r.Low),
		High:      quantityMessage(r.High),
		Type:      clinicalCode(r.Type),
		AppliesTo: clinicalCodes(r.AppliesTo),
		Age:       rangeMessage(r.Age),
		Text:      optional(r.Text),
	}
}

func (r *related) message() *pb.ObservationRelated {
	m := &pb.ObservationRelated{Target: resourceReference(r.Target)}
	m.Type, m.TypeCode = status[pb.ObservationRelation](pb.ObservationRelation_value, "OBSERVATION_RELATION_", r.Type)
	return m
}
