package typed

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type reference struct {
	Reference  text        `json:"reference"`
	Display    text        `json:"display"`
	Identifier *identifier `json:"identifier"`
}

// keepsNull: a null among references is something that could not be exported, and is counted.
func (*reference) keepsNull() {}

func resourceReference(r *reference) *pb.ResourceReference {
	if r == nil {
		return nil
	}
	return &pb.ResourceReference{
		Target:     string(r.Reference),
		Display:    string(r.Display),
		Kind:       r.kind(),
		Identifier: resourceIdentifier(r.Identifier),
	}
}

func references(l list[reference]) []*pb.ResourceReference { return each(l, resourceReference) }

// kind goes by the form alone. Words in place of a reference, which suppliers send for what they do not export, point at
// nothing.
func (r *reference) kind() pb.ReferenceKind {
	switch target := string(r.Reference); {
	case strings.HasPrefix(target, "#"):
		return pb.ReferenceKind_REFERENCE_KIND_CONTAINED
	case strings.ContainsAny(target, " \t\r\n"):
		return pb.ReferenceKind_REFERENCE_KIND_DISPLAY_ONLY
	case strings.Contains(target, "://"), strings.HasPrefix(target, "urn:"):
		return pb.ReferenceKind_REFERENCE_KIND_ABSOLUTE
	case target != "":
		return pb.ReferenceKind_REFERENCE_KIND_RELATIVE
	case r.Identifier != nil:
		return pb.ReferenceKind_REFERENCE_KIND_IDENTIFIER
	case r.Display != "":
		return pb.ReferenceKind_REFERENCE_KIND_DISPLAY_ONLY
	default:
		return pb.ReferenceKind_REFERENCE_KIND_UNSPECIFIED
	}
}

type identifier struct {
	System    text            `json:"system"`
	Value     text            `json:"value"`
	Use       text            `json:"use"`
	Extension list[extension] `json:"extension"`
}

func resourceIdentifier(i *identifier) *pb.ResourceIdentifier {
	if i == nil {
		return nil
	}
	return &pb.ResourceIdentifier{System: string(i.System), IdText: string(i.Value), Use: string(i.Use)}
}

func identifiers(l list[identifier]) []*pb.ResourceIdentifier { return each(l, resourceIdentifier) }

type quantity struct {
	Value      text            `json:"value"`
	Comparator text            `json:"comparator"`
	Unit       text            `json:"unit"`
	System     text            `json:"system"`
	Code       text            `json:"code"`
	Extension  list[extension] `json:"extension"`
}

func quantityMessage(q *quantity) *pb.Quantity {
	if q == nil {
		return nil
	}
	return &pb.Quantity{
		Amount:     string(q.Value),
		Comparator: string(q.Comparator),
		Unit:       string(q.Unit),
		System:     string(q.System),
		Code:       string(q.Code),
	}
}

type quantityRange struct {
	Low  *quantity `json:"low"`
	High *quantity `json:"high"`
}

func rangeMessage(r *quantityRange) *pb.QuantityRange {
	if r == nil {
		return nil
	}
	return &pb.QuantityRange{Low: quantityMessage(r.Low), High: quantityMessage(r.High)}
}

type ratio struct {
	Numerator   *quantity `json:"numerator"`
	Denominator *quantity `json:"denominator"`
}

func ratioMessage(r *ratio) *pb.QuantityRatio {
	if r == nil {
		return nil
	}
	return &pb.QuantityRatio{Numerator: quantityMessage(r.Numerator), Denominator: quantityMessage(r.Denominator)}
}

// annotation is a note. Text in its place is its text.
type annotation struct {
	AuthorReference *reference `json:"authorReference"`
	AuthorString    text       `json:"authorString"`
	Time            text       `json:"time"`
	Text            text       `json:"text"`
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (a *annotation) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		return a.Text.UnmarshalJSONFrom(dec)
	}
	type plain annotation
	return json.UnmarshalDecode(dec, (*plain)(a))
}

// annotations keeps a reference to the author before a name for them: who wrote a note decides nothing.
func annotations(l list[annotation]) []*pb.Annotation {
	return each(l, func(a *annotation) *pb.Annotation {
		m := &pb.Annotation{Time: clinicalDate(a.Time), Text: optional(a.Text)}
		switch {
		case a.AuthorReference != nil:
			m.Author = &pb.Annotation_AuthorReference{AuthorReference: resourceReference(a.AuthorReference)}
		case a.AuthorString != "":
			m.Author = &pb.Annotation_AuthorString{AuthorString: string(a.AuthorString)}
		}
		return m
	})
}

type requestAgent struct {
	Agent      *reference `json:"agent"`
	OnBehalfOf *reference `json:"onBehalfOf"`
}

func agentMessage(a *requestAgent) *pb.RequestAgent {
	if a == nil {
		return nil
	}
	return &pb.RequestAgent{Agent: resourceReference(a.Agent), OnBehalfOf: resourceReference(a.OnBehalfOf)}
}

type attachment struct {
	ContentType text         `json:"contentType"`
	URL         text         `json:"url"`
	Size        whole[int64] `json:"size"`
	Title       text         `json:"title"`
	Creation    text         `json:"creation"`
}

func attachmentMessage(a *attachment) *pb.FileAttachment {
	if a == nil {
		return nil
	}
	return &pb.FileAttachment{
		ContentType: optional(a.ContentType),
		Url:         optional(a.URL),
		Size:        a.Size.number,
		Title:       optional(a.Title),
		Creation:    clinicalDate(a.Creation),
	}
}

// relatedProblems reads every extension RelatedProblemHeader: as it is specified, and with the reference directly in it,
// as on topics in published records.
func relatedProblems(l list[extension]) []*pb.RelatedProblem {
	var out []*pb.RelatedProblem
	for i := range l {
		x := &l[i]
		if !x.is("Extension-CareConnect-RelatedProblemHeader-1") {
			continue
		}
		target := x.part("target").ValueReference
		if target == nil {
			target = x.ValueReference
		}
		relation := x.part("type").ValueCode
		if relation == "" {
			relation = x.ValueCode
		}
		m := &pb.RelatedProblem{Target: resourceReference(target)}
		m.Type, m.TypeCode = status[pb.ProblemRelation](pb.ProblemRelation_value, "PROBLEM_RELATION_", text(relation))
		out = append(out, m)
	}
	return out
}
