package nhs_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/spinegate/spinegate/internal/nhs"
)

func TestParseNumber(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"a sandbox patient", "9000000009", true},
		{"the worked example of the contract", "9434765919", true},
		{"a number free for tests", "9990000018", true},
		{"a wrong check digit", "9000000008", false},
		{"a documented bad number", "9000000000", false},
		{"a number that would need check digit 10", "9991234560", false},
		{"all zeros", "0000000000", false},
		{"nine digits", "943476591", false},
		{"eleven digits", "94347659190", false},
		{"spaces", "943 476 5919", false},
		{"full-width digits", "９４３４７６５９１９", false},
		{"nothing", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := nhs.ParseNumber(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("ParseNumber = %v, want ok %v", err, tt.ok)
			}
			if tt.ok && n.Digits() != tt.in {
				t.Error("Digits differ from what was parsed")
			}
			if err != nil && tt.in != "" && strings.Contains(err.Error(), tt.in) {
				t.Error("the error echoes the number")
			}
		})
	}
}

func TestNumberIn(t *testing.T) {
	for id, want := range map[string]bool{
		"9990000018": true, "row 7: 9990000018": true, "x/9990000018/y": true, "999 000 0018": true, "a-999-000-0018-b": true,
		"9990000019": false, "99900000180": false, "row 7": false, "5c2d9990000018": false, "1-999-000": false,
		"0a9990000018-11d1": false, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6": false, "999-0000-018": false, "é": false,
	} {
		if nhs.NumberIn(id) != want {
			t.Errorf("%q names a patient: %v", id, !want)
		}
	}
}

func TestNumberCannotPrintItself(t *testing.T) {
	n, err := nhs.ParseNumber("9990000018")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "n", n, "p", &n, "s", struct{ N nhs.Number }{n})
	encoded, err := json.Marshal(map[string]any{"n": n, "nested": []any{&n}})
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]string{
		"verbs": fmt.Sprintf("%v %+v %#v %s %q %d %x %T", n, n, n, n, n, n, n, n),
		"inner": fmt.Sprintf("%v %+v %#v", struct{ N nhs.Number }{n}, &n, []nhs.Number{n}),
		"log":   log.String(),
		"json":  string(encoded),
	} {
		if strings.Contains(got, n.Digits()) {
			t.Errorf("%s shows the number: %s", what, strings.ReplaceAll(got, n.Digits(), "<number>"))
		}
	}
}

func TestOneWrongDigitIsNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stem := rapid.IntRange(1, 999_999_999).Draw(t, "stem")
		var digits []byte
		for check := range 10 {
			candidate := fmt.Sprintf("%09d%d", stem, check)
			if _, err := nhs.ParseNumber(candidate); err == nil {
				digits = []byte(candidate)
			}
		}
		if digits == nil {
			t.Skip("this stem would need check digit 10")
		}
		at := rapid.IntRange(0, 9).Draw(t, "at")
		was := digits[at]
		digits[at] = byte(rapid.IntRange('0', '9').Draw(t, "to"))
		if _, err := nhs.ParseNumber(string(digits)); err == nil && digits[at] != was {
			t.Error("a number with one digit changed was accepted")
		}
	})
}

func TestCodes(t *testing.T) {
	if c, err := nhs.ParseODSCode("a20047"); err != nil || c.String() != "A20047" {
		t.Errorf("ParseODSCode(a20047) = %v, %v; want A20047", c, err)
	}
	for _, bad := range []string{"", "A2", "A20047)(uid=*", "*", "A 20047", "A200471234567", "A20-47"} {
		if _, err := nhs.ParseODSCode(bad); err == nil {
			t.Errorf("ParseODSCode(%q) was accepted", bad)
		}
	}
	if a, err := nhs.ParseASID("000000000042"); err != nil || a.String() != "000000000042" {
		t.Errorf("ParseASID lost its zeros: %v, %v", a, err)
	}
	if _, err := nhs.ParseASID("42"); err == nil {
		t.Error("ParseASID(42) was accepted")
	}
	if k, err := nhs.ParsePartyKey(" a20047-800123 "); err != nil || k.String() != "A20047-800123" {
		t.Errorf("ParsePartyKey = %v, %v", k, err)
	}
}

func TestParseInteraction(t *testing.T) {
	for _, good := range []nhs.Interaction{
		nhs.SearchSlot, nhs.GetCareRecord, nhs.SearchPatientAppointments, nhs.ReadDocument, nhs.MigrateDocument,
		nhs.GetStructuredRecord, nhs.ReadStructuredMetadata, nhs.ReadHealthcareService,
	} {
		if _, err := nhs.ParseInteraction(good.String()); err != nil {
			t.Errorf("ParseInteraction(%s) = %v", good, err)
		}
	}
	for _, bad := range []string{"", "*", "urn:nhs:names:services:psis:REPC_IN150016UK05", nhs.SearchSlot.String() + ")(x=*"} {
		if _, err := nhs.ParseInteraction(bad); err == nil {
			t.Errorf("ParseInteraction(%q) was accepted", bad)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, seed := range []string{"9990000018", "", "９４３４７６５９１９", "9990000018\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := nhs.ParseNumber(s)
		if err == nil && (n.Digits() != s || len(s) != 10) {
			t.Error("an accepted number is not what was given")
		}
	})
}
