package agent_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/agent"
	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func TestAHundredStartsAreOneAgent(t *testing.T) {
	path := filepath.Join(privateDir(t), "run", "agent.sock")
	var listening, others atomic.Int32
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			l, err := agent.Listen(path)
			switch {
			case err == nil:
				listening.Add(1)
				t.Cleanup(func() { _ = l.Close() })
			case errors.Is(err, agent.ErrRunning):
				others.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if listening.Load() != 1 || others.Load() != 99 {
		t.Errorf("%d listen, %d do not", listening.Load(), others.Load())
	}
}

func TestListenTakesThePlaceOfADeadAgent(t *testing.T) {
	path := filepath.Join(privateDir(t), "agent.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	must(t, err)
	dead.SetUnlinkOnClose(false)
	must(t, dead.Close())
	l, err := agent.Listen(path)
	must(t, err)
	must(t, l.Close())
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
}

func TestListenSaysThatAPathIsTooLong(t *testing.T) {
	_, err := agent.Listen(filepath.Join(privateDir(t), strings.Repeat("long", 30), "agent.sock"))
	if e, ok := errors.AsType[*esc.Error](err); !ok || !strings.Contains(e.Summary, "bytes; the system takes") || !strings.Contains(e.Hint, "XDG_RUNTIME_DIR") {
		t.Errorf("got %v", err)
	}
}

func TestListenIsForThisUserOnly(t *testing.T) {
	path := filepath.Join(privateDir(t), "run", "agent.sock")
	old := unix.Umask(0)
	l, err := agent.Listen(path)
	unix.Umask(old)
	must(t, err)
	defer l.Close()
	for file, want := range map[string]os.FileMode{
		filepath.Dir(path): os.ModeDir | 0o700,
		path:               os.ModeSocket | 0o600,
		filepath.Join(filepath.Dir(path), "agent.lock"): 0o600,
	} {
		if info, err := os.Lstat(file); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want %v", file, info, err, want)
		}
	}
}

func TestListenRefusesADirectoryThatIsNotPrivate(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, dir string) string{
		"others can enter it": func(t *testing.T, dir string) string { must(t, os.Chmod(dir, 0o711)); return dir },
		"it is a link": func(t *testing.T, dir string) string {
			link := filepath.Join(privateDir(t), "link")
			must(t, os.Symlink(dir, link))
			return link
		},
		"it is another user's": func(t *testing.T, dir string) string {
			needRoot(t)
			must(t, os.Chown(dir, 65534, 65534))
			return dir
		},
		"it is a file": func(t *testing.T, dir string) string {
			file := filepath.Join(dir, "file")
			must(t, os.WriteFile(file, nil, 0o600))
			return file
		},
		"a link lies in the lock's place": func(t *testing.T, dir string) string {
			must(t, os.Symlink(filepath.Join(privateDir(t), "victim"), filepath.Join(dir, "agent.lock")))
			return dir
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := prepare(t, privateDir(t))
			if l, err := agent.Listen(filepath.Join(dir, "agent.sock")); err == nil {
				t.Errorf("listens at %s", l.Path)
			}
		})
	}
}

func TestClosingLeavesAnotherAgentsSocketAlone(t *testing.T) {
	path := filepath.Join(privateDir(t), "agent.sock")
	first, err := agent.Listen(path)
	must(t, err)
	must(t, os.Remove(path)) // somebody cleans up too much
	second, err := agent.Listen(path)
	must(t, err)
	defer second.Close()
	if first.Mine() || !second.Mine() {
		t.Error("the listeners do not know whose socket it is")
	}
	must(t, first.Close())
	if !second.Mine() {
		t.Error("the first took the second's socket away")
	}
}

func TestClosingSurvivesTheLossOfItsDirectory(t *testing.T) {
	dir := filepath.Join(privateDir(t), "run")
	l, err := agent.Listen(filepath.Join(dir, "agent.sock"))
	must(t, err)
	must(t, os.RemoveAll(dir))
	must(t, l.Close())
}

