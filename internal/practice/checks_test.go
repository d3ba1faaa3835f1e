package practice_test

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// metadata is the simplest good call.
func metadata() call {
	return call{
		method: http.MethodGet, root: foundation, path: "metadata", interaction: nhs.ReadMetadata, scope: "organization/*.read",
	}
}

func TestHeadersAndInteraction(t *testing.T) {
	c, _ := open(t, nil)
	for _, tt := range []struct {
		name string
		bend func(*call)
		want string // the code, empty for an accepted call
	}{
		{"nothing bent", func(*call) {}, ""},
		{"no trace id", func(in *call) { in.header = map[string]string{"Ssp-TraceID": ""} }, "BAD_REQUEST"},
		{"a trace id that is no UUID", func(in *call) { in.header = map[string]string{"Ssp-TraceID": "abc"} }, "BAD_REQUEST"},
		{"no sender", func(in *call) { in.header = map[string]string{"Ssp-From": ""} }, "BAD_REQUEST"},
		{"a sender that is no ASID", func(in *call) { in.header = map[string]string{"Ssp-From": "me"} }, "BAD_REQUEST"},
		{"another receiver", func(in *call) { in.header = map[string]string{"Ssp-To": "918000000002"} }, "BAD_REQUEST"},
		{"no interaction", func(in *call) { in.header = map[string]string{"Ssp-InteractionID": ""} }, "BAD_REQUEST"},
		{"an unknown interaction", func(in *call) { in.interaction = "urn:nhs:names:services:gpconnect:fhir:rest:read:moon-1" }, "BAD_REQUEST"},
		{"the unsuffixed twin", func(in *call) { in.interaction = nhs.ReadHTMLMetadata }, "BAD_REQUEST"},
		{"another interaction's path", func(in *call) { in.path = "Slot" }, "BAD_REQUEST"},
		{"another interaction's verb", func(in *call) { in.method = http.MethodPost }, "BAD_REQUEST"},
		{"another root's interaction", func(in *call) { in.interaction = nhs.ReadStructuredMetadata }, "BAD_REQUEST"},
		{"a trailing slash", func(in *call) { in.path = "metadata/" }, "BAD_REQUEST"},
		{"no authorisation", func(in *call) { in.header = map[string]string{"Authorization": ""} }, "BAD_REQUEST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := metadata()
			tt.bend(&in)
			r := c.send(in)
			if tt.want == "" {
				if r.status != http.StatusOK {
					t.Errorf("status = %d, want 200; %s", r.status, r.raw)
				}
				return
			}
			r.refused(t, http.StatusBadRequest, "invalid", tt.want)
		})
	}
}

func TestAnEncodedDollarIsAnotherPath(t *testing.T) {
	c, _ := open(t, nil)
	r := c.send(call{
		method: http.MethodPost, root: c.roots.Structured, path: "Patient/%24gpc.getstructuredrecord",
		interaction: nhs.GetStructuredRecord, scope: "patient/*.read", body: parametersFor("9990000018"),
	})
	r.refused(t, http.StatusBadRequest, "invalid", "BAD_REQUEST")
}

