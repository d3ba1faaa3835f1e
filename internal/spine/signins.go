package spine

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// mostSignIns is how many clinicians' tokens are held.
	mostSignIns = 10_000
	// sweepEvery is how often those are forgotten that are of no use any more. One that was used since the last time may be
	// in the middle of a fetch and stays.
	sweepEvery = time.Minute
)

// signIns are the clinicians who are signed in, by organisation and the digest of their ID token: nobody gets a token of a
// sign-in of another organisation, nor of one that they do not hold the proof of.
type signIns struct {
	mu    sync.Mutex // guards what follows
	of    map[[sha256.Size]byte]*signIn
	swept time.Time
}

// signIn is one clinician's, from sign-in to the end of the session.
type signIn struct {
	pass

	used, expires time.Time // the latter of the ID token; both guarded by signIns.mu

	renewing sync.Mutex // guards what follows
	refresh  string
	until    time.Time // when it is good no more
}

// keyOf is by what a worker's sign-in is found.
func keyOf(w *Worker) [sha256.Size]byte {
	return sha256.Sum256([]byte(w.Organisation.String() + "\x00" + w.IDToken.Reveal()))
}

// find is the sign-in of a worker, which is begun if need be.
func (s *signIns) find(w *Worker) *signIn {
	now, key := time.Now(), keyOf(w)
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) >= sweepEvery {
		s.sweep(now)
	}
	found := s.of[key]
	if found == nil {
		if len(s.of) >= mostSignIns {
			s.forgetOne()
		}
		if s.of == nil {
			s.of = map[[sha256.Size]byte]*signIn{}
		}
		found = &signIn{expires: w.Expires}
		s.of[key] = found
	}
	found.used = now
	return found
}

// drop forgets a token of a worker that was refused.
func (s *signIns) drop(w *Worker, token string) {
	s.mu.Lock()
	found := s.of[keyOf(w)]
	s.mu.Unlock()
	if found != nil {
		found.drop(token)
	}
}

// sweep forgets those whose ID token, refresh token and access token have all ended. The caller holds mu.
func (s *signIns) sweep(now time.Time) {
	s.swept = now
	for key, each := range s.of {
		if now.Sub(each.used) > sweepEvery && now.After(each.expires) && each.refreshToken() == "" && each.left() <= 0 {
			delete(s.of, key)
		}
	}
}

// forgetOne makes room: it forgets the one that was not used for the longest time, of those whose ID token can be exchanged
// again if there are any. The others would have to sign in. The caller holds mu.
func (s *signIns) forgetOne() {
	now := time.Now()
	var least *signIn
	var at [sha256.Size]byte
	for key, each := range s.of {
		again, leastAgain := now.Before(each.expires), least != nil && now.Before(least.expires)
		if least == nil || again && !leastAgain || again == leastAgain && each.used.Before(least.used) {
			least, at = each, key
		}
	}
	delete(s.of, at)
}

// keep remembers what a session can be refreshed with, and for how long after the sign-in at most.
func (s *signIn) keep(g grant, signedIn time.Time) {
	s.renewing.Lock()
	defer s.renewing.Unlock()
	s.refresh, s.until = g.refresh, g.refreshUntil
	if end := signedIn.Add(LongestSession); end.Before(s.until) {
		s.until = end
	}
}

// refreshToken is what the session can be refreshed with now; empty if nothing.
func (s *signIn) refreshToken() string {
	s.renewing.Lock()
	defer s.renewing.Unlock()
	if time.Until(s.until) <= 0 {
		return ""
	}
	return s.refresh
}
