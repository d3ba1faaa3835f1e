package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// marking is the common name and the organisation of every certificate of the embedded Spine, so that nobody can take
// one for a certificate of the Spine (trust.md, G15).
const marking = "SIMULATED - spinegate embedded Spine - not for patients"

// clientName is the host name that the ASIDs of the built-in consumers are registered for unless Options say otherwise (SDS contract, B2).
const clientName = "gateway.spinegate.example"

// Keys are the RSA keys of a Spine: where the contracts demand RSA and nothing else. They are 2048 bit where the real
// ones are often 4096, because making those takes seconds and no check depends on the length.
type Keys struct {
	// Proxy is the key of the proxy's server certificate: the suites of the SDS contract, C4, are all ECDHE-RSA.
	Proxy *rsa.PrivateKey
	// Application signs the assertions of the consumer's PDS application: RS512 only (PDS contract, 4.1).
	Application *rsa.PrivateKey
	// CIS2 signs the ID tokens of users (PDS contract, 4.2).
	CIS2 *rsa.PrivateKey
}

// GenerateKeys makes the keys of a Spine. Tests that start many may share one.
func GenerateKeys() (*Keys, error) {
	proxy, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the proxy's key: %w", err)
	}
	application, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the application's key: %w", err)
	}
	cis2, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the key of CIS2: %w", err)
	}
	return &Keys{Proxy: proxy, Application: application, CIS2: cis2}, nil
}

// Identity is a client certificate with its key.
type Identity struct {
	// Certificate is ready for [tls.Config].
	Certificate tls.Certificate
	// CertificatePEM and KeyPEM are the same for files. The key is PKCS #8.
	CertificatePEM, KeyPEM []byte
}

// pki is the simulated authority and what it signed at the start.
type pki struct {
	root     *x509.Certificate
	key      crypto.Signer
	rootPEM  []byte
	pool     *x509.CertPool
	server   tls.Certificate // token, PDS, SDS and the practices
	proxy    tls.Certificate // the proxy towards consumers
	outbound tls.Certificate // the proxy towards practices
	client   Identity
}

const (
	certificateAge  = time.Hour // backdating, for clients whose clock is behind
	certificateLife = 2 * 365 * 24 * time.Hour
)

func newPKI(now time.Time, keys *Keys, hosts []string) (*pki, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the root key: %w", err)
	}
	template := certificate(now, marking)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the root certificate: %w", err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the root certificate: %w", err)
	}
	p := &pki{
		root: root, key: key, pool: x509.NewCertPool(),
		rootPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
	p.pool.AddCert(root)

	hosts = append(hosts, "127.0.0.1", "::1", "localhost")
	for _, u := range []Upstream{Token, PDS, SDS, Proxy, Provider} {
		hosts = append(hosts, string(u)+".spine.example")
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the server key: %w", err)
	}
	if p.server, err = p.sign(now, marking, hosts, serverKey, x509.ExtKeyUsageServerAuth); err != nil {
		return nil, err
	}
	if p.proxy, err = p.sign(now, marking, hosts, keys.Proxy, x509.ExtKeyUsageServerAuth); err != nil {
		return nil, err
	}
	if p.outbound, err = p.sign(now, marking, nil, serverKey, x509.ExtKeyUsageClientAuth); err != nil {
		return nil, err
	}
	if p.client, err = p.issueClient(now, clientName); err != nil {
		return nil, err
	}
	return p, nil
}

// issueClient makes a client certificate whose common name is the registered host name (SDS contract, C4). Its
// organisation is marked, since its name cannot be.
func (p *pki) issueClient(now time.Time, fqdn string) (Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("make a client key: %w", err)
	}
	signed, err := p.sign(now, fqdn, []string{fqdn}, key, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return Identity{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("encode a client key: %w", err)
	}
	return Identity{
		Certificate:    signed,
		CertificatePEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed.Certificate[0]}),
		KeyPEM:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, nil
}

func (p *pki) sign(
	now time.Time, name string, hosts []string, key crypto.Signer, usage x509.ExtKeyUsage,
) (tls.Certificate, error) {
	template := certificate(now, name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, p.root, key.Public(), p.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read the certificate of %s: %w", name, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func certificate(now time.Time, name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("unreachable: crypto/rand does not fail: " + err.Error())
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{marking}},
		NotBefore:    now.Add(-certificateAge),
		NotAfter:     now.Add(certificateLife),
	}
}

// internet is the TLS of the API platform: ordinary, one-sided.
func (p *pki) internet() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.server}}
}

// proxyServer is the TLS of the proxy (SDS contract, C4), with the named suites that Go has. A client certificate is
// asked for here and judged by the proxy, because 495 and 496 are answers and not alerts.
func (p *pki) proxyServer() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{p.proxy},
		ClientAuth:   tls.RequestClientCert,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, //nolint:gosec // the contract names it
		},
	}
}

// practiceServer is the TLS of the practices: only the proxy gets in.
func (p *pki) practiceServer() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.server},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.pool,
	}
}

// proxyClient is the TLS of the proxy towards the practices.
func (p *pki) proxyClient() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.pool, Certificates: []tls.Certificate{p.outbound}}
}
