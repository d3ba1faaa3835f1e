package practice

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Diary is what can be booked: the same sessions on every day, weekends too, so that any window finds some. The zero
// Diary is empty.
type Diary struct {
	// Sessions of each day.
	Sessions []Session
	// Days that are open for booking, today included. The default is 60.
	Days int
	// ShowPast offers the slots of today that have already begun, as some systems do; they cannot be booked.
	ShowPast bool
	// Embargo hides slots that begin sooner than this.
	Embargo time.Duration
	// Limit is how many slots one organisation may hold; it shows only at booking. Zero is no limit.
	Limit int
}

// Session is one clinic of every day. Its Schedule has one Location and one Practitioner.
type Session struct {
	// Type is the session type, such as "General surgery": Schedule.serviceCategory.
	Type string
	// SlotTypes are the slot types, taken in turn.
	SlotTypes []string
	// Channels are the delivery channels, taken in turn: In-person, Telephone, Video. A Visit is never offered and cannot
	// be booked.
	Channels []string
	// Start is the local time of the first slot, hh:mm.
	Start string
	// Slots is how many there are in a day, each of Minutes. They must end before midnight.
	Slots, Minutes int
	// Clinician is a key of data/staff.yaml, such as "gp" or "nurse".
	Clinician string
	// Branch says that it takes place at the branch surgery.
	Branch bool
	// OrganisationTypes and Organisations restrict who sees the slots; empty is no restriction.
	OrganisationTypes, Organisations []string
}

const channelVisit = "Visit"

// OrdinaryDiary has some eighty slots a day: in person, by telephone and by video, at two places, one session for urgent
// care only and one for visits, which are never offered.
func OrdinaryDiary() Diary {
	return Diary{Sessions: []Session{
		{Type: "General surgery", SlotTypes: []string{"Routine"}, Channels: []string{"In-person"}, Start: "08:30", Slots: 18, Minutes: 10, Clinician: usualGP},
		{Type: "Telephone triage", SlotTypes: []string{"Telephone", "Urgent telephone"}, Channels: []string{"Telephone"}, Start: "09:00", Slots: 16, Minutes: 10, Clinician: "partner"},
		{Type: "Nurse clinic", SlotTypes: []string{"Dressing", "Smear", "Vaccination"}, Channels: []string{"In-person"}, Start: "10:00", Slots: 10, Minutes: 20, Clinician: "nurse", Branch: true},
		{Type: "Video surgery", SlotTypes: []string{"Video"}, Channels: []string{"Video"}, Start: "14:00", Slots: 12, Minutes: 15, Clinician: "locum"},
		{Type: "Evening surgery", SlotTypes: []string{"Extended access"}, Channels: []string{"In-person", "Telephone"}, Start: "18:00", Slots: 18, Minutes: 10, Clinician: "partner"},
		{Type: "Urgent care", SlotTypes: []string{"Urgent"}, Channels: []string{"In-person"}, Start: "16:30", Slots: 8, Minutes: 10, Clinician: usualGP, OrganisationTypes: []string{"urgent-care"}},
		{Type: "Home visits", SlotTypes: []string{"Visit"}, Channels: []string{channelVisit}, Start: "12:30", Slots: 3, Minutes: 30, Clinician: usualGP},
	}}
}

// HugeDiary has more than six thousand free slots in any fortnight.
func HugeDiary() Diary {
	clinicians := []string{usualGP, "partner", "locum", "nurse", "assistant", "pharmacist", "physio"}
	d := Diary{}
	for room := range 8 {
		d.Sessions = append(d.Sessions, Session{
			Type: fmt.Sprintf("Walk-in hall, desk %d", room+1), SlotTypes: []string{"Routine", "Urgent", "Review"},
			Channels: []string{"In-person", "Telephone", "Video"}, Start: "07:00", Slots: 96, Minutes: 10,
			Clinician: clinicians[room%len(clinicians)], Branch: room%3 == 2,
		})
	}
	return d
}

var clockGrammar = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// check also fills in the default of Days.
func (d *Diary) check(st *staff) error {
	if d.Days == 0 {
		d.Days = 60
	}
	for _, s := range d.Sessions {
		if !clockGrammar.MatchString(s.Start) || len(s.SlotTypes) == 0 || len(s.Channels) == 0 || s.Minutes < 1 || s.Slots < 1 {
			return fmt.Errorf("session %q lacks a start, slot types, channels, minutes or slots", s.Type)
		}
		h, m := s.begins()
		if h*60+m+s.Slots*s.Minutes > 24*60 {
			return fmt.Errorf("session %q ends after midnight", s.Type)
		}
		if _, found := st.People[s.Clinician]; !found {
			return fmt.Errorf("session %q has an unknown clinician", s.Type)
		}
	}
	return nil
}

// begins is Start in numbers; check has seen its form.
func (s *Session) begins() (hour, minute int) {
	h, m, _ := strings.Cut(s.Start, ":")
	hour, _ = strconv.Atoi(h)
	minute, _ = strconv.Atoi(m)
	return hour, minute
}

// slot is one bookable time, from a session or from Config.Slots.
type slot struct {
	id, schedule      string
	start, end        time.Time
	channel, kind     string // delivery channel, slot type
	session           string // session type
	location          string // logical id
	practitioners     []string
	role              any // the CodeableConcept of the practitioner's role, nil if not known
	types, consumers  []string
	sessionStart      time.Time
	sessionEnd        time.Time
	clinician, placed string // keys of the staff and of the place, empty when imported
}

// visible is the filter matrix of gpconnect.md 10.1: a restriction that the consumer does not meet hides the slot.
func (sl *slot) visible(types, consumers []string) bool {
	meets := func(restriction, sent []string) bool {
		return len(restriction) == 0 || slices.ContainsFunc(sent, func(v string) bool { return slices.Contains(restriction, v) })
	}
	return meets(sl.types, types) && meets(sl.consumers, consumers)
}

