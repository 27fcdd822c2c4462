package hooks_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestAQuietPromptStartsNoProcess counts, with strace, what a shell starts
// over twenty prompts at which nothing changed, and at those where something
// did.
func TestAQuietPromptStartsNoProcess(t *testing.T) {
	strace := need(t, "strace") // to count processes
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.escenv("shop", "allow", "--yes")
			h.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIADEV"}, expires: time.Now().Add(time.Hour)})
			h.strace = strace
			s := h.start(t, name, "out", "", "")
			s.run("true")

			s.wantProcesses(0, "outside", "true", 20)
			s.wantProcesses(0, "moving outside", "cd ..; cd out", 2)
			s.wantProcesses(1, "entering", "cd "+h.path("shop"), 1)
			s.wantProcesses(0, "inside", "true", 20)
			s.wantProcesses(0, "moving inside", "cd sub; cd ..", 2)
			h.write("shop/.escenv", "shop/dev\n")
			s.wantProcesses(1, "an edit", "true", 1)
			s.wantProcesses(0, "after an edit", "true", 3)
			now := time.Now()
			must(t, os.Chtimes(h.path("run/escenv/generation"), now, now))
			s.wantProcesses(1, "a new generation", "true", 1)
			s.wantProcesses(0, "after it", "true", 3)
			must(t, os.Rename(h.path("shop/.escenv"), h.path("shop/kept")))
			s.wantProcesses(1, "deletion", "true", 1)
			s.wantProcesses(0, "after deletion", "true", 3)
			must(t, os.Rename(h.path("shop/kept"), h.path("shop/.escenv")))
			s.wantProcesses(1, "its return", "true", 1)
			s.wantProcesses(1, "leaving", "cd "+h.path("out"), 1)
			s.wantProcesses(0, "outside again", "true", 20)
		})
	}
}

// wantProcesses types line so many times and counts the processes started and
// the programs run. One escenv is one of each.
func (s *shell) wantProcesses(want int, what, line string, times int) {
	s.t.Helper()
	from := len(s.trace())
	for range times {
		s.run(line)
	}
	forks, execs := 0, 0
	trace := s.trace()[from:]
	for call := range strings.SplitSeq(trace, "\n") {
		switch {
		case strings.Contains(call, "<... "): // the end of a call counted before
		case strings.Contains(call, "execve("):
			execs++
		case strings.Contains(call, "CLONE_THREAD"): // threads of escenv's own
		case strings.Contains(call, "fork(") || strings.Contains(call, "clone(") || strings.Contains(call, "clone3("):
			forks++
		}
	}
	if forks != want || execs != want {
		s.t.Errorf("%s, %s: %d processes and %d programs, want %d of each:\n%s", s.name, what, forks, execs, want, trace)
	}
}

// trace returns what strace has seen so far. A shell waits for its children,
// so at a prompt all they did is in there.
func (s *shell) trace() string {
	s.t.Helper()
	text, err := os.ReadFile(s.path("trace"))
	must(s.t, err)
	return string(text)
}

// TestTheRealAgentLeavesPromptsQuiet: what it does to the generation file is
// news, and only then.
func TestTheRealAgentLeavesPromptsQuiet(t *testing.T) {
	strace := need(t, "strace") // to count processes
	h := emptyHouse(t)
	must(t, os.MkdirAll(h.path("home/.config/escenv/environments/shop"), 0o700))
	h.write("home/.config/escenv/environments/shop/dev.yaml", "values:\n  environmentVariables:\n    AWS_ACCESS_KEY_ID: one\n")
	t.Cleanup(func() { h.escenv(".", "agent", "stop") })
	h.escenv("shop", "allow", "--yes") // starts the agent
	h.strace = strace
	s := h.start(t, "bash", "out", "", "")
	s.wantProcesses(1, "entering", "cd "+h.path("shop"), 1)
	s.wantProcesses(0, "inside", "true", 20)
	s.wantProcesses(1, "leaving", "cd "+h.path("out"), 1)
	s.wantProcesses(0, "outside", "true", 20)
	s.wantProcesses(1, "entering again", "cd "+h.path("shop"), 1)
	s.wantProcesses(0, "inside again", "true", 20)
}
