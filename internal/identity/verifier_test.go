package identity_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
)

var byODS = cmp.Comparer(func(a, b identity.Organisation) bool { return a == b })

func TestATokenBecomesATypedCaller(t *testing.T) {
	f := newForeign(t)
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))}})
	for _, tt := range []struct {
		name   string
		method jwt.SigningMethod
		key    any
		kid    string
	}{
		{"RS256", jwt.SigningMethodRS256, f.rsa, "rsa"},
		{"PS256", jwt.SigningMethodPS256, f.rsa, "rsa"},
		{"ES256", jwt.SigningMethodES256, f.ecdsa, "ecdsa"},
		{"EdDSA", jwt.SigningMethodEdDSA, f.ed25519, "ed25519"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := claims()
			got, err := v.Verify(t.Context(), presented(t, sign(t, tt.method, tt.key, map[string]any{"kid": tt.kid}, c)))
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Caller{
				Organisation: identity.Organisation{ODS: ods("Q8X01"), Name: "Example Urgent Care"},
				User: &identity.User{
					LocalID: "u-1", LocalSystem: "https://directory.example/users", Family: "QUARTERMAINE", Given: "Zephyrine",
					Prefix: "Dr", RoleProfileID: "555001234998",
				},
				Scopes: []string{"patient:trace", "record:read"}, SessionRole: "555001234998", Issuer: issuerName, TokenID: "t-1",
				ExpiresAt: time.Unix(c["exp"].(int64), 0),
			}
			if diff := cmp.Diff(want, got, byODS); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAttacksOnTokens(t *testing.T) {
	f := newForeign(t)
	trusted := f.trusted(f.keys(t))
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{trusted}})
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&f.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	rs256 := func(header map[string]any, changes ...jwt.MapClaims) string {
		if header == nil {
			header = map[string]any{"kid": "rsa"}
		}
		return sign(t, jwt.SigningMethodRS256, f.rsa, header, claims(changes...))
	}
	good := rs256(nil)
	parts := strings.Split(good, ".")
	raw := func(header, payload string) string {
		e := base64.RawURLEncoding
		return e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(payload)) + "." + parts[2]
	}
	// signedRaw signs bytes that no honest library would write.
	signedRaw := func(payload string) string {
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"rsa"}`)) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(payload))
		signature, err := jwt.SigningMethodRS256.Sign(text, f.rsa)
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	exp := time.Now().Add(time.Minute).Unix()
	none := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"kid": "rsa"}, claims())
	auditToken := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, jwt.MapClaims{
		"iss": issuerName, "sub": "u-1", "aud": audience, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(),
		"reason_for_request": "directcare", "requested_scope": "patient/*.read", "ods_code": "Q8X01",
		"requesting_practitioner": map[string]any{"resourceType": "Practitioner", "id": "u-1"},
	})
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()

	for _, tt := range []struct{ name, token, want string }{
		{"the honest token passes", good, ""},
		{"alg none", none, "TOKEN_INVALID"},
		{"alg none in capitals", raw(`{"alg":"NONE","kid":"rsa"}`, `{"iss":"`+issuerName+`"}`), "TOKEN_INVALID"},
		{"a GP Connect audit token", auditToken, "TOKEN_INVALID"},
		{"HS256 with the public key as the secret", sign(t, jwt.SigningMethodHS256, public, map[string]any{"kid": "rsa"}, claims()), "TOKEN_INVALID"},
		{"RS512, which nobody allowed", sign(t, jwt.SigningMethodRS512, f.rsa, map[string]any{"kid": "rsa"}, claims()), "TOKEN_INVALID"},
		{"RS256 with the name of an ECDSA key", rs256(map[string]any{"kid": "ecdsa"}), "TOKEN_INVALID"},
		{"ES256 with the name of an RSA key", sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "rsa"}, claims()), "TOKEN_INVALID"},
		{"another's RSA key", sign(t, jwt.SigningMethodRS256, other, map[string]any{"kid": "rsa"}, claims()), "TOKEN_INVALID"},
		{"a published key of 1024 bits", sign(t, jwt.SigningMethodRS256, f.weak, map[string]any{"kid": "weak"}, claims()), "TOKEN_INVALID"},
		{"a key id that nobody published", rs256(map[string]any{"kid": "made up"}), "TOKEN_INVALID"},
		{"a key id like a path", rs256(map[string]any{"kid": "../../../../etc/passwd"}), "TOKEN_INVALID"},
		{"a key id like SQL", rs256(map[string]any{"kid": "rsa' OR '1'='1"}), "TOKEN_INVALID"},
		{"a key id that is a number", rs256(map[string]any{"kid": 7}), "TOKEN_INVALID"},
		{"a key id of 300 bytes", rs256(map[string]any{"kid": strings.Repeat("k", 300)}), "TOKEN_INVALID"},
		{"no key id", rs256(map[string]any{}), "TOKEN_INVALID"},
		{"jku", rs256(map[string]any{"kid": "rsa", "jku": "https://evil.example/keys"}), "TOKEN_INVALID"},
		{"jwk", rs256(map[string]any{"kid": "rsa", "jwk": map[string]any{"kty": "RSA"}}), "TOKEN_INVALID"},
		{"x5u", rs256(map[string]any{"kid": "rsa", "x5u": "https://evil.example/cert"}), "TOKEN_INVALID"},
		{"x5c", rs256(map[string]any{"kid": "rsa", "x5c": []string{"MIIB"}}), "TOKEN_INVALID"},
		{"typ at+jwt passes", rs256(map[string]any{"kid": "rsa", "typ": "at+JWT"}), ""},
		{"no typ passes", rs256(map[string]any{"kid": "rsa", "typ": nil}), ""},
		{"a token of another kind", rs256(map[string]any{"kid": "rsa", "typ": "logout+jwt"}), "TOKEN_INVALID"},
		{"crit", rs256(map[string]any{"kid": "rsa", "crit": []string{"exp"}}), "TOKEN_INVALID"},
		{"more than 8 KB", rs256(nil, jwt.MapClaims{"filler": strings.Repeat("x", 8<<10)}), "TOKEN_INVALID"},
		{"the same signature, spelled otherwise", respelled(good), "TOKEN_INVALID"},
		{"two parts", parts[0] + "." + parts[1], "TOKEN_INVALID"},
		{"four parts", good + ".x", "TOKEN_INVALID"},
		{"no signature", parts[0] + "." + parts[1] + ".", "TOKEN_INVALID"},
		{"the signature of another payload", raw(`{"alg":"RS256","kid":"rsa"}`, `{"iss":"`+issuerName+`"}`), "TOKEN_INVALID"},
		{"a header with a repeated name", raw(`{"alg":"none","alg":"RS256","kid":"rsa"}`, `{}`), "TOKEN_INVALID"},
		{"not JSON", raw("x", "y"), "TOKEN_INVALID"},
		{"a payload that is null", raw(`{"alg":"RS256","kid":"rsa"}`, "null"), "TOKEN_INVALID"},
		{"a signed payload with a repeated claim", signedRaw(fmt.Sprintf(
			`{"iss":"%s","aud":"%s","exp":%d,"sub":"u","ods_code":"Q8X01","ods_code":"R9Y02"}`, issuerName, audience, exp)), "TOKEN_INVALID"},
		{"a signed payload with bad UTF-8", signedRaw(fmt.Sprintf(
			"{\"iss\":\"%s\",\"aud\":\"%s\",\"exp\":%d,\"ods_code\":\"Q8X01\",\"sub\":\"\xff\"}", issuerName, audience, exp)), "TOKEN_INVALID"},
		{"another issuer", rs256(nil, jwt.MapClaims{"iss": "https://elsewhere.example"}), "TOKEN_INVALID"},
		{"no issuer", rs256(nil, jwt.MapClaims{"iss": nil}), "TOKEN_INVALID"},
		{"another audience", rs256(nil, jwt.MapClaims{"aud": "elsewhere"}), "TOKEN_INVALID"},
		{"no audience", rs256(nil, jwt.MapClaims{"aud": nil}), "TOKEN_INVALID"},
		{"no expiry", rs256(nil, jwt.MapClaims{"exp": nil}), "TOKEN_INVALID"},
		{"an expiry in words", rs256(nil, jwt.MapClaims{"exp": "tomorrow"}), "TOKEN_INVALID"},
		{"an expiry beyond time", rs256(nil, jwt.MapClaims{"exp": 1e30}), "TOKEN_INVALID"},
		{"expired", rs256(nil, jwt.MapClaims{"exp": past}), "TOKEN_EXPIRED"},
		{"not yet valid", rs256(nil, jwt.MapClaims{"nbf": future}), "TOKEN_EXPIRED"},
		{"issued in the future", rs256(nil, jwt.MapClaims{"iat": future}), "TOKEN_EXPIRED"},
		{"expired, and for another audience", rs256(nil, jwt.MapClaims{"exp": past, "aud": "elsewhere"}), "TOKEN_INVALID"},
		{"expired a moment ago passes within the leeway", rs256(nil, jwt.MapClaims{"exp": time.Now().Add(-3 * time.Second).Unix()}), ""},
		{"no organisation", rs256(nil, jwt.MapClaims{"ods_code": nil}), "TOKEN_INVALID"},
		{"an organisation like a filter", rs256(nil, jwt.MapClaims{"ods_code": "Q8X01)(uid=*"}), "TOKEN_INVALID"},
		{"an organisation that may not call", rs256(nil, jwt.MapClaims{"ods_code": "Z9Z99"}), "ORGANISATION_NOT_PERMITTED"},
		{"a name with a new line", rs256(nil, jwt.MapClaims{"family_name": "A\r\nSsp-From: 1"}), "TOKEN_INVALID"},
		{"a name with NUL", rs256(nil, jwt.MapClaims{"given_name": "A\x00"}), "TOKEN_INVALID"},
		{"a name that turns the line round", rs256(nil, jwt.MapClaims{"family_name": "A\u202eB"}), "TOKEN_INVALID"},
		{"a name with a line separator", rs256(nil, jwt.MapClaims{"family_name": "A\u2028B"}), "TOKEN_INVALID"},
		{"a name of 200 bytes", rs256(nil, jwt.MapClaims{"family_name": strings.Repeat("x", 200)}), "TOKEN_INVALID"},
		{"a name that is an object", rs256(nil, jwt.MapClaims{"family_name": map[string]any{}}), "TOKEN_INVALID"},
		{"a role that is not digits", rs256(nil, jwt.MapClaims{"selected_roleid": "1\r\n2"}), "TOKEN_INVALID"},
		{"a scope with a quote", rs256(nil, jwt.MapClaims{"scope": []string{`a"b`}}), "TOKEN_INVALID"},
		{"too many scopes", rs256(nil, jwt.MapClaims{"scope": strings.Repeat("s ", 65)}), "TOKEN_INVALID"},
		{"bound to a certificate that is not there", rs256(nil, jwt.MapClaims{"cnf": map[string]any{"x5t#S256": "x"}}), "TOKEN_INVALID"},
		{"bound to a proof that is not known here", rs256(nil, jwt.MapClaims{"cnf": map[string]any{"jkt": "x"}}), "TOKEN_INVALID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), presented(t, tt.token))
			if diff := cmp.Diff(tt.want, reason(err)); diff != "" {
				t.Fatalf("Verify (-want +got):\n%s\n%v", diff, err)
			}
			if err == nil {
				return
			}
			if tt.want != "ORGANISATION_NOT_PERMITTED" && !caller.Organisation.ODS.IsZero() {
				t.Error("a refused token still yields an organisation")
			}
			for e := err; e != nil; {
				for part := range strings.SplitSeq(tt.token, ".") {
					if len(part) > 8 && strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), part) {
						t.Errorf("the error shows a part of the token")
					}
				}
				u, ok := e.(interface{ Unwrap() error })
				if !ok {
					break
				}
				e = u.Unwrap()
			}
		})
	}
}

