package judge

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of the texts of an appointment, in characters.
const (
	maxDescription = 100
	maxComment     = 500
)

const (
	bookingOrganisation = structureDefinition + "Extension-GPConnect-BookingOrganisation-1"
	cancellationReason  = structureDefinition + "Extension-GPConnect-AppointmentCancellationReason-1"
)

const (
	create = "fhir:rest:create:appointment-1"
	update = "fhir:rest:update:appointment-1"
	cancel = "fhir:rest:cancel:appointment-1"
)

// bookingRules are about the Appointment that books, amends or cancels.
var bookingRules = []Rule{
	bookingRule("GPC-BOOK-01", "The Appointment names its profile.", "GP Connect 2, 10.2", SPEC, []string{create, update, cancel},
		func(r *request, _ *past) string {
			return unless(profiled(r.body, "GPConnect-Appointment-1"), "it does not")
		}),
	bookingRule("GPC-BOOK-02", "Its status is `booked`.", "GP Connect 10.2", TEST, []string{create, update},
		func(r *request, _ *past) string { return unless(r.body.text("status") == "booked", "it is another") }),
	bookingRule("GPC-BOOK-03", "`start` and `end` are UK times with their offset, in that order.", "GP Connect 10.2", TEST, []string{create},
		func(r *request, _ *past) string {
			start, end := r.body.text("start"), r.body.text("end")
			if !isLocal(start) || !isLocal(end) {
				return "one is missing or of another form"
			}
			from, _ := time.Parse(time.RFC3339, start)
			until, _ := time.Parse(time.RFC3339, end)
			return unless(from.Before(until), "they are backwards")
		}),
	bookingRule("GPC-BOOK-04", "`created` is now, as a UK time with its offset.", "GP Connect 10.2", SPEC, []string{create},
		func(r *request, _ *past) string {
			at, err := time.Parse(time.RFC3339, r.body.text("created"))
			return unless(err == nil && isLocal(r.body.text("created")) && r.At.Sub(at).Abs() < time.Minute, "it is missing or another")
		}),
	bookingRule("GPC-BOOK-05", "It is in one slot or several, by relative reference, none twice.", "GP Connect 10.2", TEST, []string{create},
		func(r *request, _ *past) string {
			seen := map[string]bool{}
			for _, slot := range r.body.objects("slot") {
				reference := slot.text("reference")
				if id, ok := strings.CutPrefix(reference, "Slot/"); !ok || !idForm.MatchString(id) || seen[reference] {
					return "a reference is another, or repeated"
				}
				seen[reference] = true
			}
			return unless(len(seen) > 0, "there is none")
		}),
	bookingRule("GPC-BOOK-06", "One Patient and one Location take part, each with a status.", "GP Connect 10.2", TEST, []string{create}, participants),
	bookingRule("GPC-BOOK-07", "The booking organisation is contained, with its profile, its code as in the audit token, a name and a telephone.",
		"GP Connect 10.2", TEST, []string{create}, organisation),
	bookingRule("GPC-BOOK-08", "The organisation's type is the one that the search for slots said, and absent if it said none.", "GP Connect 10.2", SPEC,
		[]string{create},
		func(r *request, before *past) string {
			said, known := before.offers[place(r)]
			return unless(!known || said == typeOf(r.body), "it is another")
		}),
	bookingRule("GPC-BOOK-09", "It has a description of at most 100 characters, and a comment of at most 500.", "GP Connect 10.2", TEST,
		[]string{create, update},
		func(r *request, _ *past) string {
			description := utf8.RuneCountInString(r.body.text("description"))
			return unless(description > 0 && description <= maxDescription && utf8.RuneCountInString(r.body.text("comment")) <= maxComment,
				"one is missing or too long")
		}),
	bookingRule("GPC-BOOK-10", "It has no reason and no specialty.", "GP Connect 10.2", TEST, []string{create},
		func(r *request, _ *past) string {
			return unless(!r.body.has("reason") && !r.body.has("specialty"), "one is there")
		}),
	bookingRule("GPC-REF-01", "References are relative.", "GP Connect 2", SPEC, []string{create, update, cancel},
		func(r *request, _ *past) string {
			return unless(!absolute(map[string]any(r.body)), "one is absolute, or there is a fullUrl")
		}),
	bookingRule("GPC-CANCEL-01", "Who cancels sends the status `cancelled` and a reason; nobody else gives a reason.", "GP Connect 10.4, 10.5", TEST,
		[]string{create, update, cancel},
		func(r *request, _ *past) string {
			reason := ""
			for _, x := range r.body.objects("extension") {
				if x.text("url") == cancellationReason {
					reason = x.text("valueString")
				}
			}
			if !r.is(cancel) {
				return unless(reason == "", "there is a reason")
			}
			return unless(r.body.text("status") == "cancelled" && strings.TrimSpace(reason) != "", "status or reason is missing")
		}),
	bookingRule("GPC-AMEND-01", "Who amends or cancels sends back the version of the id in the path that `If-Match` names.", "GP Connect 10.4, 10.5", SPEC,
		[]string{update, cancel},
		func(r *request, _ *past) string {
			version := r.body.object("meta").text("versionId")
			return unless(len(r.ids) == 1 && r.body.text("id") == r.ids[0] &&
				(version == "" || !r.sent("If-Match") || !weakTag.MatchString(r.Header.Get("If-Match")) || r.Header.Get("If-Match") == `W/"`+version+`"`),
				"it is another appointment, or another version")
		}),
}

