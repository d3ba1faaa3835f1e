package main

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // days are UK days, wherever this runs

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type slotsCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`
	window        `embed:""`

	Practices []string `arg:"" name:"ods-code" help:"The practices, 1 to 500."`
	Max       int32    `placeholder:"N" help:"At most so many slots of each practice. Default: all."`
	MaxTotal  int32    `placeholder:"N" help:"At most so many slots in all, in order of arrival. Default: all."`
	Channel   []string `placeholder:"KIND" help:"Only in-person, telephone or video; repeatable."`
	Role      []string `placeholder:"CODE" help:"Only with practitioners of this SDS role, e.g. R0260; repeatable."`
	Handles   bool     `help:"Print the handle of each slot, for \"spinegate book --slot\"."`
}

// window says which days are searched.
type window struct {
	From string `placeholder:"DATE" help:"First day, yyyy-mm-dd in UK time, or a time with offset. Default: now."`
	Days int    `default:"14" help:"How many days from there, the first included (${default})."`
	As   string `placeholder:"KIND" help:"What kind of organisation the practice is told that you are: urgent-care or gp-practice. Default: not told. A booking then says the same."`
}

// fill says what the window is in the terms of the contract. It begins no earlier than that.
func (w window) fill(r *pb.SearchSlotsRequest, earliest time.Time) error {
	if w.Days < 1 {
		return misusedf("--days is 1 or more")
	}
	uk, err := time.LoadLocation("Europe/London")
	if err != nil {
		return err
	}
	first := earliest.In(uk)
	r.Start = first.Format(time.RFC3339)
	if w.From != "" {
		from, err := w.from(uk)
		if err != nil {
			return err
		}
		if from.After(first) {
			first, r.Start = from, w.From
		}
	}
	r.End = first.AddDate(0, 0, w.Days-1).Format(time.DateOnly)
	if w.As != "" {
		number, ok := parseOption(r.GetOrganisationType().Descriptor(), w.As)
		if !ok {
			return misusedf("--as is one of %q", options(r.GetOrganisationType().Descriptor()))
		}
		r.OrganisationType = pb.OrganisationType(number)
	}
	return nil
}

// from is when the user's window begins: not before today, where it would look as if nothing were free.
func (w window) from(uk *time.Location) (time.Time, error) {
	from, err := time.ParseInLocation(time.DateOnly, w.From, uk)
	if err != nil {
		from, err = time.Parse(time.RFC3339, w.From)
	}
	now := time.Now().In(uk)
	if err != nil {
		return from, misusedf("--from is a day in UK time, such as %s, or a time with its offset, such as %s",
			now.Format(time.DateOnly), now.Format("2006-01-02T15:04:05-07:00"))
	}
	from = from.In(uk)
	if today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, uk); from.Before(today) {
		return from, misusedf("--from is in the past, where nothing can be booked; without it the search begins now")
	}
	return from, nil
}

func (slotsCommand) Help() string {
	return `Asks every practice at once and shows each slot as soon as its practice has answered; the time in front is what has
passed since the question. A practice that fails is shown with its reason, and the others go on. In the end it says how
many answered in full: WHOLE means all of them, with nothing cut short.

Times are those of the practice's diary. A slot is not held for anybody: somebody else may take it first.

  spinegate slots A20047 H86007 --days 3 --max 5
  spinegate slots A20047 --channel telephone --handles

Exits with 1 if a practice failed.`
}

// channelOptions are the channels that may be asked for.
var channelOptions = []string{"in-person", "telephone", "video"}

func (c *slotsCommand) request() (*pb.SearchSlotsRequest, error) {
	circumstances, err := c.context()
	if err != nil {
		return nil, err
	}
	r := &pb.SearchSlotsRequest{
		Context: circumstances, OdsCodes: c.Practices, MaxSlots: c.MaxTotal, MaxSlotsPerPractice: c.Max, RoleCodes: c.Role,
	}
	for _, channel := range c.Channel {
		number, ok := parseOption(pb.DeliveryChannel(0).Descriptor(), channel)
		if !ok {
			return nil, misusedf("--channel is one of %q", channelOptions)
		}
		r.Channels = append(r.Channels, pb.DeliveryChannel(number))
	}
	return r, c.fill(r, time.Now())
}

func (c *slotsCommand) Run(ctx context.Context, t *terminal) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	view := newSlotsView(t.out, c.Handles)
	progress := t.progress("waiting for the practices")
	defer progress.end()
	slots, answered, failed := 0, 0, false
	err = searchSlots(ctx, g, request, func(m, whole *pb.SearchSlotsResponse) error {
		switch whole.GetEvent().(type) {
		case *pb.SearchSlotsResponse_Slot:
			slots++
		case *pb.SearchSlotsResponse_Result, *pb.SearchSlotsResponse_Failure:
			answered++
		}
		failed = failed || whole.GetFailure() != nil
		progress.say("%d of %s, %s", answered, plural(len(c.Practices), "practice", "practices"), plural(slots, "slot", "slots"))
		if t.json {
			return t.printJSON(m)
		}
		if whole != nil {
			view.take(whole)
		}
		return t.out.failed()
	})
	return g.end(ended(err, true, failed)) // searchSlots knows whether it was closed
}

// searchSlots passes on every message, and with the last piece of an item what is whole: everything but a slot's own JSON,
// which the pieces before it may have held and nothing here shows.
func searchSlots(ctx context.Context, g *connection, r *pb.SearchSlotsRequest, take func(m, whole *pb.SearchSlotsResponse) error) error {
	stream, err := g.practices.SearchSlots(ctx, r)
	if err != nil {
		return err
	}
	closed, next := false, int32(0)
	err = each(stream, func(m *pb.SearchSlotsResponse) error {
		if m.GetSequence() != next {
			return fmt.Errorf("message %d came where %d was due", m.GetSequence(), next)
		}
		closed = m.GetClosing() != nil
		if m.GetContinues() {
			return take(m, nil)
		}
		next++
		return take(m, m)
	})
	if err == nil && !closed {
		return errNoAnswer
	}
	return err
}
