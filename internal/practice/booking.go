package practice

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The limits of what people write on an appointment, in characters.
const (
	maxDescription = 100
	maxComment     = 500
)

// booking is an Appointment as a consumer may send it. Anything else in it is refused.
type booking struct {
	ResourceType string              `json:"resourceType"`
	ID           string              `json:"id"`
	Meta         meta                `json:"meta"`
	Language     string              `json:"language"`
	Contained    []jsontext.Value    `json:"contained"`
	Extension    []bookingExtensions `json:"extension"`
	Identifier   jsontext.Value      `json:"identifier"`
	Status       string              `json:"status"`
	Description  string              `json:"description"`
	Start        string              `json:"start"`
	End          string              `json:"end"`
	Minutes      jsontext.Value      `json:"minutesDuration"`
	Slot         []link              `json:"slot"`
	Created      string              `json:"created"`
	Comment      string              `json:"comment"`
	Participant  []participant       `json:"participant"`

	// Ignored in a request.
	ServiceCategory jsontext.Value `json:"serviceCategory"`
	ServiceType     jsontext.Value `json:"serviceType"`
	// Forbidden.
	Reason    jsontext.Value `json:"reason"`
	Specialty jsontext.Value `json:"specialty"`
}

type meta struct {
	VersionID   string         `json:"versionId"`
	LastUpdated string         `json:"lastUpdated"`
	Profile     []string       `json:"profile"`
	Security    jsontext.Value `json:"security"`
	Tag         jsontext.Value `json:"tag"`
}

type link struct {
	Reference string `json:"reference"`
	Display   string `json:"display"`
}

type participant struct {
	Type     jsontext.Value `json:"type"`
	Actor    link           `json:"actor"`
	Required string         `json:"required"`
	Status   string         `json:"status"`
}

type bookingExtensions struct {
	URL     string         `json:"url"`
	Link    link           `json:"valueReference"`
	Code    string         `json:"valueCode"`
	Text    string         `json:"valueString"`
	Concept jsontext.Value `json:"valueCodeableConcept"`
}

// bookingOrganization is the contained Organization: who books.
type bookingOrganization struct {
	ResourceType string           `json:"resourceType"`
	ID           string           `json:"id"`
	Meta         meta             `json:"meta"`
	Identifier   []fhirIdentifier `json:"identifier"`
	Name         string           `json:"name"`
	Telecom      []struct {
		System string `json:"system"`
		Value  string `json:"value"`
		Use    string `json:"use"`
		Rank   int    `json:"rank"`
	} `json:"telecom"`
	Type []struct {
		Coding []struct {
			System  string `json:"system"`
			Code    string `json:"code"`
			Display string `json:"display"`
		} `json:"coding"`
		Text string `json:"text"`
	} `json:"type"`
	Address jsontext.Value `json:"address"`
}

// parseBooking reads a body: text that is not JSON is a bad request, JSON that is no such Appointment an invalid resource.
func parseBooking(body []byte) (*booking, error) {
	if !jsontext.Value(body).IsValid() {
		return nil, badRequest("the body is not JSON")
	}
	b := &booking{}
	if err := json.Unmarshal(body, b, json.RejectUnknownMembers(true)); err != nil {
		return nil, invalidResource("the body is not an Appointment with nothing but the elements that are allowed")
	}
	if b.ResourceType != "Appointment" || !slices.Contains(b.Meta.Profile, appointmentProfile) {
		return nil, invalidResource("the body is not an Appointment with the profile of GP Connect")
	}
	if err := b.checkWords(); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *booking) checkWords() error {
	switch {
	case b.Description == "" || utf8.RuneCountInString(b.Description) > maxDescription:
		return invalidResource("description must have 1 to 100 characters")
	case utf8.RuneCountInString(b.Comment) > maxComment:
		return invalidResource("comment must not have more than 500 characters")
	}
	return nil
}

