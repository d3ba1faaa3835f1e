package practice_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// What the tests' practice and consumer are called.
const (
	ownASID    = "918000000001"
	rootPath   = "/A20047/STU3/1/gpconnect"
	host       = "https://gp.a20047.example"
	foundation = host + rootPath
)

// doc is a decoded JSON object: the tests read answers without any type of the package.
type doc = map[string]any

// caller is a consumer that sends what the contract asks for, unless a test bends it.
type caller struct {
	tb     testing.TB
	server *httptest.Server
	asid   string
	roots  practice.Roots
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	raw    []byte
	body   doc
}

// config is the practice of the tests: current, with everything on.
func config() practice.Config {
	return practice.Config{
		ODS: must(nhs.ParseODSCode("A20047")), Name: "Riverside Surgery", ASID: must(nhs.ParseASID(ownASID)), Version: "1.6.2",
		Roots:    practice.Roots{Foundations: foundation, Structured: foundation + "/structured", Documents: foundation + "/documents"},
		Diary:    practice.OrdinaryDiary(),
		Patients: people(),
	}
}

// open starts a practice on loopback.
func open(tb testing.TB, change func(*practice.Config)) (*caller, *practice.System) {
	tb.Helper()
	cfg := config()
	if change != nil {
		change(&cfg)
	}
	system, err := practice.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(system)
	tb.Cleanup(server.Close)
	return &caller{tb: tb, server: server, asid: cfg.ASID.String(), roots: cfg.Roots}, system
}

// people are the patients of the tests, by story or state.
func people() []practice.Patient {
	patient := func(number, given, story string) practice.Patient {
		return practice.Patient{
			NHSNumber: must(nhs.ParseNumber(number)), Prefix: "Mx", Family: "TESTWELL", Given: []string{given}, Gender: "female",
			BirthDate: "1970-02-01", Phone: "01632 960999", Story: story,
			Address: practice.Address{Lines: []string{"12 Sample Row"}, City: "Testbridge", PostalCode: "ZZ99 3AA"},
		}
	}
	in := func(p practice.Patient, state practice.State) practice.Patient { p.State = state; return p }
	dissenting := patient("9990000166", "Nonia", "plain")
	dissenting.Dissents = true
	return []practice.Patient{
		patient("9990000018", "Ada", "plain"), patient("9990000115", "Rita", "rich"), patient("9990000123", "Connie", "confidential"),
		patient("9990000131", "Tracy", "in-transit"), patient("9990000158", "Nil", "empty"), dissenting,
		patient("9990000174", "Wanda", "wrong-patient"), patient("9990000182", "Lastly", "patient-last"),
		patient("9990000190", "Faye", "fails"), patient("9990000344", "Partial", "partial-dates"), patient("9990000360", "Marge", "large"),
		in(patient("9990000069", "Late", "plain"), practice.Deceased), in(patient("9990000077", "Gone", "plain"), practice.Inactive),
		in(patient("9990000204", "Hidden", "plain"), practice.Sensitive), in(patient("9990000212", "Maybe", "plain"), practice.Unverified),
		in(patient("9990000034", "Former", "plain"), practice.Superseded), in(patient("9990000239", "Passing", "plain"), practice.Temporary),
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// call is one request before it is sent.
type call struct {
	method, root, path string
	interaction        nhs.Interaction
	scope              string
	body               string
	header             map[string]string
	claims             func(doc)
	token              string // in place of the one made of claims
}

// request is the HTTP request of a call, to a server at base or, without one, to a handler.
func (in call) request(tb testing.TB, base, asid string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), in.method, base+pathOf(in.root)+"/"+in.path, strings.NewReader(in.body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Ssp-TraceID", uuid.NewString())
	req.Header.Set("Ssp-From", "200000000115")
	req.Header.Set("Ssp-To", asid)
	req.Header.Set("Ssp-InteractionID", in.interaction.String())
	req.Header.Set("Accept", "application/fhir+json")
	if in.method != http.MethodGet {
		req.Header.Set("Content-Type", "application/fhir+json;charset=utf-8")
	}
	token := in.token
	if token == "" {
		claims := claimsFor(in.root, in.scope)
		if in.claims != nil {
			in.claims(claims)
		}
		token = tokenOf(doc{"alg": "none", "typ": "JWT"}, claims)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name, value := range in.header {
		if value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	return req
}

// send sends a call as it was bent.
func (c *caller) send(in call) reply {
	c.tb.Helper()
	req := in.request(c.tb, c.server.URL, c.asid)
	resp, err := c.server.Client().Do(req)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.tb.Fatal(err)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		c.tb.Errorf("%s %s: Cache-Control = %q, want no-store", in.method, in.path, got)
	}
	out := reply{status: resp.StatusCode, header: resp.Header, raw: raw}
	if len(raw) > 0 {
		if got := resp.Header.Get("Content-Type"); got != "application/fhir+json;charset=utf-8" {
			c.tb.Errorf("%s %s: Content-Type = %q", in.method, in.path, got)
		}
		if err := json.Unmarshal(raw, &out.body); err != nil {
			c.tb.Fatalf("%s %s: %v in %.200s", in.method, in.path, err, raw)
		}
	}
	return out
}

func pathOf(root string) string {
	_, rest, _ := strings.Cut(root, "://")
	return rest[strings.IndexByte(rest, '/'):]
}

// claimsFor are the claims of sds-and-ssp.md, E3.
func claimsFor(root, scope string) doc {
	now := time.Now().Unix()
	id := func(system, value string) doc { return doc{"system": system, "value": value} }
	return doc{
		"iss": "https://consumer.example/", "sub": "u-7731", "aud": root, "iat": now, "exp": now + 300,
		"reason_for_request": "directcare", "requested_scope": scope,
		"requesting_device": doc{
			"resourceType": "Device", "identifier": []doc{id("https://consumer.example/Id/device", "gw-01")},
			"model": "Test consumer", "version": "1",
		},
		"requesting_organization": doc{
			"resourceType": "Organization", "name": "Example Urgent Care",
			"identifier": []doc{id("https://fhir.nhs.uk/Id/ods-organization-code", "Q8X01")},
		},
		"requesting_practitioner": doc{
			"resourceType": "Practitioner", "id": "u-7731",
			"name": []doc{{"family": "Okafor", "given": []string{"Ada"}, "prefix": []string{"Dr"}}},
			"identifier": []doc{
				id("https://fhir.nhs.uk/Id/sds-user-id", "UNK"), id("https://fhir.nhs.uk/Id/sds-role-profile-id", "UNK"),
				id("https://consumer.example/Id/user", "u-7731"),
			},
		},
	}
}

func tokenOf(header, claims doc) string {
	segment := func(d doc) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(d))) }
	return segment(header) + "." + segment(claims) + "."
}

