package servertest

import (
	"context"
	"net"
	"sync"
)

// Pipes is a listener in memory whose connections keep deadlines to the letter. bufconn's may end a read by a deadline that was
// taken back, and then package http takes its caller for gone.
type Pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewPipes makes a listener.
func NewPipes() *Pipes { return &Pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

// DialContext connects to it.
func (p *Pipes) DialContext(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *Pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements [net.Listener].
func (p *Pipes) Addr() net.Addr {
	c, other := net.Pipe()
	_, _ = c.Close(), other.Close()
	return c.LocalAddr()
}