// slotsOn are the slots of the day that begins at midnight, session by session.
func (s *System) slotsOn(midnight time.Time) iter.Seq[slot] {
	return func(yield func(slot) bool) {
		for i := range s.cfg.Diary.Sessions {
			for n := range s.cfg.Diary.Sessions[i].Slots {
				if !yield(s.slotAt(midnight, i, n)) {
					return
				}
			}
		}
	}
}

// slotAt makes slot n of session i. Its ids are readable, which only we may rely on.
func (s *System) slotAt(midnight time.Time, i, n int) slot {
	session := &s.cfg.Diary.Sessions[i]
	hour, minute := session.begins()
	at := func(slots int) time.Time {
		return time.Date(midnight.Year(), midnight.Month(), midnight.Day(), hour, minute+slots*session.Minutes, 0, 0, s.zone)
	}
	placed := surgery
	if session.Branch {
		placed = branch
	}
	schedule := fmt.Sprintf("%s-%d", midnight.Format("20060102"), i)
	return slot{
		id: fmt.Sprintf("%s-%d", schedule, n), schedule: schedule, start: at(n), end: at(n + 1),
		channel: session.Channels[n%len(session.Channels)], kind: session.SlotTypes[n%len(session.SlotTypes)],
		session: session.Type, location: s.foundations().id("Location", placed),
		practitioners: []string{s.foundations().id("Practitioner", session.Clinician)},
		role:          s.staff.People[session.Clinician].role(),
		types:         session.OrganisationTypes, consumers: session.Organisations,
		sessionStart: at(0), sessionEnd: at(session.Slots), clinician: session.Clinician, placed: placed,
	}
}

var slotIDGrammar = regexp.MustCompile(`^([0-9]{8})-([0-9]{1,3})-([0-9]{1,3})$`)

// slotByID finds a slot of the diary's open days, or of Config.Slots.
func (s *System) slotByID(id string, now time.Time) (slot, bool) {
	if sl, found := s.imported[id]; found {
		return sl, true
	}
	m := slotIDGrammar.FindStringSubmatch(id)
	if m == nil {
		return slot{}, false
	}
	day, err := time.ParseInLocation("20060102", m[1], s.zone)
	if err != nil || day.After(midnightOf(now).AddDate(0, 0, s.cfg.Diary.Days-1)) {
		return slot{}, false
	}
	i, _ := strconv.Atoi(m[2])
	n, _ := strconv.Atoi(m[3])
	if i >= len(s.cfg.Diary.Sessions) || n >= s.cfg.Diary.Sessions[i].Slots {
		return slot{}, false
	}
	sl := s.slotAt(day, i, n)
	return sl, sl.id == id // a leading zero is another id
}

func midnightOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// importSlots reads the slots of a searchset from outside, so that they can be booked. What it does not know it leaves.
func importSlots(raw []byte) (map[string]slot, error) {
	if raw == nil {
		return nil, nil
	}
	type referenceTo struct {
		Reference string `json:"reference"`
	}
	type text struct {
		Text string `json:"text"`
	}
	var bundle struct {
		ResourceType string `json:"resourceType"`
		Entry        []struct {
			Resource struct {
				ResourceType string        `json:"resourceType"`
				ID           string        `json:"id"`
				Start        string        `json:"start"`
				End          string        `json:"end"`
				Schedule     referenceTo   `json:"schedule"`
				Actor        []referenceTo `json:"actor"`
				Extension    []struct {
					URL     string         `json:"url"`
					Code    string         `json:"valueCode"`
					Concept jsontext.Value `json:"valueCodeableConcept"`
				} `json:"extension"`
				ServiceType     jsontext.Value `json:"serviceType"`
				ServiceCategory jsontext.Value `json:"serviceCategory"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(raw, &bundle); err != nil || bundle.ResourceType != "Bundle" {
		return nil, errors.New("the slots are not a Bundle")
	}
	schedules, slots := map[string]slot{}, map[string]slot{}
	for _, e := range bundle.Entry {
		r := &e.Resource
		sl := slot{id: r.ID}
		for _, x := range r.Extension {
			if x.Code != "" {
				sl.channel = x.Code
			}
			if x.Concept != nil {
				sl.role = x.Concept
			}
		}
		switch r.ResourceType {
		case "Schedule":
			for _, actor := range r.Actor {
				if id, found := strings.CutPrefix(actor.Reference, "Location/"); found {
					sl.location = id
				}
				if id, found := strings.CutPrefix(actor.Reference, "Practitioner/"); found {
					sl.practitioners = append(sl.practitioners, id)
				}
			}
			var category text
			if json.Unmarshal(r.ServiceCategory, &category) == nil {
				sl.session = category.Text
			}
			schedules[r.ID] = sl
		case "Slot":
			start, err1 := time.Parse(time.RFC3339, r.Start)
			end, err2 := time.Parse(time.RFC3339, r.End)
			if r.ID == "" || err1 != nil || err2 != nil {
				continue
			}
			var kinds []text
			if json.Unmarshal(r.ServiceType, &kinds) == nil && len(kinds) > 0 {
				sl.kind = kinds[0].Text
			}
			sl.start, sl.end, sl.schedule = start, end, strings.TrimPrefix(r.Schedule.Reference, "Schedule/")
			slots[r.ID] = sl
		}
	}
	for id, sl := range slots {
		of := schedules[sl.schedule]
		sl.location, sl.practitioners, sl.session, sl.role = of.location, of.practitioners, of.session, of.role
		slots[id] = sl
	}
	return slots, nil
}
