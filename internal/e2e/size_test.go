package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// hugeSlots is an answer of two slots at a time, one of which is larger than a message may be.
func hugeSlots(at time.Time) string {
	var comment strings.Builder // a text of one letter would be refused as a bomb
	for n := 0; comment.Len() < 1200<<10; n++ {
		fmt.Fprintf(&comment, "%x ", n*7919)
	}
	slot := func(id, comment string) string {
		return `{"resource":{"resourceType":"Slot","id":"` + id + `","comment":"` + comment + `","schedule":{"reference":"Schedule/14"},"status":"free",` +
			`"serviceType":[{"text":"Routine"}],"extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-DeliveryChannel-2","valueCode":"In-person"}],` +
			`"start":"` + at.Format("2006-01-02T15:04:05-07:00") + `","end":"` + at.Add(10*time.Minute).Format("2006-01-02T15:04:05-07:00") + `"}}`
	}
	return `{"resourceType":"Bundle","type":"searchset","entry":[` + strings.Join([]string{
		slot("1", ""), slot("2", comment.String()),
		`{"resource":{"resourceType":"Schedule","id":"14","actor":[{"reference":"Location/17"},{"reference":"Practitioner/2"}]}}`,
		`{"resource":{"resourceType":"Location","id":"17","name":"Upstairs"}}`,
		`{"resource":{"resourceType":"Practitioner","id":"2","name":[{"family":"EXAMPLE"}]}}`,
	}, ",") + `]}`
}

// One slot that no message holds ends nothing: not its practice's answer, and not the search.
func TestASlotThatIsTooLargeIsWarnedOf(t *testing.T) {
	g := start(t)
	tomorrow := time.Now().UTC().AddDate(0, 0, 1)
	if _, err := g.spine.Faults().Set(simulator.Fault{
		Upstream: simulator.Provider, ODS: "A20047", Interaction: nhs.SearchSlot, Status: 200, Body: hugeSlots(tomorrow),
	}); err != nil {
		t.Fatal(err)
	}
	day := tomorrow.Format(time.DateOnly)
	d := g.search(t, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047", "B84001"}, Start: day, End: day})
	if r := d.results["A20047"]; r.GetSlotsTotal() != 1 || r.GetUnreadableTotal() != 1 {
		t.Errorf("A20047: %v, failed with %v; want one slot and one that cannot be read", r, d.failures["A20047"])
	}
	if d.results["B84001"] == nil || d.closing.GetVerdict() != pb.Verdict_VERDICT_WARNED {
		t.Errorf("B84001: %v; %v", d.results["B84001"], d.closing)
	}
}
