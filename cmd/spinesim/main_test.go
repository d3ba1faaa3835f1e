package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/identity"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spinesim": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":   await,
			"control": asControl,
			"ping":    ping,
			"build":   build,
			"callers": callers,
			"capture": capture,
			"trace":   trace,
		},
	})
}

// await waits until a file is there, which another process writes.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await file")
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not come", args[0])
}

// build builds a program of this module: build package output.
func build(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: build package output")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-o", ts.MkAbs(args[1]), args[0]).CombinedOutput()
	if err != nil {
		ts.Fatalf("build %s: %v\n%s", args[0], err, out)
	}
}

func written(ts *testscript.TestScript, dir string) snippet {
	var s snippet
	if err := yaml.Unmarshal([]byte(ts.ReadFile(dir+"/"+snippetName)), &s); err != nil {
		ts.Fatalf("%v", err)
	}
	return s
}

// asControl sends a request to the control address and prints the answer: control dir METHOD path [body].
func asControl(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: control dir METHOD path [body]")
	}
	body := strings.Join(args[3:], " ")
	send(ts, neg, http.DefaultClient, args[1], written(ts, args[0]).Control+args[2], body)
}

// ping asks PDS whether it is there, trusting what was written only: ping dir.
func ping(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: ping dir")
	}
	s := written(ts, args[0])
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(ts.ReadFile(s.CAFile))) {
		ts.Fatalf("no certificate in %s", s.CAFile)
	}
	if _, err := tls.LoadX509KeyPair(s.Proxy.CertificateFile, s.Proxy.KeyFile); err != nil {
		ts.Fatalf("%v", err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	send(ts, neg, client, http.MethodGet, s.PDS.BaseURL+"/_ping", "")
}

func send(ts *testscript.TestScript, neg bool, client *http.Client, method, url, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	ts.Check(err)
	response, err := client.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.Header.Get("Spinegate-Simulated") != "true" {
		ts.Fatalf("the answer is not marked")
	}
	_, err = ts.Stdout().Write(text)
	ts.Check(err)
	if failed := response.StatusCode >= 400; failed != neg {
		ts.Fatalf("%d %s", response.StatusCode, text)
	}
}

// callers runs an issuer of tokens until the script ends, puts it into a gateway's configuration, and sets TOKEN to a token for a
// clinician: callers configuration.
func callers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: callers configuration")
	}
	issuer, err := identity.NewIssuer("https://login.example", "spinegate")
	ts.Check(err)
	keys, err := issuer.JWKS()
	ts.Check(err)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	ts.Defer(server.Close)
	ca := ts.MkAbs("login.pem")
	ts.Check(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	text := strings.NewReplacer(
		"https://login.example/jwks.json", server.URL+"/jwks.json\n      caFile: "+ca, "[RS256, ES256]", "[EdDSA]",
	).Replace(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	token, err := issuer.Mint(identity.Personas()[0], time.Hour)
	ts.Check(err)
	ts.Setenv("TOKEN", token.Reveal())
}

// trace traces a patient with TOKEN and an ID token through the gateway whose log is in a file, and prints as whom PDS was
// asked: trace log id-token nhs-number.
func trace(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: trace log id-token nhs-number")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	serving := regexp.MustCompile(`"msg":"serving".*"address":"([^"]+)"`)
	var found []string
	for ; found == nil; time.Sleep(5 * time.Millisecond) {
		ts.Check(ctx.Err())
		found = serving.FindStringSubmatch(ts.ReadFile(args[0]))
	}
	conn, err := grpc.NewClient(found[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	ts.Check(err)
	defer conn.Close()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+ts.Getenv("TOKEN"), "spinegate-cis2-id-token", args[1])
	answer, err := pb.NewPatientTraceClient(conn).TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: args[2]})
	if (err != nil) != neg {
		ts.Fatalf("trace: %v", err)
	}
	_, err = fmt.Fprintln(ts.Stdout(), answer.GetRegistration().GetOdsCode(), answer.GetProvenance().GetPdsAccess())
	ts.Check(err)
}

// capture keeps what an expression's group finds in the last output: capture NAME expression.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME expression")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("nothing in the output is like %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}
