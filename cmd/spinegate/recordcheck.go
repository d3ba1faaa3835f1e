package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// recordCheck is what a careful client does with a record: it holds every message against what the contract promises of
// the stream, and in the end the bytes that arrived against the digests.
type recordCheck struct {
	next    int32
	started bool // pieces of item next have come, and more follow
	joined  []byte

	entries hash.Hash // over the JSON of patient and entries
	content hash.Hash // over the practice's bytes
	length  int64

	opening *pb.RecordOpening
	patient *pb.AnswerPatient
	closing *pb.RecordClosing
}

func newRecordCheck() *recordCheck {
	return &recordCheck{entries: sha256.New(), content: sha256.New()}
}

// take checks a message. It returns the message whole, with the bytes of earlier pieces, once there are no more of them.
func (c *recordCheck) take(m *pb.GetStructuredRecordResponse) (*pb.GetStructuredRecordResponse, error) {
	if err := c.order(m); err != nil {
		return nil, err
	}
	entry := m.GetEntry()
	if m.GetPatient() != nil {
		entry = m.GetPatient().GetPatient()
	}
	if entry != nil {
		c.entries.Write(entry.GetJson())
		c.joined = append(c.joined, entry.GetJson()...)
	}
	c.started = m.GetContinues()
	if c.started {
		return nil, nil
	}
	c.next++
	if entry != nil {
		entry.Json, c.joined = c.joined, nil
	}
	switch e := m.GetEvent().(type) {
	case *pb.GetStructuredRecordResponse_Opening:
		c.opening = e.Opening
	case *pb.GetStructuredRecordResponse_Patient:
		c.patient = e.Patient
	case *pb.GetStructuredRecordResponse_Chunk:
		if e.Chunk.GetOffset() != c.length {
			return nil, fmt.Errorf("the practice's bytes have a gap: %d came, the next begin at %d", c.length, e.Chunk.GetOffset())
		}
		c.content.Write(e.Chunk.GetData())
		c.length += int64(len(e.Chunk.GetData()))
	case *pb.GetStructuredRecordResponse_Closing:
		c.closing = e.Closing
	}
	return m, nil
}

// order checks what stands where. Nothing clinical may come before it is known whose it is.
func (c *recordCheck) order(m *pb.GetStructuredRecordResponse) error {
	clinical := m.GetEntry() != nil || m.GetChunk() != nil || m.GetIndex() != nil
	switch {
	case m.GetSequence() != c.next:
		return fmt.Errorf("message %d came where %d was due", m.GetSequence(), c.next)
	case c.closing != nil:
		return errors.New("a message came after the closing one")
	case (m.GetOpening() != nil) != (c.next == 0):
		return errors.New("the stream does not begin with what was asked")
	case m.GetPatient() != nil && c.patient != nil:
		return errors.New("the stream says twice whose record it is")
	case clinical && c.patient == nil:
		return errors.New("a part of a record came before it was said whose it is")
	}
	return nil
}

// end checks that the stream, which ended with OK, is what it says.
func (c *recordCheck) end() error {
	switch {
	case c.closing == nil:
		return errNoAnswer
	case c.fhir() && c.length != c.closing.GetContentLength():
		return fmt.Errorf("%d bytes came of %d", c.length, c.closing.GetContentLength())
	case c.fhir() && !bytes.Equal(c.content.Sum(nil), c.closing.GetContentSha256()):
		return errors.New("the practice's bytes do not have the digest that the gateway gave")
	case !c.fhir() && !bytes.Equal(c.entries.Sum(nil), c.closing.GetEntriesSha256()):
		return errors.New("the entries do not have the digest that the gateway gave")
	}
	return nil
}

func (c *recordCheck) fhir() bool { return c.opening.GetView() == pb.RecordView_RECORD_VIEW_FHIR }
