package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Overrides are what flags say. An empty one says nothing.
type Overrides struct {
	// Listen and Admin replace the addresses.
	Listen, Admin string
}

// Load reads a file, applies what the environment variables and flags say, and checks the result. lookup is
// [os.LookupEnv] or a test's. All errors that can be found are reported together, in the order of the file.
func Load(path string, lookup func(string) (string, bool), o Overrides) (Config, error) {
	text, err := os.ReadFile(path) // the operator names it
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	c, root, err := parse(text)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	applyEnvironment(&c, lookup)
	if o.Listen != "" {
		c.Listen.Address = o.Listen
	}
	if o.Admin != "" {
		c.Admin.Address = o.Admin
	}
	c.complete()
	if problems := c.validate(); len(problems) > 0 {
		errs := make([]error, 0, len(problems))
		for _, p := range problems {
			errs = append(errs, fmt.Errorf("%s%s: %s: %s", path, atLine(root, p.key), p.key, p.fix))
		}
		return Config{}, errors.Join(errs...)
	}
	return c, nil
}

// parse reads one YAML document over the defaults.
func parse(text []byte) (Config, *yaml.Node, error) {
	c := Default()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return Config{}, nil, explainYAML(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Config{}, nil, errors.New("more than one YAML document: keep the first")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return Config{}, nil, explainYAML(err)
	}
	return c, &root, nil
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	quotedValue  = regexp.MustCompile("`[^`]*`")
	goType       = regexp.MustCompile(`into (config\.|\*|\[\])*(\w+\.)?(\w+)`)
)

// explainYAML puts the decoder's errors into an operator's words, without the values: one may be a secret that somebody
// wrote in by mistake.
func explainYAML(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file says nothing")
	}
	var all []error
	text := err.Error()
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		text = strings.Join(typed.Errors, "\n")
	}
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "yaml: "), "\n") {
		line = unknownField.ReplaceAllString(line, "unknown key $1")
		line = quotedValue.ReplaceAllString(line, "value")
		all = append(all, errors.New(goType.ReplaceAllString(line, "where ${3} is needed")))
	}
	return errors.Join(all...)
}

// atLine is ":12" for the line of a key, or of the nearest part above it that the file has.
func atLine(root *yaml.Node, key string) string {
	line, node := 0, root.Content[0]
	for part := range strings.FieldsFuncSeq(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next, at := child(node, part)
		if next == nil {
			break
		}
		node, line = next, at
	}
	if line == 0 {
		return ""
	}
	return ":" + strconv.Itoa(line)
}

// child is a part of a node, and the line where it begins.
func child(node *yaml.Node, part string) (next *yaml.Node, line int) {
	switch node.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i < len(node.Content) {
			return node.Content[i], node.Content[i].Line
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				return node.Content[i+1], node.Content[i].Line
			}
		}
	default: // a scalar has no parts, and an alias is not followed: the line of its use is the better one
	}
	return nil, 0
}

// applyEnvironment sets the fields that have an env tag. A list is separated as PATH is.
func applyEnvironment(c *Config, lookup func(string) (string, bool)) {
	walk(reflect.ValueOf(c).Elem(), "", func(_ string, field reflect.StructField, value reflect.Value) {
		name := field.Tag.Get("env")
		if name == "" {
			return
		}
		text, set := lookup(name)
		switch {
		case !set:
		case value.Kind() == reflect.Slice:
			parts := strings.Split(text, string(os.PathListSeparator))
			value.Set(reflect.MakeSlice(value.Type(), len(parts), len(parts)))
			for i, part := range parts {
				value.Index(i).SetString(part)
			}
		default:
			value.SetString(text)
		}
	})
}

// Print writes the effective configuration as YAML. Secrets are paths, so there is none in it.
func (c Config) Print(w io.Writer) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(c), encoder.Close()); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return nil
}
