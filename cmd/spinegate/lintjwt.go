package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/judge"
)

// The versions of GP Connect whose tokens differ.
const (
	versionHTML = "0.7"
	versionSTU3 = "1.x"
)

type lintJWTCommand struct {
	Token       string `arg:"" optional:"" default:"-" help:"The token, with or without \"Bearer \"; - reads it from standard input."`
	Interaction string `placeholder:"NAME" help:"What was called with it, by its name (search-slot; \"spinegate resolve --help\" lists them) or its id: urn:nhs:names:services:gpconnect:fhir:rest:search:slot-1, or only from fhir: on."`
	Address     string `placeholder:"URL" help:"The service root URL that was called, as SDS gave it."`
	Version     string `enum:"0.7,1.x," default:"" placeholder:"0.7|1.x" help:"The version of GP Connect, where the interaction does not say it."`
	Show        bool   `help:"Show who the user is: the token names a member of staff."`
}

func (lintJWTCommand) Help() string {
	return `Judges the audit token that a consumer sends to a practice with every GP Connect request, by the rules that providers'
acceptance tests, the reference provider and the specification enforce; the same rules are held against every request
that this project's tests make. docs/conformance.md lists them. Nothing is sent anywhere.

Scope and reason depend on the interaction and the audience on the address: rules that need what is not given are listed
as not judged. So are those about the moment of sending, and about a claim that is not there: JWT-CLAIMS-01 names all of
these.

  spinegate lint-jwt eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOi...
  spinegate lint-jwt --interaction search-slot < token`
}

func (c *lintJWTCommand) Run(t *terminal) error {
	token, err := c.token(t.stdin)
	if err != nil {
		return err
	}
	circumstances, err := c.circumstances()
	if err != nil {
		return err
	}
	rulings, err := judge.AuditToken(token, circumstances)
	if err != nil {
		return misuse{fmt.Errorf("--interaction: %w", err)}
	}
	statement, readable := judge.Read(token)
	if !c.Show {
		statement.User, statement.Name, statement.IDs = "", "", nil
	}
	if t.json {
		err = printRulings(t.out, statement, rulings)
	} else {
		if readable {
			showStatement(t.out, statement)
		}
		showRulings(t.out, rulings)
	}
	for _, r := range rulings {
		if err == nil && r.Why != "" {
			return errFound
		}
	}
	return err
}

// tokenLimit is far above the length of any header.
const tokenLimit = 1 << 20

func (c *lintJWTCommand) token(stdin io.Reader) (string, error) {
	token := c.Token
	if token == "-" {
		text, err := io.ReadAll(io.LimitReader(stdin, tokenLimit))
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		token = string(text)
	}
	token = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(token), "Bearer "))
	if token == "" {
		return "", misusedf("there is no token: give it as an argument, or on standard input")
	}
	return token, nil
}

func (c *lintJWTCommand) circumstances() (judge.Circumstances, error) {
	interaction := interactionID(c.Interaction)
	html := !strings.HasSuffix(interaction, "-1") // the ids of 0.7 have no number
	if interaction != "" && c.Version != "" && html != (c.Version == versionHTML) {
		return judge.Circumstances{}, misusedf("--interaction is not one of version %s", c.Version)
	}
	return judge.Circumstances{Interaction: interaction, Address: c.Address, DSTU2: c.Version == versionHTML}, nil
}

// showStatement shows what a token says of the call, and of the user what may be shown.
func showStatement(p *page, s judge.Statement) {
	p.heading("What it says")
	p.entry(2, "issuer", labelWidth, text(s.Issuer))
	p.entry(2, "audience", labelWidth, text(s.Audience))
	p.entry(2, "issued", labelWidth, text(stamp(s.Issued)))
	p.entry(2, "expires", labelWidth, text(stamp(s.Expires)))
	p.entry(2, "for", labelWidth, text(notes(s.Reason, s.Scope)))
	p.entry(2, "device", labelWidth, text(s.Device))
	p.entry(2, "of", labelWidth, text(strings.TrimSpace(s.Organisation+" "+bracketed(s.ODSCode))))
	p.entry(2, "user", labelWidth, text(strings.TrimSpace(s.Name+" "+bracketed(s.User))))
	for _, id := range s.IDs {
		p.entry(2, "", labelWidth, text(id))
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05Z")
}

// Verdicts.
const (
	kept      = "kept"
	broken    = "BROKEN"
	notJudged = "not judged"
)

func verdict(r judge.Ruling) string {
	switch {
	case !r.Judged:
		return notJudged
	case r.Why != "":
		return broken
	}
	return kept
}

// showRulings shows every rule, and counts.
func showRulings(p *page, rulings []judge.Ruling) {
	p.heading("What the rules say")
	marks := map[string]style{kept: good, broken: bad, notJudged: faint}
	count := map[string]int{}
	var rows [][]cell
	for _, r := range rulings {
		v := verdict(r)
		count[v]++
		said := r.Rule.Says
		if r.Why != "" {
			said = strings.TrimSuffix(said, ".") + ": " + r.Why + "."
		}
		rows = append(rows, []cell{text(r.Rule.ID), styled(marks[v], v), text(r.Rule.Section), text(string(r.Rule.By)), text(said)})
	}
	p.table(2, rows...)
	p.blank()
	p.linef("%d kept, %d broken, %d not judged.", count[kept], count[broken], count[notJudged])
}

// lintRuling is a ruling as JSON.
type lintRuling struct {
	Rule       string `json:"rule"`
	Verdict    string `json:"verdict"`
	Why        string `json:"why,omitzero"`
	Says       string `json:"says"`
	Section    string `json:"section"`
	EnforcedBy string `json:"enforced_by"`
}

// lintStatement is what a token says, as JSON.
type lintStatement struct {
	Issuer       string    `json:"issuer,omitzero"`
	Audience     string    `json:"audience,omitzero"`
	Reason       string    `json:"reason,omitzero"`
	Scope        string    `json:"scope,omitzero"`
	Issued       time.Time `json:"issued,omitzero"`
	Expires      time.Time `json:"expires,omitzero"`
	Device       string    `json:"device,omitzero"`
	Organisation string    `json:"organisation,omitzero"`
	ODSCode      string    `json:"ods_code,omitzero"`
	User         string    `json:"user,omitzero"`
	Name         string    `json:"name,omitzero"`
	IDs          []string  `json:"ids,omitzero"`
}

// printRulings writes one line.
func printRulings(p *page, s judge.Statement, rulings []judge.Ruling) error {
	line := struct {
		Token lintStatement `json:"token"`
		Rules []lintRuling  `json:"rules"`
	}{Token: lintStatement(s)}
	for _, r := range rulings {
		line.Rules = append(line.Rules, lintRuling{
			Rule: r.Rule.ID, Verdict: strings.ToLower(verdict(r)), Why: r.Why, Says: r.Rule.Says, Section: r.Rule.Section,
			EnforcedBy: string(r.Rule.By),
		})
	}
	text, err := json.Marshal(line, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write as JSON: %w", err)
	}
	p.write(string(text) + "\n")
	return p.failed()
}
