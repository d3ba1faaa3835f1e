package spine

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// hostile are addresses that a directory could give to lead a request astray: none may be used, whatever is configured.
// The port is that of something that listens on loopback.
func hostile(port int) []string {
	var all []string
	// Every spelling of a host that is this machine, its network, or a cloud's own services.
	for _, host := range []string{
		"localhost", "LOCALHOST", "LocalHost", "localhost.", "a.localhost", "a.b.localhost.", "127.0.0.1", "127.0.0.1.", "127.0.0.2", "127.1", "127.0.1",
		"127.255.255.254", "0", "0.0.0.0", "0.0.0.1", "00.0.0.0", "2130706433", "02130706433", "017700000001", "0x7f000001", "0X7F000001", "0x7f.1", "0x7f.0.0.1",
		"0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.0.0.01", "00127.0.0.1", "127.0.0.0x1", "127.0x0.1", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
		"192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.170.2", "169.254.0.1", "2852039166", "0xa9fea9fe",
		"0251.0376.0251.0376", "169.16689662", "192.0.0.1", "192.0.0.192", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255", "256.0.0.1", "999.1.1.1", "1.2.3.4.5", "1.2.3",
		"[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::FFFF:7F00:1]",
		"[0:0:0:0:0:ffff:7f00:0001]", "[::ffff:0:127.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::ffff:10.0.0.1]", "[::ffff:192.168.0.1]",
		"[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:1::1]", "[fe80::1]", "[fe80::1%25eth0]",
		"[fe80::1%25lo]", "[febf::1]", "[fc00::1]", "[fd00:ec2::254]", "[fdff::1]", "[ff02::1]", "[ff0e::1]", "[::1%25lo]", "[2001:4860:4860::8888%25eth0]",
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "[::ffff:0:7f00:1]", "[64:ff9b:1::7f00:1]", "[2001:0:7f00:1::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
		"[2001:db8::1]", "[fec0::1]", "[100::1]", "[127.0.0.1]", "[localhost]", "[::1", "::1", "[]", "[::g]",
		// What looks like ASCII, or is something else to somebody.
		"①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ", "locaⅼhost", "loc\u0430lhost", "gp.example\u2024nhs.uk", "nhs\u3002uk", "nһs.uk", "ɴhs.uk",
		"gp.exämple", "gp\u00ad.example", "gp\u200b.example", "gp\u202e.example", "\ufeffgp.example", "gp.ex\u0301ample", "gp.example\u0000.nhs.uk",
		"gp.example%00.nhs.uk", "gp.example%2enhs.uk", "127%2e0%2e0%2e1", "%6c%6f%63alhost", "%31%32%37.0.0.1", "gp.example%2f.nhs.uk", "gp.example%40localhost", "gp.example%23",
		// What is no host.
		"", ".", "..", "a..b", ".gp.example", "gp.example..", "gp_example.0x1", "gp example", "gp\texample", "gp.example ", " gp.example", "gp,example", "gp;example", "gp'example",
		"gp\"example", "gp<example", "gp|example", "gp^example", "gp`example", "{gp}.example", "gp*.example", "*", "gp!.example", "gp$.example", "gp&.example", "gp(example)", "gp+.example",
		"gp=.example", "gp~.example", strings.Repeat("a", 64<<10) + ".example", strings.Repeat("a.", 32<<10) + "example",
	} {
		all = append(all, "https://"+host+"/x")
		if len(host) < 64 && !strings.ContainsAny(host, " \t\x00") {
			all = append(all, fmt.Sprintf("https://%s:%d/x", host, port))
		}
	}
	here := fmt.Sprintf("127.0.0.1:%d", port)
	for _, text := range []string{
		// Another scheme, or none.
		"", "x", "/", "/x", "//HERE/x", "///HERE/x", "HERE", "HERE/x", "http://gp.example/x", "http://HERE/x", "HTTPS://gp.example/x", "Https://gp.example/x", "https:gp.example/x",
		"https:/gp.example/x", "https:///gp.example/x", "https:\\\\gp.example\\x", "https://", "https:///", "https:///x", "https://:443/x", "https://:/x", "ftp://gp.example/x", "file:///etc/passwd",
		"file://localhost/etc/passwd", "gopher://HERE/_x", "dict://HERE/x", "ldap://HERE/x", "unix:///run/agent", "jar:https://gp.example!/x", "data:text/plain,x", "javascript:alert(1)", "wss://gp.example/x",
		"h2c://gp.example/x", "https+unix://gp.example/x", "view-source:https://gp.example/x", "\u0001https://gp.example/x", "\thttps://gp.example/x", " https://gp.example/x", "https://gp.example/x ",
		// A user before the host, and what is taken for one.
		"https://HERE@gp.example/x", "https://gp.example@HERE/x", "https://gp.example:443@HERE/x", "https://me:pw@gp.example/x", "https://@gp.example/x", "https://:@gp.example/x", "https://gp.example%40HERE/x",
		"https://gp.example\\@HERE/x", "https://gp.example\\.HERE/x", "https://gp.example;@HERE/x", "https://gp.example,HERE/x", "https://gp.example&@HERE#@gp.example/x", "https://a@b@HERE/x",
		"https://HERE\\@gp.example/x", "https://gp.example#@HERE/x", "https://HERE#.gp.example/x", "https://gp.example?@HERE/x", "https://HERE?.gp.example/x", "https://gp.example/x#", "https://gp.example/x?",
		"https://gp.example/x?y=z", "https://gp.example/x#y", "https://gp.example?x", "https://gp.example#x", "https://gp.example/x?redirect=https://HERE/",
		// Ports that are none.
		"https://gp.example:/x", "https://gp.example:-1/x", "https://gp.example:+443/x", "https://gp.example:0x1bb/x", "https://gp.example:99999999/x", "https://gp.example:a/x", "https://gp.example:443:443/x",
		"https://gp.example:443a/x", "https://gp.example:４４３/x", "https://gp.example: 443/x", "https://gp.example:%34%34%33/x",
		// Another header, another request.
		"https://gp.example/x\r\nSsp-To: 1", "https://gp.example/x\nSsp-To: 1", "https://gp.example/x\rSsp-To: 1", "https://gp.example/\r\n\r\nGET / HTTP/1.1", "https://gp.example\r\nHost: HERE/x",
		"https://gp.example/x HTTP/1.1\r\nHost: HERE\r\n\r\n", "https://gp.example/%0d%0aSsp-To:1", "https://gp.example/%0D%0A", "https://gp.example/%0a", "https://gp.example/%0d", "https://gp.example/%00", "https://gp.example/x\x00",
		"https://gp.example/\x7f", "https://gp.example/\x1b[2J", "https://gp.example/%1b", "https://gp.example/%7f", "https://gp.example/x\ty", "https://gp.example/x y", "https://gp.example/x%20y", "https://gp.example/x%09y",
		"https://gp.example/\u0085", "https://gp.example/\u2028", "https://gp.example/x\u560d\u560a", "https://gp.example/é", "https://gp.example/\xff\xfe",
		// Out of the path.
		"https://gp.example/..", "https://gp.example/.", "https://gp.example/../x", "https://gp.example/a/../b", "https://gp.example/a/./b", "https://gp.example/a/..", "https://gp.example/../../https://HERE/x",
		"https://gp.example/%2e%2e/x", "https://gp.example/%2E%2E/x", "https://gp.example/.%2e/x", "https://gp.example/%2e./x", "https://gp.example/%2e/x", "https://gp.example/a%2f..%2fb", "https://gp.example/a%2Fb",
		"https://gp.example/a%5c..%5cb", "https://gp.example/a\\..\\b", "https://gp.example/..\\x", "https://gp.example/a%", "https://gp.example/a%zz", "https://gp.example/%", "https://gp.example/{x}", "https://gp.example/<x>",
		"https://gp.example/\"x", "https://gp.example/a|b", "https://gp.example/a^b", "https://gp.example/`x`", "https://gp.example/" + strings.Repeat("x", 64<<10), "https://gp.example/" + strings.Repeat("../", 100) + "x",
	} {
		all = append(all, strings.ReplaceAll(text, "HERE", here))
	}
	return all
}

