package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spinegate/spinegate/internal/doctor"
	"github.com/spinegate/spinegate/internal/simulator"
)

// startSpine runs a simulated Spine until the script ends, and writes what a gateway in front of it needs: spine.
func startSpine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: spine")
	}
	ctx, cancel := context.WithCancel(context.Background())
	spine, err := simulator.Start(ctx, simulator.Options{})
	ts.Check(err)
	ts.Defer(func() { cancel(); ts.Check(spine.Close()) })
	app, err := spine.Application()
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(&app.Key.PublicKey)
	ts.Check(err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	otherKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(other)})
	for name, content := range map[string][]byte{
		"other.key": otherKey,
		"ca.pem":    spine.RootCAs(), "client.pem": spine.Client().CertificatePEM, "client.key": spine.Client().KeyPEM,
		"app.key": app.KeyPEM, "app.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), "jwks.json": app.JWKS,
		"apikey": []byte(app.APIKey), "sdskey": []byte(spine.DirectoryKey()), "store.key": []byte(strings.Repeat("5a", 32)),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), content, 0o600))
	}
	for name, value := range map[string]string{
		"KID": app.KeyID, "TOKENS": spine.TokenURL(), "PDS": spine.PDSURL(), "SDS": spine.SDSURL(), "PROXY": spine.ProxyURL(),
	} {
		ts.Setenv(name, value)
	}
}

// configure fills in a template, with the script's variables and replacements of text: configure template output [old new]...
func configure(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args)%2 != 0 {
		ts.Fatalf("usage: configure template output [old new]...")
	}
	var out bytes.Buffer
	ts.Check(template.Must(template.New("").Funcs(template.FuncMap{"env": ts.Getenv}).Parse(ts.ReadFile(args[0]))).Execute(&out, nil))
	text := out.String()
	for i := 2; i < len(args); i += 2 {
		if !strings.Contains(text, args[i]) {
			ts.Fatalf("%s has no %s", args[0], args[i])
		}
		text = strings.ReplaceAll(text, args[i], args[i+1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// certify makes a certificate that signs itself, good for so many days from now, with its key: certify name days host.
func certify(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: certify name days host")
	}
	days, err := strconv.Atoi(args[1])
	ts.Check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	now := time.Now()
	plain := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: args[2]}, DNSNames: []string{args[2]},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-1000 * time.Hour), NotAfter: now.Add(time.Duration(days)*24*time.Hour + time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, plain, plain, key.Public(), key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// answer runs an https server until the script ends, which answers everything with a file, and whose clock is so many seconds
// ahead. Its certificate is that of certify, and a variable is set to its URL: answer NAME certificate file seconds.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: answer NAME certificate file seconds")
	}
	pair, err := tls.LoadX509KeyPair(ts.MkAbs(args[1]+".pem"), ts.MkAbs(args[1]+".key"))
	ts.Check(err)
	text := []byte(ts.ReadFile(args[2]))
	seconds, err := strconv.Atoi(args[3])
	ts.Check(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}})
	ts.Check(err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(http.TimeFormat))
		_, _ = w.Write(text)
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it ends when it is closed
	}()
	ts.Defer(func() {
		ts.Check(server.Close())
		<-served
	})
	ts.Setenv(args[0], "https://"+listener.Addr().String())
}

// toldOf looks for a finding of the doctor's in the last output, in JSON: told VERDICT subject check expression. The expression is
// matched against interaction, what was seen and what to do.
func toldOf(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: told VERDICT subject check expression")
	}
	like, found := regexp.MustCompile(args[3]), false
	for _, f := range findingsIn(ts) {
		found = found || string(f.Verdict) == args[0] && f.Subject == args[1] && f.Check == args[2] &&
			like.MatchString(strings.TrimSpace(strings.Join(f.Interactions, " ")+f.Interaction+" "+f.Seen+" "+f.Do))
	}
	if found == neg {
		ts.Fatalf("told: %t", found)
	}
}

// failures counts the doctor's findings of what failed in the last output: failures n.
func failures(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: failures n")
	}
	n := 0
	for _, f := range findingsIn(ts) {
		if f.Verdict == doctor.Fail {
			n++
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d failed", n)
	}
}

func findingsIn(ts *testscript.TestScript) []doctor.Finding {
	var all []doctor.Finding
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var f doctor.Finding
		ts.Check(json.Unmarshal([]byte(line), &f))
		all = append(all, f)
	}
	return all
}
