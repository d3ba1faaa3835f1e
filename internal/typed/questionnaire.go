package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

// maxNesting bounds questions under answers under questions: each is two messages deep, and several languages decode no
// more than a hundred.
const maxNesting = 16

type questionnaireResponse struct {
	head
	Identifier    list[identifier]        `json:"identifier"`
	BasedOn       list[reference]         `json:"basedOn"`
	Parent        list[reference]         `json:"parent"`
	Questionnaire *reference              `json:"questionnaire"`
	Status        text                    `json:"status"`
	Subject       *reference              `json:"subject"`
	Context       *reference              `json:"context"`
	Authored      text                    `json:"authored"`
	Author        *reference              `json:"author"`
	Source        *reference              `json:"source"`
	Item          list[questionnaireItem] `json:"item"`
}

type questionnaireItem struct {
	LinkID     text                    `json:"linkId"`
	Definition text                    `json:"definition"`
	Text       text                    `json:"text"`
	Subject    *reference              `json:"subject"`
	Answer     list[answer]            `json:"answer"`
	Item       list[questionnaireItem] `json:"item"`
}

type answer struct {
	ValueBoolean    stated                  `json:"valueBoolean"`
	ValueDecimal    text                    `json:"valueDecimal"`
	ValueInteger    text                    `json:"valueInteger"`
	ValueDate       text                    `json:"valueDate"`
	ValueDateTime   text                    `json:"valueDateTime"`
	ValueTime       text                    `json:"valueTime"`
	ValueString     text                    `json:"valueString"`
	ValueURI        text                    `json:"valueUri"`
	ValueAttachment *attachment             `json:"valueAttachment"`
	ValueCoding     *coding                 `json:"valueCoding"`
	ValueQuantity   *quantity               `json:"valueQuantity"`
	ValueReference  *reference              `json:"valueReference"`
	Item            list[questionnaireItem] `json:"item"`
}

func (q *questionnaireResponse) form(e *pb.RecordEntry) error {
	id, err := q.Identifier.one()
	if err != nil {
		return err
	}
	items, err := questionnaireItems(q.Item, 1)
	if err != nil {
		return err
	}
	m := &pb.QuestionnaireResponse{
		Identifier:    resourceIdentifier(id),
		BasedOn:       references(q.BasedOn),
		Parent:        references(q.Parent),
		Questionnaire: resourceReference(q.Questionnaire),
		Subject:       resourceReference(q.Subject),
		Context:       resourceReference(q.Context),
		Authored:      clinicalDate(q.Authored),
		Author:        resourceReference(q.Author),
		Source:        resourceReference(q.Source),
		Item:          items,
	}
	m.Status, m.StatusCode = status[pb.QuestionnaireResponseStatus](
		pb.QuestionnaireResponseStatus_value, "QUESTIONNAIRE_RESPONSE_STATUS_", q.Status)
	e.Typed = &pb.RecordEntry_QuestionnaireResponse{QuestionnaireResponse: m}
	return nil
}

func questionnaireItems(l list[questionnaireItem], depth int) ([]*pb.QuestionnaireItem, error) {
	if len(l) > 0 && depth > maxNesting {
		return nil, errDeep
	}
	return tryEach(l, func(i *questionnaireItem) (*pb.QuestionnaireItem, error) {
		answers, err := tryEach(i.Answer, func(a *answer) (*pb.QuestionnaireAnswer, error) { return a.message(depth) })
		if err != nil {
			return nil, err
		}
		items, err := questionnaireItems(i.Item, depth+1)
		if err != nil {
			return nil, err
		}
		return &pb.QuestionnaireItem{
			LinkId:     optional(i.LinkID),
			Definition: optional(i.Definition),
			Text:       optional(i.Text),
			Subject:    resourceReference(i.Subject),
			Answer:     answers,
			Item:       items,
		}, nil
	})
}

func (a *answer) message(depth int) (*pb.QuestionnaireAnswer, error) {
	if err := choice(a.ValueBoolean != 0, a.ValueDecimal != "", a.ValueInteger != "", a.ValueDate != "", a.ValueDateTime != "",
		a.ValueTime != "", a.ValueString != "", a.ValueURI != "", a.ValueAttachment != nil, a.ValueCoding != nil,
		a.ValueQuantity != nil, a.ValueReference != nil); err != nil {
		return nil, err
	}
	items, err := questionnaireItems(a.Item, depth+1)
	if err != nil {
		return nil, err
	}
	m := &pb.QuestionnaireAnswer{Item: items}
	switch {
	case a.ValueBoolean != 0:
		m.Value = &pb.QuestionnaireAnswer_ValueBoolean{ValueBoolean: pb.Stated(a.ValueBoolean)}
	case a.ValueDecimal != "":
		m.Value = &pb.QuestionnaireAnswer_ValueDecimal{ValueDecimal: string(a.ValueDecimal)}
	case a.ValueInteger != "":
		m.Value = &pb.QuestionnaireAnswer_ValueInteger{ValueInteger: string(a.ValueInteger)}
	case a.ValueDate != "":
		m.Value = &pb.QuestionnaireAnswer_ValueDate{ValueDate: clinicalDate(a.ValueDate)}
	case a.ValueDateTime != "":
		m.Value = &pb.QuestionnaireAnswer_ValueDateTime{ValueDateTime: clinicalDate(a.ValueDateTime)}
	case a.ValueTime != "":
		m.Value = &pb.QuestionnaireAnswer_ValueTime{ValueTime: string(a.ValueTime)}
	case a.ValueString != "":
		m.Value = &pb.QuestionnaireAnswer_ValueString{ValueString: string(a.ValueString)}
	case a.ValueURI != "":
		m.Value = &pb.QuestionnaireAnswer_ValueUri{ValueUri: string(a.ValueURI)}
	case a.ValueAttachment != nil:
		m.Value = &pb.QuestionnaireAnswer_ValueAttachment{ValueAttachment: attachmentMessage(a.ValueAttachment)}
	case a.ValueCoding != nil:
		m.Value = &pb.QuestionnaireAnswer_ValueCoding{ValueCoding: codingMessage(a.ValueCoding)}
	case a.ValueQuantity != nil:
		m.Value = &pb.QuestionnaireAnswer_ValueQuantity{ValueQuantity: quantityMessage(a.ValueQuantity)}
	case a.ValueReference != nil:
		m.Value = &pb.QuestionnaireAnswer_ValueReference{ValueReference: resourceReference(a.ValueReference)}
	}
	return m, nil
}
