package practice

import (
	"slices"
	"strings"
)

// list is a List before it is written: what it names, and why it may not be everything (gpconnect.md, 6.3 to 6.5).
type list struct {
	title     string
	code      object
	area      Area // whose warnings it carries
	entries   []object
	contained []object
	withheld  bool
}

// primary begins the List that answers for an area.
func (c *composer) primary(area Area) list {
	snomedCode, title := area.primary()
	return list{title: title, code: concept(snomed, snomedCode, title), area: area}
}

func (a Area) primary() (code, title string) {
	switch a {
	case Allergies:
		return "886921000000105", "Allergies and adverse reactions"
	case Medications:
		return "933361000000108", "Medications and medical devices"
	case Consultations:
		return "1149501000000101", "List of consultations"
	case Problems:
		return "717711000000103", "Problems"
	case Immunisations:
		return "1102181000000102", "Immunisations"
	case Uncategorised:
		return "826501000000100", "Uncategorised data"
	case Investigations:
		return "887191000000108", "Investigations and results"
	case Referrals:
		return "792931000000107", "Outbound referral"
	case DiaryEntries:
		return "714311000000108", "Patient recall administration"
	case Documents:
	}
	return "", ""
}

// endedList holds the allergies that have ended, inside itself: code that reads Bundle entries never meets them.
func (c *composer) endedList(allergies []*item) list {
	l := list{title: "Ended allergies", code: concept(snomed, "1103671000000101", "Ended allergies"), area: Allergies}
	for _, it := range allergies {
		contents, is := it.contents.(*allergy)
		switch {
		case !is || contents.Ended == nil:
		case it.Confidential:
			l.withheld = true
		default:
			l.contained = append(l.contained, c.allergy(it, contents))
			l.entries = append(l.entries, reference("#"+it.id))
		}
	}
	return l
}

// secondary begins a List of what came along. Its code is its title in lower case with hyphens.
func (c *composer) secondary(title string, area Area) list {
	return list{title: title, code: concept(hl7Systems+"GPConnect-SecondaryListValues-1", slug(title), title), area: area}
}

// family is one of the two kinds of secondary Lists: how their titles begin and end.
type family struct{ begins, ends string }

var (
	consultationFamily = family{"Consultations - ", " contained in consultations"}
	problemFamily      = family{"Problems - ", " related to problems"}
)

func (f family) title(things string) string {
	if f == consultationFamily && things == "outbound referrals" {
		return "Consultations - outbound referrals in consultations"
	}
	return f.begins + things + f.ends
}

// things is the area in the title of a secondary List.
func (a Area) things() string {
	switch a {
	case Uncategorised:
		return "uncategorised data"
	case Referrals:
		return "outbound referrals"
	case DiaryEntries:
		return "diary entries"
	case Allergies, Medications, Consultations, Problems, Immunisations, Investigations, Documents:
	}
	return string(a)
}

// companions includes what the shown items bring along and adds the secondary Lists that name it. A List is there when it
// has content or a warning.
func (c *composer) companions(f family, shown []*item, of func(*item) []*item) {
	var all []*item
	for _, it := range shown {
		for _, companion := range of(it) {
			if !slices.Contains(all, companion) {
				all = append(all, companion)
			}
		}
	}
	for _, area := range append(requestable[:], Documents) {
		if (f == consultationFamily && area == Consultations) || (f == problemFamily && area == Problems) {
			continue
		}
		l := c.secondary(f.title(area.things()), area)
		var ended []*item
		for _, it := range all {
			switch {
			case it.area != area:
			case !c.exported(area):
				c.link(it) // remembers that the area was met
			case c.ended(it):
				ended = append(ended, it)
			case it.Confidential:
				l.withheld = true
			default:
				c.include(it)
				l.entries = append(l.entries, c.listed(it))
			}
		}
		c.addIfAny(l)
		if len(ended) > 0 {
			whole := c.endedList(ended)
			l := c.secondary(f.title("allergies that have been ended"), Allergies)
			l.entries, l.contained, l.withheld = whole.entries, whole.contained, whole.withheld
			c.addIfAny(l)
			// Consultations and problems that refer to ended allergies bring their List along, once.
			if !c.sel.areas[Allergies] && !c.done["ended"] {
				c.done["ended"] = true
				c.lists = append(c.lists, c.list(c.endedList(ended)))
			}
		}
	}
}

