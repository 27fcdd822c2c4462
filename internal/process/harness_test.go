package process_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/mask"
	"github.com/escenv/escenv/internal/process"
)

const secret = "hunter2-and-then-some"

// TestMain makes this binary what escenv is to the tests: a program that runs
// a command in one of the three ways, and monitors its own ptys.
func TestMain(m *testing.M) {
	if status, ok := process.MonitorMain(os.Args); ok {
		os.Exit(status)
	}
	if len(os.Args) > 3 && os.Args[1] == "wrap" {
		os.Exit(wrap(os.Args[2], os.Args[3:]))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or each wrapper takes a second to end
	heedSignals()
	os.Exit(m.Run())
}

// heedSignals lets the programs that tests start have signals that whoever runs
// the tests may ignore, as nohup does: what is caught is not inherited.
func heedSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
}

func wrap(mode string, args []string) int {
	self, _ := os.Executable()
	c := &process.Command{
		Args: args, Env: os.Environ(), Self: self,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Secrets: mask.NewSet(secret),
	}
	ctx := context.Background()
	if text := os.Getenv("WRAP_TIMEOUT"); text != "" {
		limit, _ := time.ParseDuration(text)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var status process.Status
	var err error
	switch mode {
	case "replace":
		err = c.Replace()
	case "shared":
		c.Secrets = nil
		status, err = c.Child(ctx)
	case "pipes":
		status, err = c.Child(ctx)
	case "output":
		c.Screens = true
		status, err = c.Child(ctx)
	case "pty":
		status, err = c.Pty(ctx)
	case "relay":
		c.Secrets = nil
		status, err = c.Pty(ctx)
	case "pipes-crash", "pty-crash":
		go panicAfter(args[len(args)-1])
		status, err = map[string]func(context.Context) (process.Status, error){"pipes-crash": c.Child, "pty-crash": c.Pty}[mode](ctx)
	}
	if start, ok := errors.AsType[*process.StartError](err); ok {
		fmt.Fprintln(os.Stderr, "wrap:", start)
		return start.Code()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wrap:", err)
		return 125
	}
	process.Die(status.Signal)
	return status.Code()
}

// panicAfter crashes when a file has something in it.
func panicAfter(file string) {
	for {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			panic("there is something in " + file)
		}
		time.Sleep(time.Millisecond)
	}
}

// need skips the test where a program is missing, but not on a machine whose
// word counts.
func need(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
}

// wrapper returns the command line that runs args in a mode.
func wrapper(mode string, args ...string) []string {
	self, _ := os.Executable()
	return append([]string{self, "wrap", mode}, args...)
}

// inShell returns wrapper as a shell reads it.
func inShell(mode string) string { return strings.Join(wrapper(mode), " ") }

// A terminal is a person at a terminal.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File // kept open so that the modes can be looked at
	cmd    *exec.Cmd
	done   chan struct{} // cmd has ended

	mu     sync.Mutex
	seen   bytes.Buffer
	update chan struct{}
}

// patience is how long anything may take on a machine with too much to do.
const patience = 20 * time.Second

// onTerminal starts args as the leader of a session on a new terminal.
func onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 33, Cols: 111}); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(master.Fd()))
	if err == nil {
		err = unix.SetNonblock(fd, true) // so that Close ends Read
	}
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	master = os.NewFile(uintptr(fd), "terminal")
	unix.CloseOnExec(fd)
	term := &terminal{t: t, master: master, slave: slave, update: make(chan struct{}, 1), done: make(chan struct{})}
	term.cmd = exec.Command(args[0], args[1:]...)
	term.cmd.Env = append(os.Environ(), "PS1=prompt> ", "SECRET="+secret, "TERM=dumb", "ENV=", "INPUTRC=/dev/null", "HISTFILE=")
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.watch()
	go func() {
		term.cmd.Wait()
		close(term.done)
	}()
	t.Cleanup(func() {
		term.cmd.Process.Kill()
		<-term.done
		slave.Close()
		master.Close()
	})
	return term
}

