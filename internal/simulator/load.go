package simulator

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// builtIn is the data that is always there, in the form that --data has too. Its dates are relative to now: see relative.
//
//go:embed data
var builtIn embed.FS

// testRange is where the NHS numbers begin that are never issued (PDS contract, 14). Nobody else is ever simulated
// (trust.md, G15), so an error may name a file that is called after such a number.
const testRange = "999"

// practiceFile is one entry of practices.yaml. The keys down to faults are those that --data documents; the others are
// for the built-in practices and as good for anybody's.
type practiceFile struct {
	ODS          string          `yaml:"ods"`
	Name         string          `yaml:"name"`
	ASID         string          `yaml:"asid"`
	PartyKey     string          `yaml:"partyKey"`
	Interactions interactionList `yaml:"interactions"`
	// BasePath is the path of the Foundations root. The others are built from it (gpconnect.md, 1.2).
	BasePath string  `yaml:"basePath"`
	Version  string  `yaml:"version"`
	Faults   []Fault `yaml:"faults"`

	Scenario string `yaml:"scenario"`
	// Host is the host of the roots; the default is gp.<ods>.example.
	Host string `yaml:"host"`
	// StructuredPath is the path of the Structured root, where it is not below BasePath.
	StructuredPath string `yaml:"structuredPath"`
	// NoAgreement says that the practice shares with none of the consumers: the proxy refuses.
	NoAgreement bool `yaml:"noAgreement"`
	// Off is the practice's own master switch.
	Off              bool            `yaml:"off"`
	DisabledAreas    []practice.Area `yaml:"disabledAreas"`
	UnsupportedAreas []practice.Area `yaml:"unsupportedAreas"`
	Style            practice.Style  `yaml:"style"`
	// Diary is ordinary (the default), huge or none.
	Diary string `yaml:"diary"`
}

// interactionList is "all", or a list of ids.
type interactionList struct {
	all bool
	ids []nhs.Interaction
}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (l *interactionList) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode && node.Value == "all" {
		l.all = true
		return nil
	}
	var ids []string
	if err := node.Decode(&ids); err != nil {
		return fmt.Errorf("line %d: interactions is neither \"all\" nor a list of ids", node.Line)
	}
	for _, id := range ids {
		interaction, err := nhs.ParseInteraction(id)
		if err != nil {
			return fmt.Errorf("line %d: %q: %w", node.Line, id, err)
		}
		l.ids = append(l.ids, interaction)
	}
	return nil
}

// scenarioFile is what there is to say of a patient that PDS does not say. It is the value to an NHS number in
// scenarios.yaml.
type scenarioFile struct {
	Scenario string `yaml:"scenario"`
	// SurvivingNumber answers for a superseded number with another patient.
	SurvivingNumber string `yaml:"survivingNumber"`
	Invalidated     bool   `yaml:"invalidated"`
	// NotAtPractice says that the practice of the PDS record does not know the patient.
	NotAtPractice bool `yaml:"notAtPractice"`
	// At adds the patient to a practice that is not the one of the PDS record.
	At string `yaml:"at"`
	// State, Story and Dissents are the practice's own (package practice).
	State    practice.State `yaml:"state"`
	Story    string         `yaml:"story"`
	Dissents bool           `yaml:"dissents"`
	// Faults happen to requests about the patient.
	Faults []Fault `yaml:"faults"`
}

// loader gathers what the files say before anything is opened.
type loader struct {
	world     *world
	files     []practiceFile
	patients  map[string]*pdsPatient
	scenarios map[string]scenarioFile
	records   map[string][]byte
	slots     map[string][]byte
}

