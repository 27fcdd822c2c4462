package hooks_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// patience is how long a shell may take to come back with a prompt.
const patience = 30 * time.Second

// bin holds the real programs, built once.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "escenv-hooks-")
	if err != nil {
		panic(err)
	}
	bin = dir
	for _, program := range []string{"escenv", "escenv-agent"} {
		build := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", filepath.Join(dir, program), "../cmd/"+program)
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", program, err, out)
			os.Exit(1)
		}
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// A house is one user's home with an agent that answers what the test says,
// a program directory, and two directories to work in.
type house struct {
	t    *testing.T
	root string // short, since a socket is below it
	dump string // where the program "dump" writes its environment

	strace string // if set, shells run below this and write to the file trace

	mu      sync.Mutex
	answers map[string]answer
	asked   int
}

// An answer is what the agent says about a reference.
type answer struct {
	variables map[string]string
	expires   time.Time
	renew     time.Time
	err       *wire.Error
	silent    bool // it never answers
}

// newHouse returns a house with a fake agent.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := emptyHouse(t)
	h.serve()
	return h
}

// emptyHouse returns a house without an agent: escenv starts the real one.
func emptyHouse(t *testing.T) *house {
	t.Helper()
	root, err := os.MkdirTemp("", "eh")
	if err != nil {
		t.Fatal(err)
	}
	root, err = filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	h := &house{t: t, root: root, dump: filepath.Join(root, "dump.out"), answers: map[string]answer{}}
	for _, dir := range []string{"run/escenv", "home", "out", "shop/sub/deep", "prod", "bin"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o700))
	}
	must(t, os.Symlink(filepath.Join(bin, "escenv"), filepath.Join(root, "bin/escenv")))
	h.write("bin/dump", "#!/bin/sh\nexec /usr/bin/env -0 > "+h.dump+"\n")
	must(t, os.Chmod(filepath.Join(root, "bin/dump"), 0o700))
	h.answer("shop/dev", answer{variables: map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIADEV", "AWS_SECRET_ACCESS_KEY": "dev'secret\\", "AWS_SESSION_TOKEN": "dev token\n",
	}})
	h.answer("shop/prod", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIAPROD", "STAGE": "prod"}})
	h.write("shop/.escenv", "shop/dev\n")
	h.write("prod/.escenv", "shop/prod\n")
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) path(name string) string { return filepath.Join(h.root, name) }

func (h *house) write(name, text string) {
	h.t.Helper()
	must(h.t, os.WriteFile(h.path(name), []byte(text), 0o600))
}

func (h *house) answer(ref string, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[ref] = a
}

// requests returns how often the agent was asked to open something.
func (h *house) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

func (h *house) environ() []string {
	return []string{
		"PATH=" + h.path("bin") + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + h.path("home"), "TERM=dumb",
		"XDG_RUNTIME_DIR=" + h.path("run"), "LC_ALL=C.UTF-8", "ZDOTDIR=" + h.path("home"), "USER=tester",
	}
}

// escenv runs the program outside any shell.
func (h *house) escenv(dir string, args ...string) string {
	h.t.Helper()
	cmd := exec.Command(h.path("bin/escenv"), args...)
	cmd.Dir, cmd.Env = h.path(dir), h.environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("escenv %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// serve is the agent. Where its socket is, escenv says itself.
func (h *house) serve() {
	h.t.Helper()
	var status struct {
		Agent struct{ Socket string } `json:"agent"`
	}
	must(h.t, json.Unmarshal([]byte(h.escenv(".", "status", "--json")), &status))
	listener, err := net.Listen("unix", status.Agent.Socket)
	must(h.t, err)
	must(h.t, os.Chmod(status.Agent.Socket, 0o600))
	h.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go h.reply(conn)
		}
	}()
}

