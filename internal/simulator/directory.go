package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
)

// directory is the Spine's LDAP directory: an entry for each message handling server and interaction (nhsMhs), and one
// for each accredited system (nhsAs). SDS searches it, and the proxy decides by it.
type directory struct {
	servers []attributes // nhsMhs
	systems []attributes // nhsAs
	// agreements says who may not call whom: practices by ODS code without a sharing agreement.
	unshared map[string]bool
	// registered host names by the ASID of a consumer.
	names map[string]string
}

// Identifiers of what sits in the directory besides the systems that anybody asks for.
const (
	// consumerPartyKey belongs to the supplier, not to the organisations that it serves (SDS contract, A7, B3).
	consumerPartyKey = "X26SG-8000001"
	// otherSupplier made the consumer systems that our own must not be mistaken for.
	otherSupplier = "Y99ZZ"
)

func newDirectory(w *world) *directory {
	d := &directory{unshared: map[string]bool{}, names: map[string]string{}}
	for i, p := range w.practices {
		d.addPractice(i, p)
	}
	for i, c := range w.consumers {
		d.addSystem(c.ODS.String(), c.ASID.String(), consumerPartyKey, c.Supplier.String(), allInteractions("1.6.2"))
		d.names[c.ASID.String()] = c.FQDN
		// Another supplier's consumer system at the same organisation: without the manufacturer a look-up of one's own
		// ASID is ambiguous (SDS contract, A7).
		d.addSystem(c.ODS.String(), fmt.Sprintf("20000009%04d", i), otherSupplier+"-8000099", otherSupplier,
			allInteractions("1.6.2"))
	}
	return d
}

func (d *directory) addPractice(index int, p *practiceEntry) {
	d.unshared[p.ODS.String()] = d.unshared[p.ODS.String()] || p.noAgreement
	if len(p.Interactions) == 0 {
		return
	}
	for n, interaction := range p.Interactions {
		id := fmt.Sprintf("S918%03dA%06d", index+1, n+1)
		d.servers = append(d.servers, attributes{
			"objectclass":      {"nhsMhs"},
			"nhsidcode":        {p.ODS.String()},
			"nhsmhssvcia":      {interaction.String()},
			"nhsmhspartykey":   {p.PartyKey.String()},
			"nhsmhsendpoint":   {p.rootOf(interaction)},
			"nhsmhsfqdn":       {p.host},
			"nhsmhscpaid":      {id},
			"uniqueidentifier": {id},
		})
	}
	d.addSystem(p.ODS.String(), p.ASID.String(), p.PartyKey.String(), "Y12SP", p.Interactions)
	// A consumer system at the practice holds the interactions on its own accredited system, and on no message handling
	// server: asking for a Device without the party key finds it too (SDS contract, A7).
	d.addSystem(p.ODS.String(), fmt.Sprintf("20000008%04d", index), otherSupplier+"-8000088", otherSupplier, p.Interactions)
}

func (d *directory) addSystem(ods, asid, partyKey, supplier string, interactions []nhs.Interaction) {
	held := make([]string, len(interactions))
	for i, interaction := range interactions {
		held[i] = interaction.String()
	}
	d.systems = append(d.systems, attributes{
		"objectclass":           {"nhsAs"},
		"nhsidcode":             {ods},
		"nhsasclient":           {ods},
		"nhsassvcia":            held,
		"nhsmhspartykey":        {partyKey},
		"nhsmhsmanufacturerorg": {supplier},
		"uniqueidentifier":      {asid},
	})
}

// system finds the accredited system of an ASID.
func (d *directory) system(asid string) attributes {
	for _, s := range d.systems {
		if s.first("uniqueIdentifier") == asid {
			return s
		}
	}
	return nil
}

// holds reports whether a system is registered for an interaction.
func (a attributes) holds(interaction string) bool {
	return slices.Contains(a["nhsassvcia"], interaction)
}

// server finds the message handling server that answers for a party key and an interaction.
func (d *directory) server(partyKey, interaction string) attributes {
	for _, s := range d.servers {
		if s.first("nhsMHSPartyKey") == partyKey && s.first("nhsMhsSvcIA") == interaction {
			return s
		}
	}
	return nil
}

// known reports whether anybody at all is registered for an interaction, or might be.
func (d *directory) known(interaction string) bool {
	for _, s := range d.systems {
		if s.holds(interaction) {
			return true
		}
	}
	for _, i := range everyInteraction {
		if i.String() == interaction {
			return true
		}
	}
	return false
}

// proxyFacts and practiceFacts read what a fault can be matched on from the Ssp headers.
func (d *directory) proxyFacts(r *http.Request) facts { return d.sspFacts(Proxy, r) }

func (d *directory) practiceFacts(r *http.Request) facts { return d.sspFacts(Provider, r) }

func (d *directory) sspFacts(upstream Upstream, r *http.Request) facts {
	f := facts{upstream: upstream, interaction: nhs.Interaction(r.Header.Get(headerInteraction))}
	if to := d.system(r.Header.Get(headerTo)); to != nil {
		f.ods = to.first("nhsAsClient")
	}
	return f
}

// sdsFacts reads them from the query of a look-up.
func sdsFacts(r *http.Request) facts {
	f := facts{upstream: SDS}
	switch r.URL.Path {
	case sdsBase + "/Endpoint":
		f.upstream = SDSEndpoint
	case sdsBase + "/Device":
		f.upstream = SDSDevice
	}
	query := r.URL.Query()
	for _, v := range query["organization"] {
		if ods, ok := strings.CutPrefix(v, systemODS+"|"); ok {
			f.ods = ods
		}
	}
	for _, v := range query["identifier"] {
		if interaction, ok := strings.CutPrefix(v, systemInteraction+"|"); ok {
			f.interaction = nhs.Interaction(interaction)
		}
	}
	return f
}