// respelled changes the bits of a token's last character that a lenient decoder drops.
func respelled(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	end := len(token) - 1
	return token[:end] + string(alphabet[strings.IndexByte(alphabet, token[end])^1])
}

func TestAnIssuerSpeaksOnlyForItsOwnOrganisationsAndWithItsOwnKeysAndAlgorithms(t *testing.T) {
	f, g := newForeign(t), newForeign(t)
	first, second := f.trusted(f.keys(t)), g.trusted(g.keys(t))
	first.Organisations = first.Organisations[:1]
	first.Algorithms = []string{"ES256"}
	second.Name, second.Organisations = "https://second.example", second.Organisations[1:]
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{first, second}})
	es := func(f *foreign, changes jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "ecdsa"}, claims(changes))
	}
	for _, tt := range []struct{ name, token, want string }{
		{"the first for its own", es(f, nil), ""},
		{"the second for its own", es(g, jwt.MapClaims{"iss": second.Name, "ods_code": "R9Y02"}), ""},
		{"the first for the second's", es(f, jwt.MapClaims{"ods_code": "R9Y02"}), "ORGANISATION_NOT_PERMITTED"},
		{"the second in the first's name", es(g, nil), "TOKEN_INVALID"},
		{"an algorithm that only the second may use", sign(t, jwt.SigningMethodEdDSA, f.ed25519, map[string]any{"kid": "ed25519"}, claims()), "TOKEN_INVALID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), presented(t, tt.token))
			if got := reason(err); got != tt.want {
				t.Errorf("Verify = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhoCountsAsAHuman(t *testing.T) {
	f := newForeign(t)
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))}})
	for _, tt := range []struct {
		name    string
		changes jwt.MapClaims
		human   bool
	}{
		{"id, family and given", nil, true},
		{"no prefix", jwt.MapClaims{"title": nil}, true},
		{"no id", jwt.MapClaims{"sub": nil}, false},
		{"no family", jwt.MapClaims{"family_name": nil}, false},
		{"no given", jwt.MapClaims{"given_name": ""}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "ecdsa"}, claims(tt.changes))
			c, err := v.Verify(t.Context(), presented(t, token))
			if err != nil {
				t.Fatal(err)
			}
			if (c.User != nil) != tt.human {
				t.Errorf("human = %v, want %v", c.User != nil, tt.human)
			}
		})
	}
}

