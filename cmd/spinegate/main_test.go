package main

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// update rewrites what is expected to what is.
var update = flag.Bool("update", false, "rewrite golden files and scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spinegate": main})
}

// TestScripts runs this program, as its users do, against the real server with the Spine embedded.
func TestScripts(t *testing.T) {
	gateway := sandboxOf(t)
	t.Run("scripts", func(t *testing.T) { // ends when all of them have, before the gateway does
		testscript.Run(t, testscript.Params{
			Dir:           "testdata/script",
			UpdateScripts: *update,
			Setup: func(e *testscript.Env) error {
				e.Setenv("SERVER", gateway.server)
				e.Setenv("SPINEGATE_ADDRESS", gateway.GRPC)
				e.Setenv("SPINEGATE_ADMIN", gateway.Admin)
				e.Setenv("SPINEGATE_DIR", gateway.dir)
				e.Setenv("HANDLE", "")
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"answer":    answer,
				"capture":   capture,
				"certify":   certify,
				"configure": configure,
				"empty":     empty,
				"failures":  failures,
				"narrow":    narrow,
				"spine":     startSpine,
				"tidy":      tidy,
				"told":      toldOf,
				"waitfor":   waitfor,
			},
		})
	})
}

// tested is a sandbox that a test has for itself, the program that it is, and the one that calls it.
type tested struct {
	*child

	server, program string
}

// sandboxOf builds the server and runs it as a sandbox until the test ends.
func sandboxOf(t *testing.T) tested {
	t.Helper()
	server := filepath.Join(t.TempDir(), "server")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", server, "../server").CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	program, err := exec.LookPath("spinegate") // where TestMain put it
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context()) // it is stopped in good order, when that one has ended
	gateway, err := startChild(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gateway.stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return tested{gateway, server, program}
}

// volatile is what differs from one run to the next, and what it becomes.
var volatile = []struct {
	found *regexp.Regexp
	with  string
}{
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UUID"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "SHA256"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "TRACE"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]{5})`), "DATETIME"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}Z`), "MOMENT"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b`), "DATE"},
	{regexp.MustCompile(`\b[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z`), "TIME"},
	{regexp.MustCompile(`\b[A-Z][a-z]{2} [0-9]{2} [A-Z][a-z]{2} [0-9]{2}:[0-9]{2}(-[0-9]{2}:[0-9]{2})?`), "DIARY"},
	{regexp.MustCompile(`\+?\b[0-9.]+(µs|ms|s|m[0-9.]+s)\b`), "TOOK"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "ADDRESS"},
	{regexp.MustCompile(`\b[0-9]+ bytes`), "N bytes"},
	{regexp.MustCompile(`(?m)^ +[0-9]+  TIME`), "  N  TIME"},
	{regexp.MustCompile(`(\S)  +`), "$1  "},
	{regexp.MustCompile(` +\n`), "\n"},
}

// tidy writes what is stable of an output to a file: tidy stdout file.
func tidy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tidy stdout|stderr file")
	}
	out := ts.ReadFile(args[0])
	for _, v := range volatile {
		out = v.found.ReplaceAllString(out, v.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out), 0o600))
}

// capture keeps what an expression's group finds in the last output: capture NAME expression.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME expression")
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile(stream)); found != nil {
			ts.Setenv(args[0], found[1])
			return
		}
	}
	ts.Fatalf("nothing in the output is like %s", args[1])
}

// narrow checks that no line of the last output is wider than a page: narrow stdout.
func narrow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: narrow stdout|stderr")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
			ts.Fatalf("%d columns: %s", n, line)
		}
	}
}

// waitfor waits until there is something in a directory, which another process puts there: waitfor dir.
func waitfor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor dir")
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*", "audit.db")); err == nil && len(found) > 0 {
			return
		}
	}
	ts.Fatalf("nothing came")
}

// empty checks that nothing is left in a directory: empty dir.
func empty(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: empty dir")
	}
	left, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(left) > 0 {
		ts.Fatalf("%s is left", left[0].Name())
	}
}
