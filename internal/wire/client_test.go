package wire_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// pipe is a Conn to an agent in this process.
type pipe struct{ net.Conn }

func (p pipe) Interrupt() { _ = p.Close() }

// clientOf returns a client of an agent that talks as talk does.
func clientOf(talk func(net.Conn)) *wire.Client {
	return &wire.Client{Build: "test", Dial: func(context.Context) (wire.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			talk(theirs)
		}()
		return pipe{ours}, nil
	}}
}

// replying returns a client of an agent that reads the request and sends these
// frames.
func replying(t *testing.T, frames ...string) *wire.Client {
	t.Helper()
	return clientOf(func(conn net.Conn) {
		if _, err := wire.ReadRequest(conn); err != nil {
			t.Errorf("the agent read %v", err)
		}
		for _, f := range frames {
			if err := wire.WriteFrame(conn, []byte(f), wire.MaxReply); err != nil {
				t.Errorf("the agent could not write: %v", err)
			}
		}
	})
}

func TestCallReportsProgressAndThenTheResult(t *testing.T) {
	client := replying(t, `{"v":1,"progress":"one"}`, `{"v":1,"progress":"two"}`, `{"v":1,"result":{"text":"aGk="}}`)
	var told []string
	ctx := esc.WithProgress(t.Context(), func(words string) { told = append(told, words) })
	var result wire.EnvGetResult
	if err := client.Call(ctx, wire.OpEnvGet, wire.EnvGetArgs{}, &result); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, told); diff != "" || string(result.Text) != "hi" {
		t.Errorf("got %q and %s", result.Text, diff)
	}
}

func TestCallReturnsWhatWentWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		op     wire.Op
		frames []string
		want   esc.Kind // empty for success
	}{
		"the agent's error":             {wire.OpOpen, []string{`{"v":1,"error":{"kind":"refused","summary":"no"}}`}, esc.Refused},
		"another version":               {wire.OpOpen, []string{`{"v":2,"result":{}}`}, esc.BuildMismatch},
		"another version that leaves":   {wire.OpLeave, []string{`{"v":2,"result":null}`}, ""},
		"no answer":                     {wire.OpOpen, nil, esc.Unavailable},
		"no answer after some progress": {wire.OpOpen, []string{`{"v":1,"progress":"soon"}`}, esc.Unavailable},
		"no JSON":                       {wire.OpOpen, []string{`soon`}, esc.Internal},
		"the wrong JSON":                {wire.OpOpen, []string{`{"v":1,"result":[]}`}, esc.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			var result wire.OpenResult
			err := replying(t, tc.frames...).Call(t.Context(), tc.op, nil, &result)
			var e *esc.Error
			errors.As(err, &e)
			switch {
			case tc.want == "" && err != nil, tc.want != "" && (e == nil || e.Kind != tc.want):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCallCanTellAnAgentThatHungUp(t *testing.T) {
	err := replying(t).Call(t.Context(), wire.OpStatus, nil, nil)
	if !errors.Is(err, wire.ErrHungUp) {
		t.Errorf("got %v", err)
	}
}

// silent is an agent that takes the request and says nothing until the caller
// hangs up.
func silent(conn net.Conn) {
	_, _ = wire.ReadRequest(conn)
	_, _ = conn.Read(make([]byte, 1))
}

func TestCallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		err := clientOf(silent).Call(ctx, wire.OpOpen, wire.OpenArgs{}, nil)
		if !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

func TestCallDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := clientOf(silent).Call(t.Context(), wire.OpOpen, wire.OpenArgs{}, nil)
		var e *esc.Error
		if !errors.As(err, &e) || e.Kind != esc.Unavailable || time.Since(began) != wire.DefaultTimeout {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

func TestCheckTellsBuildsApart(t *testing.T) {
	for _, tc := range []struct {
		req     wire.Request
		refused bool
	}{
		{wire.Request{V: wire.Version, Build: "a", Op: wire.OpOpen}, false},
		{wire.Request{V: wire.Version, Build: "b", Op: wire.OpOpen}, true},
		{wire.Request{V: wire.Version + 1, Build: "a", Op: wire.OpOpen}, true},
		{wire.Request{V: wire.Version + 1, Build: "b", Op: wire.OpLeave}, false},
		{wire.Request{V: wire.Version + 1, Build: "b", Op: wire.OpStatus}, false},
	} {
		err := tc.req.Check("a")
		if (err != nil) != tc.refused || err != nil && err.Kind != esc.BuildMismatch {
			t.Errorf("%+v: got %v", tc.req, err)
		}
	}
}
