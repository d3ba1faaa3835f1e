package main

import (
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

const interactionPrefix = "urn:nhs:names:services:gpconnect:"

// interactionIDs are the ids of the interactions that the API has names for (SDS contract, part D).
var interactionIDs = map[pb.KnownInteraction]nhs.Interaction{
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

// interactionID is the id of an interaction that is named, or given by its id with or without what all ids begin with.
func interactionID(named string) string {
	if number, ok := parseOption(pb.KnownInteraction(0).Descriptor(), named); ok {
		return interactionIDs[pb.KnownInteraction(number)].String()
	}
	if named == "" || strings.HasPrefix(named, interactionPrefix) {
		return named
	}
	return interactionPrefix + named
}
