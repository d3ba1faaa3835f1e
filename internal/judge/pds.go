package judge

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
)

var pdsPath = regexp.MustCompile(`/Patient(?:/([^/]*)(/RelatedPerson)?)?$`)

// pdsNumber is the number in the path of a read; ok is false for a search.
func pdsNumber(r *request) (text string, ok bool) {
	m := pdsPath.FindStringSubmatch(r.Path)
	if m == nil || strings.HasSuffix(r.Path, "/Patient") {
		return "", false
	}
	return m[1], true
}

// searches reports whether a request is a search.
func searches(r *request) bool { return strings.HasSuffix(r.Path, "/Patient") }

// pdsParameters are those of a search, and whether each may be repeated (PDS contract, 7.1).
var pdsParameters = map[string]bool{
	"family": false, "given": true, "gender": false, "birthdate": true, "death-date": true, "address-postalcode": false,
	"address-postcode": false, "general-practitioner": false, "email": false, "phone": false, "_fuzzy-match": false,
	"_exact-match": false, "_history": false, "_max-results": false,
}

var pdsDate = regexp.MustCompile(`^(eq|ge|le)?([0-9]{4}-[0-9]{2}-[0-9]{2})$`)

// pdsRules are about what PDS is asked.
var pdsRules = []Rule{
	{
		ID: "PDS-PATH-01", Says: "PDS is asked by GET for a patient, for who is related to one, or to search.",
		Section: "PDS 6-8", By: SPEC, leg: PDS,
		check: func(r *request, _ *past) string {
			return unless(r.Method == http.MethodGet && pdsPath.MatchString(r.Path), "it is another verb or path")
		},
	},
	{
		ID: "PDS-NUMBER-01", Says: "The number in the path is an NHS Number with a correct check digit.",
		Section: "PDS 6, 14", By: TEST, leg: PDS,
		check: func(r *request, _ *past) string {
			text, ok := pdsNumber(r)
			_, err := nhs.ParseNumber(text)
			return unless(!ok || err == nil, "it is none")
		},
	},
	{
		ID: "PDS-AUTH-01", Says: "`Authorization` is sent once: `Bearer`, one space, the token.",
		Section: "PDS 5", By: IMPL, leg: PDS,
		check: func(r *request, _ *past) string {
			return unless(bearerOnce(r), "it is missing, repeated or of another form")
		},
	},
	{
		ID: "PDS-REQID-01", Says: "`X-Request-ID` is sent once and is a UUID.",
		Section: "PDS 5", By: TEST, leg: PDS,
		check: func(r *request, _ *past) string {
			id, _ := r.only("X-Request-Id")
			return unless(uuidForm.MatchString(id), "it is missing, repeated or no UUID")
		},
	},
	{
		ID: "PDS-REQID-02", Says: "An `X-Request-ID` belongs to one read and never to another.",
		Section: "PDS 5", By: SPEC, leg: PDS, needs: pastKnown,
		check: func(r *request, before *past) string {
			what, known := before.reads[r.Header.Get("X-Request-Id")]
			return unless(!known || what == readOf(r), "it was another read's")
		},
	},
	{
		ID: "PDS-REQID-03", Says: "A retry has the `X-Request-ID` of the read that it repeats.",
		Section: "PDS 5, 13", By: SPEC, leg: PDS, needs: pastKnown,
		check: func(r *request, before *past) string {
			last, known := before.attempts[attemptOf(r)]
			return unless(!known || !last.again() || last.id == r.Header.Get("X-Request-Id"), "it has a new one")
		},
	},
	{
		ID: "PDS-ORG-01", Says: "`NHSD-End-User-Organisation-ODS` is sent once: the bare ODS code of the user's organisation.",
		Section: "PDS 5", By: SPEC, leg: PDS,
		check: func(r *request, _ *past) string {
			code, _ := r.only("Nhsd-End-User-Organisation-Ods")
			return unless(odsForm.MatchString(code), "it is missing, repeated or no ODS code")
		},
	},
	{
		ID: "PDS-URID-01", Says: "`NHSD-Session-URID`, where sent, is digits.",
		Section: "PDS 4.4", By: SPEC, leg: PDS,
		check: func(r *request, _ *past) string {
			role, _ := r.only("Nhsd-Session-Urid")
			return unless(!r.sent("Nhsd-Session-Urid") || digits.MatchString(role), "it is repeated or has other characters")
		},
	},
	{
		ID: "PDS-ACCEPT-01", Says: "`Accept`, where sent, is `application/fhir+json`.",
		Section: "PDS 5", By: SPEC, leg: PDS,
		check: func(r *request, _ *past) string {
			accept, _ := r.only("Accept")
			return unless(!r.sent("Accept") || accept == "application/fhir+json", "it is another")
		},
	},
	{
		ID: "PDS-PARAM-01", Says: "A search has no parameter but PDS's own, and a read has none.",
		Section: "PDS 7.1", By: TEST, leg: PDS,
		check: func(r *request, _ *past) string {
			for name := range r.query {
				if _, known := pdsParameters[name]; !known || !searches(r) {
					return "there is another parameter"
				}
			}
			return unless(r.Query == "" || searches(r), "a read has a query")
		},
	},
	searchRule("PDS-PARAM-02", "Only `given`, `birthdate` and `death-date` are repeated.", "PDS 7.1", SPEC, func(q url.Values) string {
		for name, values := range q {
			if repeats, known := pdsParameters[name]; known && !repeats && len(values) > 1 {
				return "another parameter is"
			}
		}
		return ""
	}),
	searchRule("PDS-PARAM-03", "`address-postalcode` and its old name are not sent together.", "PDS 7.1", SPEC, func(q url.Values) string {
		return unless(!q.Has("address-postalcode") || !q.Has("address-postcode"), "they are")
	}),
	searchRule("PDS-DATE-01", "Dates are whole days with `eq`, `ge` or `le`.", "PDS 7.1", TEST, func(q url.Values) string {
		for _, value := range append(slices.Clone(q["birthdate"]), q["death-date"]...) {
			if m := pdsDate.FindStringSubmatch(value); m == nil || !isDay(m[2]) {
				return "one is not"
			}
		}
		return ""
	}),
	searchRule("PDS-FLAG-01", "Flags are `true` or `false`.", "PDS 7.1", SPEC, func(q url.Values) string {
		for _, name := range []string{"_fuzzy-match", "_exact-match", "_history"} {
			if value := q.Get(name); q.Has(name) && value != "true" && value != "false" {
				return "one is something else"
			}
		}
		return ""
	}),
	searchRule("PDS-MIN-01", "A search has family name and birth date; a fuzzy one a combination that PDS takes.", "PDS 7.2", TEST, enough),
	searchRule("PDS-WILD-01", "A wildcard stands from the third character on, and not in a fuzzy search.", "PDS 7.1", SPEC, func(q url.Values) string {
		for _, value := range slices.Concat(q["family"], q["given"], q["address-postalcode"], q["address-postcode"]) {
			if i := strings.IndexByte(value, '*'); i >= 0 && (i < 2 || q.Get("_fuzzy-match") == "true") {
				return "one stands elsewhere"
			}
		}
		return ""
	}),
	{
		ID: "PDS-ENC-01", Says: "`*` is sent as `%2A`.",
		Section: "PDS 7.1", By: SPEC, leg: PDS,
		check: func(r *request, _ *past) string { return unless(!strings.Contains(r.Query, "*"), "it is sent raw") },
	},
	{
		ID: "PDS-MAX-01", Says: "`_max-results` is 1 or absent for an application, and 1 to 50 for a signed-in user.",
		Section: "PDS 7.1", By: IMPL, leg: PDS,
		check: func(r *request, before *past) string {
			if !r.query.Has("_max-results") {
				return ""
			}
			most := 1
			if token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); before.users[token] {
				most = 50
			}
			n, err := strconv.Atoi(r.query.Get("_max-results"))
			return unless(err == nil && n >= 1 && n <= most, "it is more than this access allows, or no number")
		},
	},
}

func searchRule(id, says, section string, by Enforcer, check func(url.Values) string) Rule {
	return Rule{ID: id, Says: says, Section: section, By: by, leg: PDS, check: func(r *request, _ *past) string {
		if !searches(r) {
			return ""
		}
		return check(r.query)
	}}
}

// enough holds a search against the least that PDS takes (PDS contract, 7.2).
func enough(q url.Values) string {
	if !q.Has("birthdate") {
		return "there is no birth date"
	}
	if q.Get("_fuzzy-match") != "true" {
		return unless(q.Get("family") != "", "there is no family name")
	}
	family, given := q.Get("family") != "", q.Get("given") != ""
	placed := q.Get("gender") != "" && q.Get("address-postalcode")+q.Get("address-postcode") != ""
	return unless(family && given || (family || given) && placed, "the combination is none of those")
}

// bearerOnce reports whether there is one Authorization of the one form.
func bearerOnce(r *request) bool {
	value, _ := r.only("Authorization")
	credential, ok := strings.CutPrefix(value, "Bearer ")
	return ok && credential != "" && !strings.ContainsAny(credential, " \t")
}
