package gpconnect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
)

// numbered is an identifier of a number.
func numbered(digits string) string { return numberSystemJSON + digits + `"}` }

// ways are how another person can stand in a Bundle, beside the patient: each %s is an identifier of theirs. None holds
// anything else that shows them.
var ways = map[string]string{
	"a Patient in a nested Bundle":             `{"resource":{"resourceType":"Bundle","id":"b","entry":[{"resource":{"resourceType":"Patient","id":"q","identifier":[%s]}}]}}`,
	"a Patient in Parameters":                  `{"resource":{"resourceType":"Parameters","id":"b","parameter":[{"resource":{"resourceType":"Patient","id":"q","identifier":[%s]}}]}}`,
	"a number in Parameters":                   `{"resource":{"resourceType":"Parameters","id":"b","parameter":[{"valueIdentifier":%s}]}}`,
	"a contained Patient":                      `{"resource":{"resourceType":"Condition","contained":[{"resourceType":"Patient","id":"q","identifier":[%s]}]}}`,
	"contained in a contained resource":        `{"resource":{"resourceType":"Condition","contained":[{"resourceType":"Observation","contained":[{"resourceType":"Patient","identifier":[%s]}]}]}}`,
	"contained, without an array":              `{"resource":{"resourceType":"Condition","contained":{"resourceType":"Patient","identifier":[%s]}}}`,
	"contained, in arrays of arrays":           `{"resource":{"resourceType":"Condition","contained":[[{"resourceType":"Patient","identifier":[%s]}]]}}`,
	"contained, with one identifier":           `{"resource":{"resourceType":"Condition","contained":[{"resourceType":"Patient","identifier":%s}]}}`,
	"contained, in other case":                 `{"resource":{"resourceType":"Condition","Contained":[{"resourceType":"Patient","identifier":[%s]}]}}`,
	"contained, of no type":                    `{"resource":{"resourceType":"Condition","contained":[{"identifier":[%s]}]}}`,
	"a Patient in other case":                  `{"resource":{"resourceType":"patient","id":"q","identifier":[%s]}}`,
	"a Patient whose type is in other case":    `{"resource":{"ResourceType":"Patient","resourceType":"Basic","id":"q","Identifier":[%s]}}`,
	"a Patient with a stranger's link":         `{"resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}],"link":[{"other":{"identifier":%s}}]}}`,
	"an outcome in the element's response":     `{"resource":{"resourceType":"Condition"},"response":{"outcome":{"resourceType":"Patient","identifier":[%s]}}}`,
	"an element that is a Patient":             `{"resource":{"resourceType":"Condition"},"resourceType":"Patient","identifier":[%s]}`,
	"an element with a subject":                `{"subject":{"identifier":%s},"resource":{"resourceType":"Condition"}}`,
	"an element without a resource":            `{"search":{"subject":{"identifier":%s}}}`,
	"a resource in other case":                 `{"resource":{"resourceType":"Condition"},"Resource":{"resourceType":"Patient","identifier":[%s]}}`,
	"a subject":                                `{"resource":{"resourceType":"Condition","subject":{"identifier":%s}}}`,
	"a subject's identifiers":                  `{"resource":{"resourceType":"Condition","subject":{"identifier":[{"value":"1"},%s]}}}`,
	"a subject in other case":                  `{"resource":{"resourceType":"Condition","Subject":{"Identifier":%s}}}`,
	"a subject within a subject":               `{"resource":{"resourceType":"Condition","subject":{"extension":[{"valueReference":{"subject":[{"identifier":%s}]}}]}}}`,
	"a participant":                            `{"resource":{"resourceType":"Encounter","participant":[{"actor":{"identifier":%s}}]}}`,
	"a performer":                              `{"resource":{"resourceType":"Observation","performer":[{"identifier":%s}]}}`,
	"a RelatedPerson":                          `{"resource":{"resourceType":"RelatedPerson","identifier":[%s]}}`,
	"an identifier in an extension":            `{"resource":{"resourceType":"Condition","extension":[{"valueIdentifier":%s}]}}`,
	"an identifier in meta":                    `{"resource":{"resourceType":"Condition","meta":{"security":[{"extension":[{"valueIdentifier":%s}]}]}}}`,
	"a security label":                         `{"resource":{"resourceType":"Condition","meta":{"security":[%s]}}}`,
	"where an id belongs":                      `{"resource":{"resourceType":"Condition","id":{"identifier":%s}}}`,
	"where a fullUrl belongs":                  `{"resource":{"resourceType":"Condition"},"fullUrl":[%s]}`,
	"where a version belongs":                  `{"resource":{"resourceType":"Condition","meta":{"versionId":%s}}}`,
	"where meta belongs":                       `{"resource":{"resourceType":"Condition","meta":[{"x":%s}]}}`,
	"where the system of an identifier stands": `{"resource":{"resourceType":"Condition","identifier":{"system":%s}}}`,
	"a null resource's element":                `{"resource":null,"x":[%s]}`,
}

