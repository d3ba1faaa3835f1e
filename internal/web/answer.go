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

// answer is what a request comes to.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	two     bool // HTTP/2
	method  *method
	begun   bool // something of it has left
	gone    bool // whoever asked takes no more
}

func newAnswer(w http.ResponseWriter, r *http.Request, m *method) *answer {
	return &answer{w: w, control: http.NewResponseController(w), two: r.ProtoMajor == 2, method: m}
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
			return a.whole(http.StatusOK, append(text, '\n'))
		}
		if err := a.send(contentLines, []byte(`{"result":`), text, []byte("}\n")); err != nil {
			return err
		}
	}
}

// send writes, and sees that it leaves. Who takes nothing of it for long is taken for gone, so that nobody holds anything for ever.
func (a *answer) send(kind string, parts ...[]byte) error {
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
	if err := a.control.Flush(); err != nil {
		a.gone = true
		return fmt.Errorf("answer: %w", err)
	}
	if a.two {
		_ = a.control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream by it also while nothing is written
	}
	return nil
}

// whole is an answer in one piece.
func (a *answer) whole(code int, text []byte) error {
	a.w.Header().Set("Content-Type", contentJSON)
	a.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	a.w.WriteHeader(code)
	return a.send(contentJSON, text)
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
	a.fail(code, st)
}

// refuse says what is wrong with a request that is no call.
func (a *answer) refuse(r *refusal) {
	if r.allow != "" {
		a.w.Header().Set("Allow", r.allow)
	}
	a.fail(r.status, r.fault.GRPCStatus())
}

// fail is an answer that is nothing but a failure.
func (a *answer) fail(code int, st *status.Status) {
	if code == 0 {
		code = http.StatusInternalServerError
	}
	for _, d := range st.Details() {
		if retry, ok := d.(*errdetails.RetryInfo); ok {
			a.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.GetRetryDelay().AsDuration().Seconds()))))
		}
	}
	if code == http.StatusUnauthorized {
		a.w.Header().Set("WWW-Authenticate", "Bearer")
	}
	_ = a.whole(code, append(writeStatus(st), '\n')) // whoever asked may be gone
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
