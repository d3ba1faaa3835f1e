package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
)

// graceTime is after how long a booking that is not in the practice's diary was not made. It is far beyond what any
// practice takes to write an appointment down.
const graceTime = 10 * time.Minute

// repeat answers from the journal what was answered before. Nothing is sent.
func (b *booking) repeat(ctx context.Context) (*pb.BookAppointmentResponse, error) {
	b.record.SetPractice(b.practice)
	if b.claim.Failed {
		return nil, b.failedBefore()
	}
	// What was booked is about a patient, and PDS may say today what it did not say then.
	if _, err := b.patient(ctx, b.asker, b.request.GetNhsNumber(), anywhere); err != nil {
		return nil, err
	}
	answer := &pb.BookAppointmentResponse{}
	if err := proto.Unmarshal(b.claim.Answer, answer); err != nil {
		return nil, fault.New(pb.Hop_HOP_AUDIT, pb.ErrorReason_ERROR_REASON_JOURNAL_UNAVAILABLE, err)
	}
	answer.Outcome = pb.BookingOutcome_BOOKING_OUTCOME_REPEATED
	ids := traceIDs(ctx)
	answer.Provenance.TraceIds.TraceId, answer.Provenance.TraceIds.CallId = ids.GetTraceId(), ids.GetCallId()
	b.record.Count("Appointment", 1)
	return answer, nil
}

// failedBefore is the failure that the first call ended with.
func (b *booking) failedBefore() error {
	detail := &pb.ErrorDetail{}
	if err := proto.Unmarshal(b.claim.Answer, detail); err != nil {
		return fault.New(pb.Hop_HOP_AUDIT, pb.ErrorReason_ERROR_REASON_JOURNAL_UNAVAILABLE, err)
	}
	e := fault.New(detail.GetHop(), detail.GetReason(), nil)
	e.HTTPStatus, e.Issues, e.Violations = int(detail.GetHttpStatus()), detail.GetUpstreamIssues(), detail.GetViolations()
	e.Operator = "This is the answer to an earlier call with the same request_id; nothing was sent now."
	return e
}

// reconcile finds out what became of a booking whose answer was lost. It never sends it again.
func (b *booking) reconcile(ctx context.Context) (*pb.BookAppointmentResponse, error) {
	var was sent
	if err := json.Unmarshal(b.claim.Payload, &was); err != nil {
		return nil, fault.New(pb.Hop_HOP_AUDIT, pb.ErrorReason_ERROR_REASON_JOURNAL_UNAVAILABLE, err)
	}
	patient, err := b.patient(ctx, b.asker, b.request.GetNhsNumber(), anywhere)
	if err != nil {
		return nil, err
	}
	b.record.SetPractice(b.practice)
	answer, err := b.look(ctx, patient, was)
	if err != nil {
		e := fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, err)
		switch {
		case errors.Is(err, errSimilar):
			e.Operator = "The practice holds an appointment that resembles it: look there before anything else."
		case errors.Is(err, errMoved):
			e.Operator = "The practice's system is at another address than it was booked at: ask the practice before anything else."
		}
		return nil, e
	}
	if answer != nil {
		return answer, nil
	}
	if time.Since(b.claim.SentAt) < graceTime {
		e := fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, nil)
		e.RetryAfter = 30 * time.Second
		e.Operator = "The practice does not show the appointment yet."
		return nil, e
	}
	return nil, b.refused(ctx, fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_NOT_MADE, nil))
}

// look searches the patient's appointments at the practice for the one that this booking made. Nil means that nothing like
// it is there, which proves nothing while the practice may still be writing. Something that is like it and not the same is
// an error: only a human can say what it is. So is a practice at another root than it was booked at: what is not there proves
// nothing of what is here.
func (b *booking) look(ctx context.Context, t *pds.Trace, what sent) (*pb.BookAppointmentResponse, error) {
	booked, err := bookedSlots(what.Slots)
	if err != nil {
		return nil, err
	}
	root := what.Slots[0].Root
	known, err := b.find(ctx, t.Current, root)
	if err != nil {
		return nil, err
	}
	first, last := booked[0].Start.Instant, booked[len(booked)-1].End.Instant
	listed, route, err := visitAt(ctx, b, nhs.SearchPatientAppointments, root, func(to gpconnect.Target) (*gpconnect.Appointments, error) {
		return b.Practices.Appointments(ctx, to, known.ID, first, last)
	})
	if err != nil {
		return nil, err
	}
	near := len(listed.Unreadable) > 0
	for _, a := range listed.Appointments {
		if a.Status == "booked" && strings.EqualFold(a.Organisation.ODS, b.asker.ods().String()) && a.Holds(booked) &&
			a.Description == what.Description {
			a.Response = listed.Response
			return b.settle(ctx, t, route, a, pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED)
		}
		near = near || a.Near(booked)
	}
	if near {
		return nil, errSimilar
	}
	return nil, nil //nolint:nilnil // not there is an answer, and not a failure
}

var errSimilar = errors.New("the practice holds an appointment that resembles the booking, or one that cannot be read")
