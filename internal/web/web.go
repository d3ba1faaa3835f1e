// Package web is the API over HTTP and JSON: the same methods, behind the same chain.
//
// It is a client of the gateway that it stands in front of, and nothing more: each HTTP connection has a gRPC connection of its
// own, in memory, that shows the chain what TLS and TCP have shown here: whose certificate was verified, and which address calls.
// Who is asking, what they may do, how often, for how long, and what is written down about it is settled where it is settled
// for everybody.
//
// A call is POST to its full name, such as /spinegate.v1.PatientTrace/TracePatient, with the request as JSON. Nothing of a
// request is in its address, since addresses end in logs. Of its headers few reach the call, and they are named here.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/spinegate/spinegate/gen/openapi"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/guard"
)

// Config is what a server needs. Log and Methods are required.
type Config struct {
	// TLS is that of the gRPC server, so that the same callers are believed. nil is clear text.
	TLS *tls.Config
	// Origins are those whose pages may call. A browser's request from any other is refused.
	Origins []string
	// Methods are the full names of those that can be called. They must be linked in.
	Methods []string
	// MaxStreams bounds the calls of one connection, MaxHeader the bytes of a request's headers.
	MaxStreams, MaxHeader int
	// Age is how old a connection may become. The next call after that is its last, so that load spreads, and a certificate is
	// looked at again. Zero is for ever.
	Age time.Duration
	// Log hears of panics, and at level DEBUG of connections that fail.
	Log *slog.Logger
}

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	// bodyTimeout is how long a request may take to arrive, also one that is refused: as long as the chain waits for it.
	bodyTimeout = 5 * time.Second
	// writeTimeout is how long whoever reads an answer may take none of it.
	writeTimeout = 30 * time.Second
)

// Server is the HTTP server.
type Server struct {
	config  Config
	methods map[string]*method // by path
	inside  *inside
	http    *http.Server

	mu     sync.Mutex // guards what follows
	links  map[net.Conn]*link
	closed bool
	open   sync.WaitGroup // connections and requests; none is added once it is closed
}

// New makes a server. It begins with Serve; whoever has made it serves [Server.Calls] with gRPC, and closes it.
func New(c Config) (*Server, error) {
	s := &Server{config: c, methods: map[string]*method{}, inside: newInside(), links: map[net.Conn]*link{}}
	for _, origin := range c.Origins {
		if err := config.CheckOrigin(origin); err != nil { // rs/cors would take a wildcard
			return nil, fmt.Errorf("web: a page's origin: %w", err)
		}
	}
	for _, name := range c.Methods {
		m, err := findMethod(name)
		if err != nil {
			return nil, err
		}
		s.methods[name] = m
	}
	s.http = &http.Server{
		Handler:           s.recovering(noStore(s.counted(inTime(s.fromBrowsers(http.HandlerFunc(s.serve)))))),
		TLSConfig:         forHTTP(c.TLS),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: c.MaxStreams, WriteByteTimeout: writeTimeout},
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    c.MaxHeader,
		ConnContext:       s.connected,
		ConnState:         s.connection,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),

		DisableGeneralOptionsHandler: true, // no request is answered but here
	}
	return s, nil
}

// forHTTP offers HTTP's versions in place of gRPC's one, whatever configuration a handshake gets.
func forHTTP(c *tls.Config) *tls.Config {
	if c == nil {
		return nil
	}
	offer := func(c *tls.Config) *tls.Config {
		c = c.Clone()
		c.NextProtos = []string{"h2", "http/1.1"}
		return c
	}
	c = offer(c)
	if each := c.GetConfigForClient; each != nil {
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			now, err := each(hello)
			if err != nil || now == nil {
				return nil, err
			}
			return offer(now), nil
		}
	}
	return c
}

// Serve serves until Shutdown or Close, and closes the listener.
func (s *Server) Serve(l net.Listener) error {
	serve := s.http.Serve
	if s.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Calls is where the gRPC server accepts what came over HTTP. It needs [Credentials].
func (s *Server) Calls() net.Listener { return s.inside }

// Shutdown accepts no more connections, and waits until those that there are have had their answers.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// Close ends every connection, and waits until nothing of them runs any more.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	open := slices.Collect(maps.Keys(s.links))
	s.mu.Unlock()
	err := errors.Join(s.http.Close(), s.inside.Close())
	for _, c := range open {
		_ = c.Close() // the library does not know yet of one that it has just accepted
	}
	s.open.Wait()
	return err
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	l := linkOf(r)
	if s.config.Age > 0 && time.Since(l.began) > s.config.Age {
		w.Header().Set("Connection", "close") // HTTP/2 says so in a frame
	}
	m := s.methods[r.URL.EscapedPath()] // a name that is written in another way is another name
	if m == nil {
		m = unknown
	}
	a := newAnswer(w, r, m)
	if r.URL.Path == "/openapi.json" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		if r.Body != http.NoBody {
			a.last()
		}
		_ = a.whole(http.StatusOK, openapi.Document) // whoever asked may be gone
		return
	}
	timeout, unfit := acceptable(r, m)
	if unfit != nil {
		a.refuse(unfit)
		return
	}
	a.call(r, l, timeout)
}

// recovering ends the connection when something panics here, and tells the operator where. The library would write down what
// was thrown, which may be about somebody.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		report := func(ctx context.Context, thrown any) {
			s.config.Log.ErrorContext(ctx, "panic", "thrown", fmt.Sprintf("%T", thrown), "stack", guard.Stack())
		}
		ctx := guard.NewContext(r.Context(), report)
		if err := guard.Run(ctx, func() error { next.ServeHTTP(w, r.WithContext(ctx)); return nil }); err != nil {
			panic(http.ErrAbortHandler) // the library's way to end a connection without a word
		}
	})
}

// counted has Close wait for a request. Its connection is counted, but HTTP/2 may end that before, and may even begin a request
// after that.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		closed := s.closed
		if !closed {
			s.open.Add(1)
		}
		s.mu.Unlock()
		if closed {
			newAnswer(w, r, unknown).end(errClosed, nil)
			return
		}
		defer s.open.Done()
		next.ServeHTTP(w, r)
	})
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// inTime bounds how long a body may take to arrive, whatever becomes of the request: before the library sends an answer over
// HTTP/1.1 it reads what is left, so that who sends no more would hold the connection for ever. A stream of requests takes the
// bound away, and has the chain's. Where there is no body, what is read from here on only tells that the caller has gone.
func inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // every connection of a server can
		}
		next.ServeHTTP(w, r)
	})
}