// book makes an appointment (gpconnect.md, 10.2). Whatever the request says is checked first; whether the slots are still
// free is asked last, under the lock, so that of many who want a slot exactly one gets it.
func (s *System) book(r *request) (answer, error) {
	b, err := parseBooking(r.body)
	if err != nil {
		return answer{}, err
	}
	if err := b.checkElements(); err != nil {
		return answer{}, err
	}
	organization, err := b.organization()
	if err != nil {
		return answer{}, err
	}
	slots, err := s.bookedSlots(b, organization, r.now)
	if err != nil {
		return answer{}, err
	}
	patient, err := s.checkParticipants(b, &slots[0])
	if err != nil {
		return answer{}, err
	}
	a := &appointment{
		id: mint(s.cfg.ODS.String(), "appointment", r.trace, slots[0].id, dateTime(r.now)), patient: patient,
		consumer: valueOf(organization.Identifier, odsCodeID), slots: slots,
		start: slots[0].start, end: slots[len(slots)-1].end, version: 1, modified: r.now,
	}
	a.resource = b.stored(a)
	if err := s.take(a); err != nil {
		return answer{}, err
	}
	body, err := encodeResource(a.resource)
	if err != nil {
		return answer{}, err
	}
	created := answer{
		status: http.StatusCreated, body: body, etag: versionOf(a.version), modified: a.modified,
		location: s.cfg.Roots.Foundations + "/Appointment/" + a.id + "/_history/" + versionOf(a.version),
	}
	if minimal(r.Request) {
		created.body = nil
	}
	return created, nil
}

// minimal says that the consumer does not want the resource back.
func minimal(r *http.Request) bool {
	return strings.EqualFold(strings.TrimSpace(r.Header.Get("Prefer")), "return=minimal")
}

// take books the slots for a, all of them or none.
func (s *System) take(a *appointment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := 0
	for _, other := range s.appointments {
		if other.consumer == a.consumer && !other.cancelled {
			held += len(other.slots)
		}
	}
	for _, sl := range a.slots {
		if s.taken[sl.id] {
			return duplicateRejected("a slot is no longer free")
		}
	}
	if limit := s.cfg.Diary.Limit; limit > 0 && held+len(a.slots) > limit {
		return invalidResource("the organisation has reached its limit of appointments at this practice")
	}
	for _, sl := range a.slots {
		s.taken[sl.id] = true
		s.changes[sl.id]++
	}
	s.appointments = append(s.appointments, a)
	return nil
}

// checkElements looks at what needs nobody but the request.
func (b *booking) checkElements() error {
	switch {
	case b.Status != "booked":
		return invalidResource("status must be booked")
	case b.Reason != nil || b.Specialty != nil:
		return invalidResource("reason and specialty are not allowed")
	case !localTime.MatchString(b.Created):
		return invalidResource("created must be there, in local time with an offset")
	case len(b.Slot) == 0:
		return invalidResource("slot must be there")
	case len(b.Participant) == 0:
		return invalidResource("participant must be there")
	}
	for _, x := range b.Extension {
		if x.URL == reasonExtension {
			return invalidResource("a cancellation reason is not allowed")
		}
	}
	return nil
}

// organization finds the contained Organization that the booking extension points to.
func (b *booking) organization() (*bookingOrganization, error) {
	var pointer string
	for _, x := range b.Extension {
		if x.URL == bookingExtension {
			if pointer != "" {
				return nil, invalidResource("the booking organisation must be there once")
			}
			pointer = x.Link.Reference
		}
	}
	if !strings.HasPrefix(pointer, "#") || len(b.Contained) != 1 {
		return nil, invalidResource("the booking organisation must be contained and referenced")
	}
	o := &bookingOrganization{}
	if err := json.Unmarshal(b.Contained[0], o, json.RejectUnknownMembers(true)); err != nil || o.ResourceType != "Organization" || "#"+o.ID != pointer {
		return nil, invalidResource("the contained resource is not the Organization that books")
	}
	switch {
	case !slices.Contains(o.Meta.Profile, careConnect("Organization")):
		return nil, invalidResource("the contained Organization lacks its profile")
	case valueOf(o.Identifier, odsCodeID) == "":
		return nil, invalidResource("the contained Organization lacks an ODS code")
	case o.Name == "":
		return nil, invalidResource("the contained Organization lacks a name")
	case len(o.Telecom) == 0 || o.Telecom[0].System == "" || o.Telecom[0].Value == "":
		return nil, invalidResource("the contained Organization lacks a telecom")
	}
	return o, nil
}

// kinds are the organisation types it says it has.
func (o *bookingOrganization) kinds() []string {
	var kinds []string
	for _, t := range o.Type {
		for _, c := range t.Coding {
			if c.System == organisations {
				kinds = append(kinds, c.Code)
			}
		}
	}
	return kinds
}