func bookingRule(id, says, section string, by Enforcer, of []string, check func(*request, *past) string) Rule {
	return callRule(id, says, section, by, func(r *request, before *past) string {
		if !r.is(of...) {
			return ""
		}
		return check(r, before)
	})
}

func participants(r *request, _ *past) string {
	count := map[string]int{}
	for _, p := range r.body.objects("participant") {
		kind, id, _ := strings.Cut(p.object("actor").text("reference"), "/")
		if !idForm.MatchString(id) || p.text("status") == "" {
			return "one has no actor or no status"
		}
		count[kind]++
	}
	return unless(count["Patient"] == 1 && count["Location"] == 1, "one is missing or repeated")
}

// booker is the contained organisation that books; nil for none.
func booker(appointment object) object {
	for _, x := range appointment.objects("extension") {
		if x.text("url") != bookingOrganisation {
			continue
		}
		for _, c := range appointment.objects("contained") {
			if c.text("resourceType") == "Organization" && "#"+c.text("id") == x.object("valueReference").text("reference") {
				return c
			}
		}
	}
	return nil
}

func organisation(r *request, _ *past) string {
	o := booker(r.body)
	switch {
	case o == nil:
		return "it is not, or the extension does not point to it"
	case !profiled(o, "CareConnect-GPC-Organization-1"):
		return "its profile is missing"
	}
	code, own := o.identifier(odsSystem), r.audit.claims.object("requesting_organization").identifier(odsSystem)
	phone := ""
	for _, t := range o.objects("telecom") {
		if t.text("system") == "phone" {
			phone = t.text("value")
		}
	}
	return unless(odsForm.MatchString(code) && (own == "" || code == own) && o.text("name") != "" && phone != "", "code, name or telephone is missing or another's")
}

// typeOf is what the booking organisation is called in an appointment.
func typeOf(appointment object) string {
	for _, t := range booker(appointment).objects("type") {
		for _, c := range t.objects("coding") {
			if c.text("system") == organisationTypeSystem {
				return c.text("code")
			}
		}
	}
	return ""
}

// absolute reports whether a reference somewhere in a resource has a scheme, or there is a fullUrl.
func absolute(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			text, _ := member.(string)
			if name == "fullUrl" || name == "reference" && strings.Contains(text, ":") || absolute(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, absolute)
	}
	return false
}
