package spine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name     string
		request  func() *Request
		statuses []int
		attempts int
		reason   pb.ErrorReason
	}{
		{"a passing failure", get, []int{503}, 2, 0},
		{"two of them", get, []int{429, 500}, 3, 0},
		{"every passing status: 408", get, []int{408, 408}, 3, 0},
		{"every passing status: 504 and 599", get, []int{504, 599}, 3, 0},
		{"one too many", get, []int{503, 502, 503, 503}, 3, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE},
		{"a rate limit that stays", get, []int{429, 429, 429}, 3, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED},
		{"what will not pass: 400", get, []int{400}, 1, pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST},
		{"what will not pass: 403", get, []int{403}, 1, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED},
		{"what will not pass: 501", get, []int{501}, 1, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE},
		{"401 without a token", get, []int{401}, 1, pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED},
		{"a redirect is not followed", get, []int{302}, 1, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{"what may not be repeated", post, []int{503}, 1, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s := serve(t, "Example", statuses(tt.statuses...))
			s.config.MaxConns = 1
			_, err := fetch(t.Context(), open(t, s.config), tt.request())
			if tt.reason == 0 && err != nil {
				t.Errorf("failed with %v", err)
			} else if tt.reason != 0 {
				wantReason(t, err, pb.Hop_HOP_PDS, tt.reason)
			}
			if got := len(s.received()); got != tt.attempts {
				t.Errorf("%d attempts, want %d", got, tt.attempts)
			}
			if s.connections != 1 {
				t.Errorf("%d connections: an answer was not drained", s.connections)
			}
			for _, r := range s.received() {
				if tt.request().Body == nil && (r.ContentLength != 0 || len(r.TransferEncoding) > 0) {
					t.Errorf("a GET came with a body: %d, %v", r.ContentLength, r.TransferEncoding)
				}
				if id := r.Header.Get("X-Request-Id"); id != tt.request().RequestID {
					t.Errorf("X-Request-ID is %q on one attempt", id)
				}
			}
		})
	}
}

func TestRetryWaits(t *testing.T) {
	bubble(t, "as long as Retry-After asks", func(t *testing.T) {
		first := true
		s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) {
			if first {
				w.Header().Set("Retry-After", "5")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			first = false
		})
		start := time.Now()
		if _, err := fetch(t.Context(), open(t, s.config), get()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("waited %v, want what Retry-After says", took)
		}
	})
	bubble(t, "never past the deadline", func(t *testing.T) {
		s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := fetch(ctx, open(t, s.config), get())
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
		if got := fault.Of(err).RetryAfter; got != 5*time.Second {
			t.Errorf("the caller is told to come back after %v", got)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("waited %v for nothing", took)
		}
	})
	bubble(t, "the caller may give up meanwhile", func(t *testing.T) {
		s := serve(t, "Example", statuses(503, 503, 503))
		s.config.Backoff = time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		_, err := fetch(ctx, open(t, s.config), get())
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_CANCELLED)
		if NeverSent(err) {
			t.Error("the first attempt was sent")
		}
	})
}

func TestRetriesAreATenthOfRequests(t *testing.T) {
	bubble(t, "for each consumer", func(t *testing.T) {
		s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
		u := open(t, s.config)
		one := func(consumer nhs.ODSCode) int {
			before := len(s.received())
			q := get()
			q.Consumer = consumer
			if _, err := fetch(t.Context(), u, q); err == nil {
				t.Error("no failure")
			}
			return len(s.received()) - before - 1
		}
		retries := 0
		for range 100 {
			retries += one(ods(t, "Q8X01"))
		}
		if retries < 10 || retries > 20 {
			t.Errorf("%d retries for 100 requests, want a tenth and the reserve of ten", retries)
		}
		if one(ods(t, "R9Y02")) != 2 {
			t.Error("another consumer pays for the first")
		}
	})
}

func TestBackoffIsRandomWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.IntRange(1, int(time.Second)).Draw(t, "base"))
		n := rapid.IntRange(1, 40).Draw(t, "n")
		bound := 20 * base
		if n < 5 {
			bound = base << (n - 1)
		}
		if got := backoff(base, n); got <= 0 || got > bound {
			t.Errorf("backoff(%v, %d) = %v, want at most %v", base, n, got, bound)
		}
	})
	low, high := time.Hour, time.Duration(0)
	for range 200 {
		got := backoff(time.Second, 1)
		low, high = min(low, got), max(high, got)
	}
	if low > 200*time.Millisecond || high < 800*time.Millisecond {
		t.Errorf("waits lie between %v and %v only", low, high)
	}
}

