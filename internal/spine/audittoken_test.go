package spine

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	conformance "github.com/spinegate/spinegate/internal/judge"
	"github.com/spinegate/spinegate/internal/nhs"
)

func claims(t interface{ Fatalf(string, ...any) }, token string) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] != "" {
		t.Fatalf("%d parts, and a signature %q", len(parts), parts[len(parts)-1])
	}
	// The constant of the SDS contract, E1: alg none, typ JWT and nothing else.
	if parts[0] != "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" {
		t.Fatalf("header %s", parts[0])
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatalf("payload: %v", err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("payload: %v", err)
	}
	return got
}

func identifiers(pairs ...string) []any {
	var all []any
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, map[string]any{"system": pairs[i], "value": pairs[i+1]})
	}
	return all
}

func TestAuditToken(t *testing.T) {
	q := requester(t)
	issued := time.Unix(1767225602, 999)
	token, err := auditToken(statement{requester: q, address: "https://gp.example/P99001/STU3/1/gpconnect", scope: readOrganisation}, issued)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": "https://gateway.spinegate.example/", "sub": "u-7731", "aud": "https://gp.example/P99001/STU3/1/gpconnect",
		"iat": float64(1767225600), "exp": float64(1767225900), "reason_for_request": "directcare",
		"requested_scope": "organization/*.read",
		"requesting_device": map[string]any{
			"resourceType": "Device", "identifier": identifiers("https://gateway.spinegate.example/Id/device", "gw-01"),
			"model": "Example Gateway", "version": "0.1.0",
		},
		"requesting_organization": map[string]any{
			"resourceType": "Organization", "name": "Example Urgent Care",
			"identifier": identifiers("https://fhir.nhs.uk/Id/ods-organization-code", "Q8X01"),
		},
		"requesting_practitioner": map[string]any{
			"resourceType": "Practitioner", "id": "u-7731",
			"identifier": identifiers("https://fhir.nhs.uk/Id/sds-user-id", "UNK", "https://fhir.nhs.uk/Id/sds-role-profile-id", "UNK",
				"https://gateway.spinegate.example/Id/user", "u-7731"),
			"name": []any{map[string]any{"family": "Okafor", "given": []any{"Ada"}, "prefix": []any{"Dr"}}},
		},
	}
	if diff := cmp.Diff(want, claims(t, token)); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	q.User.SDSUserID, q.User.RoleProfileID, q.User.Prefix = "555086689106", "555254239107", ""
	token, err = auditToken(statement{requester: q, address: "a", scope: readPatient}, issued)
	if err != nil {
		t.Fatal(err)
	}
	practitioner, _ := claims(t, token)["requesting_practitioner"].(map[string]any)
	if diff := cmp.Diff(map[string]any{
		"resourceType": "Practitioner", "id": "u-7731",
		"identifier": identifiers("https://fhir.nhs.uk/Id/sds-user-id", "555086689106",
			"https://fhir.nhs.uk/Id/sds-role-profile-id", "555254239107", "https://gateway.spinegate.example/Id/user", "u-7731"),
		"name": []any{map[string]any{"family": "Okafor", "given": []any{"Ada"}}},
	}, practitioner); diff != "" {
		t.Errorf("with a smartcard and without a title (-want +got):\n%s", diff)
	}
}

// Whatever a name holds, it arrives as it is and adds nothing; and what passes as a name holds no control character.
func TestNamesSurviveAndInjectNothing(t *testing.T) {
	base := requester(t)
	shape, err := auditToken(statement{requester: base, address: "a", scope: "s"}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	want := claims(t, shape)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			`","admin":true,"x":"`, `\"}`, "O'Neill-Ó Súilleabháin", "<b>&amp;</b>", "张伟", "a\u0000b", "x\r\nSsp-To: 1", "\u202e", "🩺",
		}))
		q := base
		q.User.Family, q.User.Given, q.User.ID = text.Draw(t, "family"), text.Draw(t, "given"), text.Draw(t, "id")
		if q.check() != nil {
			return
		}
		if strings.ContainsFunc(q.User.Family+q.User.Given+q.User.ID, unicode.IsControl) {
			t.Fatalf("a control character passed")
		}
		token, err := auditToken(statement{requester: q, address: "a", scope: "s"}, time.Unix(0, 0))
		if err != nil {
			t.Fatalf("%v", err)
		}
		got := claims(t, token)
		practitioner, _ := got["requesting_practitioner"].(map[string]any)
		name, _ := practitioner["name"].([]any)
		if diff := cmp.Diff([]any{map[string]any{"family": q.User.Family, "given": []any{q.User.Given}, "prefix": []any{"Dr"}}}, name); diff != "" {
			t.Fatalf("name (-want +got):\n%s", diff)
		}
		if got["sub"] != q.User.ID || practitioner["id"] != q.User.ID || len(got) != len(want) {
			t.Fatalf("claims %v", got)
		}
	})
}

// Each edition's tokens pass what acceptance tests ask of them, and not what they ask of the other's.
func TestAuditTokensOfBothEditions(t *testing.T) {
	q := requester(t)
	number, err := nhs.ParseNumber("9990000018")
	if err != nil {
		t.Fatal(err)
	}
	const address = "https://gp.example/P99001/STU3/1/gpconnect"
	for interaction, op := range operations {
		s := statement{requester: q, address: address, scope: op.scope, edition: op.edition, practice: ods(t, "P99001")}
		if op.scope != readOrganisation {
			s.patient = number
		}
		token, err := auditToken(s, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, as := range []nhs.Interaction{interaction, map[edition]nhs.Interaction{stu3: nhs.ReadHTMLMetadata, dstu2: nhs.ReadMetadata}[op.edition]} {
			rulings, err := conformance.AuditToken(token, conformance.Circumstances{Interaction: as.String(), Address: address})
			if err != nil {
				t.Fatal(err)
			}
			var broken []string
			for _, r := range rulings {
				if r.Why != "" {
					broken = append(broken, r.Rule.ID+": "+r.Why)
				}
			}
			if (len(broken) == 0) != (as == interaction) {
				t.Errorf("the token for %s, taken for one for %s: %v", interaction, as, broken)
			}
		}
	}
}
