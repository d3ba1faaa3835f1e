package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

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

// readYAML decodes a file strictly. A name that the format does not have is an error with its line.
func readYAML(dir fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(dir, name)
	if err != nil {
		return fmt.Errorf("read the directory: %w", err) // it names the file
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	err = decoder.Decode(into)
	if misfit, ok := errors.AsType[*yaml.TypeError](err); ok { // one line for each misfit; what our types are called is nobody's business
		err = errors.New(goType.ReplaceAllString(strings.Join(misfit.Errors, "; "), ""))
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it says nothing")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

var goType = regexp.MustCompile(` in(to)?( type)? [][a-z]+\.[A-Za-z]+`)

// eachFile reads the JSON files of a directory, by their names without the extension. An error names the file, unless its
// name may be an NHS number that was issued: then it is the so-many-th of the directory.
func eachFile(dir fs.FS, name string, take func(stem string, raw []byte) error) error {
	entries, err := fs.ReadDir(dir, name)
	if err != nil {
		return fmt.Errorf("read the directory: %w", err) // it names this one
	}
	for i, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), ".json")
		at := path.Join(name, e.Name())
		if mayBeReal(stem) {
			at = fmt.Sprintf("%s: file %d", name, i+1)
		}
		if !ok {
			return fmt.Errorf("%s: not a .json file", at)
		}
		raw, err := fs.ReadFile(dir, path.Join(name, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", at, errors.Unwrap(err))
		}
		if err := take(stem, raw); err != nil {
			return fmt.Errorf("%s: %w", at, err)
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

// mayBeReal reports whether a text may hold an NHS number that was issued, which no error tells.
func mayBeReal(text string) bool {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
	_, err := testNumber(text)
	return err != nil && len(digits) >= 10
}

// checkBundle checks that a file is a Bundle, whatever is in it.
func checkBundle(raw []byte) error {
	var bundle struct {
		ResourceType string `json:"resourceType"`
	}
	if json.Unmarshal(raw, &bundle) != nil {
		return errors.New("it is not JSON")
	}
	if bundle.ResourceType != "Bundle" {
		return errors.New("resourceType is not Bundle")
	}
	return nil
}

var errNotTestRange = errors.New("not in the range of NHS numbers kept for tests, 999 and seven more digits")

// testNumber reads an NHS number that can be nobody's.
func testNumber(text string) (nhs.Number, error) {
	number, err := nhs.ParseNumber(text)
	if err != nil {
		return nhs.Number{}, err
	}
	if !strings.HasPrefix(text, testRange) {
		return nhs.Number{}, errNotTestRange
	}
	return number, nil
}
