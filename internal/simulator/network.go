package simulator

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
)

// Upstream names a service of the embedded Spine.
type Upstream string

// The upstreams. SDS stands for both of its operations where a fault is matched.
const (
	Token       Upstream = "token"
	PDS         Upstream = "pds"
	SDS         Upstream = "sds"
	SDSEndpoint Upstream = "sds-endpoint"
	SDSDevice   Upstream = "sds-device"
	Proxy       Upstream = "proxy"
	Provider    Upstream = "practice"
)

// Network is where the upstreams listen and how the proxy reaches the practices. Listen is called with [Token], [PDS],
// [SDS], [Proxy] and [Provider].
type Network interface {
	Listen(ctx context.Context, upstream Upstream) (net.Listener, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Loopback is TCP on this machine. It maps an upstream to the address that it listens on; one that is not there gets a
// port of 127.0.0.1 that the system chooses.
type Loopback map[Upstream]string

// Listen implements [Network].
func (l Loopback) Listen(ctx context.Context, upstream Upstream) (net.Listener, error) {
	address := l[upstream]
	if address == "" {
		address = "127.0.0.1:0"
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// DialContext implements [Network].
func (Loopback) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Memory is a network inside the process, of synchronous pipes: it works in a synctest bubble. A client of the embedded
// Spine dials with [Memory.DialContext]. The zero Memory is ready.
type Memory struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener // by address
}

// Listen implements [Network]. The address of the upstream x is x.spine.example:443.
func (m *Memory) Listen(_ context.Context, upstream Upstream) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners == nil {
		m.listeners = map[string]*pipeListener{}
	}
	address := string(upstream) + ".spine.example:443"
	if m.listeners[address] != nil {
		return nil, fmt.Errorf("%s is in use", address)
	}
	l := &pipeListener{address: pipeAddress(address), waiting: make(chan net.Conn), closed: make(chan struct{})}
	l.forget = func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.listeners, address)
	}
	m.listeners[address] = l
	return l, nil
}

// DialContext implements [Network] and is made for [net/http.Transport].
func (m *Memory) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listeners[address]
	m.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Addr: pipeAddress(address), Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	ours, theirs := net.Pipe()
	select {
	case l.waiting <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, fmt.Errorf("dial: %w", ctx.Err())
	}
}

type pipeListener struct {
	address pipeAddress
	waiting chan net.Conn
	closed  chan struct{}
	once    sync.Once
	forget  func()
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.waiting:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() {
		l.forget()
		close(l.closed)
	})
	return nil
}

func (l *pipeListener) Addr() net.Addr { return l.address }

type pipeAddress string

func (pipeAddress) Network() string  { return "pipe" }
func (a pipeAddress) String() string { return string(a) }

// tlsOnly hangs up on clients that speak plain HTTP (SDS contract, C4). The server's own answer to them would be one
// without the marker.
type tlsOnly struct{ net.Listener }

func (l tlsOnly) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsOnlyConn{Conn: c}, nil
}

type tlsOnlyConn struct {
	net.Conn
	looked bool // whether the first byte has been looked at; only the reader of the connection asks
}

func (c *tlsOnlyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	const handshake = 0x16
	if n > 0 && !c.looked {
		c.looked = true
		if p[0] != handshake {
			return 0, io.EOF
		}
	}
	return n, err
}
