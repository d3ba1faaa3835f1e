// Package fault is the one vocabulary of failure: an [Error] has a reason that is stable and public, a cause that is
// private, and knows the gRPC status that a caller gets.
//
// What an upstream's answer means is decided where it is read, by wrapping it in an Error there. Everything else wraps
// with what it was doing. Nothing that a caller gets is made from the text of a cause.
package fault

import (
	"errors"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Error is a failure that can be explained to the caller. Its fields must never be made from patient data.
type Error struct {
	Reason pb.ErrorReason
	Hop    pb.Hop
	// Operator adds to the table's sentence for the operator. It may name configuration, never data.
	Operator string
	// RetryAfter is how long to wait before repeating; 0 when not known.
	RetryAfter time.Duration
	Candidates []*pb.Candidate
	Violations []*pb.FieldViolation
	// Issues are those of the upstream's OperationOutcome, without free text.
	Issues []*pb.UpstreamIssue
	// UpstreamText is the OperationOutcome's free text. It may hold personal data and goes to the audit trail alone.
	UpstreamText string
	// HTTPStatus is the upstream's; 0 when none was received.
	HTTPStatus int
	// ProxyCoded says that the answer was in the proxy's own coding system. Its words alone prove nothing: anybody behind it
	// can use them.
	ProxyCoded bool
	// Metadata adds safe facts to ErrorInfo, e.g. the scope that is missing.
	Metadata map[string]string
	// cause is for the operator's log.
	cause error
}

// New makes an Error of a reason at a hop. Set its further fields directly.
func New(hop pb.Hop, reason pb.ErrorReason, cause error) *Error {
	return &Error{Reason: reason, Hop: hop, cause: cause}
}

// Error names hop and reason, and nothing that could be personal.
func (e *Error) Error() string { return hopName(e.Hop) + ": " + ReasonName(e.Reason) }

// Unwrap is the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes two Errors of one reason equal for errors.Is, whatever their hop.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && other.Reason == e.Reason
}

// Of finds the Error in err. Context errors become CANCELLED and DEADLINE_EXCEEDED at the gateway; anything else that
// nobody explained is INTERNAL. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return unexplained(err)
}

// ReasonOf is the reason of err, UNSPECIFIED for nil.
func ReasonOf(err error) pb.ErrorReason {
	if err == nil {
		return pb.ErrorReason_ERROR_REASON_UNSPECIFIED
	}
	return Of(err).Reason
}

// Invalid is a REQUEST_INVALID at the gateway that names one field and the rule that it breaks.
func Invalid(field, rule, description string) *Error {
	e := New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, nil)
	e.Violations = []*pb.FieldViolation{{Field: field, Rule: rule, Description: description}}
	return e
}
