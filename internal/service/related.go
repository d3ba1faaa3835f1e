package service

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
)

// ListRelatedPersons lists who is related to a patient, or says that it may not be told.
func (s *PatientTrace) ListRelatedPersons(ctx context.Context, req *pb.ListRelatedPersonsRequest) (*pb.ListRelatedPersonsResponse, error) {
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
	relations, err := s.Demographics.RelatedPersons(ctx, number, by)
	if err != nil {
		return nil, err
	}
	answer := &pb.ListRelatedPersonsResponse{
		Provenance: told(traced(s.provenance(ctx), relations.Patient), relations.Source),
		Status:     relationsStatuses[relations.Status],
	}
	answer.Provenance.RetrievedAt = timestamppb.New(relations.RetrievedAt)
	for i := range relations.Related {
		answer.RelatedPersons = append(answer.RelatedPersons, relatedPerson(&relations.Related[i]))
	}
	audit.FromContext(ctx).Count("RelatedPerson", len(relations.Related))
	return answer, nil
}
