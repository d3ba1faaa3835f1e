package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// maxMetadata is the gateway's own limit for metadata, so that no status of it is too large to be read.
const maxMetadata = 32 << 10

// gateway says which gateway is called, and as whom.
type gateway struct {
	Address   string        `group:"gateway" setting:"address" variable:"SPINEGATE_ADDRESS" default:"127.0.0.1:50051" placeholder:"HOST:PORT" help:"Where the gateway listens (${default})."`
	TLS       bool          `group:"gateway" setting:"tls" name:"tls" help:"Speak TLS. Without it only a loopback address is called."`
	CA        string        `group:"gateway" setting:"ca" name:"ca" type:"existingfile" placeholder:"FILE" help:"Trust these certificates (PEM) instead of the system's; implies --tls."`
	Cert      string        `group:"gateway" setting:"cert" type:"existingfile" placeholder:"FILE" help:"Client certificate (PEM), with --key; implies --tls."`
	Key       string        `group:"gateway" setting:"key" type:"existingfile" placeholder:"FILE" help:"Its private key (PEM)."`
	Token     string        `group:"gateway" setting:"token" variable:"SPINEGATE_TOKEN" placeholder:"JWT" help:"Bearer token. Better in SPINEGATE_TOKEN, where no list of processes shows it."`
	CIS2Token string        `group:"gateway" setting:"cis2Token" name:"cis2-token" variable:"SPINEGATE_CIS2_ID_TOKEN" placeholder:"JWT" help:"ID token of your sign-in with CIS2: PDS is asked in your name. Better in SPINEGATE_CIS2_ID_TOKEN."`
	SignIn    bool          `group:"gateway" name:"sign-in" help:"Sign in with a sandbox's CIS2, where it also gives the token."`
	Timeout   time.Duration `group:"gateway" setting:"timeout" variable:"SPINEGATE_TIMEOUT" mixed:"" default:"2m" help:"Give up a call after this long (${default})."`

	sandbox `embed:""`
}

// circumstances are those of a call (CallContext).
type circumstances struct {
	Device       string `group:"circumstances" setting:"device" variable:"SPINEGATE_DEVICE" mixed:"" placeholder:"NAME" help:"The device that you sit at; an organisation may require it."`
	Relationship string `group:"circumstances" setting:"relationship" placeholder:"KIND" help:"What connects you and the patient: presented, referred, on-caseload, telephoned or other."`
	Session      string `group:"circumstances" placeholder:"ID" help:"Marks the calls of one encounter: 16 to 64 letters, digits, dots, hyphens, underscores."`
}

func (c circumstances) context() (*pb.CallContext, error) {
	call := &pb.CallContext{SessionId: c.Session, Device: c.Device}
	if c.Relationship != "" {
		number, ok := parseOption(call.GetRelationship().Descriptor(), c.Relationship)
		if !ok {
			return nil, misusedf("--relationship is one of %q", options(call.GetRelationship().Descriptor()))
		}
		call.Relationship = pb.Relationship(number)
	}
	return call, nil
}

// connection is a gateway that can be called. Close it.
type connection struct {
	*grpc.ClientConn

	who       bearer
	trace     pb.PatientTraceClient
	directory pb.EndpointDirectoryClient
	practices pb.GPConnectClient
}

// secure reports whether TLS is spoken.
func (g *gateway) secure() bool { return g.TLS || g.CA != "" || g.Cert != "" }

// connect makes a connection and gets a token where none was given and a sandbox gives them away.
func (g *gateway) connect(ctx context.Context, t *terminal) (*connection, error) {
	secure := g.secure()
	if err := wellFormed("--address", g.Address, "50051", secure); err != nil {
		return nil, err
	}
	transport, err := g.transport(secure)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithMaxHeaderListSize(maxMetadata),
		// A service configuration from DNS could make gRPC repeat calls by itself.
		grpc.WithDisableServiceConfig(),
		// A gateway that died silently is noticed; more often than this a server may take offence.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 10 * time.Second}),
		grpc.WithChainUnaryInterceptor(g.deadline, t.logUnary),
		grpc.WithChainStreamInterceptor(t.logStream),
	}
	who, err := g.identify(ctx, t, secure)
	if err != nil {
		return nil, err
	}
	t.logGateway(ctx, g)
	if who.token != "" {
		options = append(options, grpc.WithPerRPCCredentials(who))
	}
	conn, err := grpc.NewClient(g.Address, options...)
	if err != nil {
		return nil, misusedf("--address: %w", err)
	}
	return &connection{
		ClientConn: conn, who: who, trace: pb.NewPatientTraceClient(conn), directory: pb.NewEndpointDirectoryClient(conn),
		practices: pb.NewGPConnectClient(conn),
	}, nil
}

