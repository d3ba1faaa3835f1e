package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/journal"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/session"
	"github.com/spinegate/spinegate/internal/spine"
)

// How long a write is carried on, whatever becomes of its caller. Each step has its own time, so that a slow one does not take
// that of those which follow.
const (
	// sendTime is long enough to send twice, with a look-up between.
	sendTime = time.Minute
	// lookTime is long enough for one look at what the practice did.
	lookTime = 40 * time.Second
	// keepTime is long enough for the journal to write something down.
	keepTime = 10 * time.Second
)

// unstoppable is a context with a time of its own: neither the end of its parent nor that of the steps before ends it.
func unstoppable(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), within)
}

// keep takes a step of the journal, in a time of its own.
func keep(ctx context.Context, step func(context.Context) error) error {
	keeping, done := unstoppable(ctx, keepTime)
	defer done()
	return step(keeping)
}

// BookAppointment books once, however often it is called with one request_id.
func (s *GPConnect) BookAppointment(ctx context.Context, req *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
	a, err := s.asker(ctx, req.GetContext())
	if err != nil {
		return nil, err
	}
	ods, err := practice(req.GetOdsCode())
	if err != nil {
		return nil, err
	}
	request, err := uuid.Parse(req.GetRequestId())
	if err != nil {
		return nil, fault.Invalid("request_id", "string.uuid", "must be a UUID")
	}
	digest, err := digestOf(req)
	if err != nil {
		return nil, err
	}
	claim, err := s.Journal.Claim(ctx, journal.Key{Organisation: a.ods(), Request: request}, digest, pb.GPConnect_BookAppointment_FullMethodName)
	if err != nil {
		return nil, journalFailed(err)
	}
	defer claim.Release()
	b := &booking{core: s.core, asker: a, request: req, practice: ods, claim: claim, record: audit.FromContext(ctx)}
	b.stopped = claim.Standing == journal.Unsent && !claim.SentAt.IsZero()
	switch claim.Standing {
	case journal.Settled:
		return b.repeat(ctx)
	case journal.Unsettled:
		return b.reconcile(ctx)
	case journal.Fresh, journal.Unsent:
	}
	return b.make(ctx)
}

// digestOf is over everything that makes a booking what it is: not over the circumstances in which it is asked for.
func digestOf(req *pb.BookAppointmentRequest) ([sha256.Size]byte, error) {
	what := proto.CloneOf(req)
	what.Context = nil
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(what)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("digest of the request: %w", err)
	}
	return sha256.Sum256(text), nil
}

// maxAppointmentJSON is how much of a stored appointment is passed on: far beyond any real one, and well within a message.
const maxAppointmentJSON = 512 << 10

// booking is one write on its way.
type booking struct {
	*core

	asker    asker
	request  *pb.BookAppointmentRequest
	practice nhs.ODSCode
	claim    *journal.Claim
	record   *audit.Record
	// stopped says that it was sent before, in this call or an earlier one, and that the proxy said that it stopped it.
	stopped bool
}

// sent is what the journal keeps so that what became of a booking can be found out, by whoever asks next.
type sent struct {
	Slots       []slotHandle `json:"s"`
	Description string       `json:"d"`
}

