package session

import (
	"container/list"
	"context"
	"sync/atomic"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Life is how long an answer may be used again after it was received, however often it is used (trust contract, 4.2).
const Life = 15 * time.Minute

// How much is remembered, as those who keep answers reckon them: by one session, and by all of a replica together. What
// does not fit makes the answers go that were kept first: of the session, or of the organisation whose answers take most.
const (
	mostOfOne = 1 << 20
	mostInAll = 64 << 20
)

// Kind is what an answer is.
type Kind int

// The kinds of answer that may be remembered: what the Spine and practices say of systems. Nothing about a patient is
// among them, and nothing that says that something is not there (SDS contract, A11).
const (
	// Route is which system serves an interaction for an organisation.
	Route Kind = iota + 1
	// Statement is the capability statement behind an interaction.
	Statement
	// Sender is the consumer's own system for an interaction.
	Sender
)

// String names the kind, as evidence has it.
func (k Kind) String() string {
	return [...]string{"", "ROUTE", "STATEMENT", "SENDER"}[k]
}

// Key says what an answer is about. Organisation, user and patient of the session need not be in it, for each session has
// a memory of its own; nor need the environment, for a gateway has one.
type Key struct {
	Kind        Kind
	ODS         nhs.ODSCode
	Interaction nhs.Interaction
}

// Memory is what one session remembers. It is safe for concurrent use. The nil Memory is that of a call without a session:
// it remembers nothing.
type Memory struct {
	of    *Sessions
	share *share

	// What follows is guarded by of.mu.
	answers map[Key]*answer
	order   *list.List // of answers, the one kept first in front
	size    int
	ended   bool
}

type answer struct {
	memory *Memory
	key    Key
	value  any
	at     time.Time // when it was received
	size   int
	// own is its place among the session's answers, all that among the organisation's.
	own, all *list.Element
}

func newMemory(of *Sessions, share *share) *Memory {
	return &Memory{of: of, share: share, answers: map[Key]*answer{}, order: list.New()}
}

// Recall is what a session remembers about a key. It is shared: nobody may change it.
func Recall[V any](m *Memory, k Key) (V, bool) {
	var none V
	if m == nil {
		return none, false
	}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	known := m.answers[k]
	if known == nil {
		return none, false
	}
	if time.Since(known.at) >= Life {
		known.forget()
		return none, false
	}
	value, ok := known.value.(V)
	return value, ok
}

// Keep remembers an answer that was received at a time and takes so many bytes, unless something is remembered in its
// place: that may be the answer to a later question.
func (m *Memory) Keep(k Key, value any, at time.Time, size int) { m.keep(k, value, at, size, false) }

// Replace is Keep for an answer that was asked for because what is remembered is wrong.
func (m *Memory) Replace(k Key, value any, at time.Time, size int) { m.keep(k, value, at, size, true) }

func (m *Memory) keep(k Key, value any, at time.Time, size int, replace bool) {
	if m == nil {
		return
	}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	known := m.answers[k]
	if m.ended || size > mostOfOne || known != nil && !replace && time.Since(known.at) < Life {
		return
	}
	if known != nil {
		known.forget()
	}
	a := &answer{memory: m, key: k, value: value, at: at, size: size}
	a.own, a.all = m.order.PushBack(a), m.share.kept.PushBack(a)
	m.answers[k] = a
	m.size += size
	m.share.size += size
	m.of.size += size
	for m.size > mostOfOne {
		first(m.order).forget()
	}
	for m.of.size > mostInAll {
		first(m.of.largest(m.share, func(of *share) int { return of.size }).kept).forget()
	}
}

// Drop forgets everything about an organisation: where one of its systems is not what was remembered, the others may have
// moved with it.
func (m *Memory) Drop(ods nhs.ODSCode) {
	if m == nil {
		return
	}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	for k, a := range m.answers {
		if k.ODS == ods {
			a.forget()
		}
	}
}

// end forgets everything, for good: a call that outlives its session keeps nothing. The caller holds of.mu.
func (m *Memory) end() {
	m.ended = true
	for _, a := range m.answers {
		a.forget()
	}
}

// forget takes an answer out. The caller holds of.mu.
func (a *answer) forget() {
	m := a.memory
	delete(m.answers, a.key)
	m.order.Remove(a.own)
	m.share.kept.Remove(a.all)
	m.size -= a.size
	m.share.size -= a.size
	m.of.size -= a.size
}

func first(of *list.List) *answer {
	a, _ := of.Front().Value.(*answer)
	return a
}

// place is where a call finds its memory: a stream learns which session it is part of when its context is long made.
type place struct{ memory atomic.Pointer[Memory] }

type placeKey struct{}

// NewContext gives a context a place for the memory of the session that the call turns out to be part of.
func NewContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, placeKey{}, &place{})
}

// Enter says which memory the call of ctx has.
func Enter(ctx context.Context, m *Memory) {
	if p, ok := ctx.Value(placeKey{}).(*place); ok {
		p.memory.Store(m)
	}
}

// FromContext is the memory of the call that ctx belongs to; nil for one without a session.
func FromContext(ctx context.Context) *Memory {
	p, ok := ctx.Value(placeKey{}).(*place)
	if !ok {
		return nil
	}
	return p.memory.Load()
}
