package service

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
)

// SearchSlots asks many practices at once and passes on what each answers, the moment it does. Each practice ends in one
// result or one failure, and the stream closes before the deadline whoever is still silent.
func (s *GPConnect) SearchSlots(req *pb.SearchSlotsRequest, stream grpc.ServerStreamingServer[pb.SearchSlotsResponse]) error {
	ctx := stream.Context()
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return err
	}
	window, err := parseWindow(req.GetStart(), req.GetEnd())
	if err != nil {
		return err
	}
	practices, err := distinctPractices(req.GetOdsCodes())
	if err != nil {
		return err
	}
	search := &slotSearch{
		core: s.core, asker: a, request: req, windows: window.split(),
		record: audit.FromContext(ctx), many: len(practices) > 1,
	}
	out := &slotStream{
		slotSearch: search, stream: stream, open: map[nhs.ODSCode]int32{}, verdict: pb.Verdict_VERDICT_WHOLE,
		provenance: s.provenance(ctx),
	}
	return out.run(ctx, window, practices)
}

func distinctPractices(codes []string) ([]nhs.ODSCode, error) {
	var out []nhs.ODSCode
	for _, code := range codes {
		ods, err := practice(code)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, ods) {
			out = append(out, ods)
		}
	}
	return out, nil
}

// slotEvent is news of one practice: slots, or its end.
type slotEvent struct {
	ods        nhs.ODSCode
	provenance *pb.Provenance
	slots      []*pb.Slot
	unreadable int
	filtered   int
	cutShort   bool
	name       string
	// ended says that this is the last news, and err how it ended.
	ended bool
	err   error
}

// slotStream is the one place from which messages go to the caller.
type slotStream struct {
	*slotSearch

	stream     grpc.ServerStreamingServer[pb.SearchSlotsResponse]
	provenance *pb.Provenance
	sequence   int32
	// open counts the slots sent of each practice that has not ended.
	open    map[nhs.ODSCode]int32
	sent    int32
	results int32
	failed  int32
	cut     int32
	full    bool // the caller's limit is reached
	verdict pb.Verdict
}

func (o *slotStream) run(ctx context.Context, w window, practices []nhs.ODSCode) error {
	opening := &pb.SlotsOpening{
		Provenance: cloned(o.provenance), Start: w.opens(), End: w.closes(),
		WindowsTotal: int32(len(o.windows)), //nolint:gosec // a year is 26
	}
	for _, ods := range practices {
		opening.OdsCodes = append(opening.OdsCodes, ods.String())
		o.open[ods] = 0
	}
	if err := o.send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Opening{Opening: opening}}); err != nil {
		return err
	}
	if err := askMany(ctx, practices, o.Concurrency, o.askOne, o.news); err != nil {
		return err
	}
	return o.close(practices)
}

// news passes on that of one practice, and says whether there is anything left to wait for.
func (o *slotStream) news(e slotEvent) (more bool, err error) {
	err = o.pass(e)
	return len(o.open) > 0 && !o.full, err
}

// pass sends the news of one practice.
func (o *slotStream) pass(e slotEvent) error {
	for _, slot := range e.slots {
		if limit := o.request.GetMaxSlots(); limit > 0 && o.sent == limit {
			o.full = true
			return o.result(e.ods, e, true)
		}
		if err := o.send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Slot{Slot: slot}}); err != nil {
			return err
		}
		o.record.Count("Slot", 1)
		o.sent++
		o.open[e.ods]++
	}
	switch {
	case !e.ended:
		return nil
	case e.err != nil:
		return o.failure(e.ods, e.provenance, e.err)
	}
	return o.result(e.ods, e, e.cutShort)
}

func (o *slotStream) result(ods nhs.ODSCode, e slotEvent, cutShort bool) error {
	for range e.unreadable {
		warning := &pb.StreamWarning{
			Kind: pb.StreamWarningKind_STREAM_WARNING_KIND_UNREADABLE_ITEM, OdsCode: ods.String(),
			Message: "A slot in this practice's answer could not be read and is not offered.",
		}
		if err := o.send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Warning{Warning: warning}}); err != nil {
			return err
		}
	}
	if e.unreadable > 0 {
		o.lower(pb.Verdict_VERDICT_WARNED)
	}
	if cutShort {
		o.cut++
		o.lower(pb.Verdict_VERDICT_PARTIAL)
	}
	o.results++
	slots := o.open[ods]
	delete(o.open, ods)
	return o.send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Result{Result: &pb.PracticeResult{
		Provenance: e.provenance, OdsCode: ods.String(), SlotsTotal: slots, CutShort: cutShort, PracticeName: e.name,
		FilteredTotal:   int32(e.filtered),   //nolint:gosec // bounded by the answer's size
		UnreadableTotal: int32(e.unreadable), //nolint:gosec // as above
	}}})
}

func (o *slotStream) failure(ods nhs.ODSCode, p *pb.Provenance, err error) error {
	o.record.Diagnose(fault.Of(err).UpstreamText)
	o.lower(pb.Verdict_VERDICT_PARTIAL)
	o.failed++
	slots := o.open[ods]
	delete(o.open, ods)
	return o.send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Failure{Failure: &pb.PracticeFailure{
		Provenance: p, OdsCode: ods.String(), InteractionId: nhs.SearchSlot.String(), SlotsTotal: slots,
		Error: fault.Detail(err, p.GetTraceIds()),
	}}})
}