// TestServerHangsUpOnOtherUsers opens every door on disk: only the kernel knows
// that another user calls.
func TestServerHangsUpOnOtherUsers(t *testing.T) {
	needRoot(t)
	path, _ := serve(t, serverOf(nil))
	must(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
	must(t, os.Chmod(filepath.Dir(path), 0o755))
	must(t, os.Chmod(path, 0o666))
	out, err := asNobody(runnable(t), "call", path).Output()
	if err != nil || string(out) != "hung up" {
		t.Errorf("got %q, %v", out, err)
	}
}

// TestAgentsCannotBeRead looks at a process of the same user, hardened or not.
// Root may read everything, so the user is another.
func TestAgentsCannotBeRead(t *testing.T) {
	needRoot(t)
	binary := runnable(t)
	for role, readable := range map[string]bool{"plain": true, "hardened": false} {
		cmd := asNobody(binary, role, "x")
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		if _, err := io.ReadFull(out, make([]byte, len("ready"))); err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: "environ maps mem ", false: ""}[readable]
		got, err := asNobody(binary, "open", "/proc/"+strconv.Itoa(cmd.Process.Pid)).Output()
		if err != nil || string(got) != want {
			t.Errorf("of a %s process can be read: %s(%v)", role, got, err)
		}
		must(t, in.Close())
		must(t, cmd.Wait())
	}
}

// TestMemoryIsLockedWhereThatIsAllowed: without limit, or else not at all, or
// the agent would die of it.
func TestMemoryIsLockedWhereThatIsAllowed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can lock all memory")
	}
	needRoot(t)
	cmd := asNobody(runnable(t), "locked", "x")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "false false true\n" {
		t.Errorf("with a limit: got %q, %v", out, err)
	}
	self := exec.Command(cmd.Path)
	self.Env = cmd.Env
	out, err := self.CombinedOutput()
	must(t, err)
	switch string(out) {
	case "true true true\n":
	case "false false true\n":
		t.Skip("here nobody may lock memory without limit")
	default:
		t.Errorf("without limit: got %q", out)
	}
}

// TestMain lets the test binary be another user's process.
func TestMain(m *testing.M) {
	roles := map[string]func(string){"call": call, "plain": stay, "hardened": hardened, "locked": locked, "open": open}
	for role, play := range roles {
		if arg := os.Getenv("AGENT_TEST_" + strings.ToUpper(role)); arg != "" {
			play(arg)
			return
		}
	}
	os.Exit(m.Run())
}

// call asks the agent at path to leave and says what came of it. It does not
// check who listens.
func call(path string) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		panic(err)
	}
	_ = wire.WriteRequest(conn, wire.Request{V: wire.Version, Op: wire.OpLeave})
	if _, err := wire.ReadReply(conn); err != nil {
		_, _ = os.Stdout.WriteString("hung up")
	}
}

func stay(string) {
	_, _ = os.Stdout.WriteString("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func hardened(arg string) {
	if err := agent.Harden(); err != nil {
		panic(err)
	}
	stay(arg)
}

// locked locks its memory if it may, and says whether it does, and whether what
// it uses for a while goes back to the system.
func locked(string) {
	was := agent.LockMemory()
	large := make([]byte, 64<<20)
	for i := range large {
		large[i] = 1
	}
	used := kilobytes("VmRSS")
	runtime.KeepAlive(large)
	debug.FreeOSMemory()
	fmt.Fprintln(os.Stdout, was, kilobytes("VmLck") > 0, used-kilobytes("VmRSS") > 48<<10)
}

// kilobytes returns what the system says of this process's memory.
func kilobytes(field string) (n int) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(status), field+":")
	_, _ = fmt.Sscan(rest, &n)
	return n
}

// open names the files of a process that it can open.
func open(process string) {
	for _, file := range []string{"environ", "maps", "mem"} {
		if _, err := os.Open(filepath.Join(process, file)); err == nil {
			_, _ = os.Stdout.WriteString(file + " ")
		}
	}
}

// runnable copies this test binary to where other users can run it.
func runnable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	binary, err := os.ReadFile(self)
	must(t, err)
	dir := privateDir(t)
	must(t, os.Chmod(dir, 0o755))
	copied := filepath.Join(dir, "test")
	must(t, os.WriteFile(copied, binary, 0o755))
	return copied
}

// asNobody prepares a test binary to run as another user, in the given role.
func asNobody(binary, role, arg string) *exec.Cmd {
	cmd := exec.Command(binary)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "AGENT_TEST_"+strings.ToUpper(role)+"="+arg)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
}
