// Package practice is a simulated GP practice: a GP Connect STU3 provider as an [http.Handler], to stand behind a Spine
// Secure Proxy. It is as strict as the published contract says that real ones are. A wrong header, claim, media type,
// parameter or resource is refused with the status and the code that the contract names, in the contract's order of
// checks (gpconnect.md, 17), so that a client which works here has read the contract the way we have.
//
// It shares no code with any client but the words of package nhs: it builds, parses and checks by an independent
// reading. Clinical content is synthetic and lives in readable stories (data/stories); every date in it is relative to
// now, so nothing goes stale. Time is [time.Now], so that a practice can live in a synctest bubble.
//
// What it offers: capability statements at three roots; find and read of patients, practitioners, organisations and
// locations; $gpc.getstructuredrecord with every clinical area; free slots; book, read, retrieve, amend and cancel
// appointments, with state. Registering a patient, migrating a record, Access Document beyond its capability statement,
// and the draft service filtering are not offered: they answer 501 NOT_IMPLEMENTED and no statement declares them.
package practice

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Config describes one practice.
type Config struct {
	// ODS is the practice's own organisation code. Required.
	ODS nhs.ODSCode
	// Name is what its Organization and main Location are called. Required.
	Name string
	// ASID is what Ssp-To must say. Required.
	ASID nhs.ASID
	// Version is the GP Connect version that the practice claims, such as "1.2.7" or "1.6.2". It decides which
	// parameters are known and how errors are written. Required.
	Version string
	// Roots are the service root URLs of its capabilities.
	Roots Roots
	// Off says that the master switch is off: 403 ACCESS DENIED for everything but the Foundations metadata.
	Off bool
	// DisabledAreas are clinical areas switched off at this site: asking for one is a warning in the answer, and links
	// to it are display only.
	DisabledAreas []Area
	// UnsupportedAreas are clinical areas that this practice's system never exports.
	UnsupportedAreas []Area
	// Style is the supplier whose habits the answers take on. The zero Style is the specification's.
	Style Style
	// Diary is what can be booked. The zero Diary has no slots.
	Diary Diary
	// Slots, when not nil, is a searchset Bundle that answers every accepted slot search, byte for byte, whatever was
	// asked. Its slots can be booked, but stay in the answer when they are.
	Slots []byte
	// Patients are the people the practice knows.
	Patients []Patient
	// Location is the time zone of the diary and of "today". The default is Europe/London.
	Location *time.Location
}

// Roots are absolute https URLs without a trailing slash, exactly as SDS publishes them. Structured may equal
// Foundations, as at older practices. An empty root is a capability that the practice does not have.
type Roots struct{ Foundations, Structured, Documents string }

// Area is a clinical area of the structured record.
type Area string

// The areas. Documents is not one that can be asked for: document metadata arrives with what mentions it.
const (
	Allergies      Area = "allergies"
	Medications    Area = "medications"
	Consultations  Area = "consultations"
	Problems       Area = "problems"
	Immunisations  Area = "immunisations"
	Uncategorised  Area = "uncategorised"
	Investigations Area = "investigations"
	Referrals      Area = "referrals"
	DiaryEntries   Area = "diary"
	Documents      Area = "documents"
)

// Style is a supplier's habits on the wire (gpconnect.md, 14).
type Style string

// The styles.
const (
	// StyleSpecification writes what the specification says.
	StyleSpecification Style = ""
	// StyleUpper has upper-case GUIDs with suffixes as ids, and Lists that say how they are ordered.
	StyleUpper Style = "upper"
	// StyleHex has ids of 16 hex digits, Lists with ids, and display-only references to people and places.
	StyleHex Style = "hex"
	// StyleNamed has an Organization whose id is its ODS code and Medications whose id is their dm+d code.
	StyleNamed Style = "named"
)

// State is what the practice thinks of a patient.
type State string

// The states. All but Active and Temporary are answered as if the patient were unknown, and Temporary is for records.
const (
	Active     State = "active"
	Temporary  State = "temporary"
	Inactive   State = "inactive"
	Deceased   State = "deceased"
	Sensitive  State = "sensitive"
	Superseded State = "superseded"
	Unverified State = "unverified"
)

// Patient is somebody the practice knows.
type Patient struct {
	// NHSNumber is required.
	NHSNumber nhs.Number
	// Prefix, Family and Given are the official name; Family is required.
	Prefix, Family string
	Given          []string
	// Gender is "female", "male", "other" or "unknown"; the default is "unknown".
	Gender string
	// BirthDate is yyyy, yyyy-mm or yyyy-mm-dd.
	BirthDate string
	Address   Address
	Phone     string
	// State is Active when empty.
	State State
	// Dissents says that the patient objected to sharing: 403 NO_PATIENT_CONSENT for the record, and for nothing else.
	Dissents bool
	// Story names the clinical record to compose, one of [Stories]. The default is "plain".
	Story string
	// Record, when not nil, is served byte for byte to any structured request that passes the checks, whatever it asked.
	Record []byte
}