// make sends a booking that was never sent, or that the proxy stopped each time.
func (b *booking) make(ctx context.Context) (*pb.BookAppointmentResponse, error) {
	slots, err := b.open()
	if err != nil {
		return nil, err
	}
	patient, err := b.patient(ctx, b.asker, b.request.GetNhsNumber(), anywhere)
	if err != nil {
		return nil, err
	}
	b.record.SetPractice(b.practice)
	root := slots[0].Root
	route, err := b.routeAt(ctx, nhs.CreateAppointment, root)
	if err != nil {
		return nil, err
	}
	known, err := b.find(ctx, patient.Current, root)
	if err != nil {
		return nil, err
	}
	order, err := b.order(slots, known.ID)
	if err != nil {
		return nil, err
	}
	what := sent{slots, b.request.GetDescription()}
	payload, err := json.Marshal(what)
	if err != nil {
		return nil, fmt.Errorf("describe the booking: %w", err)
	}
	to, err := b.target(ctx, b.asker, route)
	if err != nil {
		return nil, err
	}
	// From here on the caller can no longer stop it: what may have left is settled and recorded.
	sending, done := unstoppable(ctx, sendTime)
	defer done()
	if err := b.claim.MarkSent(sending, payload); err != nil {
		return nil, journalFailed(err)
	}
	appointment, route, err := b.send(sending, to, route, order)
	switch {
	case err == nil:
		return b.settle(ctx, patient, route, appointment, pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED)
	case spine.NeverSent(err) && !b.stopped:
		// Not a byte left. It may be sent again.
		return nil, errors.Join(err, keep(ctx, b.claim.MarkUnsent))
	case spine.NeverSent(err), errors.Is(err, errStopped), gpconnect.Settled(err) && again(err):
		// The proxy said that it did not pass it on. It may be sent again.
		return nil, errors.Join(err, keep(ctx, b.claim.MarkStopped))
	case gpconnect.Settled(err) && !b.stopped:
		return nil, b.refused(ctx, err)
	}
	// What is refused may be in the way of itself: that the proxy stopped an earlier sending is the word of an answer that a
	// practice can imitate. Nothing but the practice's diary tells.
	return b.lost(ctx, patient, what, err)
}

// errStopped says of a booking that by the proxy's own word it was not passed on, whatever else went wrong.
var errStopped = errors.New("the proxy said that it did not pass the booking on")

// send sends the booking, and once more if the proxy said, in its own coding system, that it did not pass on the first because
// the route is not right any more. The slots are of one service root, so that it goes to the same root or nowhere. While the
// journal says SENT, a crash is reconciled.
func (b *booking) send(ctx context.Context, to gpconnect.Target, route sds.Route, order *gpconnect.Booking) (*gpconnect.Appointment, sds.Route, error) {
	appointment, err := b.Practices.Book(ctx, to, order)
	b.heed(ctx, b.asker, err)
	if !stale(err) {
		return appointment, route, err
	}
	if !gpconnect.Settled(err) {
		session.FromContext(ctx).Drop(route.ODS) // it may have arrived: whoever looks for it asks the directory again
		return nil, route, err
	}
	now, lookUp := b.freshRoute(ctx, b.asker, route)
	switch {
	case lookUp != nil:
		return nil, route, errors.Join(lookUp, errStopped)
	case sameSystem(now, route):
		return nil, route, err
	case now.Address != route.Address:
		return nil, now, errors.Join(errMoved, errStopped)
	}
	b.record.Diagnose(fault.Of(err).UpstreamText)
	to.Destination = destination(now)
	b.stopped = true
	appointment, err = b.Practices.Book(ctx, to, order)
	if stale(err) {
		session.FromContext(ctx).Drop(now.ODS)
	}
	return appointment, now, err
}

// again reports that the same call may succeed later, so that its answer must not be kept.
func again(err error) bool {
	same, _ := fault.Retryable(err)
	return same
}

// open reads the handles, which must be of this caller and practice, of one root and session, and in order.
func (b *booking) open() ([]slotHandle, error) {
	slots := make([]slotHandle, len(b.request.GetSlotHandles()))
	for i, text := range b.request.GetSlotHandles() {
		if err := b.Handles.Open(handle.Slot, b.binding(b.asker, b.practice), text, &slots[i]); err != nil {
			return nil, err
		}
		if slots[i].Root != slots[0].Root {
			return nil, errMoved
		}
		if slots[i].Session != slots[0].Session || slots[i].Type != slots[0].Type {
			return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT, nil)
		}
	}
	return slots, nil
}

// order is the booking as the practice is asked for it.
func (b *booking) order(slots []slotHandle, patientID string) (*gpconnect.Booking, error) {
	booked, err := bookedSlots(slots)
	if err != nil {
		return nil, err
	}
	phone := b.request.GetOrganisationPhone()
	if phone == "" {
		phone = b.asker.Phone
	}
	if phone == "" {
		return nil, fault.Invalid("organisation_phone", "booking.organisation", "must be given, since none is configured for the organisation")
	}
	return &gpconnect.Booking{
		PatientID: patientID, Slots: booked, LocationID: slots[0].Location, PractitionerIDs: slots[0].Practitioners,
		Description: b.request.GetDescription(), Comment: b.request.GetComment(),
		Organisation: gpconnect.BookingOrganisation{
			ODS: b.asker.ods().String(), Name: b.asker.Caller.Organisation.Name, Phone: phone, Type: slots[0].Type,
		},
	}, nil
}

