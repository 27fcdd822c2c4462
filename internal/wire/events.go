package wire

import (
	"context"
	"encoding/json"
)

type eventsKey struct{}

// WithEvents returns a context in which a call hands each event that the agent
// sends before its result to handle, one at a time and in order.
func WithEvents(ctx context.Context, handle func(json.RawMessage)) context.Context {
	return context.WithValue(ctx, eventsKey{}, handle)
}

// tell hands on an event, if anybody wants to know.
func tell(ctx context.Context, event json.RawMessage) {
	if handle, ok := ctx.Value(eventsKey{}).(func(json.RawMessage)); ok {
		handle(event)
	}
}
