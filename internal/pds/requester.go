package pds

import (
	"net/http"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Requester is in whose name PDS is asked. With it goes the access mode, which PDS derives from the access token and from
// nothing else (PDS contract, 3).
type Requester struct {
	// Organisation is the one whose user asks; zero where there is none.
	Organisation nhs.ODSCode
	// Worker is the clinician who is signed in: healthcare-worker access. nil is application-restricted access.
	Worker *spine.Worker
}

// stamp says who asks (PDS contract, 5 and 4.4).
func (r Requester) stamp(header http.Header) {
	if !r.Organisation.IsZero() {
		header.Set("NHSD-End-User-Organisation-ODS", r.Organisation.String())
	}
	if r.Worker != nil && r.Worker.Role != "" {
		header.Set("NHSD-Session-URID", r.Worker.Role)
	}
}

// How many people a search may show at most (PDS contract, 3).
const (
	restrictedAtMost = 1
	workerAtMost     = 50
)

// atMost is the ceiling of a search: that of the access mode. The open sandbox has a worker's.
func (c *Client) atMost(by Requester) int {
	if c.open || by.Worker != nil {
		return workerAtMost
	}
	return restrictedAtMost
}