// spellings are how a number can be written as an identifier.
var spellings = map[string]string{
	"as published":              numbered(otherDigits),
	"http":                      `{"system":"http://fhir.nhs.uk/Id/nhs-number","value":"9990000042"}`,
	"an older host":             `{"system":"http://fhir.nhs.net/Id/nhs-number","value":"9990000042"}`,
	"a slash behind":            `{"system":"https://fhir.nhs.uk/Id/nhs-number/","value":"9990000042"}`,
	"a version behind":          `{"system":"https://fhir.nhs.uk/Id/nhs-number|1.0","value":"9990000042"}`,
	"a fragment behind":         `{"system":"https://fhir.nhs.uk/Id/nhs-number#","value":"9990000042"}`,
	"white space around":        `{"system":" https://fhir.nhs.uk/Id/nhs-number\t","value":"9990000042"}`,
	"capitals":                  `{"system":"HTTPS://FHIR.NHS.UK/ID/NHS-NUMBER","value":"9990000042"}`,
	"another hyphen":            `{"system":"https://fhir.nhs.uk/Id/nhs_number","value":"9990000042"}`,
	"an OID":                    `{"system":"urn:oid:2.16.840.1.113883.2.1.4.1","value":"9990000042"}`,
	"an OID in capitals":        `{"system":"URN:OID:2.16.840.1.113883.2.1.4.1","value":"9990000042"}`,
	"a bare OID":                `{"system":"2.16.840.1.113883.2.1.4.1","value":"9990000042"}`,
	"an escaped system":         `{"system":"https:\/\/fhir.nhs.uk\/Id\/nhs\u002dnumber","value":"9990000042"}`,
	"several systems":           `{"system":["x","https://fhir.nhs.uk/Id/nhs-number"],"value":"9990000042"}`,
	"names in other case":       `{"System":"https://fhir.nhs.uk/Id/nhs-number","VALUE":"9990000042"}`,
	"the value first":           `{"value":"9990000042","type":{"coding":[{"system":"x","code":"y"}]},"system":"https://fhir.nhs.uk/Id/nhs-number"}`,
	"spaces":                    numbered(`999 000 0042`),
	"hyphens":                   numbered(`999-000-0042`),
	"non-breaking spaces":       numbered("999\u00a0000\u00a00042"),
	"thin spaces":               numbered("999\u2009000\u202f0042"),
	"escaped spaces":            numbered(`999\u2009000\t0042`),
	"points and a prefix":       numbered(`NHS No. 999.000.0042`),
	"an invisible mark":         numbered("\ufeff9990000042\u200b"),
	"a number":                  `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":9990000042}`,
	"a number with an exponent": `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":9.990000042e9}`,
	"several values":            `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":["9990000018","9990000042"]}`,
	"the right number, twice":   `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000042","Value":"9990000018"}`,
}

func TestAnotherPersonNeverPasses(t *testing.T) {
	before := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + patientOf("p", askedDigits) + `},{"resource":` + theOrganization + `}`
	expect := func(t *testing.T, content string, released int) {
		t.Helper()
		got := readRecord(t, content, problems())
		if fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_WRONG_PATIENT || got.summary != nil || len(got.entries) != released {
			t.Errorf("%.400s: released %s, %v", content, got.order, got.err)
		}
	}
	for way, element := range ways {
		t.Run(way, func(t *testing.T) {
			element := strings.Replace(element, "%s", numbered(otherDigits), 1)
			expect(t, before+","+element+"]}", 2)
			// Held back before the Patient was seen, nothing at all is released.
			expect(t, `{"resourceType":"Bundle","entry":[`+element+`,{"resource":`+patientOf("p", askedDigits)+`}]}`, 0)
		})
	}
	for spelling, identifier := range spellings {
		t.Run(spelling, func(t *testing.T) {
			for _, way := range []string{"a contained Patient", "a subject", "a subject's identifiers", "a performer", "contained, with one identifier"} {
				expect(t, before+","+strings.Replace(ways[way], "%s", identifier, 1)+"]}", 2)
			}
		})
	}
	for member, value := range map[string]string{
		"subject": `{"identifier":%s}`, "contained": `[{"resourceType":"Patient","identifier":[%s]}]`, "identifier": `%s`,
		"signature": `{"whoReference":{"identifier":%s}}`, "id": `{"x":%s}`, "Entry": `[{"resource":{"resourceType":"Patient","identifier":[%s]}}]`,
	} {
		t.Run("the Bundle's "+member, func(t *testing.T) {
			member := `"` + member + `":` + strings.Replace(value, "%s", numbered(otherDigits), 1)
			expect(t, before+`],`+member+`}`, 2)
			// With the end in sight when the first entry would be released, nothing is.
			expect(t, `{"resourceType":"Bundle","entry":[{"resource":`+patientOf("p", askedDigits)+`}],`+member+`}`, 0)
			expect(t, strings.Replace(before, `"entry"`, member+`,"entry"`, 1)+"]}", 0)
		})
	}
}