func TestNeverSent(t *testing.T) {
	refuseToDial := func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, tt := range []struct {
		name   string
		change func(*Config)
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		handle http.HandlerFunc
		never  bool
		reason pb.ErrorReason
	}{
		{
			name: "nobody there", change: func(c *Config) { c.Dial = refuseToDial }, never: true,
			reason: pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE,
		},
		{name: "no time", ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 100*time.Millisecond)
		}, never: true, reason: pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED},
		{name: "the hook refuses", change: func(c *Config) {
			c.Before = func(context.Context, Access) error {
				return fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE, nil)
			}
		}, never: true, reason: pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE},
		{name: "it hung up", handle: hangUp, reason: pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE},
		{
			name: "it said nothing", handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			reason: pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT,
		},
		{name: "it answered 500", handle: statuses(500, 500, 500), reason: pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			handle := tt.handle
			if handle == nil {
				handle = func(http.ResponseWriter, *http.Request) {}
			}
			s := serve(t, "Example", handle)
			if tt.change != nil {
				tt.change(&s.config)
			}
			ctx := t.Context()
			if tt.ctx != nil {
				var cancel context.CancelFunc
				ctx, cancel = tt.ctx(ctx)
				defer cancel()
			}
			_, err := fetch(ctx, open(t, s.config), post())
			wantReason(t, err, pb.Hop_HOP_PDS, tt.reason)
			if NeverSent(err) != tt.never {
				t.Errorf("NeverSent = %v, want %v", !tt.never, tt.never)
			}
			if got := len(s.received()); got > 1 || tt.never && got > 0 {
				t.Errorf("it received %d requests", got)
			}
		})
	}
	bubble(t, "an earlier attempt left", func(t *testing.T) {
		s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		dials := 0
		s.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials++; dials > 1 {
				return nil, syscall.ECONNREFUSED
			}
			return s.memory.DialContext(ctx, network, address)
		}
		if _, err := fetch(t.Context(), open(t, s.config), get()); NeverSent(err) {
			t.Error("NeverSent although the first of three attempts was answered")
		}
	})
	if NeverSent(errors.New("x")) || NeverSent(nil) {
		t.Error("what is not known was never sent")
	}
}

func TestAWriteIsSentAgainOnlyIfNothingLeft(t *testing.T) {
	bubble(t, "dialling failed once", func(t *testing.T) {
		s := serve(t, "Example", statuses())
		dials := 0
		s.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials++; dials == 1 {
				return nil, syscall.ECONNREFUSED
			}
			return s.memory.DialContext(ctx, network, address)
		}
		if _, err := fetch(t.Context(), open(t, s.config), post()); err != nil {
			t.Error(err)
		}
		if got := len(s.received()); got != 1 {
			t.Errorf("it received %d requests, want 1", got)
		}
	})
}

// net/http repeats a GET by itself when a kept connection breaks. Then audit would miss a request, and an Ssp-TraceID
// would be on two.
func TestEveryRequestOnTheWireIsAnAttempt(t *testing.T) {
	bubble(t, "also when a kept connection breaks", func(t *testing.T) {
		n := 0
		s := serve(t, "Example", func(http.ResponseWriter, *http.Request) {
			if n++; n == 2 {
				panic(http.ErrAbortHandler)
			}
		})
		var accesses []Access
		s.config.Before = func(_ context.Context, a Access) error {
			accesses = append(accesses, a)
			return nil
		}
		u := open(t, s.config)
		for range 2 {
			if _, err := fetch(t.Context(), u, get()); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		if len(s.received()) != 3 || len(accesses) != 3 {
			t.Errorf("%d requests were received and %d agreed to, want 3", len(s.received()), len(accesses))
		}
		if a := accesses[len(accesses)-1]; a.Attempt != 2 || a.Template != "/Patient/{id}" || a.RequestID != get().RequestID {
			t.Errorf("the last access is %+v", a)
		}
	})
}
