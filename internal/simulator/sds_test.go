package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

const (
	ods          = "https://fhir.nhs.uk/Id/ods-organization-code|"
	interaction  = "https://fhir.nhs.uk/Id/nhsServiceInteractionId|"
	partyKey     = "https://fhir.nhs.uk/Id/nhsMhsPartyKey|"
	sdsCodes     = "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1"
	correlation  = "6d3d3674-7ce5-11ec-90d6-0242ac120003"
	correlations = "X-Correlation-Id"
)

// query builds a query of alternating names and values, in order.
func query(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
	}
	return "?" + strings.Join(parts, "&")
}

// searchset is an answer of SDS, as far as it can be relied on.
type searchset struct {
	ID    string
	Total int
	Link  []struct{ URL string }
	Entry []struct {
		FullURL  string
		Resource struct {
			ResourceType, ID, Address string
			Identifier                []struct{ System, Value string }
			Extension                 []struct {
				URL            string
				ValueReference struct{ Identifier struct{ Value string } }
			}
			Owner, ManagingOrganization struct{ Identifier struct{ Value string } }
		}
	}
}

// look asks SDS and returns the ASIDs or addresses found.
func (r *rig) look(path string, pairs ...string) (searchset, []string) {
	r.t.Helper()
	a := r.send(http.MethodGet, r.SDSURL()+path+query(pairs...), "", "apikey", r.DirectoryKey())
	var s searchset
	if err := json.Unmarshal(a.body, &s); err != nil || a.status != http.StatusOK {
		r.t.Fatalf("%d %s", a.status, a.body)
	}
	if s.Total != len(s.Entry) || !strings.Contains(compact(r.t, a.body), `"entry":[`) {
		r.t.Errorf("total %d, %d entries: %s", s.Total, len(s.Entry), a.body)
	}
	var found []string
	for _, e := range s.Entry {
		if path == "/Endpoint" {
			found = append(found, e.Resource.Address)
		} else {
			found = append(found, e.Resource.Identifier[0].Value)
		}
	}
	slices.Sort(found)
	return s, found
}