func bookedSlots(slots []slotHandle) ([]gpconnect.BookedSlot, error) {
	var out []gpconnect.BookedSlot
	for _, s := range slots {
		start, err := time.Parse(time.RFC3339, s.Start)
		if err != nil {
			return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, err)
		}
		end, err := time.Parse(time.RFC3339, s.End)
		if err != nil {
			return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, err)
		}
		out = append(out, gpconnect.BookedSlot{
			ID: s.ID, Start: gpconnect.Moment{Instant: start.UTC(), Local: s.Start}, End: gpconnect.Moment{Instant: end.UTC(), Local: s.End},
		})
	}
	return out, nil
}

// settle makes the answer durable before anybody is told.
func (b *booking) settle(ctx context.Context, t *pds.Trace, route sds.Route, a *gpconnect.Appointment, how pb.BookingOutcome) (*pb.BookAppointmentResponse, error) {
	appointment, err := b.appointment(b.binding(b.asker, b.practice), t.Current.Digits(), a, route)
	if err != nil {
		return nil, errors.Join(unknown(err), keep(ctx, b.claim.MarkUnknown))
	}
	if len(appointment.GetJson()) > maxAppointmentJSON {
		// What was booked must be told, whatever a practice adds to it.
		appointment.Json = nil
	}
	answer := &pb.BookAppointmentResponse{
		Provenance: routed(traced(b.provenance(ctx), t), route), Appointment: appointment, Outcome: how,
	}
	if a.Response != nil {
		answered(answer.GetProvenance(), a.Response.RetrievedAt, a.Response.SSPTraceID, a.Response.Simulated)
	}
	text, err := proto.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("keep the answer: %w", err)
	}
	if err := keep(ctx, func(ctx context.Context) error { return b.claim.Settle(ctx, text, false) }); err != nil {
		// It is booked, and not on record: whoever asks again finds it by reconciling.
		return nil, unknown(err)
	}
	b.record.Count("Appointment", 1)
	return answer, nil
}

// refused keeps a refusal, so that asking again gets the same answer and nothing is sent.
func (b *booking) refused(ctx context.Context, err error) error {
	text, marshalErr := proto.Marshal(fault.Detail(err, nil))
	if marshalErr != nil {
		return fmt.Errorf("keep the refusal: %w", marshalErr)
	}
	if settleErr := keep(ctx, func(ctx context.Context) error { return b.claim.Settle(ctx, text, true) }); settleErr != nil {
		return unknown(settleErr)
	}
	return err
}

// lost is a booking that may have been made: one look at the practice's diary, then the caller is told that nobody knows.
func (b *booking) lost(ctx context.Context, t *pds.Trace, what sent, cause error) (*pb.BookAppointmentResponse, error) {
	b.record.Diagnose(fault.Of(cause).UpstreamText)
	if err := keep(ctx, b.claim.MarkUnknown); err != nil {
		return nil, unknown(err)
	}
	looking, done := unstoppable(ctx, lookTime)
	defer done()
	answer, err := b.look(looking, t, what)
	if err != nil || answer == nil {
		return nil, unknown(errors.Join(cause, err))
	}
	return answer, nil
}

func unknown(cause error) error {
	e := fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, cause)
	if was := fault.Of(cause); was != nil {
		e.HTTPStatus, e.Issues, e.UpstreamText = was.HTTPStatus, was.Issues, was.UpstreamText
	}
	return e
}

func journalFailed(err error) error {
	reason := pb.ErrorReason_ERROR_REASON_JOURNAL_UNAVAILABLE
	switch {
	case errors.Is(err, journal.ErrReused):
		return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fault.New(pb.Hop_HOP_AUDIT, reason, err)
}
