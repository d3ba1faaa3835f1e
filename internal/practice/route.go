package practice

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// request is a request that has passed the checks which all of them share.
type request struct {
	*http.Request
	id       string     // the logical id in the path, if there is one
	query    url.Values // decoded
	body     []byte
	consumer string    // ODS code of the requesting organisation, from the token
	now      time.Time // when it was answered, in the practice's time zone
	trace    string
}

// operation is a row of the interaction table (gpconnect.md, 1.3; sds-and-ssp.md, part D).
type operation struct {
	interaction nhs.Interaction
	method      string
	root        func(Roots) string
	path        *regexp.Regexp // after the root and a slash; at most one group, the logical id
	scope       string
	capability  string
	work        func(*System, *request) (answer, error) // nil: not offered
}

const (
	foundationsMetadata = nhs.ReadMetadata

	readPatients  = "patient/*.read"
	writePatients = "patient/*.write"
	readPractices = "organization/*.read"
)

func foundationsRoot(r Roots) string { return r.Foundations }
func structuredRoot(r Roots) string  { return r.Structured }
func documentsRoot(r Roots) string   { return r.Documents }

// fixed is a path without a logical id.
func fixed(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + regexp.QuoteMeta(path) + "()$")
}

// withID is a path with one logical id at the place of {id}.
func withID(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.Replace(regexp.QuoteMeta(path), `\{id\}`, `([A-Za-z0-9.-]{1,64})`, 1) + "$")
}

// operations is the table. Migration has no scope here: its scopes are its own, and it is not offered.
func operations() []operation {
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	f, st, d := foundationsRoot, structuredRoot, documentsRoot
	return []operation{
		{nhs.ReadMetadata, get, f, fixed("metadata"), readPractices, "Foundations", (*System).foundationsStatement},
		{nhs.ReadStructuredMetadata, get, st, fixed("metadata"), readPractices, "Access Record Structured", (*System).structuredStatement},
		{nhs.ReadDocumentsMetadata, get, d, fixed("metadata"), readPractices, "Access Document", (*System).documentsStatement},
		{nhs.SearchPatient, get, f, fixed("Patient"), readPatients, "Foundations", (*System).findPatient},
		{nhs.ReadPatient, get, f, withID("Patient/{id}"), readPatients, "Foundations", (*System).readPatient},
		{nhs.SearchPractitioner, get, f, fixed("Practitioner"), readPractices, "Foundations", (*System).findPractitioner},
		{nhs.ReadPractitioner, get, f, withID("Practitioner/{id}"), readPractices, "Foundations", (*System).readPractitioner},
		{nhs.SearchOrganization, get, f, fixed("Organization"), readPractices, "Foundations", (*System).findOrganization},
		{nhs.ReadOrganization, get, f, withID("Organization/{id}"), readPractices, "Foundations", (*System).readOrganization},
		{nhs.ReadLocation, get, f, withID("Location/{id}"), readPractices, "Foundations", (*System).readLocation},
		{nhs.RegisterPatient, post, f, fixed("Patient/$gpc.registerpatient"), writePatients, "Register a patient", nil},
		{nhs.SearchSlot, get, f, fixed("Slot"), readPractices, "Appointment Management", (*System).searchSlots},
		{nhs.CreateAppointment, post, f, fixed("Appointment"), writePatients, "Appointment Management", (*System).book},
		{nhs.ReadAppointment, get, f, withID("Appointment/{id}"), readPatients, "Appointment Management", (*System).readAppointment},
		{nhs.UpdateAppointment, put, f, withID("Appointment/{id}"), writePatients, "Appointment Management", (*System).amend},
		{nhs.CancelAppointment, put, f, withID("Appointment/{id}"), writePatients, "Appointment Management", (*System).cancel},
		{nhs.SearchPatientAppointments, get, f, withID("Patient/{id}/Appointment"), readPatients, "Appointment Management", (*System).patientAppointments},
		{nhs.SearchHealthcareService, get, f, fixed("HealthcareService"), readPractices, "Service filtering", nil},
		{nhs.ReadHealthcareService, get, f, withID("HealthcareService/{id}"), readPractices, "Service filtering", nil},
		{nhs.GetStructuredRecord, post, st, fixed("Patient/$gpc.getstructuredrecord"), readPatients, "Access Record Structured", (*System).structuredRecord},
		{nhs.MigrateStructuredRecord, post, st, fixed("Patient/$gpc.migratestructuredrecord"), "", "Migrate Structured Record", nil},
		{nhs.SearchDocumentsPatient, get, d, fixed("Patient"), readPatients, "Access Document", nil},
		{nhs.SearchDocuments, get, d, withID("Patient/{id}/DocumentReference"), readPatients, "Access Document", nil},
		{nhs.ReadDocument, get, d, withID("Binary/{id}"), readPatients, "Access Document", nil},
		{nhs.MigrateDocument, get, d, withID("Binary/{id}"), "", "Migrate Document", nil},
	}
}

