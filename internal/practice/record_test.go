package practice_test

import (
	"net/http"
	"testing"

	"github.com/spinegate/spinegate/internal/nhs"
)

// record asks for a structured record.
func (c *caller) record(body string) reply {
	c.tb.Helper()
	return c.send(call{
		method: http.MethodPost, root: c.roots.Structured, path: "Patient/$gpc.getstructuredrecord",
		interaction: nhs.GetStructuredRecord, scope: "patient/*.read", body: body,
	})
}

const everything = `,{"name":"includeAllergies","part":[{"name":"includeResolvedAllergies","valueBoolean":true}]},
 {"name":"includeMedication","part":[{"name":"includePrescriptionIssues","valueBoolean":true}]},
 {"name":"includeConsultations"},{"name":"includeProblems"},{"name":"includeImmunisations"},
 {"name":"includeUncategorisedData"},{"name":"includeInvestigations"},{"name":"includeReferrals"},{"name":"includeDiaryEntries"}`

func parametersFor(number, rest string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"patientNHSNumber","valueIdentifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + number + `"}}` + rest + `]}`
}

func TestEveryStoryIsServed(t *testing.T) {
	c, _ := open(t, nil)
	for _, p := range people() {
		r := c.record(parametersFor(p.NHSNumber.Digits(), everything))
		t.Log(p.Story, p.State, r.status, len(r.raw), len(r.resources()))
	}
}
