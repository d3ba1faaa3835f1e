package typed_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/typed"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// examples reads the resources of testdata: ours, synthetic, at least one of each type and every element with a field.
func examples(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no examples: %v", err)
	}
	out := make(map[string][]byte)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		out[strings.TrimSuffix(file, ".json")] = bytes.TrimSpace(text)
	}
	return out
}

func TestExamplesHaveTheirForm(t *testing.T) {
	for name, resource := range examples(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			e := typed.Entry(3, resource, nil)
			if !bytes.Equal(e.GetJson(), resource) {
				t.Error("its JSON changed")
			}
			e.Json = nil
			got := readable(t, e)
			if *update {
				if err := os.WriteFile(name+".golden", got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

// readable is protojson with whitespace that is the same every time.
func readable(tb testing.TB, e *pb.RecordEntry) []byte {
	tb.Helper()
	text, err := protojson.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	value := jsontext.Value(text)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		tb.Fatal(err)
	}
	return append(value, '\n')
}

// TestExamplesUseEveryField fails for a field that no example sets, so that none is forgotten in the golden files.
func TestExamplesUseEveryField(t *testing.T) {
	used := make(map[protoreflect.FullName]bool)
	for _, resource := range examples(t) {
		use(typed.Entry(1, resource, []byte(`{"fullUrl":"urn:x"}`)).ProtoReflect(), used)
	}
	for _, c := range choices() {
		use(typed.Entry(1, []byte(c.resource), nil).ProtoReflect(), used)
	}
	use(typed.Entry(1, nil, bytes.Repeat([]byte(" "), 1<<20)).ProtoReflect(), used)
	eachField((&pb.RecordEntry{}).ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{}, func(field protoreflect.FieldDescriptor) {
		if !used[field.FullName()] {
			t.Errorf("no example sets %s", field.FullName())
		}
	})
}

func use(m protoreflect.Message, used map[protoreflect.FullName]bool) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		used[field.FullName()] = true
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				use(v.List().Get(i).Message(), used)
			}
		default:
			use(v.Message(), used)
		}
		return true
	})
}

// eachField visits every field of a message and of the messages in it.
func eachField(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool, visit func(protoreflect.FieldDescriptor)) {
	if seen[m.FullName()] || m.ParentFile().Package() != "spinegate.v1" {
		return
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		visit(field)
		if field.Message() != nil {
			eachField(field.Message(), seen, visit)
		}
	}
}
