package sds_test

import (
	"fmt"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/simulator"
)

// How the directory writes what it knows (SDS contract, A5 and A6). Empty members are left out.
func identifier(system, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf(`{"system":"https://fhir.nhs.uk/Id/%s","value":%q}`, system, value)
}

func extension(name, system, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf(`{"url":"https://fhir.nhs.uk/StructureDefinition/Extension-SDS-%s","valueReference":{"identifier":%s}}`, name, identifier(system, value))
}

func list(name string, items ...string) string {
	var there []string
	for _, item := range items {
		if item != "" {
			there = append(there, item)
		}
	}
	if len(there) == 0 {
		return ""
	}
	return fmt.Sprintf(`,%q:[%s]`, name, strings.Join(there, ","))
}

func organisation(name, ods string) string {
	if ods == "" {
		return ""
	}
	return fmt.Sprintf(`,%q:{"identifier":%s}`, name, identifier("ods-organization-code", ods))
}

// anEndpoint has an owner, an interaction, an address and a party key.
func anEndpoint(owner, interaction, address, key string) string {
	text := `{"resourceType":"Endpoint","status":"active"` + organisation("managingOrganization", owner) +
		list("identifier", identifier("nhsMhsPartyKey", key), identifier("nhsMHSId", "100000000099")) +
		list("extension", extension("NhsServiceInteractionId", "nhsServiceInteractionId", interaction))
	if address != "-" {
		text += fmt.Sprintf(`,"address":%q`, address)
	}
	return text + `}`
}

// aDevice has a client, an ASID, a party key and a supplier.
func aDevice(client, asid, key, supplier string) string {
	return `{"resourceType":"Device"` + organisation("owner", client) +
		list("identifier", identifier("nhsSpineASID", asid), identifier("nhsMhsPartyKey", key)) +
		list("extension", extension("ManufacturingOrganisation", "ods-organization-code", supplier)) + `}`
}

func aBundle(resources ...string) string {
	entries := make([]string, len(resources))
	for i, r := range resources {
		entries[i] = `{"resource":` + r + `}`
	}
	return fmt.Sprintf(`{"resourceType":"Bundle","type":"searchset","total":%d,"entry":[%s]}`, len(entries), strings.Join(entries, ","))
}

// answering makes one of SDS's resources answer always the same.
func answering(t *testing.T, s *simulator.Spine, upstream simulator.Upstream, body string) {
	t.Helper()
	if _, err := s.Faults().Set(simulator.Fault{Upstream: upstream, Status: 200, Body: body}); err != nil {
		t.Fatal(err)
	}
}

