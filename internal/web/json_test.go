package web

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// sayable is all that is ever said of a body.
var sayable = regexp.MustCompile(`^(a field that the message does not have, or a value that its field cannot have, at line \d+, column \d+` +
	`|not JSON, or a name that comes twice, at byte \d+|exactly one JSON object is needed|a message has at most 1048576 bytes)$`)

// Whatever arrives is a message, or is refused: nothing else, and nothing of it is in what is said.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", `{"start":{}}`, `{"item":{"item_id":"a","nhs_number":"9990000018"}}`, `{"item":{"item_id":"a","item_id":"b"}}`,
		`{"start":{}} {"item":{}}`, "{\"item\":{\"item_id\":\"\xff\"}}", `{"start":{"context":{"purpose":1e400}}}`, `{"start":null}`, `null`, `{"\ud800":1}`,
	} {
		f.Add([]byte(seed))
	}
	m, err := findMethod(pb.PatientTrace_TracePatients_FullMethodName)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for r := read(bytes.NewReader(body), m); ; {
			frame, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if unfit, ok := errors.AsType[*refusal](err); ok {
				said := unfit.fault.Violations[0].GetDescription()
				if !sayable.MatchString(said) {
					t.Errorf("it says %q", said)
				}
				return
			}
			if err != nil {
				t.Fatalf("neither a message nor refused: %v", err)
			}
			if err := proto.Unmarshal(frame, new(pb.TracePatientsRequest)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
