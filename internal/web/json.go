package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/spinegate/spinegate/internal/policy"
)

// requests are the messages of a request's body: JSON values with nothing but space between them.
type requests struct {
	from    *bounded
	decoder *jsontext.Decoder
	method  *method
	done    bool // the only message of the method was read
}

func read(body io.Reader, m *method) *requests {
	from := &bounded{Reader: body}
	return &requests{from: from, decoder: jsontext.NewDecoder(from), method: m}
}

// next is the next message as a frame, io.EOF after the last. What it refuses is a [refusal]. The decoder refuses what
// protobuf's own would let pass: names that come twice, and text that is not UTF-8.
func (r *requests) next() ([]byte, error) {
	if r.done {
		return nil, io.EOF
	}
	r.from.left = policy.MaxRequest + 1 // to the end, which is not to be taken for too much
	value, err := r.decoder.ReadValue()
	if err != nil {
		return nil, r.unreadable(err)
	}
	message := r.method.request.New().Interface()
	if err := protojson.Unmarshal(value, message); err != nil {
		return nil, refused(http.StatusBadRequest, "json", "json.message",
			"a field that the message does not have, or a value that its field cannot have, at "+place(err))
	}
	if !r.method.requests {
		if _, err := r.decoder.ReadToken(); !errors.Is(err, io.EOF) {
			if err == nil {
				err = errMore
			}
			return nil, r.unreadable(err)
		}
		r.done = true
	}
	frame, err := proto.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	if len(frame) > policy.MaxRequest { // short numbers can be longer than in JSON
		return nil, tooLarge()
	}
	return frame, nil
}

func tooLarge() *refusal {
	return refused(http.StatusRequestEntityTooLarge, "json", "json.size", fmt.Sprintf("a message has at most %d bytes", policy.MaxRequest))
}

var (
	errMore    = errors.New("more than one message")
	errTooMuch = errors.New("too much")
)

// unreadable is why there is no message. Where the caller has gone, or is slow, it is the error of the connection.
func (r *requests) unreadable(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case r.from.failed != nil:
		return r.from.failed
	case errors.Is(err, errTooMuch):
		return tooLarge()
	case errors.Is(err, errMore), errors.Is(err, io.EOF) && !r.method.requests:
		return refused(http.StatusBadRequest, "json", "json.one", "exactly one JSON object is needed")
	case errors.As(err, &syntax):
		return refused(http.StatusBadRequest, "json", "json.syntax",
			fmt.Sprintf("not JSON, or a name that comes twice, at byte %d", syntax.ByteOffset))
	}
	return err
}

// position is all that is told of the decoder's error: the rest quotes the request.
var position = regexp.MustCompile(`\(line (\d+):(\d+)\)`)

func place(err error) string {
	if found := position.FindStringSubmatch(err.Error()); found != nil {
		return "line " + found[1] + ", column " + found[2]
	}
	return "an unknown place"
}

// bounded ends a body where one message has had more than it may.
type bounded struct {
	io.Reader

	left   int
	ended  bool
	failed error // of the connection
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	switch {
	case errors.Is(err, io.EOF):
		b.ended = true
	case err != nil:
		b.failed = err
	}
	return n, err
}

// names are those of the contract.
var names = protojson.MarshalOptions{UseProtoNames: true}

// write is a message as one line of JSON.
func write(frame []byte, m *method) ([]byte, error) {
	message := m.answer.New().Interface()
	if err := proto.Unmarshal(frame, message); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	return line(message)
}

// line is a message without the spaces that protojson puts in at whim, so that nobody relies on them.
func line(m proto.Message) ([]byte, error) {
	text, err := names.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write as JSON: %w", err)
	}
	value := jsontext.Value(text)
	if err := value.Compact(); err != nil {
		return nil, fmt.Errorf("write as JSON: %w", err)
	}
	return value, nil
}

// writeStatus is a google.rpc.Status. Its details are ours and linked in; a status that has others keeps its code and message.
func writeStatus(st *status.Status) []byte {
	full := st.Proto()
	text, err := line(full)
	if err != nil {
		full.Details = []*anypb.Any{}
		text, _ = line(full)
	}
	return text
}
