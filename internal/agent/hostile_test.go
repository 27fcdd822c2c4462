package agent_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/wire"
)

// request is a frame that asks for a page of text.
var request = frame(`{"v":1,"build":"test","op":"status","args":"` + strings.Repeat("x", 4<<10) + `"}`)

func frame(body string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + body
}

// hostile are ways to treat an agent badly. Each ends when the agent hangs up,
// or before.
var hostile = map[string]func(conn *net.UnixConn){
	"says nothing and leaves":  func(*net.UnixConn) {},
	"garbage":                  func(conn *net.UnixConn) { say(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); listen(conn) },
	"a frame beyond the limit": func(conn *net.UnixConn) { say(conn, "\xff\xff\xff\xff"+strings.Repeat("x", 1<<16)); listen(conn) },
	"the largest, cut short":   func(conn *net.UnixConn) { say(conn, "\x00\x10\x00\x00{") },
	"an empty frame":           func(conn *net.UnixConn) { say(conn, "\x00\x00\x00\x00"); listen(conn) },
	"half a request, half closed": func(conn *net.UnixConn) {
		say(conn, request[:len(request)/2])
		_ = conn.CloseWrite()
		listen(conn)
	},
	"a request, half closed": func(conn *net.UnixConn) { say(conn, request); _ = conn.CloseWrite(); listen(conn) },
	"does not listen":        func(conn *net.UnixConn) { say(conn, request) },
	"more after the request": func(conn *net.UnixConn) { say(conn, request+request+request); listen(conn) },
	"deep JSON":              func(conn *net.UnixConn) { say(conn, frame(strings.Repeat("[", 1<<16))); listen(conn) },
}

func say(conn *net.UnixConn, text string) { _, _ = io.WriteString(conn, text) }
func listen(conn *net.UnixConn)           { _, _ = io.Copy(io.Discard, conn) }

// TestHostileCallersLeaveNothingBehind counts what the agent holds before and
// after a thousand callers of each kind.
func TestHostileCallersLeaveNothingBehind(t *testing.T) {
	path, _ := serve(t, serverOf(map[wire.Op]agent.Handler{wire.OpStatus: patient}))
	for name, behave := range hostile {
		t.Run(name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), openFiles(t)
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() {
					for range 20 {
						conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
						if err != nil {
							t.Error(err)
							return
						}
						behave(conn)
						_ = conn.Close()
					}
				})
			}
			group.Wait()
			var got string
			if err := clientAt(path).Call(t.Context(), wire.OpStatus, "still here", &got); err != nil || got != "still here" {
				t.Errorf("afterwards it answers %q, %v", got, err)
			}
			deadline := time.Now().Add(20 * time.Second)
			for runtime.NumGoroutine() > goroutines || openFiles(t) > files {
				if time.Now().After(deadline) {
					t.Fatalf("%d goroutines and %d files, before %d and %d", runtime.NumGoroutine(), openFiles(t), goroutines, files)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
}

// patient takes a moment, and looks whether the caller is still there.
func patient(ctx context.Context, args json.RawMessage) (any, error) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Millisecond):
	}
	return args, nil
}

// openFiles counts the file descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("/dev/fd/*")
	must(t, err)
	return len(files)
}

// TestAnnouncedFramesCostNothing: what callers promise to send, or have asked
// for and do not take, is not set aside for each.
func TestAnnouncedFramesCostNothing(t *testing.T) {
	path, _ := serve(t, serverOf(nil))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 60 { // all at once
		conn, err := net.Dial("unix", path)
		must(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "\x00\x10\x00\x00{\"v\":1,")
		must(t, err)
	}
	must(t, clientAt(path).Call(t.Context(), wire.OpLeave, nil, nil))
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("it set aside %d KiB for 60 MiB announced", grown>>10)
	}
}

// TestACallerThatTricklesIsDropped: a byte now and then buys no more time, in
// either direction.
func TestACallerThatTricklesIsDropped(t *testing.T) {
	large := func(context.Context, json.RawMessage) (any, error) { return strings.Repeat("x", 1<<20), nil }
	for name, trickle := range map[string]func(conn net.Conn) error{
		"sending": func(conn net.Conn) error {
			_, err := io.WriteString(conn, request[:1])
			request := request[1:]
			for err == nil {
				time.Sleep(time.Second)
				_, err = io.WriteString(conn, request[:1])
				request = request[1:]
			}
			return err
		},
		"taking": func(conn net.Conn) error {
			_, err := io.WriteString(conn, request)
			for err == nil {
				time.Sleep(time.Second)
				_, err = conn.Read(make([]byte, 1))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				l := newMemory()
				ended := make(chan error, 1)
				go func() { ended <- serverOf(map[wire.Op]agent.Handler{wire.OpStatus: large}).Serve(ctx, l) }()
				conn := l.dial()
				began := time.Now()
				err := trickle(conn)
				if waited := time.Since(began); err == nil || waited > 11*time.Second {
					t.Errorf("hung up on after %s: %v", waited, err)
				}
				stop()
				must(t, <-ended)
			})
		})
	}
}
