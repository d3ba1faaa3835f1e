package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
)

// A method that is built is known here, so that no organisation lacks an ASID for something that it may call.
func TestEveryMethodThatAsksPracticesIsKnown(t *testing.T) {
	t.Parallel()
	for m := range policy.All() {
		_, known := sends[m.Name]
		asks := m.Built && len(m.Name) > 24 && m.Name[:24] == "/spinegate.v1.GPConnect/"
		if known != asks {
			t.Errorf("%s: known %t, asks practices %t", m.Name, known, asks)
		}
	}
	for name := range sends {
		if _, ok := policy.For(name); !ok {
			t.Errorf("%s is no method", name)
		}
	}
}

func TestInteractionsOfMethods(t *testing.T) {
	t.Parallel()
	slots := Interactions(map[string]bool{"/spinegate.v1.GPConnect/SearchSlots": true, "/spinegate.v1.PatientTrace/TracePatient": true})
	if !slices.Equal(slots, []nhs.Interaction{nhs.SearchSlot}) {
		t.Errorf("for slots: %v", slots)
	}
	all := Interactions(nil)
	slices.Sort(all)
	if len(all) < 8 || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("all: %v", all)
	}
	if none := Interactions(map[string]bool{}); none != nil {
		t.Errorf("of no method: %v", none)
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 3, 1, 12, 0, 0, 400e6, time.UTC)
	received := sent.Add(200 * time.Millisecond)
	for _, tt := range []struct {
		theirs time.Time
		want   Verdict
		seen   string
	}{
		{sent.Truncate(time.Second), OK, "ours is within 2s"},
		{sent.Truncate(time.Second).Add(2 * time.Second), OK, "ours is within 2s"},
		{sent.Truncate(time.Second).Add(3 * time.Second), Warn, "ours is 3s behind"},
		{sent.Truncate(time.Second).Add(-3 * time.Second), Warn, "ours is 3s ahead"},
		{sent.Truncate(time.Second).Add(-60 * time.Second), Warn, "ours is 1m0s ahead"},
		{sent.Truncate(time.Second).Add(-61 * time.Second), Fail, "ours is 1m1s ahead"},
		{sent.Truncate(time.Second).Add(time.Hour), Fail, "ours is 1h0m0s behind"},
	} {
		if got, seen := Clock(ahead(tt.theirs, sent, received)); got != tt.want || seen != tt.seen {
			t.Errorf("their %s: %s, %s; want %s, %s", tt.theirs.Format(time.TimeOnly), got, seen, tt.want, tt.seen)
		}
	}
	for header, want := range map[string]Verdict{"": Skipped, "yesterday": Skipped, received.Format(http.TimeFormat): OK} {
		var found []Finding
		e := &examination{tell: func(f Finding) { found = append(found, f) }}
		e.clock("x", http.Header{"Date": {header}}, sent, received)
		if len(found) != 1 || found[0].Verdict != want {
			t.Errorf("Date %q: %+v, want %s", header, found, want)
		}
	}
	var found []Finding
	e := &examination{tell: func(f Finding) { found = append(found, f) }}
	e.clock("x", http.Header{"Date": {sent.Add(-20 * time.Minute).Format(http.TimeFormat)}, "Age": {"1200"}}, sent, received)
	if len(found) != 1 || found[0].Verdict != OK {
		t.Errorf("an answer of a cache: %+v", found)
	}
}

// A gateway that wants a client certificate says so during the handshake in TLS 1.2, and after it in TLS 1.3.
func TestAMissingClientCertificateIsToldAsThat(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, plain, plain, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	own := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, shown := range []bool{false, true} {
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
				MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAnyClientCert,
				NextProtos: []string{"h2"},
			})
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan struct{})
			go func() {
				defer close(served)
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Write([]byte("x")) // after the handshake, or the reason why not
				_ = conn.Close()
			}()
			client := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
			if shown {
				client.Certificates = []tls.Certificate{own}
			}
			var found []Finding
			ok := Knock(t.Context(), "gateway", listener.Addr().String(), "ca.pem", client, func(f Finding) { found = append(found, f) })
			refused := slices.ContainsFunc(found, func(f Finding) bool { return f.Verdict == Fail && f.Check == "client certificate" })
			if ok != shown || refused == shown {
				t.Errorf("%s, shown %t: %t, %+v", tls.VersionName(version), shown, ok, found)
			}
			_ = listener.Close()
			<-served
		}
	}
}
