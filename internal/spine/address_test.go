package spine

import (
	"net/http"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

func TestAddressPolicy(t *testing.T) {
	for _, address := range []string{
		"https://gp.example/A20047/STU3/1/gpconnect", "https://host.nhs.uk/ODS/STU3/1/gpconnect/structured/fhir/",
		"https://host.nhs.uk:19192/ODS", "https://HOST.nhs.uk/ODS", "https://host.nhs.uk", "https://host.nhs.uk/", "https://8.8.8.8/x",
		"https://host.nhs.uk//double//", "https://host_1.nhs.uk/x", "https://[2001:4860:4860::8888]:443/x", "https://host.nhs.uk./x",
	} {
		if err := (AddressPolicy{}).Check(address); err != nil {
			t.Errorf("%s is refused", address)
		}
	}
	for _, address := range []string{
		"", "http://gp.example/x", "HTTPS://gp.example/x", "//gp.example/x", "/x", "gp.example", "https://", "https:///x", "https:gp.example",
		"ftp://gp.example", "https://me@gp.example/x", "https://me:pw@gp.example/x", "https://gp.example/x?y", "https://gp.example/x#y",
		"https://gp.example/x?", "https://gp.example/x#", "https://gp.example/a b", " https://gp.example", "https://gp.example ",
		"https://gp.example/\r\nSsp-To: 1", "https://gp.example/%0d%0a", "https://gp.example/%00", "https://gp.example/a/../b",
		"https://gp.example/a/%2e%2e/b", "https://gp.example/a/.%2E", "https://gp.example/..", "https://gp.example/./x", "https://gp.example/a%2f..%2fb",
		`https://gp.example\@127.0.0.1/`, "https://gp.example/a%5cb", "https://gp.example:/x", "https://gp.example:99999999/x",
		"https://gp.example:a/x", "https://gp.exämple/x", "https://ɡp.example/x", "https://gp%2eexample/x", "https://gp..example/x", "https://.example/x",
		"https://localhost/x", "https://LOCALHOST:8443/x", "https://a.localhost/x", "https://127.0.0.1/x", "https://127.1/x",
		"https://2130706433/x", "https://0x7f000001/x", "https://0x7f.1/x", "https://0177.0.0.1/x", "https://10.0.0.1/x", "https://192.168.1.1/x",
		"https://172.16.0.1/x", "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/x", "https://0.0.0.0/x", "https://255.255.255.255/x",
		"https://[::1]/x", "https://[::]/x", "https://[fe80::1]/x", "https://[fe80::1%25eth0]/x", "https://[fc00::1]/x", "https://[::ffff:127.0.0.1]/x",
		"https://[::ffff:7f00:1]/x", "https://[64:ff9b::7f00:1]/x", "https://[2002:7f00:1::]/x", "https://[::127.0.0.1]/x", "https://224.0.0.1/x",
		"https://gp.example/" + strings.Repeat("x", 64<<10), "https://" + strings.Repeat("x", 64<<10) + ".example/",
	} {
		if (AddressPolicy{}).Check(address) == nil {
			t.Errorf("%.80q is accepted", address)
		}
	}
	private := AddressPolicy{PrivateHosts: true}
	for _, address := range []string{"https://localhost:8443/x", "https://127.0.0.1:8443/x", "https://[::1]/x"} {
		if err := private.Check(address); err != nil {
			t.Errorf("%s is refused where private hosts are allowed", address)
		}
	}
	nhsOnly := AddressPolicy{HostSuffixes: []string{"nhs.uk"}}
	for address, want := range map[string]bool{
		"https://gp.nhs.uk/x": true, "https://NHS.uk/x": true, "https://evilnhs.uk/x": false, "https://nhs.uk.example/x": false, "https://8.8.8.8/x": false,
	} {
		if got := nhsOnly.Check(address) == nil; got != want {
			t.Errorf("%s with a list of domains: %v", address, got)
		}
	}
}

// Whatever address is accepted, the request goes to the proxy, and its path is the address byte for byte.
func FuzzProxyURL(f *testing.F) {
	for _, seed := range []string{
		"https://gp.example/A20047/STU3/1/gpconnect", "https://gp.example/", "https://gp.example//x/%41$;,:@&=+!*'()~", "https://gp.example/é",
	} {
		f.Add(seed, "1", "a|b c")
	}
	u, err := New(Config{Hop: pb.Hop_HOP_SSP, BaseURL: "https://proxy.example", Environment: pb.Environment_ENVIRONMENT_EMBEDDED})
	if err != nil {
		f.Fatal(err)
	}
	p := &Proxy{upstream: u, base: "https://proxy.example"}
	f.Fuzz(func(t *testing.T, address, id, text string) {
		op := operations[nhs.ReadPatient]
		target, err := p.url(Call{
			Destination: Destination{Address: address}, ID: id, Query: map[string][]string{"q": {text}},
		}, op)
		if err != nil {
			return
		}
		r, err := u.newRequest(t.Context(), &Request{Method: http.MethodGet, URL: target})
		if err != nil {
			t.Fatalf("an accepted address cannot be sent: %q", address)
		}
		path, _, _ := strings.Cut(r.URL.RequestURI(), "?")
		if want := "/" + strings.TrimSuffix(address, "/") + "/Patient/" + id; path != want {
			t.Errorf("path %q, want %q", path, want)
		}
		if r.URL.Host != "proxy.example" || strings.ContainsAny(path, " \r\n") {
			t.Errorf("host %q, path %q", r.URL.Host, path)
		}
		if got := r.URL.Query().Get("q"); got != text {
			t.Errorf("the query arrives as %q, want %q", got, text)
		}
	})
}