func TestToken(t *testing.T) {
	c, _ := open(t, nil)
	set := func(name string, value any) func(doc) { return func(d doc) { d[name] = value } }
	without := func(name string) func(doc) { return func(d doc) { delete(d, name) } }
	within := func(claim, name string, value any) func(doc) {
		return func(d doc) { d[claim] = with(object(d[claim]), doc{name: value}) }
	}
	now := time.Now().Unix()
	type check struct {
		name   string
		claims func(doc)
		status int // 0 is accepted
	}
	checks := []check{
		{"as the contract asks", func(doc) {}, 0},
		{"an extra claim", set("extra", "x"), 0},
		{"issued 200 seconds ahead", func(d doc) { d["iat"], d["exp"] = now+200, now+500 }, 0},
		{"issued two seconds ago", func(d doc) { d["iat"], d["exp"] = now-2, now+298 }, 0},
		{"practitioner without the optional identifiers", within("requesting_practitioner", "identifier", []doc{
			{"system": "https://fhir.nhs.uk/Id/sds-user-id", "value": "UNK"},
		}), 0},
		{"expired", func(d doc) { d["iat"], d["exp"] = now-600, now-300 }, 400},
		{"299 seconds", func(d doc) { d["exp"] = now + 299 }, 400},
		{"301 seconds", func(d doc) { d["exp"] = now + 301 }, 400},
		{"a fraction", func(d doc) { d["iat"] = json.RawMessage("1700000000.0"); d["exp"] = json.RawMessage("1700000300.0") }, 400},
		{"times as texts", func(d doc) { d["iat"], d["exp"] = "1700000000", "1700000300" }, 400},
		{"the root of another capability", set("aud", foundation+"/structured"), 400},
		{"a root with a slash", set("aud", foundation+"/"), 400},
		{"a root in another case", set("aud", strings.ToUpper(foundation)), 400},
		{"the proxy's address", set("aud", "https://proxy.example/"+foundation), 400},
		{"an issuer that is no URL", set("iss", "me"), 400},
		{"another purpose", set("reason_for_request", "secondaryuses"), 400},
		{"migration", set("reason_for_request", "migration"), 400},
		{"the other scope", set("requested_scope", "patient/*.read"), 400},
		{"a confidentiality token", set("requested_scope", "organization/*.read conf/N"), 400},
		{"a record", set("requested_record", doc{"resourceType": "Patient"}), 400},
		{"sub that is not the practitioner", set("sub", "u-1"), 400},
		{"an organisation without a name", within("requesting_organization", "name", nil), 400},
		{"an organisation without an ODS code", within("requesting_organization", "identifier", nil), 400},
		{"an organisation of the old system", within("requesting_organization", "identifier", []doc{{"system": "http://fhir.nhs.net/Id/ods-organization-code", "value": "Q8X01"}}), 400},
		{"a device without a model", within("requesting_device", "model", nil), 400},
		{"a practitioner without a family name", within("requesting_practitioner", "name", []doc{{"given": []string{"Ada"}}}), 400},
		{"a practitioner of the old system", within("requesting_practitioner", "identifier", []doc{{"system": "http://fhir.nhs.net/sds-user-id", "value": "UNK"}}), 400},
		{"a device that is a Patient", within("requesting_device", "resourceType", "Patient"), 422},
		{"a device with an unknown member", within("requesting_device", "colour", "red"), 422},
		{"an organisation with an unknown member", within("requesting_organization", "odsCode", "Q8X01"), 422},
		{"a practitioner with an unknown member", within("requesting_practitioner", "practitionerRole", []doc{{}}), 422},
		{"a practitioner's name as in DSTU2", within("requesting_practitioner", "name", doc{"family": []string{"Okafor"}}), 422},
	}
	for _, claim := range []string{
		"iss", "sub", "aud", "iat", "exp", "reason_for_request", "requested_scope",
		"requesting_device", "requesting_organization", "requesting_practitioner",
	} {
		checks = append(checks, check{"no " + claim, without(claim), 400})
	}
	for _, tt := range checks {
		t.Run(tt.name, func(t *testing.T) {
			in := metadata()
			in.claims = tt.claims
			r := c.send(in)
			switch tt.status {
			case 0:
				if r.status != http.StatusOK {
					t.Errorf("status = %d, want 200; %s", r.status, r.raw)
				}
			case 422:
				r.refused(t, 422, "invalid", "INVALID_RESOURCE")
			default:
				r.refused(t, 400, "invalid", "BAD_REQUEST")
			}
		})
	}
}

