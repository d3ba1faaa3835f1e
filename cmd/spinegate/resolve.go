package main

import (
	"context"
	"fmt"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type resolveCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`

	Practices   []string `arg:"" name:"ods-code" help:"The practices, 1 to 500."`
	Interaction []string `default:"get-structured-record" placeholder:"NAME" help:"What will be asked of them (${default}), repeatable; or a whole id, urn:nhs:names:services:gpconnect:..."`
}

func (resolveCommand) Help() string {
	return `Asks the Spine Directory Service (SDS) which system answers an interaction for a practice: first the Endpoint, which has
the address and a party key; then the Device that this party key belongs to, which has the ASID (the accredited system
id that a request must be addressed to). A practice may have different systems for different interactions.

None and several are different answers, and both are failures: nothing is ever chosen among several. The candidates are
listed, so that somebody can tell the practice.

  spinegate resolve A20047 --interaction search-slot
  spinegate resolve A20047 H86007 --interaction search-slot --interaction create-appointment

Several practices or interactions are each looked up with each; what is found or fails is shown as it is known, and in the
end whether it was all: WHOLE, or NOT WHOLE. Exits with 1 if a look-up failed.

The interactions: ` + strings.Join(options(pb.KnownInteraction(0).Descriptor()), ", ") + "."
}

func (c *resolveCommand) Run(ctx context.Context, t *terminal) error {
	circumstances, err := c.context()
	if err != nil {
		return err
	}
	interactions := make([]*pb.Interaction, len(c.Interaction))
	for i, named := range c.Interaction {
		if interactions[i], err = interactionNamed(named); err != nil {
			return err
		}
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	if len(c.Practices) > 1 || len(interactions) > 1 {
		ctx, cancel := c.bounded(ctx)
		defer cancel()
		return g.end(resolveMany(ctx, g, t, &pb.ResolveEndpointsRequest{
			Context: circumstances, OdsCodes: c.Practices, Interactions: interactions,
		}))
	}
	answer, err := g.directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
		Context: circumstances, OdsCode: c.Practices[0], Interaction: interactions[0],
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

// resolveMany shows what becomes of each look-up as it comes.
func resolveMany(ctx context.Context, g *connection, t *terminal, r *pb.ResolveEndpointsRequest) error {
	stream, err := g.directory.ResolveEndpoints(ctx, r)
	if err != nil {
		return err
	}
	closed, failed, next := false, false, int32(0)
	known, targets := 0, int32(0)
	progress := t.progress("waiting for the directory")
	defer progress.end()
	err = each(stream, func(m *pb.ResolveEndpointsResponse) error {
		if m.GetSequence() != next {
			return fmt.Errorf("message %d came where %d was due", m.GetSequence(), next)
		}
		next++
		closed = m.GetClosing() != nil
		switch e := m.GetEvent().(type) {
		case *pb.ResolveEndpointsResponse_Opening:
			targets = e.Opening.GetTargetsTotal()
		case *pb.ResolveEndpointsResponse_Result, *pb.ResolveEndpointsResponse_Failure:
			known++
		}
		failed = failed || m.GetFailure() != nil
		progress.say("%d of %s", known, plural(int(targets), "look-up", "look-ups"))
		if t.json {
			return t.printJSON(m)
		}
		showResolution(t.out, m)
		return t.out.failed()
	})
	return ended(err, closed, failed)
}

func showResolution(p *page, m *pb.ResolveEndpointsResponse) {
	switch e := m.GetEvent().(type) {
	case *pb.ResolveEndpointsResponse_Opening:
		p.paragraph(0, textf("%s", plural(int(e.Opening.GetTargetsTotal()), "look-up", "look-ups")))
	case *pb.ResolveEndpointsResponse_Result:
		showSystem(p, e.Result.GetEndpoint())
	case *pb.ResolveEndpointsResponse_Warning:
		p.paragraph(0, styled(notice, "WARNING"), textf("  %s: %s", words(e.Warning.GetKind()), e.Warning.GetMessage()))
	case *pb.ResolveEndpointsResponse_Failure:
		failed := failureIn(e.Failure.GetError())
		p.paragraph(0, styled(strong, e.Failure.GetOdsCode()), text("  "+e.Failure.GetInteractionId()))
		p.paragraph(2, styled(bad, "FAILED"), textf("  %s", failed.title()))
		failed.brief = true // the closing message has the ids of the call
		failed.show(p, 4)
	case *pb.ResolveEndpointsResponse_Closing:
		c := e.Closing
		counts := plural(int(c.GetResultsTotal()), "system", "systems") + " found"
		if n := int(c.GetFailuresTotal()); n > 0 {
			counts += ", " + plural(n, "look-up failed", "look-ups failed")
		}
		p.blank()
		if c.GetVerdict() == pb.Verdict_VERDICT_WHOLE {
			p.paragraph(0, styled(good, "WHOLE"), textf("  %s.", counts))
		} else {
			p.paragraph(0, styled(bad, "NOT WHOLE"), textf("  (%s) %s.", words(c.GetVerdict()), counts))
		}
		showProvenance(p, c.GetProvenance())
	}
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
	showSystem(p, r.GetEndpoint())
	provenance := r.GetProvenance()
	if provenance != nil { // the system has been shown
		provenance = &pb.Provenance{
			Environment: provenance.GetEnvironment(), Simulated: provenance.GetSimulated(),
			RetrievedAt: provenance.GetRetrievedAt(), TraceIds: provenance.GetTraceIds(),
		}
	}
	showProvenance(p, provenance)
}

func showSystem(p *page, e *pb.ResolvedEndpoint) {
	p.paragraph(0, styled(strong, e.GetOdsCode()), text("  "+e.GetInteractionId()))
	p.entry(2, "Endpoint", labelWidth, text(e.GetAddress()))
	p.entry(2, "party key", labelWidth, text(e.GetPartyKey()))
	device := "ASID " + e.GetAsid()
	if m := e.GetManufacturerOdsCode(); m != "" {
		device += ", supplier " + m
	}
	p.entry(2, "Device", labelWidth, text(device))
}
