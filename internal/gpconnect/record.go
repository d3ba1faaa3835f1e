package gpconnect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Record is a structured record as it arrives (6). It is read with Next until [io.EOF], as a sequence of events:
//
//	Patient, then entries in the provider's order, each followed by its Warnings, then Tail, a Warning about subjects if
//	there is one, Index pieces, Summary.
//
// Entries are held back until the answer's Patient was seen and is the one asked for. Until then nothing is released; after
// that nothing is released before it was checked. If an entry is about somebody else the next error is WRONG_PATIENT. A
// Summary comes if, and only if, the Bundle was closed properly.
//
// A Record is not safe for concurrent use. It must be closed.
type Record struct {
	// Response tells how the answer came.
	Response *spine.Response

	bundle *fhir.BundleReader
	gate   *gate
	ledger *ledger

	limit    int64 // bytes that may be held
	pool     *pool
	reserved int64 // bytes taken from the pool

	patient  *Patient
	practice practiceReference
	queue    []Event
	err      error
}

// heldOverhead is what an entry costs beside its bytes and notes while it is held.
const heldOverhead = 1 << 10

// Behind the Patient often stands the Organization that its practice is: a few entries more are held so that the Patient
// can be told with it, and no more, so that a reader does not wait for them.
const (
	lookAheadEntries = 4
	lookAheadBytes   = 16 << 10
)

// RecordRequest is what is asked of a patient's record.
type RecordRequest struct {
	Number nhs.Number
	// Selection must satisfy its Check for the Version.
	Selection Selection
	// Version is what the practice claims; the zero Version is unknown.
	Version Version
}

// Record asks for a structured record. What it fails with is about the request, or the practice's refusal of it; what is
// wrong with an answer is told by Next.
func (c *Client) Record(ctx context.Context, to Target, q RecordRequest) (*Record, error) {
	if err := q.Selection.Check(q.Version, time.Now()); err != nil {
		return nil, err
	}
	body, err := q.Selection.encode(q.Number)
	if err != nil {
		return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, err)
	}
	response, err := c.call(ctx, to, nhs.GetStructuredRecord, "", nil, body)
	if err != nil {
		return nil, fmt.Errorf("ask for a structured record: %w", err)
	}
	r := c.newRecord(response.Body, q.Number, q.Selection)
	r.Response = response
	return r, nil
}

func (c *Client) newRecord(body io.Reader, number nhs.Number, s Selection) *Record {
	return &Record{
		bundle: fhir.NewBundleReader(body, c.limits), gate: newGate(number), ledger: newLedger(s), limit: c.held, pool: c.pool,
	}
}

var errClosed = errors.New("the record was closed before its end")

// Close gives up what is unread and frees the connection. It may be called again.
func (r *Record) Close() error {
	r.queue = nil
	r.release()
	if r.err == nil {
		r.err = errClosed
	}
	if r.Response == nil {
		return nil
	}
	return r.Response.Body.Close()
}

// Header is what the Bundle has said about itself so far.
func (r *Record) Header() fhir.Header { return r.bundle.Header() }

// Next is the next event, [io.EOF] after the Summary, or why there is no more. An error repeats.
func (r *Record) Next() (Event, error) {
	for len(r.queue) == 0 {
		if r.err != nil {
			return nil, r.err
		}
		var err error
		if r.patient == nil {
			err = r.hold()
		} else {
			r.release()
			err = r.flow()
		}
		if err != nil {
			r.queue, r.err = nil, err
			r.release()
		}
	}
	event := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	return event, nil
}

// hold reads until the Patient has passed and queues it, and then what was held.
func (r *Record) hold() error {
	var held []Event
	ahead, room := 0, int64(lookAheadBytes)
	for r.patient == nil || ahead < lookAheadEntries && room > 0 && !r.practiceKnown() {
		e, warnings, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		cost := e.Held() + heldOverhead
		if err := r.reserve(cost); err != nil {
			if r.patient == nil {
				return err
			}
			room = 0 // whom the record is about is known: this entry is the last that is held
		}
		entry := &Entry{Entry: e.Clone()}
		switch {
		case r.patient != nil:
			ahead, room = ahead+1, room-cost
		case r.gate.open():
			entry.Told = true
			r.patient, r.practice = newPatient(r.gate.asked, entry)
		}
		held = append(held, entry)
		for _, w := range warnings {
			held = append(held, w)
		}
	}
	if r.patient == nil {
		_, err := r.gate.end()
		return err
	}
	if known, ok := r.ledger.practice(r.practice); ok {
		r.patient.Practice = known
	}
	r.queue = append(append(r.queue, r.patient), held...)
	return nil
}

// practiceKnown reports that waiting for the Patient's practice is over, or never made sense.
func (r *Record) practiceKnown() bool {
	_, known := r.ledger.practice(r.practice)
	return known || r.practice.to == ""
}

// flow reads one entry and queues it with its warnings; at the end, what ends a record.
func (r *Record) flow() error {
	e, warnings, err := r.next()
	if errors.Is(err, io.EOF) {
		return r.finish()
	}
	if err != nil {
		return err
	}
	r.queue = append(r.queue[:0], &Entry{Entry: e})
	for _, w := range warnings {
		r.queue = append(r.queue, w)
	}
	return nil
}

// next reads one entry and checks it. Nothing of an entry may be released that did not come from here without an error.
func (r *Record) next() (*fhir.Entry, []*Warning, error) {
	e, err := r.bundle.Next()
	if errors.Is(err, io.EOF) {
		if err := r.gate.tail(r.bundle.TailNotes()); err != nil {
			return nil, nil, err
		}
		return nil, nil, io.EOF
	}
	if err != nil {
		return nil, nil, unusable(err)
	}
	if err := r.gate.check(e); err != nil {
		return nil, nil, err
	}
	warnings, err := r.ledger.note(e)
	return e, warnings, err
}

// finish queues what ends a record whose Bundle was closed.
func (r *Record) finish() error {
	unresolved, err := r.gate.end()
	if err != nil {
		return err
	}
	r.queue = append(r.queue[:0], &Tail{Raw: r.bundle.Tail()})
	if unresolved > 0 {
		w := &Warning{Kind: SubjectUnresolved, Position: -1, Total: unresolved}
		r.ledger.warn(w)
		r.queue = append(r.queue, w)
	}
	indexes, summary := r.ledger.close()
	for _, i := range indexes {
		r.queue = append(r.queue, i)
	}
	summary.Length, summary.SHA256 = r.bundle.Length(), r.bundle.SHA256()
	summary.Practice = r.patient.Practice
	if known, ok := r.ledger.practice(r.practice); ok {
		summary.Practice = known
	}
	r.queue, r.err = append(r.queue, summary), io.EOF
	return nil
}

// reserve takes room for what is to be held.
func (r *Record) reserve(n int64) error {
	if r.reserved+n > r.limit {
		return fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_PATIENT_NOT_SEEN, nil)
	}
	if !r.pool.take(n) {
		e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_OVERLOADED, nil)
		e.RetryAfter = time.Second
		return e
	}
	r.reserved += n
	return nil
}

// release gives the room back.
func (r *Record) release() {
	r.pool.give(r.reserved)
	r.reserved = 0
}
