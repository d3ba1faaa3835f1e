package audit

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A call without a caller costs its sender nothing, so what it may cost us is bounded: full entries up to these rates,
// counts beyond. The bound over all peers holds where the flood has many addresses.
const (
	peerRate, peerBurst   = rate.Limit(1), 20
	totalRate, totalBurst = rate.Limit(50), 200
	// summaryEvery is how long a count may stay in memory: what a crash can lose.
	summaryEvery = 10 * time.Second
	// maxPeers bounds what is remembered; peers beyond it share one place.
	maxPeers = 10_000
	// maxSummaries bounds what is written at a time; senders beyond it share one entry.
	maxSummaries = 20
	// manyPeers is the name of what is shared.
	manyPeers = "(others)"
)

// refusals decides which calls without a caller are recorded in full, and counts the others.
type refusals struct {
	store *Store

	mu     sync.Mutex // guards what follows
	total  *rate.Limiter
	peers  map[string]*peer
	timer  *time.Timer // set while something is counted and not yet written
	closed bool
	writes sync.WaitGroup // of timers that fired
}

// peer is one sender: its allowance, and what is counted beyond it.
type peer struct {
	limit   *rate.Limiter
	since   time.Time
	count   int
	reasons map[string]int
}

func newRefusals(s *Store) *refusals {
	return &refusals{store: s, total: rate.NewLimiter(totalRate, totalBurst), peers: make(map[string]*peer)}
}

// admit reports whether the call is to be recorded in full; if not, it has been counted.
func (f *refusals) admit(from, reason string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peer(from)
	if f.closed || p.limit.Allow() && f.total.Allow() {
		return true
	}
	if p.count == 0 {
		p.since, p.reasons = time.Now(), make(map[string]int)
	}
	p.count++
	p.reasons[reason]++
	if f.timer == nil {
		f.writes.Add(1)
		f.timer = time.AfterFunc(summaryEvery, func() {
			defer f.writes.Done()
			f.summarise()
		})
	}
	return false
}

// peer finds or remembers a sender. The caller holds mu.
func (f *refusals) peer(from string) *peer {
	p := f.peers[from]
	if p == nil && len(f.peers) >= maxPeers {
		from = manyPeers
		p = f.peers[from]
	}
	if p == nil {
		p = &peer{limit: rate.NewLimiter(peerRate, peerBurst)}
		f.peers[from] = p
	}
	return p
}

// summarise writes what is counted.
func (f *refusals) summarise() {
	for _, e := range f.collect() {
		// A summary that cannot be written has nobody to be told to: the store itself is unhealthy by then.
		_, _ = f.store.Append(context.Background(), e)
	}
}

// collect takes the counts: an entry for each of the worst senders and one for all others. It forgets the senders that
// have been quiet long enough to have their whole allowance again.
func (f *refusals) collect() []Entry {
	now := time.Now()
	var counted []Entry
	f.mu.Lock()
	f.timer = nil
	for from, p := range f.peers {
		if p.count > 0 {
			counted = append(counted, Entry{Kind: KindSystem, Peer: from, System: &System{
				Event: EventRefusals, Count: p.count, Reasons: p.reasons, Since: p.since.UTC(),
			}})
			p.count, p.reasons = 0, nil
		}
		if p.limit.TokensAt(now) >= peerBurst {
			delete(f.peers, from)
		}
	}
	f.mu.Unlock()
	if len(counted) <= maxSummaries {
		return counted
	}
	slices.SortFunc(counted, func(a, b Entry) int { return cmp.Compare(b.System.Count, a.System.Count) })
	rest := counted[maxSummaries-1]
	rest.Peer = manyPeers
	for _, e := range counted[maxSummaries:] {
		rest.System.Count += e.System.Count
		for reason, n := range e.System.Reasons {
			rest.System.Reasons[reason] += n
		}
		if e.System.Since.Before(rest.System.Since) {
			rest.System.Since = e.System.Since
		}
	}
	return append(counted[:maxSummaries-1:maxSummaries-1], rest)
}

// close writes what is still counted. Afterwards everything is recorded in full.
func (f *refusals) close() {
	f.mu.Lock()
	f.closed = true
	if f.timer != nil && f.timer.Stop() {
		f.writes.Done()
	}
	f.mu.Unlock()
	f.writes.Wait()
	f.summarise()
}
