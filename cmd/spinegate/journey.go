package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
)

type journeyCommand struct {
	Address string `placeholder:"HOST:PORT" help:"Walk through the sandbox that runs here, not one of our own; needs --admin, and --dir for the evidence."`
	Admin   string `default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Its admin address (${default})."`
	Dir     string `type:"path" placeholder:"DIR" help:"Its directory."`
	Server  string `type:"path" placeholder:"FILE" help:"The server to start. Default: the one beside this program."`
}

func (journeyCommand) Help() string {
	return `Starts a gateway with the Spine embedded, on free ports and in a directory of its own, walks the whole road through it as a
person would, and stops it again. Nothing is left behind, and nothing leaves this machine.

  1  trace          who is the patient nationally, and do our details agree?
  2  directory      which system answers for their practice: Endpoint, then Device
  3  capabilities   what that system says it can do
  4  record         the structured record, area by area, and whether it is whole
  5  slots          free slots of five practices: one slow, one down, one ambiguous
  6  booking        a slot, and then the same call again: nothing is sent twice
  7  refusals       restricted, somebody else's record, a mistyped number
  8  trace tree     where the time of the record went, hop by hop
  9  evidence       what the audit trail has of it

With whom to try the other commands, all invented; "bin/spinesim list" names everybody, and every practice:

  9990000018 plain                          9990000026 restricted
  9990000034 merged into 9990000042         9990000204 very restricted
  9990000085 dead, formally notified        9990000069 dead, informally notified
  9990000050 moved to Scotland              9990000077 registration ended
  9990000093 no practice                    9990000352 a placeholder for none
  9990000107 just moved, not known there    9990000212 number withdrawn
  9990000115 rich record                    9990000360 very large record
  9990000123 items withheld                 9990000131 transfer not complete
  9990000158 nothing recorded               9990000344 only a birth year known
  9990000166 dissents from sharing          9990000174 answer about somebody else
  9990000182 record names whose it is last  9990000336 record breaks off
  9990000190 practice fails to export       9990000379 unknown to PDS

  9990000220 at B84001, an older version    9990000239 at C81002, two systems
  9990000247 at D82003, not in SDS          9990000255 at E83004, switched off
  9990000263 at F84005, slow                9990000271 at G85006, down
  9990000298 at H86007, a huge diary        9990000301 at J87008, parts switched off
  9990000328 at K88009, no agreement        all others at A20047

Exits with 0 only if every step found what it should.`
}

// journey is a walk through one gateway.
type journey struct {
	p       *page
	gateway *gateway
	g       *connection
	// trail is where the evidence is; nil when that is not known.
	trail *audit.Config

	steps  int
	failed int
	// What earlier steps found for later ones.
	practice string
	record   *pb.TraceIds
	slot     *pb.Slot
}

func (c *journeyCommand) Run(ctx context.Context, t *terminal) error {
	if t.json {
		return misusedf("a journey is told to people: leave --json out")
	}
	begun := time.Now()
	j := &journey{p: t.out, gateway: &gateway{Address: c.Address, Timeout: time.Minute, sandbox: sandbox{Admin: c.Admin, Persona: "clinician"}}}
	if c.Dir != "" {
		j.trail = sandboxTrail(c.Dir)
	}
	var own *child
	if c.Address == "" {
		var err error
		if own, err = startChild(ctx, c.Server); err != nil {
			return err
		}
		j.gateway.Address, j.gateway.Admin = own.GRPC, own.Admin
		j.trail = &audit.Config{Path: own.Audit, KeyFile: own.AuditKey}
	}
	err := j.walk(ctx, t, begun)
	if own != nil {
		err = errors.Join(err, own.stop(ctx))
	}
	return err
}

// walk connects and takes every step.
func (j *journey) walk(ctx context.Context, t *terminal, begun time.Time) error {
	var err error
	if j.g, err = j.gateway.connect(ctx, t); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, 30*time.Second)
	_, err = grpc_health_v1.NewHealthClient(j.g).Check(waiting, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	cancel()
	if err != nil {
		return j.g.end(fmt.Errorf("wait for the gateway: %w", err))
	}
	j.p.paragraph(0, styled(strong, "A journey to the Spine and back"), textf("  through the gateway at %s, ready after %s", j.gateway.Address, took(time.Since(begun))))
	j.p.paragraph(0, text("The Spine is simulated inside it. Every person and practice below is invented."))
	j.all(ctx)
	j.p.heading("The end of the road")
	if ctx.Err() != nil {
		return j.g.end(fmt.Errorf("the journey was broken off: %w", ctx.Err()))
	}
	if j.failed > 0 {
		j.p.paragraph(2, styled(bad, "NOT AS IT SHOULD BE"), textf("  %d of %d steps did not find what they should, after %s.", j.failed, j.steps, took(time.Since(begun))))
		return j.g.end(errFound)
	}
	j.p.paragraph(2, styled(good, "ALL WELL"), textf("  All %d steps found what they should, in %s.", j.steps, took(time.Since(begun))))
	return j.g.end(nil)
}

// step takes one step: says what and why, does it, and says how long it took. One that does not find what it should does
// not stop the journey, so that everything that is wrong shows in one run.
func (j *journey) step(ctx context.Context, title, why string, do func(context.Context) error) {
	if ctx.Err() != nil {
		return
	}
	j.steps++
	j.p.blank()
	j.p.paragraph(0, styled(strong, fmt.Sprintf("%d  %s", j.steps, title)), text(" "+strings.Repeat("-", max(0, width-len(title)-4))))
	j.p.paragraph(3, styled(faint, why))
	j.p.blank()
	j.p.margin, j.p.brief = 3, true
	begun := time.Now()
	err := do(ctx)
	j.p.margin, j.p.brief = 0, false
	spent := took(time.Since(begun))
	j.p.blank()
	if err != nil {
		j.failed++
		j.wrong(err, spent)
		return
	}
	j.p.paragraph(3, styled(good, "as it should be"), textf(", in %s", spent))
}

// wrong says what a step found instead; of a call that failed, everything.
func (j *journey) wrong(err error, spent string) {
	said := err.Error()
	_, isCall := statusIn(err)
	f := failureOf(err)
	if isCall {
		said = f.title()
	}
	j.p.paragraph(3, styled(bad, "NOT AS IT SHOULD BE"), textf("  after %s: %s", spent, said))
	if isCall {
		f.show(j.p, 5)
	}
}

// expect is an error unless something is as it should be.
func expect(ok bool, what string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("expected "+what, args...)
}
