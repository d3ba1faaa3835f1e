package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/store"
)

// Standing says what a claim found, and so what its holder may do.
type Standing int

// What a claim can find.
const (
	// Fresh: nobody asked for this write before. It may be sent.
	Fresh Standing = iota + 1
	// Unsent: it was recorded before, and either never left or was stopped on its way (SentAt tells which). It may be sent.
	Unsent
	// Unsettled: it may have been sent and what became of it is not known. It must be reconciled and never be sent.
	Unsettled
	// Settled: its answer is known and is to be given again.
	Settled
)

// String names the standing.
func (s Standing) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Unsent:
		return "unsent"
	case Unsettled:
		return "unsettled"
	case Settled:
		return "settled"
	}
	return fmt.Sprintf("Standing(%d)", int(s))
}

// Claim is the exclusive right to carry on one write. Its fields say what was found when it was taken; they do not
// change. Methods that take a context return nil only when the step is durable; give Settle and MarkUnknown a context
// that the call's cancellation does not end, since what has left must be recorded.
type Claim struct {
	Standing Standing
	// RecordedAt, SentAt and SettledAt (UTC) are zero where it has not come so far. One that is Unsent with a SentAt left before
	// and was stopped: whoever sends it again must not take a refusal for the whole truth.
	RecordedAt, SentAt, SettledAt time.Time
	// Payload is what MarkSent was given, while Unsettled.
	Payload []byte
	// Answer is what Settle was given, and Failed whether it is an error, when Settled.
	Answer []byte
	Failed bool

	journal *Journal
	key     Key

	mu       sync.Mutex // guards released
	released bool
}

// record finds the entry or makes it. It reports whether the key belongs to another request.
func (c *Claim) record(tx *store.Tx, digest []byte, method string, now time.Time) (reused bool, err error) {
	var state string
	var knownMethod string
	var knownDigest []byte
	var recorded, sent, settled int64
	err = tx.Scan(`SELECT state, method, digest, recorded_at, sent_at, settled_at, payload, answer, failed
		FROM entry WHERE organisation = ? AND request = ?`, c.keys(),
		&state, &knownMethod, &knownDigest, &recorded, &sent, &settled, &c.Payload, &c.Answer, &c.Failed)
	if errors.Is(err, sql.ErrNoRows) {
		c.Standing, c.RecordedAt = Fresh, now.UTC()
		_, err = tx.Exec(`INSERT INTO entry (organisation, request, method, digest, state, recorded_at)
			VALUES (?, ?, ?, ?, 'RECORDED', ?)`, append(c.keys(), method, digest, now.UnixNano())...)
		return false, err
	}
	if err != nil {
		return false, err
	}
	c.Standing = map[string]Standing{"RECORDED": Unsent, "SENT": Unsettled, "UNKNOWN": Unsettled, "SETTLED": Settled}[state]
	c.RecordedAt, c.SentAt, c.SettledAt = instant(recorded), instant(sent), instant(settled)
	return method != knownMethod || string(digest) != string(knownDigest), nil
}

// unseal opens what record has found.
func (c *Claim) unseal() (err error) {
	if c.Payload != nil {
		if c.Payload, err = c.journal.db.Key.Unseal(c.Payload, c.binding("payload")); err != nil {
			return err
		}
	}
	if c.Answer != nil {
		c.Answer, err = c.journal.db.Key.Unseal(c.Answer, c.binding("answer"))
	}
	return err
}

// MarkSent returns nil once it is durable that the request may leave: only then may its bytes go. payload is what
// reconciliation will need. It fails with [ErrState] unless the claim found the write Fresh or Unsent, and the second
// time. After an error nothing may be sent, and the journal takes the step back.
func (c *Claim) MarkSent(ctx context.Context, payload []byte) error {
	sealed := c.journal.db.Key.Seal(payload, c.binding("payload"))
	err := c.step(ctx, "UPDATE entry SET state = 'SENT', sent_at = ?, payload = ? WHERE state = 'RECORDED' AND ",
		time.Now().UnixNano(), sealed)
	if err != nil && !errors.Is(err, ErrState) && !errors.Is(err, ErrReleased) {
		// The step may have become durable all the same. This runs after it and before any other claim's; if it is lost,
		// the write is merely reconciled without need. The payload, sealed with its own nonce, names this very step.
		c.journal.db.Enqueue(func(tx *store.Tx) error {
			_, err := tx.Exec(unsend+"payload = ? AND "+where, append([]any{nanoseconds(c.SentAt), sealed}, c.keys()...)...)
			return err
		})
	}
	return wrap("mark write as sent", err)
}

const (
	where  = "organisation = ? AND request = ?"
	unsend = "UPDATE entry SET state = 'RECORDED', sent_at = ?, payload = NULL WHERE state = 'SENT' AND "
)

// MarkUnsent takes MarkSent back. It is for a request of which not a byte can have left: no connection was made. The
// same write may then be sent later.
func (c *Claim) MarkUnsent(ctx context.Context) error {
	return wrap("mark write as unsent", c.step(ctx, unsend, nanoseconds(c.SentAt)))
}

// MarkStopped says that the request left and was stopped on its way, by the word of whoever stopped it. The same write may then
// be sent later, and its next claim has a SentAt.
func (c *Claim) MarkStopped(ctx context.Context) error {
	return wrap("mark write as stopped", c.step(ctx, "UPDATE entry SET state = 'RECORDED', payload = NULL WHERE state = 'SENT' AND "))
}

// MarkUnknown says that the answer to what was sent is lost, so that the write is seen to need reconciliation.
func (c *Claim) MarkUnknown(ctx context.Context) error {
	return wrap("mark write as unknown", c.step(ctx, "UPDATE entry SET state = 'UNKNOWN' WHERE state IN ('SENT', 'UNKNOWN') AND "))
}

// Settle returns nil once the answer is durable, failed saying whether it is an error: only then may the caller be told.
// The claim is released then, and whoever repeats the request is given this answer.
func (c *Claim) Settle(ctx context.Context, answer []byte, failed bool) error {
	sealed := c.journal.db.Key.Seal(answer, c.binding("answer"))
	err := c.step(ctx, `UPDATE entry SET state = 'SETTLED', settled_at = ?, answer = ?, failed = ?, payload = NULL
		WHERE state <> 'SETTLED' AND `, time.Now().UnixNano(), sealed, failed)
	if err == nil {
		c.Release()
	}
	return wrap("settle write", err)
}

// Release gives the claim up without changing the write; the next claim finds it as it is. It may be called again, and
// after Settle, and does nothing then.
func (c *Claim) Release() {
	c.mu.Lock()
	released := c.released
	c.released = true
	c.mu.Unlock()
	if !released {
		c.journal.letGo(c.key)
	}
}

// step makes one change of state, which must change exactly this entry.
func (c *Claim) step(ctx context.Context, update string, args ...any) error {
	c.mu.Lock()
	released := c.released
	c.mu.Unlock()
	if released {
		return ErrReleased
	}
	var changed int64
	err := c.journal.db.Write(ctx, func(tx *store.Tx) error {
		result, err := tx.Exec(update+where, append(args, c.keys()...)...)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	if err == nil && changed != 1 {
		err = ErrState
	}
	return err
}

func (c *Claim) keys() []any { return []any{c.key.Organisation.String(), c.key.Request.String()} }

// binding ties a sealed text to its entry and its column.
func (c *Claim) binding(column string) []byte {
	return fmt.Appendf(nil, "%s %s %s", c.key.Organisation, c.key.Request, column)
}

func instant(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

func nanoseconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