func (h *house) reply(conn net.Conn) {
	defer conn.Close()
	req, err := wire.ReadRequest(conn)
	if err != nil {
		return
	}
	reply := wire.Reply{V: wire.Version}
	switch req.Op {
	case wire.OpOpen:
		args, err := wire.DecodeArgs[wire.OpenArgs](req.Args)
		if err != nil {
			return
		}
		a := h.look(args.Refs[0].String())
		if a.silent {
			_, _ = wire.ReadRequest(conn) // until the caller hangs up
			return
		}
		reply.Error = a.err
		reply.Result, _ = json.Marshal(openResult(args.Refs[0].String(), a))
	case wire.OpCheck:
		reply.Result, _ = json.Marshal(wire.CheckResult{Name: "x", Variables: []string{"AWS_ACCESS_KEY_ID"}, Providers: []string{"aws-login"}})
	case wire.OpStatus:
		reply.Result, _ = json.Marshal(wire.StatusResult{Build: req.Build, Identity: "none"})
	default:
		reply.Error = &wire.Error{Kind: esc.Internal, Summary: "not expected: " + string(req.Op)}
	}
	if reply.Error != nil {
		reply.Result = nil
	}
	_ = wire.WriteReply(conn, reply)
}

func (h *house) look(ref string) answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	a, ok := h.answers[ref]
	if !ok {
		a.err = &wire.Error{Kind: esc.NotFound, Summary: "there is no definition " + ref}
	}
	return a
}

func openResult(name string, a answer) wire.OpenResult {
	result := wire.OpenResult{Name: name, Expires: a.expires, Renew: a.renew, Variables: []wire.Variable{}}
	for n, v := range a.variables {
		result.Variables = append(result.Variables, wire.Variable{Name: n, Value: v, Secret: true})
	}
	return result
}

// A shell is a real interactive one on a terminal. After each command its last
// prompt hook prints a marker, so that nothing here waits for time to pass.
type shell struct {
	*house
	t    *testing.T
	name string
	tty  *os.File

	mu     sync.Mutex
	grown  chan struct{}
	screen strings.Builder
	seen   int // how much of screen was looked at
}

// rcs are the startup files: the hook, and behind it what prints the marker.
var rcs = map[string]string{
	"bash": "PS1='$ '\n@PRE@\neval \"$(escenv hook bash)\"\n@POST@\nHISTFILE=\n" +
		`PROMPT_COMMAND+=('printf "<<sync:%s>>\n" "$? ${PIPESTATUS[*]}"')` + "\n",
	"zsh": "PS1='%% '\nunsetopt zle\n@PRE@\neval \"$(escenv hook zsh)\"\n@POST@\n" +
		`__sync() { printf "<<sync:%s>>\n" "$? $pipestatus" }; precmd_functions+=(__sync)` + "\n",
	"fish": "function fish_prompt; echo '$ '; end; set -g fish_greeting\n@PRE@\nescenv hook fish | source\n@POST@\n" +
		`function __sync --on-event fish_prompt; printf "<<sync:%s>>\n" "$status $pipestatus"; end` + "\n",
}

// shellNames in the order tests run them.
var shellNames = []string{"bash", "zsh", "fish"}

// need returns the file of a program. Where there is none the test is skipped,
// but not by a machine whose word counts.
func need(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
	return program
}

// start runs an interactive shell in a directory of the house. pre and post go
// into its startup file before and after the hook.
func (h *house) start(t *testing.T, name, dir, pre, post string, environ ...string) *shell {
	t.Helper()
	program := need(t, name)
	rc := strings.NewReplacer("@PRE@", pre, "@POST@", post).Replace(rcs[name])
	var argv []string
	switch name {
	case "bash":
		argv = []string{"--noprofile", "--rcfile", h.path("home/rc"), "-i"}
		h.write("home/rc", rc)
	case "zsh":
		argv = []string{"-d", "-i"}
		h.write("home/.zshrc", rc)
	case "fish":
		argv = []string{"--no-config", "-i", "-C", "source " + h.path("home/rc")}
		h.write("home/rc", rc)
	}
	return h.startProgram(t, name, dir, append([]string{program}, argv...), environ)
}

