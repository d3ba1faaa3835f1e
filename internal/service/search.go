package service

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
)

// SearchPatients finds people by demographics. A search is about nobody in particular, so that its audit record has no
// subject; it counts who was shown, also when that is nobody.
func (s *PatientTrace) SearchPatients(ctx context.Context, req *pb.SearchPatientsRequest) (*pb.SearchPatientsResponse, error) {
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return nil, err
	}
	by, err := a.requester()
	if err != nil {
		return nil, err
	}
	found, err := s.Demographics.Search(ctx, criteriaOf(req), by)
	if err != nil {
		return nil, err
	}
	answer := &pb.SearchPatientsResponse{
		Provenance:       told(s.provenance(ctx), found.Source),
		AbsenceNotProven: new(found.AbsenceNotProven),
	}
	answer.Provenance.RetrievedAt = timestamppb.New(found.RetrievedAt)
	for i := range found.Matches {
		answer.Matches = append(answer.Matches, patientMatch(&found.Matches[i]))
	}
	audit.FromContext(ctx).Count("Patient", len(found.Matches))
	return answer, nil
}

// criteriaOf is what a caller searches for. Package pds holds it against PDS's rules.
func criteriaOf(req *pb.SearchPatientsRequest) pds.Criteria {
	practice, _ := nhs.ParseODSCode(req.GetPracticeOdsCode()) // empty, or checked by the rules of the contract
	return pds.Criteria{
		Family: req.GetFamily(), Given: req.GetGiven(), Gender: genderCode(req.GetGender()),
		Born:       pds.Days{First: req.GetBirthDateStart(), Last: req.GetBirthDateEnd()},
		Died:       pds.Days{First: req.GetDeathDateStart(), Last: req.GetDeathDateEnd()},
		PostalCode: req.GetPostalCode(), Practice: practice, Email: req.GetEmail(), Phone: req.GetPhone(),
		Match: matchings[req.GetMode()], History: req.GetIncludeHistory(), AtMost: int(req.GetMaxResults()),
	}
}

var matchings = map[pb.SearchMode]pds.Matching{
	pb.SearchMode_SEARCH_MODE_UNSPECIFIED: pds.Ordinary,
	pb.SearchMode_SEARCH_MODE_ORDINARY:    pds.Ordinary,
	pb.SearchMode_SEARCH_MODE_EXACT:       pds.Exact,
	pb.SearchMode_SEARCH_MODE_FUZZY:       pds.Fuzzy,
}

// genderCode is PDS's code; empty for a gender that was not given.
func genderCode(g pb.Gender) string {
	for code, known := range genders {
		if known == g {
			return code
		}
	}
	return ""
}