func TestTokenEnvelope(t *testing.T) {
	c, _ := open(t, nil)
	claims := claimsFor(foundation, "organization/*.read")
	good := tokenOf(doc{"alg": "none", "typ": "JWT"}, claims)
	head, _, _ := strings.Cut(good, ".")
	for name, token := range map[string]string{
		"a third header member":  tokenOf(doc{"alg": "none", "typ": "JWT", "kid": "1"}, claims),
		"no type":                tokenOf(doc{"alg": "none"}, claims),
		"another algorithm":      tokenOf(doc{"alg": "RS512", "typ": "JWT"}, claims),
		"no last dot":            strings.TrimSuffix(good, "."),
		"a signature":            good + "c2ln",
		"padding":                head + "=." + strings.TrimPrefix(good, head+"."),
		"claims not encoded":     head + "." + string(must(json.Marshal(claims))) + ".",
		"the standard alphabet":  head + "." + base64.RawStdEncoding.EncodeToString([]byte(`{"iss":"??>>??>>"}`)) + ".",
		"two spaces":             " " + good,
		"claims that are a list": head + "." + base64.RawURLEncoding.EncodeToString([]byte(`[]`)) + ".",
		"a claim twice":          head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"a","iss":"b"}`)) + ".",
	} {
		t.Run(name, func(t *testing.T) {
			in := metadata()
			in.token = token
			c.send(in).refused(t, 400, "invalid", "BAD_REQUEST")
		})
	}
}

func TestMedia(t *testing.T) {
	for _, version := range []struct{ version, issue, code string }{
		{"1.6.2", "not-supported", "UNSUPPORTED_MEDIA_TYPE"}, {"1.2.7", "invalid", "BAD_REQUEST"},
	} {
		c, _ := open(t, func(cfg *practice.Config) { cfg.Version = version.version })
		for _, tt := range []struct {
			name, accept, content, format string
			ok                            bool
		}{
			{"the plain type", "application/fhir+json", "", "", true},
			{"with its charset", "application/fhir+json;charset=utf-8", "", "", true},
			{"one of several", "text/html, application/fhir+json;q=0.9", "", "", true},
			{"_format alone", "", "", "application%2Ffhir%2Bjson", true},
			{"_format beats Accept", "application/fhir+xml", "", "application%2Ffhir%2Bjson", true},
			{"Content-Type alone", "", "application/fhir+json", "", true},
			{"none of the three", "", "", "", false},
			{"plain JSON", "application/json", "", "", false},
			{"the type of DSTU2", "application/json+fhir", "", "", false},
			{"XML", "application/fhir+xml", "", "", false},
			{"another charset", "application/fhir+json;charset=latin1", "", "", false},
			{"_format with a plain plus", "", "", "application/fhir+json", false},
			{"XML by _format", "application/fhir+json", "", "application%2Ffhir%2Bxml", false},
			{"a body type that is not FHIR", "application/fhir+json", "application/json", "", false},
		} {
			t.Run(version.version+"/"+tt.name, func(t *testing.T) {
				in := metadata()
				in.header = map[string]string{"Accept": tt.accept, "Content-Type": tt.content}
				if tt.format != "" {
					in.path += "?_format=" + tt.format
				}
				r := c.send(in)
				if tt.ok {
					if r.status != http.StatusOK {
						t.Errorf("status = %d, want 200; %s", r.status, r.raw)
					}
					return
				}
				r.refused(t, http.StatusUnsupportedMediaType, version.issue, version.code)
			})
		}
		t.Run(version.version+"/a POST without a type", func(t *testing.T) {
			r := c.send(call{
				method: http.MethodPost, root: foundation, path: "Appointment", interaction: nhs.CreateAppointment,
				scope: "patient/*.write", body: "{}", header: map[string]string{"Content-Type": ""},
			})
			r.refused(t, http.StatusUnsupportedMediaType, version.issue, version.code)
		})
	}
}

// Each step has one more thing wrong than the next; the answer is that of the earliest check.
func TestOrderOfChecks(t *testing.T) {
	c, _ := open(t, func(cfg *practice.Config) { cfg.Off = true })
	wrong := call{
		method: http.MethodPost, root: c.roots.Structured, path: "Patient/$gpc.getstructuredrecord",
		interaction: nhs.GetStructuredRecord, scope: "patient/*.write", body: "not JSON",
		header: map[string]string{"Ssp-To": "000000000001", "Content-Type": "text/plain"},
	}
	c.send(wrong).refused(t, 400, "invalid", "BAD_REQUEST")
	delete(wrong.header, "Ssp-To")
	if d := c.send(wrong).refused(t, 400, "invalid", "BAD_REQUEST"); !strings.Contains(d, "requested_scope") {
		t.Errorf("the token is not what was refused: %s", d)
	}
	wrong.scope = "patient/*.read"
	c.send(wrong).refused(t, 415, "not-supported", "UNSUPPORTED_MEDIA_TYPE")
	delete(wrong.header, "Content-Type")
	c.send(wrong).refused(t, 403, "forbidden", "ACCESS DENIED")

	c, _ = open(t, nil)
	c.send(wrong).refused(t, 422, "invalid", "INVALID_RESOURCE")
	wrong.body = parametersFor("9990000379", `{"name":"includeAllergies"}`)
	c.send(wrong).refused(t, 422, "invalid", "INVALID_PARAMETER")
	wrong.body = parametersFor("9990000379", areas[0].parameter)
	c.send(wrong).refused(t, 404, "not-found", "PATIENT_NOT_FOUND")
}

func TestSwitchedOff(t *testing.T) {
	c, _ := open(t, func(cfg *practice.Config) { cfg.Off = true })
	if r := c.send(metadata()); r.status != http.StatusOK {
		t.Errorf("Foundations metadata = %d, want 200", r.status)
	}
	for name, in := range map[string]call{
		"structured metadata": {method: http.MethodGet, root: c.roots.Structured, path: "metadata", interaction: nhs.ReadStructuredMetadata, scope: "organization/*.read"},
		"documents metadata":  {method: http.MethodGet, root: c.roots.Documents, path: "metadata", interaction: nhs.ReadDocumentsMetadata, scope: "organization/*.read"},
		"slots":               {method: http.MethodGet, root: foundation, path: "Slot", interaction: nhs.SearchSlot, scope: "organization/*.read"},
		"find patient":        {method: http.MethodGet, root: foundation, path: "Patient", interaction: nhs.SearchPatient, scope: "patient/*.read"},
	} {
		t.Run(name, func(t *testing.T) { c.send(in).refused(t, 403, "forbidden", "ACCESS DENIED") })
	}
}

func TestWhatIsNotOffered(t *testing.T) {
	c, _ := open(t, nil)
	for name, in := range map[string]call{
		"register":  {method: http.MethodPost, root: foundation, path: "Patient/$gpc.registerpatient", interaction: nhs.RegisterPatient, scope: "patient/*.write", body: "{}"},
		"documents": {method: http.MethodGet, root: c.roots.Documents, path: "Binary/1", interaction: nhs.ReadDocument, scope: "patient/*.read"},
		"services":  {method: http.MethodGet, root: foundation, path: "HealthcareService", interaction: nhs.SearchHealthcareService, scope: "organization/*.read"},
	} {
		t.Run(name, func(t *testing.T) { c.send(in).refused(t, 501, "not-supported", "NOT_IMPLEMENTED") })
	}
}

func TestErrorsNameTheirSystemByVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.7": "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1",
		"1.5.1": "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1",
		"1.6.2": "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1",
	} {
		c, _ := open(t, func(cfg *practice.Config) { cfg.Version = version })
		in := metadata()
		in.path = "nothing"
		r := c.send(in)
		coding := list(object(list(r.body["issue"])[0]["details"])["coding"])[0]
		if coding["system"] != want {
			t.Errorf("%s: system = %v, want %s", version, coding["system"], want)
		}
	}
}

func TestGzip(t *testing.T) {
	c, _ := open(t, nil)
	req := metadata().request(t, c.server.URL, c.asid)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := c.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding = %q, want gzip", resp.Header.Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var statement doc
	if err := json.Unmarshal(must(io.ReadAll(z)), &statement); err != nil || statement["resourceType"] != "CapabilityStatement" {
		t.Errorf("unpacked %v, %v", statement["resourceType"], err)
	}
}
