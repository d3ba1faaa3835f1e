package service

import (
	"errors"
	"fmt"
	"hash/maphash"
	"unicode/utf8"

	"buf.build/go/protovalidate"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

const (
	// maxItemID is how many characters an item's id may have.
	maxItemID = 128
	// rememberedItems is how many ids of a stream are remembered, the latest, to notice one that comes again: about three
	// megabytes. An id may be used again without being noticed after so many others.
	rememberedItems = 1 << 16
)

// itemRules checks the items of streams, which the chain leaves alone, so that a bad one never ends its stream.
type itemRules struct{ expected protovalidate.Validator }

func newItemRules() (itemRules, error) {
	rules, err := protovalidate.New(protovalidate.WithMessages(&pb.ExpectedDemographics{}))
	if err != nil {
		return itemRules{}, fmt.Errorf("compile the rules of items: %w", err)
	}
	return itemRules{rules}, nil
}

// check says whom an item is about, as far as that can be told, and everything that is wrong with it. No violation holds
// a value.
func (r itemRules) check(m *pb.TracePatientsRequest, seen *recent) (nhs.Number, error) {
	item := m.GetItem()
	var violations []*pb.FieldViolation
	wrong := func(field, rule, description string) {
		violations = append(violations, &pb.FieldViolation{Field: field, Rule: rule, Description: description})
	}
	switch id := item.GetItemId(); {
	case id == "" || utf8.RuneCountInString(id) > maxItemID:
		wrong("item_id", "item_id.length", "must have 1 to 128 characters")
	case nhs.NumberIn(id):
		wrong("item_id", "item_id.nhs_number", "must not hold an NHS Number")
	case !seen.add(id):
		wrong("item_id", "item_id.unique", "must not be that of an earlier item of the stream")
	}
	if m.GetContext() != nil {
		wrong("context", "context.first_message", "belongs to the first message")
	}
	number, numberErr := nhs.ParseNumber(item.GetNhsNumber())
	if numberErr != nil {
		wrong("nhs_number", "string.nhs_number", "must be a valid NHS Number: ten digits without spaces")
	}
	if err := r.expected.Validate(item.GetExpected()); err != nil {
		broken, ok := errors.AsType[*protovalidate.ValidationError](err)
		if !ok {
			return number, fmt.Errorf("check what an item expects: %w", err)
		}
		for _, b := range broken.Violations {
			wrong("expected."+protovalidate.FieldPathString(b.Proto.GetField()), b.Proto.GetRuleId(), b.Proto.GetMessage())
		}
	}
	if len(violations) == 0 {
		return number, nil
	}
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_REQUEST_INVALID, nil)
	if numberErr != nil {
		e.Reason = pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID
	}
	e.Violations = violations
	return number, e
}

// recent remembers the latest ids, as keyed hashes: two ids that only look alike are a matter of one in 10^14.
type recent struct {
	seed  maphash.Seed
	known map[uint64]struct{}
	order []uint64 // a ring once it is full
	next  int
}

func newRecent() *recent { return &recent{seed: maphash.MakeSeed(), known: map[uint64]struct{}{}} }

// add reports whether an id is new, and remembers it.
func (r *recent) add(id string) bool {
	hash := maphash.String(r.seed, id)
	if _, known := r.known[hash]; known {
		return false
	}
	r.known[hash] = struct{}{}
	if len(r.order) < rememberedItems {
		r.order = append(r.order, hash)
		return true
	}
	delete(r.known, r.order[r.next])
	r.order[r.next] = hash
	r.next = (r.next + 1) % rememberedItems
	return true
}

// cutID is an item's id as it is told back: whole, unless it is longer than one may be.
func cutID(id string) string {
	characters := 0
	for i := range id {
		if characters == maxItemID {
			return id[:i]
		}
		characters++
	}
	return id
}
