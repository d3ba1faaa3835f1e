package service

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/guard"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/spine"
)

// bulkDemographics is PDS as streams ask it: first for a turn, behind everybody who waits at a screen.
type bulkDemographics interface {
	Turn(ctx context.Context, consumer nhs.ODSCode) (*spine.Turn, error)
	PatientInTurn(ctx context.Context, turn *spine.Turn, number nhs.Number, by pds.Requester) (*pds.Trace, error)
}

const (
	// defaultTraces is how many items of a stream are worked on at once where the caller does not say, maxTraces the most.
	defaultTraces, maxTraces = 8, 64
	// badItems a second are read of one stream, after a burst of as many: each leaves evidence, and costs its sender nothing.
	badItems = 100
	// pacedAfter is how long an item waits for its turn before the caller is told, once, that the quota slows it down.
	pacedAfter = time.Second
	// winding and closingTime are what is kept of a stream's time: the first for items that were read, the second for saying
	// how it ended.
	winding, closingTime = 5 * time.Second, 500 * time.Millisecond
	// resend is when an item that was not answered may be sent again.
	resend = time.Second
)

// TracePatients traces the people whom the caller names one after the other. Every item that was read ends in one result
// or one failure, whatever becomes of the stream's time.
//
// An item is read when there is room to work on it and the one before it has its turn at PDS, so that a stream of any
// length takes the same memory, and its time counts from then.
func (s *PatientTrace) TracePatients(stream grpc.BidiStreamingServer[pb.TracePatientsRequest, pb.TracePatientsResponse]) error {
	first, err := stream.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if first.GetStart() == nil {
		return fault.Invalid("start", "start.first", "must be the first message")
	}
	a, err := s.asker(stream.Context(), first.GetContext())
	if err != nil {
		return err
	}
	by, err := a.requester()
	if err != nil {
		return err
	}
	concurrency := min(int(first.GetStart().GetConcurrency()), maxTraces)
	if concurrency < 1 {
		concurrency = defaultTraces
	}
	t := &traceStream{
		core: s.core, asker: a, by: by, stream: stream, record: audit.FromContext(stream.Context()), concurrency: concurrency,
		seen: newRecent(), bad: rate.NewLimiter(badItems, badItems), more: make(chan struct{}),
		received: make(chan reading), turns: make(chan time.Duration), answers: make(chan itemAnswer),
	}
	return t.run(stream.Context())
}

// traceStream is one stream. Its run is the one place from which messages go to the caller, and the only goroutine that
// touches what is not a channel.
type traceStream struct {
	*core

	asker       asker
	by          pds.Requester
	stream      grpc.BidiStreamingServer[pb.TracePatientsRequest, pb.TracePatientsResponse]
	record      *audit.Record
	concurrency int
	seen        *recent
	bad         *rate.Limiter

	more     chan struct{}      // lets the reader read one message
	received chan reading       // what it read
	turns    chan time.Duration // an item has its turn, or needs none; how long that took
	answers  chan itemAnswer    // an item has ended

	sequence                int32
	items, results, failed  int32
	inHand                  int  // items read and not answered
	queued                  bool // the latest of them waits for its turn
	reading, idle, cutShort bool // whether to read on; the reader waits to be let; time ran out
	paced                   bool // the caller was told
}

// reading is what the reader read.
type reading struct {
	message *pb.TracePatientsRequest
	err     error
}

// itemAnswer is the end of one item.
type itemAnswer struct {
	id     string
	result *pb.TracePatientResponse
	err    error
	// fatal ends the stream.
	fatal error
}

