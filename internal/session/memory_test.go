package session_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/session"
)

func route(t testing.TB, ods string) session.Key {
	t.Helper()
	return session.Key{Kind: session.Route, ODS: user(t, ods, "").Organisation, Interaction: nhs.SearchSlot}
}

// memory is that of a session, which the call makes if need be.
func memory(t testing.TB, s *session.Sessions, id string, who session.User, patient nhs.Number) *session.Memory {
	t.Helper()
	m, err := s.Use(id, who, patient)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func recalled(m *session.Memory, k session.Key) string {
	text, _ := session.Recall[string](m, k)
	return text
}

func TestAMemoryIsOneSessionsOwn(t *testing.T) {
	s := session.New(100)
	doctor, first := user(t, "Q8X01", "u-1"), number(t, "9990000018")
	key := route(t, "A20047")
	own := memory(t, s, visit, doctor, first)
	own.Keep(key, "here", time.Now(), 1)
	if got := recalled(memory(t, s, visit, doctor, nhs.Number{}), key); got != "here" {
		t.Errorf("the session itself recalls %q", got)
	}
	for name, other := range map[string]struct {
		user    session.User
		patient nhs.Number
	}{
		"another session":      {doctor, first},
		"another patient":      {doctor, number(t, "9990000042")},
		"another user":         {user(t, "Q8X01", "u-2"), first},
		"another organisation": {user(t, "R9Y02", "u-1"), first},
	} {
		if got := recalled(memory(t, s, "session-of-"+name, other.user, other.patient), key); got != "" {
			t.Errorf("%s recalls %q", name, got)
		}
		if m, err := s.Use(visit, other.user, other.patient); name != "another session" && (m == own || !mismatch(err) && other.user.Organisation == doctor.Organisation) {
			t.Errorf("%s was given the memory of the session: %v", name, err)
		}
	}
	for name, k := range map[string]session.Key{
		"another organisation's": route(t, "B81001"),
		"another interaction's":  {Kind: session.Route, ODS: key.ODS, Interaction: nhs.ReadMetadata},
		"another kind":           {Kind: session.Statement, ODS: key.ODS, Interaction: key.Interaction},
	} {
		if got := recalled(own, k); got != "" {
			t.Errorf("%s recalls %q", name, got)
		}
	}
	if _, ok := session.Recall[int](own, key); ok {
		t.Error("an answer was taken for one of another type")
	}
}

func TestACallWithoutASessionRemembersNothing(t *testing.T) {
	var none *session.Memory
	none.Keep(route(t, "A20047"), "here", time.Now(), 1)
	none.Replace(route(t, "A20047"), "here", time.Now(), 1)
	none.Drop(route(t, "A20047").ODS)
	if got := recalled(none, route(t, "A20047")); got != "" {
		t.Errorf("recalls %q", got)
	}
	ctx := session.NewContext(t.Context())
	if session.FromContext(ctx) != nil || session.FromContext(t.Context()) != nil {
		t.Error("a call without a session has a memory")
	}
	m := memory(t, session.New(1), visit, user(t, "Q8X01", ""), nhs.Number{})
	session.Enter(ctx, m)
	if session.FromContext(ctx) != m {
		t.Error("a call does not find its session's memory")
	}
}

// An answer lives for fifteen minutes since it was received, and its session for fifteen idle ones.
func TestNothingOutlivesItsTime(t *testing.T) {
	key := func() session.Key { return route(t, "A20047") }
	t.Run("an answer, however often it is used", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, doctor := session.New(10), user(t, "Q8X01", "u-1")
			received := time.Now()
			time.Sleep(time.Minute)
			memory(t, s, visit, doctor, nhs.Number{}).Keep(key(), "here", received, 1)
			for range 13 {
				time.Sleep(time.Minute)
				if recalled(memory(t, s, visit, doctor, nhs.Number{}), key()) != "here" {
					t.Fatalf("it was forgotten after %s", time.Since(received))
				}
			}
			time.Sleep(time.Minute - time.Nanosecond)
			if recalled(memory(t, s, visit, doctor, nhs.Number{}), key()) != "here" {
				t.Error("it was forgotten just before its time")
			}
			time.Sleep(time.Nanosecond)
			m := memory(t, s, visit, doctor, nhs.Number{})
			if got := recalled(m, key()); got != "" {
				t.Errorf("%q is remembered after %s", got, time.Since(received))
			}
			if m.Keep(key(), "there", time.Now(), 1); recalled(m, key()) != "there" {
				t.Error("nothing new is remembered in its place")
			}
		})
	})
	t.Run("a session that was idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, doctor := session.New(10), user(t, "Q8X01", "u-1")
			old := memory(t, s, visit, doctor, nhs.Number{})
			time.Sleep(session.Idle)
			old.Keep(key(), "here", time.Now(), 1)
			next := memory(t, s, visit, doctor, nhs.Number{})
			if got := recalled(next, key()); got != "" {
				t.Errorf("the next session of that id recalls %q", got)
			}
			old.Keep(key(), "here", time.Now(), 1)
			if recalled(old, key()) != "" || recalled(next, key()) != "" {
				t.Error("a call that outlived its session kept something")
			}
		})
	})
}

