package simulator

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// requestLimit bounds what is read of a request: far above the largest that any upstream takes.
const requestLimit = 8 << 20

// natural is implemented by upstreams that have a body of their own for a status that a fault asks for.
type natural interface {
	natural(w http.ResponseWriter, r *http.Request, status int)
}

// watch puts what is common to all upstreams round a handler: the marker, the transcript and the faults.
func (s *Spine) watch(next http.Handler, about func(*http.Request) facts) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.handlers.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.handlers.leave()
		w.Header().Set(Marker, "true")
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestLimit))
		if err != nil {
			panic(http.ErrAbortHandler) // the client went away or sent what nobody sends: there is no one to tell
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f := about(r)
		exchange := s.transcript.begin(r, f.upstream, body)
		defer func() { //nolint:contextcheck // the line belongs to the request
			status := s.transcript.finished(exchange)
			s.log.DebugContext(r.Context(), "answered", "upstream", string(f.upstream), "method", r.Method,
				"status", status, "after", time.Since(exchange.At))
		}()
		told := &teller{
			ResponseWriter: w,
			told:           func(status int) { s.transcript.answered(exchange, status) },
			wrote:          func(piece []byte) { s.transcript.wrote(exchange, piece) },
		}
		if rule := s.dial.take(f, r, body); rule != nil {
			rule.happen(told, r, next)
			return
		}
		next.ServeHTTP(told, r)
	})
}

// teller reports the status of an answer, and the answer.
type teller struct {
	http.ResponseWriter
	told  func(int)
	wrote func([]byte)
}

func (t *teller) WriteHeader(status int) {
	if status >= 200 {
		t.told(status)
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *teller) Write(p []byte) (int, error) {
	t.told(http.StatusOK)
	t.wrote(p)
	return t.ResponseWriter.Write(p)
}

// Unwrap serves [http.ResponseController].
func (t *teller) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// happen answers a request as a fault wants.
func (r *Rule) happen(w http.ResponseWriter, request *http.Request, next http.Handler) {
	f := r.fault
	ctx := request.Context()
	var done *kept
	if f.After {
		done = &kept{header: w.Header().Clone()}
		next.ServeHTTP(done, request)
	}
	r.reach()
	if !r.wait(ctx) {
		panic(http.ErrAbortHandler)
	}
	if f.Reset {
		reset(w)
	}
	if f.MediaType == "" && f.SlowEvery == 0 && !f.Cut {
		r.answer(w, request, next, done)
		return
	}
	spoilt := &shaper{ResponseWriter: w, fault: f, ctx: ctx}
	r.answer(spoilt, request, next, done)
	spoilt.finish()
}

// answer decides what is answered, before it is spoilt.
func (r *Rule) answer(w http.ResponseWriter, request *http.Request, next http.Handler, done *kept) {
	f := r.fault
	switch {
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		if n, ok := next.(natural); ok && f.Body == "" {
			n.natural(w, request, f.Status)
			return
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
	case done != nil:
		done.replay(w)
	case f.Unreachable, f.Empty:
		next.ServeHTTP(w, request.WithContext(context.WithValue(request.Context(), brokenKey{}, true)))
	default:
		next.ServeHTTP(w, request)
	}
}

// wait holds and delays, and reports whether the client is still there.
func (r *Rule) wait(ctx context.Context) bool {
	if r.fault.Hold {
		select {
		case <-r.release:
		case <-ctx.Done():
			return false
		}
	}
	return pause(ctx, r.fault.Delay)
}

func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type brokenKey struct{}

// broken reports whether a fault wants the upstream's own kind of failure: unreachable at the proxy, empty at SDS.
func broken(ctx context.Context) bool { return ctx.Value(brokenKey{}) != nil }

// reset closes the connection under an exchange. TCP peers are told so at once.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // not the TLS layer: it would say goodbye
	}
	if t, ok := conn.(*tlsOnlyConn); ok {
		conn = t.Conn
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}

// kept holds an answer back.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) {
	if k.status == 0 && status >= 200 {
		k.status = status
	}
}

func (k *kept) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(p)
}

func (k *kept) replay(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.header)
	w.WriteHeader(max(k.status, http.StatusOK))
	_, _ = w.Write(k.body.Bytes())
}

// shaper spoils an answer on its way out. It keeps the whole of it first, because a length that is promised must be known.
type shaper struct {
	http.ResponseWriter
	fault  Fault
	ctx    context.Context // of the request; the shaper lives no longer
	status int
	body   bytes.Buffer
}

func (s *shaper) WriteHeader(status int) {
	if s.status == 0 && status >= 200 {
		s.status = status
	}
}

func (s *shaper) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.body.Write(p)
}

// Flush keeps a streaming handler content; what it wrote goes out in finish.
func (s *shaper) Flush() {}

func (s *shaper) finish() {
	f, header, body := s.fault, s.Header(), s.body.Bytes()
	if f.MediaType != "" {
		header.Set("Content-Type", f.MediaType)
	}
	header.Del("Content-Length")
	if !f.Chunked {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if f.Cut {
		at := f.CutAfter
		if at < 0 {
			at = len(body) / 2
		}
		body = body[:max(min(at, len(body)-1), 0)]
	}
	s.ResponseWriter.WriteHeader(max(s.status, http.StatusOK))
	flush := http.NewResponseController(s.ResponseWriter).Flush
	_ = flush()
	piece := len(body)
	if f.SlowEvery > 0 {
		piece = max(f.SlowBytes, 1)
		if f.SlowBytes == 0 {
			piece = 1024
		}
	}
	for len(body) > 0 {
		if !pause(s.ctx, f.SlowEvery) {
			panic(http.ErrAbortHandler)
		}
		n := min(piece, len(body))
		if _, err := s.ResponseWriter.Write(body[:n]); err != nil {
			panic(http.ErrAbortHandler)
		}
		_ = flush()
		body = body[n:]
	}
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
}

// gate counts the handlers at work, so that Close can wait for them and none starts after it.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{}
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.closed {
		close(g.empty)
	}
}

// shut lets nobody in any more and waits until everybody is out.
func (g *gate) shut() {
	g.mu.Lock()
	g.closed, g.empty = true, make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
	empty := g.empty
	g.mu.Unlock()
	<-empty
}
