package audit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Errors of a Record's own; all others mean that the trail could not be written.
var (
	// ErrNoRecord says that a call runs without a record, so it must not run.
	ErrNoRecord = errors.New("the call has no audit record")
	// ErrNoCaller says that something was about to be accessed for nobody.
	ErrNoCaller = errors.New("the call's audit record names no caller")
	// ErrEnded says that the record has its outcome already.
	ErrEnded = errors.New("the call's audit record has ended")
)

// Call is what is known of a call when it arrives.
type Call struct {
	// Method is the full name of what is called, such as /spinegate.v1.PatientTrace/TracePatient.
	Method string
	// Trace is the W3C trace id, or empty.
	Trace string
	// Peer is the network address that it came from, without the port.
	Peer string
}

// Record carries one call through the trail. It is opened in memory, filled in as the call is understood, and commits
// its entries when they are due. All methods are safe for concurrent use, and on a nil Record the setters do nothing
// while everything that commits fails with [ErrNoRecord].
type Record struct {
	store *Store
	begun time.Time

	mu      sync.Mutex // guards what follows, and the order in which entries are enqueued
	entry   Entry      // what the next entry repeats
	attempt *appended  // nil until it is enqueued
	found   Outcome    // what was found out for the OUTCOME (findings.go)
	ended   bool
}

// Begin opens the record of a call, in memory: nothing is written before Attempt or Outcome.
func (s *Store) Begin(c Call) *Record {
	return &Record{store: s, begun: time.Now(), entry: Entry{
		Call: uuid.NewString(), Trace: c.Trace, Method: c.Method, Peer: c.Peer,
	}}
}

// ID is the id of the call in the trail; empty for a nil Record.
func (r *Record) ID() string {
	if r == nil {
		return ""
	}
	return r.entry.Call // never changes
}

// SetCaller says who asks.
func (r *Record) SetCaller(c Caller) {
	c.Scopes = slices.Clone(c.Scopes)
	r.set(func(e *Entry) { e.Caller = c })
}

// SetSubject says which patient the call is about.
func (r *Record) SetSubject(n nhs.Number) { r.set(func(e *Entry) { e.Subject = n }) }

// SetPractice says which practice it is about, once that is known.
func (r *Record) SetPractice(c nhs.ODSCode) { r.set(func(e *Entry) { e.Practice = c }) }

// SetContext says why and from where, in the caller's words.
func (r *Record) SetContext(c Context) { r.set(func(e *Entry) { e.Context = c }) }

// SetAsked says what is asked for: clinical areas, interactions.
func (r *Record) SetAsked(what ...string) {
	what = slices.Clone(what)
	r.set(func(e *Entry) { e.Asked = what })
}

// SetPolicy says by which version of the policy table the call is judged.
func (r *Record) SetPolicy(version string) { r.set(func(e *Entry) { e.Policy = version }) }

// set changes what the entries to come repeat; those already written stay as they were.
func (r *Record) set(change func(*Entry)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.entry)
}

// Attempt returns once the ATTEMPT is durable: only then may a byte go upstream. The first caller commits it, others
// wait for the same commit, later ones return at once. A caller must have been set. When it has failed it stays failed.
func (r *Record) Attempt(ctx context.Context) error {
	if r == nil {
		return ErrNoRecord
	}
	r.mu.Lock()
	attempt, err := r.enqueueAttempt()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = attempt.wait(ctx)
	return err
}

// Access returns once the ACCESS (and, before it, the ATTEMPT) is durable: only then may the request's bytes go.
func (r *Record) Access(ctx context.Context, a Access) error {
	return r.commit(ctx, Entry{Kind: KindAccess, Access: &a})
}

// Failure returns once the FAILURE (and, before it, the ATTEMPT) is durable: only then may the caller be told that the item
// failed. The call goes on.
func (r *Record) Failure(ctx context.Context, f Failure) error {
	return r.commit(ctx, Entry{Kind: KindFailure, Failure: &f})
}