func TestWhatIsWrongIsForgotten(t *testing.T) {
	m := memory(t, session.New(10), visit, user(t, "Q8X01", "u-1"), nhs.Number{})
	key, sibling, other := route(t, "A20047"), route(t, "A20047"), route(t, "B81001")
	sibling.Interaction = nhs.ReadMetadata
	for _, k := range []session.Key{key, sibling, other} {
		m.Keep(k, "old", time.Now(), 1)
	}
	m.Drop(key.ODS)
	if recalled(m, key) != "" || recalled(m, sibling) != "" || recalled(m, other) != "old" {
		t.Error("Drop forgets everything about one organisation, and nothing else")
	}
	m.Replace(key, "new", time.Now(), 1)
	// A look-up that began before the proxy complained lands late.
	if m.Keep(key, "old", time.Now(), 1); recalled(m, key) != "new" {
		t.Errorf("recalls %q", recalled(m, key))
	}
	if m.Replace(key, "newer", time.Now(), 1); recalled(m, key) != "newer" {
		t.Errorf("recalls %q", recalled(m, key))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const kilobyte = 1 << 10
	code := func(n int) session.Key { return route(t, fmt.Sprintf("P%05d", n)) }
	t.Run("in one session", func(t *testing.T) {
		m := memory(t, session.New(10), visit, user(t, "Q8X01", "u-1"), nhs.Number{})
		for n := range 1025 {
			m.Keep(code(n), "here", time.Now(), kilobyte)
		}
		if recalled(m, code(0)) != "" || recalled(m, code(1)) != "here" || recalled(m, code(1024)) != "here" {
			t.Error("a thousand and twenty-four of a kilobyte are kept, and the first goes for one more")
		}
		if m.Keep(code(2000), "huge", time.Now(), 1025*kilobyte); recalled(m, code(2000)) != "" || recalled(m, code(1024)) != "here" {
			t.Error("what never fits pushed out what did")
		}
	})
	t.Run("in all", func(t *testing.T) {
		s := session.New(1000)
		of := func(n int) *session.Memory {
			return memory(t, s, fmt.Sprintf("session-number-%d", n), user(t, "Q8X01", "u-1"), nhs.Number{})
		}
		for n := range 65 {
			of(n).Keep(code(n), "here", time.Now(), 1024*kilobyte)
		}
		if recalled(of(0), code(0)) != "" || recalled(of(1), code(1)) != "here" || recalled(of(64), code(64)) != "here" {
			t.Error("sixty-four of a megabyte are kept, and the first goes for one more")
		}
	})
	t.Run("in all, at the cost of the organisation whose answers take most", func(t *testing.T) {
		s := session.New(1000)
		few := memory(t, s, visit, user(t, "Q8X01", "u-1"), nhs.Number{})
		few.Keep(code(0), "here", time.Now(), 1024*kilobyte)
		many := func(n int) *session.Memory {
			return memory(t, s, fmt.Sprintf("session-number-%d", n), user(t, "R9Y02", "u-1"), nhs.Number{})
		}
		for n := range 64 {
			many(n).Keep(code(n), "there", time.Now(), 1024*kilobyte)
		}
		if recalled(few, code(0)) != "here" || recalled(many(0), code(0)) != "" || recalled(many(1), code(1)) != "there" {
			t.Error("another organisation's answer went, and not the first of that which has sixty-four")
		}
		more := memory(t, s, "another-"+visit, user(t, "Q8X01", "u-1"), nhs.Number{})
		more.Keep(code(1), "here", time.Now(), 1024*kilobyte)
		if recalled(few, code(0)) != "here" || recalled(more, code(1)) != "here" || recalled(many(1), code(1)) != "" {
			t.Error("an organisation with two answers makes room for one of its own")
		}
	})
	t.Run("and freed with a session", func(t *testing.T) {
		s := session.New(1)
		for n := range 200 { // each ends the one before
			m := memory(t, s, fmt.Sprintf("session-number-%d", n), user(t, "Q8X01", "u-1"), nhs.Number{})
			m.Keep(code(n), "here", time.Now(), 1024*kilobyte)
			if recalled(m, code(n)) != "here" {
				t.Fatalf("session %d keeps nothing", n)
			}
		}
	})
}
