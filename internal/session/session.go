// Package session keeps one encounter one encounter: it binds a `session_id` to the organisation and user who used it
// first, and to the first NHS Number that was used with it. Whoever comes with the same id for another organisation, user
// or patient is told SESSION_MISMATCH, so that a system that mixed up two screens finds out before anything is asked.
//
// Sessions live in this replica's memory only, and for [Idle] after their last use. Their number is bounded: when it is
// reached, the session that was used least recently is forgotten, and its id is free to be bound anew.
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

// Most is how many sessions a replica remembers: at a few hundred bytes each, tens of megabytes.
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

	mu sync.Mutex // guards what follows
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
	return &Sessions{most: max(most, 1), by: make(map[string]*list.Element), used: list.New(), kept: list.New()}
}

// Use says that a call is part of a session, and gives the call what the session remembers. patient is zero for a call
// that names none. It fails with SESSION_MISMATCH when the session is another's; such a call neither changes the session
// nor keeps it alive.
func (s *Sessions) Use(id string, user User, patient nhs.Number) (*Memory, error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	place, ok := s.by[id]
	if !ok {
		begun := &session{id: id, user: user, patient: patient, last: now, memory: newMemory(s)}
		s.by[id] = s.used.PushFront(begun)
		if s.used.Len() > s.most {
			s.drop(s.used.Back())
		}
		return begun.memory, nil
	}
	bound := of(place)
	if bound.user != user || !patient.IsZero() && !bound.patient.IsZero() && bound.patient != patient {
		return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_SESSION_MISMATCH, nil)
	}
	if bound.patient.IsZero() {
		bound.patient = patient
	}
	bound.last = now
	s.used.MoveToFront(place)
	return bound.memory, nil
}

// forget drops the sessions that nobody used for too long. The caller holds mu.
func (s *Sessions) forget(now time.Time) {
	for place := s.used.Back(); place != nil && now.Sub(of(place).last) >= Idle; place = s.used.Back() {
		s.drop(place)
	}
}

// drop forgets a session and what it remembers. The caller holds mu.
func (s *Sessions) drop(place *list.Element) {
	of(place).memory.end()
	delete(s.by, of(place).id)
	s.used.Remove(place)
}

func of(place *list.Element) *session {
	known, _ := place.Value.(*session)
	return known
}
