package practice

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/nhs"
)

//go:embed data
var data embed.FS

// staff is data/staff.yaml: the people and places of every practice.
type staff struct {
	People  map[string]person `yaml:"people"`
	Surgery place             `yaml:"surgery"`
	Branch  place             `yaml:"branch"`
}

type person struct {
	Prefix string   `yaml:"prefix"`
	Family string   `yaml:"family"`
	Given  []string `yaml:"given"`
	Gender string   `yaml:"gender"`
	User   string   `yaml:"user"`
	Role   string   `yaml:"role"`
	Title  string   `yaml:"title"`
}

type place struct {
	Name       string   `yaml:"name"`
	Lines      []string `yaml:"lines"`
	City       string   `yaml:"city"`
	District   string   `yaml:"district"`
	PostalCode string   `yaml:"postalCode"`
	Phone      string   `yaml:"phone"`
}

// The keys of the two places.
const (
	surgery = "surgery"
	branch  = "branch"
)

// usualGP is who every registered patient's usual GP is.
const usualGP = "gp"

func loadStaff() (*staff, error) {
	raw, err := data.ReadFile("data/staff.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the staff: %w", err)
	}
	st := &staff{}
	if err := decodeYAML(raw, st); err != nil {
		return nil, fmt.Errorf("read the staff: %w", err)
	}
	return st, nil
}

// decodeYAML refuses unknown keys: a slip in a story must not pass as silence.
func decodeYAML(raw []byte, into any) error {
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	d.KnownFields(true)
	return d.Decode(into)
}

// directory names and builds the administrative resources as one root shows them. Ids differ from root to root
// (gpconnect.md, 1.2), and only Foundations shows versions.
type directory struct {
	*System
	root string
}

func (s *System) foundations() directory { return directory{s, "foundations"} }
func (s *System) structured() directory  { return directory{s, "structured"} }

func (d directory) id(kind, key string) string {
	return d.cfg.Style.id(kind, mint(d.cfg.ODS.String(), d.root, kind, key))
}

func (d directory) patientID(p *Patient) string { return d.id("Patient", p.NHSNumber.Digits()) }

func (d directory) organizationID() string {
	if d.cfg.Style == StyleNamed {
		return d.cfg.ODS.String()
	}
	return d.id("Organization", d.cfg.ODS.String())
}

func (d directory) resource(kind, id string, pairs ...any) object {
	if d.root == "foundations" {
		return versioned(kind, id, "1", careConnect(kind), pairs...)
	}
	return resource(kind, id, careConnect(kind), pairs...)
}

func (d directory) organization() object {
	p := d.staff.Surgery
	return d.resource("Organization", d.organizationID(),
		"identifier", []object{identifier(odsCodeID, d.cfg.ODS.String())},
		"name", d.cfg.Name,
		"telecom", []object{obj("system", "phone", "value", p.Phone, "use", "work")},
		"address", []object{p.address("work")},
	)
}

func (d directory) location(key string) object {
	p, name := d.staff.Surgery, d.cfg.Name
	if key == branch {
		p, name = d.staff.Branch, d.staff.Branch.Name
	}
	return d.resource("Location", d.id("Location", key),
		"name", name,
		"telecom", []object{obj("system", "phone", "value", p.Phone, "use", "work")},
		"address", p.address("work"),
		"managingOrganization", reference("Organization/"+d.organizationID()),
	)
}

func (p place) address(use string) object {
	return obj("use", use, "line", p.Lines, "city", p.City, "district", p.District, "postalCode", p.PostalCode)
}

func (d directory) practitioner(key string) object {
	p := d.staff.People[key]
	return d.resource("Practitioner", d.id("Practitioner", key),
		"identifier", []object{identifier(sdsUserID, p.User)},
		"name", []object{obj("use", "official", "family", p.Family, "given", p.Given, "prefix", []string{p.Prefix})},
		"gender", p.Gender,
	)
}

func (d directory) practitionerRole(key string) object {
	return d.resource("PractitionerRole", d.id("PractitionerRole", key),
		"practitioner", reference("Practitioner/"+d.id("Practitioner", key)),
		"organization", reference("Organization/"+d.organizationID()),
		"code", []object{d.staff.People[key].role()},
	)
}

func (p person) role() object {
	return concept(nhsSystems+"CareConnect-SDSJobRoleName-1", p.Role, p.Title)
}

