package practice

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// story is one file of data/stories: a clinical record, written to be read. Entries name each other by key.
type story struct {
	Summary string `yaml:"summary"`
	// Like names a story whose entries come first.
	Like string `yaml:"like"`
	// Fails makes the practice unable to build the record.
	Fails bool `yaml:"fails"`
	// PatientLast puts the Patient at the end of the Bundle.
	PatientLast bool `yaml:"patientLast"`
	// WrongPatient answers with somebody else's name and number.
	WrongPatient bool `yaml:"wrongPatient"`
	// Arrived is when the patient registered, if the record from the last practice is still in transit.
	Arrived when `yaml:"arrived"`
	// AwaitingFiling are areas with items that nobody has reviewed yet, and since when.
	AwaitingFiling map[Area]when `yaml:"awaitingFiling"`

	Allergies      []allergy       `yaml:"allergies"`
	Medications    []medication    `yaml:"medications"`
	Problems       []problem       `yaml:"problems"`
	Consultations  []consultation  `yaml:"consultations"`
	Immunisations  []immunisation  `yaml:"immunisations"`
	Uncategorised  []observation   `yaml:"uncategorised"`
	Investigations []investigation `yaml:"investigations"`
	Referrals      []referral      `yaml:"referrals"`
	Diary          []diaryEntry    `yaml:"diary"`
	Documents      []document      `yaml:"documents"`
}

// entry is what every item of a record has.
type entry struct {
	// Key is how other entries name this one. Required.
	Key string `yaml:"key"`
	// Code is the item's SNOMED code and preferred term.
	Code code `yaml:"code"`
	// Read is a Read v2 coding that the clinician chose.
	Read code `yaml:"read"`
	// Text is the wording, where it differs from the preferred term.
	Text string `yaml:"text"`
	// Date is the clinical date; an entry without one takes that of the consultation that names it.
	Date when `yaml:"date"`
	// By is a key of the staff; the default is the usual GP.
	By   string `yaml:"by"`
	Note string `yaml:"note"`
	// Confidential items are withheld, with a warning on the List that they would have been in.
	Confidential bool `yaml:"confidential"`
	// NotForPatient marks what must not be disclosed to the patient.
	NotForPatient bool `yaml:"notForPatient"`
	// Repeat makes more of the same, each a step further back.
	Repeat repeat `yaml:"repeat"`
}

type repeat struct {
	EveryDays int `yaml:"everyDays"`
	Times     int `yaml:"times"`
}

// code is written "38341003 Hypertensive disorder": a code and its term. "degraded Some wording" is an entry whose code
// could not be exported, "text Some wording" one that has none.
type code struct{ code, display string }

// The words that stand for a code.
const (
	degraded = "degraded"
	textOnly = "text"
)

// UnmarshalYAML reads the form above.
func (c *code) UnmarshalYAML(n *yaml.Node) error {
	var found bool
	c.code, c.display, found = strings.Cut(n.Value, " ")
	if !found || c.display == "" {
		return fmt.Errorf("line %d: %q is not a code and a term", n.Line, n.Value)
	}
	return nil
}

type allergy struct {
	entry         `yaml:",inline"`
	Category      string  `yaml:"category"`
	Criticality   string  `yaml:"criticality"`
	Onset         when    `yaml:"onset"`
	Manifestation code    `yaml:"manifestation"`
	Severity      string  `yaml:"severity"`
	Ended         *ending `yaml:"ended"`
}

type ending struct {
	Date   when   `yaml:"date"`
	Reason string `yaml:"reason"`
}

type medication struct {
	entry       `yaml:",inline"`
	Type        string   `yaml:"type"` // acute, repeat, repeat-dispensing, delayed-prescribing, acute-handwritten
	End         when     `yaml:"end"`
	Dosage      string   `yaml:"dosage"`
	Instruction string   `yaml:"instruction"`
	Quantity    string   `yaml:"quantity"`
	Unit        string   `yaml:"unit"`
	SupplyDays  int      `yaml:"supplyDays"`
	Agency      string   `yaml:"agency"` // the default is the practice
	Issues      []when   `yaml:"issues"`
	IssueEvery  *issuing `yaml:"issueEvery"`
	Allowed     int      `yaml:"allowed"`
	Expires     when     `yaml:"expires"`
	Stopped     *ending  `yaml:"stopped"`
	// After is the key of the medication whose plan this one replaced when the dose changed.
	After string `yaml:"after"`
	EPS   bool   `yaml:"eps"`
}

