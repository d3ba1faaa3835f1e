// Command spinesim runs the embedded Spine on its own: the token service, PDS, SDS, the Spine Secure Proxy and the
// GP practices behind it, for anybody who tests a GP Connect consumer in any language. Everything that it says is simulated.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // practices keep UK time, wherever this runs

	"github.com/alecthomas/kong"
)

const description = `A simulated NHS Spine, and GP practices behind it, on this machine.

It is as strict as the published contracts say that the real services are: a wrong header, claim, interaction, ASID or
certificate is refused as the Spine refuses it. Every answer carries the header Spinegate-Simulated: true, and every
person in it is invented.

  spinesim --dir ./spine          start, and write certificates, keys and a configuration to ./spine
  spinesim --data ./mine          the same, with patients, practices, records and slots of your own
  spinesim list                   who is in it, and what each is there for

To make an upstream fail, tell the control address:

  curl -d '{upstream: practice, ods: A20047, status: 503, times: 2}' http://127.0.0.1:9109/faults
  curl http://127.0.0.1:9109/transcript

To sign a clinician in with its CIS2, which answers with an ID token:

  curl -d '{user: "900000000101", roles: ["900000000102"]}' http://127.0.0.1:9109/sign-in`

type cli struct {
	Serve serve `cmd:"" default:"withargs" help:"Run until interrupted (the default)."`
	List  list  `cmd:"" help:"List the consumers, practices and patients, and what each is there for."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: 0 is fine, 1 a failure, 2 a wrong use.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("spinesim"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)), kong.Bind(logTo{stderr}))
	if err != nil {
		panic("unreachable: the command line of our own is no good: " + err.Error())
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help has said everything
		return exited
	}
	if _, ok := errors.AsType[*kong.ParseError](err); ok {
		fmt.Fprintf(stderr, "spinesim: %v\nspinesim --help tells more.\n", err)
		return 2
	}
	if err == nil {
		err = parsed.Run()
	}
	if err != nil {
		fmt.Fprintf(stderr, "spinesim: %v\n", err)
		return 1
	}
	return 0
}

// logTo is where the log goes.
type logTo struct{ io.Writer }