// patient is the Patient resource (gpconnect.md, 4.2).
func (d directory) patient(p *Patient) object {
	registration, display := "R", "Regular"
	if p.State == Temporary {
		registration, display = "T", "Temporary"
	}
	var prefix []string
	if p.Prefix != "" {
		prefix = []string{p.Prefix}
	}
	var telecom []object
	if p.Phone != "" {
		telecom = []object{obj("system", "phone", "value", p.Phone, "use", "home")}
	}
	return d.resource("Patient", d.patientID(p),
		"extension", []object{
			nested(nhsProfiles+"Extension-CareConnect-GPC-RegistrationDetails-1",
				extension("registrationType", "valueCodeableConcept",
					concept(nhsSystems+"CareConnect-RegistrationType-1", registration, display))),
			nested(nhsProfiles+"Extension-CareConnect-GPC-NHSCommunication-1",
				extension("language", "valueCodeableConcept",
					concept(nhsSystems+"CareConnect-HumanLanguage-1", "en", "English")),
				extension("preferred", "valueBoolean", true),
				extension("interpreterRequired", "valueBoolean", false)),
		},
		"identifier", []object{d.verifiedNumber(p)},
		"active", true,
		"name", []object{obj("use", "official", "family", p.Family, "given", p.Given, "prefix", prefix)},
		"telecom", telecom,
		"gender", p.Gender, "birthDate", p.BirthDate,
		"address", []object{p.Address.resource()},
		"generalPractitioner", []object{reference("Practitioner/" + d.id("Practitioner", usualGP))},
		"managingOrganization", reference("Organization/"+d.organizationID()),
	)
}

func (d directory) verifiedNumber(p *Patient) object {
	code, display := "01", "Number present and verified"
	if p.State == Unverified {
		code, display = "02", "Number present but not traced"
	}
	return obj(
		"extension", []object{extension(nhsProfiles+"Extension-CareConnect-GPC-NHSNumberVerificationStatus-1", "valueCodeableConcept",
			concept(nhsSystems+"CareConnect-NHSNumberVerificationStatus-1", code, display))},
		"system", nhsNumberID, "value", p.NHSNumber.Digits(),
	)
}

func (a Address) resource() object {
	o := obj("use", "home", "line", a.Lines, "city", a.City, "district", a.District, "postalCode", a.PostalCode)
	if empty(o[1:]) {
		return nil
	}
	return o
}

// attends says that the practice shows this person at Foundations and lets appointments be made: active or temporary.
func (p *Patient) attends() bool { return p != nil && (p.State == Active || p.State == Temporary) }

// The calls of gpconnect.md 4.1 and 4.3.

func (s *System) findPatient(r *request) (answer, error) {
	system, value, err := r.identifier()
	if err != nil {
		return answer{}, err
	}
	if system != nhsNumberID {
		return answer{}, invalidParameter("the system of identifier is not that of NHS numbers")
	}
	number, err := nhs.ParseNumber(value)
	if err != nil {
		return answer{}, invalidNHSNumber()
	}
	p := s.patients[number.Digits()]
	if !p.attends() {
		return ok(searchset())
	}
	return ok(searchset(s.foundations().patient(p)))
}

// identifier reads the one search parameter of find patient, practitioner and organisation.
func (r *request) identifier() (system, value string, err error) {
	given := r.query["identifier"]
	if len(given) != 1 {
		return "", "", badRequest("identifier must be there once")
	}
	system, value, found := strings.Cut(given[0], "|")
	if !found || strings.TrimSpace(system) == "" || strings.TrimSpace(value) == "" {
		return "", "", invalidParameter("identifier must be a system, a vertical bar and a value")
	}
	return system, value, nil
}

func (s *System) readPatient(r *request) (answer, error) {
	p := s.byID[r.id]
	if !p.attends() {
		return answer{}, patientNotFound()
	}
	return okVersion(s.foundations().patient(p), "1")
}

func (s *System) findPractitioner(r *request) (answer, error) {
	system, value, err := r.identifier()
	if err != nil {
		return answer{}, err
	}
	if system != sdsUserID {
		return answer{}, invalidParameter("the system of identifier is not that of SDS users")
	}
	for _, key := range slices.Sorted(maps.Keys(s.staff.People)) {
		if s.staff.People[key].User == value {
			return ok(searchset(s.foundations().practitioner(key)))
		}
	}
	return ok(searchset())
}

func (s *System) readPractitioner(r *request) (answer, error) {
	if key, found := s.practitionerByID(r.id); found {
		return okVersion(s.foundations().practitioner(key), "1")
	}
	return answer{}, notFound("PRACTITIONER_NOT_FOUND", "Practitioner record not found")
}

func (s *System) practitionerByID(id string) (string, bool) {
	for key := range s.staff.People {
		if s.foundations().id("Practitioner", key) == id {
			return key, true
		}
	}
	return "", false
}

func (s *System) findOrganization(r *request) (answer, error) {
	system, value, err := r.identifier()
	if err != nil {
		return answer{}, err
	}
	if system != odsCodeID {
		return answer{}, invalidParameter("the system of identifier is not that of ODS codes")
	}
	if value != s.cfg.ODS.String() {
		return ok(searchset())
	}
	return ok(searchset(s.foundations().organization()))
}

func (s *System) readOrganization(r *request) (answer, error) {
	if r.id == s.foundations().organizationID() {
		return okVersion(s.foundations().organization(), "1")
	}
	return answer{}, notFound("ORGANISATION_NOT_FOUND", "Organisation record not found")
}

func (s *System) readLocation(r *request) (answer, error) {
	for _, key := range []string{surgery, branch} {
		if s.foundations().id("Location", key) == r.id {
			return okVersion(s.foundations().location(key), "1")
		}
	}
	return answer{}, noRecordFound()
}