// Release returns once the RELEASE (and, before it, the ATTEMPT) is durable: only then may clinical bytes leave.
func (r *Record) Release(ctx context.Context, rel Release) error {
	return r.commit(ctx, Entry{Kind: KindRelease, Release: &rel})
}

// Outcome ends the record, exactly once: later commits fail with [ErrEnded]. It returns once the OUTCOME is durable (and
// the ATTEMPT, if the call never came so far): only then may the reply leave. Give it a context of its own with a short
// timeout, since the call's may have been cancelled.
//
// A call that ends before its caller is known is recorded in full up to a rate for each peer; beyond it nil is returned
// and the call is counted, in memory, in a summary that is written within [summaryEvery].
func (r *Record) Outcome(ctx context.Context, o Outcome) error {
	if r == nil {
		return ErrNoRecord
	}
	if o.Duration == 0 {
		o.Duration = time.Since(r.begun)
	}
	r.complete(&o)
	if r.counted(o) { //nolint:contextcheck // summaries are written in the store's own time, not in a call's
		return nil
	}
	return r.commit(ctx, Entry{Kind: KindOutcome, Outcome: &o})
}

// counted ends the record of a flood's call without entries.
func (r *Record) counted(o Outcome) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.attempt != nil || !r.entry.Caller.Organisation.IsZero() || r.store.refusals.admit(r.entry.Peer, o.Reason) {
		return false
	}
	r.ended = true
	return true
}

// commit enqueues an entry behind the ATTEMPT, which may be in the same transaction, and waits for both.
func (r *Record) commit(ctx context.Context, e Entry) error {
	if r == nil {
		return ErrNoRecord
	}
	attempt, entry, err := r.enqueue(e)
	if err != nil {
		return err
	}
	if _, err := attempt.wait(ctx); err != nil {
		return err
	}
	_, err = entry.wait(ctx)
	return err
}

func (r *Record) enqueue(e Entry) (attempt, entry appended, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return appended{}, appended{}, ErrEnded
	}
	if e.Kind == KindOutcome {
		r.ended = true
		// A refusal is evidence also where nobody is known, or where the first attempt could not be written.
		if r.attempt == nil || r.attempt.err() != nil {
			attempt, err = r.enqueueEntry(Entry{Kind: KindAttempt})
			r.attempt = &attempt
		}
	} else {
		_, err = r.enqueueAttempt()
	}
	if err != nil {
		return appended{}, appended{}, err
	}
	entry, err = r.enqueueEntry(e)
	return *r.attempt, entry, err
}

// enqueueAttempt enqueues the ATTEMPT if nobody has yet. The caller holds mu.
func (r *Record) enqueueAttempt() (appended, error) {
	switch {
	case r.ended:
		return appended{}, ErrEnded
	case r.attempt != nil:
		return *r.attempt, r.attempt.err()
	case r.entry.Caller.Organisation.IsZero():
		return appended{}, ErrNoCaller
	}
	attempt, err := r.enqueueEntry(Entry{Kind: KindAttempt})
	if err != nil {
		return appended{}, err
	}
	r.attempt = &attempt
	return attempt, nil
}

// enqueueEntry completes an entry with what the record knows now. The caller holds mu.
func (r *Record) enqueueEntry(e Entry) (appended, error) {
	full := r.entry
	full.Kind, full.Access, full.Failure, full.Release, full.Outcome = e.Kind, e.Access, e.Failure, e.Release, e.Outcome
	return r.store.enqueue(full)
}

type recordKey struct{}

// NewContext gives a context the record of its call.
func NewContext(ctx context.Context, r *Record) context.Context {
	return context.WithValue(ctx, recordKey{}, r)
}

// FromContext is the record of the call that ctx belongs to, or nil.
func FromContext(ctx context.Context) *Record {
	r, _ := ctx.Value(recordKey{}).(*Record)
	return r
}
