package spine

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// slowly is silent before the header, then before each part of the body.
func slowly(header time.Duration, parts int, part time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wait := func(d time.Duration) bool {
			select {
			case <-time.After(d):
				return true
			case <-r.Context().Done():
				return false
			}
		}
		if !wait(header) {
			return
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for range parts {
			if !wait(part) {
				return
			}
			_, _ = w.Write([]byte("part"))
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func TestLimits(t *testing.T) {
	limits := Limits{FirstByte: 5 * time.Second, Progress: 3 * time.Second, Total: 20 * time.Second, Attempts: 1}
	for _, tt := range []struct {
		name     string
		handle   http.HandlerFunc
		deadline time.Duration
		reason   pb.ErrorReason
		took     time.Duration
	}{
		{"slow but steady", slowly(4*time.Second, 5, 2*time.Second), 0, 0, 14 * time.Second},
		{"no header", slowly(time.Minute, 0, 0), 0, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, 5 * time.Second},
		{"silence inside the body", slowly(0, 1, time.Minute), 0, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, 3 * time.Second},
		{"steady for ever", slowly(0, 1000, time.Second), 0, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, 20 * time.Second},
		{
			"the caller's deadline before the header", slowly(time.Minute, 0, 0), time.Second,
			pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, 900 * time.Millisecond,
		},
		{
			"the caller's deadline inside the body", slowly(0, 1000, 400*time.Millisecond), time.Second,
			pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, 900 * time.Millisecond,
		},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s := serve(t, "Example", tt.handle)
			s.config.Limits = limits
			ctx := t.Context()
			if tt.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.deadline)
				defer cancel()
			}
			start := time.Now()
			text, err := fetch(ctx, open(t, s.config), get())
			if took := time.Since(start); took != tt.took {
				t.Errorf("took %v, want %v", took, tt.took)
			}
			if tt.reason != 0 {
				wantReason(t, err, pb.Hop_HOP_PDS, tt.reason)
			} else if err != nil || text != strings.Repeat("part", 5) {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	bubble(t, "a slow reader is nobody's silence", func(t *testing.T) {
		s := serve(t, "Example", slowly(0, 3, 0))
		s.config.Limits = limits
		answer, err := open(t, s.config).Do(t.Context(), get())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if text, err := answer.Body.ReadAll(); err != nil || len(text) != 12 {
			t.Errorf("%q, %v", text, err)
		}
	})
	bubble(t, "the caller gives up", func(t *testing.T) {
		s := serve(t, "Example", slowly(time.Minute, 0, 0))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("a cause of the caller's own")) })
		_, err := fetch(ctx, open(t, s.config), get())
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_CANCELLED)
		if got := len(s.received()); got != 1 {
			t.Errorf("%d attempts", got)
		}
	})
}

func zip(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBody(t *testing.T) {
	readable := []byte(strings.Repeat(`{"resourceType":"Patient"}`, 100))
	zipped := zip(t, readable)
	bomb := zip(t, make([]byte, 8<<20))
	damaged := bytes.Clone(zipped)
	damaged[len(damaged)-6] ^= 1 // of the checksum
	garbled := bytes.Clone(zipped)
	garbled[12] ^= 0xff
	for _, tt := range []struct {
		name, encoding string
		body           []byte
		length         int // announced, where it is not what comes
		limit          int64
		reason         pb.ErrorReason
	}{
		{name: "plain", body: readable},
		{name: "exactly as long as allowed", body: readable, limit: int64(len(readable))},
		{name: "a byte too long", body: readable, limit: int64(len(readable)) - 1, reason: pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE},
		{name: "cut", body: readable, length: len(readable) + 1, reason: pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT},
		{name: "compressed", encoding: "gzip", body: zipped},
		{name: "too long once inflated", encoding: "gzip", body: zipped, limit: 100, reason: pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE},
		{name: "a bomb", encoding: "gzip", body: bomb, limit: 1 << 30, reason: pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE},
		{name: "compressed and cut", encoding: "gzip", body: zipped[:len(zipped)-20], reason: pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT},
		{name: "compressed and damaged", encoding: "gzip", body: damaged, reason: pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{name: "compressed and garbled", encoding: "gzip", body: garbled, reason: pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{name: "not compressed as it says", encoding: "gzip", body: readable, reason: pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
		{name: "an encoding nobody asked for", encoding: "br", body: readable, reason: pb.ErrorReason_ERROR_REASON_ANSWER_INVALID},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s := serve(t, "Example", func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					t.Errorf("Accept-Encoding = %q", r.Header.Values("Accept-Encoding"))
				}
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				w.Header().Set("Content-Length", strconv.Itoa(max(tt.length, len(tt.body))))
				_, _ = w.Write(tt.body)
			})
			q := get()
			q.Limits.Bytes = tt.limit
			text, err := fetch(t.Context(), open(t, s.config), q)
			if tt.reason != 0 {
				wantReason(t, err, pb.Hop_HOP_PDS, tt.reason)
				if NeverSent(err) {
					t.Error("an answer came, and NeverSent")
				}
			} else if err != nil || text != string(readable) {
				t.Errorf("%d bytes, %v", len(text), err)
			}
		})
	}
}

