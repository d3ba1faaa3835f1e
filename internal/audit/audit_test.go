package audit_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
)

// config is a trail in a directory of its own.
func config(t testing.TB) audit.Config {
	dir := t.TempDir()
	return audit.Config{Path: filepath.Join(dir, "audit.db"), KeyFile: filepath.Join(dir, "key"), CreateKey: true, Version: "test"}
}

func open(t testing.TB, c audit.Config) *audit.Store {
	t.Helper()
	s, err := audit.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func number(t testing.TB, digits string) nhs.Number {
	t.Helper()
	n, err := nhs.ParseNumber(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func ods(t testing.TB, code string) nhs.ODSCode {
	t.Helper()
	c, err := nhs.ParseODSCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func asid(t testing.TB, id string) nhs.ASID {
	t.Helper()
	a, err := nhs.ParseASID(id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func clinician(t testing.TB) audit.Caller {
	return audit.Caller{
		Organisation: ods(t, "Q8X01"), OrganisationName: "Example Urgent Care",
		UserID: "u-zephyrine", UserSystem: "https://directory.example/users",
		Prefix: "Dr", Given: "Zephyrine", Family: "QUARTERMAINE", SDSUserID: "555001234999", SDSRoleProfileID: "555001234998",
		Scopes: []string{"record.read"}, Issuer: "https://issuer.example",
	}
}

// entries returns what a query chooses, oldest first.
func entries(t testing.TB, r *audit.Reader, q audit.Query) []audit.Entry {
	t.Helper()
	var all []audit.Entry
	for e, err := range r.Entries(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	slices.Reverse(all)
	return all
}

var untimed = cmp.Options{
	cmpopts.IgnoreFields(audit.Entry{}, "Seq", "At"), cmpopts.IgnoreFields(audit.Outcome{}, "Duration"),
	cmp.Comparer(func(a, b nhs.Number) bool { return a == b }),
	cmp.Comparer(func(a, b nhs.ODSCode) bool { return a == b }),
	cmp.Comparer(func(a, b nhs.ASID) bool { return a == b }),
	cmpopts.EquateEmpty(),
}
