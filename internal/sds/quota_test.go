package sds_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/simulator"
)

// The allowance of the SDS contract, A1: 300 a minute, smoothed.
func TestTheAllowanceIsNotOverrun(t *testing.T) {
	bubble(t, "by many at once", func(t *testing.T) {
		s, client := start(t, nil)
		var all sync.WaitGroup
		for _, p := range s.Practices() {
			for _, i := range p.Interactions {
				all.Go(func() { _, _ = client.Route(t.Context(), sds.Question{ODS: p.ODS, Interaction: i}) })
			}
		}
		all.Wait()
		for _, interval := range []struct {
			length time.Duration
			most   int
		}{{time.Second, 7}, {time.Minute, 300}} {
			exchanges := s.Transcript().All()
			if len(exchanges) <= interval.most {
				t.Fatalf("%d requests prove nothing", len(exchanges))
			}
			for i, first := range exchanges {
				n := 0
				for _, e := range exchanges[i:] {
					if e.At.Sub(first.At) < interval.length {
						n++
					}
				}
				if n > interval.most {
					t.Fatalf("%d requests within %s", n, interval.length)
				}
			}
		}
	})
	bubble(t, "and no organisation takes it all", func(t *testing.T) {
		s, client := start(t, nil)
		var all sync.WaitGroup
		// One organisation asks for everything it can think of; another for one thing.
		greedy, modest := question(t, "Q8X01").ODS, question(t, "R9Y02").ODS
		for _, p := range s.Practices() {
			for _, fresh := range []bool{true, false} {
				for _, i := range p.Interactions {
					all.Go(func() {
						_, _ = client.Route(t.Context(), sds.Question{ODS: p.ODS, Interaction: i, Consumer: greedy, Fresh: fresh})
					})
				}
			}
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		q := question(t, "A20047")
		q.Consumer = modest
		if _, err := client.Route(t.Context(), q); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("one look-up took %s behind another organisation's many", took)
		}
		all.Wait()
	})
	bubble(t, "bulk lets everybody go first", func(t *testing.T) {
		s, client := start(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for _, p := range s.Practices() {
			for _, i := range p.Interactions {
				all.Go(func() { _, _ = client.Route(ctx, sds.Question{ODS: p.ODS, Interaction: i, Bulk: true}) })
			}
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		if _, err := client.Route(t.Context(), question(t, "A20047")); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("one look-up took %s behind a bulk job", took)
		}
		cancel()
		all.Wait()
	})
}

func TestTooManyRequestsAreObeyed(t *testing.T) {
	bubble(t, "by everybody, for as long as the directory says", func(t *testing.T) {
		s, client := start(t, nil)
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: 429, RetryAfter: "20", Times: 1}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for _, code := range []string{"A20047", "B84001"} {
			all.Go(func() {
				time.Sleep(time.Duration(code[0]-'A') * time.Second)
				if _, err := client.Route(t.Context(), question(t, code)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for i, e := range s.Transcript().All() {
			if i > 0 && e.At.Sub(began) < 20*time.Second {
				t.Errorf("asked after %s", e.At.Sub(began))
			}
		}
	})
	bubble(t, "and told at once to whoever has less time", func(t *testing.T) {
		s, client := start(t, nil)
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: 429, RetryAfter: "60", Times: 1}); err != nil {
			t.Fatal(err)
		}
		slow, giveUp := context.WithTimeout(t.Context(), time.Second)
		defer giveUp()
		_, _ = client.Route(slow, question(t, "A20047"))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.Route(ctx, question(t, "B84001"))
		e := fault.Of(err)
		if e == nil || e.Reason != pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED || e.Hop != pb.Hop_HOP_SDS || e.RetryAfter < 50*time.Second {
			t.Fatalf("%v, wait %s", err, e.RetryAfter)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %s to say so", took)
		}
	})
}

func TestSetRate(t *testing.T) {
	bubble(t, "for those who wait, too", func(t *testing.T) {
		_, client := start(t, func(c *sds.Config) { c.PerMinute = 0.1 })
		for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1)} {
			if err := client.SetRate(rate); err == nil {
				t.Errorf("a rate of %g was taken", rate)
			}
		}
		if _, err := client.Route(t.Context(), question(t, "A20047")); err != nil { // the burst
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := client.Route(t.Context(), question(t, "B84001"))
			done <- err
		}()
		time.Sleep(time.Second)
		began := time.Now()
		if err := client.SetRate(600); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || time.Since(began) > time.Second {
			t.Errorf("%v, after %s", err, time.Since(began))
		}
	})
}
