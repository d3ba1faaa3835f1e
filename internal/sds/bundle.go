package sds

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// The identifier systems and extensions of the SDS contract, 0. Case matters.
const (
	odsSystem             = "https://fhir.nhs.uk/Id/ods-organization-code"
	interactionSystem     = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
	partyKeySystem        = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"
	asidSystem            = "https://fhir.nhs.uk/Id/nhsSpineASID"
	interactionExtension  = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-NhsServiceInteractionId"
	manufacturerExtension = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-ManufacturingOrganisation"
)

// endpoint is a registration of an address for the interaction asked for. Address and key may be missing.
type endpoint struct {
	ods     nhs.ODSCode
	address string
	key     nhs.PartyKey
}

// device is an accredited system: one that carries the party key asked for, or one of our supplier's. The ASID may be
// missing, and of our own system the key.
type device struct {
	asid         nhs.ASID
	key          nhs.PartyKey
	manufacturer nhs.ODSCode
}

// bundle is an answer of SDS. An entry array that is empty is not legal FHIR, and what SDS sends (SDS contract, A4).
type bundle struct {
	Entry []struct {
		Resource jsontext.Value `json:"resource"`
	} `json:"entry"`
}

// resource has what is read of an Endpoint or a Device.
type resource struct {
	Type                 string            `json:"resourceType"`
	Address              string            `json:"address"`
	ManagingOrganization fhir.Reference    `json:"managingOrganization"`
	Owner                fhir.Reference    `json:"owner"`
	Identifiers          []fhir.Identifier `json:"identifier"`
	Extensions           fhir.Extensions   `json:"extension"`
}

var errNotBundle = errors.New("the directory's answer is not a Bundle")

func readBundle(text []byte) (bundle, error) {
	resourceType, err := fhir.ResourceType(text)
	if err != nil {
		return bundle{}, err
	}
	if resourceType != "Bundle" {
		return bundle{}, errNotBundle
	}
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return bundle{}, fhir.ErrShape
	}
	return b, nil
}

// resources are those of one type.
func (b bundle) resources(resourceType string) ([]resource, error) {
	var all []resource
	for _, entry := range b.Entry {
		if got, err := fhir.ResourceType(entry.Resource); err != nil || got != resourceType {
			continue
		}
		var r resource
		if err := json.Unmarshal(entry.Resource, &r); err != nil {
			return nil, fhir.ErrShape
		}
		all = append(all, r)
	}
	return all, nil
}

// endpoints are those about the organisation and the interaction: what does not say so is dropped (SDS contract, A8).
func (b bundle) endpoints(q Question) ([]endpoint, error) {
	all, err := b.resources("Endpoint")
	var kept []endpoint
	for _, r := range all {
		owner, interaction := r.ManagingOrganization.Identifier, r.Extensions.Find(interactionExtension).Reference.Identifier
		if owner.System != odsSystem || !strings.EqualFold(strings.TrimSpace(owner.Value), q.ODS.String()) ||
			interaction.System != interactionSystem || interaction.Value != q.Interaction.String() {
			continue
		}
		key, _ := nhs.ParsePartyKey(r.identifier(partyKeySystem)) // a wrong one is a missing one (SDS contract, B4)
		kept = append(kept, endpoint{ods: q.ODS, address: r.Address, key: key})
	}
	return kept, err
}

// devices are those that carry the party key.
func (b bundle) devices(key nhs.PartyKey) ([]device, error) {
	return b.devicesThat(func(_ resource, d device) bool { return d.key == key })
}

// senders are those that our supplier made, but for what names another client organisation: SDS's filter is not relied
// upon. An owner is optional (SDS contract, A6); what does not say who made it is dropped (SDS contract, A8).
func (b bundle) senders(q SenderQuestion) ([]device, error) {
	return b.devicesThat(func(r resource, d device) bool { return d.manufacturer == q.Manufacturer && r.belongsTo(q.Consumer) })
}

// owned are those of an organisation, but for what names another.
func (b bundle) owned(ods nhs.ODSCode) ([]device, error) {
	return b.devicesThat(func(r resource, _ device) bool { return r.belongsTo(ods) })
}

func (r resource) belongsTo(ods nhs.ODSCode) bool {
	client := r.Owner.Identifier
	return client.Value == "" || client.System == odsSystem && strings.EqualFold(strings.TrimSpace(client.Value), ods.String())
}

func (b bundle) devicesThat(belong func(resource, device) bool) ([]device, error) {
	all, err := b.resources("Device")
	var kept []device
	for _, r := range all {
		var d device // what cannot be read is missing (SDS contract, B4)
		d.key, _ = nhs.ParsePartyKey(r.identifier(partyKeySystem))
		d.asid, _ = nhs.ParseASID(strings.TrimSpace(r.identifier(asidSystem)))
		if maker := r.Extensions.Find(manufacturerExtension).Reference.Identifier; maker.System == odsSystem {
			d.manufacturer, _ = nhs.ParseODSCode(strings.TrimSpace(maker.Value))
		}
		if belong(r, d) {
			kept = append(kept, d)
		}
	}
	return kept, err
}

func (r resource) identifier(system string) string {
	for _, i := range r.Identifiers {
		if i.System == system {
			return i.Value
		}
	}
	return ""
}
