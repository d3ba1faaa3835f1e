package spine

import (
	"net/http"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Scopes of the audit token (SDS contract, E4). conf/… is for record transfer alone.
const (
	readPatient      = "patient/*.read"
	writePatient     = "patient/*.write"
	readOrganisation = "organization/*.read"
)

// operation is what an interaction means on the wire.
type operation struct {
	method string
	// path is relative to the service root; {id} is replaced.
	path string
	// scope is the requested_scope of the audit token.
	scope string
	// write says that the practice changes something, so that it is sent once.
	write bool
	// limits are the defaults (trust.md, 4.2).
	limits Limits
}

var (
	quick = Limits{FirstByte: 10 * time.Second, Progress: 10 * time.Second, Total: 30 * time.Second, Attempts: 2, Bytes: 2 << 20}
	// broad is quick for what finds many: a fortnight of slots, or a patient's appointments or documents.
	broad = Limits{FirstByte: 10 * time.Second, Progress: 10 * time.Second, Total: 30 * time.Second, Attempts: 2, Bytes: 16 << 20}
	slow  = Limits{FirstByte: 15 * time.Second, Progress: 10 * time.Second, Total: time.Minute, Attempts: 2, Bytes: 150 << 20}
	once  = Limits{FirstByte: 15 * time.Second, Progress: 10 * time.Second, Total: 15 * time.Second, Attempts: 2, Bytes: 4 << 20}
)

// operations is the table of the SDS contract, part D: what is not here cannot be called. Record transfer is missing
// because it is not direct care, and Access Record HTML because its token and media types are others.
var operations = map[nhs.Interaction]operation{
	nhs.ReadMetadata:              {http.MethodGet, "metadata", readOrganisation, false, quick},
	nhs.SearchPatient:             {http.MethodGet, "Patient", readPatient, false, quick},
	nhs.ReadPatient:               {http.MethodGet, "Patient/{id}", readPatient, false, quick},
	nhs.RegisterPatient:           {http.MethodPost, "Patient/$gpc.registerpatient", writePatient, true, once},
	nhs.SearchPractitioner:        {http.MethodGet, "Practitioner", readOrganisation, false, quick},
	nhs.ReadPractitioner:          {http.MethodGet, "Practitioner/{id}", readOrganisation, false, quick},
	nhs.SearchOrganization:        {http.MethodGet, "Organization", readOrganisation, false, quick},
	nhs.ReadOrganization:          {http.MethodGet, "Organization/{id}", readOrganisation, false, quick},
	nhs.ReadLocation:              {http.MethodGet, "Location/{id}", readOrganisation, false, quick},
	nhs.SearchSlot:                {http.MethodGet, "Slot", readOrganisation, false, broad},
	nhs.CreateAppointment:         {http.MethodPost, "Appointment", writePatient, true, once},
	nhs.UpdateAppointment:         {http.MethodPut, "Appointment/{id}", writePatient, true, once},
	nhs.CancelAppointment:         {http.MethodPut, "Appointment/{id}", writePatient, true, once},
	nhs.ReadAppointment:           {http.MethodGet, "Appointment/{id}", readPatient, false, quick},
	nhs.SearchPatientAppointments: {http.MethodGet, "Patient/{id}/Appointment", readPatient, false, broad},
	nhs.GetStructuredRecord:       {http.MethodPost, "Patient/$gpc.getstructuredrecord", readPatient, false, slow},
	nhs.ReadStructuredMetadata:    {http.MethodGet, "metadata", readOrganisation, false, quick},
	nhs.ReadDocumentsMetadata:     {http.MethodGet, "metadata", readOrganisation, false, quick},
	nhs.SearchDocumentsPatient:    {http.MethodGet, "Patient", readPatient, false, quick},
	nhs.SearchDocuments:           {http.MethodGet, "Patient/{id}/DocumentReference", readPatient, false, broad},
	nhs.ReadDocument:              {http.MethodGet, "Binary/{id}", readPatient, false, slow},
	nhs.SearchHealthcareService:   {http.MethodGet, "HealthcareService", readOrganisation, false, quick},
	nhs.ReadHealthcareService:     {http.MethodGet, "HealthcareService/{id}", readOrganisation, false, quick},
}
