package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spinegate/spinegate/internal/spine"
)

// shake makes a TLS connection of one.
func (e *examination) shake(ctx context.Context, h host, u *url.URL, raw net.Conn) (*tls.Conn, bool) {
	config := h.tls.Clone()
	config.ServerName = u.Hostname()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		e.handshakeFailed(h, u, err)
		return nil, false
	}
	state := conn.ConnectionState()
	seen := fmt.Sprintf("%s, %s, %q signed by %q, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite),
		state.PeerCertificates[0].Subject.CommonName, state.PeerCertificates[0].Issuer.CommonName, left(state.PeerCertificates[0]))
	if e.config.Environment.Genuine() && spine.RefuseSimulatedRoots(inPEM(state.PeerCertificates)) != nil {
		e.wrong(Fail, h.subject, "environment", seen+": a simulated Spine, and the environment is "+string(e.config.Environment),
			"Give the URL that the NHS gave you, or environment SANDBOX.")
		return nil, false
	}
	e.ok(h.subject, "TLS", "%s", seen)
	return conn, true
}

// handshakeFailed says whose fault it is.
func (e *examination) handshakeFailed(h host, u *url.URL, err error) {
	untrusted, _ := errors.AsType[*tls.CertificateVerificationError](err)
	trusting, do := "the system's authorities", "Name the authority that signed it in a caFile, if it is to be trusted."
	if h.trusting != "" {
		trusting, do = h.trusting, "Put the authority that signed it into that file, if it is to be trusted."
	}
	shown := ""
	if untrusted != nil && len(untrusted.UnverifiedCertificates) > 0 {
		leaf := untrusted.UnverifiedCertificates[0]
		shown = fmt.Sprintf("%q, signed by %q, %s: ", leaf.Subject.CommonName, leaf.Issuer.CommonName, left(leaf))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		e.wrong(Fail, h.subject, "TLS", shown+"by no authority of "+trusting, do)
		return
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		e.wrong(Fail, h.subject, "TLS", shown+"it is not for "+u.Hostname(), "Check the URL: something else answers there.")
		return
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		e.wrong(Fail, h.subject, "TLS", shown+"it is not good", "If it has not expired for others, look at this machine's clock.")
		return
	}
	if alert, ok := remote(err); ok && (strings.Contains(alert, "certificate") || h.asked != nil && *h.asked) {
		e.refused(h, alert) // TLS 1.2 has no word of its own for one that is missing
		return
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		e.wrong(Fail, h.subject, "TLS", "what answers there does not speak TLS", "Check the port, and what stands between: a web proxy answers in its own words.")
		return
	}
	e.wrong(Fail, h.subject, "TLS", cause(err), "Check what stands between: a firewall that inspects TLS is not the NHS's service.")
}

// remote is the TLS alert by which the other side ended a connection.
func remote(err error) (string, bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err.Error(), true
	}
	return "", false
}

// cause is the innermost error that says something, without addresses that are told already.
func cause(err error) string {
	switch op, ok := errors.AsType[*net.OpError](err); {
	case errors.Is(err, context.DeadlineExceeded):
		return "nothing came in time"
	case ok:
		return op.Err.Error()
	}
	return err.Error()
}

func inPEM(chain []*x509.Certificate) []byte {
	var text []byte
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}
