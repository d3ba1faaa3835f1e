package spine

import (
	"strings"
	"unicode"
	"unicode/utf8"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Requester is the human who asks, for the audit token (SDS contract, E3). It comes from the caller's credential alone.
type Requester struct {
	Organisation Organisation
	User         User
	Device       Device
	// Issuer is the URL of the consumer system's Spine endpoint.
	Issuer string
}

// Organisation is the one of the user, never the one that hosts this gateway.
type Organisation struct {
	ODS  nhs.ODSCode
	Name string
}

// User is a named member of staff.
type User struct {
	// ID and System are the user's id at the organisation and the URI of what gives out such ids.
	ID, System string
	// SDSUserID and RoleProfileID are those of the smartcard; empty without one.
	SDSUserID, RoleProfileID string
	// Family and Given are required; Prefix is a title, where known.
	Family, Given, Prefix string
}

// Device is the system that the user works with.
type Device struct {
	// System and ID are its identifier.
	System, ID string
	// Model and Version name the software.
	Model, Version string
}

// maxName is how long a text of a Requester may be, in bytes.
const maxName = 256

// check refuses a requester who is not a named human: GP Connect forbids generic users (SDS contract, E3 and E6).
func (q Requester) check() *fault.Error {
	for _, text := range []string{q.User.ID, q.User.System, q.User.Family, q.User.Given} {
		if strings.TrimSpace(text) == "" || !clean(text) {
			return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED, nil)
		}
	}
	for _, text := range []string{
		q.User.SDSUserID, q.User.RoleProfileID, q.User.Prefix, q.Organisation.Name, q.Device.System, q.Device.ID, q.Device.Model,
		q.Device.Version, q.Issuer,
	} {
		if !clean(text) {
			return incomplete("It holds characters that no name has.")
		}
	}
	switch {
	case q.Organisation.ODS.IsZero() || q.Organisation.Name == "":
		return incomplete("The organisation has no code or no name.")
	case q.Device.System == "" || q.Device.ID == "" || q.Device.Model == "" || q.Device.Version == "" || q.Issuer == "":
		return incomplete("The device or the issuer is not configured.")
	}
	return nil
}

func incomplete(operator string) *fault.Error {
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, nil)
	e.Operator = "The requester of the audit token is incomplete. " + operator
	return e
}

// clean says that a text is UTF-8 without control and direction characters, by which one name can look like another.
func clean(text string) bool {
	return len(text) <= maxName && utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool {
		return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) || c == utf8.RuneError
	})
}
