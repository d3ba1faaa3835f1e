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

// diary is what an answer describes beside its slots, by reference. It keeps no more of a resource than is told.
type diary struct {
	sessions      map[string]*session
	locations     map[string]site
	practitioners map[string]Practitioner
	practices     map[string]Practice
}

// session is what is kept of a Schedule.
type session struct {
	text   string
	role   Role
	actors []string

	// What the actors are, once all of the answer was read. All slots of a session share it.
	resolved      bool
	location      Location
	practice      Practice
	practitioners []Practitioner
}

// site is what is kept of a Location.
type site struct {
	location Location
	managing string
}

// maxActors is how many actors a Schedule may have: a Location and a Practitioner, says the specification.
const maxActors = 32

// Reasons for more than one type of resource.
const (
	tooLarge   = "the entry is larger than is taken"
	otherShape = "the entry has another shape than FHIR gives it"
)

// parseSlots reads a searchset. A Bundle that is not whole gives no slots at all.
func parseSlots(bundle *fhir.BundleReader) (*Slots, error) {
	d := diary{
		map[string]*session{}, map[string]site{}, map[string]Practitioner{}, map[string]Practice{},
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
		switch {
		case oversize(e.JSON, maxItem, maxItemObjects):
			reason = tooLarge
		case e.ResourceType == "Slot":
			var p pendingSlot
			if p, reason = parseSlot(e); reason == "" {
				pending = append(pending, p)
			}
		default:
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
	slot := Slot{ID: e.ID, VersionID: short(e.VersionID), Start: start, End: end, Channel: word(channel), JSON: bytes.Clone(e.JSON)}
	if len(in.ServiceType) > 0 {
		slot.SlotType = cut(in.ServiceType[0].Text, maxText)
	}
	return pendingSlot{slot, short(target(in.Schedule.Reference)), e.Position}, ""
}

// take keeps what slots refer to.
func (d *diary) take(e *fhir.Entry) (reason string) {
	key := short(e.ResourceType + "/" + e.ID)
	switch e.ResourceType {
	case "Schedule":
		in, ok := read[scheduleResource](e)
		switch {
		case !ok:
			return otherShape
		case len(in.Actor) > maxActors:
			return tooLarge
		}
		d.sessions[key] = in.session()
	case "Location":
		in, ok := read[locationResource](e)
		if !ok {
			return otherShape
		}
		d.locations[key] = site{in.location(strings.TrimPrefix(key, "Location/")), short(target(in.Managing.Reference))}
	case "Practitioner":
		in, ok := read[practitionerResource](e)
		if !ok {
			return otherShape
		}
		d.practitioners[key] = in.practitioner(strings.TrimPrefix(key, "Practitioner/"))
	case "Organization":
		in, ok := read[organization](e)
		if !ok {
			return otherShape
		}
		d.practices[key] = in.practice()
	case "OperationOutcome":
		return "the practice sent a message beside the slots"
	case "":
		return "the entry does not say what it is"
	}
	return ""
}

func read[T any](e *fhir.Entry) (resource T, ok bool) {
	err := decode(e.JSON, &resource)
	return resource, err == nil
}

// complete adds to a slot what its Schedule says. Without a Location it could not be booked (10.2).
func (d *diary) complete(p *pendingSlot, practice *Practice) (reason string) {
	session, ok := d.sessions[p.schedule]
	if !ok {
		return "the slot's schedule is not in the answer"
	}
	d.resolve(session)
	s := &p.slot
	s.ScheduleID, s.SessionType, s.Role = strings.TrimPrefix(p.schedule, "Schedule/"), session.text, session.role
	s.Location, s.Practitioners = session.location, session.practitioners
	if *practice == (Practice{}) {
		*practice = session.practice
	}
	if s.Location.ID == "" {
		return "the slot's location is not in the answer"
	}
	return ""
}

// resolve looks up the actors of a session.
func (d *diary) resolve(s *session) {
	if s.resolved {
		return
	}
	s.resolved = true
	for _, to := range s.actors {
		if at, ok := d.locations[to]; ok {
			s.location = at.location
			if known, ok := d.practices[at.managing]; ok && s.practice == (Practice{}) {
				s.practice = known
			}
		} else if known, ok := d.practitioners[to]; ok {
			s.practitioners = append(s.practitioners, known)
		}
	}
}

func (in scheduleResource) session() *session {
	s := &session{text: cut(in.ServiceCategory.Text, maxText), role: roleOf(in.Extension)}
	s.role.Code, s.role.Display = word(s.role.Code), word(s.role.Display)
	for _, actor := range in.Actor {
		if to := target(actor.Reference); to != "" {
			s.actors = append(s.actors, short(to))
		}
	}
	return s
}

func (in locationResource) location(id string) Location {
	out := Location{ID: id, Name: word(in.Name), Telecoms: cutTelecoms(in.Telecom)}
	if len(in.Address) > 0 {
		out.Address = in.Address[0].cut()
	}
	for _, i := range in.Identifier {
		if isSystem(i.System, "ods-site-code") {
			out.SiteCode = word(i.Value)
		}
	}
	return out
}

func (in practitionerResource) practitioner(id string) Practitioner {
	out := Practitioner{ID: id, Name: preferredName(in.Name).cut(), Gender: word(in.Gender)}
	for _, i := range in.Identifier {
		if isSystem(i.System, "sds-user-id") {
			out.SDSUserID = word(i.Value)
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
