package spine

import (
	"context"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Quota shares out an upstream's quota, so that it is never overrun and nobody takes it all.
//
// Turns are given out at a steady rate, with a small burst that is paid back within the minute, since that is how the NHS
// meters (PDS contract, 13). Whoever waits at a screen goes first; bulk takes what they leave, and when they leave nothing
// still one turn in [bulkShare]. Within each of the two, organisations take turns, whatever each of them has waiting. When
// the upstream says that it is too much, everybody pauses.
//
// It is safe for concurrent use. It runs no goroutine; a timer runs only while somebody waits.
type Quota struct {
	mu     sync.Mutex // guards what follows
	rate   float64    // turns a second in the long run
	burst  float64
	turns  float64 // that could be given out at the time of at
	at     time.Time
	paused time.Time // nothing before
	// pauses counts those in a row that the upstream set no end to.
	pauses int
	lines  [2]line // at a screen, bulk
	// passed counts the turns in a row that were given past somebody in the bulk line.
	passed int
	timer  *time.Timer
}

const (
	// bulkShare is how many turns are given out while bulk waits before one of them is for bulk.
	bulkShare = 10
	// firstPause and lastPause bound the pause after a 429 without Retry-After: it doubles with each one in a row.
	firstPause, lastPause = 500 * time.Millisecond, 8 * time.Second
	// longest is what a caller is told to wait at most.
	longest = time.Hour
)

// NewQuota shares out so many turns a second, with a burst of at least one. Both must be above zero.
func NewQuota(perSecond float64, burst int) *Quota {
	q := &Quota{at: time.Now()}
	q.set(perSecond, burst)
	q.turns = q.burst
	return q
}

// Set changes rate and burst from now on, also for those who wait already.
func (q *Quota) Set(perSecond float64, burst int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.earn(time.Now())
	q.set(perSecond, burst)
	q.turns = min(q.turns, q.burst)
	q.serve()
}

// set takes the burst out of the minute's rate, so that no minute has more than sixty times perSecond.
func (q *Quota) set(perSecond float64, burst int) {
	q.burst = float64(max(burst, 1))
	q.rate = max(perSecond-q.burst/60, perSecond/2)
}

// Turn is leave to make one request of a bulk job. The request should follow at once: a turn that is not used is lost.
type Turn struct{}

// Turn waits in the bulk line until the organisation may make a request, or ctx ends.
func (q *Quota) Turn(ctx context.Context, consumer nhs.ODSCode) (*Turn, error) {
	w := q.join(consumer, bulk)
	select {
	case <-w.called:
		return &Turn{}, nil
	case <-ctx.Done():
		q.leave(w)
		return nil, context.Cause(ctx)
	}
}

// Expected is how long a request at a screen would wait at least for its turn, if it came now.
func (q *Quota) Expected(consumer nhs.ODSCode) time.Duration { return q.expected(consumer, atScreen) }

// await waits for a turn. One that would not come before the deadline is refused, at once where that can be told; but when it
// is the deadline that is too near, whatever the quota, nobody is told that the quota was used up.
func (q *Quota) await(hop pb.Hop, r *http.Request, consumer nhs.ODSCode, k kind) error {
	if err := r.Context().Err(); err != nil {
		return refuse(err)
	}
	if !fits(r, 0) {
		return refuse(errCallerDeadline)
	}
	if wait := q.expected(consumer, k); !fits(r, wait) {
		return q.exhausted(hop, wait)
	}
	ctx, cancel := r.Context(), context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-shortest))
	}
	defer cancel()
	w := q.join(consumer, k)
	select {
	case <-w.called:
		return nil
	case <-ctx.Done():
		q.leave(w)
		if r.Context().Err() != nil {
			return refuse(r.Context().Err())
		}
		return q.exhausted(hop, q.expected(consumer, k))
	}
}

func (q *Quota) exhausted(hop pb.Hop, wait time.Duration) error {
	e := fault.New(hop, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, nil)
	e.Operator = "This gateway's own share of the quota is in use."
	e.RetryAfter = min(wait, longest)
	return refuse(e)
}

// answered hears what the upstream says. After a 429 nobody goes before the time that it names; where it names none, the
// pause grows with each one in a row.
func (q *Quota) answered(answer *http.Response) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	inPause := now.Before(q.paused)
	if answer.StatusCode != http.StatusTooManyRequests {
		if !inPause {
			q.pauses = 0
		}
		return
	}
	pause := retryAfter(answer.Header)
	if pause == 0 {
		if inPause {
			return // it was on its way when the pause began
		}
		pause = min(firstPause<<min(q.pauses, 8), lastPause)
		q.pauses++
	}
	if until := now.Add(pause); until.After(q.paused) {
		q.earn(now)
		// One may go when it ends, if the rate allows that, and no burst.
		q.turns = min(q.turns+q.rate*pause.Seconds(), 1)
		q.paused, q.at = until, until
		q.serve()
	}
}