func (t *traceStream) run(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer leave()
	opening := &pb.TraceOpening{Provenance: t.provenance(ctx), Concurrency: int32(t.concurrency)} //nolint:gosec // at most 64
	if err := t.send(&pb.TracePatientsResponse{Event: &pb.TracePatientsResponse_Opening{Opening: opening}}); err != nil {
		return err
	}
	// Reading ends first, then asking. What is in hand by then is answered.
	wanting, stop := context.WithCancel(ctx)
	defer stop()
	asking, abandon := context.WithCancel(ctx)
	defer abandon()
	last, end := t.ends(ctx)
	go t.read(ctx) // Recv cannot be ended but by the end of the call, so nobody waits for it
	t.reading, t.idle = true, true
	for t.reading || t.inHand > 0 {
		var more chan<- struct{}
		if t.reading && t.idle && !t.queued && t.inHand < t.concurrency {
			more = t.more
		}
		select {
		case more <- struct{}{}:
			t.idle = false
		case r := <-t.received:
			t.idle = true
			if !t.reading {
				continue // too late to be read
			}
			if err := t.accept(r, func(w *item) { workers.Go(func() { t.work(ctx, asking, wanting, w) }) }); err != nil {
				return err
			}
		case waited := <-t.turns:
			t.queued = false
			if err := t.pace(waited); err != nil {
				return err
			}
		case a := <-t.answers:
			if fault.ReasonOf(a.err) == pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID {
				// The clinician's session is over, and no further item could be asked about in their name.
				t.reading, t.cutShort = false, t.cutShort || t.reading
				stop()
			}
			if err := t.answer(a); err != nil { //nolint:contextcheck // the ids in a failure are those of the stream
				return err
			}
		case <-last:
			t.reading, t.cutShort = false, t.cutShort || t.reading
			stop()
		case <-end:
			abandon()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return t.close(ctx)
}

// ends are when to stop reading and when to stop asking: before the caller's credential or the call's time runs out.
func (t *traceStream) ends(ctx context.Context) (last, end <-chan time.Time) {
	at, bounded := ctx.Deadline()
	if expiry := t.asker.ExpiresAt; !expiry.IsZero() && (!bounded || expiry.Before(at)) {
		at, bounded = expiry, true
	}
	if !bounded {
		return nil, nil
	}
	left := time.Until(at)
	return time.After(left - min(winding, left/4)), time.After(left - min(closingTime, left/8))
}

// read reads one message each time that it is let.
func (t *traceStream) read(ctx context.Context) {
	for {
		select {
		case <-t.more:
		case <-ctx.Done():
			return
		}
		var message *pb.TracePatientsRequest
		err := guard.Run(ctx, func() (err error) {
			message, err = t.stream.Recv()
			return err
		})
		select {
		case t.received <- reading{message, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// item is one that was read.
type item struct {
	*pb.TraceItem

	number nhs.Number // zero where it has none
	err    error      // what is wrong with it
}

// accept takes what was read into hand, or ends the reading.
func (t *traceStream) accept(r reading, start func(*item)) error {
	switch {
	case errors.Is(r.err, io.EOF):
		t.reading = false
		return nil
	case r.err != nil:
		return r.err
	case r.message.GetItem() == nil:
		return fault.Invalid("start", "start.once", "must be the first message and no other")
	}
	i := &item{TraceItem: r.message.GetItem()}
	i.number, i.err = t.rules.check(r.message, t.seen)
	t.items++
	t.inHand++
	t.queued = true
	start(i)
	return nil
}

// work sees an item to its end. Its turn is waited for as long as items are wanted; afterwards its own time runs.
func (t *traceStream) work(ctx, asking, wanting context.Context, i *item) {
	began := time.Now()
	turn, err := t.turn(wanting, i)
	if !hand(ctx, t.turns, time.Since(began)) {
		return
	}
	a := itemAnswer{id: cutID(i.GetItemId())}
	if err == nil {
		err = guard.Run(ctx, func() (err error) {
			a.result, err = t.ask(asking, turn, i)
			return err
		})
	}
	if err != nil {
		a.err, a.fatal = err, t.testify(ctx, i, err)
	}
	hand(ctx, t.answers, a)
}

// hand gives something to run, unless that has ended.
func hand[T any](ctx context.Context, to chan<- T, what T) bool {
	select {
	case to <- what:
		return true
	case <-ctx.Done():
		return false
	}
}

// turn waits until the item may go to PDS. A bad one never may, and waits for the leave to leave evidence.
func (t *traceStream) turn(wanting context.Context, i *item) (*spine.Turn, error) {
	if i.err != nil {
		_ = t.bad.Wait(wanting) // it fails when the stream ends, and then there will be no more of them
		return nil, i.err
	}
	turn, err := t.Demographics.Turn(wanting, t.by.Organisation)
	if err != nil {
		return nil, streamEnded()
	}
	return turn, nil
}

// ask asks PDS, within the item's time.
func (t *traceStream) ask(asking context.Context, turn *spine.Turn, i *item) (*pb.TracePatientResponse, error) {
	ctx, cancel := context.WithTimeout(audit.WithItem(asking, audit.Item{ID: i.GetItemId(), Subject: i.number}), t.ItemBudget)
	defer cancel()
	found, err := t.Demographics.PatientInTurn(ctx, turn, i.number, t.by)
	if err == nil {
		return t.traceAnswer(ctx, found, i.GetExpected()), nil
	}
	reason := fault.ReasonOf(err)
	if reason != pb.ErrorReason_ERROR_REASON_CANCELLED && reason != pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED {
		return nil, err
	}
	if asking.Err() != nil {
		return nil, streamEnded()
	}
	// The item's time, and not the call's.
	return nil, fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, err)
}

func streamEnded() error {
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_STREAM_ENDED, nil)
	e.RetryAfter = resend
	return e
}

// testify makes it evidence that an item failed. Without that the caller is told nothing more.
func (t *traceStream) testify(ctx context.Context, i *item, err error) error {
	e := fault.Of(err)
	if err := t.record.Failure(ctx, audit.Failure{
		Reason: fault.ReasonName(e.Reason), Hop: strings.TrimPrefix(e.Hop.String(), "HOP_"),
		Subject: i.number, Item: i.GetItemId(), Diagnostics: e.UpstreamText,
	}); err != nil {
		return auditFailed(err)
	}
	return nil
}

// answer tells the caller how an item ended.
func (t *traceStream) answer(a itemAnswer) error {
	if a.fatal != nil {
		return a.fatal
	}
	t.inHand--
	if a.err == nil && proto.Size(a.result)-len(a.result.GetPatient().GetJson()) > maxMessage-2*overhead {
		a.err = fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, nil)
	}
	if a.err != nil {
		t.failed++
		return t.send(&pb.TracePatientsResponse{Event: &pb.TracePatientsResponse_Failure{Failure: &pb.TraceFailure{
			ItemId: a.id, Error: fault.Detail(a.err, traceIDs(t.stream.Context())),
		}}})
	}
	t.results++
	t.record.Count("Patient", 1)
	for proto.Size(a.result) > maxMessage-overhead {
		patient := a.result.GetPatient()
		n := min(len(patient.GetJson()), maxMessage-overhead)
		piece := &pb.TraceResult{ItemId: a.id, Trace: &pb.TracePatientResponse{Patient: &pb.PdsPatient{Json: patient.GetJson()[:n]}}}
		patient.Json = patient.GetJson()[n:]
		if err := t.send(&pb.TracePatientsResponse{Continues: true, Event: &pb.TracePatientsResponse_Result{Result: piece}}); err != nil {
			return err
		}
	}
	return t.send(&pb.TracePatientsResponse{Event: &pb.TracePatientsResponse_Result{
		Result: &pb.TraceResult{ItemId: a.id, Trace: a.result},
	}})
}

// pace tells the caller, once, that the stream goes no faster than PDS's quota lets it.
func (t *traceStream) pace(waited time.Duration) error {
	if waited < pacedAfter || t.paced {
		return nil
	}
	t.paced = true
	return t.send(&pb.TracePatientsResponse{Event: &pb.TracePatientsResponse_Warning{Warning: &pb.StreamWarning{
		Kind:    pb.StreamWarningKind_STREAM_WARNING_KIND_PACED,
		Message: "The quota of PDS, which all calls of this gateway share, slows this stream down.",
	}}})
}

func (t *traceStream) close(ctx context.Context) error {
	verdict := pb.Verdict_VERDICT_WHOLE
	if t.failed > 0 || t.cutShort {
		verdict = pb.Verdict_VERDICT_PARTIAL
	}
	return t.send(&pb.TracePatientsResponse{Event: &pb.TracePatientsResponse_Closing{Closing: &pb.TraceClosing{
		Verdict: verdict, ItemsTotal: t.items, ResultsTotal: t.results, FailuresTotal: t.failed, Provenance: t.provenance(ctx),
	}}})
}

func (t *traceStream) send(m *pb.TracePatientsResponse) error {
	m.Sequence = t.sequence
	if !m.GetContinues() {
		t.sequence++
	}
	return t.stream.Send(m)
}
