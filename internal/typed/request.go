package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

// occurrence is when something is to be done.
type occurrence struct {
	OccurrenceDateTime text       `json:"occurrenceDateTime"`
	OccurrencePeriod   *period    `json:"occurrencePeriod"`
	OccurrenceTiming   unmodelled `json:"occurrenceTiming"`
}

func (o *occurrence) check() error {
	return choice(o.OccurrenceDateTime != "", o.OccurrencePeriod != nil)
}

func intent(c text) (pb.RequestIntent, string) {
	return status[pb.RequestIntent](pb.RequestIntent_value, "REQUEST_INTENT_", c)
}

func priority(c text) (pb.RequestPriority, string) {
	return status[pb.RequestPriority](pb.RequestPriority_value, "REQUEST_PRIORITY_", c)
}

// procedureRequest leaves its status out, as the form does (hazard 76).
type procedureRequest struct {
	head
	Identifier   list[identifier] `json:"identifier"`
	BasedOn      list[reference]  `json:"basedOn"`
	Intent       text             `json:"intent"`
	Priority     text             `json:"priority"`
	DoNotPerform stated           `json:"doNotPerform"`
	Category     list[concept]    `json:"category"`
	Code         *concept         `json:"code"`
	Subject      *reference       `json:"subject"`
	Context      *reference       `json:"context"`
	occurrence
	AuthoredOn      text             `json:"authoredOn"`
	Requester       *requestAgent    `json:"requester"`
	Performer       *reference       `json:"performer"`
	ReasonCode      list[concept]    `json:"reasonCode"`
	ReasonReference list[reference]  `json:"reasonReference"`
	SupportingInfo  list[reference]  `json:"supportingInfo"`
	Specimen        list[reference]  `json:"specimen"`
	BodySite        list[concept]    `json:"bodySite"`
	Note            list[annotation] `json:"note"`
}

func (r *procedureRequest) form(e *pb.RecordEntry) error {
	if err := r.check(); err != nil {
		return err
	}
	m := &pb.ProcedureRequest{
		Identifier:      identifiers(r.Identifier),
		BasedOn:         references(r.BasedOn),
		DoNotPerform:    pb.Stated(r.DoNotPerform),
		Category:        clinicalCodes(r.Category),
		Code:            clinicalCode(r.Code),
		Subject:         resourceReference(r.Subject),
		Context:         resourceReference(r.Context),
		AuthoredOn:      clinicalDate(r.AuthoredOn),
		Requester:       agentMessage(r.Requester),
		Performer:       resourceReference(r.Performer),
		ReasonCode:      clinicalCodes(r.ReasonCode),
		ReasonReference: references(r.ReasonReference),
		SupportingInfo:  references(r.SupportingInfo),
		Specimen:        references(r.Specimen),
		BodySite:        clinicalCodes(r.BodySite),
		Note:            annotations(r.Note),
	}
	m.Intent, m.IntentCode = intent(r.Intent)
	m.Priority, m.PriorityCode = priority(r.Priority)
	switch {
	case r.OccurrenceDateTime != "":
		m.Occurrence = &pb.ProcedureRequest_OccurrenceDateTime{OccurrenceDateTime: clinicalDate(r.OccurrenceDateTime)}
	case r.OccurrencePeriod != nil:
		m.Occurrence = &pb.ProcedureRequest_OccurrencePeriod{OccurrencePeriod: clinicalPeriod(r.OccurrencePeriod)}
	}
	e.Typed = &pb.RecordEntry_ProcedureRequest{ProcedureRequest: m}
	return nil
}

type referralRequest struct {
	head
	Identifier       list[identifier] `json:"identifier"`
	BasedOn          list[reference]  `json:"basedOn"`
	GroupIdentifier  *identifier      `json:"groupIdentifier"`
	Status           text             `json:"status"`
	Intent           text             `json:"intent"`
	Type             *concept         `json:"type"`
	Priority         text             `json:"priority"`
	ServiceRequested list[concept]    `json:"serviceRequested"`
	Subject          *reference       `json:"subject"`
	Context          *reference       `json:"context"`
	occurrence
	AuthoredOn      text             `json:"authoredOn"`
	Requester       *requestAgent    `json:"requester"`
	Specialty       *concept         `json:"specialty"`
	Recipient       list[reference]  `json:"recipient"`
	ReasonCode      list[concept]    `json:"reasonCode"`
	ReasonReference list[reference]  `json:"reasonReference"`
	Description     text             `json:"description"`
	SupportingInfo  list[reference]  `json:"supportingInfo"`
	Note            list[annotation] `json:"note"`
}

func (r *referralRequest) form(e *pb.RecordEntry) error {
	if err := r.check(); err != nil {
		return err
	}
	m := &pb.ReferralRequest{
		Identifier:       identifiers(r.Identifier),
		BasedOn:          references(r.BasedOn),
		GroupIdentifier:  resourceIdentifier(r.GroupIdentifier),
		Type:             clinicalCode(r.Type),
		ServiceRequested: clinicalCodes(r.ServiceRequested),
		Subject:          resourceReference(r.Subject),
		Context:          resourceReference(r.Context),
		AuthoredOn:       clinicalDate(r.AuthoredOn),
		Requester:        agentMessage(r.Requester),
		Specialty:        clinicalCode(r.Specialty),
		Recipient:        references(r.Recipient),
		ReasonCode:       clinicalCodes(r.ReasonCode),
		ReasonReference:  references(r.ReasonReference),
		Description:      optional(r.Description),
		SupportingInfo:   references(r.SupportingInfo),
		Note:             annotations(r.Note),
	}
	m.Status, m.StatusCode = status[pb.ReferralStatus](pb.ReferralStatus_value, "REFERRAL_STATUS_", r.Status)
	m.Intent, m.IntentCode = intent(r.Intent)
	m.Priority, m.PriorityCode = priority(r.Priority)
	switch {
	case r.OccurrenceDateTime != "":
		m.Occurrence = &pb.ReferralRequest_OccurrenceDateTime{OccurrenceDateTime: clinicalDate(r.OccurrenceDateTime)}
	case r.OccurrencePeriod != nil:
		m.Occurrence = &pb.ReferralRequest_OccurrencePeriod{OccurrencePeriod: clinicalPeriod(r.OccurrencePeriod)}
	}
	e.Typed = &pb.RecordEntry_ReferralRequest{ReferralRequest: m}
	return nil
}
