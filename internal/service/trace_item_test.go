package service

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

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
