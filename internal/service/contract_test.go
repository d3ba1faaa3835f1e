package service

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// files are those of our own contract.
func files(t *testing.T) []protoreflect.FileDescriptor {
	t.Helper()
	var out []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("spinegate.v1", func(f protoreflect.FileDescriptor) bool {
		out = append(out, f)
		return true
	})
	if len(out) < 10 {
		t.Fatalf("found %d files", len(out))
	}
	return out
}

func messages(t *testing.T) []protoreflect.MessageDescriptor {
	t.Helper()
	var out []protoreflect.MessageDescriptor
	var walk func(protoreflect.MessageDescriptors)
	walk = func(ms protoreflect.MessageDescriptors) {
		for i := range ms.Len() {
			out = append(out, ms.Get(i))
			walk(ms.Get(i).Messages())
		}
	}
	for _, f := range files(t) {
		walk(f.Messages())
	}
	return out
}

// Names are chosen for six languages. Some read well in the proto and collide, silently, in what is generated.
func TestNamesWorkInSixLanguages(t *testing.T) {
	for _, m := range messages(t) {
		if slices.Contains([]string{"List", "Option", "Result", "String"}, string(m.Name())) {
			t.Errorf("%s hides a type that every language has", m.FullName())
		}
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			name := string(f.Name())
			if slices.Contains([]string{"class", "from", "in", "current"}, name) {
				t.Errorf("%s: a reserved word, or one that claims what a record cannot know", f.FullName())
			}
			if strings.ReplaceAll(name, "_", "") == strings.ToLower(string(m.Name())) {
				t.Errorf("%s is named as its message, which C# cannot compile", f.FullName())
			}
			if f.IsList() && m.Fields().ByName(f.Name()+"_count") != nil {
				t.Errorf("%s has %s_count beside it, which Java renames", f.FullName(), name)
			}
			if f.Kind() == protoreflect.EnumKind && m.Fields().ByName(f.Name()+"_value") != nil {
				t.Errorf("%s has %s_value beside it, which Java renames", f.FullName(), name)
			}
			if f.IsMap() {
				t.Errorf("%s is a map, whose order no language keeps", f.FullName())
			}
		}
	}
	for _, f := range files(t) {
		options := protodesc.ToFileDescriptorProto(f).GetOptions()
		if !options.GetJavaMultipleFiles() || options.GetJavaPackage() != "io.spinegate.v1" ||
			options.GetCsharpNamespace() != "Spinegate.V1" || !strings.HasSuffix(options.GetJavaOuterClassname(), "Proto") {
			t.Errorf("%s: identities differ from docs/decisions/0001", f.Path())
		}
	}
}

// Whoever reads any stream can tell the same way what it is, how far it got and whether it is whole.
func TestEveryStreamHasOneShape(t *testing.T) {
	for _, f := range files(t) {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				method := f.Services().Get(i).Methods().Get(j)
				checkRequest(t, method)
				checkResponse(t, method)
			}
		}
	}
}

func checkRequest(t *testing.T, method protoreflect.MethodDescriptor) {
	t.Helper()
	first := method.Input().Fields().ByNumber(1)
	if first == nil || first.Name() != "context" || first.Message() == nil || first.Message().Name() != "CallContext" {
		t.Errorf("%s: field 1 of the request is not CallContext context", method.FullName())
	}
}

func checkResponse(t *testing.T, method protoreflect.MethodDescriptor) {
	t.Helper()
	out := method.Output()
	has := func(m protoreflect.MessageDescriptor, name protoreflect.Name) bool {
		f := m.Fields().ByName(name)
		return f != nil && f.Message() != nil && f.Message().Name() == "Provenance"
	}
	if !method.IsStreamingServer() {
		if f := out.Fields().ByNumber(1); f == nil || !has(out, f.Name()) {
			t.Errorf("%s: field 1 of the response is not Provenance provenance", method.FullName())
		}
		return
	}
	event := out.Oneofs().ByName("event")
	sequence, continues := out.Fields().ByNumber(1), out.Fields().ByNumber(2)
	if event == nil || sequence.Name() != "sequence" || continues.Name() != "continues" || out.Fields().Len() != 2+event.Fields().Len() {
		t.Fatalf("%s is not sequence, continues and oneof event", out.FullName())
	}
	for _, name := range []protoreflect.Name{"opening", "warning", "failure", "closing"} {
		if event.Fields().ByName(name) == nil {
			t.Errorf("%s has no %s", out.FullName(), name)
		}
	}
	if event.Fields().Get(0).Name() != "opening" || event.Fields().Get(event.Fields().Len()-1).Name() != "closing" {
		t.Errorf("%s does not go from opening to closing", out.FullName())
	}
	for _, name := range []protoreflect.Name{"opening", "closing"} {
		if !has(event.Fields().ByName(name).Message(), "provenance") {
			t.Errorf("%s.%s has no provenance", out.FullName(), name)
		}
	}
	closing := event.Fields().ByName("closing").Message()
	if v := closing.Fields().ByName("verdict"); v == nil || v.Enum() == nil || v.Enum().Name() != "Verdict" {
		t.Errorf("%s has no verdict", closing.FullName())
	}
	if e := event.Fields().ByName("failure").Message().Fields().ByName("error"); e == nil || e.Message().Name() != "ErrorDetail" {
		t.Errorf("%s.failure has no ErrorDetail error", out.FullName())
	}
}

// A bare bool cannot say "not recorded", so none may carry clinical meaning. These are options of requests, and facts
// about the message itself.
func TestBareBooleansAreKnown(t *testing.T) {
	known := []string{
		"SearchPatientsRequest.include_history", "TracePatientsResponse.continues", "ResolveEndpointsResponse.continues",
		"AllergySelection.exclude_ended", "MedicationSelection.exclude_issues", "ImmunisationSelection.include_not_given",
		"ImmunisationSelection.exclude_status", "GetStructuredRecordResponse.continues",
		"RecordOpening.excludes_immunisations_not_given", "GetRecordHtmlResponse.continues", "SearchDocumentsResponse.continues",
		"GetDocumentResponse.continues", "SearchSlotsResponse.continues", "PracticeResult.cut_short",
		"ListAppointmentsResponse.continues", "Provenance.simulated",
	}
	var found []string
	for _, m := range messages(t) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if f.Kind() == protoreflect.BoolKind && !f.HasPresence() {
				found = append(found, string(m.Name())+"."+string(f.Name()))
			}
		}
	}
	for _, name := range found {
		if !slices.Contains(known, name) {
			t.Errorf("%s is a bare bool: absent and false look alike", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(found, name) {
			t.Errorf("%s is no longer there", name)
		}
	}
}
