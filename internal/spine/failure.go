package spine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
)

// failure is how an attempt ended without an answer.
type failure struct {
	err error
	// left says that bytes of the request, in this attempt or an earlier one, may have left.
	left bool
	// final says that another attempt cannot help.
	final bool
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// refuse is a failure of ours before anything left.
func refuse(err error) error { return &failure{err: err, final: true} }

// NeverSent reports that err is a failure of this package, and that no byte of the request can have reached the
// upstream: no connection came about in any attempt, or the gateway itself refused. When it is false the request may have
// been acted upon, whatever the error says.
func NeverSent(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && !f.left
}

// The reasons why the context of an attempt can end.
var (
	errCallerDeadline = errors.New("the caller's deadline is near")
	errFirstByte      = errors.New("no answer in time")
	errProgress       = errors.New("silence inside the answer")
	errTotal          = errors.New("the answer took too long")
)

// ended explains a context that ended, at a hop; nil if err is about something else.
func ended(hop pb.Hop, err error) *fault.Error {
	switch {
	case errors.Is(err, errFirstByte), errors.Is(err, errProgress), errors.Is(err, errTotal):
		return fault.New(hop, pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT, err)
	case errors.Is(err, errCallerDeadline), errors.Is(err, context.DeadlineExceeded):
		return fault.New(hop, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, err)
	case errors.Is(err, context.Canceled):
		return fault.New(hop, pb.ErrorReason_ERROR_REASON_CANCELLED, err)
	}
	return nil
}

// explainFailure gives the caller a fault for an exchange without an answer.
func (u *Upstream) explainFailure(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if e := ended(u.config.Hop, err); e != nil {
		return e
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok && slices.Contains(certificateAlerts, alert) {
		return fault.New(u.config.Hop, pb.ErrorReason_ERROR_REASON_CLIENT_CERTIFICATE_REFUSED, err)
	}
	e := fault.New(u.config.Hop, pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE, err)
	if untrusted(err) {
		e.Operator = "Its certificate is not trusted."
	}
	return e
}

// certificateAlerts are those by which a server refuses a client's certificate (RFC 8446, 6.2).
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 116}

func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// plain keeps of a transport's error what is known to hold nothing of the exchange: net/http quotes what it could not
// parse, and that may be anything.
func plain(err error) error {
	for _, known := range []error{
		io.EOF, io.ErrUnexpectedEOF, context.Canceled, context.DeadlineExceeded, net.ErrClosed, syscall.ECONNREFUSED,
		syscall.ECONNRESET, syscall.EPIPE, ErrSimulatedRoot, errFirstByte, errProgress, errTotal, errCallerDeadline,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[tls.AlertError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %T", e.Op, e.Err)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return errors.New("certificate signed by an unknown authority")
	}
	return fmt.Errorf("exchange failed: %T", err)
}

const (
	// maxRefusal is how much of the body of a refusal is read.
	maxRefusal = 64 << 10
	// maxText is how much of one that cannot be understood is kept for the audit trail.
	maxText = 2 << 10
	// rateLimitPause is what callers are told to wait after a 429 that names no time, as those of PDS and of the token
	// service never do (PDS contract, 13).
	rateLimitPause = 5 * time.Second
)

// explainRefusal reads an answer that is not 2xx and gives the caller a fault.
func (u *Upstream) explainRefusal(t *trip, answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	if err != nil {
		body = nil // the status alone has to do
	}
	defer answer.Body.Close()
	refusal := Refusal{
		Status: answer.StatusCode, Header: answer.Header, Body: body, Template: t.Template, Interaction: t.Interaction,
	}
	explain := u.config.Explain
	if explain == nil {
		explain = ExplainStatus
	}
	e := explain(refusal)
	if e.Hop == pb.Hop_HOP_UNSPECIFIED {
		e.Hop = u.config.Hop
	}
	if e.HTTPStatus == 0 {
		e.HTTPStatus = answer.StatusCode
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = retryAfter(answer.Header)
	}
	if e.RetryAfter == 0 && e.Reason == pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED {
		e.RetryAfter = rateLimitPause
	}
	describe(t.span, e)
	return e
}

// ExplainStatus knows nothing but the status: the last resort of every [Explain].
func ExplainStatus(r Refusal) *fault.Error {
	reason := pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST
	switch s := r.Status; {
	case s < 400:
		// A redirect is never legitimate (SDS contract, C5).
		reason = pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		reason = pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED
	case s == http.StatusTooManyRequests:
		reason = pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED
	case s >= 495 && s <= 497:
		reason = pb.ErrorReason_ERROR_REASON_CLIENT_CERTIFICATE_REFUSED
	case s == http.StatusRequestTimeout, s == 444, s >= 498:
		reason = pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE
	}
	return r.Fault(reason)
}

// Fault is a fault of a reason with what the body says: as issues, and as text for the audit trail.
func (r Refusal) Fault(reason pb.ErrorReason) *fault.Error {
	e := fault.New(pb.Hop_HOP_UNSPECIFIED, reason, fmt.Errorf("answered %d", r.Status))
	if outcome, ok := fhir.ReadOutcome(r.Body); ok {
		e.Issues, e.UpstreamText = issuesOf(outcome), outcome.Narrative()
	} else {
		e.UpstreamText = strings.ToValidUTF8(string(r.Body[:min(len(r.Body), maxText)]), "")
	}
	return e
}

func issuesOf(o fhir.Outcome) []*pb.UpstreamIssue {
	var issues []*pb.UpstreamIssue
	for _, i := range o.Ranked() {
		issues = append(issues, &pb.UpstreamIssue{IssueType: i.Type, IssueCode: i.Code(), Severity: i.Severity})
	}
	return issues
}

// retryAfter reads the header Retry-After: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), time.Hour)
	}
	return 0
}
