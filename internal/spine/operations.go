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
	// edition is the FHIR that is spoken.
	edition edition
}

var (
	quick = Limits{FirstByte: 10 * time.Second, Progress: 10 * time.Second, Total: 30 * time.Second, Attempts: 2, Bytes: 2 << 20}
	// broad is quick for what finds many: a fortnight of slots, or a patient's appointments or documents.
	broad = Limits{FirstByte: 10 * time.Second, Progress: 10 * time.Second, Total: 30 * time.Second, Attempts: 2, Bytes: 16 << 20}
	slow  = Limits{FirstByte: 15 * time.Second, Progress: 10 * time.Second, Total: time.Minute, Attempts: 2, Bytes: 150 << 20}
	once  = Limits{FirstByte: 15 * time.Second, Progress: 10 * time.Second, Total: 15 * time.Second, Attempts: 2, Bytes: 4 << 20}
)

// operations is the table of the SDS contract, part D: what is not here cannot be called. Record transfer is missing
// because it is not direct care.
var operations = map[nhs.Interaction]operation{
	nhs.ReadMetadata:              {http.MethodGet, "metadata", readOrganisation, false, quick, stu3},
	nhs.SearchPatient:             {http.MethodGet, "Patient", readPatient, false, quick, stu3},
	nhs.ReadPatient:               {http.MethodGet, "Patient/{id}", readPatient, false, quick, stu3},
	nhs.RegisterPatient:           {http.MethodPost, "Patient/$gpc.registerpatient", writePatient, true, once, stu3},
	nhs.SearchPractitioner:        {http.MethodGet, "Practitioner", readOrganisation, false, quick, stu3},
	nhs.ReadPractitioner:          {http.MethodGet, "Practitioner/{id}", readOrganisation, false, quick, stu3},
	nhs.SearchOrganization:        {http.MethodGet, "Organization", readOrganisation, false, quick, stu3},
	nhs.ReadOrganization:          {http.MethodGet, "Organization/{id}", readOrganisation, false, quick, stu3},
	nhs.ReadLocation:              {http.MethodGet, "Location/{id}", readOrganisation, false, quick, stu3},
	nhs.SearchSlot:                {http.MethodGet, "Slot", readOrganisation, false, broad, stu3},
	nhs.CreateAppointment:         {http.MethodPost, "Appointment", writePatient, true, once, stu3},
	nhs.UpdateAppointment:         {http.MethodPut, "Appointment/{id}", writePatient, true, once, stu3},
	nhs.CancelAppointment:         {http.MethodPut, "Appointment/{id}", writePatient, true, once, stu3},
	nhs.ReadAppointment:           {http.MethodGet, "Appointment/{id}", readPatient, false, quick, stu3},
	nhs.SearchPatientAppointments: {http.MethodGet, "Patient/{id}/Appointment", readPatient, false, broad, stu3},
	nhs.GetStructuredRecord:       {http.MethodPost, "Patient/$gpc.getstructuredrecord", readPatient, false, slow, stu3},
	nhs.ReadStructuredMetadata:    {http.MethodGet, "metadata", readOrganisation, false, quick, stu3},
	nhs.ReadDocumentsMetadata:     {http.MethodGet, "metadata", readOrganisation, false, quick, stu3},
	nhs.SearchDocumentsPatient:    {http.MethodGet, "Patient", readPatient, false, quick, stu3},
	nhs.SearchDocuments:           {http.MethodGet, "Patient/{id}/DocumentReference", readPatient, false, broad, stu3},
	nhs.ReadDocument:              {http.MethodGet, "Binary/{id}", readPatient, false, slow, stu3},
	nhs.SearchHealthcareService:   {http.MethodGet, "HealthcareService", readOrganisation, false, quick, stu3},
	nhs.ReadHealthcareService:     {http.MethodGet, "HealthcareService/{id}", readOrganisation, false, quick, stu3},
	nhs.ReadHTMLMetadata:          {http.MethodGet, "metadata", readOrganisation, false, quick, dstu2},
	nhs.GetCareRecord:             {http.MethodPost, "Patient/$gpc.getcarerecord", readPatient, false, slow, dstu2},
}
