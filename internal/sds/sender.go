package sds

import (
	"context"
	"time"

	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// SenderQuestion asks by which system an organisation is known when it sends an interaction. Every organisation has its own,
// also behind one gateway (SDS contract, B1).
type SenderQuestion struct {
	// Consumer is the organisation whose user asks.
	Consumer nhs.ODSCode
	// Manufacturer is the supplier of this gateway: an organisation can have other suppliers' systems beside it.
	Manufacturer nhs.ODSCode
	Interaction  nhs.Interaction
	// Fresh asks past the directory's half-hour cache: for a look-up after the proxy did not accept what was known.
	Fresh bool
}

// Sender is an organisation's own system.
type Sender struct {
	ASID nhs.ASID
	// RetrievedAt is when the answer came.
	RetrievedAt time.Time
}

// Sender looks up the consumer's own system: one question, without a party key, which is the supplier's and says nothing of
// the organisation (SDS contract, A7).
//
// It fails with CONSUMER_ASID_UNKNOWN, which has candidates where there is more than one, or a failure of the road there.
func (c *Client) Sender(ctx context.Context, q SenderQuestion) (Sender, error) {
	if q.Consumer.IsZero() || q.Manufacturer.IsZero() {
		return Sender{}, fault.Invalid("ods_code", "required", "an organisation and its supplier are needed")
	}
	if _, err := nhs.ParseInteraction(q.Interaction.String()); err != nil {
		return Sender{}, fault.Invalid("interaction", "grammar", "a GP Connect interaction id is needed")
	}
	if err := c.inTime(ctx, q.question()); err != nil {
		return Sender{}, err
	}
	sender, err := c.lookingUpSenders.share(ctx, q, func(ctx context.Context) (Sender, error) { return c.sender(ctx, q) })
	if err != nil {
		return Sender{}, c.inSandbox(explainWait(err))
	}
	return sender, nil
}

func (q SenderQuestion) question() Question {
	return Question{ODS: q.Consumer, Interaction: q.Interaction, Consumer: q.Consumer}
}

func (c *Client) sender(ctx context.Context, q SenderQuestion) (Sender, error) {
	l := &lookup{client: c, Question: q.question(), correlationID: spine.CorrelationID(ctx), fresh: q.Fresh}
	maker := "&manufacturing-organization=" + odsSystem + "%7C" + q.Manufacturer.String()
	devices, err := search(ctx, l, "Device", maker, func(b bundle) ([]device, error) { return b.senders(q) })
	if err != nil {
		return Sender{}, err
	}
	asid, err := chooseSender(devices, q)
	if err != nil {
		return Sender{}, err
	}
	return Sender{ASID: asid, RetrievedAt: l.retrievedAt}, nil
}

// System is one that the directory lists for an organisation.
type System struct {
	ASID nhs.ASID
	// Manufacturer is the supplier; zero where the directory names none.
	Manufacturer nhs.ODSCode
}

// Systems lists the systems of an organisation that are accredited for an interaction, whoever made them and whichever side
// they are on: what a configured ASID can be held against. The question's Manufacturer is not looked at, and what has no
// ASID is left out.
func (c *Client) Systems(ctx context.Context, q SenderQuestion) ([]System, error) {
	if _, err := nhs.ParseInteraction(q.Interaction.String()); err != nil || q.Consumer.IsZero() {
		return nil, fault.Invalid("interaction", "grammar", "an organisation and a GP Connect interaction id are needed")
	}
	if err := c.inTime(ctx, q.question()); err != nil {
		return nil, err
	}
	l := &lookup{client: c, Question: q.question(), correlationID: spine.CorrelationID(ctx)}
	devices, err := search(ctx, l, "Device", "", func(b bundle) ([]device, error) { return b.owned(q.Consumer) })
	if err != nil {
		return nil, c.inSandbox(err)
	}
	var all []System
	for _, d := range devices {
		if !d.asid.IsZero() {
			all = append(all, System{ASID: d.asid, Manufacturer: d.manufacturer})
		}
	}
	return all, nil
}
