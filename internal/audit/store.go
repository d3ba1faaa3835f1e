package audit

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spinegate/spinegate/internal/store"
)

//go:embed migrations/*.sql
var scripts embed.FS

// Config says where the trail is kept.
type Config struct {
	// Path of the SQLite file; it and its neighbours (-wal, -shm, .lock) belong to one gateway process.
	Path string
	// KeyFile holds the key that personal details are sealed with: 64 hexadecimal digits, mode 0600.
	KeyFile string
	// CreateKey makes the key file when there is neither a key nor a trail yet. For the sandbox.
	CreateKey bool
	// Version of the program, for the START entry.
	Version string
}

func (c Config) store() (store.Config, error) {
	migrations, err := fs.Sub(scripts, "migrations")
	return store.Config{
		Path: c.Path, KeyFile: c.KeyFile, CreateKey: c.CreateKey, Purpose: "audit", Migrations: migrations,
	}, err
}

// Store is the trail, opened for writing. It is safe for concurrent use.
type Store struct {
	*Reader

	db       *store.DB
	refusals *refusals
	last     Seq // owned by the store's writer
}

// Open opens the trail, creating it if there is none, and ends the calls that died with the last process. A second
// process on the same file is refused with [store.ErrLocked].
func Open(ctx context.Context, c Config) (*Store, error) {
	config, err := c.store()
	if err != nil {
		return nil, fmt.Errorf("open audit trail: %w", err)
	}
	s := &Store{}
	config.Prepare = func(tx *store.Tx, key *store.Key, failure error) error {
		return s.prepare(tx, newCodec(key), failure, c.Version)
	}
	if s.db, err = store.Open(ctx, config); err != nil {
		return nil, fmt.Errorf("open audit trail: %w", err)
	}
	s.Reader = &Reader{from: s.db.Reader, codec: newCodec(s.db.Key)}
	s.refusals = newRefusals(s)
	return s, nil
}

// Close writes what is queued and the STOP entry, and closes the file; again, it does nothing. Calls that have not ended
// by then are found by the next Open.
func (s *Store) Close() error {
	s.refusals.close()
	_, err := s.Append(context.Background(), Entry{Kind: KindSystem, System: &System{Event: EventStop}})
	if errors.Is(err, store.ErrClosed) {
		return nil
	}
	if err := errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("close audit trail: %w", err)
	}
	return nil
}

// Healthy reports why nothing can be written, or nil. Asking makes a failed store try again (package store).
func (s *Store) Healthy() error {
	if err := s.db.Healthy(); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	return nil
}

// Append makes an entry durable and returns its number. When ctx ends first the entry may still become durable, but its
// caller must act as if it did not. Calls are recorded through a [Record]; this is for what happens outside of one.
func (s *Store) Append(ctx context.Context, e Entry) (Seq, error) {
	a, err := s.enqueue(e)
	if err != nil {
		return 0, err
	}
	return a.wait(ctx)
}

// appended is an entry on its way to the disk.
type appended struct {
	kind    Kind
	pending *store.Pending
	seq     *Seq
}

func (a appended) wait(ctx context.Context) (Seq, error) {
	if err := a.pending.Wait(ctx); err != nil {
		return 0, a.wrap(err)
	}
	return *a.seq, nil
}

// err is the error of an entry that is known not to be written.
func (a appended) err() error { return a.wrap(a.pending.Err()) }

func (a appended) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("append %s: %w", a.kind, err)
	}
	return nil
}

// enqueue encodes here, in the caller's goroutine, so that the writer does nothing but write.
func (s *Store) enqueue(e Entry) (appended, error) {
	e.At = time.Now()
	r, err := s.codec.encode(e)
	if err != nil {
		return appended{}, err
	}
	seq := new(Seq)
	return appended{kind: e.Kind, seq: seq, pending: s.db.Enqueue(func(tx *store.Tx) (err error) {
		*seq, err = s.insert(tx, r)
		return err
	})}, nil
}

// insert gives the row the next number. If its transaction fails, prepare reads the last number anew.
func (s *Store) insert(tx *store.Tx, r row) (Seq, error) {
	s.last++
	if _, err := tx.Exec(
		"INSERT INTO entry (seq, at, kind, call, organisation, person, patient, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		int64(s.last), r.at, string(r.kind), r.call, r.organisation, r.person, r.patient, r.bytes); err != nil {
		return 0, err
	}
	for _, id := range r.aliases {
		if _, err := tx.Exec("INSERT INTO alias (id, call) VALUES (?, ?) ON CONFLICT DO NOTHING", id, r.call); err != nil {
			return 0, err
		}
	}
	switch r.kind {
	case KindAttempt:
		_, err := tx.Exec("INSERT INTO unended (call, seq) VALUES (?, ?) ON CONFLICT DO NOTHING", r.call, int64(s.last))
		return s.last, err
	case KindOutcome:
		_, err := tx.Exec("DELETE FROM unended WHERE call = ?", r.call)
		return s.last, err
	case KindAccess, KindFailure, KindRelease, KindSystem:
	}
	return s.last, nil
}
