package main

import (
	"context"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type capabilitiesCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`

	Practice string `arg:"" name:"ods-code" help:"The practice."`
}

func (capabilitiesCommand) Help() string {
	return `Reads what a practice's system says of itself: one statement for each of the roots Foundations (with appointments),
Structured (the record) and Documents, which may be different systems.

  declared         the statement names it
  not declared     a statement that would name it does not
  not registered   the directory has no system for it
  cannot be told   the statement could not be read: it may well be offered

All of it is advice. Whether the practice has switched something on shows only when it is asked.

  spinegate capabilities B84001
  spinegate --json capabilities A20047 | jq -r '.roots[1].json | @base64d'`
}

func (c *capabilitiesCommand) Run(ctx context.Context, t *terminal) error {
	circumstances, err := c.context()
	if err != nil {
		return err
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	answer, err := g.practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{Context: circumstances, OdsCode: c.Practice})
	if err := g.end(err); err != nil {
		return err
	}
	if t.json {
		return t.printJSON(answer)
	}
	showCapabilities(t.out, answer)
	return nil
}

// showCapabilities shows every root.
func showCapabilities(p *page, r *pb.GetCapabilitiesResponse) {
	for _, root := range r.GetRoots() {
		showRoot(p, root)
	}
	p.heading("Where this comes from")
	showProvenance(p, r.GetProvenance())
}

func showRoot(p *page, root *pb.CapabilityRoot) {
	p.heading(capital(words(root.GetCapability())))
	if e := root.GetError(); e != nil {
		f := failureIn(e)
		p.paragraph(2, styled(notice, "cannot be told: "), text(f.title()))
		f.show(p, 4)
		return
	}
	if s := root.GetSupport(); s != pb.Support_SUPPORT_DECLARED {
		p.paragraph(2, text(supportWords(s)))
		return
	}
	p.entry(2, "software", labelWidth, text(strings.TrimSpace(root.GetSoftwareName()+" "+root.GetSoftwareVersion())))
	p.entry(2, "GP Connect", labelWidth, text(root.GetSpecificationVersion()))
	p.entry(2, "ASID", labelWidth, text(root.GetProvenance().GetAsid()))
	p.entry(2, "operations", labelWidth, text(strings.Join(root.GetOperations(), ", ")))
	var resources []string
	for _, r := range root.GetResources() {
		resources = append(resources, r.GetResourceType()+" ("+strings.Join(r.GetInteractions(), ", ")+")")
	}
	p.entry(2, "resources", labelWidth, text(strings.Join(resources, ", ")))
	areas := map[pb.Support][]string{}
	for _, a := range root.GetAreas() {
		areas[a.GetSupport()] = append(areas[a.GetSupport()], words(a.GetArea()))
	}
	for _, s := range []pb.Support{
		pb.Support_SUPPORT_DECLARED, pb.Support_SUPPORT_NOT_DECLARED, pb.Support_SUPPORT_NOT_REGISTERED, pb.Support_SUPPORT_UNSPECIFIED,
	} {
		label := "areas"
		if s != pb.Support_SUPPORT_DECLARED {
			label = supportWords(s)
		}
		p.entry(2, label, labelWidth, text(strings.Join(areas[s], ", ")))
	}
}

func supportWords(s pb.Support) string {
	if s == pb.Support_SUPPORT_UNSPECIFIED {
		return "cannot be told"
	}
	return words(s)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