func (term *terminal) watch() {
	buf := make([]byte, 32<<10)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.seen.Write(buf[:n])
		term.mu.Unlock()
		select {
		case term.update <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// screen returns all that was printed since the last call of expect.
func (term *terminal) screen() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.seen.String()
}

func (term *terminal) typed(text string) {
	term.t.Helper()
	if _, err := term.master.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// expect waits for text, and returns what was printed up to its end.
func (term *terminal) expect(text string) string {
	term.t.Helper()
	return term.expectWithin(text, patience)
}

func (term *terminal) expectWithin(text string, patience time.Duration) string {
	term.t.Helper()
	deadline := time.After(patience)
	for {
		term.mu.Lock()
		if i := bytes.Index(term.seen.Bytes(), []byte(text)); i >= 0 {
			upTo := string(term.seen.Next(i + len(text)))
			term.mu.Unlock()
			return upTo
		}
		term.mu.Unlock()
		select {
		case <-term.update:
		case <-deadline:
			screen := term.screen()
			term.t.Fatalf("no %q; the screen shows %q", text, screen[max(0, len(screen)-2000):])
		}
	}
}

// eventuallyEchoes types a word until the program that has the keyboard says
// it: right after fg it may still be the shell's.
func (term *terminal) eventuallyEchoes(word string) {
	term.t.Helper()
	defer func() {
		if term.t.Failed() {
			screen := term.screen()
			term.t.Logf("the screen shows %q", screen[:min(len(screen), 1000)])
		}
	}()
	eventually(term.t, word+" comes back", func() bool {
		term.typed(word + "\r")
		for range 20 {
			if strings.Contains(term.screen(), word+"\r\n"+word+"\r\n") {
				return true
			}
			time.Sleep(10 * time.Millisecond)
		}
		return false
	})
	term.expect(word + "\r\n" + word + "\r\n")
}

// stops types ^Z when escenv, in the shell's job, catches it, if it does so in
// that mode. Until then the kernel stops whichever process comes first, and the
// others may still take what is typed next.
func (term *terminal) stops(mode string) {
	term.t.Helper()
	if mode != "replace" && mode != "pty" {
		eventually(term.t, "^Z is caught", func() bool { return catches(term.cmd.Process.Pid, unix.SIGTSTP) })
	}
	term.typed("\x1a")
}

// catches reports whether one of a shell's children has a handler for s.
func catches(shell int, s syscall.Signal) bool {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", shell, shell))
	for pid := range strings.FieldsSeq(string(children)) {
		status, _ := os.ReadFile("/proc/" + pid + "/status")
		_, set, _ := strings.Cut(string(status), "SigCgt:\t")
		set, _, _ = strings.Cut(set, "\n")
		if caught, err := strconv.ParseUint(set, 16, 64); err == nil && caught&(1<<(s-1)) != 0 {
			return true
		}
	}
	return false
}

func asExit(err error, exit **exec.ExitError) bool { return errors.As(err, exit) }

// ends waits for the session to end, and returns how it did.
func (term *terminal) ends() syscall.WaitStatus {
	term.t.Helper()
	select {
	case <-term.done:
	case <-time.After(patience):
		term.t.Fatalf("it does not end; the screen shows %q", term.screen())
	}
	return term.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// modes tells whether lines are edited and echoed.
func (term *terminal) modes() string {
	out, err := sttyOf(term.slave)
	if err != nil {
		term.t.Fatal(err)
	}
	return out
}

func sttyOf(f *os.File) (string, error) {
	stty := exec.Command("stty", "-g")
	stty.Stdin = f
	out, err := stty.Output()
	return string(out), err
}

// eventually waits until holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.After(patience); !holds(); {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// pidAfter reads the number that was printed after a word, and a line's end.
func (term *terminal) pidAfter(word string) int {
	term.t.Helper()
	term.expect(word)
	pid, err := strconv.Atoi(strings.TrimSpace(term.expect("\n")))
	if err != nil {
		term.t.Fatal(err)
	}
	term.t.Cleanup(func() { unix.Kill(pid, unix.SIGKILL) })
	return pid
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
