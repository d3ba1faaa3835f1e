package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type bookCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`
	window        `embed:""`
	patient       `embed:""`

	Practice    string   `required:"" placeholder:"ODS" help:"The practice whose slot it is; need not be the patient's own."`
	Slot        []string `placeholder:"HANDLE" help:"The slot, from \"spinegate slots --handles\"; repeat it for adjacent ones, in order. Default: the first that is free."`
	RequestID   string   `name:"request-id" placeholder:"UUID" help:"Ask again about the booking that was begun under this id. Default: a new one."`
	Description string   `default:"Booked by spinegate" placeholder:"TEXT" help:"What the diary shows (${default}). No clinical information."`
	Comment     string   `placeholder:"TEXT" help:"A note. No clinical information."`
	Phone       string   `placeholder:"NUMBER" help:"Telephone number of your organisation, for the practice. Default: the gateway's setting."`
	Yes         bool     `short:"y" help:"Do not ask whether to book."`
}

func (bookCommand) Help() string {
	return `Traces the patient, finds them at the practice, and books. Nobody is registered by it: a patient whom the practice does not
know is a failure of its own.

A practice has no way to recognise a booking that is sent twice, so the gateway keeps a request id for it: it sends at
most once, whatever crashes, and the same call again finds out what became of the first. When the outcome is not known
(OUTCOME_UNKNOWN), or this command is interrupted, it prints the call to repeat. Repeating means: everything the same,
also the handles. Do not book anything else before you know.

  confirmed     the practice confirmed this very request
  repeated      it had been confirmed before; nothing was sent now
  reconciled    the answer had been lost; the booking was found at the practice

  spinegate book 9990000018 --practice A20047
  spinegate book 9990000018 --practice A20047 --slot HANDLE --yes`
}

func (c *bookCommand) Run(ctx context.Context, t *terminal) error {
	circumstances, err := c.context()
	if err != nil {
		return err
	}
	number, err := c.digits()
	if err != nil {
		return err
	}
	request := &pb.BookAppointmentRequest{
		Context: circumstances, RequestId: c.RequestID, NhsNumber: number, OdsCode: c.Practice, SlotHandles: c.Slot,
		Description: c.Description, Comment: c.Comment, OrganisationPhone: c.Phone,
	}
	switch {
	case c.RequestID != "" && len(c.Slot) == 0:
		return misusedf("--request-id asks about a booking again, which needs its --slot, too")
	case !c.Yes && (t.json || !t.asks):
		return misusedf("there is nobody to ask whether to book: --yes says so")
	case c.RequestID == "":
		request.RequestId = uuid.NewString()
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	return g.end(c.book(ctx, t, g, request))
}

func (c *bookCommand) book(ctx context.Context, t *terminal, g *connection, request *pb.BookAppointmentRequest) error {
	what := plural(len(c.Slot), "slot", "slots") + " by handle"
	if len(c.Slot) == 0 {
		first, err := c.first(ctx, g)
		if err != nil {
			return err
		}
		request.SlotHandles = []string{first.GetHandle()}
		what = notes(slotWords(first), first.GetLocation().GetName())
	}
	if !t.json {
		t.out.entry(0, "book", labelWidth, textf("%s at %s for %s", what, request.GetOdsCode(), grouped(request.GetNhsNumber())))
		t.out.entry(0, "request id", labelWidth, text(request.GetRequestId()))
	}
	if !c.Yes {
		agreed, err := t.agreed(ctx, "Book it?")
		if err == nil && !agreed {
			err = errFound
		}
		if err != nil {
			t.out.linef("Nothing was booked.")
			return err
		}
	}
	answer, err := g.practices.BookAppointment(ctx, request)
	if err != nil {
		c.again(t, request, err)
		return err
	}
	if t.json {
		return t.printJSON(answer)
	}
	showBooking(t.out, answer)
	return nil
}

// first is the first slot of the practice's diary that may be chosen.
func (c *bookCommand) first(ctx context.Context, g *connection) (*pb.Slot, error) {
	circumstances, err := c.context()
	if err != nil {
		return nil, err
	}
	search := &pb.SearchSlotsRequest{Context: circumstances, OdsCodes: []string{c.Practice}, MaxSlotsPerPractice: 20}
	earliest := time.Now().Add(lead)
	if err := c.fill(search, earliest); err != nil {
		return nil, err
	}
	return firstSlot(ctx, g, search, &c.gateway, earliest)
}

// lead is how far ahead a slot must begin to be chosen here: by the time that it is booked it may otherwise have begun,
// and a practice refuses that.
const lead = 15 * time.Minute

// eligible reports whether a slot may be chosen here: it begins late enough, and is not a visit, which only the practice
// arranges.
func eligible(s *pb.Slot, earliest time.Time) bool {
	return s != nil && s.GetChannel() != pb.DeliveryChannel_DELIVERY_CHANNEL_VISIT && !s.GetStart().GetInstant().AsTime().Before(earliest)
}

// firstSlot is the earliest eligible slot of what a search of one practice brings. A failure of the practice is the call's.
func firstSlot(ctx context.Context, g *connection, search *pb.SearchSlotsRequest, limits *gateway, earliest time.Time) (*pb.Slot, error) {
	ctx, cancel := limits.bounded(ctx)
	defer cancel()
	var slots []*pb.Slot
	err := searchSlots(ctx, g, search, func(_, whole *pb.SearchSlotsResponse) error {
		if s := whole.GetSlot(); eligible(s, earliest) {
			slots = append(slots, s)
		}
		if f := whole.GetFailure(); f != nil {
			return statusOf(f.GetError())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(slots) == 0 {
		return nil, errors.New("the practice has no free slot on those days")
	}
	return slices.MinFunc(slots, func(a, b *pb.Slot) int {
		return a.GetStart().GetInstant().AsTime().Compare(b.GetStart().GetInstant().AsTime())
	}), nil
}

// statusOf makes one target's failure the status that a call of its own would have had.
func statusOf(d *pb.ErrorDetail) error {
	st := status.New(codes.Code(d.GetCode()), d.GetOperatorMessage()) //nolint:gosec // a gRPC code
	if with, err := st.WithDetails(d); err == nil {
		st = with
	}
	return st.Err()
}

// agreed asks a question that is answered by yes or no. It fails when it is interrupted before the answer.
func (t *terminal) agreed(ctx context.Context, question string) (bool, error) {
	t.out.write(question + " [y/N] ")
	answered := make(chan string, 1)
	go func() { // ends with the program, if nobody answers
		answer, _ := bufio.NewReader(t.stdin).ReadString('\n')
		answered <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answered:
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		t.out.write("\n")
		return false, ctx.Err()
	}
}

// again prints the call that finds out what became of a booking, unless it is known that it was not made.
func (c *bookCommand) again(t *terminal, r *pb.BookAppointmentRequest, err error) {
	switch f := failureOf(err); f.detail.GetRetry() {
	case pb.RetryClass_RETRY_CLASS_NEVER, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION:
		return
	case pb.RetryClass_RETRY_CLASS_UNSPECIFIED, pb.RetryClass_RETRY_CLASS_SAME_CALL, pb.RetryClass_RETRY_CLASS_SAME_REQUEST_ID:
	}
	args := []string{"spinegate", "book", r.GetNhsNumber(), "--yes", "--practice", r.GetOdsCode(), "--request-id", r.GetRequestId()}
	for _, h := range r.GetSlotHandles() {
		args = append(args, "--slot", h)
	}
	args = append(args, "--description", quoted(r.GetDescription()))
	if r.GetComment() != "" {
		args = append(args, "--comment", quoted(r.GetComment()))
	}
	if r.GetOrganisationPhone() != "" {
		args = append(args, "--phone", quoted(r.GetOrganisationPhone()))
	}
	args = append(args, t.choice.repeated(c.Address)...)
	fmt.Fprintf(t.stderr, "To find out what became of it, make the same call again; it never books twice:\n\n  %s\n\n", strings.Join(args, " "))
}

// quoted is an argument as a shell takes it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// showBooking shows an appointment as the practice stored it.
func showBooking(p *page, r *pb.BookAppointmentResponse) {
	a := r.GetAppointment()
	p.paragraph(0, styled(good, strings.ToUpper(statusText(words(a.GetStatus()), a.GetStatusCode()))), textf("  %s", outcomeWords(r.GetOutcome())))
	end := diaryTime(a.GetEnd())
	p.entry(2, "when", labelWidth, textf("%s to %s", diaryTime(a.GetStart()), end))
	channel := a.GetChannelCode()
	if a.GetChannel() != pb.DeliveryChannel_DELIVERY_CHANNEL_UNSPECIFIED {
		channel = words(a.GetChannel())
	}
	p.entry(2, "how", labelWidth, text(notes(channel, a.GetSlotType())))
	p.entry(2, "where", labelWidth, text(notes(a.GetLocation().GetName(), oneLine(a.GetLocation().GetAddress()))))
	for _, w := range a.GetPractitioners() {
		p.entry(2, "with", labelWidth, text(fullName(w.GetName())))
	}
	p.entry(2, "diary shows", labelWidth, text(a.GetDescription()))
	p.entry(2, "note", labelWidth, text(a.GetComment()))
	p.entry(2, "booked for", labelWidth, text(notes(a.GetBookingOrganisation().GetName(), a.GetBookingOrganisation().GetPhone())))
	showProvenance(p, r.GetProvenance())
}

func outcomeWords(o pb.BookingOutcome) string {
	switch o {
	case pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED:
		return "confirmed by the practice"
	case pb.BookingOutcome_BOOKING_OUTCOME_REPEATED:
		return "it had been confirmed before; nothing was sent now"
	case pb.BookingOutcome_BOOKING_OUTCOME_RECONCILED:
		return "the answer had been lost; the booking was found at the practice"
	case pb.BookingOutcome_BOOKING_OUTCOME_UNSPECIFIED:
	}
	return words(o)
}
