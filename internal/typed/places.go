package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type organization struct {
	head
	Identifier list[identifier]    `json:"identifier"`
	Active     stated              `json:"active"`
	Type       list[concept]       `json:"type"`
	Name       text                `json:"name"`
	Telecom    list[contactPoint]  `json:"telecom"`
	Address    list[postalAddress] `json:"address"`
	PartOf     *reference          `json:"partOf"`
}

func (o *organization) form(e *pb.RecordEntry) error {
	e.Typed = &pb.RecordEntry_Organization{Organization: &pb.Organization{
		Identifier:   identifiers(o.Identifier),
		Active:       pb.Stated(o.Active),
		Type:         clinicalCodes(o.Type),
		Name:         optional(o.Name),
		Telecom:      contactPoints(o.Telecom),
		Address:      each(o.Address, addressMessage),
		PartOf:       resourceReference(o.PartOf),
		MainLocation: resourceReference(value(o.Extension, "Extension-CareConnect-MainLocation-1").ValueReference),
	}}
	return nil
}

type location struct {
	head
	Identifier           list[identifier]    `json:"identifier"`
	Status               text                `json:"status"`
	Name                 text                `json:"name"`
	Description          text                `json:"description"`
	Type                 *concept            `json:"type"`
	Telecom              list[contactPoint]  `json:"telecom"`
	Address              list[postalAddress] `json:"address"`
	ManagingOrganization *reference          `json:"managingOrganization"`
	PartOf               *reference          `json:"partOf"`
}

func (l *location) form(e *pb.RecordEntry) error {
	address, err := l.Address.one()
	if err != nil {
		return err
	}
	m := &pb.Location{
		Identifier:           identifiers(l.Identifier),
		Name:                 optional(l.Name),
		Description:          optional(l.Description),
		Type:                 clinicalCode(l.Type),
		Telecom:              contactPoints(l.Telecom),
		Address:              addressMessage(address),
		ManagingOrganization: resourceReference(l.ManagingOrganization),
		PartOf:               resourceReference(l.PartOf),
	}
	m.Status, m.StatusCode = status[pb.LocationStatus](pb.LocationStatus_value, "LOCATION_STATUS_", l.Status)
	e.Typed = &pb.RecordEntry_Location{Location: m}
	return nil
}

type healthcareService struct {
	head
	Identifier list[identifier]   `json:"identifier"`
	Active     stated             `json:"active"`
	ProvidedBy *reference         `json:"providedBy"`
	Category   *concept           `json:"category"`
	Type       list[concept]      `json:"type"`
	Specialty  list[concept]      `json:"specialty"`
	Location   list[reference]    `json:"location"`
	Name       text               `json:"name"`
	Comment    text               `json:"comment"`
	Telecom    list[contactPoint] `json:"telecom"`
}

func (h *healthcareService) form(e *pb.RecordEntry) error {
	e.Typed = &pb.RecordEntry_HealthcareService{HealthcareService: &pb.HealthcareService{
		Identifier: identifiers(h.Identifier),
		Active:     pb.Stated(h.Active),
		ProvidedBy: resourceReference(h.ProvidedBy),
		Category:   clinicalCode(h.Category),
		Type:       clinicalCodes(h.Type),
		Specialty:  clinicalCodes(h.Specialty),
		Location:   references(h.Location),
		Name:       optional(h.Name),
		Comment:    optional(h.Comment),
		Telecom:    contactPoints(h.Telecom),
	}}
	return nil
}
