package web

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// A panic of this package ends its connection. The operator is told where it was, and nobody what was thrown.
func TestAPanicHereIsReportedWithoutItsValue(t *testing.T) {
	var log bytes.Buffer
	s := &Server{config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	defer func() {
		if thrown := recover(); thrown != http.ErrAbortHandler { //nolint:errorlint // the library compares it so
			t.Errorf("thrown on: %v", thrown)
		}
		if text := log.String(); !strings.Contains(text, "panic_test.go") || strings.Contains(text, "CANARY") {
			t.Errorf("the log has %s", text)
		}
	}()
	s.recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("CANARY-9990000018") })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
}

// bad is a body that panics when it is read.
type bad struct{}

// Read implements [io.Reader].
func (bad) Read([]byte) (int, error) { panic("CANARY-9990000018") }

// Close implements [io.Closer].
func (bad) Close() error { return nil }

// A panic where requests are passed on is told as what it is, and not as a call that somebody cancelled.
func TestAPanicBesideACallIsInternal(t *testing.T) {
	var log bytes.Buffer
	s, err := New(Config{
		Methods: []string{pb.PatientTrace_TracePatients_FullMethodName}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	inner := grpc.NewServer(grpc.WaitForHandlers(true), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	}))
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := inner.Serve(s.Calls()); err != nil {
			t.Error(err)
		}
	})
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	r := httptest.NewRequestWithContext(s.connected(t.Context(), theirs), http.MethodPost, pb.PatientTrace_TracePatients_FullMethodName, bad{})
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"reason":"INTERNAL"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "CANARY") || strings.Contains(log.String(), "CANARY") || !strings.Contains(log.String(), "panic_test.go") {
		t.Errorf("said %s, and the log has %s", w.Body, log.String())
	}
	s.connection(theirs, http.StateClosed)
	inner.Stop()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	serving.Wait()
}
