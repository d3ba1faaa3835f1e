package pds

import (
	"context"
	"errors"
	"math"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// burst is the configured one, or what goes with a rate.
func burst(configured int, perSecond float64) int {
	if configured > 0 {
		return configured
	}
	return max(2, int(perSecond/100))
}

// SetRate changes how many requests a second may be made, from now on and for those that wait already.
func (c *Client) SetRate(perSecond float64) error {
	if math.IsNaN(perSecond) || math.IsInf(perSecond, 0) || perSecond <= 0 {
		return errors.New("PDS: the rate must be a number above zero")
	}
	c.quota.Set(perSecond, burst(c.burst, perSecond))
	return nil
}

// Turn waits until an organisation may make one request of a bulk job, which is to follow at once through
// [Client.PatientInTurn]. Requests that somebody waits for at a screen go first. It fails only when ctx ends.
func (c *Client) Turn(ctx context.Context, consumer nhs.ODSCode) (*spine.Turn, error) {
	return c.quota.Turn(ctx, consumer)
}

// PatientInTurn is [Client.Patient] for a bulk job, which has waited for its turn.
func (c *Client) PatientInTurn(ctx context.Context, turn *spine.Turn, number nhs.Number, by Requester) (*Trace, error) {
	own := *c
	own.turn = turn
	return own.Patient(ctx, number, by)
}