// Every rule of the SDS contract, A8, by its row.
func TestRulesOfAmbiguity(t *testing.T) {
	const (
		here, key    = "https://gp.a20047.example/A20047/STU3/1/gpconnect", "A20047-8000001"
		slot, system = string(nhs.SearchSlot), "918000000001"
	)
	good := anEndpoint("A20047", slot, here, key)
	theDevice := []string{aDevice("A20047", system, key, "Y12SP")}
	none := []string{}
	const (
		ok          = pb.ErrorReason_ERROR_REASON_UNSPECIFIED
		notFound    = pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND
		incomplete  = pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE
		refused     = pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED
		ambiguous   = pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS
		noDevice    = pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND
		manyDevices = pb.ErrorReason_ERROR_REASON_DEVICE_AMBIGUOUS
	)
	for _, tt := range []struct {
		row        string
		endpoints  []string
		devices    []string // nil: no Device is asked for
		reason     pb.ErrorReason
		address    string
		candidates int
	}{
		{"1: kept, whatever the case of the owner", []string{anEndpoint("a20047", slot, here, key)}, theDevice, ok, here, 0},
		{"1: another organisation's is dropped", []string{anEndpoint("B84001", slot, here, key)}, nil, notFound, "", 0},
		{"1: another interaction's is dropped", []string{anEndpoint("A20047", string(nhs.ReadMetadata), here, key)}, nil, notFound, "", 0},
		{"1: an interaction in other letters is another", []string{anEndpoint("A20047", strings.ToUpper(slot), here, key)}, nil, notFound, "", 0},
		{"1: without an owner it is dropped", []string{anEndpoint("", slot, here, key)}, nil, notFound, "", 0},
		{"1: without an interaction it is dropped", []string{anEndpoint("A20047", "", here, key)}, nil, notFound, "", 0},
		{"1: what is no Endpoint is dropped", []string{aDevice("A20047", system, key, "")}, nil, notFound, "", 0},
		{"2: no address", []string{anEndpoint("A20047", slot, "-", key)}, nil, incomplete, "", 0},
		{"2: an empty address", []string{anEndpoint("A20047", slot, "", key)}, nil, incomplete, "", 0},
		{"2: a blank address", []string{anEndpoint("A20047", slot, "  ", key)}, nil, incomplete, "", 0},
		{"2: an address that is not https", []string{anEndpoint("A20047", slot, "http://gp.a20047.example/x", key)}, nil, refused, "", 0},
		{"2: an address without a host", []string{anEndpoint("A20047", slot, "https:///x", key)}, nil, refused, "", 0},
		{"2: an address that is relative", []string{anEndpoint("A20047", slot, "/A20047", key)}, nil, refused, "", 0},
		{"2: one without address beside one with", []string{anEndpoint("A20047", slot, "-", key), good}, theDevice, ok, here, 0},
		{"3: the same twice is one", []string{good, good}, theDevice, ok, here, 0},
		{"4: none", none, nil, notFound, "", 0},
		{"4: one", []string{good}, theDevice, ok, here, 0},
		{"4: a consumer's binding without a path is dropped", []string{anEndpoint("A20047", slot, "https://consumer.example/", "X26SG-8000001"), good}, theDevice, ok, here, 0},
		{"4: two addresses", []string{good, anEndpoint("A20047", slot, here+"/2", key)}, nil, ambiguous, "", 2},
		{"4: two party keys", []string{good, anEndpoint("A20047", slot, here, "A20047-8000002")}, nil, ambiguous, "", 2},
		{"4: two bindings without a path", []string{anEndpoint("A20047", slot, "https://a.example/", key), anEndpoint("A20047", slot, "https://b.example/", key)}, nil, ambiguous, "", 2},
		{"5: no party key", []string{anEndpoint("A20047", slot, here, "")}, nil, incomplete, "", 0},
		{"5: a party key that is none", []string{anEndpoint("A20047", slot, here, "*")}, nil, incomplete, "", 0},
		{"Device: a trailing slash of the address stays", []string{anEndpoint("A20047", slot, here+"/", key)}, theDevice, ok, here + "/", 0},
		{"Device: one that carries the party key", []string{good}, append([]string{aDevice("A20047", "200000000001", "X26SG-8000001", "X26SG")}, theDevice...), ok, here, 0},
		{"Device: one ASID twice is one", []string{good}, append(theDevice, theDevice...), ok, here, 0},
		{"Device: none", []string{good}, none, noDevice, "", 0},
		{"Device: none that carries the party key", []string{good}, []string{aDevice("A20047", system, "X26SG-8000001", ""), aDevice("A20047", system, "", "")}, noDevice, "", 0},
		{"Device: no ASID", []string{good}, []string{aDevice("A20047", "", key, "")}, incomplete, "", 0},
		{"Device: a blank ASID", []string{good}, []string{aDevice("A20047", " ", key, "")}, incomplete, "", 0},
		{"Device: an ASID that lost its zeros", []string{good}, []string{aDevice("A20047", "42", key, "")}, incomplete, "", 0},
		{"Device: two ASIDs", []string{good}, []string{theDevice[0], aDevice("A20047", "918000000002", key, "")}, manyDevices, "", 2},
	} {
		bubble(t, tt.row, func(t *testing.T) {
			s, client := start(t, nil)
			answering(t, s, simulator.SDSEndpoint, aBundle(tt.endpoints...))
			answering(t, s, simulator.SDSDevice, aBundle(tt.devices...))
			got, err := client.Route(t.Context(), question(t, "A20047"))
			if fault.ReasonOf(err) != tt.reason || got.Address != tt.address {
				t.Fatalf("%q, %v; want %q, %s", got.Address, err, tt.address, fault.ReasonName(tt.reason))
			}
			if err == nil && (got.ASID.String() != system || got.PartyKey.String() != key) {
				t.Errorf("ASID %s of %s", got.ASID, got.PartyKey)
			}
			if err != nil && len(fault.Of(err).Candidates) != tt.candidates {
				t.Errorf("candidates %v", fault.Of(err).Candidates)
			}
			if asked := len(s.Transcript().Of(simulator.SDSDevice)) > 0; asked != (tt.devices != nil) {
				t.Errorf("a Device is asked for: %t", asked)
			}
		})
	}
}

