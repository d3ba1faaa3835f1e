package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
)

// Who is met on the way.
const (
	richPatient       = "9990000115"
	restrictedPatient = "9990000026"
	mistakenPatient   = "9990000174" // the practice answers about somebody else
	mistypedNumber    = "9990000116"

	ownPractice       = "A20047"
	ownASID           = "918000000001"
	hugePractice      = "H86007"
	slowPractice      = "F84005"
	downPractice      = "G85006"
	ambiguousPractice = "C81002"
)

// all takes every step.
func (j *journey) all(ctx context.Context) {
	j.step(ctx, "Who is the patient, and where are they registered?",
		"PDS is asked afresh, and its answer is compared with what we hold: a wrong postcode shows, and stops nothing.", j.tracePatient)
	j.step(ctx, "Which system answers for that practice?",
		"SDS is asked for the Endpoint (address, party key), then for the Device behind the party key (ASID). Never chosen among several.", j.resolveEndpoint)
	j.step(ctx, "What can that system do?",
		"Its three capability statements, through the Spine Secure Proxy. What cannot be read is unknown, never unsupported.", j.readCapabilities)
	j.step(ctx, "The record, by clinical area",
		"The whole road in one call. Nothing clinical is let through before the answer's Patient is the one asked for.", j.readRecord)
	j.step(ctx, "Free slots of five practices, as they come",
		"Each shows when its practice has answered. One is slow, one is down, one has two systems: they are told, the others go on.", j.findSlots)
	j.step(ctx, "A booking, and the same call again",
		"The request id makes it safe to ask again: the gateway sends a booking at most once, whatever happens.", j.bookTwice)
	j.step(ctx, "What is refused, and how that looks",
		"Each with its code, reason and hop, a sentence for a clinician, and what had left the gateway by then.", j.refusals)
	j.step(ctx, "Where the time of the record went",
		"One trace for a call, a span for each hop. No NHS number is in it, or in any log.", j.showTrace)
	j.step(ctx, "The evidence of that call",
		"Each entry was durable before what it speaks of happened. Any one id finds the rest.", j.showEvidence)
}

func (j *journey) tracePatient(ctx context.Context) error {
	r, err := j.g.trace.TracePatient(ctx, &pb.TracePatientRequest{
		NhsNumber: richPatient, Expected: &pb.ExpectedDemographics{Family: "Testfull", Gender: "male", PostalCode: "ZZ99 9ZZ"},
	})
	if err != nil {
		return err
	}
	showTrace(j.p, r)
	j.practice = r.GetRegistration().GetOdsCode()
	return errors.Join(
		expect(r.GetRegistration().GetStatus() == pb.RegistrationStatus_REGISTRATION_STATUS_REGISTERED && j.practice == ownPractice, "a registration with %s", ownPractice),
		expect(r.GetComparison().GetFamily() == pb.Comparison_COMPARISON_MATCH, "the family name to match"),
		expect(r.GetComparison().GetPostalCode() == pb.Comparison_COMPARISON_MISMATCH, "the postcode to differ"),
		expect(r.GetProvenance().GetSimulated(), "an answer that says that it is simulated"),
	)
}

func (j *journey) resolveEndpoint(ctx context.Context) error {
	r, err := j.g.directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
		OdsCode:     j.practice,
		Interaction: &pb.Interaction{Name: &pb.Interaction_Known{Known: pb.KnownInteraction_KNOWN_INTERACTION_GET_STRUCTURED_RECORD}},
	})
	if err != nil {
		return err
	}
	showEndpoint(j.p, r)
	e := r.GetEndpoint()
	return errors.Join(
		expect(e.GetAsid() == ownASID, "ASID %s", ownASID),
		expect(strings.HasPrefix(e.GetPartyKey(), ownPractice+"-"), "a party key of %s", ownPractice),
		expect(strings.HasPrefix(e.GetAddress(), "https://"), "an address"),
	)
}

func (j *journey) readCapabilities(ctx context.Context) error {
	r, err := j.g.practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{OdsCode: j.practice})
	if err != nil {
		return err
	}
	for _, root := range r.GetRoots() {
		showRoot(j.p, root)
	}
	declared := 0
	for _, root := range r.GetRoots() {
		if root.GetSupport() == pb.Support_SUPPORT_DECLARED {
			declared++
		}
	}
	return expect(declared == 3, "three statements")
}

func (j *journey) readRecord(ctx context.Context) error {
	ctx, cancel := j.gateway.bounded(ctx)
	defer cancel()
	stream, err := j.g.practices.GetStructuredRecord(ctx, &pb.GetStructuredRecordRequest{NhsNumber: richPatient})
	if err != nil {
		return err
	}
	check, view := newRecordCheck(), newRecordView(j.p, 3)
	entries := 0
	err = each(stream, func(m *pb.GetStructuredRecordResponse) error {
		whole, err := check.take(m)
		if err == nil && whole != nil {
			if whole.GetEntry() != nil {
				entries++
			}
			view.take(whole)
		}
		return err
	})
	if err == nil {
		err = check.end()
	}
	if err != nil {
		return err
	}
	view.digests(check)
	j.record = check.closing.GetProvenance().GetTraceIds()
	return errors.Join(
		expect(check.closing.GetVerdict() != pb.Verdict_VERDICT_PARTIAL, "nothing to be missing"),
		areasComplete(check.closing),
		expect(entries+1 == int(check.closing.GetEntriesTotal()), "every entry exactly once, %d of %d came", entries+1, check.closing.GetEntriesTotal()),
	)
}

