// Command spinegate is the command line for people: it calls a gateway as any client would, and says what came back in
// words that a clinician's developer can read. It promises what a careful client should: an answer that is not whole is
// never shown as if it were, nothing that a practice wrote can steer the terminal, and no NHS Number goes into a log.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `One gateway between your system and the NHS Spine, from the command line.

  spinegate journey                     the whole road, with a gateway of its own
  spinegate trace 9990000018            who is it, and where are they registered?
  spinegate search --family TESTWELL --born-from 1990-01-01 --born-until 1995-12-31
  spinegate record 9990000115           their record, from that practice
  spinegate slots A20047 --days 3       free slots there
  spinegate book 9990000018 --practice A20047
  spinegate doctor                      what is in the way?

Start a gateway with the Spine embedded by "server sandbox"; the commands find it, and get themselves a token there. For
a real gateway give --address, --tls (or --ca) and SPINEGATE_TOKEN; or give each gateway a name once ("spinegate targets
--help"), and --target NAME. With --json every message comes as one line of JSON. docs/cli.md has it all on one page.

Exit status: 0 fine, 1 a call failed or a problem was found, 2 used wrongly, 130 interrupted. An NHS Number may have spaces or hyphens.`

type cli struct {
	targeting `embed:""`

	JSON    bool `name:"json" help:"Print messages as JSON, one a line, and failures as a google.rpc.Status on standard error."`
	Verbose bool `short:"v" help:"Log each call: method, code, time. Never what it was about."`

	choice *choice

	Journey      journeyCommand      `cmd:"" help:"Walk the whole road: trace, directory, record, slots, booking, trace tree, evidence."`
	Trace        traceCommand        `cmd:"" help:"Who is this patient, and where are they registered? Asks PDS."`
	TraceMany    traceManyCommand    `cmd:"" help:"Trace everybody in a list, as the answers come. Asks PDS."`
	Related      relatedCommand      `cmd:"" help:"Who is related to this patient: next of kin, carers, guardians. Asks PDS."`
	Search       searchCommand       `cmd:"" help:"Find people by demographics. Asks PDS."`
	Resolve      resolveCommand      `cmd:"" help:"Which system answers for a practice? Asks SDS: Endpoint, then Device."`
	Capabilities capabilitiesCommand `cmd:"" help:"What can a practice's system do?"`
	Record       recordCommand       `cmd:"" help:"A patient's structured record, by clinical area, and whether it is whole."`
	Slots        slotsCommand        `cmd:"" help:"Free slots of one or many practices, as they come."`
	Book         bookCommand         `cmd:"" help:"Book a slot, at most once whatever happens."`
	Audit        auditCommand        `cmd:"" help:"The evidence: who asked about whom, what was sent, what was released."`
	Doctor       doctorCommand       `cmd:"" help:"What would keep a gateway, or calls to one, from working?"`
	LintJWT      lintJWTCommand      `cmd:"" name:"lint-jwt" help:"Hold a GP Connect audit token against the rules that practices enforce."`
	Targets      targetsCommand      `cmd:"" help:"List the gateways that have a name, and say which is called."`
	Token        tokenCommand        `cmd:"" help:"Get a token of a sandbox."`
	Completion   completionCommand   `cmd:"" help:"Print a script that completes this command line in bash, zsh or fish."`
	Version      versionCommand      `cmd:"" help:"Say which version this is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit statuses.
const (
	fine        = 0
	problem     = 1
	misused     = 2
	interrupted = 130 // as a shell says it
)

// newParser makes the command line from what describes it.
func newParser(c *cli, more ...kong.Option) *kong.Kong {
	parser, err := kong.New(c, append(more, kong.Name("spinegate"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: width}), kong.ValueFormatter(helpValue),
		kong.ExplicitGroups([]kong.Group{
			{Key: "gateway", Title: "The gateway:"},
			{Key: "circumstances", Title: "The circumstances of the call, kept in the audit trail:"},
		}))...)
	if err != nil {
		panic("unreachable: the command line of our own is no good: " + err.Error())
	}
	return parser
}

// run is the program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser := newParser(&c, kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help has said everything
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "spinegate: %s\n%s --help tells more.\n", clean(err.Error()), about(err))
		return misused
	}
	t := newTerminal(stdin, stdout, stderr)
	t.json, t.verbose, t.choice = c.JSON, c.Verbose, c.choice
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(t, parser.Model, &c)
	if _, wrong := errors.AsType[misuse](err); err != nil && !wrong && ctx.Err() != nil {
		return t.interrupted(err)
	}
	return t.finish(err)
}

// about is the command that a wrong use was of, as far as it got.
func about(err error) string {
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context != nil && wrong.Context.Selected() != nil {
		return "spinegate " + wrong.Context.Selected().Name
	}
	return "spinegate"
}

// misuse is a wrong use that shows only when the command runs.
type misuse struct{ error }

func misusedf(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// errFound says that a problem was found and has been shown.
var errFound = errors.New("a problem was found")

// interrupted says that the user ended the program, and not what that did to the call.
func (t *terminal) interrupted(err error) int {
	if _, isCall := statusIn(err); t.json && isCall {
		t.explain(err)
	} else {
		fmt.Fprintln(t.stderr, "Interrupted.")
	}
	return interrupted
}

// finish shows what is still to be said of err and is the exit status.
func (t *terminal) finish(err error) int {
	var wrong misuse
	switch {
	case err == nil && t.out.failed() == nil:
		return fine
	case err == nil:
		fmt.Fprintf(t.stderr, "spinegate: write: %v\n", t.out.failed())
	case errors.As(err, &wrong):
		fmt.Fprintf(t.stderr, "spinegate: %s\n", clean(err.Error()))
		return misused
	case errors.Is(err, errFound):
	default:
		t.explain(err)
	}
	return problem
}

type versionCommand struct{}

func (versionCommand) Help() string {
	return "The version of the module that this program was built from, and the commit where it was built from a checkout."
}