// Every row of the SDS contract, A10, as the service writes it and as its gateway does.
func TestErrorsOfTheDirectory(t *testing.T) {
	service := func(issue, code, diagnostics string) string {
		return fmt.Sprintf(`{"resourceType":"OperationOutcome","id":"0f6a1c1e-3f5b-4f8e-9a57-0f6c0d6f2a11","issue":[{"severity":"error","code":%q,`+
			`"details":{"coding":[{"system":"https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1","code":%q}]},"diagnostics":%q}]}`, issue, code, diagnostics)
	}
	const (
		catchAll = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"unknown","details":{"coding":[{"system":` +
			`"https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode","version":"1","code":"UNKNOWN_ERROR","display":"(Message ID: rrt-1)"}]}}]}`
		raw = `{"fault":{"faultstring":"Rate limit quota violation.","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}`
	)
	const (
		rejected    = pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST
		unavailable = pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE
		limited     = pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED
		credentials = pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED
		invalid     = pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
		notFound    = pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND
	)
	for _, tt := range []struct {
		row      string
		status   int
		body     string
		reason   pb.ErrorReason
		attempts int
		code     string
	}{
		{"400 BAD_REQUEST is our bug", 400, service("required", "BAD_REQUEST", "HTTP 400: Bad Request (x)"), rejected, 1, "BAD_REQUEST"},
		{"404 NO_RECORD_FOUND is a wrong path, and no news of an organisation", 404, service("not-found", "NO_RECORD_FOUND", "HTTP endpoint not found"), rejected, 1, "NO_RECORD_FOUND"},
		{"405 NOT_IMPLEMENTED", 405, service("not-supported", "NOT_IMPLEMENTED", "HTTP operation not supported"), rejected, 1, "NOT_IMPLEMENTED"},
		{"406 MISSING_OR_INVALID_HEADER", 406, service("not-supported", "MISSING_OR_INVALID_HEADER", "Accept type not supported"), rejected, 1, "MISSING_OR_INVALID_HEADER"},
		{"500 INTERNAL_SERVER_ERROR", 500, service("exception", "INTERNAL_SERVER_ERROR", "'list' object has no attribute 'split'"), unavailable, 3, "INTERNAL_SERVER_ERROR"},
		{"502 a bad answer of LDAP", 502, service("exception", "INTERNAL_SERVER_ERROR", "Invalid LDAP response received"), unavailable, 3, "INTERNAL_SERVER_ERROR"},
		{"504 LDAP timed out", 504, service("timeout", "INTERNAL_SERVER_ERROR", "LDAP request timed out"), unavailable, 3, "INTERNAL_SERVER_ERROR"},
		{"gateway: 401, a bad key", 401, catchAll, credentials, 1, "UNKNOWN_ERROR"},
		{"gateway: 429, quota or spike", 429, catchAll, limited, 3, "UNKNOWN_ERROR"},
		{"gateway: 500", 500, catchAll, unavailable, 3, "UNKNOWN_ERROR"},
		{"gateway: 503", 503, catchAll, unavailable, 3, "UNKNOWN_ERROR"},
		{"gateway: 504", 504, catchAll, unavailable, 3, "UNKNOWN_ERROR"},
		{"gateway: the product's raw fault", 429, raw, limited, 3, ""},
		{"gateway: not JSON", 503, "<html><body>Service Unavailable</body></html>", unavailable, 3, ""},
		{"200 with an empty bundle, asked twice", 200, aBundle(), notFound, 2, ""},
		{"200 that is not FHIR", 200, "<html>", invalid, 1, ""},
	} {
		bubble(t, tt.row, func(t *testing.T) {
			s, client := start(t, nil)
			if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: tt.status, Body: tt.body}); err != nil {
				t.Fatal(err)
			}
			_, err := client.Route(t.Context(), question(t, "A20047"))
			e := fault.Of(err)
			if e == nil || e.Reason != tt.reason || e.Hop != pb.Hop_HOP_SDS {
				t.Fatalf("%v, want %s", err, fault.ReasonName(tt.reason))
			}
			if n := len(s.Transcript().All()); n != tt.attempts {
				t.Errorf("asked %d times, want %d", n, tt.attempts)
			}
			if tt.status != 200 && e.HTTPStatus != tt.status {
				t.Errorf("status %d is told, want %d", e.HTTPStatus, tt.status)
			}
			if tt.code != "" && (len(e.Issues) != 1 || e.Issues[0].GetIssueCode() != tt.code) {
				t.Errorf("issues %v, want %s", e.Issues, tt.code)
			}
		})
	}
}

