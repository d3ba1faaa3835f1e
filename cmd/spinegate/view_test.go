package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// TestViews shows messages that the sandbox does not send: values of a newer gateway, texts that want to steer the
// terminal, what is missing.
func TestViews(t *testing.T) {
	files, err := filepath.Glob("testdata/view/*.txtpb")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtpb"), func(t *testing.T) {
			var out bytes.Buffer
			p := newPage(&out)
			show(t, p, messages(t, file))
			golden := strings.TrimSuffix(file, ".txtpb") + ".golden"
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

var messageName = regexp.MustCompile(`^# proto-message: (\S+)\n`)

// messages reads one message, or several with --- between them.
func messages(t *testing.T, file string) []proto.Message {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	named := messageName.FindSubmatch(raw)
	if named == nil {
		t.Fatalf("%s does not name its message", file)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(named[1]))
	if err != nil {
		t.Fatal(err)
	}
	var all []proto.Message
	for part := range strings.SplitSeq(string(raw), "\n---\n") {
		m := kind.New().Interface()
		if err := prototext.Unmarshal([]byte(part), m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// show shows messages as their commands do.
func show(t *testing.T, p *page, messages []proto.Message) {
	t.Helper()
	record, slots := newRecordView(p, 0), newSlotsView(p, true)
	slots.elapsed = func() time.Duration { return 1500 * time.Millisecond }
	for _, m := range messages {
		switch m := m.(type) {
		case *pb.GetStructuredRecordResponse:
			record.take(m)
		case *pb.SearchSlotsResponse:
			slots.take(m)
		case *pb.GetCapabilitiesResponse:
			showCapabilities(p, m)
		case *pb.TracePatientResponse:
			showTrace(p, m)
		case *pb.SearchPatientsResponse:
			showMatches(p, m)
		case *pb.BookAppointmentResponse:
			showBooking(p, m)
		default:
			t.Fatalf("nothing shows a %T", m)
		}
	}
}