// refused checks an OperationOutcome and returns its diagnostics.
func (r reply) refused(tb testing.TB, status int, issue, code string) string {
	tb.Helper()
	if r.status != status {
		tb.Errorf("status = %d, want %d; body %.300s", r.status, status, r.raw)
	}
	gotIssue, gotCode, diagnostics := r.outcome()
	if gotIssue != issue || gotCode != code {
		tb.Errorf("outcome = %s %s, want %s %s; body %.300s", gotIssue, gotCode, issue, code, r.raw)
	}
	return diagnostics
}

// outcome reads the first issue, or empty texts if the body is no OperationOutcome.
func (r reply) outcome() (issue, code, diagnostics string) {
	if r.body["resourceType"] != "OperationOutcome" {
		return "", "", ""
	}
	first := list(r.body["issue"])[0]
	coding := list(object(first["details"])["coding"])[0]
	return text(first["code"]), text(coding["code"]), text(first["diagnostics"])
}

// object, list and text read decoded JSON, empty where it is something else.
func object(v any) doc { d, _ := v.(doc); return d }

func text(v any) string { s, _ := v.(string); return s }

func list(v any) []doc {
	values, _ := v.([]any)
	out := make([]doc, 0, len(values))
	for _, v := range values {
		out = append(out, object(v))
	}
	return out
}

// resources are the entries of a Bundle.
func (r reply) resources() []doc {
	var out []doc
	for _, e := range list(r.body["entry"]) {
		out = append(out, object(e["resource"]))
	}
	return out
}

func ofType(resources []doc, kind string) []doc {
	var out []doc
	for _, r := range resources {
		if r["resourceType"] == kind {
			out = append(out, r)
		}
	}
	return out
}

// with is a copy of d with some members replaced, or removed where the value is nil.
func with(d doc, changes doc) doc {
	out := maps.Clone(d)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}
