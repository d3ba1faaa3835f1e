package practice

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	slotProfile     = nhsProfiles + "GPConnect-Slot-1"
	scheduleProfile = nhsProfiles + "GPConnect-Schedule-1"
)

// slotQuery is an accepted search for free slots (gpconnect.md, 10.1).
type slotQuery struct {
	from, until      time.Time // until is exclusive for what begins, inclusive for what ends
	types, consumers []string
	practitioner     bool
	location         bool
}

// maxRange is how many days may lie between the dates of start and end.
const maxRange = 14

var (
	wholeDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	localTime = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}$`)
)

func parseSlotQuery(q url.Values, zone *time.Location) (slotQuery, error) {
	for _, name := range []string{"start", "end", "status"} {
		if len(q[name]) != 1 {
			return slotQuery{}, badRequest(name + " must be there once")
		}
	}
	if !slices.Contains(q["_include"], "Slot:schedule") {
		return slotQuery{}, badRequest("_include=Slot:schedule must be there")
	}
	if q.Get("status") != "free" {
		return slotQuery{}, invalidParameter("status must be free")
	}
	from, err := bound("start", "ge", q.Get("start"), zone)
	if err != nil {
		return slotQuery{}, err
	}
	until, err := bound("end", "le", q.Get("end"), zone)
	if err != nil {
		return slotQuery{}, err
	}
	// Counted in dates: the day on which the clocks change has other hours.
	first, last := midnightOf(from), midnightOf(until)
	if last.Before(first) || last.After(first.AddDate(0, 0, maxRange)) {
		return slotQuery{}, invalidParameter("end must be 0 to 14 days after start")
	}
	if wholeDate.MatchString(strings.TrimPrefix(q.Get("end"), "le")) {
		until = until.AddDate(0, 0, 1)
	}
	if until.Before(from) {
		return slotQuery{}, invalidParameter("end is before start")
	}
	recurse := q["_include:recurse"]
	query := slotQuery{
		from: from, until: until,
		practitioner: slices.Contains(recurse, "Schedule:actor:Practitioner"),
		location:     slices.Contains(recurse, "Schedule:actor:Location"),
	}
	for _, filter := range q["searchFilter"] {
		switch system, code, _ := strings.Cut(filter, "|"); {
		case system == organisations && (code == "gp-practice" || code == "urgent-care"):
			query.types = append(query.types, code)
		case system == odsCodeID && code != "":
			query.consumers = append(query.consumers, code)
		}
	}
	return query, nil
}

// bound reads one end of the range: its prefix and a whole date or a time with an offset. A plus sign that was not
// percent-encoded has become a space, and is refused like any other slip.
func bound(name, prefix, value string, zone *time.Location) (time.Time, error) {
	rest, found := strings.CutPrefix(value, prefix)
	wrong := invalidParameter(name + " must be " + prefix + " and a whole date or a time with an offset")
	switch {
	case found && wholeDate.MatchString(rest):
		t, err := time.ParseInLocation(time.DateOnly, rest, zone)
		if err != nil {
			return time.Time{}, wrong
		}
		return t, nil
	case found && localTime.MatchString(rest):
		t, err := time.Parse(time.RFC3339, rest)
		if err != nil {
			return time.Time{}, wrong
		}
		return t.In(zone), nil
	}
	return time.Time{}, wrong
}

func (s *System) searchSlots(r *request) (answer, error) {
	q, err := parseSlotQuery(r.query, s.zone)
	if err != nil {
		return answer{}, err
	}
	if s.cfg.Slots != nil {
		return answer{status: http.StatusOK, body: s.cfg.Slots}, nil
	}
	free := s.freeSlots(q, r.now)
	if len(free) == 0 {
		return ok(searchset())
	}
	return ok(searchset(s.slotResources(free, q)...))
}

// freeSlots are the slots on offer: free, wholly inside the range, within the booking window, never a Visit.
func (s *System) freeSlots(q slotQuery, now time.Time) []slot {
	taken := s.takenSlots()
	opens := now.Add(s.cfg.Diary.Embargo)
	if s.cfg.Diary.ShowPast && s.cfg.Diary.Embargo == 0 {
		opens = midnightOf(now)
	}
	closes := midnightOf(now).AddDate(0, 0, s.cfg.Diary.Days)
	first := midnightOf(q.from)
	if today := midnightOf(now); first.Before(today) {
		first = today
	}
	var free []slot
	for day := first; day.Before(q.until) && day.Before(closes); day = day.AddDate(0, 0, 1) {
		for sl := range s.slotsOn(day) {
			if sl.start.Before(q.from) || sl.end.After(q.until) || sl.start.Before(opens) || sl.channel == channelVisit {
				continue
			}
			if taken[sl.id] || !sl.visible(q.types, q.consumers) {
				continue
			}
			free = append(free, sl)
		}
	}
	return free
}

// slotResources are the slots and what they include. The Organization is there whenever there are slots.
func (s *System) slotResources(free []slot, q slotQuery) []object {
	d := s.foundations()
	out := []object{d.organization()}
	seen := map[string]bool{}
	once := func(key string, make func() object) {
		if !seen[key] {
			seen[key] = true
			out = append(out, make())
		}
	}
	versions := s.slotVersions()
	for i := range free {
		sl := &free[i]
		once("Schedule/"+sl.schedule, sl.scheduleResource)
		if q.location {
			once("Location/"+sl.location, func() object { return d.location(sl.placed) })
		}
		if q.practitioner {
			once("Practitioner/"+sl.clinician, func() object { return d.practitioner(sl.clinician) })
		}
		out = append(out, sl.resource(versions[sl.id]))
	}
	return out
}

func (sl *slot) resource(changes int) object {
	return versioned("Slot", sl.id, versionOf(changes+1), slotProfile,
		"extension", []object{sl.channelExtension()},
		"serviceType", []object{obj("text", sl.kind)},
		"schedule", reference("Schedule/"+sl.schedule),
		"status", "free", "start", dateTime(sl.start), "end", dateTime(sl.end),
	)
}

func (sl *slot) channelExtension() object {
	return extension(nhsProfiles+"Extension-GPConnect-DeliveryChannel-2", "valueCode", sl.channel)
}

func (sl *slot) roleExtension() object {
	if sl.role == nil {
		return nil
	}
	return extension(nhsProfiles+"Extension-GPConnect-PractitionerRole-1", "valueCodeableConcept", sl.role)
}

func (sl *slot) scheduleResource() object {
	actors := []object{reference("Location/" + sl.location)}
	for _, p := range sl.practitioners {
		actors = append(actors, reference("Practitioner/"+p))
	}
	return versioned("Schedule", sl.schedule, "1", scheduleProfile,
		"extension", []object{sl.roleExtension()},
		"serviceCategory", obj("text", sl.session),
		"actor", actors,
		"planningHorizon", obj("start", dateTime(sl.sessionStart), "end", dateTime(sl.sessionEnd)),
	)
}
