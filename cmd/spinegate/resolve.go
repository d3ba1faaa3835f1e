package main

import (
	"context"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type resolveCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`

	Practice    string `arg:"" name:"ods-code" help:"The practice."`
	Interaction string `default:"get-structured-record" placeholder:"NAME" help:"What will be asked of it (${default}); or a whole id, urn:nhs:names:services:gpconnect:..."`
}

func (resolveCommand) Help() string {
	return `Asks the Spine Directory Service (SDS) which system answers an interaction for a practice: first the Endpoint, which has
the address and a party key; then the Device that this party key belongs to, which has the ASID (the accredited system
id that a request must be addressed to). A practice may have different systems for different interactions.

None and several are different answers, and both are failures: nothing is ever chosen among several. The candidates are
listed, so that somebody can tell the practice.

  spinegate resolve A20047 --interaction search-slot

The interactions: ` + strings.Join(options(pb.KnownInteraction(0).Descriptor()), ", ") + "."
}

func (c *resolveCommand) Run(ctx context.Context, t *terminal) error {
	circumstances, err := c.context()
	if err != nil {
		return err
	}
	interaction, err := interactionNamed(c.Interaction)
	if err != nil {
		return err
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	answer, err := g.directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
		Context: circumstances, OdsCode: c.Practice, Interaction: interaction,
	})
	if err := g.end(err); err != nil {
		return err
	}
	if t.json {
		return t.printJSON(answer)
	}
	showEndpoint(t.out, answer)
	return nil
}

func interactionNamed(name string) (*pb.Interaction, error) {
	if strings.HasPrefix(name, "urn:") {
		return &pb.Interaction{Name: &pb.Interaction_Raw{Raw: name}}, nil
	}
	number, ok := parseOption(pb.KnownInteraction(0).Descriptor(), name)
	if !ok {
		return nil, misusedf("--interaction is none of those that \"spinegate resolve --help\" lists, nor an id that begins with urn:")
	}
	return &pb.Interaction{Name: &pb.Interaction_Known{Known: pb.KnownInteraction(number)}}, nil
}

// showEndpoint shows a system in the order in which it was found.
func showEndpoint(p *page, r *pb.ResolveEndpointResponse) {
	e := r.GetEndpoint()
	p.paragraph(0, styled(strong, e.GetOdsCode()), text("  "+e.GetInteractionId()))
	p.entry(2, "Endpoint", labelWidth, text(e.GetAddress()))
	p.entry(2, "party key", labelWidth, text(e.GetPartyKey()))
	device := "ASID " + e.GetAsid()
	if m := e.GetManufacturerOdsCode(); m != "" {
		device += ", supplier " + m
	}
	p.entry(2, "Device", labelWidth, text(device))
	provenance := r.GetProvenance()
	if provenance != nil { // the system has been shown
		provenance = &pb.Provenance{
			Environment: provenance.GetEnvironment(), Simulated: provenance.GetSimulated(),
			RetrievedAt: provenance.GetRetrievedAt(), TraceIds: provenance.GetTraceIds(),
		}
	}
	showProvenance(p, provenance)
}
