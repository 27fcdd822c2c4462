package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// privateDir returns a directory as agents make it, with a short path.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serverOf returns a Server of build "test".
func serverOf(handlers map[wire.Op]agent.Handler) *agent.Server {
	return &agent.Server{Build: "test", Handlers: handlers, Now: time.Now, After: time.After}
}

// serve runs s on a socket and returns its path, and what Serve returns.
func serve(t *testing.T, s *agent.Server) (path string, ended chan error) {
	t.Helper()
	path = filepath.Join(privateDir(t), "run", "agent.sock")
	l, err := agent.Listen(path)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended = make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	return path, ended
}

func clientAt(path string) *wire.Client {
	return &wire.Client{Build: "test", Dial: wire.DialSocket(path)}
}

func echo(_ context.Context, args json.RawMessage) (any, error) { return args, nil }

func TestServerAnswers(t *testing.T) {
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{wire.OpStatus: echo}))
	var got string
	if err := clientAt(path).Call(t.Context(), wire.OpStatus, "hello", &got); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestServerRefuses(t *testing.T) {
	fail := func(err error) agent.Handler {
		return func(context.Context, json.RawMessage) (any, error) { return nil, err }
	}
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{
		wire.OpOpen:   fail(esc.Errorf(esc.Refused, "no")),
		wire.OpCheck:  func(context.Context, json.RawMessage) (any, error) { panic("hunter2") },
		wire.OpRender: func(context.Context, json.RawMessage) (any, error) { return strings.Repeat("x", wire.MaxReply), nil },
		wire.OpStatus: echo,
	}))
	other := &wire.Client{Build: "other", Dial: wire.DialSocket(path)}
	for name, tc := range map[string]struct {
		client *wire.Client
		op     wire.Op
		want   esc.Kind // empty for success
	}{
		"a handler's error":         {clientAt(path), wire.OpOpen, esc.Refused},
		"a handler that crashes":    {clientAt(path), wire.OpCheck, esc.Internal},
		"an answer too large":       {clientAt(path), wire.OpRender, esc.Invalid},
		"an unknown operation":      {clientAt(path), "dance", esc.Invalid},
		"another build":             {other, wire.OpOpen, esc.BuildMismatch},
		"not another build's looks": {other, wire.OpStatus, ""},
	} {
		err := tc.client.Call(t.Context(), tc.op, nil, nil)
		var e *esc.Error
		errors.As(err, &e)
		if tc.want == "" && err != nil || tc.want != "" && (e == nil || e.Kind != tc.want || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestEventsComeBeforeTheResult(t *testing.T) {
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{
		wire.OpServe: func(ctx context.Context, _ json.RawMessage) (any, error) {
			for _, secret := range []string{"one", "two"} {
				if err := agent.Event(ctx, wire.ServeEvent{Secrets: []string{secret}}); err != nil {
					return nil, err
				}
			}
			return "done", nil
		},
	}))
	var told, result string
	ctx := wire.WithEvents(t.Context(), func(event json.RawMessage) { told += string(event) })
	must(t, clientAt(path).Call(ctx, wire.OpServe, nil, &result))
	if told != `{"secrets":["one"]}{"secrets":["two"]}` || result != "done" {
		t.Errorf("was told %s and got %q", told, result)
	}
	must(t, clientAt(path).Call(t.Context(), wire.OpServe, nil, &result)) // events may be of no interest
}

