package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// privateDir returns a directory as agents make it, with a short path.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// listen answers each connection with what it sent, until the test ends.
func listen(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
}

func TestDialSocketReachesTheAgent(t *testing.T) {
	path := filepath.Join(privateDir(t), "agent.sock")
	listen(t, path)
	conn, err := wire.DialSocket(path)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestInterruptEndsAReadAndComesAfterCloseUnharmed(t *testing.T) {
	path := filepath.Join(privateDir(t), "agent.sock")
	listen(t, path)
	conn, err := wire.DialSocket(path)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	conn.Interrupt()
	if err := <-read; !errors.Is(err, io.EOF) {
		t.Errorf("the read ended with %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	conn.Interrupt()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestDialSocketSaysThatThereIsNoAgent(t *testing.T) {
	dir := privateDir(t)
	stale := filepath.Join(dir, "stale.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{stale, filepath.Join(dir, "none.sock"), filepath.Join(dir, "nodir", "none.sock")} {
		if _, err := wire.DialSocket(path)(t.Context()); !errors.Is(err, wire.ErrNoAgent) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// TestDialSocketRefusesSquatters puts an answering socket where another user
// could have put it.
func TestDialSocketRefusesSquatters(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, dir string) string{
		"a directory others can enter": func(t *testing.T, dir string) string {
			must(t, os.Chmod(dir, 0o755))
			return dir
		},
		"a directory others can write": func(t *testing.T, dir string) string {
			must(t, os.Chmod(dir, 0o1777))
			return dir
		},
		"a link in the directory's place": func(t *testing.T, dir string) string {
			link := filepath.Join(privateDir(t), "link")
			must(t, os.Symlink(dir, link))
			return link
		},
		"a link in the socket's place": func(t *testing.T, dir string) string {
			other := privateDir(t)
			must(t, os.Symlink(filepath.Join(dir, "agent.sock"), filepath.Join(other, "agent.sock")))
			return other
		},
		"a directory of another user": func(t *testing.T, dir string) string {
			needRoot(t)
			must(t, os.Chown(dir, 65534, 65534))
			return dir
		},
		"a socket of another user": func(t *testing.T, dir string) string {
			needRoot(t)
			must(t, os.Chown(filepath.Join(dir, "agent.sock"), 65534, 65534))
			return dir
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := privateDir(t)
			listen(t, filepath.Join(dir, "agent.sock"))
			refuses(t, filepath.Join(prepare(t, dir), "agent.sock"))
		})
	}
}

// TestDialSocketRefusesAnotherUsersProcess makes everything on disk look right:
// only the kernel knows that another user listens.
func TestDialSocketRefusesAnotherUsersProcess(t *testing.T) {
	needRoot(t)
	dir := privateDir(t)
	must(t, os.Chmod(dir, 0o777))
	path := filepath.Join(dir, "agent.sock")
	child := asNobody(t, "squat", path)
	out, err := child.StdoutPipe()
	must(t, err)
	hold, err := child.StdinPipe()
	must(t, err)
	must(t, child.Start())
	defer func() { _ = child.Wait() }()
	defer hold.Close()
	if _, err := io.ReadFull(out, make([]byte, len("ready"))); err != nil {
		t.Fatalf("the squatter did not start: %v", err)
	}
	must(t, os.Chown(path, 0, 0))
	must(t, os.Chmod(path, 0o600))
	must(t, os.Chmod(dir, 0o700))
	refuses(t, path)
}

func refuses(t *testing.T, path string) {
	t.Helper()
	conn, err := wire.DialSocket(path)(t.Context())
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Refused || conn != nil {
		t.Errorf("got %v, %v", conn, err)
	}
}

func TestDialSocketExplainsALongPath(t *testing.T) {
	dir := privateDir(t)
	path := filepath.Join(dir, strings.Repeat("n", 100)+".sock")
	short := filepath.Join(dir, "s")
	listen(t, short)
	must(t, os.Rename(short, path))
	_, err := wire.DialSocket(path)(t.Context())
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Invalid {
		t.Errorf("got %v", err)
	}
}

// TestMain lets the test binary be another user's process.
func TestMain(m *testing.M) {
	if path := os.Getenv("WIRE_TEST_SQUAT"); path != "" {
		squat(path)
		return
	}
	os.Exit(m.Run())
}

// squat listens at path until standard input ends.
func squat(path string) {
	if _, err := net.Listen("unix", path); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// asNobody prepares this test binary to run as another user, in the given role.
func asNobody(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	binary, err := os.ReadFile(self)
	must(t, err)
	dir := privateDir(t)
	must(t, os.Chmod(dir, 0o755))
	copied := filepath.Join(dir, "test")
	must(t, os.WriteFile(copied, binary, 0o755))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), copied)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "WIRE_TEST_"+strings.ToUpper(role)+"="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An agent that only ever says that it is busy keeps nobody longer than the
// timeout, also where the system keeps the time.
func TestABusyAgentKeepsNobody(t *testing.T) {
	path := filepath.Join(privateDir(t), "agent.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		for err == nil {
			err = wire.WriteReply(conn, wire.Reply{Progress: "busy"})
		}
	}()
	client := &wire.Client{Dial: wire.DialSocket(path), Timeout: 20 * time.Millisecond}
	err = client.Call(context.Background(), wire.OpStatus, nil, nil)
	var e *esc.Error
	if !errors.As(err, &e) || e.Kind != esc.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

func TestASilentAgentKeepsNobody(t *testing.T) {
	path := filepath.Join(privateDir(t), "agent.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := &wire.Client{Dial: wire.DialSocket(path), Timeout: 20 * time.Millisecond}
	err = client.Call(context.Background(), wire.OpStatus, nil, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}