func TestNamesAreComposed(t *testing.T) {
	f := newForeign(t)
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))}})
	token := sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "ecdsa"}, claims(jwt.MapClaims{"family_name": "Andre\u0301"}))
	c, err := v.Verify(t.Context(), presented(t, token))
	if err != nil {
		t.Fatal(err)
	}
	if c.User.Family != "Andr\u00e9" {
		t.Errorf("family name is %q, want it composed", c.User.Family)
	}
}

func TestCertificates(t *testing.T) {
	f := newForeign(t)
	urgent, community := identity.Organisation{ODS: ods("Q8X01"), Name: "Urgent"}, identity.Organisation{ODS: ods("R9Y02"), Name: "Community"}
	leaf := certificate(t, []string{"Client.Q8X01.example"})
	workload := certificate(t, nil, "spiffe://example/ns/Community")
	both := certificate(t, []string{"client.q8x01.example"}, "spiffe://example/ns/Community")
	mesh := certificate(t, []string{"sidecar.example"})
	fingerprint := sha256.Sum256(certificate(t, nil).Raw)
	v := verifier(t, identity.Config{
		Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))},
		Certificates: []identity.Certificate{
			{Name: "client.q8x01.example", Organisation: urgent, Scopes: []string{"directory:read"}},
			{Name: "spiffe://example/ns/Community", Organisation: community},
			{SHA256: hex.EncodeToString(fingerprint[:]), Organisation: community},
		},
	})
	thumb := sha256.Sum256(leaf.Raw)
	token := func(changes jwt.MapClaims) nhs.Secret {
		return presented(t, sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "ecdsa"}, claims(changes))).Token
	}
	bound := jwt.MapClaims{"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(thumb[:])}}
	for _, tt := range []struct {
		name         string
		token        nhs.Secret
		leaf         *x509.Certificate
		organisation string
		human        bool
		want         string
	}{
		{name: "nothing", want: "TOKEN_MISSING"},
		{name: "a certificate of nobody", leaf: mesh, want: "TOKEN_MISSING"},
		{name: "a known certificate alone is a system", leaf: leaf, organisation: "Q8X01"},
		{name: "a workload's certificate", leaf: workload, organisation: "R9Y02"},
		{name: "a certificate of two", leaf: both, want: "CREDENTIALS_CONFLICT"},
		{name: "token and its organisation's certificate", token: token(nil), leaf: leaf, organisation: "Q8X01", human: true},
		{name: "token and another's certificate", token: token(nil), leaf: workload, organisation: "Q8X01", human: true, want: "CREDENTIALS_CONFLICT"},
		{name: "token and a certificate of nobody", token: token(nil), leaf: mesh, organisation: "Q8X01", human: true},
		{name: "token bound to its certificate", token: token(bound), leaf: leaf, organisation: "Q8X01", human: true},
		{name: "token bound to another certificate", token: token(bound), leaf: mesh, want: "TOKEN_INVALID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := v.Verify(t.Context(), identity.Credentials{Token: tt.token, Certificate: tt.leaf})
			if got := reason(err); got != tt.want {
				t.Fatalf("Verify = %q, want %q", got, tt.want)
			}
			if c.Organisation.ODS.String() != tt.organisation || (c.User != nil) != tt.human {
				t.Errorf("caller is of %q, human %v; want %q, %v", c.Organisation.ODS, c.User != nil, tt.organisation, tt.human)
			}
		})
	}
}

