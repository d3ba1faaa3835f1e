package gpconnect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// with adds members to a resource.
func with(resource, members string) string {
	return strings.TrimSuffix(resource, "}") + "," + members + "}"
}

// warned is a List that carries warnings.
func warned(list, note string, codes ...string) string {
	var extensions []string
	for _, c := range codes {
		extensions = append(extensions, `{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-ListWarningCode-1","valueCode":"`+c+`"}`)
	}
	return with(list, `"extension":[`+strings.Join(extensions, ",")+`],"note":[{"text":"`+note+`"}]`)
}

func emptyList(code, reason string) string {
	return `{"resourceType":"List","code":{"coding":[{"system":"http://snomed.info/sct","code":"` + code +
		`"}]},"emptyReason":{"coding":[{"code":"` + reason + `"}]}}`
}

func outcomeOf(severity, code, text, diagnostics string) string {
	return `{"resourceType":"OperationOutcome","issue":[{"severity":"` + severity + `","code":"not-supported","details":{"coding":[{"code":"` + code +
		`"}],"text":"` + text + `"},"diagnostics":"` + diagnostics + `"}]}`
}

func TestRecordJudgesAnArea(t *testing.T) {
	problem := listOf(problemsList, "Condition/c")
	secondary := `{"resourceType":"List","code":{"coding":[{"system":"https://fhir.hl7.org.uk/STU3/CodeSystem/GPConnect-SecondaryListValues-1","code":"problems-medications-related-to-problems"}]}}`
	for _, tt := range []struct {
		name      string
		resources []string
		want      AreaResult
		warnings  []Warning
		verdict   Verdict
	}{
		{"complete", []string{problem, condition}, AreaResult{Status: Complete, Listed: 1}, nil, Whole},
		{"listed by a title alone", []string{`{"resourceType":"List","title":"Problems"}`, condition}, AreaResult{Status: Failed, Unlisted: 1}, nil, Partial},
		{"listed by a code of another system", []string{strings.Replace(problem, "snomed.info/sct", "example.com", 1)}, AreaResult{Status: Failed}, nil, Partial},
		{"missing", nil, AreaResult{Status: Failed}, nil, Partial},
		{"recorded as empty", []string{emptyList(problemsList, "no-content-recorded")}, AreaResult{Status: RecordedAsEmpty, EmptyReason: "no-content-recorded"}, nil, Whole},
		{"empty without a reason", []string{listOf(problemsList)}, AreaResult{Status: RecordedAsEmpty}, nil, Whole},
		{"empty because withheld", []string{emptyList(problemsList, "withheld")}, AreaResult{Status: Withheld, EmptyReason: "withheld"}, nil, Warned},
		{"empty for another reason", []string{emptyList(problemsList, "unavailable")}, AreaResult{Status: Failed, EmptyReason: "unavailable"}, nil, Partial},
		{
			"everything withheld",
			[]string{warned(emptyList(problemsList, "no-content-recorded"), "Items excluded.", "confidential-items")},
			AreaResult{Status: Withheld, EmptyReason: "no-content-recorded", Warnings: []WarningKind{ConfidentialItems}},
			[]Warning{{Kind: ConfidentialItems, Area: Problems, Code: "confidential-items", Text: "Items excluded.", Position: 1, Total: 1}},
			Warned,
		},
		{
			"something withheld",
			[]string{condition, warned(problem, "n", "confidential-items")},
			AreaResult{Status: Withheld, Listed: 1, Warnings: []WarningKind{ConfidentialItems}},
			[]Warning{{Kind: ConfidentialItems, Area: Problems, Code: "confidential-items", Text: "n", Position: 2, Total: 1}},
			Warned,
		},
		{
			"in transit",
			[]string{condition, warned(problem, "n", "data-in-transit")},
			AreaResult{Status: InTransit, Listed: 1, Warnings: []WarningKind{DataInTransit}},
			[]Warning{{Kind: DataInTransit, Area: Problems, Code: "data-in-transit", Text: "n", Position: 2, Total: 1}},
			Warned,
		},
		{
			"all warnings together, all kept",
			[]string{condition, warned(problem, "n", "data-awaiting-filing", "data-in-transit", "confidential-items")},
			AreaResult{Status: Withheld, Listed: 1, Warnings: []WarningKind{DataAwaitingFiling, DataInTransit, ConfidentialItems}},
			[]Warning{
				{Kind: DataAwaitingFiling, Area: Problems, Code: "data-awaiting-filing", Text: "n", Position: 2, Total: 1},
				{Kind: DataInTransit, Area: Problems, Code: "data-in-transit", Text: "n", Position: 2, Total: 1},
				{Kind: ConfidentialItems, Area: Problems, Code: "confidential-items", Text: "n", Position: 2, Total: 1},
			},
			Warned,
		},
		{
			"a warning that nobody knows yet",
			[]string{condition, warned(problem, "n", "data-eaten-by-dog")},
			AreaResult{Status: Failed, Listed: 1, Warnings: []WarningKind{0}},
			[]Warning{{Area: Problems, Code: "data-eaten-by-dog", Text: "n", Position: 2, Total: 1}},
			Partial,
		},
		{
			"a warning by another host's extension",
			[]string{condition, strings.Replace(warned(problem, "n", "confidential-items"), "fhir.nhs.uk/STU3/StructureDefinition/Extension-CareConnect-GPC-", "fhir.hl7.org.uk/STU3/StructureDefinition/Extension-CareConnect-", 1)},
			AreaResult{Status: Withheld, Listed: 1, Warnings: []WarningKind{ConfidentialItems}},
			[]Warning{{Kind: ConfidentialItems, Area: Problems, Code: "confidential-items", Text: "n", Position: 2, Total: 1}},
			Warned,
		},
		{
			"a warning on a secondary List",
			[]string{condition, problem, warned(secondary, "n", "confidential-items")},
			AreaResult{Status: Withheld, Listed: 1, Warnings: []WarningKind{ConfidentialItems}},
			[]Warning{{Kind: ConfidentialItems, Area: Problems, Code: "confidential-items", Text: "n", Position: 3, Total: 1}},
			Warned,
		},
		{
			"a warning on a List of nothing in particular",
			[]string{condition, problem, warned(`{"resourceType":"List"}`, "n", "data-in-transit")},
			AreaResult{Status: Complete, Listed: 1},
			[]Warning{{Kind: DataInTransit, Code: "data-in-transit", Text: "n", Position: 3, Total: 1}},
			Warned,
		},
		{
			"switched off",
			[]string{outcomeOf("warning", "NOT_IMPLEMENTED", "includeProblems has been disabled", "includeProblems")},
			AreaResult{Status: NotSupported, Warnings: []WarningKind{NotProvided}},
			[]Warning{{Kind: NotProvided, Area: Problems, Code: "NOT_IMPLEMENTED", Text: "includeProblems has been disabled", Diagnostics: "includeProblems", Position: 1, Total: 1}},
			Partial,
		},
		{
			"not recognised, told by the text alone",
			[]string{outcomeOf("warning", "not implemented", "includeProblems is an unrecognised parameter", "")},
			AreaResult{Status: NotSupported, Warnings: []WarningKind{NotRecognised}},
			[]Warning{{Kind: NotRecognised, Area: Problems, Code: "NOT_IMPLEMENTED", Text: "includeProblems is an unrecognised parameter", Position: 1, Total: 1}},
			Partial,
		},
		{
			"a part that is not recognised",
			[]string{condition, problem, outcomeOf("warning", "NOT_IMPLEMENTED", "includeProblems.filterStatus is an unrecognised parameter", "includeProblems.filterStatus")},
			AreaResult{Status: Failed, Listed: 1, Warnings: []WarningKind{NotRecognised}},
			[]Warning{{Kind: NotRecognised, Area: Problems, Code: "NOT_IMPLEMENTED", Text: "includeProblems.filterStatus is an unrecognised parameter", Diagnostics: "includeProblems.filterStatus", Position: 3, Total: 1}},
			Partial,
		},
		{
			"another area, pulled in by a link, switched off",
			[]string{condition, problem, outcomeOf("warning", "NOT_IMPLEMENTED", "x", "includeReferrals")},
			AreaResult{Status: Complete, Listed: 1},
			[]Warning{{Kind: NotProvided, Area: Referrals, Code: "NOT_IMPLEMENTED", Text: "x", Diagnostics: "includeReferrals", Position: 3, Total: 1}},
			Warned,
		},
		{
			"another issue",
			[]string{condition, problem, outcomeOf("error", "STRANGE", "x", "y")},
			AreaResult{Status: Complete, Listed: 1},
			[]Warning{{Code: "STRANGE", Text: "x", Diagnostics: "y", Position: 3, Total: 1}},
			Warned,
		},
		{"a piece of information", []string{condition, problem, outcomeOf("information", "STRANGE", "x", "y")}, AreaResult{Status: Complete, Listed: 1}, nil, Whole},
		{"an item that never came", []string{listOf(problemsList, "Condition/c", "Condition/d"), condition}, AreaResult{Status: Failed, Listed: 2, Unresolved: 1}, nil, Partial},
		{
			"an item of a secondary List that never came",
			[]string{condition, problem, with(secondary, `"entry":[{"item":{"reference":"MedicationRequest/1"}}]`)},
			AreaResult{Status: Failed, Listed: 1, Unresolved: 1},
			nil, Partial,
		},
		{
			"an item that never came, of an area that was not asked for",
			[]string{condition, problem, strings.Replace(with(secondary, `"entry":[{"item":{"reference":"MedicationRequest/1"}}]`), "problems-", "consultations-", 1)},
			AreaResult{Status: Complete, Listed: 1},
			nil, Partial,
		},
		{
			"an item that is only named",
			[]string{condition, with(emptyList(problemsList, ""), `"entry":[{"item":{"reference":"Condition/c"}},{"item":{"display":"Referral items are not supported by the provider system."}},{"item":{"reference":null}}]`)},
			AreaResult{Status: Complete, Listed: 3, Warnings: []WarningKind{NotProvided}},
			[]Warning{{Kind: NotProvided, Area: Problems, Text: "Referral items are not supported by the provider system.", Position: 2, Total: 2}},
			Warned,
		},
		{"linked in and not asked for", []string{condition, problem, `{"resourceType":"Condition","id":"linked"}`}, AreaResult{Status: Complete, Listed: 1, Unlisted: 1}, nil, Whole},
		{
			"linked in and listed by a secondary List",
			[]string{condition, problem, `{"resourceType":"Condition","id":"linked"}`, with(secondary, `"entry":[{"item":{"reference":"Condition/linked"}}]`)},
			AreaResult{Status: Complete, Listed: 1, Unlisted: 1},
			nil, Whole,
		},
		{"a List that cannot be read", []string{`{"resourceType":"List","code":7}`}, AreaResult{Status: Failed}, []Warning{{Kind: UnreadableEntry, Position: 1, Total: 1}}, Partial},
		{"an outcome that cannot be read", []string{condition, problem, `{"resourceType":"OperationOutcome","issue":{}}`}, AreaResult{Status: Complete, Listed: 1}, []Warning{{Kind: UnreadableEntry, Position: 3, Total: 1}}, Warned},
		{"an entry that does not say what it is", []string{condition, problem, `{}`}, AreaResult{Status: Complete, Listed: 1}, []Warning{{Kind: UnreadableEntry, Position: 3, Total: 1}}, Warned},
		{"an id that comes again", []string{condition, problem, condition}, AreaResult{Status: Complete, Listed: 1, Unlisted: 0}, []Warning{{Kind: RepeatedEntry, Position: 3, Total: 1}}, Warned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := readRecord(t, bundleOf(append([]string{patientOf("p", askedDigits)}, tt.resources...)...), problems())
			if got.err != nil {
				t.Fatal(got.err)
			}
			tt.want.Area = Problems
			if diff := cmp.Diff(tt.want, got.summary.Areas[Problems-1], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("area (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, got.warnings, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if got.summary.Verdict != tt.verdict || got.summary.Warnings != len(tt.warnings) {
				t.Errorf("verdict %v with %d warnings, want %v", got.summary.Verdict, got.summary.Warnings, tt.verdict)
			}
			// Fuzz by order: the same entries backwards amount to the same.
			back := []string{patientOf("p", askedDigits)}
			for _, r := range tt.resources {
				back = append([]string{r}, back...)
			}
			again := readRecord(t, bundleOf(back...), problems())
			if again.err != nil || again.summary.Verdict != tt.verdict {
				t.Errorf("backwards: verdict %+v, %v", again.summary, again.err)
			}
		})
	}
}