// areasComplete expects every area that was asked for, and nothing less than all of it.
func areasComplete(c *pb.RecordClosing) error {
	complete := 0
	for _, a := range c.GetAreas() {
		switch a.GetStatus() {
		case pb.AreaStatus_AREA_STATUS_COMPLETE:
			complete++
		case pb.AreaStatus_AREA_STATUS_NOT_REQUESTED:
		default:
			return fmt.Errorf("expected all of %s, which is %s", words(a.GetArea()), words(a.GetStatus()))
		}
	}
	return expect(complete == 9, "nine areas, not %d", complete)
}

func (j *journey) findSlots(ctx context.Context) error {
	ctx, cancel := j.gateway.bounded(ctx)
	defer cancel()
	search := &pb.SearchSlotsRequest{OdsCodes: []string{ownPractice, hugePractice, slowPractice, downPractice, ambiguousPractice}}
	earliest := time.Now().Add(lead) // so that it can still be booked, whatever the time is by then
	if err := (window{Days: 4}).fill(search, earliest); err != nil {
		return err
	}
	view := newSlotsView(j.p, false)
	view.shown = 3
	reasons, answered, last := map[string]pb.ErrorReason{}, []string{}, ""
	err := searchSlots(ctx, j.g, search, func(_, whole *pb.SearchSlotsResponse) error {
		if whole == nil {
			return nil
		}
		view.take(whole)
		if s := whole.GetSlot(); s.GetOdsCode() == ownPractice && j.slot == nil && eligible(s, earliest) {
			j.slot = s
		}
		if f := whole.GetFailure(); f != nil {
			reasons[f.GetOdsCode()] = f.GetError().GetReason()
		}
		if r := whole.GetResult(); r != nil {
			answered, last = append(answered, r.GetOdsCode()), r.GetOdsCode()
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(answered)
	return errors.Join(
		expect(slices.Equal(answered, []string{ownPractice, slowPractice, hugePractice}), "answers of three practices, not of %v", answered),
		expect(last == slowPractice, "the slow practice last, not %s", last),
		expect(reasons[downPractice] == pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE, "PRACTICE_UNREACHABLE of %s", downPractice),
		expect(reasons[ambiguousPractice] == pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, "ENDPOINT_AMBIGUOUS of %s", ambiguousPractice),
		expect(j.slot != nil, "a slot to book"),
	)
}

func (j *journey) bookTwice(ctx context.Context) error {
	if j.slot == nil {
		return errors.New("there is no slot to book")
	}
	request := &pb.BookAppointmentRequest{
		RequestId: uuid.NewString(), NhsNumber: richPatient, OdsCode: ownPractice, SlotHandles: []string{j.slot.GetHandle()},
		Description: "Booked on a journey",
	}
	begun := time.Now()
	first, err := j.g.practices.BookAppointment(ctx, request)
	if err != nil {
		return err
	}
	j.p.paragraph(2, textf("request id %s, %s", request.GetRequestId(), took(time.Since(begun))))
	showBooking(j.p, first)
	begun = time.Now()
	second, err := j.g.practices.BookAppointment(ctx, request)
	if err != nil {
		return err
	}
	j.p.blank()
	j.p.paragraph(2, textf("the same call again, %s", took(time.Since(begun))))
	j.p.paragraph(0, styled(good, strings.ToUpper(words(second.GetAppointment().GetStatus()))), textf("  %s", outcomeWords(second.GetOutcome())))
	return errors.Join(
		expect(first.GetOutcome() == pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED, "a confirmed booking"),
		expect(second.GetOutcome() == pb.BookingOutcome_BOOKING_OUTCOME_REPEATED, "a repeated answer"),
		expect(first.GetAppointment().GetStart().GetLocal() == second.GetAppointment().GetStart().GetLocal(), "the same appointment"),
		j.sent(ctx, first.GetProvenance().GetTraceIds(), true), j.sent(ctx, second.GetProvenance().GetTraceIds(), false),
	)
}

// sent checks in the trail whether a call sent a booking.
func (j *journey) sent(ctx context.Context, ids *pb.TraceIds, want bool) error {
	entries, err := j.evidence(ctx, ids)
	if err != nil || entries == nil {
		return err
	}
	got := slices.ContainsFunc(entries, func(e audit.Entry) bool {
		return e.Access != nil && e.Access.Method == "POST" && strings.Contains(e.Access.Interaction.String(), "create:appointment")
	})
	return expect(got == want, "evidence that a booking was sent: %t, not %t", want, got)
}

// evidence is what the trail has of a call; nothing where it is not known where the trail is.
func (j *journey) evidence(ctx context.Context, ids *pb.TraceIds) ([]audit.Entry, error) {
	if j.trail == nil {
		return nil, nil
	}
	if ids.GetCallId() == "" {
		return nil, errors.New("the answer has no id to find it by")
	}
	entries, err := readTrail(ctx, *j.trail, audit.Query{ID: ids.GetCallId()})
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("the trail has nothing of call %s", ids.GetCallId())
	}
	return entries, err
}
