package session_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/session"
)

func number(t testing.TB, digits string) nhs.Number {
	t.Helper()
	n, err := nhs.ParseNumber(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func user(t testing.TB, ods, id string) session.User {
	t.Helper()
	code, err := nhs.ParseODSCode(ods)
	if err != nil {
		t.Fatal(err)
	}
	return session.User{Organisation: code, Issuer: "https://id.example", System: "https://staff.example", ID: id}
}

const visit = "visit-7f3a9b1c2d4e"

func mismatch(err error) bool {
	return fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_SESSION_MISMATCH
}

func TestASessionBelongsToWhoUsedItFirst(t *testing.T) {
	var nobody nhs.Number
	first, second := number(t, "9990000018"), number(t, "9990000042")
	doctor := user(t, "Q8X01", "u-1")
	elsewhere := doctor
	elsewhere.Issuer = "https://other.example"
	for _, tt := range []struct {
		name    string
		before  nhs.Number // whom the first call named
		user    session.User
		patient nhs.Number
		refused bool
	}{
		{"the same again", first, doctor, first, false},
		{"a question about nobody", first, doctor, nobody, false},
		{"the first patient after a question about nobody", nobody, doctor, first, false},
		{"another patient", first, doctor, second, true},
		{"another user", first, user(t, "Q8X01", "u-2"), first, true},
		{"another organisation's own session of that id", first, user(t, "R9Y02", "u-1"), second, false},
		{"the same id of another issuer", first, elsewhere, first, true},
		{"another user with a question about nobody", nobody, user(t, "Q8X01", "u-2"), nobody, true},
		{"a system of the organisation", first, user(t, "Q8X01", ""), first, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := session.New(10)
			if _, err := s.Use(visit, doctor, tt.before); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Use(visit, tt.user, tt.patient); mismatch(err) != tt.refused {
				t.Errorf("Use = %v, refused is to be %v", err, tt.refused)
			}
			if _, err := s.Use("another-"+visit, tt.user, tt.patient); err != nil {
				t.Errorf("another session: %v", err)
			}
		})
	}
}

func TestTheFirstPatientStaysAfterQuestionsAboutNobody(t *testing.T) {
	s, doctor := session.New(10), user(t, "Q8X01", "u-1")
	for i, patient := range []nhs.Number{{}, number(t, "9990000018"), {}} {
		if _, err := s.Use(visit, doctor, patient); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if _, err := s.Use(visit, doctor, number(t, "9990000042")); !mismatch(err) {
		t.Errorf("Use = %v, want SESSION_MISMATCH", err)
	}
}

func TestASessionEndsWhenNobodyUsesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, doctor, other := session.New(10), user(t, "Q8X01", "u-1"), user(t, "Q8X01", "u-2")
		patient := number(t, "9990000018")
		use := func() {
			t.Helper()
			if _, err := s.Use(visit, doctor, patient); err != nil {
				t.Fatal(err)
			}
		}
		use()
		for range 4 { // an hour of work, never idle for long
			time.Sleep(session.Idle - time.Second)
			use()
		}
		time.Sleep(session.Idle - time.Second)
		if _, err := s.Use(visit, other, patient); !mismatch(err) {
			t.Errorf("a second before the end: %v, want SESSION_MISMATCH", err)
		}
		time.Sleep(time.Second) // the other's attempt did not keep it alive
		if _, err := s.Use(visit, other, number(t, "9990000042")); err != nil {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestTheLeastRecentlyUsedIsForgotten(t *testing.T) {
	s, doctor, other := session.New(3), user(t, "Q8X01", "u-1"), user(t, "Q8X01", "u-2")
	id := func(n int) string { return fmt.Sprintf("session-number-%d", n) }
	for _, n := range []int{1, 2, 3, 1, 4} { // 2 is the one that goes
		if _, err := s.Use(id(n), doctor, nhs.Number{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{1, 3, 4} {
		if _, err := s.Use(id(n), other, nhs.Number{}); !mismatch(err) {
			t.Errorf("session %d was forgotten", n)
		}
	}
	if _, err := s.Use(id(2), other, nhs.Number{}); err != nil {
		t.Errorf("session 2 is still bound: %v", err)
	}
}

// An organisation that uses many sessions unbinds none of another's, and cannot tell which ids that one uses.
func TestOrganisationsDoNotUnbindEachOthersSessions(t *testing.T) {
	s := session.New(100)
	quiet, busy := user(t, "Q8X01", "u-1"), user(t, "R9Y02", "u-1")
	patient, another := number(t, "9990000018"), number(t, "9990000042")
	use := func(id string, who session.User, patient nhs.Number) error {
		_, err := s.Use(id, who, patient)
		return err
	}
	id := func(n int) string { return fmt.Sprintf("session-number-%d", n) }
	for n := range 50 { // half of all, the equal share of one of two
		if err := use(id(n), quiet, patient); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 1000 {
		if err := use(id(n), busy, another); err != nil {
			t.Fatalf("session %d: %v", n, err)
		}
	}
	for n := range 50 {
		if err := use(id(n), quiet, another); !mismatch(err) {
			t.Fatalf("session %d was unbound by another organisation: %v", n, err)
		}
	}
	for _, n := range []int{999, 950, 949} { // the last of them is begun anew
		if err := use(id(n), busy, patient); mismatch(err) != (n >= 950) {
			t.Errorf("session %d of the busy organisation: %v", n, err)
		}
	}
	// It gives back what is more than its share.
	first := user(t, "S7Z03", "u-1")
	for n := range 33 {
		if err := use(id(n), first, patient); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 33 {
		if err := use(id(n), first, another); !mismatch(err) {
			t.Fatalf("session %d of an organisation that came late was forgotten", n)
		}
	}
}

func TestOfManyAtOnceOneWins(t *testing.T) {
	s := session.New(10)
	var wins int
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := range 50 {
		who := user(t, "Q8X01", fmt.Sprint(n))
		all.Go(func() {
			if _, err := s.Use(visit, who, nhs.Number{}); err == nil {
				mu.Lock()
				defer mu.Unlock()
				wins++
			}
		})
	}
	all.Wait()
	if wins != 1 {
		t.Errorf("%d users have the session, want one", wins)
	}
}
