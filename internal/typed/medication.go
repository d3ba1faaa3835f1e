package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

// medicine is the choice of what a statement or request is about.
type medicine struct {
	MedicationReference       *reference `json:"medicationReference"`
	MedicationCodeableConcept *concept   `json:"medicationCodeableConcept"`
}

type medicationStatement struct {
	head
	Identifier list[identifier] `json:"identifier"`
	BasedOn    list[reference]  `json:"basedOn"`
	Context    *reference       `json:"context"`
	Status     text             `json:"status"`
	medicine
	effective
	DateAsserted    text             `json:"dateAsserted"`
	Subject         *reference       `json:"subject"`
	Taken           text             `json:"taken"`
	ReasonCode      list[concept]    `json:"reasonCode"`
	ReasonReference list[reference]  `json:"reasonReference"`
	Note            list[annotation] `json:"note"`
	Dosage          list[dosage]     `json:"dosage"`
}

// effective is the time that a statement or an observation is about.
type effective struct {
	EffectiveDateTime text    `json:"effectiveDateTime"`
	EffectivePeriod   *period `json:"effectivePeriod"`
}

type dosage struct {
	Sequence              whole[int32]  `json:"sequence"`
	Text                  text          `json:"text"`
	AdditionalInstruction list[concept] `json:"additionalInstruction"`
	PatientInstruction    text          `json:"patientInstruction"`
}

func (d *dosage) message() *pb.DosageText {
	return &pb.DosageText{
		Sequence:              d.Sequence.number,
		Text:                  optional(d.Text),
		AdditionalInstruction: clinicalCodes(d.AdditionalInstruction),
		PatientInstruction:    optional(d.PatientInstruction),
	}
}

func (s *medicationStatement) form(e *pb.RecordEntry) error {
	if err := choice(s.MedicationReference != nil, s.MedicationCodeableConcept != nil); err != nil {
		return err
	}
	if err := choice(s.EffectiveDateTime != "", s.EffectivePeriod != nil); err != nil {
		return err
	}
	agency := value(s.Extension, "Extension-CareConnect-PrescribingAgency-1").ValueCodeableConcept
	m := &pb.MedicationStatement{
		Identifier:               identifiers(s.Identifier),
		BasedOn:                  references(s.BasedOn),
		Context:                  resourceReference(s.Context),
		DateAsserted:             clinicalDate(s.DateAsserted),
		Subject:                  resourceReference(s.Subject),
		ReasonCode:               clinicalCodes(s.ReasonCode),
		ReasonReference:          references(s.ReasonReference),
		Note:                     annotations(s.Note),
		Dosage:                   each(s.Dosage, (*dosage).message),
		LastIssueDate:            clinicalDate(value(s.Extension, "Extension-CareConnect-MedicationStatementLastIssueDate-1").ValueDateTime),
		PrescribingAgencyConcept: clinicalCode(agency),
		DosageLastChanged:        clinicalDate(s.dosageLastChanged()),
	}
	m.Status, m.StatusCode = status[pb.MedicationStatementStatus](
		pb.MedicationStatementStatus_value, "MEDICATION_STATEMENT_STATUS_", s.Status)
	m.Taken, m.TakenCode = taken(s.Taken), string(s.Taken)
	m.PrescribingAgency, m.PrescribingAgencyCode = status[pb.PrescribingAgency](
		pb.PrescribingAgency_value, "PRESCRIBING_AGENCY_", agency.asStatus())
	switch {
	case s.MedicationReference != nil:
		m.Medication = &pb.MedicationStatement_MedicationReference{MedicationReference: resourceReference(s.MedicationReference)}
	case s.MedicationCodeableConcept != nil:
		m.Medication = &pb.MedicationStatement_MedicationCodeableConcept{
			MedicationCodeableConcept: clinicalCode(s.MedicationCodeableConcept),
		}
	}
	switch {
	case s.EffectiveDateTime != "":
		m.Effective = &pb.MedicationStatement_EffectiveDateTime{EffectiveDateTime: clinicalDate(s.EffectiveDateTime)}
	case s.EffectivePeriod != nil:
		m.Effective = &pb.MedicationStatement_EffectivePeriod{EffectivePeriod: clinicalPeriod(s.EffectivePeriod)}
	}
	e.Typed = &pb.RecordEntry_MedicationStatement{MedicationStatement: m}
	return nil
}

