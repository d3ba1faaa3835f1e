package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

func TestWordsOfEnums(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{words(pb.RegistrationStatus_REGISTRATION_STATUS_NOT_CURRENT), "not current"},
		{words(pb.RegistrationStatus(99)), "unknown 99"},
		{option(pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT), "search-slot"},
		{name(pb.ErrorReason_ERROR_REASON_WRONG_PATIENT), "WRONG_PATIENT"},
		{name(pb.Hop_HOP_SSP), "SSP"},
		{grouped("9990000018"), "999 000 0018"},
		{grouped("999"), "999"},
		{stripped([]string{"999 000-", "00\u00a0", "18"}), "9990000018"},
		{plural(1, "slot", "slots"), "1 slot"},
		{plural(0, "slot", "slots"), "0 slots"},
		{quoted("it's"), `'it'\''s'`},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestOptionsAreReadAsTheyAreShown(t *testing.T) {
	d := pb.KnownInteraction(0).Descriptor()
	all := options(d)
	if len(all) != 27 {
		t.Errorf("%d interactions, want 27", len(all))
	}
	for _, o := range all {
		number, ok := parseOption(d, o)
		if got := option(pb.KnownInteraction(number)); !ok || got != o {
			t.Errorf("%s is read as %s", o, got)
		}
	}
	for _, bad := range []string{"", "unspecified", "nonsense", "SEARCH SLOT"} {
		if number, ok := parseOption(d, bad); ok {
			t.Errorf("%q is read as %d", bad, number)
		}
	}
}

// The code's name is what every language calls it.
func TestCodeNames(t *testing.T) {
	want := strings.Fields("OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED " +
		"RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED")
	var got []string
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		got = append(got, codeName(c))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true,
		"0.0.0.0:1": false, "10.0.0.1:1": false, "localhost.example:1": false, "127.0.0.1.example:1": false, "127.0.0.1": false,
		"": false, "dns:///127.0.0.1:1": false, "unix:///x": false, "localhost:80@elsewhere.example": false, "127.0.0.1:": false, "localhost:80/x": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("loopback(%q) = %t", address, got)
		}
	}
}

// A wrapped status keeps its own message: the status package would replace it by the wrapping error's.
func TestFailureOfWrappedStatus(t *testing.T) {
	err := fmt.Errorf("while trying: %w", errors.Join(status.Error(codes.NotFound, "its own message"), errors.New("another")))
	if f := failureOf(err); f.code != codes.NotFound || f.message != "its own message" {
		t.Errorf("failureOf = %v %q", f.code, f.message)
	}
}

// What is printed after a booking whose outcome is not known is the very same call, whatever a shell makes of it.
func TestTheCallToRepeatSurvivesAShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	var stderr bytes.Buffer
	request := &pb.BookAppointmentRequest{
		RequestId: "11111111-2222-3333-4444-555555555555", NhsNumber: "9990000018", OdsCode: "A20047", SlotHandles: []string{"one-_", "two"},
		Description: `it's "$HOME" & more`, Comment: "a;b", OrganisationPhone: "01632 960115",
	}
	unknown := statusOf(&pb.ErrorDetail{Code: int32(codes.Unknown), Reason: pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, Retry: pb.RetryClass_RETRY_CLASS_SAME_REQUEST_ID})
	term := newTerminal(nil, nil, &stderr)
	term.choice.given = map[string]string{"ca": "it's a file.pem", "token": "a secret"}
	(&bookCommand{gateway: gateway{Address: "127.0.0.1:7"}}).again(term, request, unknown)
	_, line, found := strings.Cut(stderr.String(), "\n\n  spinegate ")
	if !found {
		t.Fatalf("no call in %q", stderr.String())
	}
	out, err := exec.CommandContext(t.Context(), sh, "-c", `for a in "$@"; do :; done; eval "set -- $1"; printf '%s\n' "$@"`, "sh", strings.TrimSpace(line)).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"book", "9990000018", "--yes", "--practice", "A20047", "--request-id", request.GetRequestId(), "--slot", "one-_", "--slot", "two",
		"--description", `it's "$HOME" & more`, "--comment", "a;b", "--phone", "01632 960115", "--address", "127.0.0.1:7", "--ca=it's a file.pem",
	}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	stderr.Reset()
	taken := statusOf(&pb.ErrorDetail{Code: int32(codes.AlreadyExists), Retry: pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION})
	(&bookCommand{}).again(&terminal{stderr: &stderr}, request, taken)
	if stderr.Len() > 0 {
		t.Errorf("a booking that was not made is to be repeated: %s", stderr.String())
	}
}

func TestSpanTree(t *testing.T) {
	begun := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return begun.Add(time.Duration(ms) * time.Millisecond) }
	ms := int64(time.Millisecond)
	var out bytes.Buffer
	showSpans(newPage(&out), []span{{Name: "Call", Start: begun, DurationNS: 100 * ms, Children: []span{
		{
			Name: "PDS GET", Start: at(0), DurationNS: 25 * ms, Attributes: map[string]string{"url.template": "/Patient/{id}", "http.response.status_code": "200"},
			Events: []spanEvent{{"first_byte", 20 * ms}}, Children: []span{{Name: "TOKEN", Start: at(0), DurationNS: 5 * ms}},
		},
		{
			Name: "A name that is much longer than any column would ever allow", Start: at(50), DurationNS: 50 * ms, Error: true,
			Attributes: map[string]string{"error.type": "timeout"},
		},
		{Name: "late", Start: at(500), DurationNS: 50 * ms},
	}}})
	want := `  Call                                                100ms  ████████████████
  ├─ PDS GET /Patient/{id}                             25ms  ████············  200, first 20ms
  │  └─ TOKEN                                           5ms  █···············
  ├─ A name that is much longer than any column…       50ms  ········████████  timeout
  └─ late                                              50ms  ···············█
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzPageIsHarmlessAndNarrow(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b]0;owned\x07\x9b31m")
	f.Add("a\u202eb\u2066c\u200bd")
	f.Add("a\xff\nb\r\tc\u2028")
	f.Add(strings.Repeat("word ", 99))
	f.Fuzz(func(t *testing.T, s string) {
		var out bytes.Buffer
		p := newPage(&out)
		p.entry(2, "label", labelWidth, text(s), styled(bad, s))
		p.table(3, []cell{text("x"), text(s)})
		if !utf8.Valid(out.Bytes()) {
			t.Error("not UTF-8")
		}
		for line := range strings.Lines(out.String()) {
			for _, r := range strings.TrimSuffix(line, "\n") {
				if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
					t.Errorf("%U gets through", r)
				}
			}
		}
	})
}
