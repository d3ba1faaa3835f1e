package spine

import (
	"fmt"
	"maps"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/spinegate/spinegate/internal/nhs"
)

// This file is the only place in the program that may say "alg: none", and it can only write: GP Connect's audit token
// is a statement in clear for whoever keeps the practice's log, not a credential (SDS contract, part E).

const (
	// unknownID stands for an id that a user without smartcard does not have.
	unknownID = "UNK"

	// auditLife is exact: providers refuse 299 and 301 seconds (SDS contract, E2).
	auditLife = 300 * time.Second
	// auditAge is how far a token is dated back, so that a practice whose clock is a little behind accepts it.
	auditAge = 2 * time.Second
)

// statement is what an audit token states of one request.
type statement struct {
	requester Requester
	// address is the service root URL exactly as the directory gave it.
	address string
	scope   string
	edition edition
	// patient is whose record is asked for, or zero; practice is who is asked. Access Record HTML says so.
	patient  nhs.Number
	practice nhs.ODSCode
}

// auditToken makes the token for one request: who asks, of which system, for what, now.
func auditToken(s statement, now time.Time) (string, error) {
	issued := now.Add(-auditAge).Unix()
	claims := jwt.MapClaims{
		"iss":                s.requester.Issuer,
		"sub":                s.requester.User.ID,
		"iat":                issued,
		"exp":                issued + int64(auditLife/time.Second),
		"reason_for_request": "directcare",
		"requested_scope":    s.scope,
	}
	maps.Copy(claims, s.edition.claims(s))
	text, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		return "", fmt.Errorf("encode the audit token: %w", err)
	}
	return text, nil
}
