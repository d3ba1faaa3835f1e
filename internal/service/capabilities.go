package service

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/nhs"
)

// roots are the capabilities that have a statement of their own, in the order in which they are told.
var roots = []struct {
	capability  pb.Capability
	interaction nhs.Interaction
}{
	{pb.Capability_CAPABILITY_FOUNDATIONS, nhs.ReadMetadata},
	{pb.Capability_CAPABILITY_STRUCTURED, nhs.ReadStructuredMetadata},
	{pb.Capability_CAPABILITY_DOCUMENTS, nhs.ReadDocumentsMetadata},
}

// GetCapabilities asks each root for its statement. One that cannot be read is unknown and says why; only when nothing
// could be found out at all does the call fail.
func (s *GPConnect) GetCapabilities(ctx context.Context, req *pb.GetCapabilitiesRequest) (*pb.GetCapabilitiesResponse, error) {
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return nil, err
	}
	ods, err := practice(req.GetOdsCode())
	if err != nil {
		return nil, err
	}
	audit.FromContext(ctx).SetPractice(ods)
	answer := &pb.GetCapabilitiesResponse{Roots: make([]*pb.CapabilityRoot, len(roots))}
	failures := make([]error, len(roots))
	var group errgroup.Group
	for i, root := range roots {
		group.Go(func() error {
			answer.Roots[i], failures[i] = s.root(ctx, a, ods, root.capability, root.interaction)
			return nil
		})
	}
	_ = group.Wait() // failures are told root by root
	if err := unanimous(failures); err != nil {
		return nil, err
	}
	answer.Provenance = s.provenance(ctx)
	answer.Provenance.PracticeOdsCode = ods.String()
	for _, root := range answer.GetRoots() {
		answer.Provenance.Simulated = answer.GetProvenance().GetSimulated() || root.GetProvenance().GetSimulated()
	}
	return answer, nil
}

// root reads one statement. The error is also in the root, unless the practice simply has no such system.
func (s *GPConnect) root(ctx context.Context, a asker, ods nhs.ODSCode, capability pb.Capability, interaction nhs.Interaction) (*pb.CapabilityRoot, error) {
	out := &pb.CapabilityRoot{Capability: capability, Provenance: s.provenance(ctx)}
	out.Provenance.PracticeOdsCode, out.Provenance.InteractionId = ods.String(), interaction.String()
	route, err := s.route(ctx, a, ods, interaction)
	if errors.Is(err, notRegistered) {
		out.Support = pb.Support_SUPPORT_NOT_REGISTERED
		return out, nil
	}
	if err != nil {
		out.Error = fault.Detail(err, out.GetProvenance().GetTraceIds())
		return out, err
	}
	routed(out.GetProvenance(), route)
	statement, err := s.Practices.Statement(ctx, s.target(a, route), interaction)
	if err != nil {
		out.Error = fault.Detail(err, out.GetProvenance().GetTraceIds())
		return out, err
	}
	describeRoot(out, statement)
	return out, nil
}

var notRegistered = fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND, nil)

// unanimous is the first failure when there is nothing but failures.
func unanimous(failures []error) error {
	for _, err := range failures {
		if err == nil {
			return nil
		}
	}
	return failures[0]
}

func describeRoot(out *pb.CapabilityRoot, s *gpconnect.Statement) {
	answered(described(out.GetProvenance(), s), s.Response.RetrievedAt, s.Response.SSPTraceID, s.Response.Simulated)
	out.Support = pb.Support_SUPPORT_DECLARED
	out.StatementName, out.SpecificationVersion, out.FhirVersion = s.Name, s.VersionText, s.FHIRVersion
	out.SoftwareName, out.SoftwareVersion = s.SoftwareName, s.SoftwareVersion
	out.Operations, out.Json = s.Operations, s.JSON
	for _, r := range s.Resources {
		out.Resources = append(out.Resources, &pb.ResourceCapability{ResourceType: r.Type, Interactions: r.Interactions})
	}
	for _, area := range s.Areas {
		out.Areas = append(out.Areas, &pb.AreaSupport{Area: areas[area.Area], Support: supports[area.Support]})
	}
}

var supports = map[gpconnect.Support]pb.Support{
	gpconnect.Declared:    pb.Support_SUPPORT_DECLARED,
	gpconnect.NotDeclared: pb.Support_SUPPORT_NOT_DECLARED,
}

var areas = map[gpconnect.Area]pb.ClinicalArea{
	gpconnect.Allergies:      pb.ClinicalArea_CLINICAL_AREA_ALLERGIES,
	gpconnect.Medications:    pb.ClinicalArea_CLINICAL_AREA_MEDICATIONS,
	gpconnect.Consultations:  pb.ClinicalArea_CLINICAL_AREA_CONSULTATIONS,
	gpconnect.Problems:       pb.ClinicalArea_CLINICAL_AREA_PROBLEMS,
	gpconnect.Immunisations:  pb.ClinicalArea_CLINICAL_AREA_IMMUNISATIONS,
	gpconnect.Uncategorised:  pb.ClinicalArea_CLINICAL_AREA_UNCATEGORISED,
	gpconnect.Investigations: pb.ClinicalArea_CLINICAL_AREA_INVESTIGATIONS,
	gpconnect.Referrals:      pb.ClinicalArea_CLINICAL_AREA_REFERRALS,
	gpconnect.Diary:          pb.ClinicalArea_CLINICAL_AREA_DIARY,
	gpconnect.Documents:      pb.ClinicalArea_CLINICAL_AREA_DOCUMENTS,
}
