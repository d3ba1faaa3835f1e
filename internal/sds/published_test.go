package sds

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// published reads a file of the fixtures beside the checkout.
func published(t *testing.T, name string) []byte {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "shared", "fixtures", "sds")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// listed are the names of a folder's files.
func listed(t *testing.T, folder string) []string {
	t.Helper()
	published(t, "PROVENANCE.md")
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "sds", filepath.FromSlash(folder), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	var names []string
	for _, f := range files {
		names = append(names, folder+"/"+filepath.Base(f))
	}
	return names
}

// recorded is an exchange with the service itself.
type recorded struct {
	Response struct {
		Status int            `json:"status"`
		Body   jsontext.Value `json:"body"`
	} `json:"response"`
}

func readRecorded(t *testing.T, name string) recorded {
	t.Helper()
	var r recorded
	if err := json.Unmarshal(published(t, name), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Every published answer with Endpoints, and what is chosen in it for the organisation and interaction that it is about.
func TestPublishedEndpoints(t *testing.T) {
	const (
		ok      = pb.ErrorReason_ERROR_REASON_UNSPECIFIED
		refused = pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED
		none    = pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND
		psis    = "urn:nhs:names:services:psis:REPC_IN150016UK05"
		relay   = "https://msg.int.spine2.ncrs.nhs.uk/reliablemessaging/intermediary"
		request = "https://msg.opentest.hscic.gov.uk/reliablemessaging/reliablerequest"
		five    = "recorded/endpoint_200_five_interactions_one_party_key.json"
	)
	seen := map[string]bool{}
	for _, tt := range []struct {
		file, ods, interaction string
		reason                 pb.ErrorReason
		address, key           string
	}{
		// Their addresses are the owners' private test hosts.
		{"bundles/adaptor_single_endpoint.json", "org", "service:interaction", refused, "", ""},
		{"bundles/adaptor_multiple_endpoints.json", "org", "service:interaction", refused, "", ""},
		{"bundles/adaptor_single_endpoint.json", "other", "service:interaction", none, "", ""},
		{"bundles/adaptor_single_device.json", "org", "service:interaction", none, "", ""},
		{"bundles/adaptor_multiple_devices.json", "org", "service:interaction", none, "", ""},
		{"bundles/consumer_endpoint_no_address.json", "ABC123", nhs.SearchDocuments.String(), pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, "", ""},
		{"bundles/consumer_no_result.json", "ABC123", nhs.SearchDocuments.String(), none, "", ""},
		{"bundles/sandbox_endpoint.json", "YES", psis, ok, request, "YES-0000806"},
		{"bundles/sandbox_endpoint_forward_reliable.json", "X26", "urn:nhs:names:services:gp2gp:COPC_IN000001UK01", ok, relay, "X26-820918"},
		{"recorded/endpoint_200_one.json", "yes", psis, ok, request, "YES-0000806"},
		{"recorded/endpoint_200_one.json", "yes", psis + "0", none, "", ""},
		{five, "YES", psis, ok, request, "YES-0000806"},
		{five, "YES", "urn:nhs:names:services:pdsquery:QUPA_IN040000UK32", ok, "https://msg.opentest.hscic.gov.uk/sync-service", "YES-0000806"},
		{five, "YES", "urn:nhs:names:services:tms:ReliableIntermediary", ok, relay, "YES-0000806"},
		{"recorded/endpoint_200_empty.json", "ZZZ", psis, none, "", ""},
		{"recorded/device_200_empty.json", "B82617", nhs.GetStructuredRecord.String(), none, "", ""},
	} {
		seen[tt.file] = true
		t.Run(tt.file, func(t *testing.T) {
			text := published(t, tt.file)
			if strings.HasPrefix(tt.file, "recorded/") {
				text = readRecorded(t, tt.file).Response.Body
			}
			b, err := readBundle(text)
			if err != nil {
				t.Fatal(err)
			}
			ods, err := nhs.ParseODSCode(tt.ods)
			if err != nil {
				t.Fatal(err)
			}
			all, err := b.endpoints(Question{ODS: ods, Interaction: nhs.Interaction(tt.interaction)})
			if err != nil {
				t.Fatal(err)
			}
			got, err := chooseEndpoint(all, spine.AddressPolicy{})
			if fault.ReasonOf(err) != tt.reason || got.address != tt.address || got.key.String() != tt.key {
				t.Errorf("%q, %q, %v; want %q, %q, %s", got.address, got.key, err, tt.address, tt.key, fault.ReasonName(tt.reason))
			}
		})
	}
	for _, name := range append(listed(t, "bundles"), listed(t, "recorded")...) {
		if strings.HasPrefix(name, "recorded/") && readRecorded(t, name).Response.Status != 200 {
			continue // TestPublishedRefusals of the client's own package
		}
		if !seen[name] {
			t.Errorf("%s is looked at by nobody", name)
		}
	}
}

// The keys and ASIDs of the adaptor's own tests are none, so that nothing is chosen; they carry no other organisation's.
func TestPublishedDevices(t *testing.T) {
	for _, name := range []string{"bundles/adaptor_single_device.json", "bundles/adaptor_multiple_devices.json"} {
		b, err := readBundle(published(t, name))
		if err != nil {
			t.Fatal(err)
		}
		all, err := b.devicesThat(func(resource, device) bool { return true })
		if err != nil || len(all) == 0 || all[0].asid.String() != "928942012545" || !all[0].key.IsZero() {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
		if len(all) == 2 && !all[1].asid.IsZero() {
			t.Errorf("%s: %s is taken for an ASID", name, all[1].asid)
		}
	}
}

// Whatever the service makes of a row of the directory can be read, and what is missing in it is missing.
func TestPublishedResources(t *testing.T) {
	files := append(append(listed(t, "mapper/device"), listed(t, "mapper/endpoint")...), listed(t, "openapi/components/examples")...)
	for _, name := range files {
		text := strings.TrimSpace(string(published(t, name)))
		if strings.HasSuffix(name, ".in.json") || strings.HasSuffix(name, "Bundle.json") {
			continue // rows of the directory, which nobody but the service sees; and envelopes that refer to other files
		}
		text = `{"resourceType":"Bundle","entry":[{"resource":` + strings.TrimSuffix(strings.TrimPrefix(text, "["), "]") + `}]}`
		text = strings.ReplaceAll(text, "\n  },\n  {", "\n  }},\n  {\"resource\":{") // a row with two addresses makes two Endpoints
		b, err := readBundle([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		endpoints, err := b.resources("Endpoint")
		devices, err2 := b.resources("Device")
		if err := errors.Join(err, err2); err != nil || len(endpoints)+len(devices) == 0 {
			t.Errorf("%s: %d Endpoints, %d Devices, %v", name, len(endpoints), len(devices), err)
		}
		if strings.HasPrefix(name, "mapper/") {
			if kept, err := b.endpoints(question(t)); err != nil || len(kept) != 0 {
				t.Errorf("%s: %v is about another organisation, %v", name, kept, err)
			}
		}
	}
}
