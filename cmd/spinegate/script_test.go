package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/alecthomas/kong"
)

// Each subcommand has a script of its name, which runs it, and asks for its help.
func TestEverySubcommandHasAScript(t *testing.T) {
	help, err := os.ReadFile("testdata/script/help.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range model(t).Children {
		script, err := os.ReadFile(filepath.Join("testdata/script", command.Name+".txtar"))
		if err != nil {
			t.Errorf("%s: %v", command.Name, err)
			continue
		}
		runs := regexp.MustCompile(`(?m)^(! )?(exec )?(.*\b)?spinegate (--json )?` + regexp.QuoteMeta(command.Name) + `\b`)
		if !runs.Match(script) {
			t.Errorf("%s.txtar does not run it", command.Name)
		}
		asks := regexp.MustCompile(`(?m)^exec spinegate ` + regexp.QuoteMeta(command.Name) + ` --help$`)
		if !asks.Match(script) && !asks.Match(help) {
			t.Errorf("no script reads the help of %s", command.Name)
		}
	}
}

// model is the command line as kong sees it.
func model(t *testing.T) *kong.Application {
	t.Helper()
	return newParser(&cli{}).Model
}
