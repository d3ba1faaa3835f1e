// Package store keeps what must not be lost: one SQLite file that one process writes, durably and in order.
//
// A [DB] promises:
//   - What [DB.Write] reports as written is on the disk: WAL, synchronous=FULL, checked when the file is opened.
//   - Writes happen in the order in which they were enqueued. Whatever queued during the last commit goes into the next
//     transaction, so that one fsync serves many writers. There is no timer: a lone write is not held back.
//   - When a commit fails, every write in it and every write still queued fails, and the DB says so in [DB.Healthy]. The
//     failed file descriptors are never used again (an fsync that failed once may succeed the next time without having
//     written anything); the file is opened anew, at most once a second, and a probe must be durable before the first
//     write is accepted again.
//   - One process at a time: a second one is refused with [ErrLocked]. Any number may read, with [OpenReader].
//   - Nobody reads a patient's data in the file: what a user of this package seals with [Key] is AES-256-GCM, what must be
//     found again goes through a keyed HMAC-SHA-256. A file opened with another key than its own is refused.
//
// A write that fails may nevertheless be found in the file later (the commit landed and nobody was told); what fails
// closed must not conclude from a failure that nothing was written.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// Errors that a caller may branch on.
var (
	// ErrLocked says that another process, or another DB of this one, has the file open for writing.
	ErrLocked = errors.New("already open for writing by another process")
	// ErrClosed says that the DB has been closed.
	ErrClosed = errors.New("store is closed")
	// ErrBusy says that as many writes are waiting as the queue holds: the disk does not keep up.
	ErrBusy = errors.New("too many writes are waiting")
	// ErrKey says that the key is unusable or is not the one that the file was written with.
	ErrKey = errors.New("key refused")
)

// Config says which file and how it is kept. Path, KeyFile, Purpose and Migrations are required.
type Config struct {
	// Path of the database file. Beside it stand -wal and -shm (SQLite's) and .lock (ours).
	Path string
	// KeyFile holds 32 random bytes as 64 hexadecimal digits, readable by its owner and at most its group.
	KeyFile string
	// CreateKey makes the key file, mode 0600, when neither it nor the database exists.
	CreateKey bool
	// Purpose separates the keys of stores that share one key file: "audit", "journal".
	Purpose string
	// Migrations holds NNNN_name.sql files in its root; the n-th takes the schema to user_version n.
	Migrations fs.FS
	// Prepare, if set, runs in a transaction of its own whenever the file has been opened, before any write. failure is
	// nil when that is by Open, and else what made it necessary to open the file again. What the owner remembers of the
	// file is read (again) here.
	Prepare func(tx *Tx, key *Key, failure error) error
}

// DB is a file opened for writing. It is safe for concurrent use.
type DB struct {
	*Reader

	config  Config
	ctx     context.Context // the writer's own: a caller's cancellation never reaches a shared transaction
	unlock  func() error
	wake    chan struct{}
	stopped chan struct{}
	writer  *connection // owned by run; nil after a failure

	mu      sync.Mutex // guards what follows
	queue   []*Pending
	closed  bool
	failure error
	retryAt time.Time
}

// Open locks the file, creates or migrates it, runs Prepare and starts the writer. ctx bounds the opening only.
func Open(ctx context.Context, c Config) (_ *DB, err error) {
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	unlock, err := lock(ctx, c.Path+".lock")
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", c.Path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlock())
		}
	}()
	created, err := createFile(c.Path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	key, err := loadKey(c.KeyFile, c.Purpose, c.CreateKey && created)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", c.Path, err)
	}
	db := &DB{
		config: c, ctx: context.WithoutCancel(ctx), unlock: unlock,
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	if db.writer, err = connect(ctx, c, key, nil); err != nil {
		return nil, fmt.Errorf("open store %s: %w", c.Path, err)
	}
	if db.Reader, err = openReader(ctx, c.Path, key); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", c.Path, err), db.writer.close())
	}
	go db.run()
	return db, nil
}

// Close writes what is queued, then closes the file and gives up the lock. Writes after it fail with ErrClosed.
func (db *DB) Close() error {
	db.mu.Lock()
	closed := db.closed
	db.closed = true
	db.mu.Unlock()
	if closed {
		return nil
	}
	db.signal()
	<-db.stopped
	err := db.Reader.Close()
	if db.writer != nil {
		err = errors.Join(err, db.writer.close())
	}
	return errors.Join(err, db.unlock())
}

// Healthy reports why nothing can be written, or nil. Asking a DB that has failed makes it try again, so that a health
// check is enough for it to come back after the disk did.
func (db *DB) Healthy() error {
	db.mu.Lock()
	failure, closed := db.failure, db.closed
	db.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if failure != nil {
		db.Enqueue(func(*Tx) error { return nil })
	}
	return failure
}

// createFile makes an empty database file that only its owner can read, durably, and reports whether it was not there
// before or was empty. SQLite gives -wal and -shm the mode of the database.
func createFile(path string) (created bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil || info.Size() > 0 {
		return false, err
	}
	return true, syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable: a file whose name is lost in a crash is lost.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lock holds an exclusive transaction on an empty SQLite file for as long as the process lives. SQLite's own locks are
// the portable ones, vanish with their process, and leave readers of the database itself alone.
func lock(ctx context.Context, path string) (unlock func() error, err error) {
	db, err := sql.Open("sqlite", dsn(path, "mode=rwc"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err != nil {
		if busy(err) {
			err = ErrLocked
		}
		return nil, errors.Join(err, db.Close())
	}
	return func() error { return errors.Join(conn.Close(), db.Close()) }, nil
}

func busy(err error) bool {
	var e *sqlite.Error
	const primary, sqliteBusy = 0xff, 5
	return errors.As(err, &e) && e.Code()&primary == sqliteBusy
}

// dsn names a database file for the driver, whatever characters its path has.
func dsn(path string, parameters ...string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	if !filepath.IsAbs(path) {
		u = url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	}
	for i, p := range parameters {
		if i > 0 {
			u.RawQuery += "&"
		}
		u.RawQuery += p
	}
	return u.String()
}
