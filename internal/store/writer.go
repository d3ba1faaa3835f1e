package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// maxQueue bounds the writes that wait for one commit: beyond it the disk is not keeping up, and refusing at once
	// is better than remembering more.
	maxQueue = 4096
	// retryAfter is how long a failed file is left alone before it is opened again.
	retryAfter = time.Second
)

// Tx is the transaction that a write takes part in, on the writer's connection. It is valid inside the write only.
type Tx struct {
	ctx   context.Context
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// Exec runs a constant statement; it is prepared once for the life of the connection.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	stmt, err := tx.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(tx.ctx, args...)
}

// Scan runs a constant query and scans its first row into dest; sql.ErrNoRows when there is none.
func (tx *Tx) Scan(query string, args []any, dest ...any) error {
	stmt, err := tx.prepare(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(tx.ctx, args...).Scan(dest...)
}

func (tx *Tx) prepare(query string) (*sql.Stmt, error) {
	if stmt := tx.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := tx.conn.PrepareContext(tx.ctx, query)
	if err == nil {
		tx.stmts[query] = stmt
	}
	return stmt, err
}

// Pending is a write that has been enqueued.
type Pending struct {
	write func(*Tx) error
	done  chan struct{}
	err   error // set before done is closed
}

// Wait returns nil once the write is durable, the error that it failed with, or ctx's error when ctx ends first; then
// it may still become durable.
func (p *Pending) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	default:
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Err is the error of a write that is known to have failed, and nil before and otherwise.
func (p *Pending) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

func (p *Pending) finish(err error) {
	p.err = err
	close(p.done)
}

// Enqueue puts a write in the queue and never blocks. Writes run in the order of their Enqueue, alone on the file, on
// the writer's goroutine: they must be quick. An error of one fails the whole transaction and counts as a failure of
// the store, so what a write decides against is told in variables of its closure, not by an error.
func (db *DB) Enqueue(write func(*Tx) error) *Pending {
	p := &Pending{write: write, done: make(chan struct{})}
	db.mu.Lock()
	switch {
	case db.closed:
		p.finish(ErrClosed)
	case len(db.queue) >= maxQueue:
		p.finish(ErrBusy)
	default:
		db.queue = append(db.queue, p)
	}
	db.mu.Unlock()
	db.signal()
	return p
}

// Write enqueues a write and waits. A write whose ctx has ended before its turn came is not made.
func (db *DB) Write(ctx context.Context, write func(*Tx) error) error {
	var skipped error
	err := db.Enqueue(func(tx *Tx) error {
		if skipped = context.Cause(ctx); skipped != nil {
			return nil
		}
		return write(tx)
	}).Wait(ctx)
	if err == nil {
		err = skipped
	}
	return err
}

func (db *DB) signal() {
	select {
	case db.wake <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (db *DB) take() (batch []*Pending, closed bool) {
	db.mu.Lock()
	defer db.mu.Unlock()
	batch, db.queue = db.queue, nil
	return batch, db.closed
}

// run is the one goroutine that writes.
func (db *DB) run() {
	defer close(db.stopped)
	for {
		batch, closed := db.take()
		switch {
		case len(batch) > 0:
			db.commit(batch)
		case closed:
			return
		default:
			<-db.wake
		}
	}
}

// commit makes one transaction of a batch and tells every member how it went.
func (db *DB) commit(batch []*Pending) {
	err := db.reconnect()
	if err == nil {
		err = db.writer.transact(func(tx *Tx) error {
			for _, p := range batch {
				if err := p.write(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			err = fmt.Errorf("write: %w", err)
			db.broken(err)
		}
	}
	if err != nil {
		// What queued up meanwhile may rest on what has just failed.
		more, _ := db.take()
		batch = append(batch, more...)
	}
	for _, p := range batch {
		p.finish(err)
	}
}

// reconnect opens the file anew after a failure, not more often than once in retryAfter.
func (db *DB) reconnect() error {
	if db.writer != nil {
		return nil
	}
	db.mu.Lock()
	failure, retryAt := db.failure, db.retryAt
	db.mu.Unlock()
	if time.Now().Before(retryAt) {
		return failure
	}
	w, err := connect(db.ctx, db.config, db.Key, failure)
	if err != nil {
		err = fmt.Errorf("open again after a failure: %w", err)
		db.broken(err)
		return err
	}
	db.writer = w
	db.mu.Lock()
	db.failure = nil
	db.mu.Unlock()
	return nil
}

// broken gives up the connection: after a failed fsync nothing that its descriptors say can be believed.
func (db *DB) broken(err error) {
	if db.writer != nil {
		err = errors.Join(err, db.writer.close())
		db.writer = nil
	}
	db.mu.Lock()
	db.failure, db.retryAt = err, time.Now().Add(retryAfter)
	db.mu.Unlock()
}