func (h *house) startProgram(t *testing.T, name, dir string, argv, environ []string) *shell {
	t.Helper()
	if h.strace != "" {
		argv = append([]string{h.strace, "-f", "-qq", "-o", h.path("trace"), "-e", "trace=clone,clone3,fork,vfork,execve", "--"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = h.path(dir)
	cmd.Env = append(append(h.environ(), "PWD="+cmd.Dir), environ...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 500})
	must(t, err)
	s := &shell{house: h, t: t, name: name, tty: tty, grown: make(chan struct{}, 1)}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		tty.Close()
	})
	go s.read()
	s.prompt()
	return s
}

func (s *shell) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.tty.Read(buf)
		s.mu.Lock()
		s.screen.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.grown <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// text returns all that was ever on the screen.
func (s *shell) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.String()
}

// prompt waits for the next prompt and returns what came on the screen since
// the last one, and $? and PIPESTATUS as a prompt hook behind escenv's sees
// them.
func (s *shell) prompt() (text, status string) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		unseen := s.screen.String()[s.seen:]
		unseen = strings.ReplaceAll(unseen, "<<sync:%s>>", "<<trace:%s>>") // of set -x
		if before, rest, ok := strings.Cut(unseen, "<<sync:"); ok {
			if status, _, ok := strings.Cut(rest, ">>"); ok {
				s.seen += len(before) + len("<<sync:") + len(status) + len(">>") - strings.Count(before, "<<trace:%s>>")
				s.mu.Unlock()
				return before, status
			}
		}
		s.mu.Unlock()
		select {
		case <-s.grown:
		case <-deadline:
			s.t.Fatalf("%s: no prompt; the screen has\n%s", s.name, unseen)
		}
	}
}

// await waits until something unseen is on the screen.
func (s *shell) await(want string) {
	s.t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(s.text()[s.seen:], want) {
		select {
		case <-s.grown:
		case <-deadline:
			s.t.Fatalf("%s: %q never came:\n%s", s.name, want, s.text())
		}
	}
}

// run types a line and returns what came of it.
func (s *shell) run(line string) string {
	s.t.Helper()
	text, _ := s.status(line)
	return text
}

// status types a line and returns also what $? and PIPESTATUS are afterwards.
func (s *shell) status(line string) (text, status string) {
	s.t.Helper()
	_, err := s.tty.WriteString(line + "\n")
	must(s.t, err)
	return s.prompt()
}

// env returns what a child of the shell sees.
func (s *shell) env() map[string]string {
	s.t.Helper()
	s.run("dump")
	return s.dumped()
}

// dumped returns what the last run of the program dump saw.
func (s *shell) dumped() map[string]string {
	s.t.Helper()
	text, err := os.ReadFile(s.dump)
	must(s.t, err)
	m := map[string]string{}
	for entry := range strings.SplitSeq(string(text), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		m[name] = value
	}
	return m
}

// wantKey checks which credentials a child sees; "" for none.
func (s *shell) wantKey(want string) {
	s.t.Helper()
	env := s.env()
	if got := env["AWS_ACCESS_KEY_ID"]; got != want {
		s.t.Errorf("%s: AWS_ACCESS_KEY_ID is %q, want %q; the screen has\n%s", s.name, got, want, s.text())
	}
}

// awaitKey comes back to the prompt until a child sees that key.
func (s *shell) awaitKey(want string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); s.env()["AWS_ACCESS_KEY_ID"] != want; {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %q never came", s.name, want)
		}
	}
}

// wantText checks that the screen said so.
func (s *shell) wantText(text, want string) {
	s.t.Helper()
	if !strings.Contains(text, want) {
		s.t.Errorf("%s: the screen lacks %q:\n%s", s.name, want, text)
	}
}

func (s *shell) wantSilence(text string) {
	s.t.Helper()
	if strings.Contains(text, "escenv: ") {
		s.t.Errorf("%s: it should say nothing:\n%s", s.name, text)
	}
}

// set and unset in the words of the shell.
func (s *shell) set(name, value string) {
	if s.name == "fish" {
		s.run("set -gx " + name + " '" + value + "'")
		return
	}
	s.run("export " + name + "='" + value + "'")
}

func (s *shell) unset(name string) {
	if s.name == "fish" {
		s.run("set -e " + name)
		return
	}
	s.run("unset " + name)
}
