package sds_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/simulator"
)

// harmless is all that may stand in a question: the directory puts values into a filter as they are (SDS contract, A3.6).
var harmless = map[string]*regexp.Regexp{
	"organization":               regexp.MustCompile(`^https://fhir\.nhs\.uk/Id/ods-organization-code\|[A-Z0-9]{3,12}$`),
	"manufacturing-organization": regexp.MustCompile(`^https://fhir\.nhs\.uk/Id/ods-organization-code\|[A-Z0-9]{3,12}$`),
	"identifier": regexp.MustCompile(`^https://fhir\.nhs\.uk/Id/(nhsServiceInteractionId\|urn:nhs:names:services:gpconnect[a-z:._]*(-[0-9]{1,3})?` +
		`|nhsMhsPartyKey\|[A-Z0-9]{2,10}-[0-9]{4,8})$`),
}

// injections are what changes a filter, or matches anybody.
var injections = []string{"*", "P9*", "A20047)(x=*", "A20047)(|(x=*", "A20047\x00", "A20047\n", " A20047", "A20047 ", "A20047|B84001", "%2A", "A20047&identifier=x", "Ａ20047", "", "A20047\\2a"}

func hostile() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(injections), rapid.String(), rapid.StringMatching(`[A-Z0-9*()|&=\\%. ]{0,14}`), rapid.StringMatching(`[A-Z0-9]{3,12}`),
	)
}

// Whatever callers send, and whatever the directory said before, nothing reaches the directory that could change its filter.
func TestNoFilterIsInjected(t *testing.T) {
	s, client := start(t, func(c *sds.Config) { c.PerMinute = 1e6 })
	sent := 0
	rapid.Check(t, func(rt *rapid.T) {
		s.Transcript().Reset()
		s.Faults().Clear()
		q := sds.Question{Interaction: nhs.SearchSlot}
		if rapid.Bool().Draw(rt, "named") {
			q.Interaction = nhs.Interaction(rapid.OneOf(
				hostile(), rapid.Map(hostile(), func(s string) string { return nhs.SearchSlot.String() + s }),
			).Draw(rt, "interaction"))
		}
		maker, makerErr := nhs.ParseODSCode(hostile().Draw(rt, "supplier"))
		var odsErr error
		q.ODS, odsErr = nhs.ParseODSCode(hostile().Draw(rt, "organisation"))
		q.Consumer = q.ODS
		// The party key of the second question comes from the first one's answer.
		key := hostile().Draw(rt, "party key")
		if rapid.Bool().Draw(rt, "looks like a key") {
			key = "A20047-8000001" + key
		}
		answering(t, s, simulator.SDSEndpoint, aBundle(anEndpoint(q.ODS.String(), q.Interaction.String(), "https://gp.example/x", strings.ToValidUTF8(key, "?"))))
		_, err := client.Route(t.Context(), q)
		if odsErr != nil && err == nil {
			rt.Fatal("a code that is none was looked up")
		}
		_, err = client.Sender(t.Context(), sds.SenderQuestion{Consumer: q.ODS, Manufacturer: maker, Interaction: q.Interaction})
		if makerErr != nil && err == nil {
			rt.Fatal("a supplier's code that is none was looked up")
		}
		for _, e := range s.Transcript().All() {
			sent++
			query, err := url.ParseQuery(e.Query)
			if err != nil {
				rt.Fatalf("the query cannot be read: %v", err)
			}
			for name, values := range query {
				for _, value := range values {
					if rule := harmless[name]; rule == nil || !rule.MatchString(value) {
						rt.Fatalf("%s=%q was sent", name, value)
					}
				}
			}
		}
	})
	if sent == 0 {
		t.Error("nothing was sent, which proves nothing")
	}
}
