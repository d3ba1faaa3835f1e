package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/simulator"
)

// load makes calls of an organisation until the context ends, and counts them. None may fail.
func (g *gateway) load(ctx context.Context, t *testing.T, as context.Context, every time.Duration) (calls int) {
	t.Helper()
	for ctx.Err() == nil {
		if _, err := g.practices.GetCapabilities(as, &pb.GetCapabilitiesRequest{OdsCode: "A20047"}); err != nil {
			t.Errorf("call %d: %v", calls, err)
		}
		calls++
		time.Sleep(every)
	}
	return calls
}

// Both certificates of a gateway, and the file of authorities, are replaced while it is in use: no call fails, connections
// are made anew with the new ones, and there is one handshake for a connection and not for a request.
func TestCertificatesRotateUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := startTenants(t)
		dir := filepath.Join(g.Dir, "spine")
		replace := func(name string, text []byte) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		serials := func() map[string]map[string]bool {
			seen := map[string]map[string]bool{}
			for _, x := range g.spine.Transcript().Of(simulator.Proxy) {
				if seen[x.PeerNames[0]] == nil {
					seen[x.PeerNames[0]] = map[string]bool{}
				}
				seen[x.PeerNames[0]][x.PeerSerial] = true
			}
			return seen
		}
		ctx, stop := context.WithCancel(t.Context())
		var loads sync.WaitGroup
		calls := 0
		var counting sync.Mutex
		for _, of := range tenants {
			// The one calls all the time; the other so seldom that its connections are idle for too long and are closed.
			for n, every := range []time.Duration{6 * time.Second, 40 * time.Second} {
				as := g.AsPersona(t.Context(), t, of.person(t, strings.ToLower(of.ods)+"-"+string(rune('a'+n))))
				loads.Go(func() {
					made := g.load(ctx, t, as, every)
					counting.Lock()
					defer counting.Unlock()
					calls += made
				})
			}
		}
		time.Sleep(3 * time.Minute)
		requests, connections := 0, map[uint64]bool{}
		for _, x := range g.spine.Transcript().Of(simulator.Proxy) {
			requests++
			connections[x.Connection] = true
		}
		if len(connections)*4 > requests {
			t.Errorf("%d handshakes for %d requests", len(connections), requests)
		}
		for name, seen := range serials() {
			if len(seen) != 1 {
				t.Errorf("%s has shown %d certificates", name, len(seen))
			}
		}

		// resetting lets time pass in which connections break, so that somebody shakes hands anew.
		resetting := func(d time.Duration) {
			for range d / (7 * time.Second) {
				if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.Proxy, Reset: true, Times: 1}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(7 * time.Second)
			}
		}
		serialOf := map[string]string{}
		for _, of := range tenants {
			file := "client"
			if of.fqdn == community.fqdn {
				file = of.ods
			}
			renewed, err := g.spine.IssueClient(of.fqdn)
			if err != nil {
				t.Fatal(err)
			}
			serialOf[of.fqdn] = renewed.Certificate.Leaf.SerialNumber.String()
			replace(file+".pem", renewed.CertificatePEM)
			resetting(45 * time.Second) // somebody looks while only one of the two is written
			replace(file+".key", renewed.KeyPEM)
		}
		replace("ca.pem", append(g.spine.RootCAs(), "-----BEGIN CERTIFICATE-----\nhalf of one"...))
		time.Sleep(time.Minute)
		replace("ca.pem", append([]byte("# renewed\n"), g.spine.RootCAs()...))
		time.Sleep(time.Minute)
		// What goes wrong with a connection makes a new one, and that has the new certificate.
		last := uint64(0)
		for _, x := range g.spine.Transcript().All() {
			last = max(last, x.Connection)
		}
		resetting(20 * 7 * time.Second)
		time.Sleep(time.Minute)
		stop()
		loads.Wait()
		if calls < 200 {
			t.Errorf("only %d calls were made", calls)
		}
		for _, want := range []string{"cannot be used, the last one stays", "client.pem", community.ods + ".pem", `"a certificate was read again","file"`} {
			if !strings.Contains(g.logs(), want) {
				t.Errorf("the log has no %q", want)
			}
		}
		for name, seen := range serials() {
			if len(seen) != 2 {
				t.Errorf("%s has shown %d certificates, want the old one and the new", name, len(seen))
			}
		}
		fresh := 0
		for _, x := range g.spine.Transcript().Of(simulator.Proxy) {
			if x.Connection <= last {
				continue // it was there before, and may go on
			}
			if fresh++; x.PeerSerial != serialOf[x.PeerNames[0]] {
				t.Errorf("a new connection of %s shows the old certificate", x.PeerNames[0])
			}
		}
		if fresh == 0 {
			t.Error("there was no new connection")
		}
	})
}
