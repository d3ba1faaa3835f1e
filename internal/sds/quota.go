package sds

import (
	"context"
	"errors"
	"math"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

var errRate = errors.New("SDS: the rate must be a number above zero")

func usable(perMinute float64) bool {
	return !math.IsNaN(perMinute) && !math.IsInf(perMinute, 0) && perMinute > 0
}

func perSecond(perMinute float64) float64 { return perMinute / 60 }

// burst is small: the allowance is smoothed, and a burst is refused well below it (SDS contract, A1). A look-up has two
// questions.
func burst(perMinute float64) int { return max(2, int(perMinute/6000)) }

// SetRate changes how many requests a minute may be made, from now on and for those that wait already.
func (c *Client) SetRate(perMinute float64) error {
	if !usable(perMinute) {
		return errRate
	}
	c.quota.Set(perSecond(perMinute), burst(perMinute))
	return nil
}

// inTime refuses a question whose turn would not come before the caller's deadline. A shared look-up outlives the caller
// who began it, so it knows no deadline and could not tell.
func (c *Client) inTime(ctx context.Context, q Question) error {
	deadline, bounded := ctx.Deadline()
	if !bounded || q.Bulk {
		return nil
	}
	wait := c.quota.Expected(q.Consumer)
	if wait < time.Until(deadline) {
		return nil
	}
	e := fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, nil)
	e.Operator = "This gateway's own share of the directory's quota is in use."
	e.RetryAfter = min(wait, time.Hour)
	return e
}