func TestThePatientsOwnNumberPassesWhereverItIs(t *testing.T) {
	for way, element := range ways {
		if way == "a Patient in other case" || way == "a Patient with a stranger's link" {
			continue // a second Patient, which is a warning of its own
		}
		content := `{"resourceType":"Bundle","entry":[{"resource":` + patientOf("p", askedDigits) + `},` + strings.Replace(element, "%s", numbered(askedDigits), 1) + `]}`
		if got := readRecord(t, content, problems()); got.err != nil || got.summary == nil || len(got.entries) != 2 {
			t.Errorf("%s: released %s, %v", way, got.order, got.err)
		}
	}
}

func TestWhatIsNobodysNumberIsNoProof(t *testing.T) {
	for name, identifier := range map[string]string{
		"another system":         `{"system":"https://fhir.nhs.uk/Id/local-number","value":"9990000042"}`,
		"a longer system":        `{"system":"https://fhir.nhs.uk/STU3/CodeSystem/CareConnect-NHSNumberVerificationStatus-1","value":"9990000042"}`,
		"no system":              `{"value":"9990000042"}`,
		"a wrong check digit":    numbered("9990000043"),
		"too many digits":        numbered("99900000421"),
		"too few":                numbered("999000004"),
		"nothing":                numbered(""),
		"text":                   `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"unknown"}`,
		"no text":                `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":{"x":null}}`,
		"half a number":          `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":999000004.2}`,
		"a value of another one": `{"system":"https://fhir.nhs.uk/Id/nhs-number","assigner":{"value":"9990000042"}}`,
	} {
		content := bundleOf(patientOf("p", askedDigits), `{"resourceType":"Condition","subject":{"reference":"Patient/p"},"identifier":[`+identifier+`]}`)
		if got := readRecord(t, content, problems()); got.err != nil || len(got.warnings) > 0 {
			t.Errorf("%s: %v, %d warnings", name, got.err, len(got.warnings))
		}
	}
}

func TestAPatientThatIsNotOneForEverybodyOpensNothing(t *testing.T) {
	for _, resource := range []string{
		strings.Replace(patientOf("p", askedDigits), `"Patient"`, `"patient"`, 1),
		strings.Replace(patientOf("p", askedDigits), `"resourceType"`, `"ResourceType"`, 1),
		`{"resourceType":"Condition","contained":[` + patientOf("p", askedDigits) + `]}`,
		`{"resourceType":"Bundle","entry":[{"resource":` + patientOf("p", askedDigits) + `}]}`,
	} {
		if got := readRecord(t, bundleOf(resource), problems()); fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT {
			t.Errorf("%.60s: %v", resource, got.err)
		}
	}
	for _, resource := range []string{
		`{"resourceType":"PATIENT","id":"q"}`,
		strings.Replace(patientOf("p", askedDigits), `"identifier":[`, `"identifier":[[`, 1),
		`{"resourceType":"Patient","id":"q","identifier":` + numbered(askedDigits) + `}`,
	} {
		resource = strings.Replace(resource, `"}],"name"`, `"}]],"name"`, strings.Count(resource, "[["))
		got := readRecord(t, bundleOf(patientOf("p", askedDigits), resource), problems())
		if fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED {
			t.Errorf("%.60s: %v", resource, got.err)
		}
	}
}

func TestAPatientInsideWithoutANumberIsAWarning(t *testing.T) {
	for _, element := range []string{
		`{"resource":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"x"}}]}}`,
		`{"resource":{"resourceType":"Condition","contained":{"resourceType":"Patient","id":"x"}}}`,
		`{"resource":{"resourceType":"Condition","subject":{"reference":"#x"},"contained":[{"resourceType":"Patient","id":"x"}]}}`,
		`{"resource":{"resourceType":"Condition"},"resourceType":"Patient"}`,
		`{"resource":{"resourceType":"Condition","ResourceType":"patient"}}`,
		`{"resource":{"resourceType":"Condition","subject":"Patient/elsewhere"}}`,
		`{"resource":{"resourceType":"Condition"},"subject":{"reference":"Patient/elsewhere"}}`,
	} {
		got := readRecord(t, `{"resourceType":"Bundle","entry":[{"resource":`+patientOf("p", askedDigits)+`},`+element+`]}`, problems())
		want := []Warning{{Kind: SubjectUnresolved, Position: -1, Total: 1}}
		if diff := cmp.Diff(want, got.warnings); got.err != nil || diff != "" {
			t.Errorf("%s: %v, warnings (-want +got):\n%s", element, got.err, diff)
		}
	}
}

func TestFindPatientRefusesAnotherPersonBesideTheEntries(t *testing.T) {
	content := strings.TrimSuffix(bundleOf(patientOf("p", askedDigits)), "}") + `,"subject":{"identifier":` + numbered(otherDigits) + `}}`
	_, err := findPatient(fhir.NewBundleReader(strings.NewReader(content), fhir.Limits{}), number(t, askedDigits))
	if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_WRONG_PATIENT {
		t.Errorf("error is %v", err)
	}
}
