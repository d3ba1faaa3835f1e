package service

import (
	"cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/pds"
	"github.com/spinegate/spinegate/internal/spine"
)

// PDSAccess is as whom the users of an organisation ask PDS (PDS contract, 3): where a clinician is present, the NHS wants
// it to be them.
type PDSAccess int

// What can be chosen.
const (
	// ByIdentity asks as the clinician where one is signed in with CIS2, and else as the application.
	ByIdentity PDSAccess = iota
	// AsWorker asks for a human as the clinician alone. A system without a human asks as the application.
	AsWorker
	// AsApplication asks as the application whoever is signed in.
	AsApplication
)

// requester is in whose name PDS is asked.
func (a asker) requester() (pds.Requester, error) {
	by := pds.Requester{Organisation: a.ods()}
	switch in := a.SignIn; {
	case a.PDSAccess == AsApplication:
	case in != nil:
		by.Worker = &spine.Worker{
			Organisation: a.ods(), IDToken: in.IDToken, SignedIn: in.SignedInAt, Expires: in.ExpiresAt,
			Role: cmp.Or(a.SessionRole, in.Role),
		}
	case a.PDSAccess == AsWorker && a.User != nil:
		return pds.Requester{}, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_MISSING, nil)
	}
	return by, nil
}
