package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct{}

func (completionCommand) Help() string {
	return `Completes commands and flags. For this shell only, or for good:

  source <(spinegate completion)
  spinegate completion > ~/.local/share/bash-completion/completions/spinegate`
}

// Run prints a script made from the command line's own description.
func (completionCommand) Run(t *terminal, app *kong.Application) error {
	var commands []string
	var cases strings.Builder
	for _, command := range app.Children {
		commands = append(commands, command.Name)
		fmt.Fprintf(&cases, "    %s) words=%q ;;\n", command.Name, strings.Join(flags(app.Node, command), " "))
	}
	t.out.write(fmt.Sprintf(`_spinegate() {
  local word words=%q
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
%s    esac
  done
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _spinegate spinegate
`, strings.Join(append(commands, flags(app.Node)...), " "), cases.String()))
	return nil
}

func flags(nodes ...*kong.Node) []string {
	var all []string
	for _, n := range nodes {
		for _, f := range n.Flags {
			all = append(all, "--"+f.Name)
		}
	}
	return all
}
