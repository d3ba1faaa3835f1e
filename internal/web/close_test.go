package web

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Close waits for connections and requests, and nothing begins when it has begun to: neither a request of a connection that has
// ended, as HTTP/2 may begin one, nor a connection that was accepted at the same moment.
func TestNothingBeginsOnceItIsClosed(t *testing.T) {
	s, err := New(Config{Methods: []string{pb.PatientTrace_TracePatient_FullMethodName}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	before, theirs := net.Pipe() // accepted, and unknown to the library by now
	ctx := s.connected(t.Context(), theirs)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	if _, err := before.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // a pipe's, as it is
		t.Errorf("a connection of before: %v", err)
	}
	select {
	case err := <-closed:
		t.Errorf("closed while a connection is open: %v", err)
	default:
	}

	after, late := net.Pipe()
	s.connected(t.Context(), late)
	if _, err := after.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // likewise
		t.Errorf("a connection of after: %v", err)
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, pb.PatientTrace_TracePatient_FullMethodName, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"reason":"SHUTTING_DOWN"`) {
		t.Errorf("a request of after: %d %s", w.Code, w.Body)
	}

	s.connection(late, http.StateClosed) // as the library tells of every connection in the end
	s.connection(theirs, http.StateClosed)
	if err = <-closed; err != nil {
		t.Error(err)
	}
}
