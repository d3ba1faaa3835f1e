// Package sds asks the Spine Directory Service which system serves an interaction for an organisation:
// [Client.Route] looks up its Endpoint, and with the party key of that its Device. [Client.Sender] looks up the system that
// the consumer itself is known by.
//
// It never picks by position. No answer, one that is incomplete and more than one are three different failures, and the
// last names the candidates (SDS contract, A8). An empty answer is believed only when a second one, past the directory's
// cache, agrees: a directory that is too slow says that it is empty (SDS contract, A10). Nothing is kept: callers who ask
// the same at the same time share one look-up, and that is all. The application's allowance is shared out between
// organisations and never overrun (SDS contract, A1).
package sds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Config describes SDS as this gateway reaches it.
type Config struct {
	// Upstream is how SDS is reached: BaseURL is the FHIR base. Hop, Explain, Tokens and Quota are set here, and Limits where
	// they are zero.
	Upstream spine.Config
	// APIKey is sent with every request. Required but in SANDBOX, which ignores it.
	APIKey string
	// Addresses says which service root URLs are accepted.
	Addresses spine.AddressPolicy
	// PerMinute is how many requests a minute this gateway may make, all callers together. Zero is 300, the default for an
	// application (SDS contract, A1). [Client.SetRate] changes it.
	PerMinute float64
}

// Question is what to look up.
type Question struct {
	// ODS is the organisation whose system is sought.
	ODS nhs.ODSCode
	// Interaction is the one that will be called: others of the same capability may live elsewhere.
	Interaction nhs.Interaction
	// Consumer is the organisation whose user asks.
	Consumer nhs.ODSCode
	// Fresh asks past the directory's half-hour cache: for a look-up after the proxy said that a route is not right.
	Fresh bool
	// Bulk lets everybody go first who waits at a screen.
	Bulk bool
}

// Route is where to send an interaction.
type Route struct {
	ODS         nhs.ODSCode
	Interaction nhs.Interaction
	// Address is the service root URL, byte for byte as registered.
	Address string
	// PartyKey is that of the message handling server at the address.
	PartyKey nhs.PartyKey
	// ASID is the accredited system that answers there.
	ASID nhs.ASID
	// Manufacturer is the supplier; zero where the directory names none.
	Manufacturer nhs.ODSCode
	// Simulated says that a simulator answered.
	Simulated bool
	// Fresh says that the directory was asked past its cache.
	Fresh bool
	// RetrievedAt is when the first of the two answers came.
	RetrievedAt time.Time
	// CorrelationID is the one sent.
	CorrelationID string
}

// Client asks SDS. It is safe for concurrent use.
type Client struct {
	upstream *spine.Upstream
	quota    *spine.Quota
	config   Config
	// Nobody who asks past the cache shares a look-up that does not: Fresh is part of the Question.
	lookingUp        flights[Question, Route]
	lookingUpSenders flights[SenderQuestion, Sender]
}

// New prepares a client. Nothing is dialled.
func New(c Config) (*Client, error) {
	if c.APIKey == "" && c.Upstream.Environment != pb.Environment_ENVIRONMENT_SANDBOX {
		return nil, errors.New("SDS: an API key is required")
	}
	if c.PerMinute == 0 {
		c.PerMinute = 300
	}
	if !usable(c.PerMinute) {
		return nil, errRate
	}
	quota := spine.NewQuota(perSecond(c.PerMinute), burst(c.PerMinute))
	c.Upstream.Hop, c.Upstream.Tokens, c.Upstream.Explain, c.Upstream.Quota = pb.Hop_HOP_SDS, nil, nil, quota
	if c.Upstream.Limits == (spine.Limits{}) {
		// trust.md, 4.2. A Device lists every interaction that it has and can be long.
		c.Upstream.Limits = spine.Limits{
			FirstByte: 4 * time.Second, Progress: 4 * time.Second, Total: 9 * time.Second, Attempts: 3, Bytes: 4 << 20,
		}
	}
	upstream, err := spine.New(c.Upstream)
	if err != nil {
		return nil, fmt.Errorf("SDS: %w", err)
	}
	return &Client{upstream: upstream, quota: quota, config: c}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.upstream.Close() }

// Route looks up the system that serves an interaction for an organisation.
//
// It fails with ENDPOINT_NOT_FOUND, ENDPOINT_AMBIGUOUS, ENDPOINT_INCOMPLETE, ENDPOINT_ADDRESS_REFUSED, DEVICE_NOT_FOUND or
// DEVICE_AMBIGUOUS about the directory's content, DIRECTORY_SANDBOX_GAP where the public sandbox has none, or a failure of
// the road there.
func (c *Client) Route(ctx context.Context, q Question) (Route, error) {
	if q.ODS.IsZero() {
		return Route{}, fault.Invalid("ods_code", "required", "an organisation is needed")
	}
	if _, err := nhs.ParseInteraction(q.Interaction.String()); err != nil {
		return Route{}, fault.Invalid("interaction", "grammar", "a GP Connect interaction id is needed")
	}
	if err := c.inTime(ctx, q); err != nil {
		return Route{}, err
	}
	route, err := c.lookingUp.share(ctx, q, func(ctx context.Context) (Route, error) { return c.route(ctx, q) })
	if err != nil {
		return Route{}, c.inSandbox(explainWait(err))
	}
	return route, nil
}

