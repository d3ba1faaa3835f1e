// Package session keeps one encounter one encounter: it binds a `session_id` of an organisation to the user who used it
// first, and to the first NHS Number that was used with it. Whoever comes with the same id for another user or patient is
// told SESSION_MISMATCH, so that a system that mixed up two screens finds out before anything is asked. Each organisation
// has its own ids: the same id of another is another session, and nobody learns which ids others use.
//
// Sessions live in this replica's memory only, and for [Idle] after their last use. Their number is bounded: when it is
// reached, the organisation that has most of them loses the one that it used least recently, whose id is free to be bound
// anew. So an organisation with less than its equal share loses nothing to others.
//
// A session has a [Memory] of what the Spine said of systems while it lasted, which ends with it and is nobody else's: not
// another organisation's, user's, patient's, nor that of a call without a session. Nothing of a patient is remembered but
// who they are.
package session

import (
	"container/list"
	"sync"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Idle is how long a session lives without being used (product.md, CallContext).
const Idle = 15 * time.Minute

// Most is how many sessions a replica remembers: at a few hundred bytes each, tens of megabytes. What they remember takes up to
// 64 MiB more; see [Memory].
const Most = 100_000

// User is to whom a session belongs. The systems of an organisation that name no human are one user.
type User struct {
	Organisation nhs.ODSCode
	// Issuer vouched for the user; System and ID name them there, and are empty for a system.
	Issuer, System, ID string
}

// Sessions are those of one replica. Its methods may be called by many goroutines.
type Sessions struct {
	most int

	mu     sync.Mutex // guards what follows
	shares map[nhs.ODSCode]*share
	// held is how many sessions there are, and size what their answers take together.
	held, size int
}

// share is what one organisation has of a replica.
type share struct {
	by map[string]*list.Element
	// used has every session, the one used most recently in front.
	used *list.List
	// kept has every answer that is remembered, the one kept first in front, and size is what they take together.
	kept *list.List
	size int
}

type session struct {
	id      string
	user    User
	patient nhs.Number // zero until one was named
	last    time.Time
	memory  *Memory
}

// New remembers at most so many sessions; see [Most].
func New(most int) *Sessions {
	return &Sessions{most: max(most, 1), shares: make(map[nhs.ODSCode]*share)}
}

// Use says that a call is part of a session, and gives the call what the session remembers. patient is zero for a call
// that names none. It fails with SESSION_MISMATCH when the session is another's; such a call neither changes the session
// nor keeps it alive.
func (s *Sessions) Use(id string, user User, patient nhs.Number) (*Memory, error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	own := s.shares[user.Organisation]
	if own == nil {
		own = &share{by: make(map[string]*list.Element), used: list.New(), kept: list.New()}
		s.shares[user.Organisation] = own
	}
	place, ok := own.by[id]
	if !ok {
		begun := &session{id: id, user: user, patient: patient, last: now, memory: newMemory(s, own)}
		own.by[id] = own.used.PushFront(begun)
		if s.held++; s.held > s.most {
			s.drop(s.largest(own, func(of *share) int { return of.used.Len() }).used.Back())
		}
		return begun.memory, nil
	}
	bound := at(place)
	if bound.user != user || !patient.IsZero() && !bound.patient.IsZero() && bound.patient != patient {
		return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_SESSION_MISMATCH, nil)
	}
	if bound.patient.IsZero() {
		bound.patient = patient
	}
	bound.last = now
	own.used.MoveToFront(place)
	return bound.memory, nil
}

// largest is the share that has most of something; own, whose addition was too much, if no other has more. The caller holds mu.
func (s *Sessions) largest(own *share, has func(*share) int) *share {
	found := own
	for _, other := range s.shares {
		if has(other) > has(found) {
			found = other
		}
	}
	return found
}

// forget drops the sessions that nobody used for too long, and the shares of organisations that have none. The caller holds
// mu.
func (s *Sessions) forget(now time.Time) {
	for organisation, of := range s.shares {
		for place := of.used.Back(); place != nil && now.Sub(at(place).last) >= Idle; place = of.used.Back() {
			s.drop(place)
		}
		if of.used.Len() == 0 {
			delete(s.shares, organisation)
		}
	}
}

// drop forgets a session and what it remembers. The caller holds mu.
func (s *Sessions) drop(place *list.Element) {
	gone := at(place)
	gone.memory.end()
	delete(gone.memory.share.by, gone.id)
	gone.memory.share.used.Remove(place)
	s.held--
}

func at(place *list.Element) *session {
	known, _ := place.Value.(*session)
	return known
}