// dosageLastChanged knows the name of the specification and the one in records.
func (s *medicationStatement) dosageLastChanged() text {
	if x := find(s.Extension, "Extension-CareConnect-MedicationStatementDosageLastChanged-1"); x != nil {
		return x.ValueDateTime
	}
	return value(s.Extension, "Extension-CareConnect-MedicationDosageLastChanged-1").ValueDateTime
}

func taken(c text) pb.MedicationTaken {
	switch c {
	case "y":
		return pb.MedicationTaken_MEDICATION_TAKEN_YES
	case "n":
		return pb.MedicationTaken_MEDICATION_TAKEN_NO
	case "unk":
		return pb.MedicationTaken_MEDICATION_TAKEN_UNKNOWN
	case "na":
		return pb.MedicationTaken_MEDICATION_TAKEN_NOT_APPLICABLE
	default:
		return pb.MedicationTaken_MEDICATION_TAKEN_UNSPECIFIED
	}
}

type medicationRequest struct {
	head
	Identifier      list[identifier] `json:"identifier"`
	BasedOn         list[reference]  `json:"basedOn"`
	GroupIdentifier *identifier      `json:"groupIdentifier"`
	Status          text             `json:"status"`
	Intent          text             `json:"intent"`
	medicine
	Subject           *reference       `json:"subject"`
	Context           *reference       `json:"context"`
	AuthoredOn        text             `json:"authoredOn"`
	Requester         *requestAgent    `json:"requester"`
	Recorder          *reference       `json:"recorder"`
	ReasonCode        list[concept]    `json:"reasonCode"`
	ReasonReference   list[reference]  `json:"reasonReference"`
	Note              list[annotation] `json:"note"`
	DosageInstruction list[dosage]     `json:"dosageInstruction"`
	DispenseRequest   *dispenseRequest `json:"dispenseRequest"`
	PriorPrescription *reference       `json:"priorPrescription"`
}

type dispenseRequest struct {
	ValidityPeriod         *period         `json:"validityPeriod"`
	NumberOfRepeatsAllowed whole[int32]    `json:"numberOfRepeatsAllowed"`
	Quantity               *quantity       `json:"quantity"`
	ExpectedSupplyDuration *quantity       `json:"expectedSupplyDuration"`
	Performer              *reference      `json:"performer"`
	Extension              list[extension] `json:"extension"`
}

