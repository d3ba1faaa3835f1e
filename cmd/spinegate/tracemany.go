package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type traceManyCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`

	File        string `arg:"" name:"file" help:"A file with one NHS Number a line; - is standard input."`
	Concurrency int32  `placeholder:"N" help:"Trace so many at once, up to 64. Default: 8."`
}

func (traceManyCommand) Help() string {
	return `Traces many people on one stream. Each answer comes as soon as it is there, with the number of its line in the file; empty
lines are left out. A line that is no NHS Number fails by itself, and the others go on. The pace is the gateway's share of what PDS
allows, after everybody who waits at a screen: --timeout ends it, and 0 waits for as long as it takes.

In the end it says whether every line got its result: WHOLE, or NOT WHOLE.

  spinegate trace-many numbers.txt
  cut -d, -f3 list.csv | spinegate trace-many - --timeout 0
  spinegate --json trace-many numbers.txt | jq -r '.result.itemId // empty'

Exits with 1 if a line failed.`
}

func (c *traceManyCommand) Run(ctx context.Context, t *terminal) error {
	circumstances, err := c.context()
	if err != nil {
		return err
	}
	lines, total := t.stdin, 0
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return misusedf("%w", err)
		}
		defer file.Close()
		if total, err = countLines(file); err != nil {
			return misusedf("%w", err)
		}
		lines = file
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return g.end(c.trace(ctx, t, g, circumstances, lines, total))
}

// trace sends the lines and shows what comes of them, at the same time: the gateway reads one when it has room for it.
func (c *traceManyCommand) trace(ctx context.Context, t *terminal, g *connection, circumstances *pb.CallContext, lines io.Reader, total int) error {
	stream, err := g.trace.TracePatients(ctx)
	if err != nil {
		return err
	}
	start := &pb.TracePatientsRequest{
		Context: circumstances, Event: &pb.TracePatientsRequest_Start{Start: &pb.TraceStart{Concurrency: c.Concurrency}},
	}
	sent := make(chan error, 1)
	go func() { sent <- sendLines(stream.Send, start, lines, stream.CloseSend) }()
	seen := &tracedSoFar{total: total}
	if !isTerminal(lines) { // nobody types where it would stand
		seen.progress = t.progress("waiting for PDS")
		defer seen.progress.end()
	}
	closed := false
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && !closed:
			return errNoAnswer
		case errors.Is(err, io.EOF):
			return ended(<-sent, true, seen.failed > 0)
		case err != nil:
			return err
		}
		closed = closed || m.GetClosing() != nil
		seen.count(m)
		if t.json {
			err = t.printJSON(m)
		} else {
			showTraced(t.out, m)
			err = t.out.failed()
		}
		if err != nil {
			return err
		}
	}
}

// countLines counts the lines of a file that have something in them, and goes back to its beginning. What cannot go back, such
// as a pipe, has no number.
func countLines(file *os.File) (int, error) {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, err
	}
	n := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if stripped([]string{scanner.Text()}) != "" {
			n++
		}
	}
	_, err := file.Seek(0, io.SeekStart)
	return n, err
}

// tracedSoFar shows how many lines have become something.
type tracedSoFar struct {
	progress            *progress
	total, done, failed int
}

func (s *tracedSoFar) count(m *pb.TracePatientsResponse) {
	switch m.GetEvent().(type) {
	case *pb.TracePatientsResponse_Result:
		if m.GetContinues() {
			return
		}
	case *pb.TracePatientsResponse_Failure:
		s.failed++
	default:
		return
	}
	s.done++
	of := ""
	if s.total > 0 {
		of = fmt.Sprintf(" of %d", s.total)
	}
	s.progress.say("%d%s traced, %s", s.done, of, plural(s.failed, "failed", "failed"))
}

// sendLines sends one item for each line. A stream that has ended tells why where it is received from.
func sendLines(send func(*pb.TracePatientsRequest) error, start *pb.TracePatientsRequest, lines io.Reader, done func() error) error {
	if err := send(start); err != nil {
		return nil //nolint:nilerr // told by Recv
	}
	scanner := bufio.NewScanner(lines)
	for n := 1; scanner.Scan(); n++ {
		number := stripped([]string{scanner.Text()})
		if number == "" {
			continue
		}
		item := &pb.TraceItem{ItemId: fmt.Sprintf("line-%d", n), NhsNumber: number}
		if err := send(&pb.TracePatientsRequest{Event: &pb.TracePatientsRequest_Item{Item: item}}); err != nil {
			return nil //nolint:nilerr // told by Recv
		}
	}
	return errors.Join(scanner.Err(), done())
}

// showTraced shows one message: a line for each person, in words that stand out where somebody has to look.
func showTraced(p *page, m *pb.TracePatientsResponse) {
	const itemWidth = 10
	switch e := m.GetEvent().(type) {
	case *pb.TracePatientsResponse_Result:
		if m.GetContinues() {
			return // the record as PDS sent it, in pieces
		}
		r := e.Result.GetTrace()
		said := []cell{text(pad(clean(e.Result.GetItemId()), itemWidth) + "  " + notes(grouped(r.GetPatient().GetNhsNumber()), fullName(r.GetPatient().GetName())))}
		if from := r.GetSupersededFrom(); from != "" {
			said = append(said, styled(bad, "  REPLACED "+grouped(from)))
		}
		if r.GetRestriction() != pb.Restriction_RESTRICTION_UNRESTRICTED {
			said = append(said, text("  "), restrictionWords(r.GetRestriction()))
		}
		if r.GetDeath() != pb.DeathStatus_DEATH_STATUS_NONE_RECORDED {
			said = append(said, text("  "), deathWords(r.GetDeath(), r.GetDeathDate()))
		}
		p.paragraph(2, append(said, text("  "), registrationWords(r.GetRegistration()))...)
	case *pb.TracePatientsResponse_Failure:
		p.paragraph(2, text(pad(clean(e.Failure.GetItemId()), itemWidth)+"  "), styled(bad, "FAILED"), textf("  %s", failureIn(e.Failure.GetError()).title()))
	case *pb.TracePatientsResponse_Warning:
		p.paragraph(2, styled(notice, "WARNING"), textf("  %s: %s", words(e.Warning.GetKind()), e.Warning.GetMessage()))
	case *pb.TracePatientsResponse_Closing:
		showTracesClosing(p, e.Closing)
	}
}

func showTracesClosing(p *page, c *pb.TraceClosing) {
	counts := plural(int(c.GetItemsTotal()), "line was read", "lines were read") + "; " + plural(int(c.GetResultsTotal()), "result", "results")
	if n := int(c.GetFailuresTotal()); n > 0 {
		counts += ", " + plural(n, "failed", "failed")
	}
	p.blank()
	if c.GetVerdict() == pb.Verdict_VERDICT_WHOLE {
		p.paragraph(0, styled(good, "WHOLE"), textf("  %s.", counts))
	} else {
		p.paragraph(0, styled(bad, "NOT WHOLE"), textf("  (%s) %s. What was not read has to be sent again.", words(c.GetVerdict()), strings.TrimSpace(counts)))
	}
	showProvenance(p, c.GetProvenance())
}
