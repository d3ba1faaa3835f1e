package service

import (
	"context"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
)

// needs says what a call asks of a patient's registration.
type needs bool

const (
	anywhere     needs = false // the caller names the practice
	registration needs = true  // the practice is the one where the patient is registered now
)

// patientNumber is the NHS Number that a request holds.
func patientNumber(text string) (nhs.Number, error) {
	number, err := nhs.ParseNumber(text)
	if err != nil {
		return nhs.Number{}, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, nil)
	}
	return number, nil
}

// patient asks PDS about the patient of a GP Connect call and refuses one about whom no practice may be asked. There is
// no override (product.md, promise 1).
func (c *core) patient(ctx context.Context, a asker, nhsNumber string, needed needs) (*pds.Trace, error) {
	number, err := patientNumber(nhsNumber)
	if err != nil {
		return nil, err
	}
	by, err := a.requester()
	if err != nil {
		return nil, err
	}
	t, err := c.Demographics.Patient(ctx, number, by)
	if err != nil {
		return nil, err
	}
	if reason := obstacle(t, needed); reason != pb.ErrorReason_ERROR_REASON_UNSPECIFIED {
		return nil, fault.New(pb.Hop_HOP_PDS, reason, nil)
	}
	if needed == registration {
		audit.FromContext(ctx).SetPractice(t.Registration.ODS)
	}
	return t, nil
}

// obstacle is why no practice may be asked about a patient. A restriction wins, because whatever else is said of a
// restricted patient may say too much.
func obstacle(t *pds.Trace, needed needs) pb.ErrorReason {
	switch {
	case t.Restriction != pds.Unrestricted:
		return pb.ErrorReason_ERROR_REASON_PATIENT_RESTRICTED
	case t.Superseded:
		return pb.ErrorReason_ERROR_REASON_PATIENT_SUPERSEDED
	case t.Death == pds.Formal:
		return pb.ErrorReason_ERROR_REASON_PATIENT_DECEASED
	case t.Death.Dead():
		return pb.ErrorReason_ERROR_REASON_PATIENT_DECEASED_INFORMALLY
	case needed == anywhere:
		return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
	}
	switch t.Registration.Status {
	case pds.Registered:
		return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
	case pds.NotCurrent:
		return pb.ErrorReason_ERROR_REASON_PATIENT_REGISTRATION_NOT_CURRENT
	case pds.Deregistered:
		return pb.ErrorReason_ERROR_REASON_PATIENT_DEREGISTERED
	case pds.NotRegistered, pds.RegistrationUnset, pds.Withheld, pds.Deceased:
	}
	return pb.ErrorReason_ERROR_REASON_PATIENT_NOT_REGISTERED
}

// TracePatient reads one person's record and says what follows from it.
func (s *PatientTrace) TracePatient(ctx context.Context, req *pb.TracePatientRequest) (*pb.TracePatientResponse, error) {
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return nil, err
	}
	number, err := patientNumber(req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	by, err := a.requester()
	if err != nil {
		return nil, err
	}
	t, err := s.Demographics.Patient(ctx, number, by)
	if err != nil {
		return nil, err
	}
	return s.traceAnswer(ctx, t, req.GetExpected()), nil
}

// traceAnswer is what a caller gets of a trace.
func (c *core) traceAnswer(ctx context.Context, t *pds.Trace, expected *pb.ExpectedDemographics) *pb.TracePatientResponse {
	answer := traceResponse(t)
	answer.Provenance = traced(c.provenance(ctx), t)
	answer.Provenance.RetrievedAt = answer.GetProvenance().GetTracedAt()
	answer.Comparison = compare(stated(expected), heldByPDS(t))
	return answer
}

// stated are the details that a caller holds.
func stated(e *pb.ExpectedDemographics) demographics {
	return demographics{
		family: e.GetFamily(), given: e.GetGiven(), gender: e.GetGender(), birthDate: e.GetBirthDate(),
		postalCode: e.GetPostalCode(), practice: e.GetPracticeOdsCode(),
	}
}

// heldByPDS are the details that PDS holds. A deceased or former registration still names a practice to compare with.
func heldByPDS(t *pds.Trace) demographics {
	d := demographics{gender: t.Person.Gender, birthDate: t.Person.BirthDate, practice: t.Registration.ODS.String()}
	if t.Name != nil {
		d.family, d.given = t.Name.Family, t.Name.Given
	}
	if t.Home != nil {
		d.postalCode = t.Home.PostalCode
	}
	return d
}
