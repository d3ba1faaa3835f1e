package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/web"
)

// What one connection and one message may cost (trust contract, T14, T15 and 4.2).
const (
	maxConnections   = 1024 // of callers; beyond them one waits until another ends
	maxOperators     = 64   // connections of operators, likewise
	maxStreams       = 256
	maxMetadata      = 32 << 10 // bytes of a request's header list
	handshakeTimeout = 10 * time.Second
)

var (
	// keepAlive finds dead peers, takes the place of those who ask nothing, and makes long-lived connections move on, so that
	// load spreads after a scale-out.
	keepAlive = keepalive.ServerParameters{
		MaxConnectionIdle: 5 * time.Minute,
		MaxConnectionAge:  30 * time.Minute, MaxConnectionAgeGrace: 5 * time.Minute, Time: 30 * time.Second, Timeout: 10 * time.Second,
	}
	// pings more frequent than this end a connection.
	pings = keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}
)

// connectionLife is how long a connection lives at least: gRPC spreads the age by a tenth.
func connectionLife() time.Duration {
	return keepAlive.MaxConnectionAge*9/10 + keepAlive.MaxConnectionAgeGrace
}

// newServer makes the gRPC server with its limits. The chain comes last, so that telemetry's span is there for all of it.
func (g *Gateway) newServer(chain []grpc.ServerOption) (*grpc.Server, error) {
	var err error
	if g.secure, err = g.callersTLS(); err != nil {
		return nil, err
	}
	options := []grpc.ServerOption{
		grpc.StatsHandler(g.telemetry.ServerHandler(knownMethods())),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxMetadata),
		grpc.MaxRecvMsgSize(policy.MaxRequest),
		grpc.MaxSendMsgSize(policy.MaxMessage), // the chain refuses before, with an explanation and evidence
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepAlive),
		grpc.KeepaliveEnforcementPolicy(pings),
		grpc.WaitForHandlers(true), // a stop must not outrun the outcome that a handler is writing
	}
	if g.secure != nil {
		options = append(options, grpc.Creds(web.Credentials(credentials.NewTLS(g.secure))))
	}
	return grpc.NewServer(append(options, chain...)...), nil
}

// knownMethods are the methods that telemetry may name.
func knownMethods() map[string]bool {
	known := map[string]bool{
		"/grpc.health.v1.Health/Check": true, "/grpc.health.v1.Health/List": true, "/grpc.health.v1.Health/Watch": true,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": true,
	}
	for m := range policy.All() {
		known[m.Name] = true
	}
	return known
}

func registerReflection(server *grpc.Server) { reflection.RegisterV1(server) }

// callersTLS is nil for clear text.
func (g *Gateway) callersTLS() (*tls.Config, error) {
	l := g.config.Listen
	if l.CertificateFile == "" {
		return nil, nil //nolint:nilnil // clear text is an answer; where it is allowed is checked at the listener
	}
	pair, err := newKeyPair(l.CertificateFile, l.KeyFile, g.log, nil)
	if err != nil {
		return nil, fmt.Errorf("listen.certificateFile: %w", err)
	}
	g.watched = append(g.watched, watched{"listen.certificateFile", pair.chain})
	secure := &tls.Config{GetCertificate: pair.forClient, MinVersion: tls.VersionTLS12}
	if l.ClientCAFile == "" {
		return secure, nil
	}
	trusted, err := newAuthorities(l.ClientCAFile, g.log)
	if err != nil {
		return nil, fmt.Errorf("listen.clientCAFile: %w", err)
	}
	g.watched = append(g.watched, watched{"listen.clientCAFile", trusted.chain})
	secure.ClientCAs, secure.ClientAuth = trusted.pool(), tls.VerifyClientCertIfGiven
	if len(g.config.Identity.Issuers) == 0 {
		secure.ClientAuth = tls.RequireAndVerifyClientCert
	}
	secure.SessionTicketsDisabled = true // who resumes shows no certificate, and one could have lost its authority by then
	each := secure.Clone()
	secure.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := each.Clone()
		now.ClientCAs = trusted.pool()
		return now, nil
	}
	return secure, nil
}

// serve opens the listener for callers.
func (g *Gateway) serve(life context.Context, o Options) error {
	listener := o.Listener
	if listener == nil {
		var err error
		if listener, err = g.listen(life, o, "listen.address", g.config.Listen.Address); err != nil {
			return err
		}
	}
	g.address = listener.Addr()
	listener = netutil.LimitListener(listener, maxConnections)
	g.serving.Go(func() {
		if err := g.grpc.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			g.failed <- fmt.Errorf("serve callers: %w", err)
		}
	})
	return nil
}

// listen opens a listener for callers at the address of a setting.
func (g *Gateway) listen(life context.Context, o Options, setting, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(life, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	// The sandbox holds nothing that is worth hiding, and a container has to listen beyond itself to be reached.
	if o.Embedded == nil && g.secure == nil && !loopback(listener.Addr()) {
		return nil, errors.Join(fmt.Errorf("%s: clear text is for loopback addresses alone", setting), listener.Close())
	}
	return listener, nil
}

// loopback reports whether an address reaches no further than this machine: TCP loopback, or a listener in memory.
func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
