package typed

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type recordList struct {
	head
	Identifier  list[identifier] `json:"identifier"`
	Contained   list[contained]  `json:"contained"`
	Status      text             `json:"status"`
	Mode        text             `json:"mode"`
	Title       text             `json:"title"`
	Code        *concept         `json:"code"`
	Subject     *reference       `json:"subject"`
	Encounter   *reference       `json:"encounter"`
	Date        text             `json:"date"`
	OrderedBy   *concept         `json:"orderedBy"`
	Note        list[annotation] `json:"note"`
	Entry       list[listEntry]  `json:"entry"`
	EmptyReason *concept         `json:"emptyReason"`
}

type listEntry struct {
	Item    *reference `json:"item"`
	Flag    *concept   `json:"flag"`
	Deleted stated     `json:"deleted"`
	Date    text       `json:"date"`
}

// contained is a resource in a List; other than allergies they have no place there, and no form.
type contained struct{ allergy *allergyIntolerance }

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (c *contained) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if resourceType(raw) != "AllergyIntolerance" {
		return nil
	}
	c.allergy = new(allergyIntolerance)
	return json.Unmarshal(raw, c.allergy)
}

func (l *recordList) form(e *pb.RecordEntry) error {
	ended, err := l.endedAllergies()
	if err != nil {
		return err
	}
	m := &pb.RecordList{
		Identifier:           identifiers(l.Identifier),
		Title:                optional(l.Title),
		Code:                 clinicalCode(l.Code),
		Subject:              resourceReference(l.Subject),
		Encounter:            resourceReference(l.Encounter),
		Date:                 clinicalDate(l.Date),
		OrderedBy:            clinicalCode(l.OrderedBy),
		ClinicalSetting:      clinicalCode(value(l.Extension, "Extension-CareConnect-ClinicalSetting-1").ValueCodeableConcept),
		Warning:              listWarnings(l.Extension),
		Note:                 annotations(l.Note),
		EmptyReason:          clinicalCode(l.EmptyReason),
		RelatedProblemHeader: relatedProblems(l.Extension),
		EndedAllergy:         ended,
		Entry: each(l.Entry, func(i *listEntry) *pb.RecordListEntry {
			return &pb.RecordListEntry{
				Item:    resourceReference(i.Item),
				Flag:    clinicalCode(i.Flag),
				Deleted: pb.Stated(i.Deleted),
				Date:    clinicalDate(i.Date),
			}
		}),
	}
	m.Area, m.Role = purpose(l.Code)
	m.Status, m.StatusCode = status[pb.ListStatus](pb.ListStatus_value, "LIST_STATUS_", l.Status)
	m.Mode, m.ModeCode = status[pb.ListMode](pb.ListMode_value, "LIST_MODE_", l.Mode)
	e.Typed = &pb.RecordEntry_List{List: m}
	return nil
}

// endedAllergies are the contained allergies, of which a List of ended ones says that they are ended, or they do so
// themselves. One that nothing calls ended would be taken for it here, and be missed among the active ones.
func (l *recordList) endedAllergies() ([]*pb.EndedAllergy, error) {
	var out []*pb.EndedAllergy
	for _, c := range l.Contained {
		if c.allergy == nil {
			continue
		}
		m, err := c.allergy.message()
		if err != nil {
			return nil, err
		}
		if !l.isOfEnded() && m.GetClinicalStatus() != pb.AllergyClinicalStatus_ALLERGY_CLINICAL_STATUS_RESOLVED {
			return nil, errShape
		}
		out = append(out, &pb.EndedAllergy{
			Id:                 optional(c.allergy.ID),
			SecurityLabels:     codings(c.allergy.Meta.Security),
			AllergyIntolerance: m,
		})
	}
	return out, nil
}

// isOfEnded tells whether the List is the one of ended allergies, or of those that consultations or problems hold.
func (l *recordList) isOfEnded() bool {
	if _, role := purpose(l.Code); role == pb.ListRole_LIST_ROLE_ENDED_ALLERGIES {
		return true
	}
	return l.Code != nil && slices.ContainsFunc(l.Code.Coding, func(c coding) bool {
		return c.isSecondary() && strings.Contains(string(c.Code), "-allergies-that-have-been-ended-")
	})
}

// isSecondary tells whether the code is that of a secondary List.
func (c *coding) isSecondary() bool {
	return strings.HasSuffix(string(c.System), "/GPConnect-SecondaryListValues-1")
}

// listWarnings keeps a warning without a code too: it warns.
func listWarnings(l list[extension]) []*pb.ListWarning {
	var out []*pb.ListWarning
	for i := range l {
		if x := &l[i]; x.is("Extension-CareConnect-ListWarningCode-1") {
			m := new(pb.ListWarning)
			m.Reason, m.ReasonCode = status[pb.ListWarningReason](
				pb.ListWarningReason_value, "LIST_WARNING_REASON_", text(x.ValueCode))
			out = append(out, m)
		}
	}
	return out
}

