// Package pds asks the Personal Demographics Service about people: [Client.Patient] reads one record and says what
// follows from it, as a [Trace]; [Client.Search] finds people by what is known of them; [Client.RelatedPersons] lists who
// is related to one.
//
// It decides by the codes that PDS sends and never by what is missing: a record that does not say that it is unrestricted
// is restricted, and then nothing about where the person can be found leaves this package. A number that was merged into
// another is noticed by comparing, since PDS gives no other sign. "Nobody" is said only when PDS said so. Nothing is kept
// between calls.
package pds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Config describes PDS as an application reaches it (PDS contract, 2 and 13).
type Config struct {
	// Upstream is how PDS is reached: BaseURL is the FHIR base. Tokens is required but in SANDBOX. Hop, Explain and Quota
	// are set here, and Limits and Backoff where they are zero.
	Upstream spine.Config
	// Rate is how many requests a second this gateway may make, all callers together. Zero is 5, PDS's default for an
	// application. [Client.SetRate] changes it.
	Rate float64
	// Burst is how many may go at once. Zero is 2, or what is due within 10 ms: PDS smooths within the second.
	Burst int
}

// Client asks PDS. It is safe for concurrent use.
type Client struct {
	upstream *spine.Upstream
	quota    *spine.Quota
	burst    int
	turn     *spine.Turn // of a bulk job's one request; see PatientInTurn
	base     string
	// open says that PDS asks for no token: the NHS's sandbox.
	open bool
}

// New prepares a client. Nothing is dialled.
func New(c Config) (*Client, error) {
	if c.Upstream.Tokens == nil && c.Upstream.Environment != pb.Environment_ENVIRONMENT_SANDBOX {
		return nil, errors.New("PDS: a source of access tokens is required")
	}
	if c.Rate < 0 || c.Burst < 0 {
		return nil, errors.New("PDS: rate and burst cannot be negative")
	}
	if c.Rate == 0 {
		c.Rate = 5
	}
	quota := spine.NewQuota(c.Rate, burst(c.Burst, c.Rate))
	up := c.Upstream
	up.Hop, up.Explain = pb.Hop_HOP_PDS, explain
	up.Quota = quota
	if up.Backoff == 0 {
		up.Backoff = 500 * time.Millisecond
	}
	if up.Limits == (spine.Limits{}) {
		// trust.md, 4.2; a record is a few kilobytes.
		up.Limits = spine.Limits{
			FirstByte: 5 * time.Second, Progress: 5 * time.Second, Total: 5 * time.Second, Attempts: 3, Bytes: 1 << 20,
		}
	}
	upstream, err := spine.New(up)
	if err != nil {
		return nil, fmt.Errorf("PDS: %w", err)
	}
	return &Client{upstream: upstream, quota: quota, burst: c.Burst, base: up.BaseURL, open: up.Tokens == nil}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.upstream.Close() }

// Patient reads the record under a number and decides what follows from it today.
//
// It fails with PATIENT_NOT_FOUND, PATIENT_INVALIDATED, NHS_NUMBER_INVALID, ANSWER_INVALID or a failure of the road there
// (PDS contract, 12). Restriction, death and registration are answers, not failures.
func (c *Client) Patient(ctx context.Context, number nhs.Number, by Requester) (*Trace, error) {
	if number.IsZero() {
		return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, nil)
	}
	answer, err := c.get(ctx, "/Patient/"+number.Digits(), "/Patient/{id}", by)
	if err != nil {
		return nil, err
	}
	patient, err := fhir.ReadPatient(answer.text)
	if err != nil {
		return nil, answer.unreadable(err)
	}
	trace, err := conclude(patient, number, time.Now())
	if err != nil {
		return nil, answer.invalid(err)
	}
	trace.Source = answer.Source
	return trace, nil
}

// answer is one of PDS, read whole. Its ids are there even if the request failed.
type answer struct {
	Source

	status int
	text   []byte
}

// get asks PDS something. Each reading has an X-Request-ID of its own, which its retries keep (PDS contract, 5).
func (c *Client) get(ctx context.Context, path, template string, by Requester) (answer, error) {
	if c.open {
		by.Worker = nil // nobody is told who asks
	}
	a := answer{Source: Source{RequestID: uuid.NewString(), CorrelationID: spine.CorrelationID(ctx), Access: c.access(by)}}
	header := http.Header{"Accept": {"application/fhir+json"}}
	by.stamp(header)
	response, err := c.upstream.Do(ctx, &spine.Request{
		Method: http.MethodGet, URL: c.base + path, Template: template,
		Header: header, Repeatable: true, Turn: c.turn, Consumer: by.Organisation, Worker: by.Worker,
		RequestID: a.RequestID, CorrelationID: a.CorrelationID,
	})
	if err != nil {
		return a, err
	}
	a.status, a.RetrievedAt, a.Simulated = response.Status, response.RetrievedAt, response.Simulated
	a.text, err = response.Body.ReadAll()
	return a, err
}

// unreadable explains an answer of 2xx that is another resource than was asked for, or none. It can be an
// OperationOutcome (PDS contract, 7.5).
func (a answer) unreadable(err error) error {
	if !errors.Is(err, fhir.ErrResourceType) {
		return a.invalid(err)
	}
	return a.refused(pb.ErrorReason_ERROR_REASON_ANSWER_INVALID)
}

// refused is a fault with what the OperationOutcome in the answer says.
func (a answer) refused(reason pb.ErrorReason) *fault.Error {
	e := spine.Refusal{Status: a.status, Body: a.text}.Fault(reason)
	e.Hop, e.HTTPStatus = pb.Hop_HOP_PDS, a.status
	return e
}

func (a answer) invalid(err error) error {
	e := fault.New(pb.Hop_HOP_PDS, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, err)
	e.HTTPStatus = a.status
	return e
}
