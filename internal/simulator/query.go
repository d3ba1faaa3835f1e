package simulator

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// pdsQuery is a search that passed every check (PDS contract, 7.1 and 7.2). An empty criterion was not given.
type pdsQuery struct {
	family, gender           string
	given                    []string
	born, died               days
	postcode, practice       string
	email, phone             string
	fuzzy, exact, historical bool
	most                     int // the ceiling: more matches than these are no answer at all
}

// days are those that a date may be, as yyyy-mm-dd; an empty end is open.
type days struct {
	given    bool
	from, to string
}

// holds reports whether a date of PDS lies in it. A date that is only a year or a month lies there with all its days, so
// that it never equals a day.
func (d days) holds(date string) bool {
	if date == "" {
		return false
	}
	date = date[:min(len(date), len(time.DateOnly))]
	first, last := date, date
	switch len(date) {
	case len("2006"):
		first, last = date+"-01-01", date+"-12-31"
	case len("2006-01"):
		first, last = date+"-01", date+"-31"
	}
	return (d.from == "" || d.from <= first) && (d.to == "" || last <= d.to)
}

type parameter struct {
	name    string
	repeats bool
}

// parameters are the names that a search may have, in the order in which their values are looked at: dates come first.
// managing-organization is the Spine's own.
var parameters = []parameter{
	{"birthdate", true},
	{"death-date", true},
	{"family", false},
	{"given", true},
	{"gender", false},
	{"address-postalcode", false},
	{"address-postcode", false},
	{"general-practitioner", false},
	{"email", false},
	{"phone", false},
	{"_fuzzy-match", false},
	{"_exact-match", false},
	{"_history", false},
	{"_max-results", false},
}

// longestName is how many characters a name in a search may have.
const longestName = 35

// readPDSQuery goes through the checks in the order of the PDS contract, 7.2: unknown names, values, what is missing, and
// whether it is enough. That there is any parameter at all was checked before.
func readPDSQuery(values url.Values, most int) (pdsQuery, *pdsError) {
	if refused := unexpected(values); refused != nil {
		return pdsQuery{}, refused
	}
	q := pdsQuery{most: most}
	for _, p := range parameters {
		got := values[p.name]
		if len(got) > 1 && !p.repeats {
			return pdsQuery{}, invalidField(p.name, got[1])
		}
		if len(got) == 0 {
			continue
		}
		if bad, ok := q.take(p.name, got); !ok {
			return pdsQuery{}, invalidField(p.name, bad)
		}
	}
	if !q.born.given {
		return pdsQuery{}, spineError(http.StatusBadRequest, "MISSING_VALUE", "required", "Required value is missing",
			"Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'")
	}
	return q, q.enough(values.Has("address-postalcode") && values.Has("address-postcode"))
}

// unexpected refuses parameters that a search does not have.
func unexpected(values url.Values) *pdsError {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(parameters, func(p parameter) bool { return p.name == name }) {
			names = append(names, "'"+name+"'")
		}
	}
	verb := " was unexpected)"
	switch len(names) {
	case 0:
		return nil
	case 1:
	default:
		verb = " were unexpected)"
	}
	return spineError(http.StatusBadRequest, "ADDITIONAL_PROPERTIES", "invariant",
		"Additional properties should not be included",
		"Invalid request with error - Additional properties are not allowed ("+strings.Join(names, ", ")+verb)
}

// take reads the values of one parameter. If one is no good it is returned, to be quoted.
func (q *pdsQuery) take(name string, got []string) (bad string, ok bool) {
	value := got[0]
	ok = value != ""
	switch name {
	case "birthdate":
		return q.born.read(got)
	case "death-date":
		return q.died.read(got)
	case "family":
		q.family = value
		ok = ok && utf8.RuneCountInString(value) <= longestName
	case "given":
		q.given = got
		for _, g := range got {
			if g == "" || utf8.RuneCountInString(g) > longestName {
				return g, false
			}
		}
	case "gender":
		q.gender = value
		ok = slices.Contains([]string{"male", "female", "other", "unknown"}, value)
	case "address-postalcode", "address-postcode":
		q.postcode = postcode(value)
		ok = q.postcode != ""
	case "general-practitioner":
		q.practice = value
	case "email":
		q.email = value
	case "phone":
		q.phone = value
	case "_fuzzy-match":
		q.fuzzy, ok = flag(value)
	case "_exact-match":
		q.exact, ok = flag(value)
	case "_history":
		q.historical, ok = flag(value)
	case "_max-results":
		var err error
		q.most, err = strconv.Atoi(value)
		ok = err == nil && q.most >= 1 && q.most <= 50
	}
	return value, ok
}

func flag(value string) (set, ok bool) { return value == "true", value == "true" || value == "false" }

// read takes a day, or both ends of a range or one of them.
func (d *days) read(got []string) (bad string, ok bool) {
	for _, text := range got {
		day, prefix := text, "eq"
		if len(text) > 2 && (text[:2] == "eq" || text[:2] == "ge" || text[:2] == "le") {
			prefix, day = text[:2], text[2:]
		}
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return text, false
		}
		from, to := prefix != "le", prefix != "ge"
		if from && d.from != "" || to && d.to != "" {
			return text, false // a second day, or the same end again
		}
		if from {
			d.from = day
		}
		if to {
			d.to = day
		}
	}
	d.given = true
	return "", true
}

// enough checks the minimum combinations, and what may not come together. The contract has no words for a wildcard too
// early and for both names of the postcode but the code; they get those of too little.
func (q pdsQuery) enough(bothPostcodes bool) *pdsError {
	const (
		minimum = "No searches were performed as the search criteria did not meet the minimum requirements"
		inexact = "A fuzzy search was requested however the data given did not meet the fuzzy search criteria"
	)
	wild, early := false, false
	for _, text := range append([]string{q.family, q.postcode}, q.given...) {
		if before, _, ok := strings.Cut(text, "*"); ok {
			wild = true
			early = early || utf8.RuneCountInString(before) < 2
		}
	}
	family, given, place := q.family != "", len(q.given) > 0, q.gender != "" && q.postcode != ""
	fuzzily := given && family || family && place || given && place
	why := ""
	switch {
	case q.fuzzy && (wild || !fuzzily):
		why = inexact
	case !q.fuzzy && !family, early, bothPostcodes:
		why = minimum
	default:
		return nil
	}
	return spineError(http.StatusBadRequest, "INVALID_SEARCH_DATA", "value", "Search data is invalid",
		"Invalid search data provided - '"+why+"'")
}

func invalidField(name, value string) *pdsError {
	return spineError(http.StatusBadRequest, "INVALID_VALUE", "value", "Provided value is invalid",
		"Invalid value - '"+value+"' in field '"+name+"'")
}

// postcode is how postcodes are compared: without spaces or case.
func postcode(text string) string { return strings.ToUpper(strings.ReplaceAll(text, " ", "")) }
