package hooks_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// TestAQuietPromptStartsNoProcess counts, with strace, what a shell starts
// over twenty prompts at which nothing changed, and at those where something
// did.
func TestAQuietPromptStartsNoProcess(t *testing.T) {
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := traced(t, newHouse(t), name)
			s.escenv("shop", "allow", "--yes")
			s.wantProcesses(0, "outside", "true", 20)
			s.wantProcesses(0, "moving outside", "cd ..; cd out", 2)
			s.wantProcesses(1, "entering", "cd "+s.path("shop"), 1)
			s.wantProcesses(0, "inside", "true", 20)
			s.wantProcesses(0, "moving inside", "cd sub; cd ..", 2)
			s.wantProcesses(0, "below", "cd sub/deep; cd ../..", 20)
			s.write("shop/.escenv", "shop/dev\n")
			s.wantProcesses(1, "an edit", "true", 1)
			s.wantProcesses(0, "after an edit", "true", 20)
			must(t, os.Rename(s.path("shop/.escenv"), s.path("shop/kept")))
			s.wantProcesses(1, "deletion", "true", 1)
			s.wantProcesses(0, "after deletion", "true", 20)
			must(t, os.Rename(s.path("shop/kept"), s.path("shop/.escenv")))
			s.wantProcesses(1, "its return", "true", 1)
			s.wantProcesses(1, "leaving", "cd "+s.path("out"), 1)
			s.wantProcesses(0, "outside again", "true", 20)
		})
	}
}

// TestTrustStartsOneProcess: what is decided in another terminal, too.
func TestTrustStartsOneProcess(t *testing.T) {
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := traced(t, newHouse(t), name)
			s.wantProcesses(1, "entering what is not allowed", "cd "+s.path("shop"), 1)
			s.wantProcesses(0, "not allowed", "true", 20)
			s.escenv("shop", "allow", "--yes")
			s.wantProcesses(1, "allow", "true", 1)
			s.wantProcesses(0, "after allow", "true", 20)
			s.wantKey("AKIADEV")
			s.escenv("shop", "deny")
			s.wantProcesses(1, "deny", "true", 1)
			s.wantProcesses(0, "after deny", "true", 20)
			s.wantKey("")
		})
	}
}

// TestALeaseStartsOneProcess when it is due, when the agent has renewed it, and
// when it ends; and none in between.
func TestALeaseStartsOneProcess(t *testing.T) {
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := traced(t, newHouse(t), name)
			s.escenv("shop", "allow", "--yes")
			lease := func(key string, expires, renew time.Duration) {
				now := time.Now()
				a := answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": key}, expires: now.Add(expires)}
				if renew > 0 {
					a.renew = now.Add(renew)
				}
				s.answer("shop/dev", a)
			}
			lease("first", time.Hour, time.Hour/2)
			s.wantProcesses(1, "entering", "cd "+s.path("shop"), 1)
			s.wantProcesses(0, "inside with a lease", "true", 20)

			lease("second", time.Hour, 2*time.Second)
			s.newGeneration()
			s.wantProcesses(1, "the agent has renewed it", "true", 1)
			lease("third", time.Hour, time.Hour/2)
			s.wantOneProcess("the lease is due")
			s.wantProcesses(0, "after that", "true", 20)
			s.wantKey("third")

			lease("fourth", 2*time.Second, 0)
			s.newGeneration()
			s.wantProcesses(1, "the agent has renewed it once more", "true", 1)

			s.answer("shop/dev", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no"}})
			s.wantOneProcess("it has ended")
			s.wantKey("")
		})
	}
}

// TestAClockThatIsSetStartsOneProcess: back or ahead, what a shell knows of the
// time is worth nothing then. Fish has no clock.
func TestAClockThatIsSetStartsOneProcess(t *testing.T) {
	for _, name := range []string{"bash", "zsh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := traced(t, newHouse(t), name)
			s.escenv("shop", "allow", "--yes")
			s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "key"}, expires: time.Now().Add(2 * time.Hour)})
			s.wantProcesses(1, "entering", "cd "+s.path("shop"), 1)
			for what, line := range map[string]string{ // as if the shell had looked then
				"back by an hour":         "__escenv_since=$((EPOCHSECONDS + 3600)) __escenv_due=$((EPOCHSECONDS + 7200))",
				"ahead, or a sleep ended": "__escenv_due=$((EPOCHSECONDS - 1))",
			} {
				s.wantProcesses(1, what, line, 1)
				s.wantProcesses(0, "after that", "true", 20)
				s.wantKey("key")
			}
		})
	}
}

// traced starts a shell outside any project, below strace.
func traced(t *testing.T, h *house, name string) *shell {
	t.Helper()
	h.strace = need(t, "strace") // to count processes
	s := h.start(t, name, "out", "", "")
	s.run("true")
	return s
}

// wantOneProcess comes back to the prompt until the agent is asked, for which
// there must have been one process.
func (s *shell) wantOneProcess(what string) {
	s.t.Helper()
	from, before := len(s.trace()), s.requests()
	for deadline := time.Now().Add(patience); s.requests() == before; s.run("true") {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: the agent was never asked", s.name)
		}
	}
	s.wantCount(1, what, s.trace()[from:])
}

// wantProcesses types line so many times and counts the processes started and
// the programs run. One escenv is one of each.
func (s *shell) wantProcesses(want int, what, line string, times int) {
	s.t.Helper()
	from := len(s.trace())
	for range times {
		s.run(line)
	}
	s.wantCount(want, what, s.trace()[from:])
}

func (s *shell) wantCount(want int, what, trace string) {
	s.t.Helper()
	forks, execs := 0, 0
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
	h := emptyHouse(t)
	must(t, os.MkdirAll(h.path("home/.config/escenv/environments/shop"), 0o700))
	h.write("home/.config/escenv/environments/shop/dev.yaml", "values:\n  environmentVariables:\n    AWS_ACCESS_KEY_ID: one\n")
	t.Cleanup(func() { h.escenv(".", "agent", "stop") })
	h.escenv("shop", "allow", "--yes") // starts the agent
	s := traced(t, h, "bash")
	s.wantProcesses(1, "entering", "cd "+h.path("shop"), 1)
	s.wantProcesses(0, "inside", "true", 20)
	s.wantProcesses(1, "leaving", "cd "+h.path("out"), 1)
	s.wantProcesses(0, "outside", "true", 20)
	s.wantProcesses(1, "entering again", "cd "+h.path("shop"), 1)
	s.wantProcesses(0, "inside again", "true", 20)
}
