package identity_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
)

const (
	cis2Name   = "https://cis2.example"
	cis2Client = "client-of-cis2"
	smartcard  = "555001234123"
)

// idClaims are those of an ID token that is good, with changes.
func idClaims(changes ...jwt.MapClaims) jwt.MapClaims {
	now := time.Now()
	c := jwt.MapClaims{
		"iss": cis2Name, "sub": smartcard, "aud": cis2Client, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"authentication_assurance_level": "3",
	}
	for _, change := range changes {
		for name, value := range change {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
	}
	return c
}

func TestAnIDTokenIsASignIn(t *testing.T) {
	f, cis2 := newForeign(t), newForeign(t)
	v := verifier(t, identity.Config{
		Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))},
		CIS2:    &identity.CIS2{Issuer: cis2Name, Audience: cis2Client, Algorithms: []string{"RS256"}, Keys: cis2.keys(t)},
	})
	kid := map[string]any{"kid": "rsa", "typ": "JWT"}
	genuine := func(changes ...jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodRS256, cis2.rsa, kid, idClaims(changes...))
	}
	bearer := sign(t, jwt.SigningMethodRS256, f.rsa, kid, claims(jwt.MapClaims{"nhsid_useruid": smartcard}))
	ago := func(d time.Duration) jwt.MapClaims {
		return jwt.MapClaims{"iat": time.Now().Add(-d - time.Hour).Unix(), "exp": time.Now().Add(-d).Unix()}
	}
	for _, tt := range []struct {
		name, bearer, idToken string
		want                  string // the reason, or empty
	}{
		{"the user's own", bearer, genuine(), ""},
		{"the level as a number", bearer, genuine(jwt.MapClaims{"authentication_assurance_level": 3}), ""},
		{"level 2", bearer, genuine(jwt.MapClaims{"authentication_assurance_level": "2"}), ""},
		{"one that has expired stands for its session", bearer, genuine(ago(10 * time.Hour)), ""},
		{"with the role of the session", bearer, genuine(jwt.MapClaims{"selected_roleid": "555001234998"}), ""},
		{"with the client as the party", bearer, genuine(jwt.MapClaims{"aud": []string{cis2Client, "other"}, "azp": cis2Client}), ""},
		{"and not for ever", bearer, genuine(ago(11*time.Hour + time.Minute)), "CIS2_TOKEN_INVALID"},
		{"nor when it is good for long", bearer, genuine(jwt.MapClaims{"iat": time.Now().Add(-13 * time.Hour).Unix()}), "CIS2_TOKEN_INVALID"},
		{"nor when it was issued again", bearer, genuine(jwt.MapClaims{"auth_time": time.Now().Add(-13 * time.Hour).Unix()}), "CIS2_TOKEN_INVALID"},
		{"of a sign-in tomorrow", bearer, genuine(jwt.MapClaims{"auth_time": time.Now().Add(24 * time.Hour).Unix()}), "CIS2_TOKEN_INVALID"},
		{"without a beginning", bearer, genuine(jwt.MapClaims{"iat": nil}), "CIS2_TOKEN_INVALID"},
		{"of another role", bearer, genuine(jwt.MapClaims{"selected_roleid": "555001234997"}), "CIS2_TOKEN_INVALID"},
		{"of a role that is none", bearer, genuine(jwt.MapClaims{"selected_roleid": "a\r\nb"}), "CIS2_TOKEN_INVALID"},
		{"issued to another client", bearer, genuine(jwt.MapClaims{"azp": "other"}), "CIS2_TOKEN_INVALID"},
		{"for two clients", bearer, genuine(jwt.MapClaims{"aud": []string{cis2Client, "other"}}), "CIS2_TOKEN_INVALID"},
		{"an access token", bearer, sign(t, jwt.SigningMethodRS256, cis2.rsa, map[string]any{"kid": "rsa", "typ": "at+jwt"}, idClaims()), "CIS2_TOKEN_INVALID"},
		{"that does not say what it is", bearer, sign(t, jwt.SigningMethodRS256, cis2.rsa, map[string]any{"kid": "rsa", "typ": nil}, idClaims()), "CIS2_TOKEN_INVALID"},
		{"of tomorrow", bearer, genuine(jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}), "CIS2_TOKEN_INVALID"},
		{"expired and of tomorrow", bearer, genuine(ago(time.Hour), jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}), "CIS2_TOKEN_INVALID"},
		{"expired and for another audience", bearer, genuine(ago(time.Hour), jwt.MapClaims{"aud": audience}), "CIS2_TOKEN_INVALID"},
		{"without an end", bearer, genuine(jwt.MapClaims{"exp": nil}), "CIS2_TOKEN_INVALID"},
		{"another user's", bearer, genuine(jwt.MapClaims{"sub": "555001234124"}), "CIS2_TOKEN_INVALID"},
		{"nobody's", bearer, genuine(jwt.MapClaims{"sub": nil}), "CIS2_TOKEN_INVALID"},
		{"of a user who has no digits", bearer, genuine(jwt.MapClaims{"sub": "a\r\nb"}), "CIS2_TOKEN_INVALID"},
		{"for another audience", bearer, genuine(jwt.MapClaims{"aud": audience}), "CIS2_TOKEN_INVALID"},
		{"of another issuer", bearer, genuine(jwt.MapClaims{"iss": issuerName}), "CIS2_TOKEN_INVALID"},
		{"level 1", bearer, genuine(jwt.MapClaims{"authentication_assurance_level": "1"}), "CIS2_TOKEN_INVALID"},
		{"no level", bearer, genuine(jwt.MapClaims{"authentication_assurance_level": nil}), "CIS2_TOKEN_INVALID"},
		{"signed by somebody else", bearer, sign(t, jwt.SigningMethodRS256, f.rsa, kid, idClaims()), "CIS2_TOKEN_INVALID"},
		{"not signed", bearer, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, idClaims()), "CIS2_TOKEN_INVALID"},
		{"another algorithm", bearer, sign(t, jwt.SigningMethodPS256, cis2.rsa, kid, idClaims()), "CIS2_TOKEN_INVALID"},
		{"no token at all", bearer, "CANARY", "CIS2_TOKEN_INVALID"},
		{"of a user whom the caller's token does not know", sign(t, jwt.SigningMethodRS256, f.rsa, kid, claims()), genuine(), "CIS2_TOKEN_INVALID"},
		{"the caller's own token twice", bearer, bearer, "CIS2_TOKEN_INVALID"},
		{"an ID token is no bearer token", genuine(), genuine(), "TOKEN_INVALID"},
		{"and without a bearer token it is nothing", "", genuine(), "TOKEN_MISSING"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := identity.Credentials{IDToken: idToken(t, tt.idToken)}
			if tt.bearer != "" {
				c.Token = presented(t, tt.bearer).Token
			}
			caller, err := v.Verify(t.Context(), c)
			if tt.want != "" {
				if got := fault.ReasonName(fault.ReasonOf(err)); got != tt.want || caller.SignIn != nil {
					t.Fatalf("%v, want %s", err, tt.want)
				}
				if strings.Contains(fmt.Sprintf("%+v", err), "CANARY") {
					t.Error("the error quotes the token")
				}
				return
			}
			if err != nil || caller.SignIn == nil || caller.SignIn.UserID != smartcard || caller.SignIn.IDToken.Reveal() != tt.idToken {
				t.Fatalf("%v, %v", caller.SignIn, err)
			}
			text, err := json.Marshal(caller.SignIn)
			if shown := fmt.Sprintf("%v %+v %#v", caller.SignIn, caller, *caller.SignIn) + string(text); err != nil || strings.Contains(shown, tt.idToken) {
				t.Errorf("the sign-in shows its token: %v", err)
			}
		})
	}
}

