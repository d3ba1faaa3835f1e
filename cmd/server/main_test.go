package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/simulator"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"server": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":   awaitText,
			"spine":   startSpine,
			"trace":   trace,
			"uses":    uses,
			"reflect": reflects,
			"get":     get,
			"port":    freePort,
		},
	})
}

// awaitText waits until a file holds a text, which another process writes: await file text.
func awaitText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await file text")
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && bytes.Contains(text, []byte(args[1])) {
			return
		}
	}
	ts.Fatalf("%s did not come to hold %s", args[0], args[1])
}

// startSpine runs a simulated Spine until the script ends, and writes what a gateway needs, with a configuration for an
// environment made from a template: spine ENVIRONMENT template output.
func startSpine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: spine ENVIRONMENT template output")
	}
	ctx, cancel := context.WithCancel(context.Background())
	spine, err := simulator.Start(ctx, simulator.Options{})
	ts.Check(err)
	ts.Defer(func() { cancel(); ts.Check(spine.Close()) })
	app, err := spine.Application()
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(&app.Key.PublicKey)
	ts.Check(err)
	for name, content := range map[string][]byte{
		"app.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		"ca.pem":  spine.RootCAs(), "client.pem": spine.Client().CertificatePEM, "client.key": spine.Client().KeyPEM,
		"app.key": app.KeyPEM, "apikey": []byte(app.APIKey), "store.key": []byte(strings.Repeat("5a", 32)),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), content, 0o600))
	}
	// A pair that nothing gives away as simulated, for configurations that hide what they point at.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	plain := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "gateway.spinegate.example"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, plain, plain, key.Public(), key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("plain.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("plain.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))

	var out bytes.Buffer
	ts.Check(template.Must(template.New("").Parse(ts.ReadFile(args[1]))).Execute(&out, map[string]string{
		"Environment": args[0], "Dir": ts.MkAbs("."), "KeyID": app.KeyID,
		"Token": spine.TokenURL(), "PDS": spine.PDSURL(), "SDS": spine.SDSURL(), "Proxy": spine.ProxyURL(),
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o600))
}

// uses sets variables to what a sandbox said in a file: uses file.
func uses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: uses file")
	}
	var u up
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &u))
	ts.Setenv("GRPC", u.GRPC)
	ts.Setenv("ADMIN", u.Admin)
	ts.Setenv("OPERATORS", strings.TrimPrefix(u.Admin, "http://"))
	ts.Setenv("HTTP", u.HTTP)
	ts.Setenv("TOKEN", u.Token)
}

func connect(ts *testscript.TestScript, address string) *grpc.ClientConn {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	return conn
}

// trace traces a patient and prints the practice: trace address token nhs-number.
func trace(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: trace address token nhs-number")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answer, err := pb.NewPatientTraceClient(connect(ts, args[0])).TracePatient(
		metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+args[1]), &pb.TracePatientRequest{NhsNumber: args[2]})
	if (err != nil) != neg {
		ts.Fatalf("trace: %v", err)
	}
	_, err = io.WriteString(ts.Stdout(), answer.GetRegistration().GetOdsCode()+"\n")
	ts.Check(err)
}

// reflects lists the services by reflection: reflect address.
func reflects(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: reflect address")
	}
	conn := connect(ts, args[0])
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := reflection.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	ts.Check(err)
	err = stream.Send(&reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}})
	if !errors.Is(err, io.EOF) { // else it has been refused, and Recv says why
		ts.Check(err)
	}
	answer, err := stream.Recv()
	if (err != nil) != neg {
		ts.Fatalf("reflect: %v", err)
	}
	for _, s := range answer.GetListServicesResponse().GetService() {
		_, err = io.WriteString(ts.Stdout(), s.GetName()+"\n")
		ts.Check(err)
	}
}

// get asks over HTTP, or posts: get URL [METHOD].
func get(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: get URL [METHOD]")
	}
	method := append(args, http.MethodGet)[1]
	request, err := http.NewRequestWithContext(context.Background(), method, args[0], nil)
	ts.Check(err)
	answer, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer answer.Body.Close()
	if (answer.StatusCode >= 400) != neg {
		ts.Fatalf("%s %s: %s", method, args[0], answer.Status)
	}
	_, err = io.Copy(ts.Stdout(), answer.Body)
	ts.Check(err)
}

// freePort sets a variable to a port that nobody listens on: port NAME.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port NAME")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Check(listener.Close())
	ts.Setenv(args[0], port)
}

// The two pages that explain the configuration come from one source.
func TestTheExampleIsTheOneInTheManual(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"config", "manual"}, &out, io.Discard); code != 0 {
		t.Fatalf("config manual: %d", code)
	}
	committed, err := os.ReadFile(filepath.Join("..", "..", "docs", "config.md"))
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(committed) {
		t.Error("docs/config.md is stale: run make generate")
	}
}
