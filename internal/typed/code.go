package typed

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Codes that say "could not be coded" (contract, 6.8). They are SNOMED CT's own, so whichever system they are given
// under, they mean nothing else.
const (
	degradedDrugAllergy = "196461000000101"
	degradedMedication  = "196421000000109"
	degradedOther       = "196411000000103"
)

type coding struct {
	System       text            `json:"system"`
	Code         text            `json:"code"`
	Display      text            `json:"display"`
	UserSelected stated          `json:"userSelected"`
	Extension    list[extension] `json:"extension"`
}

// concept is a CodeableConcept. Text in its place is its text.
type concept struct {
	Coding list[coding] `json:"coding"`
	Text   text         `json:"text"`
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (c *concept) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		return c.Text.UnmarshalJSONFrom(dec)
	}
	type plain concept
	return json.UnmarshalDecode(dec, (*plain)(c))
}

// isSNOMED also knows the system by its edition or version, which follow its name.
func (c *coding) isSNOMED() bool {
	return strings.HasPrefix(string(c.System), "http://snomed.info/sct")
}

func (c *coding) isSelected() bool { return pb.Stated(c.UserSelected) == pb.Stated_STATED_YES }

func codingMessage(c *coding) *pb.Coding {
	m := &pb.Coding{System: string(c.System), Code: string(c.Code), Display: string(c.Display)}
	if s := pb.Stated(c.UserSelected); s != pb.Stated_STATED_UNSPECIFIED {
		selected := s == pb.Stated_STATED_YES
		m.UserSelected = &selected
	}
	// The misspelling is in published records.
	for _, name := range []string{"Extension-coding-sctdescid", "Extension-coding-sctdecsid"} {
		if x := find(c.Extension, name); x != nil {
			m.DescriptionId = string(x.part("descriptionId").ValueID)
			m.DescriptionDisplay = string(x.part("descriptionDisplay").ValueString)
			break
		}
	}
	return m
}

func codings(l list[coding]) []*pb.Coding { return each(l, codingMessage) }

func clinicalCode(c *concept) *pb.ClinicalCode {
	if c == nil {
		return nil
	}
	return &pb.ClinicalCode{
		Codings:     codings(c.Coding),
		Text:        string(c.Text),
		Display:     c.display(),
		Degradation: c.degradation(),
	}
}

func clinicalCodes(l list[concept]) []*pb.ClinicalCode { return each(l, clinicalCode) }

// display chooses what to show (contract, 6.8): the text, else what the clinician chose, else SNOMED CT, else the first.
func (c *concept) display() string {
	if c.Text != "" {
		return string(c.Text)
	}
	for _, wanted := range []func(*coding) bool{(*coding).isSelected, (*coding).isSNOMED, func(*coding) bool { return true }} {
		for i := range c.Coding {
			if candidate := &c.Coding[i]; candidate.Display != "" && wanted(candidate) {
				return string(candidate.Display)
			}
		}
	}
	return ""
}

// degradation is set as soon as one coding says so: a local code beside it does not make it usable.
func (c *concept) degradation() pb.Degradation {
	for i := range c.Coding {
		switch c.Coding[i].Code {
		case degradedDrugAllergy:
			return pb.Degradation_DEGRADATION_DRUG_ALLERGY
		case degradedMedication:
			return pb.Degradation_DEGRADATION_MEDICATION
		case degradedOther:
			return pb.Degradation_DEGRADATION_OTHER
		}
	}
	return pb.Degradation_DEGRADATION_UNSPECIFIED
}

// asStatus is what stands for a concept where a status is wanted: its first code, else its text, else a display.
func (c *concept) asStatus() text {
	if c == nil {
		return ""
	}
	for i := range c.Coding {
		if c.Coding[i].Code != "" {
			return c.Coding[i].Code
		}
	}
	return text(c.display())
}

// status finds the value of an enum whose names are prefix and the code of FHIR in upper case with underscores; zero for a
// code that this version does not know. The code comes back as it is to be shown.
func status[E ~int32](values map[string]int32, prefix string, c text) (E, string) {
	name := append(make([]byte, 0, 64), prefix...)
	for i := range len(c) {
		switch b := c[i]; {
		case 'a' <= b && b <= 'z':
			name = append(name, b-'a'+'A')
		case b == '-':
			name = append(name, '_')
		default:
			return 0, string(c)
		}
	}
	return E(values[string(name)]), string(c)
}
