package web

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// The kinds of content. A stream is a JSON value to a line: {"result": …}, and {"error": …} at the end of one that failed.
const (
	contentJSON  = "application/json"
	contentLines = "application/x-ndjson"
)

// answer is what a call comes to over HTTP.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	method  *method
	begun   bool // something of it has left
	gone    bool // whoever asked takes no more
}

// relay passes messages on until the call ends, and returns how: nil is OK.
func (a *answer) relay(stream grpc.ClientStream) error {
	for {
		var frame []byte
		if err := stream.RecvMsg(&frame); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err // it is a status, and read as one
		}
		text, err := write(frame, a.method)
		if err != nil {
			return err
		}
		if !a.method.stream {
			return a.send(contentJSON, text)
		}
		if err := a.send(contentLines, []byte(`{"result":`), text, []byte("}\n")); err != nil {
			return err
		}
	}
}

// send writes, and sees that it leaves.
func (a *answer) send(kind string, parts ...[]byte) error {
	// Who takes nothing of an answer keeps nothing waiting for ever.
	_ = a.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if !a.begun {
		a.w.Header().Set("Content-Type", kind)
		a.begun = true
	}
	for _, part := range parts {
		if _, err := a.w.Write(part); err != nil { //nolint:gosec // JSON, and a browser is told to take it for nothing else
			a.gone = true
			return fmt.Errorf("answer: %w", err)
		}
	}
	if !a.method.stream {
		return nil // it leaves at the end, with its length where it is short
	}
	if err := a.control.Flush(); err != nil {
		a.gone = true
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// end says how the call ended, if it failed. What is unfit about the request is said in more words than the chain has for it;
// whatever else the chain says is said as it is.
func (a *answer) end(err error, unfit *refusal) {
	switch {
	case a.gone, err == nil && a.begun:
		return
	case err == nil:
		_ = a.send(contentLines) // a stream without a message; its caller may be gone
		return
	}
	st, detail := explained(err)
	code := statusOf[st.Code()]
	if unfit != nil && (detail == nil || detail.GetReason() == unfit.chain) {
		st, code = fault.Status(unfit.fault, detail.GetTraceIds()), unfit.status
	}
	if a.begun {
		_ = a.send(contentLines, []byte(`{"error":`), writeStatus(st), []byte("}\n")) // the caller may be gone
		return
	}
	respond(a.w, code, st)
}

// respond is an answer that is nothing but a failure.
func respond(w http.ResponseWriter, code int, st *status.Status) {
	if code == 0 {
		code = http.StatusInternalServerError
	}
	for _, d := range st.Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.GetRetryDelay().AsDuration().Seconds()))))
		}
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(code)
	_, _ = w.Write(writeStatus(st)) //nolint:gosec // JSON, as above; whoever asked may be gone
}

// explained is a status as the chain makes them, and the chain's own detail if it is one. What gRPC says by itself becomes one:
// the chain has its evidence by then, or there was no call.
func explained(err error) (*status.Status, *pb.ErrorDetail) {
	st := status.Convert(err)
	for _, d := range st.Details() {
		if detail, ok := d.(*pb.ErrorDetail); ok {
			return st, detail
		}
	}
	reason := pb.ErrorReason_ERROR_REASON_INTERNAL
	switch st.Code() {
	case codes.DeadlineExceeded:
		reason = pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED
	case codes.Canceled:
		reason = pb.ErrorReason_ERROR_REASON_CANCELLED
	case codes.Unavailable: // the gateway accepts no more calls
		reason = pb.ErrorReason_ERROR_REASON_SHUTTING_DOWN
	default:
	}
	return fault.Status(fault.New(pb.Hop_HOP_GATEWAY, reason, err), nil), nil
}
