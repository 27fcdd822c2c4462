package wire_test

import (
	"encoding/json"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func TestStreamHandsOnEventsUntilTheAgentEndsIt(t *testing.T) {
	client := replying(t, `{"v":1,"event":{"url":"u","token":"t"}}`, `{"v":1,"progress":"still there"}`,
		`{"v":1,"event":{"secrets":["s"]}}`, `{"v":1,"error":{"kind":"refused","summary":"no more"}}`)
	var heard []string
	err := client.Stream(t.Context(), wire.OpServe, nil, func(event json.RawMessage) { heard = append(heard, string(event)) })
	if diff := cmp.Diff([]string{`{"url":"u","token":"t"}`, `{"secrets":["s"]}`}, heard); diff != "" {
		t.Error(diff)
	}
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Refused {
		t.Errorf("got %v", err)
	}
}

// TestStreamHasNoLongestTime has an agent say something once in a day.
func TestStreamHasNoLongestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := clientOf(func(conn net.Conn) {
			_, _ = wire.ReadRequest(conn)
			<-time.After(24 * time.Hour)
			_ = wire.WriteReply(conn, wire.Reply{Event: json.RawMessage(`{}`)})
			_ = wire.WriteReply(conn, wire.Reply{Result: json.RawMessage(`null`)})
		})
		client.Timeout = time.Minute
		events := 0
		err := client.Stream(t.Context(), wire.OpServe, nil, func(json.RawMessage) { events++ })
		if err != nil || events != 1 {
			t.Errorf("%d events, %v", events, err)
		}
	})
}

func TestServeEventsMakeSense(t *testing.T) {
	for text, ok := range map[string]bool{
		`{}`:                                 true,
		`{"url":"http://u","token":"t"}`:     true,
		`{"expires":"2026-11-23T12:00:00Z"}`: true,
		`{"url":"http://u"}`:                 false,
		`{"token":"t"}`:                      false,
		`{"secrets":"s"}`:                    false,
		`[]`:                                 false,
		`no`:                                 false,
	} {
		if _, err := wire.DecodeServeEvent(json.RawMessage(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
