package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/spine"
)

// probeTimeout bounds the look at one upstream.
const probeTimeout = 5 * time.Second

// RefuseSimulatedFiles finds the certificates of a simulated Spine among those that a configuration of a real environment
// names. It is part of every start, and can be asked without one.
func RefuseSimulatedFiles(c config.Config) error {
	if !c.Environment.Genuine() {
		return nil
	}
	type named struct {
		key  string
		file config.File
	}
	files := []named{
		{"spine.caFile", c.Spine.CAFile},
		{"spine.proxy.caFile", c.Spine.Proxy.CAFile},
		{"spine.proxy.certificateFile", c.Spine.Proxy.CertificateFile},
	}
	for i, o := range c.Organisations {
		files = append(files, named{fmt.Sprintf("organisations[%d].proxy.certificateFile", i), o.Proxy.CertificateFile})
	}
	var errs []error
	for _, f := range files {
		if f.file == "" {
			continue
		}
		text, err := f.file.Read()
		if err == nil {
			err = spine.RefuseSimulatedRoots(text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: the environment is %s: %w", f.key, c.Environment, err))
		}
	}
	return errors.Join(errs...)
}

// refuseSimulation keeps a gateway of a real environment away from a simulated Spine: no upstream may show a certificate of
// its making. The look is a TLS handshake: no request is made, and an upstream that
// cannot be reached is no reason to refuse, since the gateway has to start when the Spine is down. Package spine looks
// again at every connection and every answer.
func (g *Gateway) refuseSimulation(ctx context.Context, o Options) error {
	if !g.config.Environment.Genuine() {
		return nil
	}
	c := g.config.Spine
	internet, proxied := &tls.Config{MinVersion: tls.VersionTLS12}, g.trusted.towardsProxy()
	proxied.RootCAs = g.trusted.proxy.pool()
	if g.trusted.internet != nil {
		internet.RootCAs = g.trusted.internet.pool()
	}
	upstreams := []struct {
		key, url string
		tls      *tls.Config
	}{
		{"spine.token.url", c.Token.URL, internet},
		{"spine.pds.url", c.PDS.URL, internet},
		{"spine.sds.url", c.SDS.URL, internet},
		{"spine.proxy.url", c.Proxy.URL, proxied},
	}
	refused := make([]error, len(upstreams))
	var looking sync.WaitGroup
	for i, u := range upstreams {
		looking.Go(func() {
			chain, err := showChain(ctx, u.url, u.tls, o.Dial)
			if err != nil {
				g.log.WarnContext(ctx, "an upstream could not be looked at", "setting", u.key, "error", err)
			}
			if err := spine.RefuseSimulatedRoots(chain); err != nil {
				refused[i] = fmt.Errorf("%s: the environment is %s, and what answers there is simulated: %w", u.key, g.config.Environment, err)
			}
		})
	}
	looking.Wait()
	return errors.Join(refused...)
}

// showChain is the chain that an upstream presents, in PEM, whether it is trusted or not.
func showChain(ctx context.Context, address string, c *tls.Config, dial func(context.Context, string, string) (net.Conn, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	c = c.Clone()
	c.ServerName = u.Hostname()
	conn := tls.Client(raw, c)
	defer conn.Close() // nothing was sent that could be lost
	err = conn.HandshakeContext(ctx)
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return encode(untrusted.UnverifiedCertificates), err
	}
	return encode(conn.ConnectionState().PeerCertificates), err
}

func encode(chain []*x509.Certificate) []byte {
	var text []byte
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}
