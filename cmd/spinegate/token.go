package main

import (
	"context"
	"fmt"
	"strings"
)

type tokenCommand struct {
	sandbox `embed:""`

	List bool `help:"List for whom there are tokens."`
}

func (tokenCommand) Help() string {
	return `A sandbox has an issuer of its own, which vouches for a few made-up people. The token is good for this sandbox
only, until it stops. The other commands get one by themselves; this one is for other clients:

  TOKEN=$(spinegate token)
  grpcurl -plaintext -H "authorization: Bearer $TOKEN" 127.0.0.1:50051 list

  spinegate token --list
  spinegate token --persona receptionist`
}

func (c *tokenCommand) Run(ctx context.Context, t *terminal) error {
	if !c.List {
		token, err := c.mint(ctx)
		if err != nil {
			return err
		}
		t.out.write(token + "\n")
		return nil
	}
	people, err := c.personas(ctx)
	if err != nil {
		return err
	}
	var rows [][]cell
	for _, p := range people {
		rows = append(rows, []cell{
			styled(strong, p.Name), textf("%s (%s %s). Scopes: %s", p.About, p.Organisation, p.ODSCode, strings.Join(p.Scopes, ", ")),
		})
	}
	if len(rows) == 0 {
		return fmt.Errorf("the sandbox at %s knows nobody", c.Admin)
	}
	t.out.table(0, rows...)
	return nil
}
