package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type completionCommand struct {
	Shell string `arg:"" optional:"" enum:"bash,zsh,fish" default:"bash" help:"bash, zsh or fish (${default})."`
}

func (completionCommand) Help() string {
	return `Completes commands, flags, the values of flags that have a few, and the names of targets. For this shell only, or for good:

  source <(spinegate completion)
  spinegate completion > ~/.local/share/bash-completion/completions/spinegate

  source <(spinegate completion zsh)                           after compinit
  spinegate completion zsh > "${fpath[1]}/_spinegate"

  spinegate completion fish | source
  spinegate completion fish > ~/.config/fish/completions/spinegate.fish`
}

// listTargets prints the names of targets.
const listTargets = "spinegate targets --names 2>/dev/null"

// Run prints a script made from the command line's own description.
func (c *completionCommand) Run(t *terminal, app *kong.Application) error {
	script := map[string]func(*kong.Application) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	t.out.write(script(app))
	return nil
}

func bashCompletion(app *kong.Application) string {
	return fmt.Sprintf(`_spinegate() {
  local word words=%q
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
%s    esac
  done
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    --target) words=$(%s) ;;
%s  esac
  COMPREPLY=()
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _spinegate spinegate
`, first(app), cases(app, "    %s) words=%q ;;\n"), listTargets, valueCases(app, "    %s) words=%q ;;\n"))
}

// zshCompletion ends with both ways in which it is loaded: a file of fpath is the function's own first call, and completes; what
// is sourced registers the function.
func zshCompletion(app *kong.Application) string {
	return fmt.Sprintf(`#compdef spinegate
_spinegate() {
  local word candidates=%q
  for word in ${words[2,CURRENT-1]}; do
    case $word in
%s    esac
  done
  case ${words[CURRENT-1]} in
    --target) candidates=$(%s) ;;
%s  esac
  compadd -- ${=candidates}
  [[ ${words[CURRENT]} == -* ]] || _files
}
if [ "$funcstack[1]" = _spinegate ]; then
  _spinegate "$@"
else
  compdef _spinegate spinegate
fi
`, first(app), cases(app, "      %s) candidates=%q ;;\n"), listTargets, valueCases(app, "    %s) candidates=%q ;;\n"))
}

func fishCompletion(app *kong.Application) string {
	var b strings.Builder
	line := func(condition string, f *kong.Flag) {
		fmt.Fprintf(&b, "complete -c spinegate%s -l %s -d %s", condition, f.Name, fishQuoted(f.Help))
		switch values := flagValues(f); {
		case f.Name == "target":
			fmt.Fprintf(&b, " -x -a '(%s)'", listTargets)
		case len(values) > 0:
			fmt.Fprintf(&b, " -x -a '%s'", strings.Join(values, " "))
		case !f.IsBool():
			b.WriteString(" -r")
		}
		b.WriteByte('\n')
	}
	for _, f := range app.Flags {
		line("", f)
	}
	for _, command := range app.Children {
		fmt.Fprintf(&b, "complete -c spinegate -f -n __fish_use_subcommand -a %s -d %s\n", command.Name, fishQuoted(command.Help))
		for _, f := range command.Flags {
			line(" -n '__fish_seen_subcommand_from "+command.Name+"'", f)
		}
	}
	return b.String()
}

func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// first is what may come before there is a command.
func first(app *kong.Application) string {
	var all []string
	for _, command := range app.Children {
		all = append(all, command.Name)
	}
	return strings.Join(append(all, flags(app.Node)...), " ")
}

// cases are a line for each command, with its flags.
func cases(app *kong.Application, format string) string {
	var b strings.Builder
	for _, command := range app.Children {
		fmt.Fprintf(&b, format, command.Name, strings.Join(flags(app.Node, command), " "))
	}
	return b.String()
}

// valueCases are a line for each flag that has a few values.
func valueCases(app *kong.Application, format string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, command := range app.Children {
		for _, f := range command.Flags {
			if values := flagValues(f); len(values) > 0 && !seen[f.Name] {
				seen[f.Name] = true
				fmt.Fprintf(&b, format, "--"+f.Name, strings.Join(values, " "))
			}
		}
	}
	return b.String()
}

// flagValues are the values of a flag, where there are a few.
func flagValues(f *kong.Flag) []string {
	switch f.Name {
	case "relationship":
		return options(pb.Relationship(0).Descriptor())
	case "gender":
		return options(pb.Gender(0).Descriptor())
	case "area":
		return areaOptions
	case "channel":
		return channelOptions
	case "interaction":
		return options(pb.KnownInteraction(0).Descriptor())
	case "as":
		return options(pb.OrganisationType(0).Descriptor())
	case "kind":
		return []string{"attempt", "access", "failure", "release", "outcome", "system"}
	}
	if f.Enum != "" {
		return strings.FieldsFunc(f.Enum, func(r rune) bool { return r == ',' })
	}
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
