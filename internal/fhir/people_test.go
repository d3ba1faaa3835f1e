package fhir

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// several is an array of n equal elements.
func several(element string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

func TestBundleReaderBoundsWhatItNotes(t *testing.T) {
	const number = `{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}`
	for name, tt := range map[string]struct {
		limit   int
		element func(n int) string
	}{
		"references":       {maxReferences, func(n int) string { return `{"resource":{"a":` + several(`{"reference":"x"}`, n) + `}}` }},
		"subjects":         {maxNotes, func(n int) string { return `{"resource":{"subject":` + several(`{}`, n) + `}}` }},
		"subjects of text": {maxNotes, func(n int) string { return `{"resource":{"patient":` + several(`"x"`, n) + `}}` }},
		"contained":        {maxNotes, func(n int) string { return `{"resource":{"contained":` + several(`{}`, n) + `}}` }},
		"labels":           {maxNotes, func(n int) string { return `{"resource":{"meta":{"security":` + several(`{"code":"x"}`, n) + `}}}` }},
		"Patients": {maxNotes, func(n int) string {
			return `{"resource":{"a":` + several(`{"resourceType":"Patient"}`, n) + `}}`
		}},
		"numbers": {maxNotes, func(n int) string { return `{"resource":{"identifier":` + several(number, n) + `}}` }},
		"values":  {maxNotes, func(n int) string { return `{"resource":{"value":` + several(`1`, n) + `}}` }},
		"members of the resource": {maxMembers, func(n int) string {
			return `{"resource":{` + distinct(n) + `}}`
		}},
		"members of the element":  {maxMembers, func(n int) string { return `{` + distinct(n) + `}` }},
		"members somewhere below": {maxMembers, func(n int) string { return `{"resource":{"a":[{` + distinct(n) + `}]}}` }},
	} {
		t.Run(name, func(t *testing.T) {
			for n, want := range map[int]error{tt.limit: nil, tt.limit + 1: ErrTooLarge} {
				_, err := read(NewBundleReader(strings.NewReader(`{"resourceType":"Bundle","entry":[`+tt.element(n)+`]}`), Limits{}))
				if !errors.Is(err, want) {
					t.Errorf("%d: error is %v, want %v", n, err, want)
				}
			}
		})
	}
	t.Run("members of the Bundle", func(t *testing.T) {
		_, err := read(NewBundleReader(strings.NewReader(`{"resourceType":"Bundle",`+distinct(maxMembers)+`}`), Limits{}))
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("error is %v", err)
		}
	})
}

// distinct are n members with names of their own.
func distinct(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":0`, i)
	}
	return b.String()[1:]
}

func TestANoteOfOneEntryIsNotOneOfTheNext(t *testing.T) {
	b := NewBundleReader(strings.NewReader(`{"resourceType":"Bundle","subject":{"reference":"Patient/1"},"entry":[
		{"resource":{"patient":{"reference":"Patient/2"}},"subject":{"reference":"Patient/3"}},{},{"resource":{"subject":{"reference":"Patient/4"}}}]}`), Limits{})
	entries, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		for _, s := range e.Subjects {
			got = append(got, fmt.Sprint(e.Position, " ", s.Reference))
		}
	}
	if want := "[0 Patient/1 0 Patient/2 0 Patient/3 2 Patient/4]"; fmt.Sprint(got) != want || len(b.TailNotes().Subjects) != 0 {
		t.Errorf("subjects are %v, want %s", got, want)
	}
}

func TestWordsThatRecurAreKeptOnlyWhenTheyAreShort(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	var elements []string
	for i := range maxWords {
		elements = append(elements, fmt.Sprintf(`{"resource":{"resourceType":"%d%s"}}`, i, long))
	}
	b := NewBundleReader(strings.NewReader(`{"resourceType":"Bundle","entry":[`+strings.Join(elements, ",")+`]}`), Limits{})
	for {
		if _, err := b.Next(); err != nil {
			break
		}
	}
	if len(b.words) != 0 {
		t.Errorf("%d words are kept", len(b.words))
	}
}
