package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/server/servertest"
)

const (
	plain = "9990000018"
	rich  = "9990000115"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newRequest is a call by whoever the context stands for.
func newRequest(ctx context.Context, t testing.TB, method, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway.example"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := metadata.FromOutgoingContext(ctx)
	for name, values := range sent {
		for _, value := range values {
			r.Header.Add(name, value)
		}
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// said is an answer, read to its end.
type said struct {
	status int
	header http.Header
	body   []byte
	err    error // of reading it
}

func send(t testing.TB, client *http.Client, r *http.Request) said {
	t.Helper()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return said{answer.StatusCode, answer.Header, body, err}
}

func post(ctx context.Context, t testing.TB, g *servertest.Gateway, method, body string) said {
	t.Helper()
	return send(t, g.HTTP, newRequest(ctx, t, method, body))
}

// message reads the answer of a call with one.
func (s said) message(t testing.TB, into proto.Message) {
	t.Helper()
	if s.status != http.StatusOK || s.header.Get("Content-Type") != "application/json" || s.err != nil {
		t.Fatalf("%d %s %v: %s", s.status, s.header.Get("Content-Type"), s.err, s.body)
	}
	if err := protojson.Unmarshal(s.body, into); err != nil {
		t.Fatalf("%v: %s", err, s.body)
	}
}

// failure reads google.rpc.Status.
func failure(t testing.TB, body []byte) (*status.Status, *pb.ErrorDetail) {
	t.Helper()
	var s spb.Status
	if err := protojson.Unmarshal(body, &s); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	st := status.FromProto(&s)
	for _, d := range st.Details() {
		if detail, ok := d.(*pb.ErrorDetail); ok {
			return st, detail
		}
	}
	t.Fatalf("no detail: %s", body)
	return nil, nil
}

func (s said) failed(t testing.TB, code int, reason string) *pb.ErrorDetail {
	t.Helper()
	_, detail := failure(t, s.body)
	if s.status != code || fault.ReasonName(detail.GetReason()) != reason {
		t.Errorf("%d %s, want %d %s: %s", s.status, detail.GetReason(), code, reason, s.body)
	}
	if s.header.Get("Content-Type") != "application/json" || s.header.Get("Cache-Control") != "no-store" || s.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers are %v", s.header)
	}
	return detail
}

// stream reads the lines of a stream, and what its last one says if that is an error.
func stream[M any, P interface {
	*M
	proto.Message
}](t testing.TB, s said,
) (all []P, end *status.Status, detail *pb.ErrorDetail) {
	t.Helper()
	if s.status != http.StatusOK || s.header.Get("Content-Type") != "application/x-ndjson" || s.err != nil {
		t.Fatalf("%d %s %v: %s", s.status, s.header.Get("Content-Type"), s.err, s.body)
	}
	for text := range bytes.Lines(s.body) {
		var line struct{ Result, Error json.RawMessage }
		if err := json.Unmarshal(text, &line); err != nil || end != nil {
			t.Fatalf("line %d: %v, after an end %v: %s", len(all), err, end, text)
		}
		if line.Error != nil {
			end, detail = failure(t, line.Error)
			continue
		}
		m := P(new(M))
		if err := protojson.Unmarshal(line.Result, m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all, end, detail
}

func outcomes(t testing.TB, g *servertest.Gateway) (all []audit.Entry) {
	t.Helper()
	for _, e := range g.Entries(t) {
		if e.Outcome != nil {
			all = append(all, e)
		}
	}
	return all
}

// silent checks that nothing of the caller's was written down.
func silent(t testing.TB, g *servertest.Gateway, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, plain, rich, "eyJ") {
		if strings.Contains(g.Log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, g.Log)
		}
	}
}