// issuing makes many issues, the last one first.
type issuing struct {
	Days  int  `yaml:"days"`
	Times int  `yaml:"times"`
	Last  when `yaml:"last"`
}

type problem struct {
	entry        `yaml:",inline"`
	Significance string     `yaml:"significance"`
	Status       string     `yaml:"status"`
	Ended        when       `yaml:"ended"`
	Actual       string     `yaml:"actual"`
	Related      []string   `yaml:"related"`
	Headers      []relation `yaml:"headers"`
}

type relation struct {
	Type string `yaml:"type"`
	To   string `yaml:"to"`
}

type consultation struct {
	entry   `yaml:",inline"`
	Minutes int     `yaml:"minutes"`
	With    string  `yaml:"with"` // somebody else who took part
	Draft   bool    `yaml:"draft"`
	Branch  bool    `yaml:"branch"`
	Topics  []topic `yaml:"topics"`
}

// topic has categories or, flat, items; never both.
type topic struct {
	Title      string      `yaml:"title"`
	Problems   []string    `yaml:"problems"`
	Categories []category  `yaml:"categories"`
	Items      []topicItem `yaml:"items"`
}

type category struct {
	Title string      `yaml:"title"`
	Items []topicItem `yaml:"items"`
}

// topicItem is narrative or the key of an entry.
type topicItem struct {
	Says string `yaml:"says"`
	Of   string `yaml:"of"`
}

type immunisation struct {
	entry        `yaml:",inline"`
	Vaccine      code   `yaml:"vaccine"`
	NotGiven     string `yaml:"notGiven"` // why
	Batch        string `yaml:"batch"`
	Manufacturer string `yaml:"manufacturer"`
	Expires      when   `yaml:"expires"`
	Site         code   `yaml:"site"`
	Route        code   `yaml:"route"`
	Dose         string `yaml:"dose"`
	DoseUnit     string `yaml:"doseUnit"`
	// Consent says that this is the status of the immunisation, not one: consent or dissent.
	Consent bool `yaml:"consent"`
}

type observation struct {
	entry          `yaml:",inline"`
	Values         []string `yaml:"values"` // taken in turn by repeats; two numbers and a slash are a blood pressure
	Unit           string   `yaml:"unit"`
	Low            string   `yaml:"low"`
	High           string   `yaml:"high"`
	Interpretation code     `yaml:"interpretation"`
	Comment        string   `yaml:"comment"`
	Answer         string   `yaml:"answer"` // a value in words
	Members        []string `yaml:"members"`
}

type investigation struct {
	entry      `yaml:",inline"`
	Specimen   code      `yaml:"specimen"`
	Collected  when      `yaml:"collected"`
	Fasting    string    `yaml:"fasting"`
	Requested  code      `yaml:"requested"`
	Conclusion string    `yaml:"conclusion"`
	Laboratory string    `yaml:"laboratory"`
	Filed      string    `yaml:"filed"` // what the clinician wrote when filing it
	FiledAs    string    `yaml:"filedAs"`
	Groups     []group   `yaml:"groups"`
	Results    []measure `yaml:"results"`
	Documents  []string  `yaml:"documents"`
}

type group struct {
	Code    code      `yaml:"code"`
	Comment string    `yaml:"comment"`
	Results []measure `yaml:"results"`
}

type measure struct {
	Code           code     `yaml:"code"`
	Values         []string `yaml:"values"`
	Unit           string   `yaml:"unit"`
	Low            string   `yaml:"low"`
	High           string   `yaml:"high"`
	Interpretation code     `yaml:"interpretation"`
	Comments       []string `yaml:"comments"` // taken in turn by repeats, as the values are
	Answer         string   `yaml:"answer"`
}

type referral struct {
	entry       `yaml:",inline"`
	To          string   `yaml:"to"`
	Priority    string   `yaml:"priority"`
	UBRN        string   `yaml:"ubrn"`
	Description string   `yaml:"description"`
	Documents   []string `yaml:"documents"`
}

type diaryEntry struct {
	entry `yaml:",inline"`
	Due   when `yaml:"due"`
}

