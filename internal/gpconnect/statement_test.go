package gpconnect

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// areaSupports is a statement's areas as one letter each: + declared, - not declared, ? unknown.
func areaSupports(s *Statement) string {
	out := ""
	for _, a := range s.Areas {
		out += map[Support]string{0: "?", Declared: "+", NotDeclared: "-"}[a.Support]
	}
	return out
}

func TestParseStatement(t *testing.T) {
	const operation = `"operation":[{"name":"$gpc.getstructuredrecord","definition":{"reference":"https://fhir.nhs.uk/STU3/OperationDefinition/GPConnect-GetStructuredRecord-Operation-1`
	for _, tt := range []struct {
		name, members string
		structured    bool
		version       string
		areas         string
	}{
		{"by the operation's edition", `"version":"1.2.7","rest":[{` + operation + `/_history/1.16"}}]}]`, true, "1.2.7", "+++++++++?"},
		{"by an older edition", `"version":"1.6.2","rest":[{` + operation + `/_history/1.12"}}]}]`, true, "1.6.2", "++-------?"},
		{"by the version when the edition says nothing", `"version":"1.5.1-beta","rest":[{` + operation + `"}}]}]`, true, "1.5.1-beta", "+++++++++?"},
		{"by the version when the edition is between", `"version":"1.2.6","rest":[{` + operation + `/_history/1.13"}}]}]`, true, "1.2.6", "++-------?"},
		{"by profiles", `"version":"x","profile":[{"reference":"https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-AllergyIntolerance-1"},{"reference":"a/CareConnect-GPC-Encounter-1/_history/1.5"}],"rest":[{` + operation + `"}}]}]`, true, "", "+-+-------"},
		{"by nothing", `"rest":[{` + operation + `"}}]}]`, true, "", "??????????"},
		{"without the operation where it would be", `"version":"1.6.2","rest":[{}]`, true, "1.6.2", "----------"},
		{"without the operation elsewhere", `"version":"1.6.2","rest":[{"resource":[{"type":"Slot","interaction":[{"code":"search-type"}]}]}]`, false, "1.6.2", ""},
		{"with it elsewhere", `"version":"1.2.7","rest":[{` + operation + `/_history/1.12"}}]}]`, false, "1.2.7", "++-------?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := []byte(`{` + tt.members + `,"resourceType":"CapabilityStatement"}`)
			s, err := parseStatement(text, tt.structured)
			if err != nil {
				t.Fatal(err)
			}
			if s.Version.String() != tt.version || areaSupports(s) != tt.areas || string(s.JSON) != string(text) {
				t.Errorf("version %q, areas %q", s.Version, areaSupports(s))
			}
		})
	}
}

func TestParseStatementRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"resourceType":"OperationOutcome"}`, `{"resourceType":"CapabilityStatement","rest":{}}`,
		`{"resourceType":"CapabilityStatement","version":"1","version":"2"}`, `{"resourceType":"CapabilityStatement"`,
	} {
		if _, err := parseStatement([]byte(text), true); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ANSWER_INVALID {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPublishedStatements(t *testing.T) {
	const root = "../../../shared/fixtures/gpconnect/capability"
	for name, want := range map[string]struct {
		version, software, areas string
		operations               []string
		resources                int
	}{
		"foundations-appointments-1.2.7.json": {"1.2.7", "", "++--------", []string{"gpc.registerpatient", "gpc.getstructuredrecord"}, 6},
		"demonstrator-combined-1.6.0.json":    {"", "HAPI FHIR Server", "+++++++++-", []string{"gpc.registerpatient", "gpc.getstructuredrecord"}, 6},
		"demonstrator-structured-1.6.0.json":  {"", "HAPI FHIR Server", "++++++++++", []string{"gpc.getstructuredrecord"}, 0},
		"documents-1.6.2.json":                {"1.6.2", "", "", nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Skip("published statements are not beside the checkout (" + root + ")")
			}
			s, err := parseStatement(text, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.operations, s.Operations, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
			if s.Version.String() != want.version || areaSupports(s) != want.areas || len(s.Resources) != want.resources ||
				want.software != "" && s.SoftwareName != want.software {
				t.Errorf("version %q, software %q, areas %s, %d resources", s.Version, s.SoftwareName, areaSupports(s), len(s.Resources))
			}
		})
	}
	t.Run("the one that is no JSON", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(root, "structured-1.6.2.AS-PUBLISHED.txt"))
		if err != nil {
			t.Skip("published statements are not beside the checkout (" + root + ")")
		}
		if _, err := parseStatement(text, true); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ANSWER_INVALID {
			t.Errorf("error is %v", err)
		}
	})
}
