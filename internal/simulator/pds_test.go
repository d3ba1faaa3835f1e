package simulator_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/simulator"
)

const (
	pdsCodes  = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
	edgeType  = "application/json"
	spineType = "application/fhir+json"
)

// TestPDSRefusals walks the checks of the PDS contract, 17, in their order, with the literal errors of 12.2.
func TestPDSRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	bearer := "Bearer " + r.token()
	powerless := "Bearer " + r.tokenOf(simulator.APIKeyWithoutInteraction)
	denied := func(why string) issue {
		return issue{"error", "forbidden", pdsCodes, "ACCESS_DENIED", "Access Denied - Unauthorised", why}
	}
	const ada = "/Patient/9990000018"
	id := uuid.NewString()
	for _, tt := range []struct {
		name, method, path string
		headers            []string
		status             int
		contentType        string
		want               issue
	}{
		{"no token", "GET", ada, nil, 401, edgeType, denied("Missing Authorization header")},
		{"empty header", "GET", ada, []string{"Authorization", ""}, 401, edgeType, denied("Empty Authorization header")},
		{"only the word", "GET", ada, []string{"Authorization", "Bearer"}, 401, edgeType, denied("Missing access token")},
		{
			"another type", "GET", ada,
			[]string{"Authorization", "Basic eDp5"},
			401, edgeType,
			denied("Invalid token type 'Basic', must be 'Bearer'"),
		},
		{
			"the word in lower case", "GET", ada,
			[]string{"Authorization", "bearer x"},
			401, edgeType,
			denied("Invalid token type 'bearer', must be 'Bearer'"),
		},
		{
			"two spaces", "GET", ada,
			[]string{"Authorization", strings.Replace(bearer, " ", "  ", 1)},
			401, edgeType,
			denied("Invalid Access Token"),
		},
		{"unknown token", "GET", ada, []string{"Authorization", "Bearer x"}, 401, edgeType, denied("Invalid Access Token")},
		{"token before path", "GET", "/HelloWorld", nil, 401, edgeType, denied("Missing Authorization header")},
		{"unknown path before request id", "GET", "/HelloWorld", []string{"Authorization", bearer}, 400, edgeType, issue{
			"error", "value", pdsCodes, "UNSUPPORTED_REQUEST", "The request is not one that is supported.",
			"Unsupported path - '/HelloWorld'",
		}},
		{"request id is no UUID", "GET", ada, []string{"Authorization", bearer, "X-Request-ID", "1234"}, 400, edgeType, issue{
			"error", "value", pdsCodes, "INVALID_VALUE", "Provided value is invalid",
			"Invalid value - '1234' in header 'X-Request-ID'",
		}},
		{"request id is empty", "GET", ada, []string{"Authorization", bearer, "X-Request-ID", ""}, 400, edgeType, issue{
			"error", "value", pdsCodes, "INVALID_VALUE", "Provided value is invalid",
			"Invalid value - '' in header 'X-Request-ID'",
		}},
		{"an update", "PATCH", ada, []string{"Authorization", bearer}, 403, edgeType, issue{
			"error", "forbidden", pdsCodes, "INVALID_METHOD",
			"Cannot update resource with application-restricted access token", "",
		}},
		{"a creation", "POST", "/Patient", []string{"Authorization", bearer}, 403, edgeType, issue{
			"error", "forbidden", pdsCodes, "INVALID_METHOD",
			"Cannot create resource with application-restricted access token", "",
		}},
		{"coverage", "GET", "/Coverage", []string{"Authorization", bearer}, 403, edgeType, issue{
			"error", "forbidden", pdsCodes, "ACCESS_DENIED",
			"Cannot GET resource with application-restricted access token", "",
		}},
		{
			"more than one result", "GET", "/Patient?family=x&_max-results=2",
			[]string{"Authorization", bearer},
			403, edgeType,
			issue{
				"error", "token", pdsCodes, "INVALID_VALUE",
				"Cannot retrieve more than one result with application-restricted access token", "",
			},
		},
		{"no request id", "GET", ada, []string{"Authorization", bearer}, 400, spineType, issue{
			"error", "required", pdsCodes, "MISSING_VALUE", "Required value is missing",
			"Invalid request with error - X-Request-ID header must be supplied to access this resource",
		}},
		{"another method", "PUT", ada, []string{"Authorization", bearer, "X-Request-ID", id}, 400, spineType, issue{
			"error", "processing", pdsCodes, "UNSUPPORTED_SERVICE", "Unsupported Service", "",
		}},
		{"no id", "GET", "/Patient/", []string{"Authorization", bearer, "X-Request-ID", id}, 400, spineType, issue{
			"error", "processing", pdsCodes, "UNSUPPORTED_SERVICE", "Unsupported Service", "",
		}},
		{"search for nothing", "GET", "/Patient", []string{"Authorization", bearer, "X-Request-ID", id}, 400, spineType, issue{
			"error", "processing", pdsCodes, "UNSUPPORTED_SERVICE", "Unsupported Service", "",
		}},
		{
			"search without the interaction", "GET", "/Patient?family=x&birthdate=eq2000-01-01",
			[]string{"Authorization", powerless, "X-Request-ID", id},
			401, spineType, denied(""),
		},
		{
			"wrong check digit", "GET", "/Patient/9990000019",
			[]string{"Authorization", bearer, "X-Request-ID", id},
			400,
			spineType,
			issue{"error", "value", pdsCodes, "INVALID_RESOURCE_ID", "Resource Id is invalid", ""},
		},
		{
			"nobody's number", "GET", "/Patient/9990000379",
			[]string{"Authorization", bearer, "X-Request-ID", id},
			404,
			spineType,
			issue{"information", "not-found", pdsCodes, "RESOURCE_NOT_FOUND", "Resource not found", ""},
		},
		{
			"invalidated", "GET", "/Patient/9990000212",
			[]string{"Authorization", bearer, "X-Request-ID", id},
			404, spineType,
			issue{
				"error", "processing", pdsCodes, "INVALIDATED_RESOURCE",
				"Resource that has been marked as invalid was requested - invalid resources cannot be retrieved", "",
			},
		},
		{
			"related persons without the interaction", "GET", ada + "/RelatedPerson",
			[]string{"Authorization", powerless, "X-Request-ID", id},
			401,
			spineType, denied(""),
		},
		{"an application without the interaction", "GET", ada, []string{
			"Authorization", powerless, "X-Request-ID", id,
		}, 401, spineType, denied("")},
		{"an application without an ASID", "GET", ada, []string{
			"Authorization", "Bearer " + r.tokenOf(simulator.APIKeyWithoutASID), "X-Request-ID", id,
		}, 400, edgeType, issue{
			"error", "value", pdsCodes, "MISSING_VALUE", "Required value is missing",
			"Missing value - 'ASID' of the application",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.send(tt.method, r.PDSURL()+tt.path, "", tt.headers...)
			if a.status != tt.status || a.header.Get("Content-Type") != tt.contentType {
				t.Errorf("%d %s, want %d %s", a.status, a.header.Get("Content-Type"), tt.status, tt.contentType)
			}
			if diff := cmp.Diff(tt.want, issueOf(t, a.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPDSAnswersWithAPatient(t *testing.T) {
	r := start(t, simulator.Options{})
	bearer := "Bearer " + r.token()
	id := uuid.NewString()
	a := r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000034", "", "Authorization", bearer,
		"X-Request-ID", id, "X-Correlation-ID", "any text")
	var patient struct {
		ID   string
		Meta struct{ VersionID string }
	}
	if err := json.Unmarshal(a.body, &patient); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if patient.ID != "9990000042" {
		t.Errorf("a superseded number is answered with %s, want the survivor", patient.ID)
	}
	got := map[string]string{}
	for _, name := range []string{"Content-Type", "Etag", "X-Request-Id", "X-Correlation-Id"} {
		got[name] = a.header.Get(name)
	}
	if diff := cmp.Diff(map[string]string{
		"Content-Type": spineType, "Etag": `W/"12"`, "X-Request-Id": id, "X-Correlation-Id": "any text",
	}, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestPDSIsOpenToAPing(t *testing.T) {
	r := start(t, simulator.Options{})
	if a := r.send(http.MethodGet, r.PDSURL()+"/_ping", ""); a.status != http.StatusOK {
		t.Errorf("_ping: %d", a.status)
	}
	if a := r.send(http.MethodGet, r.PDSURL()+"/_status", ""); a.status != http.StatusUnauthorized {
		t.Errorf("_status without a key: %d, want 401", a.status)
	}
	if a := r.send(http.MethodGet, r.PDSURL()+"/_status", "", "apikey", "x"); a.status != http.StatusOK {
		t.Errorf("_status with a key: %d", a.status)
	}
	if a := r.send(http.MethodGet, strings.TrimSuffix(r.PDSURL(), "/R4")+"/R3/Patient", ""); a.status != http.StatusNotFound {
		t.Errorf("a path of no API: %d, want 404", a.status)
	}
}

// TestInABubble runs the Spine in virtual time, over pipes, from the year 2000.
func TestInABubble(t *testing.T) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := start(t, simulator.Options{Network: new(simulator.Memory), Keys: keys, TokenLife: 10 * time.Minute})
		bearer := "Bearer " + r.token()
		read := func() answer {
			return r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "",
				"Authorization", bearer, "X-Request-ID", uuid.NewString())
		}
		if a := read(); a.status != http.StatusOK || !strings.Contains(string(a.body), `"birthDate": "1965-`) {
			t.Errorf("in the year 2000: %d %s", a.status, a.body)
		}
		if a := r.metadata(r.practice("F84005")); a.status != http.StatusOK {
			t.Errorf("the slow practice: %d %s", a.status, a.body)
		}
		if slow := time.Since(r.Transcript().Of(simulator.Proxy)[0].At); slow != 3*time.Second {
			t.Errorf("the slow practice took %v of virtual time, want 3s", slow)
		}
		time.Sleep(10 * time.Minute)
		if a := read(); a.status != http.StatusUnauthorized || issueOf(t, a.body).Diagnostics != "Access Token expired" {
			t.Errorf("after ten minutes: %d %s, want an expired token", a.status, a.body)
		}
	})
}

func TestPDSMetersAnApplication(t *testing.T) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := start(t, simulator.Options{
			Network: new(simulator.Memory), Keys: keys, PDSQuota: 3, PDSSpike: 200 * time.Millisecond,
		})
		bearer := "Bearer " + r.token()
		read := func() string {
			a := r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "",
				"Authorization", bearer, "X-Request-ID", uuid.NewString())
			if a.status == http.StatusOK {
				return "ok"
			}
			i := issueOf(t, a.body)
			if a.status != http.StatusTooManyRequests || i.Code != "TOO_MANY_REQUESTS" || a.header.Get("Retry-After") != "" {
				t.Errorf("%d %v", a.status, i)
			}
			_, kind, _ := strings.Cut(i.Diagnostics, "has ")
			return kind[:7]
		}
		var got []string
		for _, wait := range []time.Duration{0, 0, time.Second, time.Second, time.Second, time.Minute} {
			time.Sleep(wait)
			got = append(got, read())
		}
		if diff := cmp.Diff([]string{"ok", "created", "ok", "ok", "exceede", "ok"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRevokedTokensAreUnknown(t *testing.T) {
	r := start(t, simulator.Options{})
	bearer := "Bearer " + r.token()
	r.RevokeTokens()
	a := r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "",
		"Authorization", bearer, "X-Request-ID", uuid.NewString())
	if a.status != http.StatusUnauthorized || issueOf(t, a.body).Diagnostics != "Invalid Access Token" {
		t.Errorf("%d %s", a.status, a.body)
	}
}
