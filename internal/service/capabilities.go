package service

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/nhs"
)

// roots are the capabilities that have a statement of their own, in the order in which they are told.
var roots = [...]struct {
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
			answer.Roots[i] = s.unasked(ctx, ods, root.capability, root.interaction)
			failures[i] = guard.Run(ctx, func() error { return s.root(ctx, a, ods, answer.GetRoots()[i], root.interaction) })
			if failures[i] != nil {
				answer.Roots[i].Error = fault.Detail(failures[i], answer.GetRoots()[i].GetProvenance().GetTraceIds())
			}
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

// unasked is what can be said of a root before anybody is asked.
func (s *GPConnect) unasked(ctx context.Context, ods nhs.ODSCode, capability pb.Capability, interaction nhs.Interaction) *pb.CapabilityRoot {
	out := &pb.CapabilityRoot{Capability: capability, Provenance: s.provenance(ctx)}
	out.Provenance.PracticeOdsCode, out.Provenance.InteractionId = ods.String(), interaction.String()
	return out
}

// root reads one statement into out. A practice that simply has no such system is no failure.
func (s *GPConnect) root(ctx context.Context, a asker, ods nhs.ODSCode, out *pb.CapabilityRoot, interaction nhs.Interaction) error {
	route, err := s.route(ctx, a, ods, interaction)
	if errors.Is(err, notRegistered) {
		out.Support = pb.Support_SUPPORT_NOT_REGISTERED
		return nil
	}
	if err != nil {
		return err
	}
	statement, route, err := s.statement(ctx, a, route)
	routed(out.GetProvenance(), route)
	if errors.Is(err, notRegistered) { // not any more
		out.Support = pb.Support_SUPPORT_NOT_REGISTERED
		return nil
	}
	if err != nil {
		return err
	}
	return describeRoot(out, statement)
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

// rootShare is how much of the one answer each root may fill.
const rootShare = (maxMessage - overhead) / len(roots)

// describeRoot tells what a statement says. Its exact text is left out where it does not fit into the root's share; what
// does not fit without it either is too large to be told.
func describeRoot(out *pb.CapabilityRoot, s *gpconnect.Statement) error {
	answered(labelled(described(out.GetProvenance(), s)), s.Response.RetrievedAt, s.Response.SSPTraceID, s.Response.Simulated)
	told := &pb.CapabilityRoot{
		Support: pb.Support_SUPPORT_DECLARED, StatementName: s.Name, SpecificationVersion: s.VersionText, FhirVersion: s.FHIRVersion,
		SoftwareName: s.SoftwareName, SoftwareVersion: s.SoftwareVersion, Operations: s.Operations,
	}
	for _, r := range s.Resources {
		told.Resources = append(told.Resources, &pb.ResourceCapability{ResourceType: r.Type, Interactions: r.Interactions})
	}
	for _, area := range s.Areas {
		told.Areas = append(told.Areas, &pb.AreaSupport{Area: areas[area.Area], Support: supports[area.Support]})
	}
	room := rootShare - overhead - proto.Size(told)
	if room < 0 {
		return fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, nil)
	}
	if len(s.JSON) <= room {
		told.Json = s.JSON
	}
	proto.Merge(out, told)
	return nil
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
