package pds

import (
	"context"
	"errors"
	"slices"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Relations are the people related to a patient.
type Relations struct {
	// Source is that of the last answer: the list, or the patient's own record if that forbade asking for one.
	Source

	// Status says whether Related tells.
	Status RelationsStatus
	// Related are in PDS's order.
	Related []Related
	// Patient is the patient's own record, which was asked for first.
	Patient *Trace
}

// RelationsStatus says whether a list of related people tells. The zero status is not "none".
type RelationsStatus int

// What can be said.
const (
	RelationsUnset RelationsStatus = iota
	// RelationsListed is a list with somebody on it.
	RelationsListed
	// RelationsNoneRecorded is what PDS says of an unrestricted patient.
	RelationsNoneRecorded
	// RelationsWithheld stands for every restricted patient: PDS says "none" of them whatever it holds.
	RelationsWithheld
)

// Related is somebody related to a patient.
type Related struct {
	// Number is their own NHS Number if that is how they are held, to be looked up; else zero.
	Number nhs.Number
	// NextOfKin says that they are coded as next of kin.
	NextOfKin bool
	// Person is the entry.
	Person fhir.RelatedPerson
}

// relationshipTypes is the system in which N is next of kin; elsewhere it may mean something else (PDS contract, 8).
const (
	relationshipTypes = "http://hl7.org/fhir/ValueSet/relatedperson-relationshiptype"
	nextOfKin         = "N"
)

var errRelative = errors.New("an entry names a related person by something that is not an NHS number")

// RelatedPersons lists who is related to a patient. The patient's own record is asked
// for first: if it is restricted, or does not say that it is not, nothing more is asked.
//
// It fails as [Client.Patient] does, and with PATIENT_SUPERSEDED if the number was merged into another: a list cannot say
// whose it is.
func (c *Client) RelatedPersons(ctx context.Context, number nhs.Number, by Requester) (*Relations, error) {
	patient, err := c.Patient(ctx, number, by)
	if err != nil {
		return nil, err
	}
	relations := &Relations{Patient: patient, Source: patient.Source, Status: RelationsWithheld}
	switch {
	case patient.Restriction != Unrestricted:
		return relations, nil
	case patient.Superseded:
		return nil, fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_PATIENT_SUPERSEDED, nil)
	}
	answer, err := c.get(ctx, "/Patient/"+number.Digits()+"/RelatedPerson", "/Patient/{id}/RelatedPerson", by)
	relations.Source = answer.Source
	relations.Simulated = answer.Simulated || patient.Simulated
	if fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND {
		// The patient was there a moment ago: it is the relations that were not found.
		relations.Status, relations.RetrievedAt = RelationsNoneRecorded, time.Now()
		return relations, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := fhir.ReadSearchset(answer.text)
	if err != nil {
		return nil, answer.unreadable(err)
	}
	if relations.Related, err = relatedOf(entries, number); err != nil {
		return nil, answer.invalid(err)
	}
	relations.Status = RelationsListed
	if len(relations.Related) == 0 {
		relations.Status = RelationsNoneRecorded
	}
	return relations, nil
}

// relatedOf are the people in a searchset about a patient. As in a search, one bad entry spoils them all.
func relatedOf(entries []fhir.SearchEntry, patient nhs.Number) ([]Related, error) {
	var all []Related
	for _, entry := range entries {
		if of := lastNumber(entry.FullURL, "/Patient/"); !of.IsZero() && of != patient {
			return nil, errAddress
		}
		person, err := fhir.ReadRelatedPerson(entry.Resource)
		if err != nil {
			return nil, err
		}
		r := Related{Person: person, NextOfKin: slices.ContainsFunc(person.Relationship, kin)}
		if r.Number, err = ownNumber(person.Patient.Identifier, patient); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func kin(c fhir.Concept) bool {
	return slices.ContainsFunc(c.Coding, func(c fhir.Coding) bool { return c.System == relationshipTypes && c.Code == nextOfKin })
}

// ownNumber is the related person's. The same member names the patient where the details are held inline.
func ownNumber(i fhir.Identifier, patient nhs.Number) (nhs.Number, error) {
	if i.System != numberSystem || i.Value == "" {
		return nhs.Number{}, nil
	}
	number, err := nhs.ParseNumber(i.Value)
	if err != nil {
		return nhs.Number{}, errRelative
	}
	if number == patient {
		return nhs.Number{}, nil
	}
	return number, nil
}
