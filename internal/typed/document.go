package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type documentReference struct {
	head
	MasterIdentifier *identifier      `json:"masterIdentifier"`
	Identifier       list[identifier] `json:"identifier"`
	Status           text             `json:"status"`
	DocStatus        text             `json:"docStatus"`
	Type             *concept         `json:"type"`
	Subject          *reference       `json:"subject"`
	Created          text             `json:"created"`
	Indexed          text             `json:"indexed"`
	Author           list[reference]  `json:"author"`
	Custodian        *reference       `json:"custodian"`
	RelatesTo        list[relatesTo]  `json:"relatesTo"`
	Description      text             `json:"description"`
	SecurityLabel    list[concept]    `json:"securityLabel"`
	Content          list[content]    `json:"content"`
	Context          *documentContext `json:"context"`
}

type relatesTo struct {
	Code   text       `json:"code"`
	Target *reference `json:"target"`
}

type content struct {
	Attachment *attachment `json:"attachment"`
	Format     *coding     `json:"format"`
}

type documentContext struct {
	Encounter       *reference            `json:"encounter"`
	Event           list[concept]         `json:"event"`
	Period          *period               `json:"period"`
	FacilityType    *concept              `json:"facilityType"`
	PracticeSetting *concept              `json:"practiceSetting"`
	Related         list[documentRelated] `json:"related"`
}

type documentRelated struct {
	Identifier *identifier `json:"identifier"`
	Ref        *reference  `json:"ref"`
}

func (d *documentReference) form(e *pb.RecordEntry) error {
	m := &pb.DocumentReference{
		MasterIdentifier: resourceIdentifier(d.MasterIdentifier),
		Identifier:       identifiers(d.Identifier),
		Type:             clinicalCode(d.Type),
		Subject:          resourceReference(d.Subject),
		Created:          clinicalDate(d.Created),
		Indexed:          clinicalDate(d.Indexed),
		Author:           references(d.Author),
		Custodian:        resourceReference(d.Custodian),
		RelatesTo: each(d.RelatesTo, func(r *relatesTo) *pb.DocumentRelatesTo {
			return &pb.DocumentRelatesTo{Code: optional(r.Code), Target: resourceReference(r.Target)}
		}),
		Description:   optional(d.Description),
		SecurityLabel: clinicalCodes(d.SecurityLabel),
		Content: each(d.Content, func(c *content) *pb.DocumentContent {
			m := &pb.DocumentContent{Attachment: attachmentMessage(c.Attachment)}
			if c.Format != nil {
				m.Format = codingMessage(c.Format)
			}
			return m
		}),
		Context: d.Context.message(),
	}
	m.Status, m.StatusCode = status[pb.DocumentReferenceStatus](
		pb.DocumentReferenceStatus_value, "DOCUMENT_REFERENCE_STATUS_", d.Status)
	m.DocStatus, m.DocStatusCode = status[pb.DocumentStatus](pb.DocumentStatus_value, "DOCUMENT_STATUS_", d.DocStatus)
	e.Typed = &pb.RecordEntry_DocumentReference{DocumentReference: m}
	return nil
}

func (c *documentContext) message() *pb.DocumentContext {
	if c == nil {
		return nil
	}
	return &pb.DocumentContext{
		Encounter:       resourceReference(c.Encounter),
		Event:           clinicalCodes(c.Event),
		Period:          clinicalPeriod(c.Period),
		FacilityType:    clinicalCode(c.FacilityType),
		PracticeSetting: clinicalCode(c.PracticeSetting),
		Related: each(c.Related, func(r *documentRelated) *pb.DocumentRelated {
			return &pb.DocumentRelated{Identifier: resourceIdentifier(r.Identifier), Ref: resourceReference(r.Ref)}
		}),
	}
}
