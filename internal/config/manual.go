package config

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"reflect"
	"strings"
	"time"
)

// source is the file whose comments are the manual.
//
//go:embed config.go
var source string

// example is a whole configuration, for the end of the manual and for whoever copies it.
//
//go:embed example.yaml
var example string

const opening = `# Configuration

<!-- Generated from internal/config by ` + "`make generate`" + `. Do not edit. -->

` + "`bin/server serve --config FILE`" + ` reads one YAML file. What it does not say has the default given here. Keys that are not
known are errors, with their line. The paths of secrets can also come from environment variables, which win over the
file, and the two addresses from the flags ` + "`--listen` and `--admin`" + `, which win over both. Secrets themselves are
never in the configuration: a file that every user of the machine may read is refused.

` + "`bin/server config check FILE`" + ` reports everything that is wrong at once; ` + "`bin/server config print FILE`" + ` shows what would
be used. OpenTelemetry is set up by its standard ` + "`OTEL_*`" + ` environment variables, such as
` + "`OTEL_EXPORTER_OTLP_ENDPOINT`" + `; without an endpoint nothing is exported.
`

// Manual writes what every setting means, as Markdown, from the comments of this package.
func Manual(w io.Writer) error {
	docs, err := readDocs()
	if err != nil {
		return fmt.Errorf("read the manual's comments: %w", err)
	}
	var out strings.Builder
	out.WriteString(opening)
	writeSection(&out, docs, reflect.TypeFor[Config](), reflect.ValueOf(Default()), "")
	out.WriteString("\n## A whole file\n\n```yaml from=internal/config/example.yaml\n" + example + "```\n")
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the manual: %w", err)
	}
	return nil
}

// readDocs returns the comments of the fields, by "Struct.Field".
func readDocs() (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	docs := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if fields, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range fields.Fields.List {
				docs[spec.Name.Name+"."+f.Names[0].Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
			}
		}
		return false
	})
	return docs, nil
}

// writeSection lists the plain settings of a struct, then its parts. defaults is invalid inside of lists.
func writeSection(out *strings.Builder, docs map[string]string, t reflect.Type, defaults reflect.Value, key string) {
	type part struct {
		of       reflect.Type
		defaults reflect.Value
		key, doc string
	}
	var parts []part
	for f := range t.Fields() {
		name, doc := f.Tag.Get("yaml"), docs[t.Name()+"."+f.Name]
		var value reflect.Value
		if defaults.IsValid() {
			value = defaults.FieldByIndex(f.Index)
		}
		at := strings.TrimPrefix(key+"."+name, ".")
		switch {
		case f.Type.Kind() == reflect.Struct:
			parts = append(parts, part{f.Type, value, at, doc})
			continue
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			parts = append(parts, part{f.Type.Elem(), reflect.Value{}, at + "[]", doc})
			continue
		}
		fmt.Fprintf(out, "\n- **`%s`** (%s%s)  \n  %s\n", name, kind(f.Type), standard(value), doc)
		if env := f.Tag.Get("env"); env != "" {
			fmt.Fprintf(out, "  Or `%s`.\n", env)
		}
	}
	for _, p := range parts {
		fmt.Fprintf(out, "\n## `%s`\n\n%s\n", p.key, p.doc)
		writeSection(out, docs, p.of, p.defaults, p.key)
	}
}

// kind is an operator's word for a type.
func kind(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[File]():
		return "path"
	case reflect.TypeFor[SecretFile]():
		return "path of a secret"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[time.Duration]():
		return "time"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + kind(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Float64:
		return "number"
	default:
		return "text"
	}
}

// standard is what a setting has without anybody saying so.
func standard(v reflect.Value) string {
	if !v.IsValid() || v.IsZero() {
		return ""
	}
	text := fmt.Sprint(v.Interface())
	if size, ok := reflect.TypeAssert[Size](v); ok {
		whole, err := size.MarshalText()
		if err == nil {
			text = string(whole)
		}
	}
	return ", default `" + text + "`"
}