// route asks the two questions (SDS contract, A7).
func (c *Client) route(ctx context.Context, q Question) (Route, error) {
	l := &lookup{client: c, Question: q, correlationID: spine.CorrelationID(ctx), fresh: q.Fresh}
	endpoint, err := search(ctx, l, "Endpoint", "", func(b bundle) ([]endpoint, error) { return b.endpoints(q) })
	if err != nil {
		return Route{}, err
	}
	registered, err := chooseEndpoint(endpoint, c.config.Addresses)
	if err != nil {
		return Route{}, err
	}
	retrieved := l.retrievedAt
	key := "&identifier=" + partyKeySystem + "%7C" + registered.key.String()
	devices, err := search(ctx, l, "Device", key, func(b bundle) ([]device, error) { return b.devices(registered.key) })
	if err != nil {
		return Route{}, err
	}
	system, err := chooseDevice(devices, q.ODS, registered.key)
	if err != nil {
		return Route{}, err
	}
	return Route{
		ODS: q.ODS, Interaction: q.Interaction, Address: registered.address, PartyKey: registered.key, ASID: system.asid,
		Manufacturer: system.manufacturer, Fresh: q.Fresh, Simulated: l.simulated, RetrievedAt: retrieved, CorrelationID: l.correlationID,
	}, nil
}

// lookup is one Question being answered.
type lookup struct {
	Question

	client        *Client
	correlationID string
	fresh         bool
	simulated     bool
	retrievedAt   time.Time
}

// search asks for resources, and once more past the cache if none comes (SDS contract, A10).
func search[T any](ctx context.Context, l *lookup, resource, more string, read func(bundle) ([]T, error)) ([]T, error) {
	for fresh := l.fresh; ; fresh = true {
		b, err := l.ask(ctx, resource, more, fresh)
		if err != nil {
			return nil, err
		}
		found, err := read(b)
		if err != nil {
			return nil, answerInvalid(err)
		}
		if len(found) > 0 || fresh {
			return found, nil
		}
	}
}

// ask makes one request. The values were checked by type, because SDS puts them into a filter as they are (SDS contract,
// A3.6), and none of them needs to be escaped.
func (l *lookup) ask(ctx context.Context, resource, more string, fresh bool) (bundle, error) {
	// Exactly this: with a charset the answer is 406 (SDS contract, A2).
	header := http.Header{"Accept": {"application/fhir+json"}}
	if l.client.config.APIKey != "" {
		header.Set("Apikey", l.client.config.APIKey)
	}
	if fresh {
		header.Set("Cache-Control", "no-cache")
	}
	var target strings.Builder
	target.WriteString(l.client.config.Upstream.BaseURL + "/" + resource)
	target.WriteString("?organization=" + odsSystem + "%7C" + l.ODS.String())
	target.WriteString("&identifier=" + interactionSystem + "%7C" + l.Interaction.String() + more)
	var turn *spine.Turn
	if l.Bulk {
		var err error
		if turn, err = l.client.quota.Turn(ctx, l.Consumer); err != nil {
			return bundle{}, err
		}
	}
	answer, err := l.client.upstream.Do(ctx, &spine.Request{
		Method: http.MethodGet, URL: target.String(), Template: "/" + resource, Header: header, Repeatable: true, Turn: turn,
		Consumer: l.Consumer, Practice: l.ODS, Interaction: l.Interaction,
		RequestID: uuid.NewString(), CorrelationID: l.correlationID,
	})
	if err != nil {
		return bundle{}, err
	}
	text, err := answer.Body.ReadAll()
	if err != nil {
		return bundle{}, err
	}
	l.simulated = l.simulated || answer.Simulated
	l.retrievedAt = answer.RetrievedAt
	b, err := readBundle(text)
	if err != nil {
		return bundle{}, answerInvalid(err)
	}
	return b, nil
}

func answerInvalid(err error) error {
	return fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_ANSWER_INVALID, err)
}

// explainWait explains the end of a caller's wait for a shared look-up.
func explainWait(err error) error {
	switch {
	case fault.Of(err).Hop != pb.Hop_HOP_GATEWAY:
		return err
	case errors.Is(err, context.Canceled):
		return fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_CANCELLED, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, err)
	}
	return err
}

// inSandbox says of the public sandbox that it does not know: it holds two systems, and answers 500 for its one GP Connect
// registration (SDS contract, A9).
func (c *Client) inSandbox(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || c.config.Upstream.Environment != pb.Environment_ENVIRONMENT_SANDBOX {
		return err
	}
	if e.Reason == pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND || e.Reason == pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND ||
		e.Reason == pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN && len(e.Candidates) == 0 || e.HTTPStatus == http.StatusInternalServerError {
		return fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP, err)
	}
	return err
}
