package simulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/spinegate/spinegate/internal/simulator"
)

// read sends a search, or anything else to be read, with a token.
func (r *rig) read(token, pathAndQuery string) answer {
	r.t.Helper()
	return r.send(http.MethodGet, r.PDSURL()+pathAndQuery, "", "Authorization", "Bearer "+token, "X-Request-ID", uuid.NewString())
}

// peopleFound is the outline of a Bundle, with what must be told apart: no entry and an empty one.
type peopleFound struct {
	ResourceType, Type, Timestamp string
	Total                         int
	Entry                         []struct {
		FullURL  string
		Search   struct{ Score json.Number } // as it is written
		Resource map[string]json.RawMessage
	}
}

func foundIn(t *testing.T, a answer) peopleFound {
	t.Helper()
	var s peopleFound
	if err := json.Unmarshal(a.body, &s); err != nil || a.status != http.StatusOK || s.ResourceType != "Bundle" || s.Type != "searchset" {
		t.Fatalf("not a searchset: %d %s", a.status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != spineType {
		t.Errorf("Content-Type is %s", got)
	}
	if _, err := time.Parse("2006-01-02T15:04:05+00:00", s.Timestamp); err != nil {
		t.Errorf("timestamp: %v", err)
	}
	if s.Total != len(s.Entry) {
		t.Errorf("total %d of %d entries", s.Total, len(s.Entry))
	}
	if hasEntry := strings.Contains(string(a.body), `"entry"`); hasEntry != (s.Total > 0) {
		t.Errorf("total %d, and the key entry is there: %t", s.Total, hasEntry)
	}
	return s
}

// born is the birth date of a patient, so many days later.
func (r *rig) born(number string, later int) string {
	r.t.Helper()
	var p struct{ BirthDate string }
	if err := json.Unmarshal(r.patient(number).body, &p); err != nil {
		r.t.Fatal(err)
	}
	day, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil {
		r.t.Fatal(err)
	}
	return day.AddDate(0, 0, later).Format(time.DateOnly)
}

// criteria writes a query from alternating names and values.
func criteria(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return "/Patient?" + values.Encode()
}

// TestSearchRefusals walks the checks of the PDS contract, 7.1 and 7.2, with the literal errors of 12.2.
func TestSearchRefusals(t *testing.T) {
	r := start(t, simulator.Options{})
	invalid := func(name, value string) issue {
		return issue{
			"error", "value", pdsCodes, "INVALID_VALUE", "Provided value is invalid",
			"Invalid value - '" + value + "' in field '" + name + "'",
		}
	}
	unexpected := func(which string) issue {
		return issue{
			"error", "invariant", pdsCodes, "ADDITIONAL_PROPERTIES", "Additional properties should not be included",
			"Invalid request with error - Additional properties are not allowed (" + which + ")",
		}
	}
	missing := issue{
		"error", "required", pdsCodes, "MISSING_VALUE", "Required value is missing",
		"Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'",
	}
	tooLittle := issue{
		"error", "value", pdsCodes, "INVALID_SEARCH_DATA", "Search data is invalid",
		"Invalid search data provided - 'No searches were performed as the search criteria did not meet the minimum requirements'",
	}
	notFuzzy := issue{
		"error", "value", pdsCodes, "INVALID_SEARCH_DATA", "Search data is invalid",
		"Invalid search data provided - 'A fuzzy search was requested however the data given did not meet the fuzzy search criteria'",
	}
	const day = "eq1990-01-31"
	for _, tt := range []struct {
		name     string
		criteria []string
		want     issue
	}{
		{"an unknown name", []string{"family", "x", "birthdate", day, "surname", "x"}, unexpected("'surname' was unexpected")},
		{"two unknown names", []string{"b", "x", "a", "x"}, unexpected("'a', 'b' were unexpected")},
		{"a name in another case", []string{"Family", "x", "birthdate", day}, unexpected("'Family' was unexpected")},
		{"the Spine's own", []string{"family", "x", "birthdate", day, "managing-organization", "x"}, unexpected("'managing-organization' was unexpected")},
		{"an unknown name and a bad date", []string{"_count", "5", "birthdate", "x"}, unexpected("'_count' was unexpected")},
		{"a date the other way round", []string{"family", "x", "birthdate", "eq31-01-1990"}, invalid("birthdate", "eq31-01-1990")},
		{"a day that is none", []string{"family", "x", "birthdate", "1990-02-30"}, invalid("birthdate", "1990-02-30")},
		{"another prefix", []string{"family", "x", "birthdate", "gt1990-01-31"}, invalid("birthdate", "gt1990-01-31")},
		{"a range joined by a comma", []string{"family", "x", "birthdate", "ge1990-01-31,le1991-01-31"}, invalid("birthdate", "ge1990-01-31,le1991-01-31")},
		{"two days", []string{"family", "x", "birthdate", day, "birthdate", "eq1990-01-30"}, invalid("birthdate", "eq1990-01-30")},
		{"the same end twice", []string{"family", "x", "birthdate", "ge1990-01-31", "birthdate", "ge1990-01-30"}, invalid("birthdate", "ge1990-01-30")},
		{"a bad date of death", []string{"family", "x", "birthdate", day, "death-date", "eq1990"}, invalid("death-date", "eq1990")},
		{"a bad date and a bad gender", []string{"gender", "mal", "birthdate", "x"}, invalid("birthdate", "x")},
		{"a bad gender", []string{"family", "x", "birthdate", day, "gender", "mal"}, invalid("gender", "mal")},
		{"two family names", []string{"family", "x", "family", "y", "birthdate", day}, invalid("family", "y")},
		{"a family name too long", []string{"family", strings.Repeat("é", 36), "birthdate", day}, invalid("family", strings.Repeat("é", 36))},
		{"a second given name too long", []string{"family", "x", "given", "y", "given", strings.Repeat("e", 36), "birthdate", day}, invalid("given", strings.Repeat("e", 36))},
		{"an empty criterion", []string{"family", "x", "birthdate", day, "email", ""}, invalid("email", "")},
		{"neither true nor false", []string{"family", "x", "birthdate", day, "_fuzzy-match", "yes"}, invalid("_fuzzy-match", "yes")},
		{"no birth date", []string{"family", "x"}, missing},
		{"no birth date, fuzzy", []string{"family", "x", "given", "y", "_fuzzy-match", "true"}, missing},
		{"only the ceiling", []string{"_max-results", "1"}, missing},
		{"only a birth date", []string{"birthdate", day}, tooLittle},
		{"e-mail and telephone number only", []string{"birthdate", day, "email", "x@x.example", "phone", "0"}, tooLittle},
		{"a wildcard too early", []string{"family", "x*", "birthdate", day}, tooLittle},
		{"a wildcard too early in a postcode", []string{"family", "x", "birthdate", day, "address-postalcode", "Z*"}, tooLittle},
		{"both postcodes", []string{"family", "x", "birthdate", day, "address-postalcode", "ZZ99 1AA", "address-postcode", "ZZ99 1AA"}, tooLittle},
		{"too little for a fuzzy search", []string{"family", "x", "birthdate", day, "_fuzzy-match", "true"}, notFuzzy},
		{"no postcode for a fuzzy search", []string{"family", "x", "birthdate", day, "gender", "male", "_fuzzy-match", "true"}, notFuzzy},
		{"no gender for a fuzzy search", []string{"given", "x", "birthdate", day, "address-postalcode", "ZZ99 1AA", "_fuzzy-match", "true"}, notFuzzy},
		{"a wildcard in a fuzzy search", []string{"family", "xyz*", "given", "x", "birthdate", day, "_fuzzy-match", "true"}, notFuzzy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.read(r.token(), criteria(tt.criteria...))
			if a.status != http.StatusBadRequest || a.header.Get("Content-Type") != spineType {
				t.Errorf("%d %s", a.status, a.header.Get("Content-Type"))
			}
			if diff := cmp.Diff(tt.want, issueOf(t, a.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a ceiling that a clinician may not have", func(t *testing.T) {
		token := r.userToken(clinician)
		for _, most := range []string{"0", "51", "-1", "many", "1.5"} {
			a := r.read(token, criteria("family", "x", "birthdate", day, "_max-results", most))
			if diff := cmp.Diff(invalid("_max-results", most), issueOf(t, a.body)); a.status != http.StatusBadRequest || diff != "" {
				t.Errorf("%d (-want +got):\n%s", a.status, diff)
			}
		}
	})
	t.Run("a ceiling that an application may not have", func(t *testing.T) {
		for _, most := range []string{"0", "2", "50", "many", ""} {
			a := r.read(r.token(), criteria("family", "x", "birthdate", day, "_max-results", most))
			want := issue{"error", "token", pdsCodes, "INVALID_VALUE", "Cannot retrieve more than one result with application-restricted access token", ""}
			if diff := cmp.Diff(want, issueOf(t, a.body)); a.status != http.StatusForbidden || a.header.Get("Content-Type") != edgeType || diff != "" {
				t.Errorf("%q: %d (-want +got):\n%s", most, a.status, diff)
			}
		}
	})
}

// TestSearchMatches says who is found by what, and how well: "number score ...", or TOO_MANY_MATCHES.
func TestSearchMatches(t *testing.T) {
	r := start(t, simulator.Options{})
	app, user := r.token(), r.userToken(clinician)
	on := func(number string) []string { return []string{"birthdate", "eq" + r.born(number, 0)} }
	const (
		ada, hidden, iris         = "9990000018", "9990000026", "9990000468"
		first, second, third      = "9990000387", "9990000395", "9990000409" // Casey TESTTRIPLE, a year apart, the youngest first
		wed, mail, twin           = "9990000417", "9990000433", "9990000441"
		zoe, maryJane, dead, late = "9990000476", "9990000484", "9990000069", "9990000077"
	)
	for _, tt := range []struct {
		name     string
		token    string
		criteria []string
		want     string
	}{
		{"family and birth date", app, append(on(ada), "family", "TESTWELL"), ada + " 1"},
		{"no prefix", app, []string{"family", "TESTWELL", "birthdate", r.born(ada, 0)}, ada + " 1"},
		{"without case", app, append(on(ada), "family", "tEstwell", "given", "ADA"), ada + " 1"},
		{"another day", app, []string{"family", "TESTWELL", "birthdate", r.born(ada, 1)}, ""},
		{"another given name", app, append(on(ada), "family", "TESTWELL", "given", "Adam"), ""},
		{"a part of a name", app, append(on(ada), "family", "TESTWEL"), ""},
		{"everything", app, append(on(ada), "family", "Testwell", "given", "Ada", "gender", "female", "address-postalcode", "zz991aa",
			"general-practitioner", "a20047", "phone", "01632 960001", "_exact-match", "true", "_max-results", "1"), ada + " 1"},
		{"another gender", app, append(on(ada), "family", "Testwell", "gender", "male"), ""},
		{"another practice", app, append(on(ada), "family", "Testwell", "general-practitioner", "B84001"), ""},
		{"another postcode", app, append(on(ada), "family", "Testwell", "address-postalcode", "ZZ99 1AB"), ""},
		{"the old name of the postcode", app, append(on(ada), "family", "Testwell", "address-postcode", "ZZ99 1AA"), ada + " 1"},
		{"a telephone number without its space", app, append(on(ada), "family", "Testwell", "phone", "01632960001"), ""},

		{"a wildcard", app, append(on(ada), "family", "TESTW*"), ada + " 0.9259"},
		{"three wildcards", app, append(on(ada), "family", "te*", "given", "Ad*", "address-postalcode", "zz*"), ada + " 0.7777"},
		{"a wildcard, and only exact matches", app, append(on(ada), "family", "TESTW*", "_exact-match", "true"), ""},
		{"a wildcard for the second given name", app, append(on(wed), "family", "TESTWEDDED", "given", "Ann*"), ""},
		{"a wildcard in the second given name", app, append(on(wed), "family", "TESTWEDDED", "given", "Marigold", "given", "Ann*"), ""},
		{"both given names", app, append(on(wed), "family", "TESTWEDDED", "given", "Marigold", "given", "Anne"), wed + " 1"},
		{"a given name that is not held", app, append(on(wed), "family", "TESTWEDDED", "given", "Marigold", "given", "Anne", "given", "May"), ""},
		{"a first name of two words", app, append(on(maryJane), "family", "TESTSMYTHE", "given", "Mary Jane"), maryJane + " 1"},
		{"a first name of two words, taken apart", app, append(on(maryJane), "family", "TESTSMYTHE", "given", "Mary", "given", "Jane"), ""},

		{"a range", app, []string{"family", "TESTWELL", "birthdate", "ge" + r.born(ada, 0), "birthdate", "le" + r.born(ada, 1)}, ada + " 1"},
		{"a range the other way round", app, []string{"family", "TESTWELL", "birthdate", "ge" + r.born(ada, 1), "birthdate", "le" + r.born(ada, -1)}, ""},
		{"a birth date of which only the year is known", app, []string{"family", "TESTVAGUE", "birthdate", "eq1950-01-01"}, ""},
		{"a range that has the year", app, []string{"family", "TESTVAGUE", "birthdate", "ge1950-01-01", "birthdate", "le1950-12-31"}, "9990000344 1"},
		{"a range that has most of the year", app, []string{"family", "TESTVAGUE", "birthdate", "ge1950-01-02"}, ""},

		{"three of a name, to an application", app, []string{"family", "TESTTRIPLE", "given", "Casey", "birthdate", "ge" + r.born(third, 0)}, "TOO_MANY_MATCHES"},
		{"three of a name, to a clinician", user, []string{"family", "TESTTRIPLE", "birthdate", "ge" + r.born(third, 0)}, first + " 1 " + second + " 1 " + third + " 1"},
		{"one of the three", app, append(on(second), "family", "TESTTRIPLE"), second + " 1"},
		{"a ceiling that is reached", user, []string{"family", "TESTTRIPLE", "birthdate", "ge" + r.born(third, 0), "_max-results", "3"}, first + " 1 " + second + " 1 " + third + " 1"},
		{"a ceiling that is passed", user, []string{"family", "TESTTRIPLE", "birthdate", "ge" + r.born(third, 0), "_max-results", "2"}, "TOO_MANY_MATCHES"},
		{"two with the same name and birth date", app, append(on(mail), "family", "TESTMAIL", "given", "Emil"), "TOO_MANY_MATCHES"},
		{"told apart by e-mail", app, append(on(mail), "family", "TESTMAIL", "email", "EMIL.TESTMAIL@post.example"), mail + " 1"},
		{"told apart by a telephone number", app, append(on(mail), "family", "TESTMAIL", "phone", "01632 960441"), twin + " 1"},
		{"an e-mail address as a telephone number", app, append(on(mail), "family", "TESTMAIL", "phone", "emil.testmail@post.example"), ""},
		{"no wildcard in an e-mail address", app, append(on(mail), "family", "TESTMAIL", "email", "emil*"), ""},

		{"a former name", app, append(on(wed), "family", "TESTMAIDEN"), ""},
		{"a former name, with history", app, append(on(wed), "family", "TESTMAIDEN", "_history", "true"), wed + " 1"},
		{"a former postcode", app, append(on(wed), "family", "TESTWEDDED", "address-postalcode", "ZZ984AD"), ""},
		{"a former postcode, with history", app, append(on(wed), "family", "TESTWEDDED", "address-postalcode", "ZZ984AD", "_history", "true"), wed + " 1"},
		{"a temporary address", app, append(on(wed), "family", "TESTWEDDED", "address-postalcode", "ZZ974AD"), wed + " 1"},
		{"a former e-mail address", app, append(on(wed), "family", "TESTWEDDED", "email", "marigold.then@post.example"), ""},
		{"a former e-mail address, with history", app, append(on(wed), "family", "TESTWEDDED", "email", "marigold.then@post.example", "_history", "true"), wed + " 1"},

		{"a restricted patient", app, append(on(hidden), "family", "TESTWELL"), hidden + " 1"},
		{"a restricted patient, with a postcode", app, append(on(hidden), "family", "TESTWELL", "address-postalcode", "ZZ*"), ""},
		{"a restricted patient, with a practice", app, append(on(hidden), "family", "TESTWELL", "general-practitioner", "A20047"), ""},
		{"a restricted patient, fuzzy", app, append(on(hidden), "family", "TESTWELL", "given", "Hidden", "_fuzzy-match", "true"), hidden + " 1"},
		{"a restricted patient, fuzzy, with a postcode", app, append(on(hidden), "family", "TESTWELL", "given", "Hidden", "address-postalcode", "ZZ99 1AA", "_fuzzy-match", "true"), ""},
		{"a restricted patient, fuzzy, with a practice", app, append(on(hidden), "family", "TESTWELL", "given", "Hidden", "general-practitioner", "A20047", "_fuzzy-match", "true"), ""},
		{"the survivor and not the superseded number", user, append(on("9990000042"), "family", "TESTSON"), "9990000042 1"},

		{"a date of death", app, append(on(dead), "family", "TESTGONE", "death-date", "ge"+r.born(dead, 0)), dead + " 1"},
		{"a date of death before birth", app, append(on(dead), "family", "TESTGONE", "death-date", "le"+r.born(dead, 0)), ""},
		{"a date of death of the living", app, append(on(late), "family", "TESTLEFT", "death-date", "ge2000-01-01"), ""},

		{"fuzzy and exact", app, append(on(ada), "family", "TESTWELL", "given", "Ada", "_fuzzy-match", "true", "_exact-match", "true"), ada + " 1"},
		{"a homophone, ordinary", app, append(on(maryJane), "family", "TESTSMITH"), ""},
		{"a homophone", app, append(on(maryJane), "family", "TESTSMITH", "given", "Mary Jane", "_fuzzy-match", "true"), maryJane + " 0.9317"},
		{"a homophone, and only exact matches", app, append(on(maryJane), "family", "TESTSMITH", "given", "Mary Jane", "_fuzzy-match", "true", "_exact-match", "true"), ""},
		{"swapped", app, append(on(ada), "family", "Ada", "given", "TESTWELL", "_fuzzy-match", "true"), ada + " 0.966"},
		{"swapped homophones", app, append(on(ada), "family", "Ada", "given", "TESTWEL", "_fuzzy-match", "true"), ada + " 0.8977"},
		{"without accents, ordinary", app, append(on(zoe), "family", "TESTBJORN"), ""},
		{"with accents, ordinary", app, append(on(zoe), "family", "testbjörn", "given", "ZOË"), zoe + " 1"},
		{"without accents", app, append(on(zoe), "family", "TESTBJORN", "given", "Zoe", "_fuzzy-match", "true"), zoe + " 0.8634"},
		{"a former name, fuzzy", app, append(on(wed), "family", "TESTMAIDEN", "given", "Marigold", "_fuzzy-match", "true"), wed + " 1"},
		{"another name, fuzzy", app, append(on(wed), "family", "EXAMPLE", "given", "Marigold", "_fuzzy-match", "true"), ""},
		{"a further given name that is not held, fuzzy", app, append(on(ada), "family", "TESTWELL", "given", "Ada", "given", "May", "_fuzzy-match", "true"), ada + " 0.9542"},
		{"another day, fuzzy", app, []string{"family", "TESTWELL", "given", "Ada", "birthdate", r.born(ada, 1), "_fuzzy-match", "true"}, ""},
		{"a malformed postcode, fuzzy", app, append(on(ada), "family", "TESTWELL", "given", "Ada", "address-postalcode", "ZZ991A", "_fuzzy-match", "true"), ada + " 0.9542"},
		{"another practice, and a date of death, fuzzy", app, append(on(ada), "family", "TESTWELL", "given", "Ada",
			"general-practitioner", "B84001", "death-date", "2000-01-01", "_fuzzy-match", "true"), ada + " 0.9084"},
		{"a mistyped e-mail address, fuzzy", app, append(on(mail), "family", "TESTMAIL", "given", "Emil", "email", "x@post.example", "_fuzzy-match", "true"), "TOO_MANY_MATCHES"},
		{"the best first", user, append(on(mail), "family", "TESTMAIL", "given", "Emil", "phone", "01632 960441", "_fuzzy-match", "true"), twin + " 1 " + mail + " 0.9542"},
		{"family, gender and postcode, fuzzy", app, append(on(iris), "family", "TESTWELL", "gender", "female", "address-postalcode", "ZZ99 1AA", "_fuzzy-match", "true"), iris + " 1"},
		{"given name, gender and postcode, fuzzy", app, append(on(iris), "given", "Iris", "gender", "female", "address-postalcode", "ZZ99 1AA", "_fuzzy-match", "true"), iris + " 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := r.read(tt.token, criteria(tt.criteria...))
			if tt.want == "TOO_MANY_MATCHES" {
				want := issue{"information", "multiple-matches", pdsCodes, "TOO_MANY_MATCHES", "Too Many Matches", ""}
				if diff := cmp.Diff(want, issueOf(t, a.body)); a.status != http.StatusOK || a.header.Get("Content-Type") != spineType || diff != "" {
					t.Errorf("%d %s (-want +got):\n%s", a.status, a.header.Get("Content-Type"), diff)
				}
				return
			}
			got := []string{}
			for _, e := range foundIn(t, a).Entry {
				number := strings.Trim(string(e.Resource["id"]), `"`)
				got = append(got, number, e.Search.Score.String())
				if want := r.PDSURL() + "/Patient/" + number; e.FullURL != want {
					t.Errorf("fullUrl is %s, want %s", e.FullURL, want)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSearchNeverLists asks for everybody, by the letters that all names begin with.
func TestSearchNeverLists(t *testing.T) {
	r := start(t, simulator.Options{})
	listed := map[string]bool{}
	for _, e := range foundIn(t, r.read(r.userToken(clinician), criteria("family", "TEST*", "birthdate", "ge1900-01-01"))).Entry {
		number := strings.Trim(string(e.Resource["id"]), `"`)
		if listed[number] {
			t.Errorf("%s is listed twice", number)
		}
		listed[number] = true
	}
	// The very restricted one has no name to be found by.
	absent := map[string]string{"9990000034": "superseded", "9990000212": "invalidated", "9990000204": "very restricted"}
	for _, p := range r.Patients() {
		if why, want := absent[p.Number.Digits()], !listed[p.Number.Digits()]; (why != "") != want {
			t.Errorf("%s: listed is %t", p.Scenario, listed[p.Number.Digits()])
		}
	}
}

// TestSearchEntry says what a search shows of those with the most to show: less than a read does.
func TestSearchEntry(t *testing.T) {
	r := start(t, simulator.Options{})
	entry := func(number, family string) map[string]json.RawMessage {
		s := foundIn(t, r.read(r.token(), criteria("family", family, "birthdate", r.born(number, 0), "_history", "true")))
		if s.Total != 1 {
			t.Fatalf("%d entries", s.Total)
		}
		return s.Entry[0].Resource
	}
	whole := func(number string) (p map[string]json.RawMessage) {
		if err := json.Unmarshal(r.patient(number).body, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	same := func(t *testing.T, a, b json.RawMessage) {
		t.Helper()
		if diff := cmp.Diff(compact(t, a), compact(t, b)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	nth := func(list json.RawMessage, n ...int) json.RawMessage {
		var all, some []json.RawMessage
		if err := json.Unmarshal(list, &all); err != nil {
			t.Fatal(err)
		}
		for _, i := range n {
			some = append(some, all[i])
		}
		raw, err := json.Marshal(some)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	members := func(m map[string]json.RawMessage) []string { return slices.Sorted(maps.Keys(m)) }

	t.Run("found by a former name, and shown with the present one", func(t *testing.T) {
		got, all := entry("9990000417", "TESTMAIDEN"), whole("9990000417")
		if diff := cmp.Diff(members(all), members(got)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		for _, name := range []string{"identifier", "meta", "gender", "birthDate", "generalPractitioner"} {
			same(t, all[name], got[name])
		}
		same(t, nth(all["name"], 0), got["name"])       // not the maiden name
		same(t, nth(all["address"], 0), got["address"]) // neither the former nor the temporary one
		same(t, nth(all["telecom"], 0), got["telecom"])
	})
	t.Run("restricted", func(t *testing.T) {
		if diff := cmp.Diff(
			[]string{"birthDate", "gender", "id", "identifier", "meta", "name", "resourceType"},
			members(entry("9990000425", "TESTSHIELD"))); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	})
	t.Run("removed from registration", func(t *testing.T) {
		if got := entry("9990000050", "TESTNORTH"); got["managingOrganization"] != nil || got["extension"] != nil {
			t.Errorf("members %v", members(got))
		}
	})
	t.Run("dead", func(t *testing.T) {
		got := entry("9990000069", "TESTGONE")
		same(t, whole("9990000069")["extension"], got["extension"])
		if got["deceasedDateTime"] == nil || got["generalPractitioner"] == nil {
			t.Errorf("members %v", members(got))
		}
	})
}

// TestSearchKeepsLocationsBack is about a record of somebody's own, which has for a restricted person what PDS never
// sends.
func TestSearchKeepsLocationsBack(t *testing.T) {
	r := start(t, simulator.Options{DataDir: write(t, map[string]string{
		"patients/9991000003.json": `{"resourceType":"Patient","id":"9991000003","meta":{"versionId":"1","security":[{"code":"R"}]},` +
			`"name":[{"use":"usual","family":"TESTLEAK"}],"birthDate":"1980-01-01","address":[{"use":"home","postalCode":"ZZ99 1AA"}],` +
			`"telecom":[{"system":"phone","value":"1"}],"contact":[{"telecom":[{"system":"phone","value":"1"}]}],` +
			`"managingOrganization":{"identifier":{"value":"A20047"}},"generalPractitioner":[{"identifier":{"value":"A20047"}}],` +
			`"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace"}]}`,
	})})
	s := foundIn(t, r.read(r.token(), criteria("family", "TESTLEAK", "birthdate", "1980-01-01")))
	if s.Total != 1 {
		t.Fatalf("%d entries", s.Total)
	}
	want := []string{"birthDate", "id", "meta", "name", "resourceType"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(s.Entry[0].Resource))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for _, where := range [][2]string{{"address-postalcode", "ZZ99 1AA"}, {"general-practitioner", "A20047"}} {
		s := foundIn(t, r.read(r.token(), criteria("family", "TESTLEAK", "birthdate", "1980-01-01", where[0], where[1])))
		if s.Total != 0 {
			t.Errorf("found with %s", where[0])
		}
	}
}

// TestSearchCeiling has 51 people of one name: one more than a clinician is ever shown.
func TestSearchCeiling(t *testing.T) {
	files := map[string]string{}
	for i := 0; len(files) < 51; i++ {
		digits := fmt.Sprintf("99920%04d", i)
		sum := 0
		for at, d := range digits {
			sum += int(d-'0') * (10 - at)
		}
		if check := (11 - sum%11) % 11; check < 10 {
			number := fmt.Sprintf("%s%d", digits, check)
			files["patients/"+number+".json"] = `{"resourceType":"Patient","id":"` + number + `","meta":{"versionId":"1","security":[{"code":"U"}]},` +
				`"name":[{"use":"usual","family":"TESTCROWD"}],"birthDate":"` + fmt.Sprintf("19%02d-01-01", 10+len(files)) + `"}`
		}
	}
	r := start(t, simulator.Options{DataDir: write(t, files)})
	token := r.userToken(clinician)
	if s := foundIn(t, r.read(token, criteria("family", "TESTCROWD", "birthdate", "ge1911-01-01"))); s.Total != 50 {
		t.Errorf("%d entries, want 50", s.Total)
	}
	a := r.read(token, criteria("family", "TESTCROWD", "birthdate", "ge1910-01-01"))
	if got := issueOf(t, a.body).Code; got != "TOO_MANY_MATCHES" {
		t.Errorf("51 matches: %s", got)
	}
}

func TestClinicianMayNotEverything(t *testing.T) {
	r := start(t, simulator.Options{})
	bearer := "Bearer " + r.userToken(clinician)
	unsupported := issue{"error", "processing", pdsCodes, "UNSUPPORTED_SERVICE", "Unsupported Service", ""}
	for _, tt := range []struct {
		method, path string
		status       int
		want         issue
	}{
		{http.MethodGet, "/Coverage", 403, issue{
			"error", "forbidden", pdsCodes, "ACCESS_DENIED", "Cannot GET resource with application-restricted access token", "",
		}},
		{http.MethodPatch, "/Patient/9990000018", 400, unsupported}, // the edge lets it pass; the simulator takes no updates
		{http.MethodPost, "/Patient", 400, unsupported},
		{http.MethodGet, "/Patient", 400, unsupported},
	} {
		a := r.send(tt.method, r.PDSURL()+tt.path, "", "Authorization", bearer, "X-Request-ID", uuid.NewString())
		if diff := cmp.Diff(tt.want, issueOf(t, a.body)); a.status != tt.status || diff != "" {
			t.Errorf("%s %s: %d (-want +got):\n%s", tt.method, tt.path, a.status, diff)
		}
	}
}