func TestBearer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		token  string
		want   string
	}{
		{"none", nil, "", ""},
		{"one", []string{"Bearer abc"}, "abc", ""},
		{"any case", []string{"bearer abc"}, "abc", ""},
		{"two", []string{"Bearer abc", "Bearer def"}, "", "TOKEN_INVALID"},
		{"basic", []string{"Basic abc"}, "", "TOKEN_INVALID"},
		{"no scheme", []string{"abc"}, "", "TOKEN_INVALID"},
		{"empty", []string{""}, "", "TOKEN_INVALID"},
		{"no token", []string{"Bearer "}, "", "TOKEN_INVALID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := identity.Bearer(tt.values)
			if s.Reveal() != tt.token || reason(err) != tt.want {
				t.Errorf("Bearer = %q, %q; want %q, %q", s.Reveal(), reason(err), tt.token, tt.want)
			}
		})
	}
}

func TestSecretsAndPeopleCannotPrintThemselves(t *testing.T) {
	f := newForeign(t)
	v := verifier(t, identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(f.keys(t))}})
	credentials := presented(t, sign(t, jwt.SigningMethodES256, f.ecdsa, map[string]any{"kid": "ecdsa"}, claims()))
	caller, err := v.Verify(t.Context(), credentials)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "credentials", credentials, "token", credentials.Token, "caller", caller, "user", caller.User)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %s %q %x %d", credentials, credentials, credentials, credentials.Token, credentials.Token, credentials.Token, credentials.Token) +
		fmt.Sprintf("%v %+v %#v %v", caller, caller, caller, caller.User)
	for _, secret := range []string{credentials.Token.Reveal(), "QUARTERMAINE", "Zephyrine", "u-1"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%.12s... is shown: %s", secret, shown)
		}
	}
}

