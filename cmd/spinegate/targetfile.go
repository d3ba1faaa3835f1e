package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// targetFile holds gateways by name. There is no secret in it, only names of files and variables that hold one.
type targetFile struct {
	path string
	// preferred is the name of the target for whoever names none; it may be empty.
	preferred string
	targets   []target
}

// target is one gateway: its settings as texts, by key. Paths are absolute.
type target struct {
	name     string
	settings map[string]string
}

// settings are the keys of a target, in the order in which they are told, and what each has to be.
var settings = []struct {
	key   string
	check func(string) error
	path  bool
}{
	{key: "address", check: hostPort},
	{key: "tls", check: truth},
	{key: "ca", path: true},
	{key: "cert", path: true},
	{key: "key", path: true},
	{key: "tokenFile", path: true},
	{key: "tokenEnv", check: variable},
	{key: "cis2TokenFile", path: true},
	{key: "cis2TokenEnv", check: variable},
	{key: "admin", check: hostPort},
	{key: "persona"},
	{key: "dir", path: true},
	{key: "timeout", check: func(s string) error { _, err := time.ParseDuration(s); return orSay(err, "a time such as 30s or 2m") }},
	{key: "device"},
	{key: "relationship", check: func(s string) error {
		kinds := pb.Relationship(0).Descriptor()
		if _, ok := parseOption(kinds, s); !ok {
			return fmt.Errorf("one of %s", strings.Join(options(kinds), ", "))
		}
		return nil
	}},
}

func settingKeys() []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.key
	}
	return keys
}

func orSay(err error, what string) error {
	if err != nil {
		return errors.New(what)
	}
	return nil
}

func hostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return orSay(err, "HOST:PORT")
}

// truth is one of two words: what else may mean true to one reader means false to another.
func truth(s string) error {
	if s != "true" && s != "false" {
		return errors.New("true or false")
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func variable(s string) error {
	if !variableName.MatchString(s) {
		return errors.New("the name of an environment variable, and not what is in it")
	}
	return nil
}

// targetLimit is far above every file of targets.
const targetLimit = 1 << 20

// readTargets reads a file. One that is not there is an empty one.
func readTargets(path string) (*targetFile, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &targetFile{path: path}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the targets: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > targetLimit { // a pipe may never end, and nothing interrupts who reads it
		return nil, fmt.Errorf("read the targets: %s is not a regular file of at most 1 MiB", path)
	}
	if mode := info.Mode().Perm(); mode&0o002 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, and whoever may write it says where calls go: chmod o-w", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the targets: %w", err)
	}
	f := &targetFile{path: path}
	line, err := f.parse(text)
	switch {
	case err != nil && line > 0:
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// parse fills f, or says in which line what is wrong, which is 0 where that is not known. It never repeats a value: somebody
// may have written a secret.
func (f *targetFile) parse(text []byte) (line int, err error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return brokenLine(text, err), errors.New("not YAML, from about there on; a value with one of *&!%@` in front stands in quotes")
	}
	if len(root.Content) == 0 {
		return 0, nil // nothing but comments
	}
	top, line, err := entries(root.Content[0], "the file", []string{"default", "targets"})
	if err != nil {
		return line, err
	}
	if node := top["targets"]; node != nil {
		if line, err := f.parseTargets(node); err != nil {
			return line, err
		}
	}
	if node := top["default"]; node != nil {
		f.preferred = node.Value
		if _, err := f.find(node.Value); err != nil {
			return node.Line, err
		}
	}
	return 0, nil
}

var (
	yamlLine   = regexp.MustCompile(`^yaml: line (\d+): `)
	yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// brokenLine is where the text ceases to be YAML, by what is said of it, which may be a line early. Nothing else of that is
// told: it has pieces of the text.
func brokenLine(text []byte, err error) int {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		return line
	}
	if m := yamlAnchor.FindStringSubmatch(err.Error()); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		return 1 + bytes.Count(before, []byte("\n"))
	}
	return 0
}

