package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type diagnosticReport struct {
	head
	Identifier list[identifier] `json:"identifier"`
	BasedOn    list[reference]  `json:"basedOn"`
	Status     text             `json:"status"`
	Category   *concept         `json:"category"`
	Code       *concept         `json:"code"`
	Subject    *reference       `json:"subject"`
	Context    *reference       `json:"context"`
	effective
	Issued         text            `json:"issued"`
	Performer      list[actor]     `json:"performer"`
	Specimen       list[reference] `json:"specimen"`
	Result         list[reference] `json:"result"`
	Conclusion     text            `json:"conclusion"`
	CodedDiagnosis list[concept]   `json:"codedDiagnosis"`
}

func (r *diagnosticReport) form(e *pb.RecordEntry) error {
	if err := choice(r.EffectiveDateTime != "", r.EffectivePeriod != nil); err != nil {
		return err
	}
	m := &pb.DiagnosticReport{
		Identifier: identifiers(r.Identifier),
		BasedOn:    references(r.BasedOn),
		Category:   clinicalCode(r.Category),
		Code:       clinicalCode(r.Code),
		Subject:    resourceReference(r.Subject),
		Context:    resourceReference(r.Context),
		Issued:     clinicalDate(r.Issued),
		Performer: each(r.Performer, func(a *actor) *pb.ReportPerformer {
			return &pb.ReportPerformer{Role: clinicalCode(a.Role), Actor: resourceReference(a.Actor)}
		}),
		Specimen:       references(r.Specimen),
		Result:         references(r.Result),
		Conclusion:     optional(r.Conclusion),
		CodedDiagnosis: clinicalCodes(r.CodedDiagnosis),
	}
	m.Status, m.StatusCode = status[pb.DiagnosticReportStatus](
		pb.DiagnosticReportStatus_value, "DIAGNOSTIC_REPORT_STATUS_", r.Status)
	switch {
	case r.EffectiveDateTime != "":
		m.Effective = &pb.DiagnosticReport_EffectiveDateTime{EffectiveDateTime: clinicalDate(r.EffectiveDateTime)}
	case r.EffectivePeriod != nil:
		m.Effective = &pb.DiagnosticReport_EffectivePeriod{EffectivePeriod: clinicalPeriod(r.EffectivePeriod)}
	}
	e.Typed = &pb.RecordEntry_DiagnosticReport{DiagnosticReport: m}
	return nil
}

type specimen struct {
	head
	Identifier          list[identifier] `json:"identifier"`
	AccessionIdentifier *identifier      `json:"accessionIdentifier"`
	Status              text             `json:"status"`
	Type                *concept         `json:"type"`
	Subject             *reference       `json:"subject"`
	ReceivedTime        text             `json:"receivedTime"`
	Parent              list[reference]  `json:"parent"`
	Request             list[reference]  `json:"request"`
	Collection          *collection      `json:"collection"`
	Note                list[annotation] `json:"note"`
}

type collection struct {
	Collector         *reference      `json:"collector"`
	CollectedDateTime text            `json:"collectedDateTime"`
	CollectedPeriod   *period         `json:"collectedPeriod"`
	Quantity          *quantity       `json:"quantity"`
	Method            *concept        `json:"method"`
	BodySite          *concept        `json:"bodySite"`
	Extension         list[extension] `json:"extension"`
}

func (s *specimen) form(e *pb.RecordEntry) error {
	taken, err := s.Collection.message()
	if err != nil {
		return err
	}
	m := &pb.Specimen{
		Identifier:          identifiers(s.Identifier),
		AccessionIdentifier: resourceIdentifier(s.AccessionIdentifier),
		Type:                clinicalCode(s.Type),
		Subject:             resourceReference(s.Subject),
		ReceivedTime:        clinicalDate(s.ReceivedTime),
		Parent:              references(s.Parent),
		Request:             references(s.Request),
		Collection:          taken,
		FastingStatus:       clinicalCode(s.fasting()),
		Note:                annotations(s.Note),
	}
	m.Status, m.StatusCode = status[pb.SpecimenStatus](pb.SpecimenStatus_value, "SPECIMEN_STATUS_", s.Status)
	e.Typed = &pb.RecordEntry_Specimen{Specimen: m}
	return nil
}

func (s *specimen) fasting() *concept {
	const name = "Extension-CareConnect-FastingStatus-1"
	if s.Collection != nil {
		if x := find(s.Collection.Extension, name); x != nil {
			return x.ValueCodeableConcept
		}
	}
	return value(s.Extension, name).ValueCodeableConcept
}

func (c *collection) message() (*pb.SpecimenCollection, error) {
	if c == nil {
		return nil, nil
	}
	if err := choice(c.CollectedDateTime != "", c.CollectedPeriod != nil); err != nil {
		return nil, err
	}
	m := &pb.SpecimenCollection{
		Collector: resourceReference(c.Collector),
		Quantity:  quantityMessage(c.Quantity),
		Method:    clinicalCode(c.Method),
		BodySite:  clinicalCode(c.BodySite),
	}
	switch {
	case c.CollectedDateTime != "":
		m.Collected = &pb.SpecimenCollection_CollectedDateTime{CollectedDateTime: clinicalDate(c.CollectedDateTime)}
	case c.CollectedPeriod != nil:
		m.Collected = &pb.SpecimenCollection_CollectedPeriod{CollectedPeriod: clinicalPeriod(c.CollectedPeriod)}
	}
	return m, nil
}