func TestConfigurationThatTrustsTooMuchIsRefused(t *testing.T) {
	f := newForeign(t)
	keys := f.keys(t)
	change := func(edit func(*identity.TrustedIssuer)) identity.Config {
		trusted := f.trusted(keys)
		edit(&trusted)
		return identity.Config{Issuers: []identity.TrustedIssuer{trusted}}
	}
	for _, tt := range []struct {
		name   string
		config identity.Config
		want   string
	}{
		{"nobody", identity.Config{}, "nobody could call"},
		{"no audience", change(func(i *identity.TrustedIssuer) { i.Audience = "" }), "audience"},
		{"no keys", change(func(i *identity.TrustedIssuer) { i.Keys = nil }), "keys"},
		{"no algorithms", change(func(i *identity.TrustedIssuer) { i.Algorithms = nil }), "algorithms"},
		{"alg none", change(func(i *identity.TrustedIssuer) { i.Algorithms = []string{"none"} }), `"none"`},
		{"a symmetric algorithm", change(func(i *identity.TrustedIssuer) { i.Algorithms = []string{"HS256"} }), `"HS256"`},
		{"no organisations", change(func(i *identity.TrustedIssuer) { i.Organisations = nil }), "organisation"},
		{"an organisation twice", change(func(i *identity.TrustedIssuer) { i.Organisations[1] = i.Organisations[0] }), "Q8X01"},
		{"an issuer twice", identity.Config{Issuers: []identity.TrustedIssuer{f.trusted(keys), f.trusted(keys)}}, "twice"},
		{"a short fingerprint", identity.Config{Certificates: []identity.Certificate{{SHA256: "ab:cd"}}}, "64"},
		{"a certificate of nobody", identity.Config{Certificates: []identity.Certificate{{Name: "a.example"}}}, "ODS"},
		{"an unnamed certificate", identity.Config{Certificates: []identity.Certificate{{}}}, "name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := identity.New(tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New = %v, want an error that says %s", err, tt.want)
			}
		})
	}
}

func FuzzOnlyTheIssuersTokensPass(f *testing.F) {
	issuer, err := identity.NewIssuer("https://sandbox.example", audience)
	if err != nil {
		f.Fatal(err)
	}
	trusted, err := issuer.Trusted()
	if err != nil {
		f.Fatal(err)
	}
	v := verifier(f, identity.Config{Issuers: []identity.TrustedIssuer{trusted}})
	token, err := issuer.Mint(identity.Personas()[0], time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	good := token.Reveal()
	parts := strings.Split(good, ".")
	for _, seed := range []string{good, "", "..", parts[0] + ".." + parts[2], "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."} {
		f.Add("Bearer " + seed)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		secret, err := identity.Bearer([]string{authorization})
		if err != nil {
			return
		}
		if _, err := v.Verify(t.Context(), identity.Credentials{Token: secret}); (err == nil) != (secret.Reveal() == good) {
			t.Errorf("Verify = %v for a token that the issuer did not mint", err)
		}
	})
}
