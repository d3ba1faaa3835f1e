package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// connection is one opened, checked and prepared connection that writes.
type connection struct {
	db *sql.DB
	tx Tx
}

// connect opens the file, checks that it is what it must be and runs what has to be done before the first write. failure
// is why it is opened again, or nil.
func connect(ctx context.Context, c Config, key *Key, failure error) (_ *connection, err error) {
	db, err := sql.Open("sqlite", dsn(c.Path, "mode=rw", "_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)", "_pragma=trusted_schema(0)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	w := &connection{db: db, tx: Tx{ctx: context.WithoutCancel(ctx), stmts: make(map[string]*sql.Stmt)}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.tx.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	if err := w.checkSettings(); err != nil {
		return nil, err
	}
	if failure == nil {
		if err := w.transact(func(tx *Tx) error { return migrate(tx, c.Migrations) }); err != nil {
			return nil, fmt.Errorf("migrate: %w", err)
		}
	}
	if err := w.transact(func(tx *Tx) error { return checkKey(tx, key) }); err != nil {
		return nil, err
	}
	if c.Prepare != nil {
		if err := w.transact(func(tx *Tx) error { return c.Prepare(tx, key, failure) }); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	return w, nil
}

// checkSettings makes sure that the two settings on which durability rests were accepted: a file system without shared
// memory, for one, silently stays out of WAL.
func (w *connection) checkSettings() error {
	var mode string
	var synchronous int
	if err := w.tx.Scan("PRAGMA journal_mode", nil, &mode); err != nil {
		return err
	}
	if err := w.tx.Scan("PRAGMA synchronous", nil, &synchronous); err != nil {
		return err
	}
	const full = 2
	if mode != "wal" || synchronous != full {
		return fmt.Errorf("durable settings were not accepted: journal_mode %s, synchronous %d", mode, synchronous)
	}
	return nil
}

// transact runs f in a transaction that is durable when nil is returned.
func (w *connection) transact(f func(*Tx) error) error {
	// IMMEDIATE: a transaction that first reads and then wants to write could otherwise be refused half way.
	if _, err := w.tx.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(&w.tx); err != nil {
		_, rollback := w.tx.Exec("ROLLBACK")
		return errors.Join(err, rollback)
	}
	if _, err := w.tx.Exec("COMMIT"); err != nil {
		_, rollback := w.tx.Exec("ROLLBACK")
		return errors.Join(err, rollback)
	}
	return nil
}

func (w *connection) close() error {
	var errs []error
	for _, stmt := range w.tx.stmts {
		errs = append(errs, stmt.Close())
	}
	if w.tx.conn != nil {
		errs = append(errs, w.tx.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// migrate takes the schema to the newest version, in the transaction it is given.
func migrate(tx *Tx, migrations fs.FS) error {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return err
	}
	var version int
	if err := tx.Scan("PRAGMA user_version", nil, &version); err != nil {
		return err
	}
	if version > len(names) {
		return fmt.Errorf("the file has schema version %d, this program knows %d: it was written by a newer one", version, len(names))
	}
	for ; version < len(names); version++ {
		script, err := fs.ReadFile(migrations, names[version])
		if err != nil {
			return err
		}
		if _, err := tx.conn.ExecContext(tx.ctx, string(script)); err != nil {
			return fmt.Errorf("%s: %w", names[version], err)
		}
	}
	_, err = tx.conn.ExecContext(tx.ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// checkKey remembers the key's fingerprint in a new file and refuses another key in an old one: with it, a search for a
// patient would find nothing and look like an answer. It always writes, so that opening proves that the disk takes
// writes.
func checkKey(tx *Tx, key *Key) error {
	if _, err := tx.Exec(`CREATE TABLE IF NOT EXISTS sealing (
		id INTEGER PRIMARY KEY CHECK (id = 1), fingerprint BLOB NOT NULL) STRICT`); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO sealing (id, fingerprint) VALUES (1, ?)
		ON CONFLICT (id) DO UPDATE SET fingerprint = sealing.fingerprint`, key.fingerprint()); err != nil {
		return err
	}
	var fingerprint []byte
	if err := tx.Scan("SELECT fingerprint FROM sealing", nil, &fingerprint); err != nil {
		return err
	}
	if !bytes.Equal(fingerprint, key.fingerprint()) {
		return fmt.Errorf("%w: it is not the one that this file was written with", ErrKey)
	}
	return nil
}