var targetName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (f *targetFile) parseTargets(node *yaml.Node) (line int, err error) {
	named, line, err := entries(node, "targets", nil)
	if err != nil {
		return line, err
	}
	for i := 0; i < len(node.Content); i += 2 { // in the file's order
		name := node.Content[i]
		if !targetName.MatchString(name.Value) {
			return name.Line, errors.New("a target's name is up to 64 letters, digits, dots, hyphens and underscores")
		}
		t := target{name: name.Value, settings: map[string]string{}}
		said, line, err := entries(named[t.name], "target "+t.name, settingKeys())
		if err != nil {
			return line, err
		}
		for _, s := range settings {
			value := said[s.key]
			if value == nil {
				continue
			}
			if value.Kind != yaml.ScalarNode || value.Value == "" {
				return value.Line, fmt.Errorf("%s of target %s is one value", s.key, t.name)
			}
			if s.check != nil {
				if err := s.check(value.Value); err != nil {
					return value.Line, fmt.Errorf("%s of target %s has to be %w", s.key, t.name, err)
				}
			}
			t.settings[s.key] = value.Value
			if s.path {
				t.settings[s.key] = beside(f.path, value.Value)
			}
		}
		if err := t.consistent(); err != nil {
			return name.Line, fmt.Errorf("target %s: %w", t.name, err)
		}
		f.targets = append(f.targets, t)
	}
	return 0, nil
}

// entries are the values of a mapping by key, each key once and known; without known keys any is.
func entries(node *yaml.Node, what string, known []string) (map[string]*yaml.Node, int, error) {
	if node.Kind != yaml.MappingNode {
		return nil, node.Line, fmt.Errorf("%s has to be keys with values", what)
	}
	all := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case all[key.Value] != nil:
			return nil, key.Line, fmt.Errorf("%s has the key %s twice", what, key.Value)
		case known == nil || slices.Contains(known, key.Value):
		case slices.Contains([]string{"token", "cis2token"}, strings.ToLower(key.Value)):
			return nil, key.Line, fmt.Errorf("%s: a token never stands in this file. Put it into a file that nobody else can read and name that by %sFile, "+
				"or into an environment variable and name that by %[2]sEnv; and as this one has been written down, have it revoked", what, key.Value)
		default:
			return nil, key.Line, fmt.Errorf("unknown key %s in %s; there are %s", key.Value, what, strings.Join(known, ", "))
		}
		all[key.Value] = value
	}
	return all, 0, nil
}

// consistent checks what settings demand of one another.
func (t target) consistent() error {
	has := func(key string) bool { return t.settings[key] != "" }
	switch {
	case !has("address"):
		return errors.New("it needs an address")
	case has("cert") != has("key"):
		return errors.New("cert and key go together")
	case has("tokenFile") && has("tokenEnv"):
		return errors.New("tokenFile or tokenEnv, not both")
	case has("cis2TokenFile") && has("cis2TokenEnv"):
		return errors.New("cis2TokenFile or cis2TokenEnv, not both")
	case has("persona") && !has("admin"):
		return errors.New("a persona is somebody in a sandbox, which has an admin address: give admin")
	}
	return nil
}

// find is the target of a name.
func (f *targetFile) find(name string) (*target, error) {
	var known []string
	for i, t := range f.targets {
		if t.name == name {
			return &f.targets[i], nil
		}
		known = append(known, t.name)
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("there is no target %q, and none at all: \"spinegate targets --init\" begins %s", name, f.path)
	}
	return nil, fmt.Errorf("there is no target %q in %s; there are %s", name, f.path, strings.Join(known, ", "))
}

// beside is a path that a file names: in the directory that the file is in, unless it begins at the root or at home.
func beside(file, path string) string {
	if strings.HasPrefix(path, "~/") {
		return kong.ExpandPath(path)
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}