// kind is which line a request waits in.
type kind int

const (
	atScreen kind = iota
	bulk
)

// waiter waits for its turn.
type waiter struct {
	consumer nhs.ODSCode
	kind     kind
	called   chan struct{} // closed when it is its turn
}

func (q *Quota) join(consumer nhs.ODSCode, k kind) *waiter {
	w := &waiter{consumer: consumer, kind: k, called: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines[k].push(w)
	q.serve()
	return w
}

// leave takes somebody out who no longer waits. A turn that came at the same moment goes back.
func (q *Quota) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.lines[w.kind].remove(w) {
		q.turns = min(q.turns+1, q.burst)
	}
	q.serve()
}

// expected is how long somebody who came now would wait at least.
func (q *Quota) expected(consumer nhs.ODSCode, k kind) time.Duration {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.earn(now)
	ahead := q.lines[k].ahead(consumer)
	if k == bulk {
		ahead += q.lines[atScreen].waiting
	}
	return q.until(now, ahead+1)
}

// until is when the nth turn from now can be given out. The caller holds mu.
func (q *Quota) until(now time.Time, n int) time.Duration {
	wait := max(q.at.Sub(now), 0) // a pause
	if missing := float64(n) - q.turns; missing > rounding {
		wait += time.Duration(math.Ceil(missing / q.rate * float64(time.Second)))
	}
	return wait
}

// rounding is what sums of fractions may be wrong by.
const rounding = 1e-6

// earn adds the turns that have become due. The caller holds mu.
func (q *Quota) earn(now time.Time) {
	if now.After(q.at) {
		q.turns = min(q.turns+q.rate*now.Sub(q.at).Seconds(), q.burst)
		q.at = now
	}
}

// serve gives out the turns that are due, and comes back for the next. The caller holds mu.
func (q *Quota) serve() {
	now := time.Now()
	q.earn(now)
	for q.turns >= 1-rounding && !now.Before(q.paused) {
		w := q.next()
		if w == nil {
			break
		}
		q.turns--
		close(w.called)
	}
	if q.timer != nil {
		q.timer.Stop()
		q.timer = nil
	}
	if q.lines[atScreen].waiting+q.lines[bulk].waiting > 0 {
		q.timer = time.AfterFunc(q.until(now, 1), func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.serve()
		})
	}
}

// next takes out whose turn it is, nil if nobody waits. The caller holds mu.
func (q *Quota) next() *waiter {
	if q.lines[bulk].waiting > 0 && (q.lines[atScreen].waiting == 0 || q.passed >= bulkShare-1) {
		q.passed = 0
		return q.lines[bulk].pop()
	}
	if q.lines[bulk].waiting > 0 {
		q.passed++
	}
	return q.lines[atScreen].pop()
}

// line is where requests of one kind wait: organisations in turn, and the requests of each in order.
type line struct {
	turns   []nhs.ODSCode // those with somebody waiting, the next one first
	of      map[nhs.ODSCode][]*waiter
	waiting int
}

func (l *line) push(w *waiter) {
	if l.of == nil {
		l.of = map[nhs.ODSCode][]*waiter{}
	}
	if len(l.of[w.consumer]) == 0 {
		l.turns = append(l.turns, w.consumer)
	}
	l.of[w.consumer] = append(l.of[w.consumer], w)
	l.waiting++
}

func (l *line) pop() *waiter {
	if l.waiting == 0 {
		return nil
	}
	consumer := l.turns[0]
	w := l.of[consumer][0]
	l.remove(w)
	if len(l.of[consumer]) > 0 { // to the end
		l.turns = append(slices.Delete(l.turns, 0, 1), consumer)
	}
	return w
}

// remove reports whether w was waiting.
func (l *line) remove(w *waiter) bool {
	queue := l.of[w.consumer]
	at := slices.Index(queue, w)
	if at < 0 {
		return false
	}
	l.waiting--
	if queue = slices.Delete(queue, at, at+1); len(queue) > 0 {
		l.of[w.consumer] = queue
		return true
	}
	delete(l.of, w.consumer)
	l.turns = slices.DeleteFunc(l.turns, func(c nhs.ODSCode) bool { return c == w.consumer })
	return true
}

// ahead is how many would be served before a newcomer of an organisation.
func (l *line) ahead(consumer nhs.ODSCode) int {
	own := len(l.of[consumer])
	n := own
	for other, queue := range l.of {
		if other != consumer {
			n += min(len(queue), own+1)
		}
	}
	return n
}
