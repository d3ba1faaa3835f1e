package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/identity"
)

func sandbox(t testing.TB) (*identity.Issuer, *identity.Verifier) {
	t.Helper()
	issuer, err := identity.NewIssuer("https://sandbox.example", audience)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := issuer.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	return issuer, verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{trusted}})
}

func TestEveryPersonaIsWhoTheTokenSays(t *testing.T) {
	issuer, v := sandbox(t)
	for _, p := range identity.Personas() {
		t.Run(p.Name, func(t *testing.T) {
			token, err := issuer.Mint(p, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			c, err := v.Verify(t.Context(), identity.Credentials{Token: token})
			if err != nil {
				t.Fatal(err)
			}
			want := p.User
			if want != nil {
				copied := *want
				copied.LocalSystem = "https://sandbox.example"
				want = &copied
			}
			if diff := cmp.Diff(want, c.User); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
			if c.Organisation != p.Organisation || !cmp.Equal(c.Scopes, p.Scopes) || c.TokenID == "" {
				t.Errorf("caller is %s with %v, want %s with %v", c.Organisation.ODS, c.Scopes, p.Organisation.ODS, p.Scopes)
			}
		})
	}
}

func TestATokenOfYesterdaysSandboxIsWorthNothing(t *testing.T) {
	yesterday, _ := sandbox(t)
	_, today := sandbox(t)
	token, err := yesterday.Mint(identity.Personas()[0], time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := today.Verify(t.Context(), identity.Credentials{Token: token}); reason(err) != "TOKEN_INVALID" {
		t.Errorf("Verify = %v, want TOKEN_INVALID", err)
	}
}

func TestThePublishedKeysHoldNoPrivateOne(t *testing.T) {
	issuer, _ := sandbox(t)
	set, err := issuer.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(set), `"kty":"OKP"`) || strings.Contains(string(set), `"d":`) {
		t.Errorf("key set is %s", set)
	}
}

func TestATokenNeedsALifetime(t *testing.T) {
	issuer, _ := sandbox(t)
	if _, err := issuer.Mint(identity.Personas()[0], 0); err == nil {
		t.Error("a token that never lived was minted")
	}
}
