package simulator

import "testing"

func TestFilter(t *testing.T) {
	entry := attributes{"objectclass": {"nhsMhs"}, "nhsidcode": {"A20047"}, "nhsassvcia": {"urn:a", "urn:b-1"}}
	for text, want := range map[string]bool{
		"(nhsIDCode=A20047)":                         true,
		"(nhsidcode=a20047)":                         true,
		"(nhsIDCode=A2004)":                          false,
		"(nhsIDCode=*)":                              true,
		"(nhsIDCode=A*7)":                            true,
		"(nhsIDCode=*00*)":                           true,
		"(nhsIDCode=A*8)":                            false,
		"(nhsIDCode=*A20047*7)":                      false,
		"(other=*)":                                  false,
		"(nhsAsSvcIA=urn:b-1)":                       true,
		"(&(objectClass=nhsMhs)(nhsIDCode=A20047))":  true,
		"(&(objectClass=nhsMhs)(nhsIDCode=B))":       false,
		"(|(objectClass=nhsAs)(nhsIDCode=A20047))":   true,
		"(!(objectClass=nhsMhs))":                    false,
		"(&(nhsIDCode=A20047)(|(x=1)(!(y=2))))":      true,
		"(&(nhsIDCode=A20047))(nhsIDCode=forgotten)": true,
	} {
		f, err := parseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f(entry); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, bad := range []string{"", "(", "()", "x=1", "(x)", "(&(x=1)", "(!(x=1)(y=2))", "(x=(1))", "(=1)"} {
		if _, err := parseFilter(bad); err == nil {
			t.Errorf("%q was read as a filter", bad)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"(a=b)", "(&(a=b)(|(c=*)(!(d=e*f))))", "(a=b)(c=d)", "((((", "(&)"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		matches, err := parseFilter(text)
		if err != nil {
			return
		}
		_ = matches(attributes{"a": {value}})
		// Whatever was accepted can be put into a larger filter and means the same there.
		both, err := parseFilter("(&" + text + ")")
		if err == nil && both(attributes{"a": {value}}) && !matches(attributes{"a": {value}}) {
			t.Errorf("%q holds in a conjunction and not alone", text)
		}
	})
}
