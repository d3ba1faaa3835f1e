package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/spinegate/spinegate/internal/policy"
)

// inside is the listener in memory by which calls reach the gRPC server.
type inside struct {
	accept chan net.Conn
	closed chan struct{}
	close  func()
}

func newInside() *inside {
	i := &inside{accept: make(chan net.Conn), closed: make(chan struct{})}
	i.close = sync.OnceFunc(func() { close(i.closed) })
	return i
}

// Accept implements [net.Listener].
func (i *inside) Accept() (net.Conn, error) {
	select {
	case c := <-i.accept:
		return c, nil
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (i *inside) Close() error {
	i.close()
	return nil
}

// Addr implements [net.Listener].
func (i *inside) Addr() net.Addr { return memory{} }

type memory struct{}

// Network implements [net.Addr].
func (memory) Network() string { return "memory" }

// String implements [net.Addr].
func (memory) String() string { return "http" }

// shown is the gRPC server's end of a connection. It shows what the HTTP connection has shown. Nobody outside of this package
// can make one.
type shown struct {
	net.Conn

	from net.Addr
	auth credentials.AuthInfo // nil in clear text
}

// RemoteAddr is the HTTP client's.
func (c *shown) RemoteAddr() net.Addr { return c.from }

func (i *inside) dial(ctx context.Context, from net.Addr, auth credentials.AuthInfo) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case i.accept <- &shown{theirs, from, auth}:
		return ours, nil
	case <-i.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Credentials are outer's, but for connections of this package: their handshake was HTTP's, and they bring what it has shown.
func Credentials(outer credentials.TransportCredentials) credentials.TransportCredentials {
	return handshaken{outer}
}

type handshaken struct {
	credentials.TransportCredentials
}

// ServerHandshake implements [credentials.TransportCredentials].
func (h handshaken) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if c, ok := c.(*shown); ok {
		return c, c.auth, nil
	}
	return h.TransportCredentials.ServerHandshake(c)
}

// Clone implements [credentials.TransportCredentials].
func (h handshaken) Clone() credentials.TransportCredentials {
	return handshaken{h.TransportCredentials.Clone()}
}

// link is an HTTP connection, and the gRPC connection that belongs to it.
type link struct {
	inside *inside
	from   net.Addr
	began  time.Time

	mu     sync.Mutex // guards what follows
	conn   *grpc.ClientConn
	closed bool
}

// errClosed is said where the HTTP connection has ended by then, so it is heard by nobody.
var errClosed = status.Error(codes.Unavailable, "closed")

type linkKey struct{}

func linkOf(r *http.Request) *link {
	l, _ := r.Context().Value(linkKey{}).(*link)
	return l
}

// connected notes a new connection. TLS has not shaken hands yet.
func (s *Server) connected(ctx context.Context, c net.Conn) context.Context {
	l := &link{inside: s.inside, from: c.RemoteAddr(), began: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.closed = s.closed; l.closed {
		_ = c.Close() // the library learns of it when it reads
	} else {
		s.links[c] = l
		s.open.Add(1)
	}
	return context.WithValue(ctx, linkKey{}, l)
}

// connection takes the gRPC connection away with the HTTP connection.
func (s *Server) connection(c net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	s.mu.Lock()
	l := s.links[c]
	delete(s.links, c)
	s.mu.Unlock()
	if l != nil {
		l.end()
		s.open.Done()
	}
}

// calls is the gRPC connection, from the first call on.
func (l *link) calls(state *tls.ConnectionState) (*grpc.ClientConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	if l.conn != nil {
		return l.conn, nil
	}
	var auth credentials.AuthInfo
	if state != nil {
		auth = credentials.TLSInfo{
			State: *state, CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		}
	}
	conn, err := grpc.NewClient("passthrough:///gateway",
		grpc.WithTransportCredentials(insecure.NewCredentials()), // it is memory
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.inside.dial(ctx, l.from, auth) }),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(frames{}), grpc.MaxCallRecvMsgSize(policy.MaxMessage)),
		grpc.WithUserAgent("spinegate-http"), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to the gateway: %w", err)
	}
	l.conn = conn
	return conn, nil
}

func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		_ = l.conn.Close() // it fails only where it is closed
	}
}
