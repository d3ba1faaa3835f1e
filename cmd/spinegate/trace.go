package main

import (
	"context"
	"slices"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type traceCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`
	expected      `embed:""`
	patient       `embed:""`
}

// patient is whom a command is about.
type patient struct {
	Number []string `arg:"" name:"nhs-number" help:"The NHS Number."`
}

// digits is the number as it is sent. Two numbers would be one that is too long.
func (p patient) digits() (string, error) {
	const digits = 10
	number := stripped(p.Number)
	if len(number) >= 2*digits || len(p.Number) > 1 && slices.ContainsFunc(p.Number, func(part string) bool { return len(stripped([]string{part})) >= digits }) {
		return "", misusedf("one NHS number at a time; \"spinegate trace-many FILE\" takes a list")
	}
	return number, nil
}

// expected is what a caller holds about a patient.
type expected struct {
	Family    string   `placeholder:"NAME" help:"Family name that you hold, to be compared."`
	Given     []string `placeholder:"NAME" help:"Given name that you hold; repeatable."`
	Gender    string   `placeholder:"GENDER" help:"Gender that you hold: male, female, other, unknown."`
	BirthDate string   `placeholder:"DATE" help:"Birth date that you hold: yyyy-mm-dd, or as much of it as you know."`
	Postcode  string   `placeholder:"CODE" help:"Home postcode that you hold."`
	Practice  string   `placeholder:"ODS" help:"Practice that you hold."`
}

func (e expected) message() *pb.ExpectedDemographics {
	if e.Family == "" && len(e.Given) == 0 && e.Gender == "" && e.BirthDate == "" && e.Postcode == "" && e.Practice == "" {
		return nil
	}
	return &pb.ExpectedDemographics{
		Family: e.Family, Given: e.Given, Gender: e.Gender, BirthDate: e.BirthDate, PostalCode: e.Postcode,
		PracticeOdsCode: e.Practice,
	}
}

func (traceCommand) Help() string {
	return `Asks the Personal Demographics Service (PDS) and says what follows from its answer:

  registered    with which practice today, and since when; or why not
  restriction   anything but "unrestricted": nobody asks a practice about them.
                Withheld is not the same as not recorded.
  death         formally notified is registered; informally may be wrong
  replaced      the number was merged into another one. Check that it is the
                person you mean before you use that one.

With what you hold (--family, --birth-date, ...) each item is compared: match, mismatch, or not held by PDS.

  spinegate trace 999 000 0018
  spinegate trace 9990000018 --family testwell --birth-date 1985

Exits with 1 when the call fails or something that you hold differs.`
}

func (c *traceCommand) Run(ctx context.Context, t *terminal) error {
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
	answer, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{
		Context: circumstances, NhsNumber: number, Expected: c.message(),
	})
	if err := g.end(err); err != nil {
		return err
	}
	if t.json {
		err = t.printJSON(answer)
	} else {
		showTrace(t.out, answer)
	}
	if err == nil && differs(answer.GetComparison()) {
		return errFound
	}
	return err
}