// loadWorld reads the built-in data and, if there is one, a directory besides it. What the directory has under the same
// NHS number or ASID replaces what is built in.
func loadWorld(now time.Time, extra fs.FS) (*world, error) {
	l := &loader{
		world:    &world{consumers: builtInConsumers(), patients: map[string]*patientEntry{}},
		patients: map[string]*pdsPatient{}, scenarios: map[string]scenarioFile{},
		records: map[string][]byte{}, slots: map[string][]byte{},
	}
	own, err := fs.Sub(builtIn, "data")
	if err != nil {
		return nil, fmt.Errorf("built-in data: %w", err)
	}
	asIs := func(b []byte) ([]byte, error) { return b, nil }
	if err := l.read(own, func(b []byte) ([]byte, error) { return relative(b, now) }); err != nil {
		return nil, fmt.Errorf("built-in data: %w", err)
	}
	if extra != nil {
		if err := l.read(extra, asIs); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
	}
	if err := l.build(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return l.world, nil
}

// read takes in one directory.
func (l *loader) read(dir fs.FS, prepare func([]byte) ([]byte, error)) error {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return fmt.Errorf("read the directory: %w", err)
	}
	for _, e := range entries {
		var err error
		switch name := e.Name(); {
		case name == "practices.yaml":
			err = l.readPractices(dir)
		case name == "scenarios.yaml":
			err = l.readScenarios(dir)
		case name == "patients":
			err = eachNumber(dir, name, func(number nhs.Number, raw []byte) error {
				prepared, err := prepare(raw)
				if err != nil {
					return err
				}
				p, err := readPatient(number, prepared)
				l.patients[number.Digits()] = p
				return err
			})
		case name == "records":
			err = eachNumber(dir, name, func(number nhs.Number, raw []byte) error {
				l.records[number.Digits()] = raw
				return nil
			})
		case name == "slots":
			err = eachFile(dir, name, func(stem string, raw []byte) error {
				ods, err := nhs.ParseODSCode(stem)
				l.slots[ods.String()] = raw
				return err
			})
		case name == "documents" || strings.HasPrefix(name, ".") || path.Ext(name) == ".md" || path.Ext(name) == ".txt":
			// documents: no practice serves them yet, and a directory made for later is not an error
		default:
			err = fmt.Errorf("%s is none of patients, records, slots, documents, practices.yaml and scenarios.yaml", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readYAML decodes a file strictly. A name that the format does not have is an error with its line.
func readYAML(dir fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(dir, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (l *loader) readPractices(dir fs.FS) error {
	var files []practiceFile
	if err := readYAML(dir, "practices.yaml", &files); err != nil {
		return err
	}
	for i, f := range files {
		at := slices.IndexFunc(l.files, func(other practiceFile) bool { return other.ASID == f.ASID && f.ASID != "" })
		if at >= 0 {
			l.files[at] = f
		} else {
			l.files = append(l.files, f)
		}
		if _, err := l.practice(f); err != nil {
			return fmt.Errorf("read practices.yaml: practice %d (%s): %w", i+1, f.ODS, err)
		}
	}
	return nil
}

func (l *loader) readScenarios(dir fs.FS) error {
	var files map[string]scenarioFile
	if err := readYAML(dir, "scenarios.yaml", &files); err != nil {
		return err
	}
	for _, text := range slices.Sorted(maps.Keys(files)) {
		if _, err := testNumber(text); err != nil {
			return fmt.Errorf("read scenarios.yaml: a key: %w", err)
		}
		l.scenarios[text] = files[text]
	}
	return nil
}

// eachFile reads the JSON files of a directory, by their names without the extension.
func eachFile(dir fs.FS, name string, take func(stem string, raw []byte) error) error {
	entries, err := fs.ReadDir(dir, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for i, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			return fmt.Errorf("read %s: entry %d is not a .json file", name, i+1)
		}
		raw, err := fs.ReadFile(dir, path.Join(name, e.Name()))
		if err != nil {
			return fmt.Errorf("read %s: entry %d: %w", name, i+1, errors.Unwrap(err))
		}
		if err := take(stem, raw); err != nil {
			if _, isNumber := testNumber(stem); isNumber == nil || name == "slots" {
				return fmt.Errorf("read %s/%s: %w", name, e.Name(), err)
			}
			return fmt.Errorf("read %s: entry %d: %w", name, i+1, err)
		}
	}
	return nil
}

func eachNumber(dir fs.FS, name string, take func(nhs.Number, []byte) error) error {
	return eachFile(dir, name, func(stem string, raw []byte) error {
		number, err := testNumber(stem)
		if err != nil {
			return fmt.Errorf("its name: %w", err)
		}
		return take(number, raw)
	})
}

var errNotTestRange = errors.New("not in the range of NHS numbers kept for tests, 999 and seven more digits")

// testNumber reads an NHS number that can be nobody's.
func testNumber(text string) (nhs.Number, error) {
	number, err := nhs.ParseNumber(text)
	if err != nil {
		return nhs.Number{}, err //nolint:wrapcheck // the caller says what it was reading
	}
	if !strings.HasPrefix(text, testRange) {
		return nhs.Number{}, errNotTestRange
	}
	return number, nil
}

// practice checks an entry of practices.yaml.
func (l *loader) practice(f practiceFile) (*practiceEntry, error) {
	ods, err := nhs.ParseODSCode(f.ODS)
	if err != nil {
		return nil, fmt.Errorf("ods: %w", err)
	}
	if f.Name == "" {
		return nil, errors.New("name is missing")
	}
	entry := &practiceEntry{
		Practice: Practice{ODS: ods, Name: f.Name, Version: f.Version, Scenario: f.Scenario, Interactions: f.Interactions.ids},
		host:     f.Host, noAgreement: f.NoAgreement,
	}
	if f.Interactions.all {
		entry.Interactions = allInteractions(f.Version)
	}
	if entry.host == "" {
		entry.host = "gp." + strings.ToLower(ods.String()) + ".example"
	}
	for _, fault := range f.Faults {
		if err := ofPractice(fault, ods).check(); err != nil {
			return nil, fmt.Errorf("faults: %w", err)
		}
	}
	if len(entry.Interactions) == 0 {
		return entry, nil // on PDS, and nowhere in SDS
	}
	if entry.ASID, err = nhs.ParseASID(f.ASID); err != nil {
		return nil, fmt.Errorf("asid: %w", err)
	}
	if entry.PartyKey, err = nhs.ParsePartyKey(f.PartyKey); err != nil {
		return nil, fmt.Errorf("partyKey: %w", err)
	}
	if f.Version == "" {
		return nil, errors.New("version is missing")
	}
	entry.Roots, err = f.roots(entry.host)
	return entry, err
}

// roots are the service root URLs of a practice's capabilities.
func (f practiceFile) roots(host string) (practice.Roots, error) {
	for _, p := range []string{f.BasePath, f.StructuredPath} {
		if p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/") || (&url.URL{Path: p}).String() != p) {
			return practice.Roots{}, errors.New("a path does not begin with a slash, ends with one, or has what a URL cannot have")
		}
	}
	if f.BasePath == "" {
		return practice.Roots{}, errors.New("basePath is missing")
	}
	base := "https://" + host + f.BasePath
	roots := practice.Roots{Foundations: base, Structured: base + "/structured"}
	if f.StructuredPath != "" {
		roots.Structured = "https://" + host + f.StructuredPath
	}
	if f.Version >= "1.5" {
		roots.Documents = base + "/documents"
	}
	return roots, nil
}

// ofPractice completes a fault written at a practice: it is about that practice, and by default the practice's own.
func ofPractice(f Fault, ods nhs.ODSCode) Fault {
	f.ODS = ods.String()
	if f.Upstream == "" {
		f.Upstream = Provider
		if f.Unreachable {
			f.Upstream = Proxy
		}
	}
	return f
}

// build opens the practices and puts everything together.
func (l *loader) build() error {
	at, err := l.addPatients()
	if err != nil {
		return err
	}
	for _, f := range l.files {
		entry, err := l.practice(f)
		if err != nil {
			return fmt.Errorf("practice %s: %w", f.ODS, err)
		}
		for _, fault := range f.Faults {
			l.world.faults = append(l.world.faults, ofPractice(fault, entry.ODS))
		}
		if len(entry.Interactions) > 0 {
			if entry.system, err = l.open(f, entry, at[entry.ODS.String()]); err != nil {
				return err
			}
		}
		l.world.practices = append(l.world.practices, entry)
	}
	for ods := range l.slots {
		if !slices.ContainsFunc(l.world.practices, func(p *practiceEntry) bool { return p.ODS.String() == ods }) {
			return fmt.Errorf("slots/%s.json is for a practice that practices.yaml does not have", ods)
		}
	}
	for number := range l.records {
		if l.patients[number] == nil {
			return fmt.Errorf("records/%s.json is for a patient that patients does not have", number)
		}
	}
	return nil
}

func (l *loader) open(f practiceFile, entry *practiceEntry, patients []practice.Patient) (*practice.System, error) {
	diaries := map[string]practice.Diary{
		"": practice.OrdinaryDiary(), "ordinary": practice.OrdinaryDiary(), "huge": practice.HugeDiary(), "none": {},
	}
	diary, ok := diaries[f.Diary]
	if !ok {
		return nil, fmt.Errorf("practice %s: diary is %q, not ordinary, huge or none", f.ODS, f.Diary)
	}
	system, err := practice.New(practice.Config{
		ODS: entry.ODS, Name: entry.Name, ASID: entry.ASID, Version: entry.Version, Roots: entry.Roots, Off: f.Off,
		DisabledAreas: f.DisabledAreas, UnsupportedAreas: f.UnsupportedAreas, Style: f.Style, Diary: diary,
		Slots: l.slots[entry.ODS.String()], Patients: patients,
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it was doing
	}
	return system, nil
}

// addPatients fills in what PDS answers, and returns the patients of each practice by ODS code.
func (l *loader) addPatients() (map[string][]practice.Patient, error) {
	at := map[string][]practice.Patient{}
	for _, digits := range slices.Sorted(maps.Keys(l.patients)) {
		p, s := l.patients[digits], l.scenarios[digits]
		l.world.patients[digits] = p.entry(s.Scenario)
		ods := p.practice()
		if s.At != "" {
			ods = s.At
		}
		if ods != "" && !s.NotAtPractice && p.family() != "" {
			at[ods] = append(at[ods], p.known(s, l.records[digits]))
		}
	}
	for _, digits := range slices.Sorted(maps.Keys(l.scenarios)) {
		if err := l.addScenario(digits, l.scenarios[digits]); err != nil {
			return nil, fmt.Errorf("scenarios.yaml: %s: %w", digits, err)
		}
	}
	l.world.order = slices.Sorted(maps.Keys(l.world.patients))
	return at, nil
}

func (l *loader) addScenario(digits string, s scenarioFile) error {
	number, err := testNumber(digits)
	if err != nil {
		return err
	}
	for _, fault := range s.Faults {
		fault.NHSNumber = digits
		if fault.Upstream == "" {
			fault.Upstream = Provider
		}
		if err := fault.check(); err != nil {
			return fmt.Errorf("faults: %w", err)
		}
		l.world.faults = append(l.world.faults, fault)
	}
	switch entry := l.world.patients[digits]; {
	case s.SurvivingNumber != "":
		survivor := l.patients[s.SurvivingNumber]
		if survivor == nil {
			return errors.New("survivingNumber is nobody's")
		}
		l.world.patients[digits] = survivor.entry(s.Scenario)
		l.world.patients[digits].Number = number
	case s.Invalidated:
		l.world.patients[digits] = &patientEntry{Patient: Patient{Number: number, Scenario: s.Scenario}, invalidated: true}
	case entry == nil:
		return errors.New("there is no such patient")
	}
	return nil
}

func builtInConsumers() []Consumer {
	consumer := func(ods, name, asid string) Consumer {
		o, errODS := nhs.ParseODSCode(ods)
		a, errASID := nhs.ParseASID(asid)
		supplier, errSupplier := nhs.ParseODSCode("X26SG")
		if err := errors.Join(errODS, errASID, errSupplier); err != nil {
			panic("unreachable: a consumer of our own is no good: " + err.Error())
		}
		return Consumer{ODS: o, Name: name, ASID: a, Supplier: supplier}
	}
	return []Consumer{
		consumer("Q8X01", "Example Urgent Care", "200000000115"),
		consumer("R9Y02", "Example Community Trust", "200000000222"),
	}
}

// readPatient checks a PDS Patient just far enough to serve it; the bytes stay as they are.
func readPatient(number nhs.Number, raw []byte) (*pdsPatient, error) {
	p := &pdsPatient{number: number, raw: raw}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, errors.New("it is not JSON, or not shaped like a Patient") // the cause would quote the content
	}
	switch {
	case p.ResourceType != "Patient":
		return nil, errors.New("resourceType is not Patient")
	case p.ID != number.Digits():
		return nil, errors.New("id is not the number that the file is called after")
	case p.Meta.VersionID == "":
		return nil, errors.New("meta.versionId is missing")
	}
	return p, nil
}
