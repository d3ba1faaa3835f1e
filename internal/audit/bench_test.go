package audit_test

import (
	"sync/atomic"
	"testing"

	"github.com/spinegate/spinegate/internal/audit"
)

// BenchmarkAppend is one durable entry after another: the cost of an fsync and what we add to it.
func BenchmarkAppend(b *testing.B) {
	s := open(b, config(b))
	e := entryOf(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Append(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendConcurrently is 64 callers, each waiting for its own entry: commits are shared.
func BenchmarkAppendConcurrently(b *testing.B) {
	s := open(b, config(b))
	e := entryOf(b)
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, 64)
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		go func() {
			for left.Add(-1) >= 0 {
				if _, err := s.Append(b.Context(), e); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

func entryOf(b *testing.B) audit.Entry {
	return audit.Entry{
		Kind: audit.KindAccess, Call: "5f0cf5f0-5a4c-4a2b-8f3e-1b9a6f1d2c3b", Method: "/spinegate.v1.GPConnect/GetStructuredRecord",
		Caller: clinician(b), Subject: number(b, "9990000018"), Access: &audit.Access{Hop: "SSP", Route: "/Patient/$gpc.getstructuredrecord"},
	}
}
