package main

import (
	"crypto/sha256"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// typedStream is a record of one entry, which comes in two pieces.
func typedStream() []*pb.GetStructuredRecordResponse {
	digest := sha256.Sum256([]byte(`{"resourceType":"Patient"}{"resourceType":"Condition"}`))
	return numbered(
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Opening{Opening: &pb.RecordOpening{}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Patient{Patient: &pb.AnswerPatient{Patient: &pb.RecordEntry{Json: []byte(`{"resourceType":"Patient"}`)}}}},
		&pb.GetStructuredRecordResponse{Continues: true, Event: &pb.GetStructuredRecordResponse_Entry{Entry: &pb.RecordEntry{Json: []byte(`{"resourceType":`)}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Entry{Entry: &pb.RecordEntry{ResourceType: "Condition", Json: []byte(`"Condition"}`)}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Index{Index: &pb.AreaIndex{}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Closing{Closing: &pb.RecordClosing{EntriesSha256: digest[:]}}},
	)
}

// bytesStream is a record as the practice's bytes.
func bytesStream() []*pb.GetStructuredRecordResponse {
	digest := sha256.Sum256([]byte("bundle"))
	return numbered(
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Opening{Opening: &pb.RecordOpening{View: pb.RecordView_RECORD_VIEW_FHIR}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Patient{Patient: &pb.AnswerPatient{Patient: &pb.RecordEntry{}}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Chunk{Chunk: &pb.FhirChunk{Data: []byte("bun")}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Chunk{Chunk: &pb.FhirChunk{Offset: 3, Data: []byte("dle")}}},
		&pb.GetStructuredRecordResponse{Event: &pb.GetStructuredRecordResponse_Closing{Closing: &pb.RecordClosing{ContentLength: 6, ContentSha256: digest[:]}}},
	)
}

func numbered(messages ...*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
	next := int32(0)
	for _, m := range messages {
		m.Sequence = next
		if !m.GetContinues() {
			next++
		}
	}
	return messages
}

func checked(messages []*pb.GetStructuredRecordResponse) error {
	c := newRecordCheck()
	for _, m := range messages {
		if _, err := c.take(proto.CloneOf(m)); err != nil {
			return err
		}
	}
	return c.end()
}

func TestRecordCheckJoinsPieces(t *testing.T) {
	c := newRecordCheck()
	for _, m := range typedStream() {
		whole, err := c.take(m)
		if err != nil {
			t.Fatal(err)
		}
		if (whole == nil) != m.GetContinues() {
			t.Errorf("message %d: whole = %v, and continues = %t", m.GetSequence(), whole, m.GetContinues())
		}
		if e := whole.GetEntry(); e != nil && string(e.GetJson()) != `{"resourceType":"Condition"}` {
			t.Errorf("joined to %s", e.GetJson())
		}
	}
	if err := c.end(); err != nil {
		t.Error(err)
	}
}

func TestRecordCheckFindsWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stream []*pb.GetStructuredRecordResponse
		change func([]*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse
		want   string
	}{
		{"nothing, in a typed record", typedStream(), nil, ""},
		{"nothing, in bytes", bytesStream(), nil, ""},
		{"no closing message", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return s[:5]
		}, "without a closing message"},
		{"nothing at all", nil, nil, "without a closing message"},
		{"a lost entry", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return append(s[:2:2], s[4:]...)
		}, "message 3 came where 2 was due"},
		{"a lost piece", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return append(s[:2:2], s[3:]...)
		}, "digest"},
		{"a changed byte", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			s[3].GetEntry().Json[1] = 'X'
			return s
		}, "digest"},
		{"an entry before its patient", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return numbered(append(s[:1:1], s[3:]...)...)
		}, "before it was said whose it is"},
		{"a second patient", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return numbered(append(s[:2:2], s[1:]...)...)
		}, "was due"},
		{"no opening", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return numbered(s[1:]...)
		}, "does not begin"},
		{"something after the closing", typedStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return numbered(append(s, proto.CloneOf(s[4]))...)
		}, "after the closing"},
		{"a gap between bytes", bytesStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			s[3].GetChunk().Offset = 4
			return s
		}, "have a gap"},
		{"lost bytes", bytesStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			return numbered(append(s[:3:3], s[4:]...)...)
		}, "3 bytes came of 6"},
		{"changed bytes", bytesStream(), func(s []*pb.GetStructuredRecordResponse) []*pb.GetStructuredRecordResponse {
			s[2].GetChunk().Data[0] = 'X'
			return s
		}, "digest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream := tt.stream
			if tt.change != nil {
				stream = tt.change(stream)
			}
			err := checked(stream)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("a good record is refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("checked = %v, want %q", err, tt.want)
			}
		})
	}
}
