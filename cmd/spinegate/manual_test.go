package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const manual = "../../docs/cli.md"

// TestManual holds the page about the command line against the program: what can be listed is listed by it.
func TestManual(t *testing.T) {
	page, app := readManual(t), model(t)
	got := page
	for name, text := range map[string]string{"commands": commandTable(app), "settings": settingTable(app), "environment": variableTable(app)} {
		begin, end := "<!-- "+name+": ", "<!-- end of "+name+" -->"
		i, j := strings.Index(got, begin), strings.Index(got, end)
		if i < 0 || j < i {
			t.Fatalf("the page has no section of %s", name)
		}
		i += strings.IndexByte(got[i:], '\n') + 1
		got = got[:i] + text + got[j:]
	}
	if *update {
		if err := os.WriteFile(manual, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		page = got
	}
	if diff := cmp.Diff(page, got); diff != "" {
		t.Errorf("the page is not what the program says; -update writes it (-page +program):\n%s", diff)
	}
	for _, name := range regexp.MustCompile(`SPINEGATE_[A-Z0-9_]*[A-Z0-9]`).FindAllString(got, -1) {
		if !strings.Contains(variableTable(app), "`"+name+"`") {
			t.Errorf("the page names %s, which the program does not read", name)
		}
	}
	words := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(got, "") // blocks run other programs, too
	for _, flag := range regexp.MustCompile("[ `](--[a-z][a-z0-9-]*)").FindAllStringSubmatch(words, -1) {
		if !slices.ContainsFunc(nodes(app), func(n *kong.Node) bool { return slices.Contains(flags(n), flag[1]) }) {
			t.Errorf("the page names %s, which is no flag", flag[1])
		}
	}
}

func readManual(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func nodes(app *kong.Application) []*kong.Node {
	return append([]*kong.Node{app.Node}, app.Children...)
}

// commandTable has each command with the first example of its help.
func commandTable(app *kong.Application) string {
	var b strings.Builder
	b.WriteString("| | | For example |\n| --- | --- | --- |\n")
	for _, command := range app.Children {
		example := "spinegate " + command.Name
		shown := regexp.MustCompile(`^spinegate .*\b` + command.Name + `\b[^|]*$`)
		for line := range strings.Lines(command.Detail) {
			if line = strings.TrimSpace(line); shown.MatchString(line) {
				example, _, _ = strings.Cut(line, "  ")
				break
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", command.Name, command.Help, example)
	}
	return b.String()
}

// settingTable has each key of a target.
func settingTable(app *kong.Application) string {
	about := map[string]string{
		"tokenFile":     "The file with the bearer token, which nobody else may read.",
		"tokenEnv":      "Or the environment variable that has it.",
		"cis2TokenFile": "The file with the ID token of your sign-in with CIS2.",
		"cis2TokenEnv":  "Or the environment variable that has it.",
	}
	for _, n := range nodes(app) {
		for _, f := range n.Flags {
			about[f.Tag.Get(settingTag)] = f.Help + " As `--" + f.Name + "`."
		}
	}
	var b strings.Builder
	b.WriteString("| Key | What it is |\n| --- | --- |\n")
	for _, s := range settings {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.key, about[s.key])
	}
	return b.String()
}

// variableTable has each environment variable with the flag that it stands for.
func variableTable(app *kong.Application) string {
	rows := map[string]string{}
	for _, n := range nodes(app) {
		for _, f := range n.Flags {
			for _, name := range append(f.Envs, f.Tag.Get(variableTag)) {
				if name != "" {
					rows[name] = fmt.Sprintf("| `%s` | `--%s` | %s |\n", name, f.Name, f.Help)
				}
			}
		}
	}
	var lines []string
	for _, row := range rows {
		lines = append(lines, row)
	}
	slices.Sort(lines)
	return "| Variable | Flag | |\n| --- | --- | --- |\n" + strings.Join(lines, "")
}

// Every key of a target but those that name a secret is a flag's, and every flag that says so has its key.
func TestSettingsAreFlags(t *testing.T) {
	keys := map[string]bool{}
	for _, n := range nodes(model(t)) {
		for _, f := range n.Flags {
			keys[f.Tag.Get(settingTag)] = true
		}
	}
	secret := regexp.MustCompile(`^(token|cis2Token)(File|Env)$`)
	for _, s := range settings {
		if keys[s.key] == secret.MatchString(s.key) {
			t.Errorf("%s: a flag has it: %t", s.key, keys[s.key])
		}
		delete(keys, s.key)
	}
	for _, alone := range []string{"", "token", "cis2Token"} { // never in the file
		delete(keys, alone)
	}
	for key := range keys {
		t.Errorf("a flag has the key %s, which no target has", key)
	}
}

// TestManualMessages holds each line of --json to the message that the page says it is.
func TestManualMessages(t *testing.T) {
	gateway := sandboxOf(t)
	numbers := filepath.Join(t.TempDir(), "numbers")
	if err := os.WriteFile(numbers, []byte("9990000018\n9990000019\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	examples := map[string][]string{
		"trace": {"9990000018"}, "trace-many": {numbers}, "related": {"9990000018"},
		"search": {"--family", "testwell", "--given", "ada", "--born-from", "1990-01-01"},
		"resolve, of one interaction of one practice": {"A20047"}, "resolve, of several": {"A20047", "C81002"},
		"capabilities": {"A20047"}, "record": {"9990000018"}, "slots": {"A20047", "G85006", "--days", "3"},
		"book": {"9990000018", "--practice", "A20047", "--yes"},
	}
	_, machines, _ := strings.Cut(readManual(t), "\nFor machines ")
	machines, _, _ = strings.Cut(machines, "\n## ")
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\| (.*?) \\|").FindAllStringSubmatch(machines, -1) {
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(row[1], -1) {
			told[name[1]] = true
		}
		message := regexp.MustCompile("^`(spinegate[.]v1[.][A-Za-z]+)`$").FindStringSubmatch(row[2])
		if message == nil {
			continue
		}
		what := strings.ReplaceAll(row[1], "`", "")
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(message[1]))
		if err != nil || examples[what] == nil {
			t.Errorf("%s: %v, and there is an example: %t", what, err, examples[what] != nil)
			continue
		}
		command, _, _ := strings.Cut(what, ",")
		var stdout, stderr bytes.Buffer
		args := append([]string{"--json", command, "--address", gateway.GRPC, "--admin", gateway.Admin}, examples[what]...)
		if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code > problem || stdout.Len() == 0 {
			t.Errorf("%s: exit %d\n%s", what, code, stderr.String())
		}
		for line := range bytes.Lines(stdout.Bytes()) {
			if err := protojson.Unmarshal(line, kind.New().Interface()); err != nil {
				t.Errorf("%s: %v in %s", what, err, line)
			}
		}
		delete(examples, what)
	}
	for what := range examples {
		t.Errorf("the page does not say what a line of %s is", what)
	}
	for _, command := range model(t).Children {
		if !told[command.Name] {
			t.Errorf("the page does not say what --json of %s is", command.Name)
		}
	}
}
