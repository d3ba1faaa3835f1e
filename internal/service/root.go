package service

import (
	"context"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
)

// A logical id is good at the service root that gave it and nowhere else (GP Connect contract, 1.2): at another root the same
// id may be somebody else's. Routes are looked up for each interaction and may be of different ages, so that two of them can
// name different roots while a practice moves. Everything about a booking is therefore asked at the root of its slots.

// errMoved is a practice whose system is at another root than the ids in hand are of: they are of no use there.
var errMoved = fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, nil)

// routeAt looks up the system for an interaction, which must be at a root. One that is elsewhere is looked up once more, past
// every cache, before it is errMoved.
func (b *booking) routeAt(ctx context.Context, interaction nhs.Interaction, root string) (sds.Route, error) {
	route, err := b.route(ctx, b.asker, b.practice, interaction)
	if err == nil && route.Address != root {
		route, err = b.freshRoute(ctx, b.asker, route)
	}
	if err == nil && route.Address != root {
		err = errMoved
	}
	return route, err
}

// visitAt asks the practice at a root, and nowhere else: a fresh route that leads to another root is errMoved. The route
// returned is the one that was asked last.
func visitAt[T any](ctx context.Context, b *booking, interaction nhs.Interaction, root string, ask func(gpconnect.Target) (T, error)) (T, sds.Route, error) {
	route, err := b.routeAt(ctx, interaction, root)
	if err != nil {
		var none T
		return none, route, err
	}
	return visit(ctx, b.core, b.asker, route, func(to gpconnect.Target) (T, error) {
		if to.Destination.Address != root {
			var none T
			return none, errMoved
		}
		return ask(to)
	})
}

// find asks the practice for its own patient, who must be the one asked for. It is asked each time: the practice's id is
// good for this root and call alone.
func (b *booking) find(ctx context.Context, number nhs.Number, root string) (*gpconnect.Patient, error) {
	known, _, err := visitAt(ctx, b, nhs.SearchPatient, root, func(to gpconnect.Target) (*gpconnect.Patient, error) {
		known, _, err := b.Practices.FindPatient(ctx, to, number)
		return known, err
	})
	return known, err
}
