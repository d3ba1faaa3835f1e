// Command server is the gateway: `serve` in front of the NHS Spine, `sandbox` with a whole simulated Spine inside.
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

const description = `spinegate: one gRPC service between your systems and the NHS Spine.

  server sandbox                  try it: everything embedded, nothing to configure
  server serve --config FILE      run it, in front of the Spine
  server config check FILE        what is wrong with a configuration
  server config manual            what can be configured`

type cli struct {
	Serve   serve     `cmd:"" help:"Run the gateway in front of the Spine that the configuration names."`
	Sandbox inSandbox `cmd:"" help:"Run the gateway with the whole Spine embedded. Everybody in it is invented."`
	Config  settings  `cmd:"" help:"Check, print or explain a configuration."`
	Version version   `cmd:"" help:"Say which version this is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: 0 is fine, 1 a problem that was found, 2 a wrong use.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("server"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)), kong.Bind(logTo{stderr}))
	if err != nil {
		panic("unreachable: the command line of our own is no good: " + err.Error())
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help has said everything
		return exited
	}
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		fmt.Fprintf(stderr, "server: %v\nserver --help tells more.\n", wrong)
		return 2
	}
	if err == nil {
		err = parsed.Run()
	}
	if err != nil {
		fmt.Fprintf(stderr, "server: %v\n", err)
		return 1
	}
	return 0
}

// logTo is where the log goes.
type logTo struct{ io.Writer }
