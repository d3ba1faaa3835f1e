package main

import (
	"context"
	"strings"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type searchCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`

	Family    string   `placeholder:"NAME" help:"Family name; from the third character on, a * stands for anything."`
	Given     []string `placeholder:"NAME" help:"Given name, * as for the family name; repeatable, in their order."`
	BirthDate string   `placeholder:"DATE" help:"Birth date, yyyy-mm-dd."`
	BornFrom  string   `placeholder:"DATE" help:"Earliest birth date, yyyy-mm-dd."`
	BornUntil string   `placeholder:"DATE" help:"Latest birth date, included."`
	Gender    string   `placeholder:"GENDER" help:"Gender: male, female, other, unknown. Better left out."`
	Postcode  string   `placeholder:"CODE" help:"Postcode of any of the person's addresses, * as above. Hides restricted people."`
	Practice  string   `placeholder:"ODS" help:"Practice. Hides restricted people."`
	Email     string   `placeholder:"ADDRESS" help:"E-mail address, as recorded."`
	Phone     string   `placeholder:"NUMBER" help:"Telephone number, as recorded."`
	Fuzzy     bool     `xor:"mode" help:"Also find homophones, transposed names and former details."`
	Exact     bool     `xor:"mode" help:"Only who matches all of it exactly."`
	History   bool     `help:"Also match former names, addresses and contact details."`
	Max       int32    `placeholder:"N" help:"Show nobody if more than so many match. Default: as many as the gateway's access to PDS allows."`
}

func (searchCommand) Help() string {
	return `Asks the Personal Demographics Service (PDS) who matches what you know. Family name and birth date are the least. With
--fuzzy it is given name, too; or one of the names with birth date, gender and postcode.

Who is found comes in PDS's order, best first; choose by what you know of the person, and trace them before you rely on
anything. Somebody restricted is found without address. When more people match than may be shown, nobody is, and the
call fails: TOO_MANY_MATCHES. Nobody found does not mean nobody there, where it says ABSENCE NOT PROVEN:

  a postcode or a practice among the criteria hides restricted people
  whoever is not signed in with CIS2 (--sign-in in a sandbox, --cis2-token) sees one match at most

  spinegate search --family TESTWELL --born-from 1990-01-01 --born-until 1995-12-31
  spinegate search --family 'testsm*' --given 'Mary Jane' --birth-date 1971-03-09
  spinegate search --family testsmith --given 'Mary Jane' --born-from 1960-01-01 --fuzzy
  spinegate search --sign-in --family 'testtri*' --born-from 1960-01-01 --max 50

Exits with 0 also when nobody was found.`
}

func (c *searchCommand) Run(ctx context.Context, t *terminal) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	answer, err := g.trace.SearchPatients(ctx, request)
	if err := g.end(err); err != nil {
		return err
	}
	if t.json {
		return t.printJSON(answer)
	}
	showMatches(t.out, answer)
	return nil
}

// request is what is searched for. Whether it is enough is for the gateway to say.
func (c *searchCommand) request() (*pb.SearchPatientsRequest, error) {
	circumstances, err := c.context()
	if err != nil {
		return nil, err
	}
	r := &pb.SearchPatientsRequest{
		Context: circumstances, Family: c.Family, Given: c.Given, BirthDateStart: c.BornFrom, BirthDateEnd: c.BornUntil,
		PostalCode: c.Postcode, PracticeOdsCode: c.Practice, Email: c.Email, Phone: c.Phone,
		Mode: pb.SearchMode_SEARCH_MODE_ORDINARY, IncludeHistory: c.History, MaxResults: c.Max,
	}
	switch {
	case c.BirthDate != "" && (c.BornFrom != "" || c.BornUntil != ""):
		return nil, misusedf("give --birth-date, or --born-from and --born-until")
	case c.BirthDate != "":
		r.BirthDateStart, r.BirthDateEnd = c.BirthDate, c.BirthDate
	}
	for _, day := range []string{r.GetBirthDateStart(), r.GetBirthDateEnd()} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return nil, misusedf("a birth date is yyyy-mm-dd; for a year or a month give its first and last day by --born-from and --born-until")
		}
	}
	if c.Gender != "" {
		number, ok := parseOption(r.GetGender().Descriptor(), c.Gender)
		if !ok {
			return nil, misusedf("--gender is one of %q", options(r.GetGender().Descriptor()))
		}
		r.Gender = pb.Gender(number)
	}
	switch {
	case c.Fuzzy:
		r.Mode = pb.SearchMode_SEARCH_MODE_FUZZY
	case c.Exact:
		r.Mode = pb.SearchMode_SEARCH_MODE_EXACT
	}
	return r, nil
}

// showMatches shows people in PDS's order, without its score: it is no probability, and looks like one.
func showMatches(p *page, r *pb.SearchPatientsResponse) {
	matches := r.GetMatches()
	switch len(matches) {
	case 0:
		p.paragraph(0, styled(notice, "NOBODY FOUND"), text("  under these criteria."))
	case 1:
		p.paragraph(0, styled(strong, "1 match"))
	default:
		p.paragraph(0, styled(strong, plural(len(matches), "match", "matches")), text(", in PDS's order. Choose by what you know of the person."))
	}
	for _, m := range matches {
		p.blank()
		showPatientName(p, m.GetPatient(), m.GetRestriction())
		showPerson(p, m.GetPatient())
		for _, n := range m.GetPatient().GetOtherNames() {
			p.entry(2, "other name", labelWidth, text(spaced(strings.TrimSpace(fullName(n)), bracketed(n.GetUse()))))
		}
		if m.GetRestriction() != pb.Restriction_RESTRICTION_UNRESTRICTED {
			p.entry(2, "restriction", labelWidth, restrictionWords(m.GetRestriction()))
		}
	}
	p.blank()
	// Only what the gateway says outright is a proof.
	if r.AbsenceNotProven == nil || r.GetAbsenceNotProven() {
		p.paragraph(0, styled(bad, "ABSENCE NOT PROVEN"), text("  Whoever is not shown may be on PDS all the same: a postcode or practice hides "+
			"restricted people, and some access to PDS sees one match at most."))
	}
	if len(matches) > 0 {
		p.paragraph(0, text("A search tells neither death nor registration: trace whom you mean before you rely on either."))
	}
	showProvenance(p, r.GetProvenance())
}
