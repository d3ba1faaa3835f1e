package judge

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	slotSearch             = "fhir:rest:search:slot-1"
	organisationTypeSystem = "https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1"
	// widest is the window of a search in days.
	widest = 14
)

// slotRules are about a search for free slots.
var slotRules = []Rule{
	slotRule("GPC-SLOT-01", "A search has the parameters of the specification and no other.",
		func(q url.Values, _ *request) string {
			for name := range q {
				if !slices.Contains([]string{"start", "end", "status", "_include", "_include:recurse", "searchFilter"}, name) {
					return "there is another"
				}
			}
			return ""
		}),
	slotRule("GPC-SLOT-02", "`start` is sent once with `ge` and `end` once with `le`, each a day or a time with its UK offset, not `Z`.",
		func(q url.Values, _ *request) string {
			_, began := bound(q["start"], "ge")
			_, ended := bound(q["end"], "le")
			return unless(began && ended, "one is missing, repeated or of another form")
		}),
	slotRule("GPC-SLOT-03", "From `start` to `end` it is no more than 14 days, and not backwards.",
		func(q url.Values, _ *request) string {
			start, began := bound(q["start"], "ge")
			end, ended := bound(q["end"], "le")
			days := end.Sub(start).Hours() / 24
			return unless(!began || !ended || days >= 0 && days <= widest, "it is")
		}),
	slotRule("GPC-SLOT-04", "`status` is `free`.",
		func(q url.Values, _ *request) string {
			return unless(slices.Equal(q["status"], []string{"free"}), "it is missing or another")
		}),
	slotRule("GPC-SLOT-05", "The Schedule is included.",
		func(q url.Values, _ *request) string {
			return unless(slices.Contains(q["_include"], "Slot:schedule"), "it is not asked for")
		}),
	slotRule("GPC-SLOT-06", "A `searchFilter` is the type of the consumer's organisation or its own ODS code.",
		func(q url.Values, r *request) string {
			own := r.audit.claims.object("requesting_organization").identifier(odsSystem)
			for _, filter := range q["searchFilter"] {
				system, value, _ := strings.Cut(filter, "|")
				typed := system == organisationTypeSystem && (value == "gp-practice" || value == "urgent-care")
				if !typed && (system != odsSystem || !odsForm.MatchString(value) || own != "" && value != own) {
					return "one is something else"
				}
			}
			return ""
		}),
}

func slotRule(id, says string, check func(url.Values, *request) string) Rule {
	return Rule{ID: id, Says: says, Section: "GP Connect 10.1", By: TEST, leg: Proxy, needs: operationKnown, check: func(r *request, _ *past) string {
		if !r.is(slotSearch) {
			return ""
		}
		return check(r.query, r)
	}}
}

// bound is the UK day of one end of a window.
func bound(values []string, prefix string) (day time.Time, ok bool) {
	if len(values) != 1 || !strings.HasPrefix(values[0], prefix) {
		return time.Time{}, false
	}
	text := strings.TrimPrefix(values[0], prefix)
	if !isDay(text) && !isLocal(text) {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	return day, err == nil
}

// offered is what a consumer calls itself in a search for slots; empty for nothing.
func offered(r *request) string {
	return valueOf(r.query["searchFilter"], organisationTypeSystem)
}
