package identity

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Config says whom a [Verifier] believes. At least one issuer or certificate is needed.
type Config struct {
	Issuers      []TrustedIssuer
	Certificates []Certificate
	// CIS2 is whose ID tokens are taken for a clinician's sign-in; nil takes none.
	CIS2 *CIS2
}

// Credentials are what a caller presents.
type Credentials struct {
	// Token is the bearer token; zero when there is none.
	Token nhs.Secret
	// IDToken is the ID token of the user's sign-in with CIS2; zero when there is none beside the Token.
	IDToken nhs.Secret
	// Certificate is the client certificate, after TLS has verified its chain; nil when there is none.
	Certificate *x509.Certificate
}

// Verifier turns credentials into callers. It is safe for concurrent use.
type Verifier struct {
	issuers      map[string]*issuer
	certificates certificates
	cis2         *issuer // nil where none is trusted
}

// New checks the configuration; its errors name the issuer and what to change.
func New(c Config) (*Verifier, error) {
	if len(c.Issuers) == 0 && len(c.Certificates) == 0 {
		return nil, errors.New("identity: neither an issuer nor a certificate is trusted, so nobody could call")
	}
	v := &Verifier{issuers: make(map[string]*issuer)}
	for _, trusted := range c.Issuers {
		i, err := newIssuer(trusted)
		if err != nil {
			return nil, fmt.Errorf("identity: issuer %q: %w", trusted.Name, err)
		}
		if v.issuers[trusted.Name] != nil {
			return nil, fmt.Errorf("identity: issuer %q is configured twice", trusted.Name)
		}
		v.issuers[trusted.Name] = i
	}
	var err error
	if v.certificates, err = newCertificates(c.Certificates); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if c.CIS2 != nil {
		v.cis2, err = newTokenIssuer(TrustedIssuer{
			Name: c.CIS2.Issuer, Audience: c.CIS2.Audience, Algorithms: c.CIS2.Algorithms, Keys: c.CIS2.Keys,
			Claims: DefaultClaims(),
		}, cis2Algorithms)
		if err != nil {
			return nil, fmt.Errorf("identity: CIS2: %w", err)
		}
		v.cis2.expiredToo = true
	}
	return v, nil
}

// Verify says who presents the credentials. It fails with TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED,
// CREDENTIALS_CONFLICT, ORGANISATION_NOT_PERMITTED, CIS2_TOKEN_INVALID, or UPSTREAM_UNAVAILABLE when an issuer's keys could
// not be fetched.
//
// With ORGANISATION_NOT_PERMITTED, CREDENTIALS_CONFLICT and CIS2_TOKEN_INVALID the caller that the token proved is returned beside the error,
// for the audit trail alone.
func (v *Verifier) Verify(ctx context.Context, c Credentials) (Caller, error) {
	registered, known, err := v.certificates.find(c.Certificate)
	if err != nil {
		return Caller{}, err
	}
	if c.Token.IsZero() {
		if !known {
			return Caller{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_MISSING, errNoCredential)
		}
		caller := registered.caller(c.Certificate)
		if !c.IDToken.IsZero() {
			return caller, invalidSignIn(errNoUser) // a certificate names nobody
		}
		return caller, nil
	}
	caller, err := v.token(ctx, c)
	if err == nil && known && registered.Organisation.ODS != caller.Organisation.ODS {
		err = refuse(pb.ErrorReason_ERROR_REASON_CREDENTIALS_CONFLICT, errConflict)
	}
	if err != nil {
		return caller, err
	}
	caller.SignIn, err = v.signIn(ctx, c, caller)
	return caller, err
}

// token is the caller that the token proves.
func (v *Verifier) token(ctx context.Context, c Credentials) (Caller, error) {
	name, _, err := inspect(c.Token)
	if err != nil {
		return Caller{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, err)
	}
	issuer := v.issuers[name]
	if issuer == nil {
		return Caller{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errIssuer)
	}
	claims, err := issuer.verify(ctx, c.Token)
	if err != nil {
		return Caller{}, err
	}
	if !claims.boundTo(c.Certificate) {
		return Caller{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, errBinding)
	}
	caller, err := issuer.caller(claims)
	if err != nil {
		return Caller{}, refuse(pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, err)
	}
	// An issuer speaks for its own organisations only: another's people are not its to vouch for.
	at := slices.IndexFunc(issuer.trusted.Organisations, func(o Organisation) bool { return o.ODS == caller.Organisation.ODS })
	if at < 0 {
		return caller, refuse(pb.ErrorReason_ERROR_REASON_ORGANISATION_NOT_PERMITTED, errOrganisation)
	}
	caller.Organisation = issuer.trusted.Organisations[at]
	return caller, nil
}

func checkOrganisations(organisations []Organisation) error {
	if len(organisations) == 0 {
		return errors.New("no organisation is named that it may vouch for")
	}
	seen := make(map[nhs.ODSCode]bool)
	for _, o := range organisations {
		if o.ODS.IsZero() || o.Name == "" {
			return errors.New("an organisation lacks its ODS code or its name")
		}
		if seen[o.ODS] {
			return fmt.Errorf("organisation %s is named twice", o.ODS)
		}
		seen[o.ODS] = true
	}
	return nil
}