func TestRecordKeepsEndedAllergiesApart(t *testing.T) {
	ended := with(listOf(endedList, "#a", "#b"), `"contained":[{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p"}}]`)
	for _, tt := range []struct {
		name    string
		s       Selection
		lists   []string
		want    AreaResult
		verdict Verdict
	}{
		{"with an item that is not contained", Selection{Allergies: &AllergyFilter{}}, []string{listOf(allergiesList), ended}, AreaResult{Status: Failed, Ended: 1, Unresolved: 1}, Partial},
		{"contained", Selection{Allergies: &AllergyFilter{}}, []string{listOf(allergiesList), strings.Replace(ended, `,{"item":{"reference":"#b"}}`, "", 1)}, AreaResult{Status: RecordedAsEmpty, Ended: 1}, Whole},
		{"asked for and missing", Selection{Allergies: &AllergyFilter{}}, []string{listOf(allergiesList)}, AreaResult{Status: Failed}, Partial},
		{"not asked for", Selection{Allergies: &AllergyFilter{ExcludeEnded: true}}, []string{listOf(allergiesList)}, AreaResult{Status: RecordedAsEmpty}, Whole},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := readRecord(t, bundleOf(append([]string{patientOf("p", askedDigits)}, tt.lists...)...), tt.s)
			if got.err != nil {
				t.Fatal(got.err)
			}
			tt.want.Area = Allergies
			if diff := cmp.Diff(tt.want, got.summary.Areas[0], cmpopts.EquateEmpty()); diff != "" || got.summary.Verdict != tt.verdict {
				t.Errorf("verdict %v, area (-want +got):\n%s", got.summary.Verdict, diff)
			}
		})
	}
}

