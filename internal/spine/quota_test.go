package spine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

func consumer(t *testing.T, code string) nhs.ODSCode {
	t.Helper()
	ods, err := nhs.ParseODSCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return ods
}

// load keeps so many requests of one kind waiting, and counts the turns that they got.
func load(ctx context.Context, q *Quota, who nhs.ODSCode, k kind, waiting int, group *sync.WaitGroup) *int {
	var mu sync.Mutex
	turns := new(int)
	for range waiting {
		group.Go(func() {
			for ctx.Err() == nil {
				w := q.join(who, k)
				select {
				case <-w.called:
					mu.Lock()
					*turns++
					mu.Unlock()
				case <-ctx.Done():
					q.leave(w)
				}
			}
		})
	}
	return turns
}

func TestOrganisationsShareAlike(t *testing.T) {
	bubble(t, "whatever each of them has waiting", func(t *testing.T) {
		q := NewQuota(5, 2)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Second)
		defer cancel()
		var group sync.WaitGroup
		greedy := load(ctx, q, consumer(t, "Q8X01"), bulk, 100, &group)
		modest := load(ctx, q, consumer(t, "R9Y02"), bulk, 1, &group)
		group.Wait()
		if sum := *greedy + *modest; sum < 950 || sum > 1000 {
			t.Errorf("%d turns in 200 s at 5/s", sum)
		}
		if *modest < *greedy*9/10 || *greedy < *modest*9/10 {
			t.Errorf("one got %d, the other %d", *greedy, *modest)
		}
	})
}

func TestBulkTakesWhatIsLeftAndNeverNothing(t *testing.T) {
	bubble(t, "one turn in ten", func(t *testing.T) {
		q := NewQuota(10, 2)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		var group sync.WaitGroup
		people := load(ctx, q, consumer(t, "Q8X01"), atScreen, 5, &group)
		jobs := load(ctx, q, consumer(t, "Q8X01"), bulk, 50, &group)
		group.Wait()
		if *jobs < 95 || *jobs > 105 || *people < 850 {
			t.Errorf("people got %d turns, bulk %d", *people, *jobs)
		}
	})
}

func tooMany(retryAfter string) *http.Response {
	return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {retryAfter}}}
}

func TestA429PausesEverybody(t *testing.T) {
	for _, tt := range []struct {
		name   string
		hears  func(q *Quota)
		paused time.Duration
	}{
		{"as long as it says", func(q *Quota) { q.answered(tooMany("7")) }, 7 * time.Second},
		{"the longest that was said", func(q *Quota) { q.answered(tooMany("7")); q.answered(tooMany("3")) }, 7 * time.Second},
		{"half a second if it does not say", func(q *Quota) { q.answered(tooMany("")) }, 500 * time.Millisecond},
		{"once for those that were under way", func(q *Quota) { q.answered(tooMany("")); q.answered(tooMany("")) }, 500 * time.Millisecond},
		{"longer each time", func(q *Quota) {
			for range 3 {
				q.answered(tooMany(""))
				time.Sleep(4 * time.Second)
			}
			q.answered(tooMany(""))
		}, 4 * time.Second},
		{"and no longer than eight seconds", func(q *Quota) {
			for range 20 {
				q.answered(tooMany(""))
				time.Sleep(10 * time.Second)
			}
			q.answered(tooMany(""))
		}, 8 * time.Second},
		{"as at first once an answer came", func(q *Quota) {
			for range 3 {
				q.answered(tooMany(""))
				time.Sleep(10 * time.Second)
			}
			q.answered(&http.Response{StatusCode: http.StatusNotFound})
			q.answered(tooMany(""))
		}, 500 * time.Millisecond},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			q := NewQuota(5, 2)
			tt.hears(q)
			begin := time.Now()
			var times []time.Duration
			for range 3 {
				if _, err := q.Turn(t.Context(), consumer(t, "Q8X01")); err != nil {
					t.Fatal(err)
				}
				times = append(times, time.Since(begin))
			}
			if times[0] != tt.paused || times[1]-times[0] < 200*time.Millisecond || times[2]-times[1] < 200*time.Millisecond {
				t.Errorf("turns after %v, want the first after %v and no burst", times, tt.paused)
			}
		})
	}
}

