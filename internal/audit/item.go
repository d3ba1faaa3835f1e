package audit

import (
	"context"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Item is one of many that a call works on, each about a patient of its own. It travels in the context, so that whoever
// writes an ACCESS knows for which item, however many run at once; the record's own subject stays as it is.
type Item struct {
	// ID is the caller's own id of the item.
	ID string
	// Subject is the patient whom the item is about.
	Subject nhs.Number
}

type itemKey struct{}

// WithItem gives a context the item that is being worked on.
func WithItem(ctx context.Context, i Item) context.Context {
	return context.WithValue(ctx, itemKey{}, i)
}

// ItemFrom is the item that ctx belongs to; zero where a call has none.
func ItemFrom(ctx context.Context) Item {
	i, _ := ctx.Value(itemKey{}).(Item)
	return i
}
