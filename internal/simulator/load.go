package simulator

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// builtIn is the data that is always there, in the form that --data has too. Its dates are relative to now: see relative.
//
//go:embed data
var builtIn embed.FS

// loader gathers what the files say before anything is opened.
type loader struct {
	world     *world
	files     []listed
	patients  map[string]*pdsPatient
	related   map[string][]relatedPerson
	scenarios map[string]scenarioFile
	records   map[string][]byte
	slots     map[string][]byte
}

// listed is an entry of practices.yaml.
type listed struct {
	practiceFile
	at string // where it stands, for errors
}

// loadWorld reads the built-in data and, if there is one, a directory besides it. What the directory has under the same
// NHS number or ASID replaces what is built in.
func loadWorld(now time.Time, extra fs.FS) (*world, error) {
	l := &loader{
		world:    &world{consumers: builtInConsumers(), patients: map[string]*patientEntry{}},
		patients: map[string]*pdsPatient{}, related: map[string][]relatedPerson{}, scenarios: map[string]scenarioFile{},
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
		case name == "related":
			err = eachNumber(dir, name, func(number nhs.Number, raw []byte) error {
				prepared, err := prepare(raw)
				if err != nil {
					return err
				}
				l.related[number.Digits()], err = readRelated(prepared)
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
				if err != nil {
					return err
				}
				l.slots[ods.String()] = raw
				return checkBundle(raw)
			})
		case name == "documents" || strings.HasPrefix(name, ".") || path.Ext(name) == ".md" || path.Ext(name) == ".txt":
			// documents: no practice serves them yet, and a directory made for later is not an error
		default:
			err = fmt.Errorf("%s is none of patients, related, records, slots, documents, practices.yaml and scenarios.yaml", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readPractices(dir fs.FS) error {
	var files []practiceFile
	if err := readYAML(dir, "practices.yaml", &files); err != nil {
		return err
	}
	for i, f := range files {
		entry := listed{f, fmt.Sprintf("practices.yaml entry %d (%s)", i+1, f.ODS)}
		at := slices.IndexFunc(l.files, func(other listed) bool { return other.ASID == f.ASID && f.ASID != "" })
		if at >= 0 {
			l.files[at] = entry
		} else {
			l.files = append(l.files, entry)
		}
		if _, err := l.practice(f); err != nil {
			return fmt.Errorf("%s: %w", entry.at, err)
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
			if mayBeReal(text) {
				text = "a key"
			}
			return fmt.Errorf("scenarios.yaml: %s: %w", text, err)
		}
		l.scenarios[text] = files[text]
	}
	return nil
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
	keys := map[nhs.PartyKey]bool{}
	for _, f := range l.files {
		entry, err := l.practice(f.practiceFile)
		if err != nil {
			return fmt.Errorf("%s: %w", f.at, err)
		}
		if len(entry.Interactions) > 0 && keys[entry.PartyKey] {
			return fmt.Errorf("%s: another system has its party key", f.at)
		}
		keys[entry.PartyKey] = true
		for _, fault := range f.Faults {
			l.world.faults = append(l.world.faults, ofPractice(fault, entry.ODS))
		}
		if len(entry.Interactions) > 0 {
			if entry.system, err = l.open(f.practiceFile, entry, at[entry.ODS.String()]); err != nil {
				return fmt.Errorf("%s: %w", f.at, err)
			}
		}
		l.world.practices = append(l.world.practices, entry)
	}
	for ods := range l.slots {
		if !slices.ContainsFunc(l.world.practices, func(p *practiceEntry) bool { return p.ODS.String() == ods }) {
			return fmt.Errorf("slots/%s.json is for a practice that practices.yaml does not have", ods)
		}
	}
	for number := range l.related {
		if l.patients[number] == nil {
			return fmt.Errorf("related/%s.json is for a patient that patients does not have", number)
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
		return nil, fmt.Errorf("diary is %q, not ordinary, huge or none", f.Diary)
	}
	system, err := practice.New(practice.Config{
		ODS: entry.ODS, Name: entry.Name, ASID: entry.ASID, Version: entry.Version, Roots: entry.Roots, Off: f.Off,
		DisabledAreas: f.DisabledAreas, UnsupportedAreas: f.UnsupportedAreas, Style: f.Style, Diary: diary,
		Slots: l.slots[entry.ODS.String()], Patients: patients,
	})
	if err != nil {
		return nil, err
	}
	return system, nil
}

// addPatients fills in what PDS answers, and returns the patients of each practice by ODS code.
func (l *loader) addPatients() (map[string][]practice.Patient, error) {
	at := map[string][]practice.Patient{}
	for _, digits := range slices.Sorted(maps.Keys(l.patients)) {
		p, s := l.patients[digits], l.scenarios[digits]
		l.world.patients[digits] = l.entry(p, s.Scenario)
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

// entry is a patient with what other files say of them.
func (l *loader) entry(p *pdsPatient, scenario string) *patientEntry {
	e := p.entry(scenario)
	e.related = l.related[p.number.Digits()]
	return e
}

func (l *loader) addScenario(digits string, s scenarioFile) error {
	number, err := testNumber(digits)
	if err != nil {
		return err
	}
	if s.Story != "" && !slices.Contains(practice.Stories(), s.Story) {
		return fmt.Errorf("there is no story %q", s.Story)
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
		l.world.patients[digits] = l.entry(survivor, s.Scenario)
		l.world.patients[digits].Number = number
	case s.Invalidated:
		l.world.patients[digits] = &patientEntry{Patient: Patient{Number: number, Scenario: s.Scenario}}
	case entry == nil:
		return errors.New("there is no such patient")
	}
	return nil
}
