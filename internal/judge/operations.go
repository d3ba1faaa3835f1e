package judge

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// operation is a row of the SDS contract, part D: what an interaction is on the wire.
type operation struct {
	id      string
	method  string
	pattern *regexp.Regexp
	scope   string
	edition *edition
}

// edition is what differs between the FHIR versions of GP Connect (SDS contract, E5).
type edition struct {
	// media is the JSON media type.
	media string
	// audience is the fixed audience of the token; empty where it is the service root URL.
	audience string
	// Systems of identifiers.
	numberSystem, odsSystem, userSystem string
	// roleSystem is that of the role profile id; empty where the token names a role instead.
	roleSystem string
	// record says that the token names the record.
	record bool
}

var (
	stu3 = &edition{
		media:        "application/fhir+json",
		numberSystem: "https://fhir.nhs.uk/Id/nhs-number",
		odsSystem:    odsSystem,
		userSystem:   "https://fhir.nhs.uk/Id/sds-user-id",
		roleSystem:   "https://fhir.nhs.uk/Id/sds-role-profile-id",
	}
	// dstu2 is that of Access Record HTML, 0.7. Its user system lacks the "/Id/" that the others have.
	dstu2 = &edition{
		media:        "application/json+fhir",
		audience:     "https://authorize.fhir.nhs.net/token",
		numberSystem: "http://fhir.nhs.net/Id/nhs-number",
		odsSystem:    "http://fhir.nhs.net/Id/ods-organization-code",
		userSystem:   "http://fhir.nhs.net/sds-user-id",
		record:       true,
	}
)

const interactions = "urn:nhs:names:services:gpconnect:"

// Scopes of the audit token (SDS contract, E4).
const (
	patientRead      = "patient/*.read"
	patientWrite     = "patient/*.write"
	organisationRead = "organization/*.read"
)

// operations is part D, every row.
var operations = table(
	row(http.MethodGet, "metadata", organisationRead, "fhir:rest:read:metadata-1"),
	row(http.MethodGet, "Patient", patientRead, "fhir:rest:search:patient-1"),
	row(http.MethodGet, "Patient/{id}", patientRead, "fhir:rest:read:patient-1"),
	row(http.MethodPost, "Patient/$gpc.registerpatient", patientWrite, "fhir:operation:gpc.registerpatient-1"),
	row(http.MethodGet, "Practitioner", organisationRead, "fhir:rest:search:practitioner-1"),
	row(http.MethodGet, "Practitioner/{id}", organisationRead, "fhir:rest:read:practitioner-1"),
	row(http.MethodGet, "Organization", organisationRead, "fhir:rest:search:organization-1"),
	row(http.MethodGet, "Organization/{id}", organisationRead, "fhir:rest:read:organization-1"),
	row(http.MethodGet, "Location/{id}", organisationRead, "fhir:rest:read:location-1"),
	row(http.MethodGet, "Slot", organisationRead, "fhir:rest:search:slot-1"),
	row(http.MethodPost, "Appointment", patientWrite, "fhir:rest:create:appointment-1"),
	row(http.MethodPut, "Appointment/{id}", patientWrite, "fhir:rest:update:appointment-1"),
	row(http.MethodPut, "Appointment/{id}", patientWrite, "fhir:rest:cancel:appointment-1"),
	row(http.MethodGet, "Appointment/{id}", patientRead, "fhir:rest:read:appointment-1"),
	row(http.MethodGet, "Patient/{id}/Appointment", patientRead, "fhir:rest:search:patient_appointments-1"),
	row(http.MethodPost, "Patient/$gpc.getstructuredrecord", patientRead, "fhir:operation:gpc.getstructuredrecord-1"),
	row(http.MethodGet, "metadata", organisationRead, "structured:fhir:rest:read:metadata-1"),
	row(http.MethodPost, "Patient/$gpc.migratestructuredrecord", patientRead, "fhir:operation:gpc.migratestructuredrecord-1"),
	row(http.MethodGet, "metadata", organisationRead, "documents:fhir:rest:read:metadata-1"),
	row(http.MethodGet, "Patient", patientRead, "documents:fhir:rest:search:patient-1"),
	row(http.MethodGet, "Patient/{id}/DocumentReference", patientRead, "documents:fhir:rest:search:documentreference-1"),
	row(http.MethodGet, "Binary/{id}", patientRead, "documents:fhir:rest:read:binary-1"),
	row(http.MethodGet, "Binary/{id}", patientRead, "documents:fhir:rest:migrate:binary-1"),
	// The two of the draft 1.2.8 (GP Connect contract, 1.3).
	row(http.MethodGet, "HealthcareService", organisationRead, "fhir:rest:search:healthcareservice-1"),
	row(http.MethodGet, "HealthcareService/{id}", organisationRead, "fhir:rest:read:healthcareservice-1"),
	row(http.MethodGet, "metadata", organisationRead, "fhir:rest:read:metadata"),
	row(http.MethodPost, "Patient/$gpc.getcarerecord", patientRead, "fhir:operation:gpc.getcarerecord"),
)

func row(method, path, scope, name string) *operation {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(path), `\{id\}`, `([^/]*)`)
	o := &operation{
		id: interactions + name, method: method, scope: scope, edition: stu3,
		pattern: regexp.MustCompile(`^/(.*/)` + pattern + `$`),
	}
	if !strings.HasSuffix(name, "-1") {
		o.edition = dstu2
	}
	return o
}

func table(rows ...*operation) map[string]*operation {
	all := map[string]*operation{}
	for _, o := range rows {
		all[o.id] = o
	}
	return all
}

// split takes a path apart: the service root URL with the slash behind it, and the logical ids below it.
func (o *operation) split(path string) (root string, ids []string, ok bool) {
	m := o.pattern.FindStringSubmatch(path)
	if m == nil {
		return "", nil, false
	}
	return m[1], m[2:], true
}

// write reports whether the practice changes something. An operation that reads a record is a POST, too.
func (o *operation) write() bool { return o.scope == patientWrite }

// migrates reports whether it is record transfer, for which alone there is a conf token (SDS contract, E4).
func (o *operation) migrates() bool { return strings.Contains(o.id, "migrate") }

// record reports whether the operation begins the reading of a patient's record, which is at the registered practice.
func (o *operation) record() bool {
	return slices.Contains([]string{
		interactions + "fhir:operation:gpc.getstructuredrecord-1", interactions + "fhir:operation:gpc.getcarerecord",
		interactions + "documents:fhir:rest:search:patient-1",
	}, o.id)
}
