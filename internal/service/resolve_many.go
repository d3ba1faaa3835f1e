package service

import (
	"context"

	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
)

// ResolveEndpoints looks up every organisation with every interaction, behind everybody who waits at a screen, and passes on
// each result or failure the moment it is known. The stream closes before the deadline, whoever is still to be looked up.
func (s *EndpointDirectory) ResolveEndpoints(req *pb.ResolveEndpointsRequest, stream grpc.ServerStreamingServer[pb.ResolveEndpointsResponse]) error {
	ctx := stream.Context()
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return err
	}
	practices, err := distinctPractices(req.GetOdsCodes())
	if err != nil {
		return err
	}
	interactions, err := distinctInteractions(req.GetInteractions())
	if err != nil {
		return err
	}
	out := &resolveStream{
		core: s.core, asker: a, stream: stream, provenance: s.provenance(ctx), record: audit.FromContext(ctx),
		open: map[target]bool{},
	}
	var asked []string
	for _, i := range interactions {
		asked = append(asked, i.String())
	}
	for _, ods := range practices {
		asked = append(asked, ods.String())
		for _, i := range interactions {
			out.targets = append(out.targets, target{ods, i})
			out.open[target{ods, i}] = true
		}
	}
	out.record.SetAsked(asked...)
	return out.run(ctx)
}

func distinctInteractions(all []*pb.Interaction) ([]nhs.Interaction, error) {
	var out []nhs.Interaction
	seen := map[nhs.Interaction]bool{}
	for _, i := range all {
		interaction, err := interactionOf(i)
		if err != nil {
			return nil, err
		}
		if !seen[interaction] {
			seen[interaction] = true
			out = append(out, interaction)
		}
	}
	return out, nil
}

// target is one look-up of many.
type target struct {
	ods         nhs.ODSCode
	interaction nhs.Interaction
}

// resolution is the end of one.
type resolution struct {
	target

	provenance *pb.Provenance
	route      sds.Route
	err        error
}

// resolveStream is the one place from which messages go to the caller.
type resolveStream struct {
	*core

	asker      asker
	stream     grpc.ServerStreamingServer[pb.ResolveEndpointsResponse]
	provenance *pb.Provenance
	record     *audit.Record
	targets    []target
	open       map[target]bool // those that have not ended

	sequence, results, failed int32
}

func (o *resolveStream) run(ctx context.Context) error {
	opening := &pb.DirectoryOpening{
		Provenance: cloned(o.provenance), TargetsTotal: int32(len(o.targets)), //nolint:gosec // at most 500 times 27
	}
	if err := o.send(&pb.ResolveEndpointsResponse{Event: &pb.ResolveEndpointsResponse_Opening{Opening: opening}}); err != nil {
		return err
	}
	if err := askMany(ctx, o.targets, o.Concurrency, o.ask, o.pass); err != nil {
		return err
	}
	return o.close()
}

// ask looks up one target.
func (o *resolveStream) ask(ctx context.Context, t target, tell func(resolution) bool) {
	r := resolution{target: t, provenance: o.about(t)}
	r.err = guard.Run(ctx, func() (err error) {
		r.route, err = o.lookUp(ctx, sds.Question{ODS: t.ods, Interaction: t.interaction, Consumer: o.asker.ods(), Bulk: true})
		return err
	})
	tell(r)
}

// about is what can be said of a target before anybody answered.
func (o *resolveStream) about(t target) *pb.Provenance {
	p := cloned(o.provenance)
	p.PracticeOdsCode, p.InteractionId = t.ods.String(), t.interaction.String()
	return p
}

func (o *resolveStream) pass(r resolution) (more bool, err error) {
	delete(o.open, r.target)
	if r.err != nil {
		return len(o.open) > 0, o.failure(r)
	}
	o.results++
	o.record.Count("Endpoint", 1)
	return len(o.open) > 0, o.send(&pb.ResolveEndpointsResponse{Event: &pb.ResolveEndpointsResponse_Result{Result: &pb.EndpointFound{
		Provenance: found(r.provenance, r.route), Endpoint: resolved(r.route),
	}}})
}

func (o *resolveStream) failure(r resolution) error {
	o.failed++
	o.record.Diagnose(fault.Of(r.err).UpstreamText)
	return o.send(&pb.ResolveEndpointsResponse{Event: &pb.ResolveEndpointsResponse_Failure{Failure: &pb.EndpointFailure{
		Provenance: r.provenance, OdsCode: r.ods.String(), InteractionId: r.interaction.String(),
		Error: fault.Detail(r.err, r.provenance.GetTraceIds()),
	}}})
}

// close ends every target that has not ended, in the order asked, and then the stream.
func (o *resolveStream) close() error {
	for _, t := range o.targets {
		if !o.open[t] {
			continue
		}
		if err := o.failure(resolution{target: t, provenance: o.about(t), err: errSilent}); err != nil {
			return err
		}
	}
	verdict := pb.Verdict_VERDICT_WHOLE
	if o.failed > 0 {
		verdict = pb.Verdict_VERDICT_PARTIAL
	}
	return o.send(&pb.ResolveEndpointsResponse{Event: &pb.ResolveEndpointsResponse_Closing{Closing: &pb.DirectoryClosing{
		Verdict: verdict, ResultsTotal: o.results, FailuresTotal: o.failed, Provenance: cloned(o.provenance),
	}}})
}

func (o *resolveStream) send(m *pb.ResolveEndpointsResponse) error {
	m.Sequence = o.sequence
	o.sequence++
	return o.stream.Send(m)
}
