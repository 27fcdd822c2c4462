package wire

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"
)

// noTimeout is longer than any program runs.
const noTimeout = time.Duration(math.MaxInt64)

// Stream is a Call that lasts until ctx or the agent ends it, however long that
// takes. Every event goes to heard, in order and as the operation has it.
func (c *Client) Stream(ctx context.Context, op Op, args any, heard func(event json.RawMessage)) error {
	patient := *c
	patient.Timeout = noTimeout
	return patient.Call(WithEvents(ctx, heard), op, args, nil)
}

// DecodeServeEvent reads what OpServe tells.
func DecodeServeEvent(raw json.RawMessage) (ServeEvent, error) {
	var event ServeEvent
	if err := decode(raw, &event); err != nil {
		return event, garbled(err)
	}
	if (event.URL == "") != (event.Token == "") {
		return event, garbled(errors.New("an address without its token"))
	}
	return event, nil
}
