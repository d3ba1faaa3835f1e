package service

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
)

// ResolveEndpoint finds the one system that answers an interaction for an organisation.
func (s *EndpointDirectory) ResolveEndpoint(ctx context.Context, req *pb.ResolveEndpointRequest) (*pb.ResolveEndpointResponse, error) {
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return nil, err
	}
	ods, err := practice(req.GetOdsCode())
	if err != nil {
		return nil, err
	}
	interaction, err := interactionOf(req.GetInteraction())
	if err != nil {
		return nil, err
	}
	record := audit.FromContext(ctx)
	record.SetPractice(ods)
	record.SetAsked(interaction.String())
	route, err := s.route(ctx, a, ods, interaction)
	if err != nil {
		return nil, err
	}
	return &pb.ResolveEndpointResponse{Provenance: found(s.provenance(ctx), route), Endpoint: resolved(route)}, nil
}

// found adds which system was found, and when the directory said so: earlier than the call if the session remembered it.
func found(p *pb.Provenance, route sds.Route) *pb.Provenance {
	p.RetrievedAt = timestamppb.New(route.RetrievedAt)
	return routed(p, route)
}

func resolved(route sds.Route) *pb.ResolvedEndpoint {
	return &pb.ResolvedEndpoint{
		OdsCode: route.ODS.String(), InteractionId: route.Interaction.String(), Address: route.Address,
		PartyKey: route.PartyKey.String(), Asid: route.ASID.String(), ManufacturerOdsCode: route.Manufacturer.String(),
	}
}

// practice reads the code of the organisation that a call is about. The chain has checked it already.
func practice(code string) (nhs.ODSCode, error) {
	ods, err := nhs.ParseODSCode(code)
	if err != nil {
		return nhs.ODSCode{}, fault.Invalid("ods_code", "string.ods_code", err.Error())
	}
	return ods, nil
}

func interactionOf(i *pb.Interaction) (nhs.Interaction, error) {
	if known, ok := interactions[i.GetKnown()]; ok {
		return known, nil
	}
	raw, err := nhs.ParseInteraction(i.GetRaw())
	if err != nil {
		return "", fault.Invalid("interaction", "interaction.known", err.Error())
	}
	return raw, nil
}

// interactions are the ids of the SDS contract, part D, by their names in our own.
var interactions = map[pb.KnownInteraction]nhs.Interaction{
	pb.KnownInteraction_KNOWN_INTERACTION_READ_METADATA:               nhs.ReadMetadata,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_PATIENT:              nhs.SearchPatient,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_PATIENT:                nhs.ReadPatient,
	pb.KnownInteraction_KNOWN_INTERACTION_REGISTER_PATIENT:            nhs.RegisterPatient,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_PRACTITIONER:         nhs.SearchPractitioner,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_PRACTITIONER:           nhs.ReadPractitioner,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_ORGANIZATION:         nhs.SearchOrganization,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_ORGANIZATION:           nhs.ReadOrganization,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_LOCATION:               nhs.ReadLocation,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT:                 nhs.SearchSlot,
	pb.KnownInteraction_KNOWN_INTERACTION_CREATE_APPOINTMENT:          nhs.CreateAppointment,
	pb.KnownInteraction_KNOWN_INTERACTION_UPDATE_APPOINTMENT:          nhs.UpdateAppointment,
	pb.KnownInteraction_KNOWN_INTERACTION_CANCEL_APPOINTMENT:          nhs.CancelAppointment,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_APPOINTMENT:            nhs.ReadAppointment,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_PATIENT_APPOINTMENTS: nhs.SearchPatientAppointments,
	pb.KnownInteraction_KNOWN_INTERACTION_GET_STRUCTURED_RECORD:       nhs.GetStructuredRecord,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_STRUCTURED_METADATA:    nhs.ReadStructuredMetadata,
	pb.KnownInteraction_KNOWN_INTERACTION_MIGRATE_STRUCTURED_RECORD:   nhs.MigrateStructuredRecord,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_DOCUMENTS_METADATA:     nhs.ReadDocumentsMetadata,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_DOCUMENTS_PATIENT:    nhs.SearchDocumentsPatient,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_DOCUMENTS:            nhs.SearchDocuments,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_DOCUMENT:               nhs.ReadDocument,
	pb.KnownInteraction_KNOWN_INTERACTION_MIGRATE_DOCUMENT:            nhs.MigrateDocument,
	pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_HEALTHCARE_SERVICE:   nhs.SearchHealthcareService,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_HEALTHCARE_SERVICE:     nhs.ReadHealthcareService,
	pb.KnownInteraction_KNOWN_INTERACTION_READ_HTML_METADATA:          nhs.ReadHTMLMetadata,
	pb.KnownInteraction_KNOWN_INTERACTION_GET_CARE_RECORD:             nhs.GetCareRecord,
}