// purpose tells area and role of a List by its code, never by its title (contract, 6.3). The first coding that says it
// counts.
func purpose(c *concept) (pb.ClinicalArea, pb.ListRole) {
	if c == nil || (len(c.Coding) == 0 && c.Text == "") {
		return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_UNSPECIFIED
	}
	for i := range c.Coding {
		k := &c.Coding[i]
		if k.isSecondary() {
			if area, role := secondary(string(k.Code)); role != pb.ListRole_LIST_ROLE_OTHER {
				return area, role
			}
			continue
		}
		if k.isSNOMED() {
			if area, role := primary(k.Code); role != pb.ListRole_LIST_ROLE_OTHER {
				return area, role
			}
		}
	}
	return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_OTHER
}

// primary knows the Lists that have a SNOMED CT code.
func primary(code text) (pb.ClinicalArea, pb.ListRole) {
	switch code {
	case "886921000000105":
		return pb.ClinicalArea_CLINICAL_AREA_ALLERGIES, pb.ListRole_LIST_ROLE_PRIMARY
	case "1103671000000101":
		return pb.ClinicalArea_CLINICAL_AREA_ALLERGIES, pb.ListRole_LIST_ROLE_ENDED_ALLERGIES
	case "933361000000108":
		return pb.ClinicalArea_CLINICAL_AREA_MEDICATIONS, pb.ListRole_LIST_ROLE_PRIMARY
	case "1149501000000101":
		return pb.ClinicalArea_CLINICAL_AREA_CONSULTATIONS, pb.ListRole_LIST_ROLE_PRIMARY
	case "717711000000103":
		return pb.ClinicalArea_CLINICAL_AREA_PROBLEMS, pb.ListRole_LIST_ROLE_PRIMARY
	case "1102181000000102":
		return pb.ClinicalArea_CLINICAL_AREA_IMMUNISATIONS, pb.ListRole_LIST_ROLE_PRIMARY
	case "826501000000100":
		return pb.ClinicalArea_CLINICAL_AREA_UNCATEGORISED, pb.ListRole_LIST_ROLE_PRIMARY
	case "887191000000108":
		return pb.ClinicalArea_CLINICAL_AREA_INVESTIGATIONS, pb.ListRole_LIST_ROLE_PRIMARY
	case "792931000000107":
		return pb.ClinicalArea_CLINICAL_AREA_REFERRALS, pb.ListRole_LIST_ROLE_PRIMARY
	case "714311000000108":
		return pb.ClinicalArea_CLINICAL_AREA_DIARY, pb.ListRole_LIST_ROLE_PRIMARY
	case "325851000000107":
		return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_STRUCTURE_CONSULTATION
	case "25851000000105":
		return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_STRUCTURE_TOPIC
	case "24781000000107":
		return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_STRUCTURE_CATEGORY
	default:
		return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_OTHER
	}
}

// secondary knows the Lists whose code is made from their title: in lower case, with a hyphen for each space, and for
// " - " one hyphen or three.
func secondary(code string) (pb.ClinicalArea, pb.ListRole) {
	code = strings.ReplaceAll(strings.ToLower(code), "---", "-")
	if code == "problems-linked-problems-not-relating-to-the-primary-query" {
		return pb.ClinicalArea_CLINICAL_AREA_PROBLEMS, pb.ListRole_LIST_ROLE_LINKED_PROBLEMS
	}
	if what, found := strings.CutPrefix(code, "consultations-"); found {
		what = strings.TrimSuffix(strings.TrimSuffix(what, "-in-consultations"), "-contained")
		return areaOf(what), pb.ListRole_LIST_ROLE_SECONDARY_CONSULTATIONS
	}
	if what, found := strings.CutPrefix(code, "problems-"); found {
		return areaOf(strings.TrimSuffix(what, "-related-to-problems")), pb.ListRole_LIST_ROLE_SECONDARY_PROBLEMS
	}
	return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ListRole_LIST_ROLE_OTHER
}

// areaOf reads what a secondary List holds.
func areaOf(what string) pb.ClinicalArea {
	switch what {
	case "allergies", "allergies-that-have-been-ended":
		return pb.ClinicalArea_CLINICAL_AREA_ALLERGIES
	case "medications":
		return pb.ClinicalArea_CLINICAL_AREA_MEDICATIONS
	case "consultations":
		return pb.ClinicalArea_CLINICAL_AREA_CONSULTATIONS
	case "problems":
		return pb.ClinicalArea_CLINICAL_AREA_PROBLEMS
	case "immunisations":
		return pb.ClinicalArea_CLINICAL_AREA_IMMUNISATIONS
	case "uncategorised-data":
		return pb.ClinicalArea_CLINICAL_AREA_UNCATEGORISED
	case "investigations":
		return pb.ClinicalArea_CLINICAL_AREA_INVESTIGATIONS
	case "outbound-referrals":
		return pb.ClinicalArea_CLINICAL_AREA_REFERRALS
	case "diary-entries":
		return pb.ClinicalArea_CLINICAL_AREA_DIARY
	case "documents":
		return pb.ClinicalArea_CLINICAL_AREA_DOCUMENTS
	default:
		return pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED
	}
}
