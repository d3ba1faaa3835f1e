package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type encounter struct {
	head
	Identifier      list[identifier]        `json:"identifier"`
	Status          text                    `json:"status"`
	Type            list[concept]           `json:"type"`
	Subject         *reference              `json:"subject"`
	Participant     list[participant]       `json:"participant"`
	Period          *period                 `json:"period"`
	Length          *quantity               `json:"length"`
	Location        list[encounterLocation] `json:"location"`
	ServiceProvider *reference              `json:"serviceProvider"`
}

type participant struct {
	Type       list[concept] `json:"type"`
	Period     *period       `json:"period"`
	Individual *reference    `json:"individual"`
}

type encounterLocation struct {
	Location *reference `json:"location"`
	Period   *period    `json:"period"`
}

func (c *encounter) form(e *pb.RecordEntry) error {
	m := &pb.Encounter{
		Identifier: identifiers(c.Identifier),
		Type:       clinicalCodes(c.Type),
		Subject:    resourceReference(c.Subject),
		Participant: each(c.Participant, func(p *participant) *pb.EncounterParticipant {
			return &pb.EncounterParticipant{
				Type:       clinicalCodes(p.Type),
				Period:     clinicalPeriod(p.Period),
				Individual: resourceReference(p.Individual),
			}
		}),
		Period: clinicalPeriod(c.Period),
		Length: quantityMessage(c.Length),
		Location: each(c.Location, func(l *encounterLocation) *pb.EncounterLocation {
			return &pb.EncounterLocation{Location: resourceReference(l.Location), Period: clinicalPeriod(l.Period)}
		}),
		ServiceProvider: resourceReference(c.ServiceProvider),
	}
	m.Status, m.StatusCode = status[pb.EncounterStatus](pb.EncounterStatus_value, "ENCOUNTER_STATUS_", c.Status)
	e.Typed = &pb.RecordEntry_Encounter{Encounter: m}
	return nil
}