func TestLimiter(t *testing.T) {
	bubble(t, "spaces attempts, and refuses what would come too late", func(t *testing.T) {
		s := serve(t, "Example", statuses(503))
		s.config.Quota = NewQuota(5, 2)
		s.config.Backoff = time.Nanosecond
		u := open(t, s.config)
		start := time.Now()
		for range 4 { // five attempts
			if _, err := fetch(t.Context(), u, get()); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start).Round(10 * time.Millisecond); took != 600*time.Millisecond {
			t.Errorf("five attempts at 5/s after a burst of 2 took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		_, err := fetch(ctx, u, get())
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED)
		if e := fault.Of(err); e.RetryAfter <= 0 || e.RetryAfter > 210*time.Millisecond || !NeverSent(err) {
			t.Errorf("RetryAfter = %v, NeverSent = %v", e.RetryAfter, NeverSent(err))
		}
		time.Sleep(400 * time.Millisecond)
		start = time.Now()
		if _, err := fetch(t.Context(), u, get()); err != nil || time.Since(start) > 0 {
			t.Errorf("what was refused took a turn: %v, %v", time.Since(start), err)
		}
	})
}

func TestBreaker(t *testing.T) {
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	try := func(t *testing.T, u *Upstream, n int) (last error) {
		t.Helper()
		for range n {
			q := get()
			q.Limits.Attempts = 1
			_, last = fetch(t.Context(), u, q)
		}
		return last
	}
	bubble(t, "opens, lets one through, and closes", func(t *testing.T) {
		handle := down
		s := serve(t, "Example", func(w http.ResponseWriter, r *http.Request) { handle(w, r) })
		u := open(t, s.config)
		err := try(t, u, 20)
		wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE)
		if got := len(s.received()); got != breakerInARow {
			t.Errorf("it received %d requests, want %d", got, breakerInARow)
		}
		if !NeverSent(err) || fault.Of(err).RetryAfter == 0 {
			t.Error("an open breaker has to say that nothing was sent, and when to come back")
		}
		time.Sleep(breakerPause + 1)
		if err := try(t, u, 3); err == nil || len(s.received()) != breakerInARow+1 {
			t.Errorf("%d requests after one probe failed", len(s.received()))
		}
		time.Sleep(breakerPause + 1)
		handle = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
		before := len(s.received())
		if _ = try(t, u, 3); len(s.received()) != before+3 {
			t.Error("answers that say nothing about the upstream keep it shut")
		}
		handle = statuses()
		if err := try(t, u, 3); err != nil {
			t.Errorf("it stays open: %v", err)
		}
	})
	for name, handle := range map[string]http.HandlerFunc{
		"4xx do not open it":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"rate limits do not open it":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"cancellations do not open it": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		bubble(t, name, func(t *testing.T) {
			s := serve(t, "Example", handle)
			u := open(t, s.config)
			for range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				q := get()
				q.Limits.Attempts = 1
				_, _ = fetch(ctx, u, q)
				cancel()
			}
			if got := len(s.received()); got != 30 {
				t.Errorf("it received %d of 30 requests", got)
			}
		})
	}
	bubble(t, "a practice that is down costs the others nothing", func(t *testing.T) {
		s := serve(t, "Example", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("To") == "down" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		u := open(t, s.config)
		call := func(name, id string) error {
			q := get()
			q.Limits.Attempts, q.Header = 1, http.Header{"To": {name}}
			q.ssp = &sspCall{to: asid(t, id)}
			_, err := fetch(t.Context(), u, q)
			return err
		}
		for range 10 {
			_ = call("down", "918000000007")
		}
		wantReason(t, call("down", "918000000007"), pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE)
		if err := call("up", "918000000001"); err != nil {
			t.Error(err)
		}
	})
	bubble(t, "black holes open it", func(t *testing.T) {
		s := serve(t, "Example", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if err := try(t, open(t, s.config), 6); !NeverSent(err) {
			t.Errorf("after five time-outs: %v", err)
		}
	})
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		hop    pb.Hop
		status int
		want   error
	}{
		{pb.Hop_HOP_SSP, 200, nil},
		{pb.Hop_HOP_SSP, 404, errExcluded},
		{pb.Hop_HOP_SSP, 500, errExcluded},
		{pb.Hop_HOP_SSP, 502, errCounted},
		{pb.Hop_HOP_SSP, 599, errCounted},
		{pb.Hop_HOP_PDS, 500, errCounted},
	} {
		answer := &http.Response{StatusCode: tt.status, Body: io.NopCloser(strings.NewReader(""))}
		if got := judge(tt.hop, answer, nil); !errors.Is(got, tt.want) {
			t.Errorf("judge(%s, %d) = %v, want %v", tt.hop, tt.status, got, tt.want)
		}
	}
}
