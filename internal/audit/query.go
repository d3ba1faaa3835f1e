package audit

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/store"
)

// Reader asks questions of a trail. It is safe for concurrent use.
type Reader struct {
	from  *store.Reader
	codec codec
}

// OpenReader opens an existing trail to ask questions only, also while a gateway writes it.
func OpenReader(ctx context.Context, c Config) (*Reader, error) {
	config, err := c.store()
	if err != nil {
		return nil, fmt.Errorf("open audit trail: %w", err)
	}
	from, err := store.OpenReader(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open audit trail: %w", err)
	}
	return &Reader{from: from, codec: newCodec(from.Key)}, nil
}

// Close gives up the file.
func (r *Reader) Close() error { return r.from.Close() }

// Query chooses entries. Conditions that are set must all hold; the zero Query chooses everything.
type Query struct {
	// ID is any id that belongs to a call: its own, its trace id, an Ssp-TraceID, X-Request-ID or X-Correlation-ID. It
	// chooses all entries of every call that has it.
	ID string
	// Patient chooses what is about one patient.
	Patient nhs.Number
	// Organisation is a caller's.
	Organisation nhs.ODSCode
	// UserSystem and UserID together are a caller's user.
	UserSystem, UserID string
	// Kind chooses one kind.
	Kind Kind
	// Since and Until bound the time of the entries; Until is not included.
	Since, Until time.Time
	// Before chooses entries with a smaller number: the next page.
	Before Seq
	// Limit is the most entries that are returned; zero means 100.
	Limit int
}

const (
	defaultLimit = 100
	// pageSize is how many entries are read at a time, so that a slow reader of an iterator holds no transaction.
	pageSize = 200
)

// Entries returns the entries that a query chooses, newest first. An error ends the iteration.
func (r *Reader) Entries(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		left := q.Limit
		if left == 0 {
			left = defaultLimit
		}
		for left > 0 {
			page, err := r.page(ctx, q, min(left, pageSize))
			if err != nil {
				yield(Entry{}, fmt.Errorf("query audit trail: %w", err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			left -= len(page)
			q.Before = page[len(page)-1].Seq
		}
	}
}

func (r *Reader) page(ctx context.Context, q Query, limit int) (_ []Entry, err error) {
	where, args := r.conditions(q)
	rows, err := r.from.Query(ctx, "SELECT seq, bytes FROM entry WHERE "+where+" ORDER BY seq DESC LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	page := make([]Entry, 0, limit)
	for rows.Next() {
		var seq Seq
		var bytes []byte
		if err := rows.Scan(&seq, &bytes); err != nil {
			return nil, err
		}
		e, err := r.codec.decode(seq, bytes)
		if err != nil {
			return nil, err
		}
		page = append(page, e)
	}
	return page, rows.Err()
}

// conditions is the query as SQL; every value is a parameter.
func (r *Reader) conditions(q Query) (where string, args []any) {
	terms := []string{"1"}
	add := func(set bool, term string, values ...any) {
		if set {
			terms = append(terms, term)
			args = append(args, values...)
		}
	}
	id := foldID(q.ID)
	add(id != "", "(call = ? OR call IN (SELECT call FROM alias WHERE id = ?))", id, id)
	add(!q.Patient.IsZero(), "patient = ?", r.codec.patient(q.Patient))
	add(!q.Organisation.IsZero(), "organisation = ?", q.Organisation.String())
	add(q.UserID != "", "person = ?", r.codec.person(q.UserSystem, q.UserID))
	add(q.Kind != "", "kind = ?", string(q.Kind))
	add(!q.Since.IsZero(), "at >= ?", q.Since.UnixNano())
	add(!q.Until.IsZero(), "at < ?", q.Until.UnixNano())
	add(q.Before > 0, "seq < ?", int64(q.Before))
	return strings.Join(terms, " AND "), args
}
