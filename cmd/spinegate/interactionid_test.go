package main

import (
	"testing"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/judge"
)

// Each name that resolve takes is that of an interaction whose audit token can be judged, and of no other's.
func TestInteractionsByName(t *testing.T) {
	t.Parallel()
	of := map[string]string{}
	for _, named := range options(pb.KnownInteraction(0).Descriptor()) {
		id := interactionID(named)
		if _, err := judge.AuditToken("x", judge.Circumstances{Interaction: id}); err != nil || of[id] != "" {
			t.Errorf("%s: %q, as %q: %v", named, id, of[id], err)
		}
		of[id] = named
	}
	if id := interactionID("search-slot"); id != "urn:nhs:names:services:gpconnect:fhir:rest:search:slot-1" {
		t.Error(id)
	}
}