var (
	traceGrammar   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	versionGrammar = regexp.MustCompile(`^[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,2})?(-[a-z0-9.]+)?$`)
)

// route checks the Ssp-* headers (sds-and-ssp.md, C3), finds the operation, and returns the logical id in the path.
// Everything that does not fit is 400 BAD_REQUEST: the interaction id must name what verb and path do.
func (s *System) route(r *http.Request) (operation, string, error) {
	headers := map[string]string{}
	for _, name := range []string{"Ssp-TraceID", "Ssp-From", "Ssp-To", "Ssp-InteractionID"} {
		values := r.Header.Values(name)
		if len(values) != 1 || values[0] == "" {
			return operation{}, "", badRequest("the header " + name + " must be there once")
		}
		headers[name] = values[0]
	}
	if !traceGrammar.MatchString(headers["Ssp-TraceID"]) {
		return operation{}, "", badRequest("Ssp-TraceID is not a UUID")
	}
	if _, err := nhs.ParseASID(headers["Ssp-From"]); err != nil {
		return operation{}, "", badRequest("Ssp-From is not an ASID")
	}
	if headers["Ssp-To"] != s.cfg.ASID.String() {
		return operation{}, "", badRequest("Ssp-To is not the ASID of this system")
	}
	for _, op := range s.operations {
		if op.interaction.String() != headers["Ssp-InteractionID"] {
			continue
		}
		root := op.root(s.cfg.Roots)
		if root == "" {
			return operation{}, "", notImplemented(op.capability)
		}
		rest, found := strings.CutPrefix(r.URL.EscapedPath(), pathOf(root)+"/")
		groups := op.path.FindStringSubmatch(rest)
		if r.Method != op.method || !found || groups == nil {
			return operation{}, "", badRequest("Ssp-InteractionID does not match the verb and the path")
		}
		return op, groups[1], nil
	}
	return operation{}, "", badRequest("Ssp-InteractionID is not one of GP Connect's")
}

// pathOf is what follows the host in a root that New has checked.
func pathOf(root string) string {
	_, rest, _ := strings.Cut(root, "://")
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		return rest[at:]
	}
	return ""
}

// checkMedia chooses the format of the answer, which must be JSON, and that of the body (gpconnect.md, 2): _format beats
// Accept, which beats Content-Type; without any of the three a GET is refused.
func (s *System) checkMedia(r *http.Request) error {
	content := r.Header.Get("Content-Type")
	if content != "" && !isJSON(content) {
		return s.unsupportedMedia("Content-Type is not application/fhir+json")
	}
	if content == "" && r.Method != http.MethodGet {
		return s.unsupportedMedia("Content-Type is missing")
	}
	if format := r.URL.Query()["_format"]; len(format) > 0 {
		// An unencoded plus sign has become a space on its way; it is no type then.
		if !isJSON(format[0]) {
			return s.unsupportedMedia("_format is not application/fhir+json")
		}
		return nil
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		if content == "" {
			return s.unsupportedMedia("Accept is missing")
		}
		return nil
	}
	for one := range strings.SplitSeq(accept, ",") {
		if one = strings.TrimSpace(one); isJSON(one) || one == "*/*" {
			return nil
		}
	}
	return s.unsupportedMedia("Accept does not allow application/fhir+json")
}

// isJSON knows the STU3 media type, with parameters that say nothing but UTF-8.
func isJSON(value string) bool {
	kind, params, _ := strings.Cut(value, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/fhir+json") {
		return false
	}
	for p := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "charset") && !strings.EqualFold(strings.Trim(v, `"`), "utf-8") {
			return false
		}
	}
	return true
}