func TestEventsNeedACaller(t *testing.T) {
	began, told := make(chan struct{}), make(chan error, 1)
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{
		wire.OpServe: func(ctx context.Context, _ json.RawMessage) (any, error) {
			close(began)
			<-ctx.Done()
			told <- agent.Event(ctx, "too late")
			return nil, nil
		},
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	_ = clientAt(path).Call(ctx, wire.OpServe, nil, nil)
	if err := <-told; err == nil {
		t.Error("a caller that is gone was told")
	}
	if agent.Event(t.Context(), "nobody") == nil {
		t.Error("nobody was told")
	}
}

func TestServerAnswersWhatIsNoRequest(t *testing.T) {
	path, _ := serve(t, serverOf(nil))
	for _, frame := range []string{"\x00\x00\x00\x02no", "\xff\xff\xff\xff", "\x00\x00\x00\x00"} {
		conn, err := net.Dial("unix", path)
		must(t, err)
		_, err = io.WriteString(conn, frame)
		must(t, err)
		reply, err := wire.ReadReply(conn)
		if err != nil || reply.Error == nil || reply.Error.Kind != esc.Invalid {
			t.Errorf("%q: got %+v, %v", frame, reply, err)
		}
		must(t, conn.Close())
	}
}

func TestACallerThatHangsUpEndsItsRequest(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{
		wire.OpOpen: func(ctx context.Context, _ json.RawMessage) (any, error) {
			close(began)
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		},
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if err := clientAt(path).Call(ctx, wire.OpOpen, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	<-ended
}

func TestLeaveFreesTheSocketBeforeItAnswers(t *testing.T) {
	path, ended := serve(t, serverOf(nil))
	client := clientAt(path)
	client.Build = "newer"
	must(t, client.Call(t.Context(), wire.OpLeave, nil, nil))
	l, err := agent.Listen(path)
	must(t, err)
	defer l.Close()
	if err := <-ended; err != nil {
		t.Errorf("the old agent ended with %v", err)
	}
	if !l.Mine() {
		t.Error("the old agent took the new one's socket away")
	}
}

func TestLeaveIsAnsweredWhenTheSocketIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slowToClose{newMemory()}
		ended := make(chan error, 1)
		go func() { ended <- serverOf(nil).Serve(context.Background(), l) }()
		began := time.Now()
		must(t, l.client().Call(t.Context(), wire.OpLeave, nil, nil))
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("answered after %s", waited)
		}
		must(t, <-ended)
	})
}

// slowToClose is a listener that takes a minute to close.
type slowToClose struct{ *memory }

func (s slowToClose) Close() error {
	time.Sleep(time.Minute)
	return s.memory.Close()
}

func TestAnAgentThatLeavesFinishesWhatItBegan(t *testing.T) {
	began, proceed := make(chan struct{}), make(chan struct{})
	path, ended := serve(t, serverOf(map[wire.Op]agent.Handler{
		wire.OpOpen: func(context.Context, json.RawMessage) (any, error) {
			close(began)
			<-proceed
			return "done", nil
		},
	}))
	answer := make(chan string, 1)
	go func() {
		var got string
		_ = clientAt(path).Call(t.Context(), wire.OpOpen, nil, &got)
		answer <- got
	}()
	<-began
	must(t, clientAt(path).Call(t.Context(), wire.OpLeave, nil, nil))
	close(proceed)
	if got := <-answer; got != "done" {
		t.Errorf("the caller got %q", got)
	}
	<-ended
}

func TestAnIdleAgentLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemory()
		s := serverOf(map[wire.Op]agent.Handler{
			wire.OpOpen: func(context.Context, json.RawMessage) (any, error) {
				time.Sleep(3 * time.Hour) // longer than the idle time: that is not idle
				return "done", nil
			},
		})
		s.Idle = time.Hour
		ended := make(chan time.Time, 1)
		go func() {
			if err := s.Serve(context.Background(), l); err != nil {
				t.Error(err)
			}
			ended <- time.Now()
		}()
		began := time.Now()
		time.Sleep(59 * time.Minute)
		must(t, l.client().Call(t.Context(), wire.OpOpen, nil, nil))
		if got, want := (<-ended).Sub(began), 59*time.Minute+4*time.Hour; got != want {
			t.Errorf("left after %s, want %s", got, want)
		}
	})
}

// serveInMemory serves until it ends and returns after how long it did.
func serveInMemory(t *testing.T, s *agent.Server) time.Duration {
	t.Helper()
	began := time.Now()
	must(t, s.Serve(context.Background(), newMemory()))
	return time.Since(began)
}

func TestABusyAgentIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serverOf(nil)
		began := time.Now()
		s.Idle, s.Busy = time.Hour, func() bool { return time.Since(began) < 3*time.Hour }
		if after := serveInMemory(t, s); after != 3*time.Hour {
			t.Errorf("left after %s", after)
		}
	})
}

func TestALostAgentLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serverOf(nil)
		began := time.Now()
		s.Busy, s.Lost = func() bool { return true }, func() bool { return time.Since(began) >= time.Hour }
		for _, s.Idle = range []time.Duration{0, time.Minute} {
			began = time.Now()
			if after := serveInMemory(t, s); after != time.Hour {
				t.Errorf("left after %s", after)
			}
		}
	})
}

// TestIdleTimePassesWhileTheComputerSleeps, when timers stand still.
func TestIdleTimePassesWhileTheComputerSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serverOf(nil)
		woke := time.Now().Add(10 * time.Minute)
		s.Idle, s.Now = time.Hour, func() time.Time {
			now := time.Now()
			if !now.Before(woke) {
				now = now.Add(8 * time.Hour)
			}
			return now
		}
		if after := serveInMemory(t, s); after != 10*time.Minute {
			t.Errorf("left after %s", after)
		}
	})
}

func TestACallerThatSaysNothingIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := newMemory()
		go func() { _ = serverOf(nil).Serve(ctx, l) }()
		var group sync.WaitGroup
		for i := range 65 {
			group.Go(func() {
				conn := l.dial()
				defer conn.Close()
				began := time.Now()
				_, _ = io.Copy(io.Discard, conn)
				if waited := time.Since(began); waited != 10*time.Second {
					t.Errorf("caller %d was dropped after %s", i, waited)
				}
			})
		}
		began := time.Now()
		group.Wait() // 64 at once, and then the one that had to wait
		if waited := time.Since(began); waited != 20*time.Second {
			t.Errorf("all were dropped after %s", waited)
		}
		stop()
	})
}

// memory is a listener in this process.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newMemory() *memory {
	return &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { close(m.closed); return nil }
func (m *memory) Addr() net.Addr { return nil }

func (m *memory) dial() net.Conn {
	ours, theirs := net.Pipe()
	m.conns <- theirs
	return ours
}

func (m *memory) client() *wire.Client {
	return &wire.Client{Build: "test", Timeout: 24 * time.Hour, Dial: func(context.Context) (wire.Conn, error) {
		conn := m.dial()
		return wire.Streams{R: conn, W: conn}, nil
	}}
}

func TestAPrivateAgentAnswersUntilItsInputEnds(t *testing.T) {
	theirIn, ourOut := io.Pipe()
	ourIn, theirOut := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		s := serverOf(map[wire.Op]agent.Handler{wire.OpStatus: echo})
		ended <- s.ServeStreams(context.Background(), theirIn, theirOut)
	}()
	for _, words := range []string{`"one"`, `"two"`} {
		must(t, wire.WriteRequest(ourOut, wire.Request{V: wire.Version, Build: "test", Op: wire.OpStatus, Args: json.RawMessage(words)}))
		reply, err := wire.ReadReply(ourIn)
		if err != nil || string(reply.Result) != words {
			t.Errorf("got %s, %v", reply.Result, err)
		}
	}
	must(t, ourOut.Close())
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheEndOfItsInputEndsThePrivateAgentsRequest(t *testing.T) {
	theirIn, ourOut := io.Pipe()
	s := serverOf(map[wire.Op]agent.Handler{
		wire.OpOpen: func(ctx context.Context, _ json.RawMessage) (any, error) {
			must(t, ourOut.Close())
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	ended := make(chan error, 1)
	go func() { ended <- s.ServeStreams(context.Background(), theirIn, io.Discard) }()
	must(t, wire.WriteRequest(ourOut, wire.Request{V: wire.Version, Build: "test", Op: wire.OpOpen}))
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
