package pds

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/nhs"
)

var born = Days{"1971-08-30", "1971-08-30"}

func TestCriteria(t *testing.T) {
	long := strings.Repeat("é", maxName)
	for _, tt := range []struct {
		name string
		by   Criteria
		want []string // field and rule
	}{
		{"family and birth date", Criteria{Family: "EXAMPLE", Born: born}, nil},
		{"a range that is open above", Criteria{Family: "EXAMPLE", Born: Days{First: "1971-01-01"}}, nil},
		{"the beginning of a name", Criteria{Family: "Ex*", Given: []string{"Te*"}, PostalCode: "ZZ*", Born: born}, nil},
		{"a wildcard inside", Criteria{Family: "Ex*ple", Born: born}, nil},
		{"everything", Criteria{
			Family: "EXAMPLE", Given: []string{"Testa", "May"}, Gender: "female", Born: born, Died: born, PostalCode: "ZZ1 1ZZ",
			Email: "a@example.com", Phone: "0", Match: Exact, History: true, AtMost: 50,
		}, nil},
		{"35 characters", Criteria{Family: long, Born: born}, nil},
		{"fuzzy, both names", Criteria{Match: Fuzzy, Family: "E", Given: []string{"T"}, Born: born}, nil},
		{"fuzzy, family", Criteria{Match: Fuzzy, Family: "E", Gender: "female", PostalCode: "ZZ1", Born: born}, nil},
		{"fuzzy, given", Criteria{Match: Fuzzy, Given: []string{"T"}, Gender: "female", PostalCode: "ZZ1", Born: born}, nil},

		{"nothing", Criteria{}, []string{"birth_date_start search.required", "family search.required"}},
		{"spaces", Criteria{Family: "  ", Born: born}, []string{"family search.required"}},
		{"family alone", Criteria{Family: "EXAMPLE", Email: "a@example.com", Phone: "0"}, []string{"birth_date_start search.required"}},
		{"a birth date alone", Criteria{Born: born, Given: []string{"Testa"}}, []string{"family search.required"}},
		{"fuzzy, family and birth date", Criteria{Match: Fuzzy, Family: "E", Born: born}, []string{"mode search.fuzzy_minimum"}},
		{"fuzzy, no gender", Criteria{Match: Fuzzy, Family: "E", PostalCode: "ZZ1", Born: born}, []string{"mode search.fuzzy_minimum"}},
		{"fuzzy, no postcode", Criteria{Match: Fuzzy, Given: []string{"T"}, Gender: "male", Born: born}, []string{"mode search.fuzzy_minimum"}},
		{"fuzzy, no name", Criteria{Match: Fuzzy, Gender: "male", PostalCode: "ZZ1", Born: born}, []string{"mode search.fuzzy_minimum"}},
		{"fuzzy, no birth date", Criteria{Match: Fuzzy, Family: "E", Given: []string{"T"}}, []string{"birth_date_start search.required"}},
		{"fuzzy wildcards", Criteria{Match: Fuzzy, Family: "Exa*", Given: []string{"Tes*"}, PostalCode: "ZZ1*", Born: born}, []string{
			"family search.wildcard", "given[0] search.wildcard", "postal_code search.wildcard",
		}},
		{"exact wildcards", Criteria{Match: Exact, Family: "Exa*", Born: born}, []string{"family search.wildcard"}},
		{"a wildcard too early", Criteria{Family: "E*", Given: []string{"Testa", "*"}, PostalCode: "Z *", Born: born}, []string{
			"family search.wildcard", "given[1] search.wildcard", "postal_code search.wildcard",
		}},
		{"spaces are no characters before a wildcard", Criteria{Family: "  E*", Born: born}, []string{"family search.wildcard"}},
		{"a second wildcard cannot hide the first", Criteria{Family: "*am*", Born: born}, []string{"family search.wildcard"}},
		{"wildcards where there are none", Criteria{Family: "EXAMPLE", Born: born, Email: "test*", Phone: "0163*"}, []string{
			"email search.wildcard", "phone search.wildcard",
		}},
		{"36 characters", Criteria{Family: long + "é", Given: []string{long + "é"}, Born: born}, []string{"family search.length", "given[0] search.length"}},
		{"a blank given name", Criteria{Family: "EXAMPLE", Given: []string{" "}, Born: born}, []string{"given[0] search.required"}},
		{"no such day", Criteria{Family: "EXAMPLE", Born: Days{"2026-02-29", "1971"}, Died: Days{Last: "soon"}}, []string{
			"birth_date_end search.date", "birth_date_start search.date", "death_date_end search.date",
		}},
		{"the wrong way round", Criteria{Family: "EXAMPLE", Born: Days{"1971-08-31", "1971-08-30"}}, []string{"birth_date_end search.range"}},
		{"a gender of nobody's", Criteria{Family: "EXAMPLE", Born: born, Gender: "F"}, []string{"gender search.gender"}},
		{"no such kind of search", Criteria{Family: "EXAMPLE", Born: born, Match: 7}, []string{"mode search.mode"}},
		{"too many", Criteria{Family: "EXAMPLE", Born: born, AtMost: 51}, []string{"max_results search.max_results"}},
		{"fewer than none", Criteria{Family: "EXAMPLE", Born: born, AtMost: -1}, []string{"max_results search.max_results"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, v := range tt.by.trimmed().violations(workerAtMost) {
				got = append(got, v.GetField()+" "+v.GetRule())
				for _, value := range append(tt.by.Given, tt.by.Family, tt.by.PostalCode, tt.by.Email, tt.by.Born.First) {
					if len(value) > 3 && strings.Contains(v.GetDescription(), value) {
						t.Errorf("%q tells a value", v.GetDescription())
					}
				}
				if len(v.GetDescription()) > 128 {
					t.Errorf("%q will be cut", v.GetDescription())
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	practice, err := nhs.ParseODSCode("a20047")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		by   Criteria
		want string
	}{
		{"one day", Criteria{Family: " O'Example ", Born: born}, "birthdate=eq1971-08-30&family=O%27Example"},
		{"a range", Criteria{Family: "EXAMPLE", Born: Days{"1971-01-01", "1971-12-31"}}, "birthdate=ge1971-01-01&birthdate=le1971-12-31&family=EXAMPLE"},
		{"from a day on", Criteria{Family: "EXAMPLE", Born: Days{First: "1971-01-01"}}, "birthdate=ge1971-01-01&family=EXAMPLE"},
		{"up to a day", Criteria{Family: "EXAMPLE", Born: Days{Last: "1971-12-31"}}, "birthdate=le1971-12-31&family=EXAMPLE"},
		{
			"wildcards, spaces, and names in their order",
			Criteria{Family: "Ex*", Given: []string{"Mary Jane", "Ann*"}, PostalCode: "ZZ1 *", Born: born},
			"address-postalcode=ZZ1+%2A&birthdate=eq1971-08-30&family=Ex%2A&given=Mary+Jane&given=Ann%2A",
		},
		{
			"all the rest",
			Criteria{
				Family: "ÉX&=", Gender: "other", Born: born, Died: Days{"2020-01-01", "2020-02-01"}, Practice: practice,
				Email: "a+b@example.com", Phone: "+44 1632", Match: Exact, History: true, AtMost: 1,
			},
			"_exact-match=true&_history=true&_max-results=1&birthdate=eq1971-08-30&death-date=ge2020-01-01&death-date=le2020-02-01" +
				"&email=a%2Bb%40example.com&family=%C3%89X%26%3D&gender=other&general-practitioner=A20047&phone=%2B44+1632",
		},
		{
			"fuzzy has history in it",
			Criteria{Family: "E", Given: []string{"T"}, Born: born, Match: Fuzzy, History: true},
			"_fuzzy-match=true&birthdate=eq1971-08-30&family=E&given=T",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.by.trimmed().query().Encode(); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

// Whatever is asked for: what passes the check holds PDS's minimum, no early wildcard, and parameters that PDS knows.
func TestWhatPassesIsWhatPDSTakes(t *testing.T) {
	text := rapid.SampledFrom([]string{"", " ", "E", "*", "E*", "EX*", "EXAMPLE", " *X", "ZZ1 1ZZ"})
	day := rapid.SampledFrom([]string{"", "1971-08-30", "1999-01-01", "1999-13-01"})
	known := []string{
		"family", "given", "gender", "birthdate", "death-date", "address-postalcode", "general-practitioner", "email", "phone",
		"_fuzzy-match", "_exact-match", "_history", "_max-results",
	}
	rapid.Check(t, func(t *rapid.T) {
		by := Criteria{
			Family: text.Draw(t, "family"), Given: rapid.SliceOfN(text, 0, 2).Draw(t, "given"), PostalCode: text.Draw(t, "postcode"),
			Gender: rapid.SampledFrom([]string{"", "male", "x"}).Draw(t, "gender"), Born: Days{day.Draw(t, "first"), day.Draw(t, "last")},
			Match: Matching(rapid.IntRange(0, 3).Draw(t, "match")), AtMost: rapid.IntRange(-1, 2).Draw(t, "at most"),
		}.trimmed()
		if len(by.violations(restrictedAtMost)) > 0 {
			return
		}
		q := by.query()
		for name, values := range q {
			if !slices.Contains(known, name) || slices.Contains(values, "") {
				t.Errorf("%s = %q", name, values)
			}
			for _, v := range values {
				if at := strings.IndexByte(strings.ReplaceAll(v, " ", ""), '*'); at >= 0 && (at < 2 || by.Match != Ordinary) {
					t.Errorf("%s = %q", name, v)
				}
			}
		}
		if len(q["birthdate"]) == 0 || !q.Has("family") && (by.Match != Fuzzy || !q.Has("given")) {
			t.Errorf("too little: %s", q.Encode())
		}
		if most := q.Get("_max-results"); most != "" && most != "1" {
			t.Errorf("_max-results=%s", most)
		}
	})
}

func TestCriteriaPrintNothing(t *testing.T) {
	by := Criteria{Family: "EXAMPLE", Given: []string{"Testa"}, Born: born}
	encoded, err := json.Marshal(by)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %d %v %s", by, by, by, by, by, by, by.LogValue(), encoded)
	if strings.Contains(all, "EXAMPLE") || strings.Contains(all, "Testa") || strings.Contains(all, "1971") {
		t.Error(all)
	}
}