// Address is a postal address.
type Address struct {
	Lines                      []string
	City, District, PostalCode string
}

// System is a running practice. It is safe for concurrent use.
type System struct {
	cfg      Config
	zone     *time.Location
	patients map[string]*Patient // by NHS number; never changed after New
	byID     map[string]*Patient // by logical id at the Foundations root; never changed after New
	staff    *staff
	stories  map[string]*story // shared, never changed after New
	imported map[string]slot   // the slots of Config.Slots by id; never changed after New

	operations []operation

	mu           sync.Mutex
	appointments []*appointment  // in order of booking; guarded by mu
	taken        map[string]bool // slots that are booked, by id; guarded by mu
	changes      map[string]int  // how often a slot was booked or freed, by id; guarded by mu
}

// New checks cfg and opens the practice. An error names the field and never holds a patient's details.
func New(cfg Config) (*System, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("open practice %s: %w", cfg.ODS, err)
	}
	s := &System{
		cfg: cfg, zone: cfg.Location, operations: operations(), taken: map[string]bool{}, changes: map[string]int{},
		patients: map[string]*Patient{}, byID: map[string]*Patient{},
	}
	if s.zone == nil {
		zone, err := time.LoadLocation("Europe/London")
		if err != nil {
			return nil, fmt.Errorf("open practice %s: %w", cfg.ODS, err)
		}
		s.zone = zone
	}
	var err error
	if s.staff, err = loadStaff(); err != nil {
		return nil, fmt.Errorf("open practice %s: %w", cfg.ODS, err)
	}
	if s.stories, err = tellStories(); err != nil {
		return nil, fmt.Errorf("open practice %s: %w", cfg.ODS, err)
	}
	if s.imported, err = importSlots(cfg.Slots); err != nil {
		return nil, fmt.Errorf("open practice %s: %w", cfg.ODS, err)
	}
	// What the caller gave stays the caller's.
	s.cfg.Diary.Sessions = slices.Clone(cfg.Diary.Sessions)
	if err := s.cfg.Diary.check(s.staff); err != nil {
		return nil, fmt.Errorf("open practice %s: diary: %w", cfg.ODS, err)
	}
	for i := range cfg.Patients {
		p := cfg.Patients[i]
		if err := s.admit(&p); err != nil {
			return nil, fmt.Errorf("open practice %s: patient %d: %w", cfg.ODS, i, err)
		}
	}
	return s, nil
}

// admit adds a patient with the defaults filled in.
func (s *System) admit(p *Patient) error {
	switch {
	case p.NHSNumber.IsZero():
		return errors.New("no NHS number")
	case p.Family == "":
		return errors.New("no family name")
	case s.patients[p.NHSNumber.Digits()] != nil:
		return errors.New("an NHS number twice")
	}
	if p.State == "" {
		p.State = Active
	}
	if p.Gender == "" {
		p.Gender = "unknown"
	}
	if p.Story == "" {
		p.Story = "plain"
	}
	if s.stories[p.Story] == nil {
		return fmt.Errorf("no story %q", p.Story)
	}
	s.patients[p.NHSNumber.Digits()] = p
	s.byID[s.foundations().patientID(p)] = p
	return nil
}

func (cfg *Config) check() error {
	switch {
	case cfg.ODS.IsZero():
		return errors.New("no ODS code")
	case cfg.ASID.IsZero():
		return errors.New("no ASID")
	case cfg.Name == "":
		return errors.New("no name")
	case !versionGrammar.MatchString(cfg.Version):
		return errors.New("version is not one of GP Connect, such as 1.6.2")
	case cfg.Roots.Foundations == "" && cfg.Roots.Structured == "" && cfg.Roots.Documents == "":
		return errors.New("no service root")
	case !slices.Contains([]Style{StyleSpecification, StyleUpper, StyleHex, StyleNamed}, cfg.Style):
		return errors.New("no such style")
	case slices.ContainsFunc(slices.Concat(cfg.DisabledAreas, cfg.UnsupportedAreas), func(a Area) bool { return a.parameter() == "" }):
		return errors.New("an area that there is not")
	}
	for _, root := range []string{cfg.Roots.Foundations, cfg.Roots.Structured, cfg.Roots.Documents} {
		if root == "" {
			continue
		}
		u, err := url.Parse(root)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || strings.HasSuffix(root, "/") {
			return errors.New("a service root is not an absolute https URL without a trailing slash")
		}
	}
	return nil
}

// ServeHTTP answers one request. Its path is everything after the host of the service root URL.
func (s *System) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.answer(r).write(w, r)
}
