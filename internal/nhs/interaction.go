package nhs

import "regexp"

// Interaction is the id of one GP Connect operation, as the Spine writes it. It decides where SDS sends a request and
// what the practice makes of it: amend and cancel differ in nothing else.
type Interaction string

const prefix = "urn:nhs:names:services:gpconnect:"

// The interactions of the SDS contract, part D. Those without "-1" belong to Access Record HTML (0.7) and are other
// registrations than their suffixed twins.
const (
	ReadMetadata              Interaction = prefix + "fhir:rest:read:metadata-1"
	SearchPatient             Interaction = prefix + "fhir:rest:search:patient-1"
	ReadPatient               Interaction = prefix + "fhir:rest:read:patient-1"
	RegisterPatient           Interaction = prefix + "fhir:operation:gpc.registerpatient-1"
	SearchPractitioner        Interaction = prefix + "fhir:rest:search:practitioner-1"
	ReadPractitioner          Interaction = prefix + "fhir:rest:read:practitioner-1"
	SearchOrganization        Interaction = prefix + "fhir:rest:search:organization-1"
	ReadOrganization          Interaction = prefix + "fhir:rest:read:organization-1"
	ReadLocation              Interaction = prefix + "fhir:rest:read:location-1"
	SearchSlot                Interaction = prefix + "fhir:rest:search:slot-1"
	CreateAppointment         Interaction = prefix + "fhir:rest:create:appointment-1"
	UpdateAppointment         Interaction = prefix + "fhir:rest:update:appointment-1"
	CancelAppointment         Interaction = prefix + "fhir:rest:cancel:appointment-1"
	ReadAppointment           Interaction = prefix + "fhir:rest:read:appointment-1"
	SearchPatientAppointments Interaction = prefix + "fhir:rest:search:patient_appointments-1"
	GetStructuredRecord       Interaction = prefix + "fhir:operation:gpc.getstructuredrecord-1"
	ReadStructuredMetadata    Interaction = prefix + "structured:fhir:rest:read:metadata-1"
	MigrateStructuredRecord   Interaction = prefix + "fhir:operation:gpc.migratestructuredrecord-1"
	ReadDocumentsMetadata     Interaction = prefix + "documents:fhir:rest:read:metadata-1"
	SearchDocumentsPatient    Interaction = prefix + "documents:fhir:rest:search:patient-1"
	SearchDocuments           Interaction = prefix + "documents:fhir:rest:search:documentreference-1"
	ReadDocument              Interaction = prefix + "documents:fhir:rest:read:binary-1"
	MigrateDocument           Interaction = prefix + "documents:fhir:rest:migrate:binary-1"
	SearchHealthcareService   Interaction = prefix + "fhir:rest:search:healthcareservice-1"
	ReadHealthcareService     Interaction = prefix + "fhir:rest:read:healthcareservice-1"
	ReadHTMLMetadata          Interaction = prefix + "fhir:rest:read:metadata"
	GetCareRecord             Interaction = prefix + "fhir:operation:gpc.getcarerecord"
)

var interactionGrammar = regexp.MustCompile(
	`^urn:nhs:names:services:gpconnect(:[a-z]+)?:fhir:(rest:(read|search|create|update|cancel|migrate)|operation):[a-z._]{1,64}(-[0-9]{1,3})?$`)

// ParseInteraction checks an id against the grammar of the SDS contract, part D. It need not be one of the constants.
func ParseInteraction(s string) (Interaction, error) {
	if len(s) > 128 || !interactionGrammar.MatchString(s) {
		return "", ErrInteraction
	}
	return Interaction(s), nil
}

// String is the id.
func (i Interaction) String() string { return string(i) }
