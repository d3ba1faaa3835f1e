package interceptor

import (
	"context"
	"crypto/x509"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/identity"
)

// identifier finds out who is calling, and puts the caller into the context and into the record.
type identifier struct{ verifier *identity.Verifier }

func (i identifier) link(ctx context.Context, next rest) error {
	token, err := identity.Bearer(metadata.ValueFromIncomingContext(ctx, "authorization"))
	if err != nil {
		return err
	}
	idToken, badSignIn := identity.IDToken(metadata.ValueFromIncomingContext(ctx, identity.IDTokenKey))
	caller, err := i.verifier.Verify(ctx, identity.Credentials{Token: token, IDToken: idToken, Certificate: certificate(ctx)})
	// The organisation that a token proved is evidence also where it may not call.
	if !caller.Organisation.ODS.IsZero() {
		audit.FromContext(ctx).SetCaller(evidenceOf(caller))
		callFrom(ctx).organisation = caller.Organisation.ODS.String()
	}
	if err == nil {
		err = badSignIn // only now: whose it was is evidence
	}
	if err != nil {
		return err
	}
	return next(identity.NewContext(ctx, caller))
}

// certificate is the client's, if TLS verified it against the configured roots.
func certificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return nil
	}
	return info.State.VerifiedChains[0][0]
}

func evidenceOf(c identity.Caller) audit.Caller {
	evidence := audit.Caller{
		Organisation: c.Organisation.ODS, OrganisationName: c.Organisation.Name, Scopes: c.Scopes, Issuer: c.Issuer,
	}
	if u := c.User; u != nil {
		evidence.UserID, evidence.UserSystem = u.LocalID, u.LocalSystem
		evidence.Prefix, evidence.Given, evidence.Family = u.Prefix, u.Given, u.Family
		evidence.SDSUserID, evidence.SDSRoleProfileID = u.SDSUserID, u.RoleProfileID
	}
	return evidence
}