func (c *composer) addIfAny(l list) {
	if len(l.entries) > 0 || l.withheld {
		c.lists = append(c.lists, c.list(l))
	}
}

// linkedProblems are the problems that something in the answer belongs to and that nobody asked for: one List for all.
func (c *composer) linkedProblems() []object {
	l := c.secondary("Problems - linked problems not relating to the primary query", Problems)
	for _, it := range c.rec.of(Problems) {
		if c.done[it.ref()] || !c.concerns(it) {
			continue
		}
		switch {
		case it.Confidential:
			l.withheld = true
		case !c.exported(Problems):
			c.link(it)
		default:
			c.include(it)
			l.entries = append(l.entries, c.listed(it))
		}
	}
	if len(l.entries) == 0 && !l.withheld {
		return nil
	}
	return []object{c.list(l)}
}

// concerns says that a problem is linked to something that is in the Bundle.
func (c *composer) concerns(about *item) bool {
	return slices.ContainsFunc(c.relatedTo(about), func(it *item) bool { return it.area != Problems && c.done[it.ref()] })
}

// list writes a List with its warnings, and says why it is empty if it is.
func (c *composer) list(l list) object {
	extensions := []object{extension(nhsProfiles+"Extension-CareConnect-GPC-ClinicalSetting-1", "valueCodeableConcept",
		concept(snomed, "1060971000000108", "General practice service"))}
	var texts []string
	warn := func(code, text string) {
		extensions = append(extensions, extension(nhsProfiles+"Extension-CareConnect-GPC-ListWarningCode-1", "valueCode", code))
		texts = append(texts, text)
	}
	var reason object
	if len(l.entries) == 0 {
		reason = concept(nhsSystems+"CareConnect-ListEmptyReasonCode-1", "no-content-recorded", "No Content Recorded")
		texts = append(texts, "Information not available")
	}
	if l.withheld {
		warn("confidential-items", "Items excluded due to confidentiality and/or patient preferences.")
	}
	if arrived := c.rec.story.Arrived.at(c.now); arrived.known {
		warn("data-in-transit", "Patient record transfer from previous GP practice not yet complete; information recorded before "+
			arrived.t.Format("02-Jan-2006")+" may be missing.")
	}
	if since, awaits := c.rec.story.AwaitingFiling[l.area]; awaits {
		warn("data-awaiting-filing", "Patient record contains some items in the GP practice workflow that have not been reviewed for "+
			"inclusion in this message; information recorded before "+since.at(c.now).t.Format("02-Jan-2006")+" may be missing.")
	}
	return c.listResource(c.listID(l.title), extensions, l.contained, l.title, l.code, nil, c.listDate(), c.order("event-date"),
		notes(strings.Join(texts, " ")), l.entries, reason)
}

// listID is empty by the specification; one supplier has it.
func (c *composer) listID(title string) string {
	if c.cfg.Style != StyleHex {
		return ""
	}
	id := slug(title)
	return strings.TrimRight(id[:min(len(id), 64)], "-")
}

// listDate is when the List was made. One supplier writes it in UTC, in summer too.
func (c *composer) listDate() string {
	if c.cfg.Style == StyleUpper {
		return dateTime(c.now.UTC())
	}
	return dateTime(c.now)
}

// slug is a title in lower case with hyphens.
func slug(title string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(title), " - ", "-"), " ", "-")
}

// order is how a List is sorted, for suppliers that say so. Structure Lists always do.
func (c *composer) order(code string) object {
	if code == "event-date" && c.cfg.Style != StyleUpper {
		return nil
	}
	display := "Sorted by Event Date"
	if code == "system" {
		display = "Sorted by System"
	}
	return concept("http://hl7.org/fhir/list-order", code, display)
}

func (c *composer) listResource(
	id string, extensions, contained []object, title string, code, encounter object, date string, ordered object,
	note, entries []object, reason object,
) object {
	items := make([]object, len(entries))
	for i, e := range entries {
		items[i] = obj("item", e)
	}
	return obj("resourceType", "List", "id", id, "meta", obj("profile", []string{careConnect("List")}),
		"contained", contained, "extension", extensions, "status", "current", "mode", "snapshot", "title", title,
		"code", code, "subject", c.subject(), "encounter", encounter, "date", date, "orderedBy", ordered,
		"note", note, "entry", items, "emptyReason", reason)
}