func TestRecordIndexesInPieces(t *testing.T) {
	resources := []string{patientOf("p", askedDigits), theOrganization}
	var listed []string
	for i := range 1200 {
		resources = append(resources, fmt.Sprintf(`{"resourceType":"Condition","id":"c%d"}`, i))
		if i < 1100 {
			listed = append(listed, fmt.Sprintf("Condition/c%d", i))
		}
	}
	resources = append(resources, listOf(problemsList, append(listed, "Condition/gone")...),
		`{"resourceType":"Observation","id":"o1"}`, `{"resourceType":"Encounter","id":"e","x":{"reference":"Location/1"},"y":{"reference":"Location/1"}}`)
	got := readRecord(t, bundleOf(resources...), problems())
	if got.err != nil {
		t.Fatal(got.err)
	}
	joined := map[Area]*Index{}
	for _, i := range got.indexes {
		if n := len(i.Listed) + len(i.Unlisted) + len(i.Unresolved); n == 0 || n > 500 {
			t.Errorf("a piece of %d references", n)
		}
		j := joined[i.Area]
		if j == nil {
			j = &Index{Area: i.Area}
			joined[i.Area] = j
		}
		j.Listed = append(j.Listed, i.Listed...)
		j.Unlisted = append(j.Unlisted, i.Unlisted...)
		j.Unresolved = append(j.Unresolved, i.Unresolved...)
	}
	var unlisted []string
	for i := 1100; i < 1200; i++ {
		unlisted = append(unlisted, fmt.Sprintf("Condition/c%d", i))
	}
	want := map[Area]*Index{
		0:             {Unlisted: []string{"Observation/o1"}},
		Consultations: {Area: Consultations, Unlisted: []string{"Encounter/e"}},
		Problems:      {Area: Problems, Listed: append(listed, "Condition/gone"), Unlisted: unlisted, Unresolved: []string{"Condition/gone"}},
	}
	if diff := cmp.Diff(want, joined, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
	if got.summary.Dangling != 3 {
		t.Errorf("%d dangling references, want 3", got.summary.Dangling)
	}
}

func TestRecordBoundsItsIndex(t *testing.T) {
	resources := []string{patientOf("p", askedDigits)}
	for i := range 30 {
		var references []string
		for j := range 15_000 {
			references = append(references, fmt.Sprintf("Condition/%d-%d", i, j))
		}
		resources = append(resources, listOf(problemsList, references...))
	}
	got := readRecord(t, bundleOf(resources...), problems())
	if fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE || got.summary != nil {
		t.Errorf("error is %v", got.err)
	}
}

func TestRecordPrintsNothingOfThePatient(t *testing.T) {
	got := readRecord(t, bundleOf(patientOf("p", askedDigits)), problems())
	for _, text := range []string{fmt.Sprint(got.patient), fmt.Sprintf("%+v %#v %s", got.patient, got.patient, got.patient)} {
		if strings.Contains(text, "TESTWELL") || strings.Contains(text, askedDigits) || strings.Contains(text, "ZZ99") {
			t.Errorf("a patient prints as %s", text)
		}
	}
}