func (r *medicationRequest) form(e *pb.RecordEntry) error {
	if err := choice(r.MedicationReference != nil, r.MedicationCodeableConcept != nil); err != nil {
		return err
	}
	kind := value(r.Extension, "Extension-CareConnect-PrescriptionType-1").ValueCodeableConcept
	m := &pb.MedicationRequest{
		Identifier:              identifiers(r.Identifier),
		BasedOn:                 references(r.BasedOn),
		GroupIdentifier:         resourceIdentifier(r.GroupIdentifier),
		Subject:                 resourceReference(r.Subject),
		Context:                 resourceReference(r.Context),
		AuthoredOn:              clinicalDate(r.AuthoredOn),
		Requester:               agentMessage(r.Requester),
		Recorder:                resourceReference(r.Recorder),
		ReasonCode:              clinicalCodes(r.ReasonCode),
		ReasonReference:         references(r.ReasonReference),
		Note:                    annotations(r.Note),
		DosageInstruction:       each(r.DosageInstruction, (*dosage).message),
		DispenseRequest:         r.DispenseRequest.message(),
		PriorPrescription:       resourceReference(r.PriorPrescription),
		PrescriptionTypeConcept: clinicalCode(kind),
	}
	m.Status, m.StatusCode = status[pb.MedicationRequestStatus](
		pb.MedicationRequestStatus_value, "MEDICATION_REQUEST_STATUS_", r.Status)
	m.Intent, m.IntentCode = status[pb.MedicationRequestIntent](
		pb.MedicationRequestIntent_value, "MEDICATION_REQUEST_INTENT_", r.Intent)
	m.PrescriptionType, m.PrescriptionTypeCode = status[pb.PrescriptionType](
		pb.PrescriptionType_value, "PRESCRIPTION_TYPE_", kind.asStatus())
	if x := find(r.Extension, "Extension-CareConnect-MedicationRepeatInformation-1"); x != nil {
		m.RepeatInformation = &pb.MedicationRepeatInformation{
			NumberOfRepeatPrescriptionsAllowed: x.part("numberOfRepeatPrescriptionsAllowed").count(),
			NumberOfRepeatPrescriptionsIssued:  x.part("numberOfRepeatPrescriptionsIssued").count(),
			AuthorisationExpiryDate:            clinicalDate(x.part("authorisationExpiryDate").ValueDateTime),
		}
	}
	if x := find(r.Extension, "Extension-CareConnect-MedicationStatusReason-1"); x != nil {
		m.MedicationStatusReason = &pb.MedicationStatusReason{
			StatusReason:     clinicalCode(x.part("statusReason").ValueCodeableConcept),
			StatusChangeDate: clinicalDate(x.part("statusChangeDate").ValueDateTime),
		}
	}
	switch {
	case r.MedicationReference != nil:
		m.Medication = &pb.MedicationRequest_MedicationReference{MedicationReference: resourceReference(r.MedicationReference)}
	case r.MedicationCodeableConcept != nil:
		m.Medication = &pb.MedicationRequest_MedicationCodeableConcept{
			MedicationCodeableConcept: clinicalCode(r.MedicationCodeableConcept),
		}
	}
	e.Typed = &pb.RecordEntry_MedicationRequest{MedicationRequest: m}
	return nil
}

// message finds the quantity in words on the quantity, where it is specified, or beside it.
func (d *dispenseRequest) message() *pb.DispenseRequest {
	if d == nil {
		return nil
	}
	const inWords = "Extension-CareConnect-MedicationQuantityText-1"
	words := value(d.Extension, inWords).ValueString
	if d.Quantity != nil {
		if x := find(d.Quantity.Extension, inWords); x != nil {
			words = x.ValueString
		}
	}
	return &pb.DispenseRequest{
		ValidityPeriod:         clinicalPeriod(d.ValidityPeriod),
		NumberOfRepeatsAllowed: d.NumberOfRepeatsAllowed.number,
		Quantity:               quantityMessage(d.Quantity),
		QuantityText:           optional(words),
		ExpectedSupplyDuration: quantityMessage(d.ExpectedSupplyDuration),
		Performer:              resourceReference(d.Performer),
	}
}

type medication struct {
	head
	Code         *concept   `json:"code"`
	Form         *concept   `json:"form"`
	Manufacturer *reference `json:"manufacturer"`
	Package      struct {
		Batch list[batch] `json:"batch"`
	} `json:"package"`
}

type batch struct {
	LotNumber      text `json:"lotNumber"`
	ExpirationDate text `json:"expirationDate"`
}

func (d *medication) form(e *pb.RecordEntry) error {
	e.Typed = &pb.RecordEntry_Medication{Medication: &pb.Medication{
		Code:         clinicalCode(d.Code),
		Form:         clinicalCode(d.Form),
		Manufacturer: resourceReference(d.Manufacturer),
		Batch: each(d.Package.Batch, func(b *batch) *pb.MedicationBatch {
			return &pb.MedicationBatch{LotNumber: optional(b.LotNumber), ExpirationDate: clinicalDate(b.ExpirationDate)}
		}),
	}}
	return nil
}
