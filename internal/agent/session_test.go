package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// A move is one thing that a caller may send, and what has to come back: the
// words of progress and events, and how it ends.
type move struct {
	frame string
	told  string // "p" for progress, "e" for an event, each once
	end   string // "result", or the kind of an error; empty if nothing comes back
	last  bool   // the session is over
}

// moves are all a caller can do, rightly and wrongly.
var moves = []move{
	{frame: frame(`{"v":1,"build":"test","op":"status"}`), end: "result"},
	{frame: frame(`{"v":1,"build":"test","op":"open","args":{"refs":[],"holder":7}}`), told: "pep", end: "result"},
	{frame: frame(`{"v":1,"build":"test","op":"open","args":{"refs":7}}`), end: "invalid"},
	{frame: frame(`{"v":1,"build":"test","op":"open","args":[]}`), end: "invalid"},
	{frame: frame(`{"v":1,"build":"test","op":"render"}`), end: "refused"},
	{frame: frame(`{"v":1,"build":"test","op":"check"}`), end: "internal"},
	{frame: frame(`{"v":1,"build":"test","op":"dance"}`), end: "invalid"},
	{frame: frame(`{"v":1,"build":"test"}`), end: "invalid"},
	{frame: frame(`{"v":1,"build":"other","op":"open"}`), end: "build-mismatch"},
	{frame: frame(`{"v":9,"build":"test","op":"open"}`), end: "build-mismatch"},
	{frame: frame(`{"v":9,"build":"other","op":"status","more":{"a":[1]}}`), end: "result"},
	{frame: frame(`{"v":9,"build":"other","op":"leave"}`), end: "result", last: true},
	{frame: frame(`{"v":1,"op":`), end: "malformed", last: true},
	{frame: frame(`[]`), end: "malformed", last: true},
	{frame: "\x00\x00\x00\x00", end: "malformed", last: true},
	{frame: "\xff\xff\xff\xff{}", end: "malformed", last: true},
	{frame: "\x00\x00\x01\x00{\"v\":1", last: true},
	{frame: "\x00\x00", last: true},
}

// strict are handlers that take what their operation takes, and nothing else.
func strict(t *testing.T) map[wire.Op]agent.Handler {
	return map[wire.Op]agent.Handler{
		wire.OpStatus: func(_ context.Context, args json.RawMessage) (any, error) {
			if len(args) > 0 {
				t.Errorf("status came with %s", args)
			}
			return wire.StatusResult{}, nil
		},
		wire.OpOpen: func(ctx context.Context, raw json.RawMessage) (any, error) {
			args, err := wire.DecodeArgs[wire.OpenArgs](raw)
			if err != nil {
				return nil, esc.Errorf(esc.Invalid, "no arguments")
			}
			if args.Holder != 7 {
				t.Errorf("open came with %s", raw)
			}
			esc.Progress(ctx, "a little")
			_ = agent.Event(ctx, "something")
			esc.Progress(ctx, "more")
			return &wire.OpenResult{Name: "shop/dev"}, nil
		},
		wire.OpRender: func(context.Context, json.RawMessage) (any, error) {
			return nil, esc.Errorf(esc.Refused, "no")
		},
		wire.OpCheck: func(context.Context, json.RawMessage) (any, error) { panic("hunter2") },
	}
}

// FuzzSession plays any sequence of moves, and anything at all behind it,
// against an agent on streams and against one on a socket. Each request is
// answered as it has to be, in order, once, and the session ends when it must.
func FuzzSession(f *testing.F) {
	all := make([]byte, len(moves))
	for i := range all {
		all[i] = byte(i)
	}
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0}, []byte("\x00\x00\x00\x02{}"))
	f.Add([]byte{1, 1, 1, 12, 1}, []byte(nil))
	f.Add(all[13:], []byte{0xff})
	f.Fuzz(func(t *testing.T, choice, rest []byte) {
		played := make([]move, 0, min(len(choice), 32))
		for _, c := range choice[:min(len(choice), 32)] {
			played = append(played, moves[int(c)%len(moves)])
		}
		playStreams(t, played, rest)
		if len(choice)%8 == 0 { // it takes longer
			playSocket(t, played)
		}
	})
}

// playStreams sends all at once.
func playStreams(t *testing.T, played []move, rest []byte) {
	var in strings.Builder
	want, over := "", false
	for _, m := range played {
		in.WriteString(m.frame)
		if !over && m.end != "malformed" {
			want += outcome(m)
		}
		over = over || m.last
	}
	in.Write(rest)
	var out bytes.Buffer
	_ = serverOf(strict(t)).ServeStreams(t.Context(), strings.NewReader(in.String()), &out)
	got := heard(t, &out)
	if !strings.HasPrefix(got, want) || over && got != want {
		t.Fatalf("%q was answered with %s, want %s", in.String(), got, want)
	}
}

// playSocket sends each move on a connection of its own.
func playSocket(t *testing.T, played []move) {
	l := newMemory()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serverOf(strict(t)).Serve(ctx, l) }()
	for _, m := range played {
		conn := l.dial()
		go func() { // the agent may hang up before it has read all
			_, _ = io.WriteString(conn, m.frame)
			if m.end == "" {
				_ = conn.Close()
			}
		}()
		answer, err := io.ReadAll(conn)
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Fatal(err)
		}
		want := strings.Replace(outcome(m), "malformed", "invalid", 1)
		if got := heard(t, bytes.NewBuffer(answer)); got != want {
			t.Fatalf("%q was answered with %s, want %s", m.frame, got, want)
		}
		if m.last && m.end == "result" {
			break // it was asked to leave
		}
	}
	stop()
	must(t, <-ended)
}

func outcome(m move) string {
	if m.end == "" {
		return ""
	}
	return fmt.Sprintf("%s%s;", m.told, m.end)
}

// heard puts replies in the words of moves.
func heard(t *testing.T, replies *bytes.Buffer) string {
	t.Helper()
	var words strings.Builder
	for replies.Len() > 0 {
		reply, err := wire.ReadReply(replies)
		if err != nil || reply.V != wire.Version {
			t.Fatalf("a reply is %+v, %v", reply, err)
		}
		switch {
		case reply.Progress != "":
			words.WriteString("p")
		case len(reply.Event) > 0:
			words.WriteString("e")
		case reply.Error != nil && strings.Contains(reply.Error.Summary, "hunter2"):
			t.Fatal("a secret got out")
		case reply.Error != nil:
			words.WriteString(string(reply.Error.Kind) + ";")
		default:
			words.WriteString("result;")
		}
	}
	return words.String()
}
