package typed_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// leaf is a value of a resource's JSON: where it stands, with indexes left out, and its text.
type leaf struct {
	path, text string
	number     bool
}

// leaves lists all values in the order of the text. It shares no code with what it is to check.
func leaves(tb testing.TB, resource []byte) []leaf {
	tb.Helper()
	var out []leaf
	dec := jsontext.NewDecoder(bytes.NewReader(resource))
	for {
		kind := dec.PeekKind()
		value, err := readLeaf(dec, kind)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			tb.Fatal(err)
		}
		if in, n := dec.StackIndex(dec.StackDepth()); strings.ContainsRune("{}[]n", rune(kind)) || (in == '{' && n%2 == 1) {
			continue // structure, null, or the name of a member
		}
		out = append(out, leaf{path(dec), value, kind == '0'})
	}
}

func readLeaf(dec *jsontext.Decoder, kind jsontext.Kind) (string, error) {
	if kind == '0' {
		raw, err := dec.ReadValue()
		return string(raw), err
	}
	token, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

// path names the members that lead to where the decoder stands.
func path(dec *jsontext.Decoder) string {
	segments := strings.Split(strings.TrimPrefix(string(dec.StackPointer()), "/"), "/")
	return strings.Join(slices.DeleteFunc(segments, func(s string) bool {
		return strings.Trim(s, "0123456789") == "" // an index
	}), ".")
}

// said lists every text, number, id and statement in a message.
func said(m protoreflect.Message, visit func(text string)) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		one := func(v protoreflect.Value) {
			switch {
			case field.Message() != nil && field.Message().Name() == "Timestamp": // made from a text that is there
			case field.Message() != nil:
				said(v.Message(), visit)
			case field.Enum() != nil && field.Enum().Name() == "Stated":
				visit(map[protoreflect.EnumNumber]string{
					pb.Stated_STATED_YES.Number(): "true",
					pb.Stated_STATED_NO.Number():  "false",
				}[v.Enum()])
			case field.Enum() != nil: // its code, as received, stands beside it
			default:
				visit(v.String())
			}
		}
		if !field.IsList() {
			one(v)
			return true
		}
		for i := range v.List().Len() {
			one(v.List().Get(i))
		}
		return true
	})
}

// messages lists the messages of a name within one.
func messages(m protoreflect.Message, name protoreflect.Name) []protoreflect.Message {
	var out []protoreflect.Message
	if m.Descriptor().Name() == name {
		out = append(out, m)
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				out = append(out, messages(v.List().Get(i).Message(), name)...)
			}
		default:
			out = append(out, messages(v.Message(), name)...)
		}
		return true
	})
	return out
}

// amounts lists the numbers of all quantities in a message.
func amounts(m protoreflect.Message) []string {
	var out []string
	for _, q := range messages(m, "Quantity") {
		out = append(out, q.Interface().(*pb.Quantity).GetAmount())
	}
	return out
}