func (g *gateway) transport(secure bool) (credentials.TransportCredentials, error) {
	if !secure {
		if !loopback(g.Address) {
			return nil, misusedf("%s is not on this machine: only TLS goes there (--tls, or --ca FILE)", g.Address)
		}
		return insecure.NewCredentials(), nil
	}
	config, err := g.tlsConfig()
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(config), nil
}

// tlsConfig is how a gateway is trusted, and what it is shown.
func (g *gateway) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if g.CA != "" {
		trusted, err := os.ReadFile(g.CA)
		if err != nil {
			return nil, fmt.Errorf("read --ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(trusted) {
			return nil, misusedf("--ca: there is no certificate in %s", g.CA)
		}
	}
	if (g.Cert != "") != (g.Key != "") {
		return nil, misusedf("--cert and --key go together")
	}
	if g.Cert != "" {
		pair, err := tls.LoadX509KeyPair(g.Cert, g.Key)
		if err != nil {
			return nil, misusedf("--cert and --key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// loopback reports whether an address is on this machine, so that clear text to it goes over no wire. Its port is a number:
// in a URL, localhost:80@elsewhere is somebody named localhost, elsewhere.
func loopback(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// wellFormed refuses a URL, and an address on this machine that lacks nothing but a port, which only TLS has one for.
func wellFormed(flag, address, port string, secure bool) error {
	if strings.Contains(address, "://") {
		return misusedf("%s is HOST:PORT, without a scheme", flag)
	}
	if _, _, err := net.SplitHostPort(address); err == nil || secure {
		return nil
	}
	if whole := net.JoinHostPort(strings.Trim(address, "[]"), port); loopback(whole) {
		return misusedf("%s needs a port: %s", flag, whole)
	}
	return nil
}

// bearer sends a token with every call, and the ID token of a sign-in with CIS2 where there is one.
type bearer struct {
	token, idToken string
	secure         bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	sent := map[string]string{"authorization": "Bearer " + b.token}
	if b.idToken != "" {
		sent["spinegate-cis2-id-token"] = b.idToken
	}
	return sent, nil
}

// RequireTransportSecurity is false for a loopback address only; see transport.
func (b bearer) RequireTransportSecurity() bool { return b.secure }

// deadline bounds a call. Streams are bounded by bounded, where their context begins.
func (g *gateway) deadline(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	ctx, cancel := g.bounded(ctx)
	defer cancel()
	return late(ctx, invoke(ctx, method, req, reply, cc, o...))
}

func (g *gateway) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if g.Timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, g.Timeout)
}

// expired is the failure of a call that ended because of --timeout.
type expired struct{ error }

func (e expired) Unwrap() error { return e.error }

// late tells a call that its own deadline ended from one that ran out of the gateway's time. The gateway keeps a little of
// a deadline to say so itself.
func late(ctx context.Context, err error) error {
	const kept = 250 * time.Millisecond
	if end, ok := ctx.Deadline(); ok && status.Code(err) == codes.DeadlineExceeded && time.Until(end) < kept {
		return expired{err}
	}
	return err
}

// logUnary logs a call when it has ended. Only the method, the code and the time: a log outlives a screen.
func (t *terminal) logUnary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	begun := time.Now()
	err := invoke(ctx, method, req, reply, cc, o...)
	t.log(ctx, method, begun, err)
	return err
}

// logStream logs that a stream has begun.
func (t *terminal) logStream(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string, stream grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
	begun := time.Now()
	s, err := stream(ctx, d, cc, method, append(o, grpc.OnFinish(func(err error) { t.log(ctx, method, begun, err) }))...)
	return s, late(ctx, err)
}

// logGateway logs which gateway is called, and where that and the token are from.
func (t *terminal) logGateway(ctx context.Context, g *gateway) {
	if !t.verbose {
		return
	}
	slog.New(slog.NewTextHandler(t.stderr, nil)).InfoContext(ctx, "calling",
		slog.String("address", g.Address), slog.String("address_from", t.choice.from("address")),
		slog.Bool("tls", g.secure()), slog.String("token_from", t.choice.from("token")))
}

func (t *terminal) log(ctx context.Context, method string, begun time.Time, err error) {
	if !t.verbose {
		return
	}
	slog.New(slog.NewTextHandler(t.stderr, nil)).InfoContext(ctx, "called",
		slog.String("method", method), slog.String("code", status.Code(err).String()), slog.Duration("took", time.Since(begun)))
}

// end closes the connection. What was done with it matters more than how it closed.
func (c *connection) end(err error) error {
	if closed := c.Close(); err == nil && closed != nil {
		return fmt.Errorf("close the connection: %w", closed)
	}
	return err
}

// ended is what became of a stream of many: one of them that failed is a failure, which has been shown.
func ended(err error, closed, failed bool) error {
	switch {
	case err != nil:
		return err
	case !closed:
		return errNoAnswer
	case failed:
		return errFound
	default:
		return nil
	}
}

// errNoAnswer says that a stream ended well without what ends it well.
var errNoAnswer = errors.New("the gateway ended the stream without a closing message: what was shown is not whole")
