package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type immunization struct {
	head
	Identifier          list[identifier]           `json:"identifier"`
	Status              text                       `json:"status"`
	NotGiven            stated                     `json:"notGiven"`
	VaccineCode         *concept                   `json:"vaccineCode"`
	Patient             *reference                 `json:"patient"`
	Encounter           *reference                 `json:"encounter"`
	Date                text                       `json:"date"`
	PrimarySource       stated                     `json:"primarySource"`
	ReportOrigin        *concept                   `json:"reportOrigin"`
	Location            *reference                 `json:"location"`
	Manufacturer        *reference                 `json:"manufacturer"`
	LotNumber           text                       `json:"lotNumber"`
	ExpirationDate      text                       `json:"expirationDate"`
	Site                *concept                   `json:"site"`
	Route               *concept                   `json:"route"`
	DoseQuantity        *quantity                  `json:"doseQuantity"`
	Practitioner        list[actor]                `json:"practitioner"`
	Note                list[annotation]           `json:"note"`
	Explanation         *explanation               `json:"explanation"`
	Reaction            list[immunizationReaction] `json:"reaction"`
	VaccinationProtocol list[protocol]             `json:"vaccinationProtocol"`
}

// actor is somebody's part in an immunisation or a report.
type actor struct {
	Role  *concept   `json:"role"`
	Actor *reference `json:"actor"`
}

type explanation struct {
	Reason         list[concept] `json:"reason"`
	ReasonNotGiven list[concept] `json:"reasonNotGiven"`
	// NotGivenReason is what a published example calls it.
	NotGivenReason list[concept] `json:"notGivenReason"`
}

type immunizationReaction struct {
	Date     text       `json:"date"`
	Detail   *reference `json:"detail"`
	Reported stated     `json:"reported"`
}

type protocol struct {
	DoseSequence     whole[int32]  `json:"doseSequence"`
	Description      text          `json:"description"`
	Authority        *reference    `json:"authority"`
	Series           text          `json:"series"`
	SeriesDoses      whole[int32]  `json:"seriesDoses"`
	TargetDisease    list[concept] `json:"targetDisease"`
	DoseStatus       *concept      `json:"doseStatus"`
	DoseStatusReason *concept      `json:"doseStatusReason"`
}

func (i *immunization) form(e *pb.RecordEntry) error {
	m := &pb.Immunization{
		Identifier:           identifiers(i.Identifier),
		NotGiven:             pb.Stated(i.NotGiven),
		VaccinationProcedure: clinicalCode(value(i.Extension, "Extension-CareConnect-VaccinationProcedure-1").ValueCodeableConcept),
		VaccineCode:          clinicalCode(i.VaccineCode),
		Patient:              resourceReference(i.Patient),
		Encounter:            resourceReference(i.Encounter),
		Date:                 clinicalDate(i.Date),
		DateRecorded:         clinicalDate(value(i.Extension, "Extension-CareConnect-DateRecorded-1").ValueDateTime),
		PrimarySource:        pb.Stated(i.PrimarySource),
		ReportOrigin:         clinicalCode(i.ReportOrigin),
		Location:             resourceReference(i.Location),
		Manufacturer:         resourceReference(i.Manufacturer),
		LotNumber:            optional(i.LotNumber),
		ExpirationDate:       clinicalDate(i.ExpirationDate),
		Site:                 clinicalCode(i.Site),
		Route:                clinicalCode(i.Route),
		DoseQuantity:         quantityMessage(i.DoseQuantity),
		Practitioner: each(i.Practitioner, func(a *actor) *pb.ImmunizationPractitioner {
			return &pb.ImmunizationPractitioner{Role: clinicalCode(a.Role), Actor: resourceReference(a.Actor)}
		}),
		Note:        annotations(i.Note),
		Explanation: i.Explanation.message(),
		Reaction: each(i.Reaction, func(r *immunizationReaction) *pb.ImmunizationReaction {
			return &pb.ImmunizationReaction{
				Date:     clinicalDate(r.Date),
				Detail:   resourceReference(r.Detail),
				Reported: pb.Stated(r.Reported),
			}
		}),
		VaccinationProtocol: each(i.VaccinationProtocol, (*protocol).message),
		ParentPresent:       pb.Stated(value(i.Extension, "Extension-CareConnect-ParentPresent-1").ValueBoolean),
	}
	m.Status, m.StatusCode = status[pb.ImmunizationStatus](pb.ImmunizationStatus_value, "IMMUNIZATION_STATUS_", i.Status)
	e.Typed = &pb.RecordEntry_Immunization{Immunization: m}
	return nil
}

func (x *explanation) message() *pb.ImmunizationExplanation {
	if x == nil {
		return nil
	}
	notGiven := x.ReasonNotGiven
	if len(notGiven) == 0 {
		notGiven = x.NotGivenReason
	}
	return &pb.ImmunizationExplanation{Reason: clinicalCodes(x.Reason), ReasonNotGiven: clinicalCodes(notGiven)}
}

func (p *protocol) message() *pb.VaccinationProtocol {
	return &pb.VaccinationProtocol{
		DoseSequence:     p.DoseSequence.number,
		Description:      optional(p.Description),
		Authority:        resourceReference(p.Authority),
		Series:           optional(p.Series),
		SeriesDoses:      p.SeriesDoses.number,
		TargetDisease:    clinicalCodes(p.TargetDisease),
		DoseStatus:       clinicalCode(p.DoseStatus),
		DoseStatusReason: clinicalCode(p.DoseStatusReason),
	}
}
