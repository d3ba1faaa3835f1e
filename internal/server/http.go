package server

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"

	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/web"
)

const (
	maxWebConnections = 512 // of all callers; beyond them one waits until another ends
	// What one of them may cost.
	maxWebStreams = 100
	maxWebHeader  = 24 << 10 // few of its headers reach gRPC, which counts 32 bytes more for each: together below maxMetadata
)

// serveHTTP opens the listener for callers who speak HTTP and JSON, if there is to be one.
func (g *Gateway) serveHTTP(life context.Context, o Options) error {
	listener := o.HTTPListener
	if listener == nil && g.config.Listen.HTTP.Address == "" {
		return nil
	}
	var methods []string
	for m := range policy.All() {
		methods = append(methods, m.Name)
	}
	door, err := web.New(web.Config{
		TLS: g.secure, Origins: g.config.Listen.HTTP.AllowedOrigins, Methods: methods,
		MaxStreams: maxWebStreams, MaxHeader: maxWebHeader, Age: keepAlive.MaxConnectionAge, Log: g.log,
	})
	if err != nil {
		return fmt.Errorf("listen.http: %w", err)
	}
	if listener == nil {
		if listener, err = g.listen(life, o, "listen.http.address", g.config.Listen.HTTP.Address); err != nil {
			return err
		}
	}
	g.web, g.webAt = door, listener.Addr()
	g.serving.Go(func() {
		if err := g.grpc.Serve(door.Calls()); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			g.failed <- fmt.Errorf("serve calls of HTTP: %w", err)
		}
	})
	listener = netutil.LimitListener(listener, maxWebConnections)
	g.serving.Go(func() {
		if err := door.Serve(listener); err != nil {
			g.failed <- fmt.Errorf("serve callers over HTTP: %w", err)
		}
	})
	return nil
}

// endHTTP ends every connection that there still is.
func (g *Gateway) endHTTP() error {
	if g.web == nil {
		return nil
	}
	if err := g.web.Close(); err != nil {
		return fmt.Errorf("end HTTP: %w", err)
	}
	return nil
}
