package gpconnect

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/spinegate/spinegate/internal/fhir"
)

type slotResource struct {
	Extension   []extension `json:"extension"`
	ServiceType []concept   `json:"serviceType"`
	Schedule    reference   `json:"schedule"`
	Status      string      `json:"status"`
	Start       string      `json:"start"`
	End         string      `json:"end"`
}

type scheduleResource struct {
	Extension       []extension `json:"extension"`
	ServiceCategory concept     `json:"serviceCategory"`
	Actor           []reference `json:"actor"`
}

type locationResource struct {
	Name       string           `json:"name"`
	Identifier []identifier     `json:"identifier"`
	Address    several[Address] `json:"address"`
	Telecom    several[Telecom] `json:"telecom"`
	Managing   reference        `json:"managingOrganization"`
}

type practitionerResource struct {
	Identifier []identifier `json:"identifier"`
	Name       []Name       `json:"name"`
	Gender     string       `json:"gender"`
}

// pendingSlot waits for its Schedule, which may stand anywhere in the Bundle.
type pendingSlot struct {
	slot     Slot
	schedule string
	position int
}

// diary is what an answer describes beside its slots, by reference.
type diary struct {
	schedules     map[string]scheduleResource
	locations     map[string]locationResource
	practitioners map[string]practitionerResource
	practices     map[string]Practice
}

// parseSlots reads a searchset. A Bundle that is not whole gives no slots at all.
func parseSlots(bundle *fhir.BundleReader) (*Slots, error) {
	d := diary{
		map[string]scheduleResource{}, map[string]locationResource{}, map[string]practitionerResource{}, map[string]Practice{},
	}
	out := &Slots{}
	var pending []pendingSlot
	for {
		e, err := bundle.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unusable(err)
		}
		var reason string
		if e.ResourceType == "Slot" {
			var p pendingSlot
			if p, reason = parseSlot(e); reason == "" {
				pending = append(pending, p)
			}
		} else {
			reason = d.take(e)
		}
		if reason != "" {
			out.Unreadable = append(out.Unreadable, Unreadable{e.Position, reason})
		}
	}
	for _, p := range pending {
		if reason := d.complete(&p, &out.Practice); reason != "" {
			out.Unreadable = append(out.Unreadable, Unreadable{p.position, reason})
			continue
		}
		out.Slots = append(out.Slots, p.slot)
	}
	return out, nil
}

// parseSlot reads a Slot by itself. The reason says why it cannot be offered.
func parseSlot(e *fhir.Entry) (p pendingSlot, reason string) {
	var in slotResource
	if decode(e.JSON, &in) != nil {
		return p, "the slot has another shape than FHIR gives it"
	}
	start, startErr := parseMoment(in.Start)
	end, endErr := parseMoment(in.End)
	channel := channelOf(in.Extension)
	switch {
	case !logicalID.MatchString(e.ID):
		return p, "the slot has no id"
	case startErr != nil || endErr != nil:
		return p, "the slot's times have no offset"
	case !end.Instant.After(start.Instant):
		return p, "the slot does not end after it begins"
	case in.Status != "free":
		return p, "the slot is not free"
	case channel == "Visit":
		return p, "a visit cannot be booked"
	}
	slot := Slot{ID: e.ID, VersionID: e.VersionID, Start: start, End: end, Channel: channel, JSON: bytes.Clone(e.JSON)}
	if len(in.ServiceType) > 0 {
		slot.SlotType = in.ServiceType[0].Text
	}
	return pendingSlot{slot, target(in.Schedule.Reference), e.Position}, ""
}

// take keeps what slots refer to.
func (d *diary) take(e *fhir.Entry) (reason string) {
	key := e.ResourceType + "/" + e.ID
	ok := true
	switch e.ResourceType {
	case "Schedule":
		d.schedules[key], ok = read[scheduleResource](e)
	case "Location":
		d.locations[key], ok = read[locationResource](e)
	case "Practitioner":
		d.practitioners[key], ok = read[practitionerResource](e)
	case "Organization":
		var o organization
		o, ok = read[organization](e)
		d.practices[key] = o.practice()
	case "OperationOutcome":
		return "the practice sent a message beside the slots"
	case "":
		return "the entry does not say what it is"
	}
	if !ok {
		return "the entry has another shape than FHIR gives it"
	}
	return ""
}

func read[T any](e *fhir.Entry) (resource T, ok bool) {
	err := decode(e.JSON, &resource)
	return resource, err == nil
}

// complete adds to a slot what its Schedule says. Without a Location it could not be booked (10.2).
func (d *diary) complete(p *pendingSlot, practice *Practice) (reason string) {
	schedule, ok := d.schedules[p.schedule]
	if !ok {
		return "the slot's schedule is not in the answer"
	}
	s := &p.slot
	s.ScheduleID = strings.TrimPrefix(p.schedule, "Schedule/")
	s.SessionType, s.Role = schedule.ServiceCategory.Text, roleOf(schedule.Extension)
	for _, actor := range schedule.Actor {
		to := target(actor.Reference)
		if l, ok := d.locations[to]; ok {
			s.Location = l.location(strings.TrimPrefix(to, "Location/"))
			if known, ok := d.practices[target(l.Managing.Reference)]; ok && *practice == (Practice{}) {
				*practice = known
			}
		} else if pr, ok := d.practitioners[to]; ok {
			s.Practitioners = append(s.Practitioners, pr.practitioner(strings.TrimPrefix(to, "Practitioner/")))
		}
	}
	if s.Location.ID == "" {
		return "the slot's location is not in the answer"
	}
	return ""
}

func (l locationResource) location(id string) Location {
	out := Location{ID: id, Name: l.Name, Telecoms: l.Telecom}
	if len(l.Address) > 0 {
		out.Address = l.Address[0]
	}
	for _, i := range l.Identifier {
		if isSystem(i.System, "ods-site-code") {
			out.SiteCode = i.Value
		}
	}
	return out
}

func (p practitionerResource) practitioner(id string) Practitioner {
	out := Practitioner{ID: id, Name: preferredName(p.Name), Gender: p.Gender}
	for _, i := range p.Identifier {
		if isSystem(i.System, "sds-user-id") {
			out.SDSUserID = i.Value
		}
	}
	return out
}

func channelOf(extensions []extension) string {
	for _, x := range extensions {
		if isExtension(x.URL, "Extension-GPConnect-DeliveryChannel-2") {
			return x.Code
		}
	}
	return ""
}

func roleOf(extensions []extension) Role {
	for _, x := range extensions {
		if isExtension(x.URL, "Extension-GPConnect-PractitionerRole-1") && len(x.Concept.Coding) > 0 {
			return Role{Code: x.Concept.Coding[0].Code, Display: x.Concept.Coding[0].Display}
		}
	}
	return Role{}
}
