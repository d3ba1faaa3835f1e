// Package simulator is an embedded Spine: the API platform's token service, the Personal Demographics Service, the Spine
// Directory Service, the Spine Secure Proxy with mutual TLS, and the GP practices behind it, over real HTTP.
//
// It promises three things. It is as strict as the published contracts say that the real services are: what they refuse
// is refused here, in their order of checks and in their words. It shares no code with any client but the vocabulary of
// package nhs, so that a shared misreading cannot pass. And nobody can take it for the Spine: every answer carries the
// header [Marker], every certificate names itself simulated, and every patient is invented, in the range of NHS numbers
// that is never issued.
//
// Everything it received can be read back from the [Transcript], and every upstream can be made to fail by the [Dial].
// Time is [time.Now]: a [Spine] on a [Memory] network lives in a synctest bubble.
package simulator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// Marker is the header that every answer of every upstream carries, with the value "true".
const Marker = "Spinegate-Simulated"

// Paths of the services below their hosts (PDS contract, 2; SDS contract, A1).
const (
	tokenPath = "/oauth2/token" //nolint:gosec // a path, no credential
	pdsBase   = "/personal-demographics/FHIR/R4"
	sdsBase   = "/spine-directory/FHIR/R4"
)

// Options shape a Spine. The zero Options start one on loopback TCP with the built-in data.
type Options struct {
	// Network is where the upstreams listen. The default is a Loopback with ports chosen by the system.
	Network Network
	// DataDir names a directory whose patients, practices, records and slots are added to the built-in ones.
	DataDir string
	// Logger hears one line for each exchange, at level debug, without anything personal. The default discards.
	Logger *slog.Logger
	// Keys are RSA keys made beforehand: making them is the slow part of Start. The default makes new ones.
	Keys *Keys
	// JWKS, when not nil, is a JSON Web Key Set whose RSA keys are accepted from the application besides its own.
	JWKS []byte
	// HostNames are further names and IP addresses that the server certificates are good for, besides loopback. Where an
	// upstream listens on every address, the first of them is in its URL.
	HostNames []string
	// FQDN are the host names that the ASIDs of consumers are registered for, by ODS code, where that is not the name of
	// [Spine.Client].
	FQDN map[string]string
	// TokenLife is how long an access token lasts. The default is the real ten minutes.
	TokenLife time.Duration
	// PDSQuota is how many requests a minute PDS grants to an application; zero is no limit. The real default is 300.
	PDSQuota int
	// PDSSpike is the least time between two requests of an application to PDS, as a spike arrest enforces; zero is none.
	PDSSpike time.Duration
	// ProxyTimeout is how long the proxy waits for the first byte of a practice before it answers 504. The default is a
	// minute.
	ProxyTimeout time.Duration
}

// Spine is a running embedded Spine. It is safe for concurrent use.
type Spine struct {
	log        *slog.Logger
	network    Network
	pki        *pki
	keys       *Keys
	world      *world
	directory  *directory
	transcript *Transcript
	dial       *Dial
	tokens     *tokenService
	cis2       *CIS2
	urls       map[Upstream]string
	// hostName is what it is called where it listens on every address.
	hostName string
	// practiceAddress is where the proxy finds every practice; set before the first request.
	practiceAddress string

	servers  []*http.Server
	idle     func() // closes the idle connections of the proxy to the practices
	handlers gate
	serving  sync.WaitGroup
	end      context.CancelFunc
	once     sync.Once
}

