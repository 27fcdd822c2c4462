package hooks_test

import (
	"cmp"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// patience is how long a shell may take to come back with a prompt.
const patience = 30 * time.Second

// A shell is a real interactive one on a terminal. Before each prompt its last
// prompt hook gives the terminal a title, the mark, so that nothing here waits
// for time to pass.
type shell struct {
	*house
	*terminal
	t         *testing.T
	name      string
	translate func(line string) string // puts what scenarios type in the shell's words; nil for their own

	from   int // the first line of the screen that is new
	marked int // how many marks have been seen
}

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
	return h.startProgram(t, name, dir, h.command(t, name, pre, post), environ)
}

// command returns what starts an interactive shell, and writes its startup file.
func (h *house) command(t *testing.T, name, pre, post string) []string {
	t.Helper()
	program := need(t, name)
	file, args := speeches[name].start(h.path("home"))
	must(t, os.WriteFile(file, []byte(phrase(speeches[name].rc, "@PRE@", pre, "@POST@", post)), 0o600))
	return append([]string{program}, args...)
}

func (h *house) startProgram(t *testing.T, name, dir string, argv, environ []string) *shell {
	t.Helper()
	if h.strace != "" {
		argv = append([]string{h.strace, "-f", "-qq", "-o", h.path("trace"), "-e", "trace=clone,clone3,fork,vfork,execve", "--"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = h.path(dir)
	cmd.Env = append(append(h.environ(), "PWD="+cmd.Dir, "TERM=xterm-256color"), environ...)
	s := &shell{house: h, terminal: openTerminal(t, cmd, cmp.Or(h.columns, columns)), t: t, name: name}
	s.prompt()
	return s
}

// text returns all that was ever on the screen.
func (s *shell) text() string {
	return strings.TrimRight(strings.Join(s.view(0).lines, "\n"), "\n")
}

// prompt waits for the next prompt and returns what came on the screen before
// it, and $? and PIPESTATUS as a prompt hook behind escenv's sees them.
func (s *shell) prompt() (text, status string) {
	s.t.Helper()
	sign := cmp.Or(s.sign, "$")
	v := s.await("a prompt", func(v view) bool {
		return len(v.marks) > s.marked && v.row >= s.from && strings.HasSuffix(v.before(), sign+" ")
	})
	text = strings.TrimSuffix(strings.Join(v.lines[s.from:v.row+1], "\n"), sign)
	s.marked++
	s.from = v.row
	return text, v.marks[s.marked-1]
}

// await waits until what is new on the screen is as it should be.
func (s *shell) await(what string, ok func(view) bool) view {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		v := s.view(s.from)
		if ok(v) {
			return v
		}
		select {
		case <-s.changed:
		case <-deadline:
			s.t.Fatalf("%s: waited for %s; the screen has\n%s", s.name, what, s.text())
		}
	}
}

// awaitText waits until something new is on the screen.
func (s *shell) awaitText(want string) {
	s.t.Helper()
	s.await(want, func(v view) bool { return strings.Contains(strings.Join(v.lines[s.from:], "\n"), want) })
}

// press presses keys.
func (s *shell) press(keys string) {
	s.t.Helper()
	_, err := s.tty.WriteString(keys)
	must(s.t, err)
}

// enter types a line where the cursor is. What is new begins below it.
func (s *shell) enter(line string) {
	s.t.Helper()
	if s.translate != nil {
		line = s.translate(line)
	}
	v := s.view(s.from)
	s.from = v.row + 1 + (v.column+utf8.RuneCountInString(line)-1)/s.screen.Width()
	s.press(line + "\r")
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
	s.enter(line)
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

// wantFile checks what the file that a child's variable names holds, and
// returns its path.
func (s *shell) wantFile(name, want string) (path string) {
	s.t.Helper()
	path = s.env()[name]
	text, err := os.ReadFile(path)
	if err != nil || string(text) != want {
		s.t.Errorf("%s: %s=%s holds %q, %v", s.name, name, path, text, err)
	}
	return path
}

// awaitDump waits until the program dump has run.
func (s *shell) awaitDump() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(s.dump); err == nil && strings.HasSuffix(string(text), "\x00") {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: nothing ran", s.name)
		}
	}
}

// newGeneration does what the agent does when it has renewed something.
func (h *house) newGeneration() {
	now := time.Now()
	must(h.t, os.Chtimes(h.path("run/escenv/generation"), now, now))
}

// silence ends the agent, and makes sure that no other is started.
func (h *house) silence() {
	must(h.t, h.listener.Close())
	must(h.t, os.Remove(h.path("bin/escenv")))
	program, err := os.ReadFile(bin + "/escenv")
	must(h.t, err)
	must(h.t, os.WriteFile(h.path("bin/escenv"), program, 0o700))
}
