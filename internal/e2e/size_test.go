package e2e

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

// hugeSlots is an answer of two slots at a time, one of which is as large as is said.
func hugeSlots(at time.Time, size int) string {
	random := rand.New(rand.NewPCG(1, 2)) // a text that packs too well would be refused as a bomb
	var notes []string
	for range size >> 10 {
		note := make([]byte, 512)
		for i := range note {
			note[i] = byte(random.Uint32())
		}
		notes = append(notes, hex.EncodeToString(note))
	}
	slot := func(id string, notes ...string) string {
		return `{"resource":{"resourceType":"Slot","id":"` + id + `","note":["` + strings.Join(notes, `","`) + `"],"schedule":{"reference":"Schedule/14"},"status":"free",` +
			`"serviceType":[{"text":"Routine"}],"extension":[{"url":"https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-DeliveryChannel-2","valueCode":"In-person"}],` +
			`"start":"` + at.Format("2006-01-02T15:04:05-07:00") + `","end":"` + at.Add(10*time.Minute).Format("2006-01-02T15:04:05-07:00") + `"}}`
	}
	return `{"resourceType":"Bundle","type":"searchset","entry":[` + strings.Join([]string{
		slot("1", "short"), slot("2", notes...),
		`{"resource":{"resourceType":"Schedule","id":"14","actor":[{"reference":"Location/17"},{"reference":"Practitioner/2"}]}}`,
		`{"resource":{"resourceType":"Location","id":"17","name":"Upstairs"}}`,
		`{"resource":{"resourceType":"Practitioner","id":"2","name":[{"family":"EXAMPLE"}]}}`,
	}, ",") + `]}`
}

// One slot that is too large does not end the search. Where the rest of its practice's answer can still be read, that goes
// on, too.
func TestASlotThatIsTooLargeEndsNoSearch(t *testing.T) {
	for _, tt := range []struct {
		name     string
		size     int
		verdict  pb.Verdict
		readable bool // the rest of the practice's answer
	}{
		{"larger than is offered", 600 << 10, pb.Verdict_VERDICT_WARNED, true},
		{"larger than any message", 1200 << 10, pb.Verdict_VERDICT_PARTIAL, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t)
			tomorrow := time.Now().UTC().AddDate(0, 0, 1)
			if _, err := g.spine.Faults().Set(simulator.Fault{
				Upstream: simulator.Provider, ODS: "A20047", Interaction: nhs.SearchSlot, Status: 200, Body: hugeSlots(tomorrow, tt.size),
			}); err != nil {
				t.Fatal(err)
			}
			day := tomorrow.Format(time.DateOnly)
			d := g.search(t, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047", "B84001"}, Start: day, End: day})
			r, failure := d.results["A20047"], d.failures["A20047"].GetError().GetReason()
			if tt.readable && (r.GetSlotsTotal() != 1 || r.GetUnreadableTotal() != 1) ||
				!tt.readable && failure != pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE {
				t.Errorf("A20047: %v, failed with %s", r, failure)
			}
			if d.results["B84001"].GetSlotsTotal() == 0 || d.closing.GetVerdict() != tt.verdict {
				t.Errorf("B84001: %v; %v", d.results["B84001"], d.closing)
			}
		})
	}
}
