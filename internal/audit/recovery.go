package audit

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/spinegate/spinegate/internal/store"
)

// prepare runs in a transaction of its own before anything else is written: when the store is opened (failure is nil),
// and when it is opened again after a failure.
func (s *Store) prepare(tx *store.Tx, c codec, failure error, version string) error {
	if err := tx.Scan("SELECT coalesce(max(seq), 0) FROM entry", nil, &s.last); err != nil {
		return err
	}
	say := func(what System) error {
		r, err := c.encode(Entry{At: time.Now(), Kind: KindSystem, System: &what})
		if err == nil {
			_, err = s.insert(tx, r)
		}
		return err
	}
	if failure != nil {
		// The calls of this process go on, or end by themselves.
		return say(System{Event: EventResumed, Detail: failure.Error()})
	}
	if err := say(System{Event: EventStart, Version: version}); err != nil {
		return err
	}
	ended, err := s.endCrashed(tx, c)
	if err != nil || ended == 0 {
		return err
	}
	return say(System{Event: EventRecovery, Count: ended})
}

// endCrashed gives an OUTCOME to every call that has none. Nobody else writes, so they are a dead process's.
func (s *Store) endCrashed(tx *store.Tx, c codec) (ended int, err error) {
	for {
		var seq Seq
		var bytes []byte
		err := tx.Scan("SELECT e.seq, e.bytes FROM unended u JOIN entry e ON e.seq = u.seq LIMIT 1", nil, &seq, &bytes)
		if errors.Is(err, sql.ErrNoRows) {
			return ended, nil
		}
		if err != nil {
			return ended, err
		}
		e, err := c.decode(seq, bytes)
		if err != nil {
			return ended, fmt.Errorf("end a crashed call: %w", err)
		}
		e.Kind, e.At = KindOutcome, time.Now()
		e.Outcome = &Outcome{Code: "UNKNOWN", Reason: ReasonCrashed, Hop: "GATEWAY"}
		r, err := c.encode(e)
		if err != nil {
			return ended, err
		}
		if _, err := s.insert(tx, r); err != nil {
			return ended, err
		}
		ended++
	}
}
