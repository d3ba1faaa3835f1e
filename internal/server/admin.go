package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// serveAdmin opens the listener for operators, if there is to be one.
func (g *Gateway) serveAdmin(life context.Context, o Options) error {
	listener := o.AdminListener
	if listener == nil {
		if g.config.Admin.Address == "" {
			return nil
		}
		var err error
		if listener, err = new(net.ListenConfig).Listen(life, "tcp", g.config.Admin.Address); err != nil {
			return fmt.Errorf("admin.address: %w", err)
		}
	}
	g.adminAt = listener.Addr()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		word, ok := g.health.ready()
		if ok {
			say(w, http.StatusOK, word)
			return
		}
		say(w, http.StatusServiceUnavailable, word)
	})
	mux.Handle("GET /metrics", g.telemetry.Metrics)
	g.publishKeys(mux)
	if o.Embedded != nil {
		offerSandbox(mux, o.Embedded, g.telemetry.Ring)
	}
	g.admin = &http.Server{
		Handler:           noStore(mux),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	listener = netutil.LimitListener(listener, maxOperators)
	g.serving.Go(func() {
		if err := g.admin.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			g.failed <- fmt.Errorf("serve operators: %w", err)
		}
	})
	return nil
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, word+"\n") // whoever asked may be gone
}
