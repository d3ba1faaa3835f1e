// Package journal makes writes idempotent: a booking that is asked for twice, by a retry or after a crash, is sent once.
//
// GP Connect has no idempotency key, so a lost answer means "unknown", never "failed" (trust contract, 0 and BOOK;
// product.md, "Writes"). The journal remembers each write by its organisation and the request id that its caller chose:
//
//	RECORDED  durable before anything is sent, and again when it never left or was stopped on its way
//	SENT      durable immediately before the bytes may leave, with what is needed to find out what became of them
//	UNKNOWN   the bytes may have left and nobody is waiting for the answer any more
//	SETTLED   durable with the answer, a failure's too, before the caller is told
//
// A [Claim] is the exclusive right to carry one write on. Whoever claims a write that another call holds waits for it.
// A write found SENT or UNKNOWN is reconciled by asking the practice; it is never sent again. Whatever moment the process
// dies at, the next claim finds one of the four states, and the only one from which bytes may leave is RECORDED. That a
// second process cannot hold the same claims is seen to by the lock on the file.
//
// Payloads and answers are sealed (package store), digests are kept as keyed HMACs: nothing of a patient can be read in
// the file. Settled and never-sent writes are forgotten after [Retention]; what is unsettled is kept until it is settled.
package journal

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/store"
)

//go:embed migrations/*.sql
var scripts embed.FS

// Retention is how long a request id is remembered.
const Retention = 30 * 24 * time.Hour

const (
	// purgeEvery is how often, at most, a claim also forgets what is past Retention.
	purgeEvery = time.Hour
	// purgeAtOnce bounds what one claim forgets.
	purgeAtOnce = 1000
)

// Errors that a caller branches on; all others mean that the journal could not be written, and nothing may be sent.
var (
	// ErrReused says that the request id was used before for another request or another method.
	ErrReused = errors.New("the request id was used for another request")
	// ErrState says that a claim was asked for a step that its write's state forbids, such as sending twice.
	ErrState = errors.New("the write is not in a state for this step")
	// ErrReleased says that the claim has been given up, or settled.
	ErrReleased = errors.New("the claim has been released")
)

// Config says where the journal is kept.
type Config struct {
	// Path of the SQLite file; it and its neighbours (-wal, -shm, .lock) belong to one gateway process.
	Path string
	// KeyFile holds the key that payloads and answers are sealed with: 64 hexadecimal digits, mode 0600. It may be the
	// audit trail's; the keys derived from it differ.
	KeyFile string
	// CreateKey makes the key file when there is neither a key nor a journal yet. For the sandbox.
	CreateKey bool
}

// Key identifies a write: request ids are unique within an organisation.
type Key struct {
	Organisation nhs.ODSCode
	Request      uuid.UUID
}

// Journal is safe for concurrent use.
type Journal struct {
	db     *store.DB
	purged time.Time // owned by the store's writer

	mu   sync.Mutex // guards held
	held map[Key]chan struct{}
}

// Open opens the journal, creating it if there is none. What was SENT when the last process ended becomes UNKNOWN. A
// second process on the same file is refused with [store.ErrLocked].
func Open(ctx context.Context, c Config) (*Journal, error) {
	migrations, err := fs.Sub(scripts, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	db, err := store.Open(ctx, store.Config{
		Path: c.Path, KeyFile: c.KeyFile, CreateKey: c.CreateKey, Purpose: "journal", Migrations: migrations,
		Prepare: func(tx *store.Tx, _ *store.Key, failure error) error {
			if failure != nil {
				return nil // those who sent are still there
			}
			_, err := tx.Exec("UPDATE entry SET state = 'UNKNOWN' WHERE state = 'SENT'")
			return err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &Journal{db: db, held: make(map[Key]chan struct{})}, nil
}

// Close writes what is queued and closes the file. Claims still held fail from then on.
func (j *Journal) Close() error {
	if err := j.db.Close(); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// Healthy reports why nothing can be written, or nil. Asking makes a failed journal try again (package store).
func (j *Journal) Healthy() error {
	if err := j.db.Healthy(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Claim takes the exclusive right to carry on the write of a key, recording it durably if it is new. While another call
// of this process holds it, Claim waits until that one has finished or ctx ends, and then reports what it left. digest
// is over everything that makes the request what it is. [ErrReused] means that the key belongs to another request.
//
// The claim must be given up with Release or Settle.
func (j *Journal) Claim(ctx context.Context, key Key, digest [sha256.Size]byte, method string) (*Claim, error) {
	if err := j.hold(ctx, key); err != nil {
		return nil, fmt.Errorf("claim write: %w", err)
	}
	c := &Claim{journal: j, key: key}
	index := j.db.Key.Index("digest", string(digest[:]))
	var reused bool
	err := j.db.Write(ctx, func(tx *store.Tx) (err error) {
		now := time.Now()
		if err := j.purge(tx, now); err != nil {
			return err
		}
		reused, err = c.record(tx, index, method, now)
		return err
	})
	switch {
	case err == nil && reused:
		err = ErrReused
	case err == nil:
		err = c.unseal()
	}
	if err != nil {
		c.Release()
		return nil, fmt.Errorf("claim write: %w", err)
	}
	return c, nil
}

// hold waits until nobody in this process holds the key, and takes it.
func (j *Journal) hold(ctx context.Context, key Key) error {
	for {
		j.mu.Lock()
		other := j.held[key]
		if other == nil {
			j.held[key] = make(chan struct{})
			j.mu.Unlock()
			return nil
		}
		j.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (j *Journal) letGo(key Key) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.held[key])
	delete(j.held, key)
}

// purge forgets what is past Retention, a bounded part of it at a time. What is unsettled stays: forgetting it would
// let its repetition be sent a second time.
func (j *Journal) purge(tx *store.Tx, now time.Time) error {
	if now.Sub(j.purged) < purgeEvery {
		return nil
	}
	result, err := tx.Exec(`DELETE FROM entry WHERE rowid IN (SELECT rowid FROM entry
		WHERE recorded_at < ? AND state IN ('RECORDED', 'SETTLED') LIMIT ?)`, now.Add(-Retention).UnixNano(), purgeAtOnce)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == purgeAtOnce {
		return err // the next claim goes on
	}
	j.purged = now
	return nil
}
