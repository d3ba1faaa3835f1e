package fhir

import (
	"strings"
	"testing"
)

func TestReadOutcomeSaysWhatItOmits(t *testing.T) {
	const jsonIssue, xmlIssue = `{"severity":"information"}`, `<issue><severity value="information"/></issue>`
	for _, n := range []int{maxIssues - 1, maxIssues, maxIssues + 1, 500} {
		for form, body := range map[string]string{
			"JSON": `{"resourceType":"OperationOutcome","issue":[` + strings.TrimSuffix(strings.Repeat(jsonIssue+",", n), ",") + `]}`,
			"XML":  `<OperationOutcome xmlns="http://hl7.org/fhir">` + strings.Repeat(xmlIssue, n) + `</OperationOutcome>`,
		} {
			got, ok := ReadOutcome([]byte(body))
			if !ok || len(got.Issues) != min(n, maxIssues) || got.Omitted != (n > maxIssues) {
				t.Errorf("%d issues in %s: %d are kept, omitted %t", n, form, len(got.Issues), got.Omitted)
			}
		}
	}
}

func TestReadOutcomeDecodesNothingLarge(t *testing.T) {
	for name, body := range map[string]string{
		"objects": `{"resourceType":"OperationOutcome","issue":[{}` + strings.Repeat(",{}", maxOutcomeObjects) + `]}`,
		"nulls":   `{"resourceType":"OperationOutcome","issue":[null` + strings.Repeat(",null", maxOutcomeObjects) + `]}`,
		"text":    `{"resourceType":"OperationOutcome","x":"` + strings.Repeat("x", maxOutcomeText) + `"}`,
		"XML":     `<OperationOutcome>` + strings.Repeat("<issue/>", maxOutcomeText/8) + `</OperationOutcome>`,
	} {
		var ok bool
		if allocations := testing.AllocsPerRun(1, func() { _, ok = ReadOutcome([]byte(body)) }); ok || allocations > 10 {
			t.Errorf("%s: read is %t, with %v allocations", name, ok, allocations)
		}
	}
}