type document struct {
	entry       `yaml:",inline"`
	Description string `yaml:"description"`
	MediaType   string `yaml:"mediaType"`
	Size        int    `yaml:"size"`
	From        string `yaml:"from"`
}

const storyDir = "data/stories"

// tellStories reads the stories once for all practices; nobody changes them.
var tellStories = sync.OnceValues(loadStories)

// loadStories reads all stories and joins each to the one it is like.
func loadStories() (map[string]*story, error) {
	files, err := data.ReadDir(storyDir)
	if err != nil {
		return nil, fmt.Errorf("read the stories: %w", err)
	}
	stories := map[string]*story{}
	for _, f := range files {
		raw, err := data.ReadFile(path.Join(storyDir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the stories: %w", err)
		}
		st := &story{}
		if err := decodeYAML(raw, st); err != nil {
			return nil, fmt.Errorf("read story %s: %w", f.Name(), err)
		}
		stories[strings.TrimSuffix(f.Name(), ".yaml")] = st
	}
	joined := map[string]*story{}
	for name, st := range stories {
		joined[name] = st
		if st.Like == "" {
			continue
		}
		base := stories[st.Like]
		if base == nil || base.Like != "" {
			return nil, fmt.Errorf("story %s is like %q, which is not a story of its own", name, st.Like)
		}
		joined[name] = st.after(base)
	}
	for name, st := range joined {
		if err := st.check(); err != nil {
			return nil, fmt.Errorf("story %s: %w", name, err)
		}
	}
	return joined, nil
}

// check finds keys that are missing, there twice, or named and not there: a slip must not pass as an absent link.
func (st *story) check() error {
	keys, named := map[string]bool{}, []string{}
	var err error
	add := func(e *entry, names ...string) {
		if e.Key == "" || keys[e.Key] {
			err = fmt.Errorf("the key %q is empty or there twice", e.Key)
		}
		keys[e.Key] = true
		named = append(named, names...)
	}
	for i := range st.Allergies {
		add(&st.Allergies[i].entry)
	}
	for i := range st.Medications {
		add(&st.Medications[i].entry, st.Medications[i].After)
	}
	for i := range st.Problems {
		p := &st.Problems[i]
		add(&p.entry, append(slices.Clone(p.Related), p.Actual)...)
		for _, h := range p.Headers {
			named = append(named, h.To)
		}
	}
	for i := range st.Consultations {
		add(&st.Consultations[i].entry, st.Consultations[i].keys()...)
	}
	for i := range st.Immunisations {
		add(&st.Immunisations[i].entry)
	}
	for i := range st.Uncategorised {
		add(&st.Uncategorised[i].entry, st.Uncategorised[i].Members...)
	}
	for i := range st.Investigations {
		add(&st.Investigations[i].entry, st.Investigations[i].Documents...)
	}
	for i := range st.Referrals {
		add(&st.Referrals[i].entry, st.Referrals[i].Documents...)
	}
	for i := range st.Diary {
		add(&st.Diary[i].entry)
	}
	for i := range st.Documents {
		add(&st.Documents[i].entry)
	}
	for _, key := range named {
		if key != "" && !keys[key] {
			return fmt.Errorf("%q is named and not there", key)
		}
	}
	return err
}

// after is st with the entries of base before its own.
func (st *story) after(base *story) *story {
	whole := *st
	whole.Allergies = slices.Concat(base.Allergies, st.Allergies)
	whole.Medications = slices.Concat(base.Medications, st.Medications)
	whole.Problems = slices.Concat(base.Problems, st.Problems)
	whole.Consultations = slices.Concat(base.Consultations, st.Consultations)
	whole.Immunisations = slices.Concat(base.Immunisations, st.Immunisations)
	whole.Uncategorised = slices.Concat(base.Uncategorised, st.Uncategorised)
	whole.Investigations = slices.Concat(base.Investigations, st.Investigations)
	whole.Referrals = slices.Concat(base.Referrals, st.Referrals)
	whole.Diary = slices.Concat(base.Diary, st.Diary)
	whole.Documents = slices.Concat(base.Documents, st.Documents)
	return &whole
}

// Stories are the names of the clinical records that a Patient may have, in alphabetical order.
func Stories() []string {
	files, err := data.ReadDir(storyDir)
	if err != nil { // it is part of the program
		return nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names
}