func idToken(t *testing.T, text string) nhs.Secret {
	t.Helper()
	secret, err := identity.IDToken([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// Where callers sign in with CIS2 alone, their bearer token is the ID token.
func TestABearerTokenCanBeTheSignIn(t *testing.T) {
	f := newForeign(t)
	trusted := f.trusted(f.keys(t))
	trusted.Name, trusted.Audience, trusted.Claims.SDSUserID = cis2Name, cis2Client, "sub"
	v := verifier(t, identity.Config{
		Issuers: []identity.TrustedIssuer{trusted},
		CIS2:    &identity.CIS2{Issuer: cis2Name, Audience: cis2Client, Algorithms: []string{"RS256"}, Keys: f.keys(t)},
	})
	named := jwt.MapClaims{"family_name": "QUARTERMAINE", "given_name": "Zephyrine", "ods_code": "Q8X01"}
	token := sign(t, jwt.SigningMethodRS256, f.rsa, map[string]any{"kid": "rsa"}, idClaims(named))
	caller, err := v.Verify(t.Context(), presented(t, token))
	if err != nil || caller.SignIn == nil || caller.SignIn.IDToken.Reveal() != token {
		t.Fatalf("%v, %v", caller.SignIn, err)
	}
	system := jwt.MapClaims{"ods_code": "Q8X01", "authentication_assurance_level": nil}
	token = sign(t, jwt.SigningMethodRS256, f.rsa, map[string]any{"kid": "rsa"}, idClaims(system))
	if caller, err := v.Verify(t.Context(), presented(t, token)); err != nil || caller.SignIn != nil {
		t.Errorf("a bearer token that is no ID token: %v, %v", caller.SignIn, err)
	}
	named["exp"] = time.Now().Add(-time.Minute).Unix() // as a bearer token it stands for nothing any more
	token = sign(t, jwt.SigningMethodRS256, f.rsa, map[string]any{"kid": "rsa"}, idClaims(named))
	if _, err := v.Verify(t.Context(), presented(t, token)); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_TOKEN_EXPIRED {
		t.Errorf("%v, want it to have expired", err)
	}
}

func TestTwoIDTokensAreNone(t *testing.T) {
	for _, values := range [][]string{{"a", "b"}, {""}} {
		if _, err := identity.IDToken(values); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID {
			t.Errorf("%q: %v", values, err)
		}
	}
	if secret, err := identity.IDToken(nil); err != nil || !secret.IsZero() {
		t.Error("none is an error")
	}
}

// A gateway that knows no CIS2 does not pretend to have used a sign-in.
func TestASignInNeedsCIS2(t *testing.T) {
	f := newForeign(t)
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))}})
	c := presented(t, sign(t, jwt.SigningMethodRS256, f.rsa, map[string]any{"kid": "rsa"}, claims()))
	c.IDToken = idToken(t, "x.y.z")
	if _, err := v.Verify(t.Context(), c); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID {
		t.Errorf("%v", err)
	}
}
