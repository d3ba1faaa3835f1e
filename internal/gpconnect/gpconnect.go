// Package gpconnect asks GP practices, through the Spine Secure Proxy, what GP Connect lets one ask: capability
// statements, the structured record, free slots, and appointments.
//
// It promises that
//   - nothing of a record passes before the answer's Patient is the one asked for, and nothing of another person passes at
//     all: see [Record];
//   - a record that is not whole cannot look whole: warnings come the moment they are seen, and only a [Summary] that was
//     reached says what became of each area;
//   - what a provider sent is handed on byte for byte;
//   - a request that the contract forbids is refused before it is sent, and a write is sent at most once;
//   - every error is, or wraps, a [fault.Error], and no error or formatted value holds anything of a patient.
//
// Sections are those of the GP Connect contract (gpconnect.md).
package gpconnect

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Config describes a [Client]. Zero fields take the defaults.
type Config struct {
	// HeldPerCall is how many bytes of one record are held back at most until its Patient has come, counting a KiB more
	// for each entry. Default 8 MiB.
	HeldPerCall int64
	// HeldInAll is how many bytes all records together hold back at most. Default 256 MiB.
	HeldInAll int64
	// Limits bound every Bundle.
	Limits fhir.Limits
}

// Client asks practices. It is safe for concurrent use.
type Client struct {
	proxy  *spine.Proxy
	limits fhir.Limits
	held   int64
	pool   *pool
}

// New makes a client that asks through a proxy.
func New(proxy *spine.Proxy, c Config) *Client {
	if c.HeldPerCall == 0 {
		c.HeldPerCall = 8 << 20
	}
	if c.HeldInAll == 0 {
		c.HeldInAll = 256 << 20
	}
	return &Client{proxy: proxy, limits: c.Limits, held: c.HeldPerCall, pool: &pool{free: c.HeldInAll}}
}

// Target is where a request goes and in whose name.
type Target struct {
	// Destination is the system that the directory named for the interaction.
	Destination spine.Destination
	// Requester is who asks.
	Requester spine.Requester
	// From is the ASID of the requester's organisation.
	From nhs.ASID
}

// call sends one request.
func (c *Client) call(ctx context.Context, to Target, interaction nhs.Interaction, id string, query url.Values, body []byte) (*spine.Response, error) {
	return c.proxy.Do(ctx, spine.Call{
		Destination: to.Destination, Requester: to.Requester, From: to.From, Interaction: interaction, ID: id, Query: query, Body: body,
	})
}

// invalid is an answer of the practice that is not what was asked for. The cause must hold nothing of the answer.
func invalid(cause error) *fault.Error {
	return fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, cause)
}

// unusable explains why a Bundle could not be read to its end.
func unusable(err error) error {
	if _, explained := errors.AsType[*fault.Error](err); explained {
		return err
	}
	reason := pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
	switch {
	case errors.Is(err, fhir.ErrCutShort):
		reason = pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT
	case errors.Is(err, fhir.ErrTooLarge), errors.Is(err, fhir.ErrTooDeep):
		reason = pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE
	}
	e := fault.New(pb.Hop_HOP_PROVIDER, reason, err)
	if refused, ok := errors.AsType[*fhir.NotBundleError](err); ok {
		if outcome, ok := fhir.ReadOutcome(refused.Content); ok {
			e.UpstreamText = outcome.Narrative()
			for _, i := range outcome.Issues {
				e.Issues = append(e.Issues, &pb.UpstreamIssue{IssueType: i.Type, IssueCode: i.Code(), Severity: i.Severity})
			}
		}
	}
	return e
}

// readResource checks that an answer is one resource of a type and within bounds of bytes and objects, and decodes it.
func readResource(text []byte, resourceType string, size, objects int, into any) error {
	if oversize(text, size, objects) {
		return fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, errLarge)
	}
	got, err := fhir.ResourceType(text)
	if err != nil {
		return invalid(err)
	}
	if got != resourceType {
		return invalid(fmt.Errorf("%w: not %s", fhir.ErrResourceType, resourceType))
	}
	if err := decode(text, into); err != nil {
		return invalid(err)
	}
	return nil
}