// lower makes the verdict worse, never better.
func (o *slotStream) lower(to pb.Verdict) {
	if o.verdict != pb.Verdict_VERDICT_PARTIAL {
		o.verdict = to
	}
}

// close ends every practice that has not ended, in the order asked, and then the stream.
func (o *slotStream) close(practices []nhs.ODSCode) error {
	for _, ods := range practices {
		if _, open := o.open[ods]; !open {
			continue
		}
		p := cloned(o.provenance)
		p.PracticeOdsCode, p.InteractionId = ods.String(), nhs.SearchSlot.String()
		var err error
		if o.full {
			err = o.result(ods, slotEvent{provenance: p}, true)
		} else {
			err = o.failure(ods, p, errSilent)
		}
		if err != nil {
			return err
		}
	}
	return o.send(&pb.SearchSlotsResponse{Event: &pb.SearchSlotsResponse_Closing{Closing: &pb.SlotsClosing{
		Verdict: o.verdict, SlotsTotal: o.sent, ResultsTotal: o.results, FailuresTotal: o.failed, CutShortTotal: o.cut,
		Provenance: cloned(o.provenance),
	}}})
}

func (o *slotStream) send(m *pb.SearchSlotsResponse) error {
	m.Sequence = o.sequence
	o.sequence++
	return o.stream.Send(m)
}

// slotSearch asks practices.
type slotSearch struct {
	*core

	asker   asker
	request *pb.SearchSlotsRequest
	windows []window
	record  *audit.Record
	// many says that several practices are asked: their look-ups wait behind those of single records and bookings.
	many bool
}

// askOne asks one practice, and tells how it ended.
func (q *slotSearch) askOne(ctx context.Context, ods nhs.ODSCode, tell func(slotEvent) bool) {
	last := slotEvent{provenance: q.provenanceOf(ctx, ods)}
	if err := guard.Run(ctx, func() error {
		q.ask(ctx, ods, &last, tell)
		return nil
	}); err != nil {
		last.err = err // one practice's answer must not end the search of the others
	}
	last.ods, last.ended = ods, true
	tell(last)
}

// provenanceOf is what can be said of a practice's slots before it is asked.
func (q *slotSearch) provenanceOf(ctx context.Context, ods nhs.ODSCode) *pb.Provenance {
	p := q.provenance(ctx)
	p.PracticeOdsCode, p.InteractionId = ods.String(), nhs.SearchSlot.String()
	return p
}

// errMovedMeanwhile is a practice whose system moved between two windows. What was told is of the former root, where nothing can
// be booked any more, and its ids say nothing of those at the new one: the whole search has to be made again.
var errMovedMeanwhile = fault.New(pb.Hop_HOP_SSP, pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES, nil)

// ask asks one practice, window by window, and notes in last how it ended.
func (q *slotSearch) ask(ctx context.Context, ods nhs.ODSCode, last *slotEvent, tell func(slotEvent) bool) {
	route, err := q.lookUp(ctx, sds.Question{ODS: ods, Interaction: nhs.SearchSlot, Consumer: q.asker.ods(), Bulk: q.many})
	if err != nil {
		last.err = err
		return
	}
	routed(last.provenance, route)
	seen, root := map[string]bool{}, ""
	for _, w := range q.windows {
		var answer *gpconnect.Slots
		answer, route, err = visit(ctx, q.core, q.asker, route, func(to gpconnect.Target) (*gpconnect.Slots, error) {
			if root != "" && to.Destination.Address != root {
				return nil, errMovedMeanwhile
			}
			return q.Practices.Slots(ctx, to, gpconnect.SlotSearch{
				Start: w.start.text(), End: w.end.text(), Organisation: q.asker.ods(),
				OrganisationType: organisationTypes[q.request.GetOrganisationType()],
			})
		})
		routed(last.provenance, route)
		if err != nil {
			last.err = err
			return
		}
		root = route.Address
		answered(last.provenance, answer.Response.RetrievedAt, answer.Response.SSPTraceID, answer.Response.Simulated)
		last.unreadable += len(answer.Unreadable)
		if answer.Practice.Name != "" {
			last.name, last.provenance.PracticeName = answer.Practice.Name, answer.Practice.Name
		}
		news := slotEvent{ods: ods}
		news.slots = q.wanted(answer.Slots, route, seen, last)
		if !tell(news) {
			last.err = context.Cause(ctx)
			return
		}
		if last.cutShort {
			return
		}
	}
}

// wanted are the slots that pass the caller's filters and limit, each once.
func (q *slotSearch) wanted(slots []gpconnect.Slot, route sds.Route, seen map[string]bool, last *slotEvent) []*pb.Slot {
	var out []*pb.Slot
	for i := range slots {
		slot := &slots[i]
		if seen[slot.ID] {
			continue // windows share a day
		}
		seen[slot.ID] = true
		if !q.passes(slot) {
			last.filtered++
			continue
		}
		if limit := q.request.GetMaxSlotsPerPractice(); limit > 0 && len(seen)-last.filtered > int(limit) {
			last.cutShort = true
			break
		}
		converted, err := q.slot(slot, route)
		if err != nil {
			last.unreadable++
			continue
		}
		out = append(out, converted)
	}
	return out
}

func (q *slotSearch) passes(slot *gpconnect.Slot) bool {
	channels, roles := q.request.GetChannels(), q.request.GetRoleCodes()
	return (len(channels) == 0 || slices.Contains(channels, deliveryChannels[slot.Channel])) &&
		(len(roles) == 0 || slices.Contains(roles, slot.Role.Code))
}
