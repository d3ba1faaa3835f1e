package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spinegate/spinegate/internal/config"
)

// A renewal that puts another's certificate in place, with its key, changes nothing for any way to the proxy.
func TestARenewedCertificateIsForTheSameHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := trusting(t, nil)
		var log lines
		g.log = slog.New(slog.NewJSONHandler(&log, nil))
		trusted, err := g.readTrust()
		if err != nil {
			t.Fatal(err)
		}
		own := trusted.certificates()
		shows := func(shared, theirs string) {
			t.Helper()
			if got := trusted.pair.current().Leaf.Subject.CommonName; got != shared {
				t.Errorf("the gateway shows %s, want %s", got, shared)
			}
			for ods, certificate := range own {
				if pair, err := certificate(nil); err != nil || pair.Leaf.Subject.CommonName != theirs {
					t.Errorf("%s shows %s, %v, want %s", ods, pair.Leaf.Subject.CommonName, err, theirs)
				}
			}
		}
		shows("gateway.example", "trust.example")
		renew := func(sharedAs, ownAs string) {
			t.Helper()
			now := time.Now()
			issue(t, filepath.Dir(string(g.config.Spine.Proxy.CertificateFile)), sharedAs, now, now.Add(50*day))
			issue(t, filepath.Dir(string(g.config.Organisations[1].Proxy.CertificateFile)), ownAs, now, now.Add(50*day))
			time.Sleep(lookEvery)
		}
		renew("trust.example", "gateway.example")
		shows("gateway.example", "trust.example")
		text := log.take()
		for _, key := range []string{"system.url", "organisations[0].fqdn", "organisations[1].fqdn"} {
			if !strings.Contains(text, key+": the client certificate is for another host name") || strings.Count(text, `"level":"ERROR"`) != 2 {
				t.Errorf("no error of %s in:\n%s", key, text)
			}
		}
		before := trusted.pair.current().Leaf.SerialNumber
		renew("gateway.example", "TRUST.example")
		shows("gateway.example", "TRUST.example")
		if trusted.pair.current().Leaf.SerialNumber.Cmp(before) == 0 {
			t.Error("a renewal for the same host was not taken")
		}
	})
}

// A key is a secret at a renewal as it is at the start.
func TestARenewedKeyIsReadableByItsOwnerAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, now := t.TempDir(), time.Now()
		certificateFile, keyFile := issue(t, dir, "first.example", now, now.Add(day))
		pair, err := newKeyPair(config.File(certificateFile), config.SecretFile(keyFile), quiet(), nil)
		if err != nil {
			t.Fatal(err)
		}
		mode := func(mode os.FileMode) {
			t.Helper()
			if err := os.Chmod(keyFile, mode); err != nil {
				t.Fatal(err)
			}
			time.Sleep(lookEvery)
		}
		issue(t, dir, "second.example", now, now.Add(day))
		if mode(0o604); pair.current().Leaf.Subject.CommonName != "first.example" {
			t.Error("a key that everybody can read was taken")
		}
		if mode(0o600); pair.current().Leaf.Subject.CommonName != "second.example" {
			t.Error("the key was not taken when it was right")
		}
		mode(0o604)
		if _, err := newKeyPair(config.File(certificateFile), config.SecretFile(keyFile), quiet(), nil); err == nil {
			t.Error("it was taken at the start")
		}
	})
}

func TestAFileThatTookAnothersPlaceIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, written := t.TempDir(), time.Now()
		file, next := filepath.Join(dir, "file"), filepath.Join(dir, "next")
		for name, text := range map[string]string{file: "first.", next: "second"} {
			writeFile(t, name, []byte(text))
			if err := os.Chtimes(name, written, written); err != nil {
				t.Fatal(err)
			}
		}
		reads := 0
		r, err := newRenewed(quiet(), func() (string, error) {
			reads++
			text, err := os.ReadFile(file)
			return string(text), err
		}, file)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if got := r.current(); got != "first." || reads != 1 {
			t.Errorf("%q after %d reads of what has not changed", got, reads)
		}
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if got := r.current(); got != "second" {
			t.Errorf("%q is in use, and not what took its place", got)
		}
	})
}