// TestSDSRefusals walks the checks of the SDS contract, A3.7, with the literal errors of A10.
func TestSDSRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	bad := func(reason string) issue {
		return issue{"error", "required", sdsCodes, "BAD_REQUEST", "Bad request", "HTTP 400: Bad Request (" + reason + ")"}
	}
	slot := interaction + nhs.SearchSlot.String()
	good := query("organization", ods+"A20047", "identifier", slot)
	const oneOrBoth = "Missing or invalid 'identifier' query parameter. Should be one or both of: " +
		"['identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value', 'identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value'"
	const organization = "Missing or invalid 'organization' query parameter. " +
		"Should be 'organization=https://fhir.nhs.uk/Id/ods-organization-code|value'"
	for _, tt := range []struct {
		name, method, path string
		headers            []string
		status             int
		want               issue
	}{
		{"a bad correlation id comes first", "GET", "/endpoint?colour=blue", []string{correlations, "abc"}, 400, bad(
			"Invalid X-Correlation-ID header. Should be an UUIDv4 matching regex " +
				"'^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'")},
		{"lower-case path", "GET", "/endpoint" + good, nil, 404, issue{
			"error", "not-found", sdsCodes, "NO_RECORD_FOUND", "No record found", "HTTP endpoint not found",
		}},
		{"read by id", "GET", "/Endpoint/1", nil, 404, issue{
			"error", "not-found", sdsCodes, "NO_RECORD_FOUND", "No record found", "HTTP endpoint not found",
		}},
		{"POST", "POST", "/Endpoint", nil, 405, issue{
			"error", "not-supported", sdsCodes, "NOT_IMPLEMENTED", "Not implemented", "HTTP operation not supported",
		}},
		{"unknown parameter", "GET", "/Endpoint" + good + "&colour=blue", nil, 400, bad("Illegal query parameter 'colour'")},
		{
			"manufacturer of an Endpoint", "GET", "/Endpoint" + good + "&manufacturing-organization=x", nil, 400,
			bad("Illegal query parameter 'manufacturing-organization'"),
		},
		{
			"parameter names before prefixes", "GET", "/Endpoint" + query("organization", "A20047", "_count", "1"), nil, 400,
			bad("Illegal query parameter '_count'"),
		},
		{"no system", "GET", "/Endpoint" + query("organization", "A20047", "identifier", slot), nil, 400, bad(organization)},
		{"one bad identifier poisons", "GET", "/Endpoint" + query("organization", ods+"A20047", "identifier", slot,
			"identifier", "https://fhir.nhs.uk/Id/nhsEndpointServiceId|x"), nil, 400, bad(oneOrBoth)},
		{"organization alone", "GET", "/Endpoint" + query("organization", ods+"A20047"), nil, 400, bad(
			"Missing or invalid query parameters. Should one of following combinations: [" +
				"'organization=https://fhir.nhs.uk/Id/ods-organization-code|value&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value'" +
				"'organization=https://fhir.nhs.uk/Id/ods-organization-code|value&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value'" +
				"'organization=https://fhir.nhs.uk/Id/ods-organization-code|value&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value'" +
				"'identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value']")},
		{
			"Device without interaction", "GET", "/Device" + query("organization", ods+"A20047", "identifier", partyKey+"x"),
			nil, 400, bad("Missing or invalid 'identifier' query parameter. " +
				"Should be 'identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value'"),
		},
		{"Device without organization", "GET", "/Device" + query("identifier", slot), nil, 400, bad(organization)},
		{
			"an empty value is an absent one", "GET", "/Device" + query("organization", ods, "identifier", slot), nil, 400,
			bad(organization),
		},
		{"Accept after the combination", "GET", "/Endpoint", []string{"Accept", "text/html"}, 400, bad(
			"Missing or invalid query parameters. Should one of following combinations: [" +
				"'organization=https://fhir.nhs.uk/Id/ods-organization-code|value&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value'" +
				"'organization=https://fhir.nhs.uk/Id/ods-organization-code|value&identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value'" +
				"'organization=https://fhir.nhs.uk/Id/ods-organization-code|value&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value'" +
				"'identifier=https://fhir.nhs.uk/Id/nhsServiceInteractionId|value&identifier=https://fhir.nhs.uk/Id/nhsMhsPartyKey|value']")},
		{
			"Accept with a charset", "GET", "/Endpoint" + good,
			[]string{"Accept", "application/fhir+json;charset=utf-8"},
			406,
			issue{
				"error", "not-supported", sdsCodes, "MISSING_OR_INVALID_HEADER",
				"There is a required header missing or invalid", "Accept type not supported",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.send(tt.method, r.SDSURL()+tt.path, "", append(tt.headers, "apikey", r.DirectoryKey())...)
			if a.status != tt.status || a.header.Get("Content-Type") != "application/fhir+json" {
				t.Errorf("%d %s, want %d", a.status, a.header.Get("Content-Type"), tt.status)
			}
			if diff := cmp.Diff(tt.want, issueOf(t, a.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if id := a.header.Get(correlations); !strings.Contains(string(a.body), `"id": "`+id+`"`) || id == "abc" {
				t.Errorf("the outcome is not called after the correlation id %q", id)
			}
		})
	}
}

func TestSDSGateway(t *testing.T) {
	r := start(t, simulator.Options{})
	for _, key := range []string{"", "wrong"} {
		a := r.send(http.MethodGet, r.SDSURL()+"/endpoint", "", "apikey", key)
		i := issueOf(t, a.body)
		if a.status != http.StatusUnauthorized || a.header.Get("Content-Type") != "application/json" ||
			i.System != pdsCodes || i.Code != "UNKNOWN_ERROR" || !strings.Contains(i.Display, "(Message ID: ") {
			t.Errorf("key %q: %d %s", key, a.status, a.body)
		}
	}
	// What the filter makes of unbalanced parentheses is a fault of the service, whose body the gateway hides.
	a := r.send(http.MethodGet, r.SDSURL()+"/Endpoint"+query("organization", ods+"A2(", "identifier", interaction+"x"), "",
		"apikey", r.DirectoryKey())
	if a.status != http.StatusInternalServerError || issueOf(t, a.body).Code != "UNKNOWN_ERROR" {
		t.Errorf("a broken filter: %d %s", a.status, a.body)
	}
}

func TestSDSMediaTypes(t *testing.T) {
	r := start(t, simulator.Options{})
	good := r.SDSURL() + "/Endpoint" + query("organization", ods+"A20047", "identifier", interaction+nhs.SearchSlot.String())
	for accept, want := range map[string]string{
		"":                                    "application/fhir+json",
		"*/*":                                 "application/fhir+json",
		"application/json":                    "application/json",
		"text/html, Application/FHIR+JSON":    "application/fhir+json",
		"application/json;q=0.9, text/html":   "",
		"application/fhir+json; charset=utf8": "",
	} {
		headers := []string{"apikey", r.DirectoryKey()}
		if accept != "" {
			headers = append(headers, "Accept", accept)
		}
		a := r.send(http.MethodGet, good, "", headers...)
		if want == "" {
			if a.status != http.StatusNotAcceptable {
				t.Errorf("Accept %q: %d, want 406", accept, a.status)
			}
			continue
		}
		if got := a.header.Get("Content-Type"); a.status != http.StatusOK || got != want {
			t.Errorf("Accept %q: %d %q, want %q", accept, a.status, got, want)
		}
	}
}

func TestSDSFinds(t *testing.T) {
	r := start(t, simulator.Options{})
	slot, record := interaction+nhs.SearchSlot.String(), interaction+nhs.GetStructuredRecord.String()
	for _, tt := range []struct {
		name, path string
		pairs      []string
		want       []string
	}{
		{
			"an address", "/Endpoint",
			[]string{"organization", ods + "A20047", "identifier", slot},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{
			"another root for another capability", "/Endpoint",
			[]string{"organization", ods + "A20047", "identifier", record},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect/structured"},
		},
		{
			"one root for all at an older practice", "/Endpoint",
			[]string{"organization", ods + "B84001", "identifier", record},
			[]string{"https://gp.b84001.example/B84001/STU3/1/gpconnect"},
		},
		{
			"no documents at an older practice", "/Endpoint",
			[]string{"organization", ods + "B84001", "identifier", interaction + nhs.ReadDocument.String()},
			nil,
		},
		{"two systems", "/Endpoint", []string{"organization", ods + "C81002", "identifier", slot}, []string{
			"https://gp.c81002.example/C81002/STU3/1/gpconnect", "https://gp2.c81002.example/C81002/STU3/1/gpconnect",
		}},
		{"no registration", "/Endpoint", []string{"organization", ods + "D82003", "identifier", slot}, nil},
		{"an unknown organisation", "/Endpoint", []string{"organization", ods + "ZZZ99", "identifier", slot}, nil},
		{
			"by party key", "/Endpoint",
			[]string{"identifier", partyKey + "A20047-8000001", "identifier", slot},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{
			"in lower case", "/Endpoint",
			[]string{"organization", ods + "a20047", "identifier", slot},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{
			"with trailing blanks", "/Endpoint",
			[]string{"organization", ods + "A20047  ", "identifier", slot},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{"not with a blank after the pipe", "/Endpoint", []string{"organization", ods + " A20047", "identifier", slot}, nil},
		{
			"the last value of a system", "/Endpoint",
			[]string{"organization", ods + "B84001", "organization", ods + "A20047", "identifier", slot, "identifier", partyKey},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{
			"any practice, by a wildcard", "/Endpoint",
			[]string{"organization", ods + "A2*", "identifier", slot},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{
			"another filter, by parentheses", "/Endpoint",
			[]string{"organization", ods + "A20047)(nhsMhsSvcIA=" + nhs.SearchSlot.String(), "identifier", interaction + "*"},
			[]string{"https://gp.a20047.example/A20047/STU3/1/gpconnect"},
		},
		{
			"a practice's own system, by party key", "/Device",
			[]string{"organization", ods + "A20047", "identifier", slot, "identifier", partyKey + "A20047-8000001"},
			[]string{"918000000001"},
		},
		{
			"its consumer system too, without", "/Device",
			[]string{"organization", ods + "A20047", "identifier", slot},
			[]string{"200000080000", "918000000001"},
		},
		{
			"a consumer's own system, by manufacturer", "/Device",
			[]string{"organization", ods + "Q8X01", "identifier", slot, "manufacturing-organization", ods + "X26SG"},
			[]string{"200000000115"},
		},
		{"a consumer's own system, with the supplier's party key", "/Device", []string{
			"organization", ods + "R9Y02", "identifier", slot, "identifier", partyKey + "X26SG-8000001",
			"manufacturing-organization", ods + "X26SG",
		}, []string{"200000000222"}},
		{
			"two systems of a consumer, without", "/Device",
			[]string{"organization", ods + "Q8X01", "identifier", slot},
			[]string{"200000000115", "200000090000"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, found := r.look(tt.path, tt.pairs...)
			if diff := cmp.Diff(tt.want, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSDSEnvelope(t *testing.T) {
	r := start(t, simulator.Options{})
	upper := regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)
	pairs := []string{"organization", ods + "A20047", "identifier", interaction + nhs.SearchSlot.String()}
	first, _ := r.look("/Endpoint", pairs...)
	second, _ := r.look("/Endpoint", pairs...)
	if first.ID == second.ID || first.Entry[0].Resource.ID == second.Entry[0].Resource.ID {
		t.Error("an id came twice")
	}
	for _, id := range []string{first.ID, first.Entry[0].Resource.ID} {
		if !upper.MatchString(id) {
			t.Errorf("id %q is no upper-case UUID", id)
		}
	}
	want := "http://sds-internal.spine.example/Endpoint?organization=" + ods + "A20047&identifier=" + interaction +
		nhs.SearchSlot.String()
	if got := first.Link[0].URL; got != want {
		t.Errorf("self link %q, want %q", got, want)
	}
	if got := first.Entry[0].FullURL; got != "http://sds-internal.spine.example/Endpoint/"+first.Entry[0].Resource.ID {
		t.Errorf("fullUrl %q", got)
	}
	e := first.Entry[0].Resource
	var systems []string
	for _, i := range e.Identifier {
		systems = append(systems, strings.TrimPrefix(i.System, "https://fhir.nhs.uk/Id/")+"="+i.Value)
	}
	if diff := cmp.Diff([]string{
		"nhsMhsFQDN=gp.a20047.example", "nhsMhsPartyKey=A20047-8000001", "nhsMhsCPAId=S918001A000010", "nhsMHSId=S918001A000010",
	}, systems); diff != "" {
		t.Errorf("identifiers (-want +got):\n%s", diff)
	}
	if e.ManagingOrganization.Identifier.Value != "A20047" ||
		e.Extension[0].ValueReference.Identifier.Value != nhs.SearchSlot.String() {
		t.Errorf("%+v", e)
	}
	devices, _ := r.look("/Device", append(pairs, "identifier", partyKey+"A20047-8000001")...)
	if d := devices.Entry[0].Resource; d.Owner.Identifier.Value != "A20047" || len(d.Extension) < 20 {
		t.Errorf("%+v", d)
	}
}