// Start opens every upstream. The context bounds nothing but the start: Close ends what was started.
func Start(ctx context.Context, options Options) (*Spine, error) {
	s, err := start(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("start the embedded Spine: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, options Options) (*Spine, error) {
	if options.Network == nil {
		options.Network = Loopback{}
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.TokenLife == 0 {
		options.TokenLife = 10 * time.Minute
	}
	if options.ProxyTimeout == 0 {
		options.ProxyTimeout = time.Minute
	}
	if options.Keys == nil {
		keys, err := GenerateKeys()
		if err != nil {
			return nil, err
		}
		options.Keys = keys
	}
	var extra fs.FS
	if options.DataDir != "" {
		extra = os.DirFS(options.DataDir)
	}
	world, err := loadWorld(time.Now(), extra)
	if err != nil {
		return nil, err
	}
	for i := range world.consumers {
		if fqdn := options.FQDN[world.consumers[i].ODS.String()]; fqdn != "" {
			world.consumers[i].FQDN = fqdn
		}
	}
	pki, err := newPKI(time.Now(), options.Keys, append(world.hosts(), options.HostNames...))
	if err != nil {
		return nil, err
	}
	trusted, err := publicKeys(options.Keys.Application, options.JWKS)
	if err != nil {
		return nil, err
	}
	cis2, err := newCIS2(options.Keys.CIS2)
	if err != nil {
		return nil, err
	}

	s := &Spine{
		cis2: cis2, log: options.Logger, network: options.Network, pki: pki, keys: options.Keys, world: world,
		directory: newDirectory(world), transcript: &Transcript{}, dial: newDial(), urls: map[Upstream]string{},
	}
	for _, f := range world.faults {
		if _, err := s.dial.Set(f); err != nil {
			return nil, fmt.Errorf("built-in fault: %w", err)
		}
	}
	s.hostName = "localhost"
	if len(options.HostNames) > 0 {
		s.hostName = options.HostNames[0]
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	s.end = end

	s.tokens = newTokenService(options.TokenLife, trusted, s.cis2)
	proxy := newProxy(s, options.ProxyTimeout)
	s.idle = proxy.closeIdle
	practices := newPracticeHost(world)
	for _, u := range []struct {
		name    Upstream
		handler http.Handler
		tls     *tls.Config
	}{
		// The practices come first: from its first request on, the proxy can reach them.
		{Provider, s.watch(practices, s.directory.practiceFacts), pki.practiceServer()},
		{Token, s.cis2.beside(s.watch(s.tokens, func(*http.Request) facts { return facts{upstream: Token} })), pki.internet()},
		{PDS, s.watch(newPDS(world, s.tokens, options.PDSQuota, options.PDSSpike), pdsFacts), pki.internet()},
		{SDS, s.watch(newSDS(s.directory), sdsFacts), pki.internet()},
		{Proxy, s.watch(proxy, s.directory.proxyFacts), pki.proxyServer()},
	} {
		if err := s.serve(life, u.name, u.handler, u.tls); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// serve opens a listener for one upstream and answers on it until Close.
func (s *Spine) serve(ctx context.Context, name Upstream, handler http.Handler, config *tls.Config) error {
	listener, err := s.network.Listen(ctx, name)
	if err != nil {
		return fmt.Errorf("listen as %s: %w", name, err)
	}
	if name == Provider {
		s.practiceAddress = listener.Addr().String()
	}
	s.urls[name] = "https://" + strings.TrimSuffix(s.reachedAt(listener.Addr()), ":443")
	// HTTP/1.1 only: the proxy leg has nothing else (SDS contract, C4), and resets, cuts and connection ids mean what
	// they say only where a connection carries one exchange at a time.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler: handler, TLSConfig: config, Protocols: &protocols,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       s.transcript.nameConnection,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if err := server.ServeTLS(tlsOnly{listener}, "", ""); !errors.Is(err, http.ErrServerClosed) {
			s.log.ErrorContext(ctx, "an upstream of the embedded Spine stopped", "upstream", string(name), "error", err)
		}
	})
	return nil
}

// reachedAt is the address that a client uses: one that listens everywhere is reached by a name.
func (s *Spine) reachedAt(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return address.String()
	}
	return net.JoinHostPort(s.hostName, strconv.Itoa(tcp.Port))
}

// Close stops every upstream at once: what is held, slow or half written is cut off. It waits until nothing of the Spine
// is left running.
func (s *Spine) Close() error {
	var errs []error
	s.once.Do(func() {
		s.end()
		for _, server := range s.servers {
			errs = append(errs, server.Close())
		}
		s.serving.Wait()
		s.handlers.shut()
		s.idle()
	})
	return errors.Join(errs...)
}

// TokenURL is where an access token is asked for; it is also the audience of the assertion.
func (s *Spine) TokenURL() string { return s.urls[Token] + tokenPath }

// CIS2KeysURL is where the simulated CIS2 publishes its key set.
func (s *Spine) CIS2KeysURL() string { return s.urls[Token] + cis2KeysPath }

// PDSURL is the FHIR base of the Personal Demographics Service, without a trailing slash.
func (s *Spine) PDSURL() string { return s.urls[PDS] + pdsBase }

// SDSURL is the FHIR base of the Spine Directory Service, without a trailing slash.
func (s *Spine) SDSURL() string { return s.urls[SDS] + sdsBase }

// ProxyURL is the Spine Secure Proxy, without a trailing slash: a service root URL is put behind it, after a slash.
func (s *Spine) ProxyURL() string { return s.urls[Proxy] }

// RootCAs is the certificate of the simulated authority in PEM form. It signed every server and client certificate.
func (s *Spine) RootCAs() []byte { return s.pki.rootPEM }

// RootPool is RootCAs as a pool.
func (s *Spine) RootPool() *x509.CertPool { return s.pki.pool }

// Client is the identity of the consumer towards the proxy. It covers the ASIDs of all
// [Spine.Consumers] but those of [Options].FQDN.
func (s *Spine) Client() Identity { return s.pki.client }

// IssueClient makes another client identity, for a host name that no ASID, or another one, is registered for.
func (s *Spine) IssueClient(fqdn string) (Identity, error) {
	return s.pki.issueClient(time.Now(), fqdn)
}

// Application is what the consumer holds to be let in by the token service.
func (s *Spine) Application() (Application, error) { return newApplication(s.keys.Application) }

// CIS2 is where clinicians sign in: the issuer of the ID tokens that the token service exchanges for healthcare-worker
// access.
func (s *Spine) CIS2() *CIS2 { return s.cis2 }

// DirectoryKey is the value of the header apikey that SDS accepts.
func (s *Spine) DirectoryKey() string { return directoryKey }

// Transcript is what the upstreams received.
func (s *Spine) Transcript() *Transcript { return s.transcript }

// Faults is the dial that makes upstreams fail.
func (s *Spine) Faults() *Dial { return s.dial }

// RevokeTokens makes every access token issued so far unknown, as a restart of the platform's token store does: the next
// request with one is a 401 although its time is not up.
func (s *Spine) RevokeTokens() { s.tokens.revoke() }

// Consumers are the organisations that may call.
func (s *Spine) Consumers() []Consumer { return s.world.listConsumers() }

// Practices are the practices, a system each: one with two systems is there twice.
func (s *Spine) Practices() []Practice { return s.world.listPractices() }

// Patients are the people known to PDS.
func (s *Spine) Patients() []Patient { return s.world.listPatients() }

// Bookings are the appointments that the systems of a practice hold, in order of booking, cancelled ones included.
func (s *Spine) Bookings(ods nhs.ODSCode) []practice.Booking {
	var all []practice.Booking
	for _, p := range s.world.practices {
		if p.ODS == ods && p.system != nil {
			all = append(all, p.system.Bookings()...)
		}
	}
	return all
}
