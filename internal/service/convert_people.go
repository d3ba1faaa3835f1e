package service

import (
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/pds"
)

func patientMatch(m *pds.Match) *pb.PatientMatch {
	return &pb.PatientMatch{Patient: pdsPatient(&m.Record), Score: m.Score, Restriction: restrictions[m.Restriction]}
}

var relationsStatuses = map[pds.RelationsStatus]pb.RelatedPersonsStatus{
	pds.RelationsListed:       pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_LISTED,
	pds.RelationsNoneRecorded: pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_NONE_RECORDED,
	pds.RelationsWithheld:     pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_WITHHELD,
}

// The extensions of a PDS RelatedPerson that a Patient does not have (PDS contract, 8).
const (
	nhsUK                    = "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-"
	copyCorrespondence       = nhsUK + "CopyCorrespondenceIndicator"
	relatedPersonContactRank = nhsUK + "ContactRank"
)

func relatedPerson(r *pds.Related) *pb.RelatedPerson {
	p := r.Person
	out := &pb.RelatedPerson{
		Id:                   p.ID,
		NhsNumber:            r.Number.Digits(),
		Active:               p.Active,
		Period:               periodOf(p.Period),
		Telecoms:             contactPoints(p.Telecom),
		NextOfKin:            pb.NextOfKin_NEXT_OF_KIN_NOT_CODED,
		ContactRank:          p.Extensions.Find(relatedPersonContactRank).PositiveInt,
		Communication:        communicationOf(p.Extensions.Find(nhsCommunication)),
		ContactPreference:    contactPreferenceOf(p.Extensions.Find(contactPreference)),
		CopiesCorrespondence: p.Extensions.Find(copyCorrespondence).Boolean,
		Json:                 p.JSON,
	}
	if r.NextOfKin {
		out.NextOfKin = pb.NextOfKin_NEXT_OF_KIN_YES
	}
	if len(p.Name) > 0 { // PDS holds one at most; more would be in the JSON
		out.Name = humanName(&p.Name[0])
	}
	if len(p.Address) > 0 {
		out.Address = addressOf(p.Address[0])
	}
	for _, relationship := range p.Relationship {
		out.Relationships = append(out.Relationships, conceptOf(relationship).GetCodings()...)
	}
	return out
}
