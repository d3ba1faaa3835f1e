package interceptor

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

const reference = "../../gen/docs/api.md"

// What a message may not leave out is refused when it is empty. The reference has to say so: nobody reads rules in protos.
func TestTheReferenceSaysWhatIsRequired(t *testing.T) {
	t.Parallel()
	rules, err := protovalidate.New()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	required := 0
	seen := map[protoreflect.FullName]bool{}
	var look func(protoreflect.MessageDescriptor)
	look = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] || m.FullName().Parent() != "spinegate.v1" {
			return
		}
		seen[m.FullName()] = true
		var broken *protovalidate.ValidationError
		if err := rules.Validate(dynamicpb.NewMessage(m)); err != nil && !errors.As(err, &broken) {
			t.Fatal(err)
		}
		missing := map[string]bool{}
		if broken != nil {
			for _, v := range broken.Violations {
				missing[path(v.Proto.GetField())] = true
			}
		}
		_, section, _ := strings.Cut(string(page), "### "+string(m.Name())+"\n")
		section, _, _ = strings.Cut(section, "\n### ")
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			name := string(f.Name())
			row := regexp.MustCompile(`(?m)^\| ` + name + ` \|.*$`).FindString(section)
			if says := strings.Contains(row, "Required"); row == "" || says != missing[name] {
				t.Errorf("%s.%s is required: %t, and the reference says %q", m.Name(), name, missing[name], row)
			}
			if missing[name] {
				required++
			}
			if f.Message() != nil {
				look(f.Message())
			}
		}
	}
	for _, request := range requestTypes() {
		look(request)
	}
	if required < 20 {
		t.Errorf("only %d fields are required: are the rules read?", required)
	}
}
