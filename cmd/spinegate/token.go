package main

import (
	"context"
	"fmt"
	"strings"
)

type tokenCommand struct {
	sandbox `embed:""`

	List bool `help:"List for whom there are tokens." xor:"what"`
	CIS2 bool `name:"cis2" help:"The ID token of a sign-in with the sandbox's CIS2 instead." xor:"what"`
}

func (tokenCommand) Help() string {
	return `A sandbox has an issuer of its own, which vouches for a few made-up people. The token is good for this sandbox
only, until it stops. The other commands get one by themselves; this one is for other clients:

  TOKEN=$(spinegate token)
  grpcurl -plaintext -H "authorization: Bearer $TOKEN" 127.0.0.1:50051 list

  spinegate token --list
  spinegate token --persona receptionist

A clinician who is signed in with CIS2 is asked for in their own name at PDS. Their ID token goes beside the bearer token,
as metadata spinegate-cis2-id-token:

  spinegate token --cis2`
}

func (c *tokenCommand) Run(ctx context.Context, t *terminal) error {
	if !c.List {
		got, err := c.mint(ctx)
		if err != nil {
			return err
		}
		if t.json {
			return printLines(t.out, got)
		}
		token := got.Token
		if c.CIS2 {
			token = got.IDToken
		}
		if token == "" {
			return misusedf("--persona: %s has no smartcard to sign in to CIS2 with", c.Persona)
		}
		t.out.write(token + "\n")
		return nil
	}
	people, err := c.personas(ctx)
	if err != nil {
		return err
	}
	if t.json {
		return printLines(t.out, people...)
	}
	var rows [][]cell
	for _, p := range people {
		card := ""
		if p.SignsIn {
			card = " Can sign in with CIS2."
		}
		rows = append(rows, []cell{
			styled(strong, p.Name), textf("%s (%s %s).%s Scopes: %s", p.About, p.Organisation, p.ODSCode, card, strings.Join(p.Scopes, ", ")),
		})
	}
	if len(rows) == 0 {
		return fmt.Errorf("the sandbox at %s knows nobody", c.Admin)
	}
	t.out.table(0, rows...)
	return nil
}