// A deadline that is too near is not the quota's fault, and neither is a caller who has gone.
func TestADeadlineIsNotTakenForAQuota(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		s := serve(t, "Example", statuses(200))
		s.config.Quota = NewQuota(5, 2)
		u := open(t, s.config)
		ctx, cancel := context.WithTimeout(t.Context(), shortest-time.Millisecond)
		defer cancel()
		gone, leave := context.WithCancel(t.Context())
		leave()
		for reason, ctx := range map[pb.ErrorReason]context.Context{
			pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED: ctx,
			pb.ErrorReason_ERROR_REASON_CANCELLED:         gone,
		} {
			_, err := fetch(ctx, u, get())
			wantReason(t, err, pb.Hop_HOP_PDS, reason)
			if !NeverSent(err) {
				t.Errorf("%s: it may have been sent", reason)
			}
		}
		if wait := s.config.Quota.Expected(consumer(t, "Q8X01")); wait != 0 {
			t.Errorf("what was refused took a turn: the next waits %v", wait)
		}
	})
}

func TestWhoeverWaitsForNothingIsToldAtOnce(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		q := NewQuota(5, 1)
		q.answered(tooMany("60"))
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://pds.example", nil)
		if err != nil {
			t.Fatal(err)
		}
		err = q.await(pb.Hop_HOP_PDS, r, consumer(t, "Q8X01"), atScreen)
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED)
		if time.Since(begin) != 0 {
			t.Errorf("told after %v", time.Since(begin))
		}
		if _, err := q.Turn(ctx, consumer(t, "Q8X01")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Turn failed with %v", err)
		}
		if q.lines[bulk].waiting+q.lines[atScreen].waiting > 0 || q.timer != nil {
			t.Error("somebody is still waiting")
		}
	})
}

// Whatever is asked, given up, refused and changed: nobody is forgotten, and no window has more than the quota.
func TestTheQuotaIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		perSecond := rapid.Float64Range(0.2, 600).Draw(rt, "rate")
		burst := rapid.IntRange(1, 6).Draw(rt, "burst")
		n := rapid.IntRange(1, 120).Draw(rt, "requests")
		var plan []struct {
			who   int
			kind  kind
			after time.Duration
			gives time.Duration // up; zero waits
			told  string        // Retry-After of a 429
		}
		for i := range n {
			plan = append(plan, struct {
				who   int
				kind  kind
				after time.Duration
				gives time.Duration
				told  string
			}{
				rapid.IntRange(0, 3).Draw(rt, fmt.Sprint("who", i)), kind(rapid.IntRange(0, 1).Draw(rt, "kind")),
				time.Duration(rapid.IntRange(0, 3000).Draw(rt, "after")) * time.Millisecond,
				time.Duration(rapid.SampledFrom([]int{0, 0, 0, 10, 500}).Draw(rt, "gives up")) * time.Millisecond,
				rapid.SampledFrom([]string{"-", "-", "-", "-", "", "1"}).Draw(rt, "429"),
			})
		}
		synctest.Test(t, func(t *testing.T) {
			q := NewQuota(perSecond, burst)
			var mu sync.Mutex
			var at []time.Time
			var pausedUntil time.Time
			var group sync.WaitGroup
			for _, p := range plan {
				group.Go(func() {
					time.Sleep(p.after)
					ctx := t.Context()
					if p.gives > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, p.gives)
						defer cancel()
					}
					w := q.join(consumer(t, []string{"A1A", "B2B", "C3C", "D4D"}[p.who]), p.kind)
					select {
					case <-w.called:
					case <-ctx.Done():
						q.leave(w)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if time.Now().Before(pausedUntil) && at[len(at)-1].Before(time.Now()) {
						rt.Errorf("a turn inside a pause")
					}
					at = append(at, time.Now())
					if p.told != "-" {
						q.answered(tooMany(p.told))
						q.mu.Lock()
						pausedUntil = q.paused
						q.mu.Unlock()
					}
				})
			}
			group.Wait()
			q.mu.Lock()
			defer q.mu.Unlock()
			if q.lines[bulk].waiting+q.lines[atScreen].waiting > 0 || len(q.lines[bulk].of)+len(q.lines[atScreen].of) > 0 {
				rt.Errorf("somebody is remembered")
			}
			for i := range at {
				for j := i; j < len(at); j++ {
					span := at[j].Sub(at[i])
					if most := perSecond*span.Seconds() + float64(burst); float64(j-i+1) > most+1e-3 {
						rt.Fatalf("%d turns in %v at %g/s and a burst of %d", j-i+1, span, perSecond, burst)
					}
					if most := 60 * perSecond; span < time.Minute && float64(j-i+1) > max(most, float64(burst))+1 {
						rt.Fatalf("%d turns in a minute at %g/s", j-i+1, perSecond)
					}
				}
			}
		})
	})
}