// named are names that may lead anywhere by the time that somebody asks: an operator's list of domains refuses them, and
// without one they are path data, which is the proxy's to judge.
func named(port int) []string {
	var all []string
	for _, host := range []string{
		"127.0.0.1.nip.io", "a9fea9fe.rebind.example", "localtest.me", "metadata.google.internal", "instance-data", "kubernetes.default.svc", "nhs.uk.example", "evilnhs.uk", "gp.nhs.uk.evil.example",
		"nhs.uk-evil.example", "nhs-uk.example", "uk", "8.8.8.8", "[2001:4860:4860::8888]", "xn--nhs-uk.example", "localhost.evil.example",
	} {
		all = append(all, "https://"+host+"/x", fmt.Sprintf("https://%s:%d/x", host, port))
	}
	return all
}

// Whatever the directory says, only the proxy is ever connected to (trust contract, T1).
func TestNoAddressLeadsAnywhereButToTheProxy(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	canary, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	listening.Go(func() {
		for conn, err := canary.Accept(); err == nil; conn, err = canary.Accept() {
			hits.Add(1)
			_ = conn.Close()
		}
	})
	port := canary.Addr().(*net.TCPAddr).Port

	root := newAuthority(t)
	certificate := root.issue(t, rsaKeys(), nil)
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}})
	var mu sync.Mutex
	dialled := map[string]int{}
	through := func(policy AddressPolicy) *Proxy {
		p, err := NewProxy(ProxyConfig{Addresses: policy, Upstream: Config{
			BaseURL: "https://" + sspName, Environment: pb.Environment_ENVIRONMENT_EMBEDDED,
			TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: root.pool, Certificates: []tls.Certificate{certificate}},
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				mu.Lock()
				defer mu.Unlock()
				dialled[address]++
				if address == sspName+":443" {
					address = s.Listener.Addr().String()
				}
				return new(net.Dialer).DialContext(ctx, network, address) // whatever is asked for is really dialled
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	call := func(p *Proxy, address string) error {
		c := callTo(t, "A20047", "918000000001")
		c.Destination.Address, c.Interaction, c.ID = address, nhs.ReadPatient, "1"
		answer, err := p.Do(t.Context(), c)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}

	refused := hostile(port)
	if distinct := len(slices.Compact(slices.Sorted(slices.Values(refused)))); distinct < 300 {
		t.Errorf("only %d addresses", distinct)
	}
	public, restricted := through(AddressPolicy{}), through(AddressPolicy{HostSuffixes: []string{"nhs.uk"}})
	for _, address := range refused {
		for _, p := range []*Proxy{public, restricted} {
			err := call(p, address)
			if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED || !NeverSent(err) {
				t.Errorf("%.100q: %v, want ENDPOINT_ADDRESS_REFUSED", address, err)
			}
		}
	}
	if len(dialled) > 0 || s.handled.Load() > 0 {
		t.Fatalf("dialled %v, %d requests", dialled, s.handled.Load())
	}
	for _, address := range named(port) {
		if err := call(restricted, address); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED {
			t.Errorf("%s, outside of the operator's domains: %v", address, err)
		}
		if err := call(public, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if len(dialled) != 1 || dialled[sspName+":443"] == 0 || int(s.handled.Load()) != len(named(port)) {
		t.Errorf("dialled %v, %d requests at the proxy", dialled, s.handled.Load())
	}
	if err := canary.Close(); err != nil {
		t.Error(err)
	}
	listening.Wait()
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was connected to %d times", n)
	}
}

// A redirect leads nowhere, whatever its status and wherever it points: it is an answer that nobody may give (C5).
func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	canary := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(t, rsaKeys(), nil)}})
	at := "127.0.0.1:" + fmt.Sprint(canary.Listener.Addr().(*net.TCPAddr).Port)
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, location := range []string{"https://" + at + "/x", "http://" + at + "/x", "//" + at + "/x", "https://pds.spine.example:443/other", "/other", "", "https://localhost/\r\nX: y"} {
			bubble(t, fmt.Sprintf("%d to %.20q", status, location), func(t *testing.T) {
				var dials atomic.Int32
				s := serve(t, "Example", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", location)
					w.WriteHeader(status)
				})
				dial := s.config.Dial
				s.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					dials.Add(1)
					return dial(ctx, network, address)
				}
				for _, q := range []*Request{get(), post()} {
					_, err := fetch(t.Context(), open(t, s.config), q)
					wantReason(t, err, pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID)
				}
				if n := len(s.received()); n != 2 || dials.Load() != 2 {
					t.Errorf("%d requests over %d connections", n, dials.Load())
				}
			})
		}
	}
	if canary.handshakes.Load() != 0 {
		t.Error("the canary was connected to")
	}
}
