package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/simulator"
)

// clinician has one role, and locum has two.
var (
	clinician = simulator.Clinician{UserID: "555000000017", Roles: []string{"555000000118"}}
	locum     = simulator.Clinician{UserID: "555000000025", Roles: []string{"555000000126", "555000000134"}}
)

// idToken signs somebody in.
func (r *rig) idToken(who simulator.Clinician, change func(header, claims map[string]any)) string {
	r.t.Helper()
	token, err := r.CIS2().SignIn(who, change)
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// exchangeForm asks for a token for who signed in.
func (r *rig) exchangeForm(apiKey, subject string) url.Values {
	r.t.Helper()
	return url.Values{
		"grant_type":            {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token_type":    {"urn:ietf:params:oauth:token-type:id_token"},
		"subject_token":         {subject},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {r.assertion(func(_, claims map[string]any) {
			claims["iss"], claims["sub"] = apiKey, apiKey
		})},
	}
}

func (r *rig) ask(values url.Values) answer {
	r.t.Helper()
	return r.send(http.MethodPost, r.TokenURL(), values.Encode(), "Content-Type", formType)
}

// granted reads an answer of the token service.
func (r *rig) granted(a answer) map[string]string {
	r.t.Helper()
	var body map[string]string // every number is a string, too
	if err := json.Unmarshal(a.body, &body); err != nil || a.status != http.StatusOK {
		r.t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return body
}

// userToken is an access token for somebody who signed in.
func (r *rig) userToken(who simulator.Clinician) string {
	r.t.Helper()
	return r.granted(r.ask(r.exchangeForm(simulator.APIKey, r.idToken(who, nil))))["access_token"]
}

func TestExchangeGranted(t *testing.T) {
	r := start(t, simulator.Options{})
	for _, tt := range []struct {
		name   string
		change func(header, claims map[string]any)
	}{
		{"as CIS2 signs", nil},
		{"with RS512", func(header, _ map[string]any) { header["alg"] = "RS512" }},
		{"with a level that is a number", func(_, claims map[string]any) { claims["authentication_assurance_level"] = 3 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := r.granted(r.ask(r.exchangeForm(simulator.APIKey, r.idToken(clinician, tt.change))))
			for _, name := range []string{"access_token", "refresh_token"} {
				if token := got[name]; len(token) < 20 || strings.Contains(token, ".") {
					t.Errorf("%s is %q, want something opaque", name, token)
				}
				delete(got, name)
			}
			if diff := cmp.Diff(map[string]string{
				"expires_in": "599", "token_type": "Bearer", "refresh_count": "0", "refresh_token_expires_in": "43198",
				"issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
			}, got, cmp.FilterPath(func(p cmp.Path) bool {
				return p.Last().String() == `["refresh_token_expires_in"]`
			}, cmp.Comparer(func(a, b string) bool { return len(a) == len(b) && a[:4] == b[:4] }))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestExchangeRefusals walks the checks of the PDS contract, 4.2.
func TestExchangeRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	header := func(name string, value any) string {
		return r.idToken(clinician, func(header, _ map[string]any) { header[name] = value })
	}
	claim := func(name string, value any) string {
		return r.idToken(clinician, func(_, claims map[string]any) { claims[name] = value })
	}
	level := func(n int) string {
		return r.idToken(simulator.Clinician{UserID: "555000000033", AssuranceLevel: n}, nil)
	}
	good := r.idToken(clinician, nil)
	const in = " in subject_token JWT"
	notConfigured := tokenRefusal{
		401, "unauthorized_client",
		"you have tried to request authorization but your application is not configured to use this authorization grant type",
	}
	badType := tokenRefusal{
		400, "invalid_request",
		"missing or invalid subject_token_type - must be 'urn:ietf:params:oauth:token-type:id_token'",
	}
	for _, tt := range []struct {
		name, subject string
		change        func(url.Values)
		want          tokenRefusal
	}{
		{"no subject token", "", nil, tokenRefusal{400, "invalid_request", "Missing subject_token"}},
		{"two parts", "a.b", nil, tokenRefusal{400, "invalid_request", "Malformed JWT in subject_token"}},
		{"no type", good, func(v url.Values) { v.Del("subject_token_type") }, badType},
		{"the type of an access token", good, func(v url.Values) {
			v.Set("subject_token_type", "urn:ietf:params:oauth:token-type:access_token")
		}, badType},
		{"no kid", header("kid", nil), nil, tokenRefusal{400, "invalid_request", "Missing 'kid' header" + in}},
		{"another typ", header("typ", "JOSE"), nil, tokenRefusal{
			400, "invalid_request", "Invalid 'typ' header" + in + " - must be 'JWT'",
		}},
		{"no alg", header("alg", nil), nil, tokenRefusal{400, "invalid_request", "Missing 'alg' header" + in}},
		{"no exp", claim("exp", nil), nil, tokenRefusal{400, "invalid_request", "Missing 'exp' claim" + in}},
		{"exp as text", claim("exp", "soon"), nil, tokenRefusal{
			400, "invalid_request", "Invalid 'exp' claim" + in + " - must be an integer",
		}},
		{"expired", claim("exp", time.Now().Add(-time.Second).Unix()), nil, tokenRefusal{
			400, "invalid_request", "Invalid 'exp' claim" + in + " - JWT has expired",
		}},
		{"no iss", claim("iss", nil), nil, tokenRefusal{400, "invalid_request", "Missing 'iss' claim" + in}},
		{"another iss", claim("iss", "https://elsewhere.example"), nil, tokenRefusal{
			400, "invalid_request", "Missing or non-matching 'iss' claim" + in,
		}},
		{"no aud", claim("aud", nil), nil, tokenRefusal{401, "invalid_request", "Missing 'aud' claim" + in}},
		{"an algorithm that is not taken", header("alg", "RS384"), nil, tokenRefusal{
			400, "invalid_request",
			"Invalid 'alg' header" + in + " - unsupported JWT algorithm - must be 'RS256' or 'RS512'",
		}},
		{"an unknown kid", header("kid", "another"), nil, tokenRefusal{
			401, "invalid_request", "Invalid 'kid' header" + in + " - no matching public key",
		}},
		{"somebody else's signature", good[:strings.LastIndexByte(good, '.')] + ".AAAA", nil, tokenRefusal{
			401, "public_key error", "JWT signature verification failed",
		}},
		{"too weak a log-in", level(1), nil, notConfigured},
		{"not subscribed for users", good, func(v url.Values) {
			v.Set("client_assertion", r.exchangeForm(simulator.APIKeyWithoutUserScope, "").Get("client_assertion"))
		}, notConfigured},
		{"not subscribed at all", good, func(v url.Values) {
			v.Set("client_assertion", r.exchangeForm(simulator.APIKeyWithoutScope, "").Get("client_assertion"))
		}, notConfigured},
		// Only the first failure is reported, and the client assertion comes first.
		{"no subject token and no assertion", "", func(v url.Values) { v.Del("client_assertion") }, tokenRefusal{
			400, "invalid_request", "Missing client_assertion",
		}},
		{"no subject token and an unknown application", "", func(v url.Values) {
			v.Set("client_assertion", r.exchangeForm("nobody", "").Get("client_assertion"))
		}, tokenRefusal{401, "invalid_request", "Invalid 'iss'/'sub' claims in client_assertion JWT"}},
		{"a grant type of nobody's", good, func(v url.Values) { v.Set("grant_type", "exchange") }, tokenRefusal{
			400, "invalid_request", "grant_type is invalid",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			values := r.exchangeForm(simulator.APIKey, tt.subject)
			if tt.change != nil {
				tt.change(values)
			}
			if diff := cmp.Diff(tt.want, r.refusal(r.ask(values))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnAssertionIsUsedUpByAnExchange holds even where the subject token was at fault.
func TestAnAssertionIsUsedUpByAnExchange(t *testing.T) {
	r := start(t, simulator.Options{})
	values := r.exchangeForm(simulator.APIKey, "")
	r.refusal(r.ask(values))
	values.Set("subject_token", r.idToken(clinician, nil))
	want := tokenRefusal{400, "invalid_request", "Non-unique 'jti' claim in client_assertion JWT"}
	if diff := cmp.Diff(want, r.refusal(r.ask(values))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefresh(t *testing.T) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := start(t, simulator.Options{Network: new(simulator.Memory), Keys: keys})
		app, err := r.Application()
		if err != nil {
			t.Fatal(err)
		}
		refresh := func(token string) url.Values {
			return url.Values{
				"grant_type": {"refresh_token"}, "client_id": {app.APIKey}, "client_secret": {app.Secret}, "refresh_token": {token},
			}
		}
		first := r.granted(r.ask(r.exchangeForm(app.APIKey, r.idToken(locum, nil))))
		time.Sleep(time.Hour)
		for _, tt := range []struct {
			name, parameter, value string
			want                   tokenRefusal
		}{
			{"no token", "refresh_token", "", tokenRefusal{400, "invalid_request", "refresh_token is missing"}},
			{"no secret", "client_secret", "", tokenRefusal{401, "invalid_client", "client_id or client_secret is invalid"}},
			{"an access token", "refresh_token", first["access_token"], tokenRefusal{401, "invalid_grant", "refresh_token is invalid"}},
			{
				"another application", "client_id", simulator.APIKeyWithoutASID,
				tokenRefusal{401, "invalid_grant", "refresh_token is invalid"},
			},
		} {
			values := refresh(first["refresh_token"])
			values.Set(tt.parameter, tt.value)
			if diff := cmp.Diff(tt.want, r.refusal(r.ask(values))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		second := r.granted(r.ask(refresh(first["refresh_token"])))
		if diff := cmp.Diff([]string{"39599", "1"}, []string{second["refresh_token_expires_in"], second["refresh_count"]}); diff != "" {
			t.Errorf("after an hour (-want +got):\n%s", diff)
		}
		// The new token is the same user's: it still needs one of the two roles.
		a := r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "",
			"Authorization", "Bearer "+second["access_token"], "X-Request-ID", uuid.NewString(), "NHSD-Session-URID", locum.Roles[1])
		if a.status != http.StatusOK {
			t.Errorf("with the refreshed token: %d %s", a.status, a.body)
		}
		want := tokenRefusal{401, "invalid_grant", "refresh_token is invalid"}
		if diff := cmp.Diff(want, r.refusal(r.ask(refresh(first["refresh_token"])))); diff != "" {
			t.Errorf("a refresh token the second time (-want +got):\n%s", diff)
		}
		time.Sleep(11 * time.Hour)
		want.Description = "refresh token refresh period has expired"
		if diff := cmp.Diff(want, r.refusal(r.ask(refresh(second["refresh_token"])))); diff != "" {
			t.Errorf("twelve hours after the sign-in (-want +got):\n%s", diff)
		}
	})
}

func TestNobodySignsInWithoutAnID(t *testing.T) {
	r := start(t, simulator.Options{})
	if _, err := r.CIS2().SignIn(simulator.Clinician{}, nil); err == nil {
		t.Error("somebody without an id signed in")
	}
}

// TestSessionRole is the PDS contract, 4.4.
func TestSessionRole(t *testing.T) {
	r := start(t, simulator.Options{})
	const advice = ". Refer to the guidance for this header in our API Specification " +
		"https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
	one, two, none := r.userToken(clinician), r.userToken(locum), r.token()
	for _, tt := range []struct {
		name, token string
		roles       []string
		refused     string // the value that is quoted; "-" is nothing refused
	}{
		{"one role and none named", one, nil, "-"},
		{"one role, named", one, clinician.Roles, "-"},
		{"one role, another named", one, locum.Roles[:1], locum.Roles[0]},
		{"named as nothing", one, []string{""}, ""},
		{"two roles and none named", two, nil, ""},
		{"two roles, the second named", two, locum.Roles[1:], "-"},
		{"two roles, a third named", two, []string{"123456789012"}, "123456789012"},
		{"not a number", two, []string{"invalid"}, "invalid"},
		{"an application without a user names one", none, []string{"invalid"}, "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"Authorization", "Bearer " + tt.token, "X-Request-ID", uuid.NewString()}
			for _, role := range tt.roles {
				headers = append(headers, "NHSD-Session-URID", role)
			}
			a := r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "", headers...)
			if tt.refused == "-" {
				if a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
				}
				return
			}
			want := issue{
				"error", "value", pdsCodes, "INVALID_VALUE", "Provided value is invalid",
				"Invalid value - '" + tt.refused + "' in header 'NHSD-Session-URID'" + advice,
			}
			if a.status != http.StatusBadRequest || a.header.Get("Content-Type") != edgeType {
				t.Errorf("%d %s", a.status, a.header.Get("Content-Type"))
			}
			if diff := cmp.Diff(want, issueOf(t, a.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("the request id is looked at before the role", func(t *testing.T) {
		a := r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "", "Authorization", "Bearer "+two, "X-Request-ID", "1")
		if got := issueOf(t, a.body).Diagnostics; got != "Invalid value - '1' in header 'X-Request-ID'" {
			t.Error(got)
		}
	})
}