// The rules for the consumer's own system: SDS contract, A7 and the last of A8.
func TestRulesOfTheSender(t *testing.T) {
	const (
		own, other = "200000000115", "200000000116"
		key        = "X26SG-8000001" // the supplier's, which serves all of its clients
		unknown    = pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN
	)
	for _, tt := range []struct {
		row        string
		devices    []string
		asid       string
		candidates int
	}{
		{"one of our supplier's", []string{aDevice("Q8X01", own, key, "X26SG")}, own, 0},
		{"its code in other letters", []string{aDevice("q8x01", own, key, "x26sg")}, own, 0},
		{"without a party key, which is not needed", []string{aDevice("Q8X01", own, "", "X26SG")}, own, 0},
		{"without an owner", []string{aDevice("", own, key, "X26SG")}, own, 0},
		{"beside another supplier's at the same site", []string{aDevice("Q8X01", other, "Y99ZZ-8000099", "Y99ZZ"), aDevice("Q8X01", own, key, "X26SG")}, own, 0},
		{"beside one that does not say who made it", []string{aDevice("Q8X01", other, key, ""), aDevice("Q8X01", own, key, "X26SG")}, own, 0},
		{"beside another client's of the same supplier and key", []string{aDevice("R9Y02", other, key, "X26SG"), aDevice("Q8X01", own, key, "X26SG")}, own, 0},
		{"listed twice", []string{aDevice("Q8X01", own, key, "X26SG"), aDevice("Q8X01", own, key, "X26SG")}, own, 0},
		{"none", nil, "", 0},
		{"another supplier's alone", []string{aDevice("Q8X01", own, "Y99ZZ-8000099", "Y99ZZ")}, "", 0},
		{"no manufacturer in the record", []string{aDevice("Q8X01", own, key, "")}, "", 0},
		{"another client's alone", []string{aDevice("R9Y02", own, key, "X26SG")}, "", 0},
		{"no ASID", []string{aDevice("Q8X01", "", key, "X26SG")}, "", 0},
		{"an ASID that lost its zeros", []string{aDevice("Q8X01", "115", key, "X26SG")}, "", 0},
		{"two of our supplier's", []string{aDevice("Q8X01", own, key, "X26SG"), aDevice("Q8X01", other, key, "X26SG")}, "", 2},
	} {
		bubble(t, tt.row, func(t *testing.T) {
			s, client := start(t, nil)
			answering(t, s, simulator.SDSDevice, aBundle(tt.devices...))
			got, err := client.Sender(t.Context(), own115(t))
			if got.ASID.String() != tt.asid || (err == nil) != (tt.asid != "") {
				t.Fatalf("%s, %v; want %q", got.ASID, err, tt.asid)
			}
			if e := fault.Of(err); e != nil && (e.Reason != unknown || e.Operator == "" || len(e.Candidates) != tt.candidates) {
				t.Errorf("%v with %v: %s", err, e.Candidates, e.Operator)
			}
		})
	}
}

func own115(t *testing.T) sds.SenderQuestion {
	t.Helper()
	return sds.SenderQuestion{
		Consumer: question(t, "Q8X01").ODS, Manufacturer: question(t, "X26SG").ODS, Interaction: nhs.SearchSlot,
	}
}
