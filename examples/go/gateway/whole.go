package gateway

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Whole checks that a stream is in order and has its end. Every stream of the gateway has this one shape.
type Whole struct {
	next   int32
	closed bool
}

// Message is what the messages of all streams have.
type Message interface {
	GetSequence() int32
	GetContinues() bool
}

// Take checks the next message. Pieces of one large item share a number.
func (w *Whole) Take(m Message, closing bool) error {
	if w.closed || m.GetSequence() != w.next {
		return fmt.Errorf("message %d came where %d was due", m.GetSequence(), w.next)
	}
	if !m.GetContinues() {
		w.next++
	}
	w.closed = closing
	return nil
}

// End checks a stream that ended with OK.
func (w *Whole) End() error {
	if !w.closed {
		return errors.New("the stream has no closing message: it is not whole")
	}
	return nil
}

// Record checks a record stream, and in the end what arrived against the digest that the gateway gave. A record is whole if
// End finds nothing and the closing message's verdict is VERDICT_WHOLE.
type Record struct {
	whole            Whole
	entries, content hash.Hash
	fhir             bool
	Closing          *pb.RecordClosing
}

// NewRecord begins with nothing.
func NewRecord() *Record { return &Record{entries: sha256.New(), content: sha256.New()} }

// Take checks the next message.
func (r *Record) Take(m *pb.GetStructuredRecordResponse) error {
	if err := r.whole.Take(m, m.GetClosing() != nil); err != nil {
		return err
	}
	switch e := m.GetEvent().(type) {
	case *pb.GetStructuredRecordResponse_Opening:
		r.fhir = e.Opening.GetView() == pb.RecordView_RECORD_VIEW_FHIR
	case *pb.GetStructuredRecordResponse_Patient:
		r.entries.Write(e.Patient.GetPatient().GetJson())
	case *pb.GetStructuredRecordResponse_Entry:
		r.entries.Write(e.Entry.GetJson())
	case *pb.GetStructuredRecordResponse_Chunk:
		r.content.Write(e.Chunk.GetData())
	case *pb.GetStructuredRecordResponse_Closing:
		r.Closing = e.Closing
	}
	return nil
}

// End checks a stream that ended with OK. It returns the digest that was compared: entries_sha256 or content_sha256.
func (r *Record) End() (string, error) {
	if err := r.whole.End(); err != nil {
		return "", err
	}
	name, got, said := "entries_sha256", r.entries, r.Closing.GetEntriesSha256()
	if r.fhir {
		name, got, said = "content_sha256", r.content, r.Closing.GetContentSha256()
	}
	if !bytes.Equal(got.Sum(nil), said) {
		return "", errors.New("what arrived does not have the digest that the gateway gave: " + name)
	}
	return name, nil
}
