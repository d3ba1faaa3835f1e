package main

import (
	"context"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type relatedCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`
	patient       `embed:""`
}

func (relatedCommand) Help() string {
	return `Asks the Personal Demographics Service (PDS) who is related to a patient: next of kin, carers, guardians. Somebody is held
with their details, or by an NHS Number of their own, which is to be traced: they may be restricted themselves.

WITHHELD stands for every restricted patient: PDS says "none" of them whatever it holds. It is not the same as none.

  spinegate related 9990000018`
}

func (c *relatedCommand) Run(ctx context.Context, t *terminal) error {
	circumstances, err := c.context()
	if err != nil {
		return err
	}
	number, err := c.digits()
	if err != nil {
		return err
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	answer, err := g.trace.ListRelatedPersons(ctx, &pb.ListRelatedPersonsRequest{Context: circumstances, NhsNumber: number})
	if err := g.end(err); err != nil {
		return err
	}
	if t.json {
		return t.printJSON(answer)
	}
	showRelated(t.out, answer)
	return nil
}

// showRelated shows everybody, and what it means that nobody is there.
func showRelated(p *page, r *pb.ListRelatedPersonsResponse) {
	switch r.GetStatus() {
	case pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_LISTED:
	case pb.RelatedPersonsStatus_RELATED_PERSONS_STATUS_NONE_RECORDED:
		p.paragraph(0, styled(strong, "NONE RECORDED"), text("  PDS holds nobody who is related to the patient."))
	default:
		p.paragraph(0, styled(bad, "WITHHELD"), text("  The patient is restricted: PDS tells of nobody, whatever it holds."))
	}
	for _, person := range r.GetRelatedPersons() {
		showRelative(p, person)
	}
	p.heading("Where this comes from")
	showProvenance(p, r.GetProvenance())
}

func showRelative(p *page, person *pb.RelatedPerson) {
	title := fullName(person.GetName())
	if number := person.GetNhsNumber(); number != "" {
		title = "NHS number " + grouped(number) + ": trace them"
	} else if title == "" {
		title = "(name not recorded)"
	}
	p.paragraph(0, styled(strong, title))
	var kinds []string
	for _, coding := range person.GetRelationships() {
		kind := coding.GetDisplay()
		if kind == "" {
			kind = coding.GetCode()
		}
		kinds = append(kinds, kind)
	}
	kin := ""
	if person.GetNextOfKin() == pb.NextOfKin_NEXT_OF_KIN_YES {
		kin = "NEXT OF KIN"
	}
	p.entry(2, "relationship", labelWidth, text(notes(strings.Join(kinds, ", "), kin)))
	if person.Active != nil && !person.GetActive() {
		p.entry(2, "in use", labelWidth, styled(bad, "no: the relation has ended"))
	}
	p.entry(2, "address", labelWidth, text(oneLine(person.GetAddress())))
	for _, c := range person.GetTelecoms() {
		p.entry(2, c.GetSystem(), labelWidth, text(strings.TrimSpace(c.GetContact()+" "+bracketed(c.GetUse()))))
	}
}
