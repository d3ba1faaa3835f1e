package sds

import (
	"fmt"
	"strings"
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

func question(t testing.TB) Question {
	t.Helper()
	ods, err := nhs.ParseODSCode("P99001")
	if err != nil {
		t.Fatal(err)
	}
	return Question{ODS: ods, Interaction: nhs.SearchSlot}
}

// entry is an Endpoint, or without an owner a Device, of a bundle. Empty members are left out.
func entry(kind, owner, interaction, address, key, asid, supplier string) string {
	var members, identifiers, extensions []string
	member := func(text, format string, into *[]string) {
		if text != "" {
			*into = append(*into, fmt.Sprintf(format, text))
		}
	}
	member(kind, `"resourceType":%q`, &members)
	member(address, `"address":%q`, &members)
	member(owner, `"managingOrganization":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":%q}}`, &members)
	member(key, `{"system":"https://fhir.nhs.uk/Id/nhsMhsPartyKey","value":%q}`, &identifiers)
	member(asid, `{"system":"https://fhir.nhs.uk/Id/nhsSpineASID","value":%q}`, &identifiers)
	member("x", `{"system":"https://fhir.nhs.uk/Id/nhsMHSId","value":%q}`, &identifiers)
	member(interaction, `{"url":"https://fhir.nhs.uk/StructureDefinition/Extension-SDS-NhsServiceInteractionId","valueReference":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhsServiceInteractionId","value":%q}}}`, &extensions)
	member(supplier, `{"url":"https://fhir.nhs.uk/StructureDefinition/Extension-SDS-ManufacturingOrganisation","valueReference":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":%q}}}`, &extensions)
	members = append(members, `"identifier":[`+strings.Join(identifiers, ",")+`]`, `"extension":[`+strings.Join(extensions, ",")+`]`)
	return `{"resource":{` + strings.Join(members, ",") + `}}`
}

func bundleOf(entries ...string) []byte {
	return []byte(`{"resourceType":"Bundle","type":"searchset","total":9,"entry":[` + strings.Join(entries, ",") + `]}`)
}

const root, slot = "https://gp.example/P99001/STU3/1/gpconnect", string(nhs.SearchSlot)

func mhs(address, key string) string { return entry("Endpoint", "P99001", slot, address, key, "", "") }

func as(key, asid, supplier string) string { return entry("Device", "", slot, "", key, asid, supplier) }

func TestChooseEndpoint(t *testing.T) {
	good := mhs(root, "P99001-800123")
	for _, tt := range []struct {
		name    string
		entries []string
		address string
		reason  pb.ErrorReason
		parties []string
	}{
		{"one", []string{good}, root, 0, nil},
		{"one, registered twice", []string{good, good}, root, 0, nil},
		{"one, its key written differently", []string{good, mhs(root, " p99001-800123")}, root, 0, nil},
		{"the owner in other letters", []string{entry("Endpoint", "p99001", slot, root, "P99001-800123", "", "")}, root, 0, nil},
		{"a trailing slash stays", []string{mhs(root+"/", "P99001-800123")}, root + "/", 0, nil},
		{"one beside a consumer's binding", []string{mhs("https://consumer.example/", "P99001-800999"), good}, root, 0, nil},
		{"a binding without a path alone", []string{mhs("https://gp.example", "P99001-800123")}, "https://gp.example", 0, nil},
		{"one beside another organisation's", []string{entry("Endpoint", "X26", slot, "https://x.example/x", "X26-800123", "", ""), good}, root, 0, nil},
		{"one beside another interaction's", []string{entry("Endpoint", "P99001", slot+"0", "https://x.example/x", "X26-800123", "", ""), good}, root, 0, nil},
		{"one beside what does not say whose it is", []string{entry("Endpoint", "", slot, "https://x.example/x", "X26-800123", "", ""), good}, root, 0, nil},
		{"one beside another kind", []string{entry("Device", "P99001", slot, "https://x.example/x", "X26-800123", "", ""), good}, root, 0, nil},
		{"one beside a registration without address", []string{mhs("", "P99001-800123"), good}, root, 0, nil},
		{"none", nil, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND, nil},
		{"none of ours", []string{entry("Endpoint", "X26", slot, root, "X26-800123", "", "")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND, nil},
		{"no address", []string{mhs("", "P99001-800123"), mhs("  ", "P99001-800123")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, nil},
		{"no party key", []string{mhs(root, "")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, nil},
		{"a party key that is a filter", []string{mhs(root, "P99001-800123)(x=*")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, nil},
		{"clear text", []string{mhs("http://gp.example/x", "P99001-800123")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED, nil},
		{"a private host", []string{mhs("https://169.254.169.254/x", "P99001-800123")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED, nil},
		{"two addresses", []string{good, mhs("https://other.example/P99001", "P99001-800123")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, []string{"P99001-800123", "P99001-800123"}},
		{"two party keys", []string{good, mhs(root, "P99001-800124")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, []string{"P99001-800123", "P99001-800124"}},
		{"two without a path", []string{mhs("https://a.example/", "P99001-800123"), mhs("https://b.example/", "P99001-800124")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, []string{"P99001-800123", "P99001-800124"}},
		{"one complete and one without a key", []string{good, mhs("https://other.example/P99001", "")}, "", pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, []string{"P99001-800123", ""}},
	} {
		// Whatever the order, the choice is the same.
		for _, entries := range [][]string{tt.entries, reversed(tt.entries)} {
			t.Run(tt.name, func(t *testing.T) {
				b, err := readBundle(bundleOf(entries...))
				if err != nil {
					t.Fatal(err)
				}
				all, err := b.endpoints(question(t))
				if err != nil {
					t.Fatal(err)
				}
				got, err := chooseEndpoint(all, spine.AddressPolicy{})
				if fault.ReasonOf(err) != tt.reason || got.address != tt.address {
					t.Fatalf("%q, %v; want %q, %s", got.address, err, tt.address, fault.ReasonName(tt.reason))
				}
				if tt.reason != 0 && len(fault.Of(err).Candidates) != len(tt.parties) {
					t.Errorf("candidates %v, want %v", fault.Of(err).Candidates, tt.parties)
				}
			})
		}
	}
}

func reversed(all []string) []string {
	var out []string
	for i := range all {
		out = append(out, all[len(all)-1-i])
	}
	return out
}

func TestChooseDevice(t *testing.T) {
	const key = "P99001-800123"
	for _, tt := range []struct {
		name           string
		entries        []string
		asid, supplier string
		reason         pb.ErrorReason
		candidates     int
	}{
		{"one", []string{as(key, "000000000042", "X26SG")}, "000000000042", "X26SG", 0, 0},
		{"one, named twice", []string{as(key, "918000000001", ""), as(key, "918000000001", "")}, "918000000001", "", 0, 0},
		{"the provider beside the practice's consumers", []string{as("X26-800001", "100000000001", ""), as(key, "918000000001", ""), as("", "100000000002", "")}, "918000000001", "", 0, 0},
		{"none", nil, "", "", pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND, 0},
		{"consumers only", []string{as("X26-800001", "100000000001", "")}, "", "", pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND, 0},
		{"no ASID", []string{as(key, "", "")}, "", "", pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, 0},
		{"an ASID that lost its zeros", []string{as(key, "42", "")}, "", "", pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, 0},
		{"one with and one without", []string{as(key, "918000000001", ""), as(key, "", "")}, "", "", pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE, 0},
		{"two", []string{as(key, "918000000001", ""), as(key, "918000000002", "")}, "", "", pb.ErrorReason_ERROR_REASON_DEVICE_AMBIGUOUS, 2},
	} {
		for _, entries := range [][]string{tt.entries, reversed(tt.entries)} {
			t.Run(tt.name, func(t *testing.T) {
				b, err := readBundle(bundleOf(entries...))
				if err != nil {
					t.Fatal(err)
				}
				party, err := nhs.ParsePartyKey(key)
				if err != nil {
					t.Fatal(err)
				}
				all, err := b.devices(party)
				if err != nil {
					t.Fatal(err)
				}
				got, err := chooseDevice(all, question(t).ODS, party)
				if fault.ReasonOf(err) != tt.reason || got.asid.String() != tt.asid || got.manufacturer.String() != tt.supplier {
					t.Fatalf("%v, %v", got, err)
				}
				if tt.candidates > 0 && len(fault.Of(err).Candidates) != tt.candidates {
					t.Errorf("candidates %v", fault.Of(err).Candidates)
				}
			})
		}
	}
}

func TestReadBundle(t *testing.T) {
	for text, want := range map[string]bool{
		`{"resourceType":"Bundle","total":0,"entry":[]}`:       true,
		`{"resourceType":"Bundle","total":0}`:                  true,
		`{"resourceType":"Bundle","entry":[{}]}`:               true,
		`{"resourceType":"OperationOutcome","issue":[]}`:       false,
		`{"resourceType":"Bundle","entry":{}}`:                 false,
		`{"resourceType":"Bundle","entry":[],"entry":[]}`:      false,
		`{"entry":[{"resource":{"resourceType":"Endpoint"}}]}`: false,
		`<html>`: false,
	} {
		b, err := readBundle([]byte(text))
		if (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
		if all, err := b.endpoints(question(t)); err != nil || len(all) != 0 {
			t.Errorf("%s: %v, %v", text, all, err)
		}
	}
	if b, err := readBundle(bundleOf(`{"resource":{"resourceType":"Endpoint","address":1}}`)); err != nil {
		t.Error(err)
	} else if _, err := b.endpoints(question(t)); err == nil {
		t.Error("an Endpoint of another shape is dropped as if it were not there")
	}
}

// Whatever SDS answers: what is chosen is complete and may be called, and its place in the answer is of no account.
func FuzzBundle(f *testing.F) {
	f.Add(bundleOf(mhs(root, "P99001-800123"), as("P99001-800123", "918000000001", "X26SG")))
	f.Add(bundleOf(mhs(root, "P99001-800123"), mhs("https://other.example/x", "P99001-800124")))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := readBundle(text)
		if err != nil {
			return
		}
		all, err := b.endpoints(question(t))
		if err != nil {
			return
		}
		got, err := chooseEndpoint(all, spine.AddressPolicy{})
		if err == nil && (got.key.IsZero() || (spine.AddressPolicy{}).Check(got.address) != nil) {
			t.Errorf("%+v was chosen", got)
		}
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
		other, otherErr := chooseEndpoint(all, spine.AddressPolicy{})
		if other != got || fault.ReasonOf(otherErr) != fault.ReasonOf(err) {
			t.Errorf("in another order: %+v, %v; was %+v, %v", other, otherErr, got, err)
		}
		party, err := nhs.ParsePartyKey("P99001-800123")
		if err != nil {
			t.Fatal(err)
		}
		devices, err := b.devices(party)
		if err != nil {
			return
		}
		if d, err := chooseDevice(devices, question(t).ODS, party); err == nil && d.asid.IsZero() {
			t.Error("a device without ASID was chosen")
		}
	})
}
