package identity

import (
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Bearer reads the token from the values of the `authorization` metadata. No value is no token; anything but exactly one
// `Bearer <token>` is TOKEN_INVALID, since choosing between two credentials would let a caller be somebody else to whoever
// chooses differently.
func Bearer(authorization []string) (nhs.Secret, error) {
	if len(authorization) == 0 {
		return nhs.Secret{}, nil
	}
	scheme, token, found := strings.Cut(authorization[0], " ")
	if len(authorization) > 1 || !found || !strings.EqualFold(scheme, "bearer") || token == "" {
		return nhs.Secret{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errAuthorization)
	}
	return nhs.NewSecret(token), nil
}

// refuse is a refusal of a credential at the gateway, and says why: whoever sets up a caller has nothing else to go by. Causes
// are our own constants, with the name of a claim at most: what a library says about a token may quote it.
func refuse(reason pb.ErrorReason, cause error) *fault.Error {
	e := fault.New(pb.Hop_HOP_GATEWAY, reason, cause)
	e.Operator = "Cause: " + cause.Error() + "."
	return e
}
