package service

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersInItemIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"9990000018": true, "row 7: 9990000018": true, "x/9990000018/y": true, "999 000 0018": true, "a-999-000-0018-b": true,
		"9990000019": false, "99900000180": false, "row 7": false, "5c2d9990000018": false, "1-999-000": false,
		"0a9990000018-11d1": false, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6": false, "999-0000-018": false, "é": false,
	} {
		if namesPatient(id) != want {
			t.Errorf("%q names a patient: %v", id, !want)
		}
	}
}

func TestIDsAreRememberedWithinBounds(t *testing.T) {
	r := newRecent()
	for n := range 3 * rememberedItems {
		if !r.add(fmt.Sprint(n)) {
			t.Fatalf("id %d was taken for an earlier one", n)
		}
		if n >= 10 && r.add(fmt.Sprint(n-10)) {
			t.Fatalf("id %d was forgotten at once", n-10)
		}
	}
	if len(r.known) != rememberedItems || len(r.order) != rememberedItems {
		t.Errorf("%d and %d are remembered", len(r.known), len(r.order))
	}
	if !r.add("0") {
		t.Error("an id is remembered for ever")
	}
}

func TestIDsAreCutBetweenCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		characters, got := []rune(id), cutID(id)
		if want := string(characters[:min(len(characters), maxItemID)]); got != want {
			t.Errorf("cutID gave %q, want %q", got, want)
		}
	})
}
