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

// Access is the access mode of a request (PDS contract, 3). The zero access is that of none.
type Access int

// The modes that a gateway has.
const (
	AccessUnset Access = iota
	// AsApplication is application-restricted access.
	AsApplication
	// AsWorker is healthcare-worker access.
	AsWorker
	// Open is the sandbox of the NHS, which asks for no token.
	Open
)

// access is the mode of a requester's requests.
func (c *Client) access(by Requester) Access {
	switch {
	case c.open:
		return Open
	case by.Worker != nil:
		return AsWorker
	}
	return AsApplication
}

// How many people a search may show at most (PDS contract, 3).
const (
	restrictedAtMost = 1
	workerAtMost     = 50
)

// atMost is the ceiling of a search. The open sandbox has a worker's.
func (a Access) atMost() int {
	if a == AsApplication {
		return restrictedAtMost
	}
	return workerAtMost
}
