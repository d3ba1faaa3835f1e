package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// maxReaders bounds the connections that read at the same time.
const maxReaders = 4

// Reader reads a file, also while another process writes it. It is safe for concurrent use.
type Reader struct {
	// Key opens what is sealed in the file.
	Key *Key
	db  *sql.DB
}

// OpenReader opens an existing file without the right to write. Only Path, KeyFile and Purpose of the Config are used.
func OpenReader(ctx context.Context, c Config) (*Reader, error) {
	key, err := loadKey(c.KeyFile, c.Purpose, false)
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", c.Path, err)
	}
	r, err := openReader(ctx, c.Path, key)
	if err != nil {
		return nil, fmt.Errorf("read store %s: %w", c.Path, err)
	}
	return r, nil
}

func openReader(ctx context.Context, path string, key *Key) (*Reader, error) {
	db, err := sql.Open("sqlite", dsn(path, "mode=ro", "_pragma=busy_timeout(5000)", "_pragma=query_only(1)",
		"_pragma=trusted_schema(0)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxReaders)
	var fingerprint []byte
	if err := db.QueryRowContext(ctx, "SELECT fingerprint FROM sealing").Scan(&fingerprint); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if !bytes.Equal(fingerprint, key.fingerprint()) {
		return nil, errors.Join(fmt.Errorf("%w: it is not the one that this file was written with", ErrKey), db.Close())
	}
	return &Reader{Key: key, db: db}, nil
}

// Query runs a query on its own connection. Close the rows soon: while they are open the WAL cannot be cut back.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.db.QueryContext(ctx, query, args...)
}

// Close gives up the connections.
func (r *Reader) Close() error { return r.db.Close() }