// bookedSlots finds the slots in order of time and checks them: known, ahead, bookable by this organisation, of one
// schedule, channel and type, each beginning where the last ended, and the appointment's times theirs.
func (s *System) bookedSlots(b *booking, o *bookingOrganization, now time.Time) ([]slot, error) {
	var slots []slot
	for _, l := range b.Slot {
		id, found := strings.CutPrefix(l.Reference, "Slot/")
		sl, known := s.slotByID(id, now)
		switch {
		case !found || !known:
			return nil, invalidResource("a slot is not one of this practice")
		case sl.channel == channelVisit:
			return nil, invalidResource("a visit cannot be booked")
		case !sl.visible(o.kinds(), []string{valueOf(o.Identifier, odsCodeID)}):
			return nil, invalidResource("a slot is not open to this organisation")
		case sl.start.Before(now):
			return nil, invalidResource("a slot is in the past")
		case sl.start.Before(now.Add(s.cfg.Diary.Embargo)):
			return nil, invalidResource("a slot is not open for booking yet")
		}
		slots = append(slots, sl)
	}
	slices.SortStableFunc(slots, func(x, y slot) int { return cmp.Or(x.start.Compare(y.start), x.end.Compare(y.end)) })
	for i := 1; i < len(slots); i++ {
		last, next := &slots[i-1], &slots[i]
		if !last.end.Equal(next.start) || last.schedule != next.schedule || last.channel != next.channel || last.kind != next.kind {
			return nil, invalidResource("several slots must be adjacent, of one schedule, delivery channel and type")
		}
	}
	if b.Start != dateTime(slots[0].start.In(s.zone)) || b.End != dateTime(slots[len(slots)-1].end.In(s.zone)) {
		return nil, invalidResource("start and end must be the times of the slots, in local time with an offset")
	}
	return slots, nil
}

// participation are the statuses of a participant in STU3.
var participation = [...]string{"accepted", "declined", "tentative", "needs-action"}

// checkParticipants wants the patient and the place of the slot, and nobody whom the practice does not know.
func (s *System) checkParticipants(b *booking, sl *slot) (patient string, err error) {
	var located bool
	for _, p := range b.Participant {
		kind, id, found := strings.Cut(p.Actor.Reference, "/")
		if !found || !slices.Contains(participation[:], p.Status) {
			return "", invalidResource("a participant lacks a relative reference or a status")
		}
		switch kind {
		case "Patient":
			if patient != "" || !s.byID[id].attends() {
				return "", invalidResource("there must be one patient, whom this practice knows")
			}
			patient = id
		case "Location":
			if located || (sl.location != "" && id != sl.location) {
				return "", invalidResource("there must be one location, that of the slot")
			}
			located = true
		case "Practitioner":
			if _, known := s.practitionerByID(id); !known && !slices.Contains(sl.practitioners, id) {
				return "", invalidResource("a practitioner is not one of this practice")
			}
		default:
			return "", invalidResource("a participant is not a patient, a location or a practitioner")
		}
	}
	if patient == "" || !located {
		return "", invalidResource("a patient and a location must be participants")
	}
	return patient, nil
}

// stored is the Appointment as the practice keeps it: what was sent, and what the slots say.
func (b *booking) stored(a *appointment) object {
	slots := make([]object, len(b.Slot))
	for i, l := range b.Slot {
		slots[i] = l.object()
	}
	participants := make([]object, len(b.Participant))
	for i, p := range b.Participant {
		participants[i] = obj("type", p.Type, "actor", p.Actor.object(), "required", p.Required, "status", p.Status)
	}
	extensions := []object{a.slots[0].channelExtension(), a.slots[0].roleExtension()}
	for _, x := range b.Extension {
		// The practice's own word about the slot stands; any other extension is kept as it came.
		if x.URL != channelExtension && x.URL != roleExtension {
			extensions = append(extensions, obj("url", x.URL, "valueReference", x.Link.object(), "valueCode", x.Code,
				"valueString", x.Text, "valueCodeableConcept", x.Concept))
		}
	}
	return obj("resourceType", "Appointment", "id", a.id,
		"meta", obj("versionId", versionOf(a.version), "profile", []string{appointmentProfile}),
		"contained", b.Contained, "extension", extensions, "identifier", b.Identifier, "status", b.Status,
		"serviceCategory", obj("text", a.slots[0].session), "serviceType", []object{obj("text", a.slots[0].kind)},
		"description", b.Description, "start", b.Start, "end", b.End, "minutesDuration", b.Minutes,
		"slot", slots, "created", b.Created, "comment", b.Comment, "participant", participants,
	)
}

func (l link) object() object { return obj("reference", l.Reference, "display", l.Display) }
