package handle_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/handle"
)

type payload struct{ ID, Text string }

var belongs = handle.Binding{
	Environment: pb.Environment_ENVIRONMENT_EMBEDDED, Organisation: "Q8X01", Practice: "A20047", Patient: "9990000018",
}

func sealer(t testing.TB) *handle.Sealer {
	t.Helper()
	s, err := handle.New(handle.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAHandleIsRefusedForAnythingElse(t *testing.T) {
	s := sealer(t)
	text, err := s.Seal(handle.Slot, belongs, payload{ID: "1584"})
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*handle.Binding)) handle.Binding {
		b := belongs
		change(&b)
		return b
	}
	const (
		mismatch = pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH
		invalid  = pb.ErrorReason_ERROR_REASON_HANDLE_INVALID
	)
	for _, tt := range []struct {
		name    string
		sealer  *handle.Sealer
		kind    handle.Kind
		binding handle.Binding
		text    string
		want    pb.ErrorReason
	}{
		{"as sealed", s, handle.Slot, belongs, text, 0},
		{"another kind", s, handle.Appointment, belongs, text, mismatch},
		{"another environment", s, handle.Slot, with(func(b *handle.Binding) { b.Environment = pb.Environment_ENVIRONMENT_LIVE }), text, mismatch},
		{"another organisation", s, handle.Slot, with(func(b *handle.Binding) { b.Organisation = "R9Y02" }), text, mismatch},
		{"another practice", s, handle.Slot, with(func(b *handle.Binding) { b.Practice = "B84001" }), text, mismatch},
		{"another patient", s, handle.Slot, with(func(b *handle.Binding) { b.Patient = "9990000026" }), text, mismatch},
		{"another gateway's key", sealer(t), handle.Slot, belongs, text, invalid},
		{"cut", s, handle.Slot, belongs, text[:len(text)-2], invalid},
		{"nothing", s, handle.Slot, belongs, "", invalid},
		{"not base64", s, handle.Slot, belongs, "!!", invalid},
		{"a made up one", s, handle.Slot, belongs, "AXMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got payload
			err := tt.sealer.Open(tt.kind, tt.binding, tt.text, &got)
			if reason := fault.ReasonOf(err); reason != tt.want {
				t.Errorf("reason = %s, want %s", reason, tt.want)
			}
			if err == nil && got.ID != "1584" {
				t.Errorf("payload = %+v", got)
			}
		})
	}
}

func TestAHandleExpiresWithItsKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sealer(t)
		text, err := s.Seal(handle.Slot, belongs, payload{ID: "1"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		if err := s.Open(handle.Slot, belongs, text, &payload{}); err != nil {
			t.Errorf("just before its end: %v", err)
		}
		time.Sleep(2 * time.Second)
		if got := fault.ReasonOf(s.Open(handle.Slot, belongs, text, &payload{})); got != pb.ErrorReason_ERROR_REASON_HANDLE_EXPIRED {
			t.Errorf("after its end: %s", got)
		}
	})
}

func TestKeysRotate(t *testing.T) {
	old, fresh := handle.NewKey(), handle.NewKey()
	before, err := handle.New(old)
	if err != nil {
		t.Fatal(err)
	}
	text, err := before.Seal(handle.Slot, belongs, payload{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	after, err := handle.New(fresh, old)
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Open(handle.Slot, belongs, text, &payload{}); err != nil {
		t.Errorf("the old key no longer opens: %v", err)
	}
}

func TestNothingCanBeReadFromAHandle(t *testing.T) {
	s := sealer(t)
	rapid.Check(t, func(t *rapid.T) {
		in := payload{ID: rapid.StringMatching(`[A-Za-z0-9.-]{1,64}`).Draw(t, "id"), Text: rapid.StringN(0, 64, 128).Draw(t, "text")}
		text, err := s.Seal(handle.Appointment, belongs, in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Seal(handle.Appointment, belongs, in)
		if err != nil {
			t.Fatal(err)
		}
		if text == again {
			t.Error("two handles of one thing are equal")
		}
		if len(text) > handle.MaxLength || strings.Contains(text, belongs.Patient) {
			t.Errorf("handle of %d characters", len(text))
		}
		var out payload
		if err := s.Open(handle.Appointment, belongs, text, &out); err != nil || out != in {
			t.Errorf("round trip: %+v, %v", out, err)
		}
	})
	if _, err := s.Seal(handle.Slot, belongs, payload{Text: strings.Repeat("x", 900)}); err == nil {
		t.Error("a payload beyond the bound was sealed")
	}
}

func TestTag(t *testing.T) {
	s := sealer(t)
	tag := s.Tag("a", "b")
	if again := s.Tag("a", "b"); tag != again || tag == s.Tag("ab") || tag == sealer(t).Tag("a", "b") {
		t.Error("a tag must follow its parts, their boundaries and the key")
	}
}

func FuzzOpen(f *testing.F) {
	s := sealer(f)
	text, err := s.Seal(handle.Slot, belongs, payload{ID: "1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("")
	f.Fuzz(func(t *testing.T, in string) {
		if err := s.Open(handle.Slot, belongs, in, &payload{}); err == nil && in != text {
			t.Error("a text that was never given out was opened")
		}
	})
}
