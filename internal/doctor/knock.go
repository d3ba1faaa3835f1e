package doctor

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"time"
)

// settled is how long a server may take to say that it does not like a certificate, after a handshake.
const settled = 2 * time.Second

// Knock looks whether a gateway can be reached by a caller: its name, its port, and its TLS unless secure is nil. trusting names
// the file of the authorities in secure; empty are the system's.
func Knock(ctx context.Context, subject, address, trusting string, secure *tls.Config, tell func(Finding)) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	e := &examination{tell: tell}
	h, u := host{subject: subject, trusting: trusting, tls: secure}, &url.URL{Host: address}
	raw, ok := e.dial(ctx, h, u)
	if !ok {
		return false
	}
	defer raw.Close()
	if secure == nil {
		e.ok(subject, "TLS", "none: clear text, which does not leave this machine")
		return true
	}
	h.tls = secure.Clone()
	h.tls.NextProtos = []string{"h2"}
	if len(secure.Certificates) == 0 {
		h.asked = new(bool)
		h.tls.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			*h.asked = true
			return &tls.Certificate{}, nil // none
		}
	}
	conn, ok := e.shake(ctx, h, u, raw)
	if !ok {
		return false
	}
	return e.taken(h, conn)
}

// taken waits for the first byte of a server, or for what it has against the client's certificate: in TLS 1.3 that comes after
// the handshake. Silence is no refusal.
func (e *examination) taken(h host, conn net.Conn) bool {
	if err := conn.SetReadDeadline(time.Now().Add(settled)); err != nil {
		return true
	}
	_, err := conn.Read(make([]byte, 1))
	if alert, ok := remote(err); ok && strings.Contains(alert, "certificate") {
		e.refused(h, alert)
		return false
	}
	return true
}
