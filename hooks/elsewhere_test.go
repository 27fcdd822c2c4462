package hooks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// An elsewhere is another shell, which takes part in the scenarios as far as it
// can.
type elsewhere struct {
	name  string
	argv  func(h *house) []string // and what it reads at its start
	words *strings.Replacer       // from what a scenario types
	rules []rule                  // behind words
	quiet string                  // does nothing, without a process
	fail  string                  // a command that exits with 4
	// cannot names the scenarios that the shell takes no part in, and why.
	cannot map[string]string
}

type rule struct {
	what *regexp.Regexp
	with string
}

func rules(pairs ...string) []rule {
	var list []rule
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, rule{regexp.MustCompile(pair[0]), pair[1]})
	}
	return list
}

// translate puts a line that a scenario types in the words of the shell.
func (e *elsewhere) translate(line string) string {
	line = e.words.Replace(line)
	for _, r := range e.rules {
		line = r.what.ReplaceAllString(line, r.with)
	}
	return line
}

// startElsewhere runs an interactive shell of another kind in a directory of
// the house.
func (h *house) startElsewhere(t *testing.T, e *elsewhere, dir string) *shell {
	t.Helper()
	s := h.startProgram(t, e.name, dir, e.argv(h), []string{"NO_COLOR=1", "XDG_CONFIG_HOME=" + h.path("home/.config")})
	s.translate = e.translate
	return s
}

// found returns the file of a program that .ci/tools may have brought.
func found(t *testing.T, name string) string {
	t.Helper()
	if file, err := filepath.Abs("../.cache/tools/" + name); err == nil {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return need(t, name)
}

// TestScenariosElsewhere plays the scenarios in the other shells.
func TestScenariosElsewhere(t *testing.T) {
	known := map[string]bool{}
	for _, scenario := range scenarios {
		known[scenario.name] = true
	}
	for _, e := range elsewheres {
		for _, reasons := range []map[string]string{e.cannot, nowhere} {
			for name := range reasons {
				if !known[name] {
					t.Errorf("%s cannot do %q, which is no scenario", e.name, name)
				}
			}
		}
		for _, scenario := range scenarios {
			if e.cannot[scenario.name] != "" || nowhere[scenario.name] != "" {
				continue
			}
			t.Run(e.name+"/"+scenario.name, func(t *testing.T) {
				t.Parallel()
				scenario.play(allowedHouse(t).startElsewhere(t, &e, "out"))
			})
		}
	}
}

// allowedHouse is a house of which both projects are allowed.
func allowedHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.escenv("shop", "allow", "--yes")
	h.escenv("prod", "allow", "--yes")
	return h
}

// TestStatusElsewhere: what a command ended with is still there behind the
// hook, quiet or not.
func TestStatusElsewhere(t *testing.T) {
	for _, e := range elsewheres {
		if e.name == "elvish" {
			continue // it has exceptions, and keeps none
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := allowedHouse(t).startElsewhere(t, &e, "out")
			for range 2 {
				if _, status := s.status(e.fail); status != "4" {
					t.Errorf("the status is %q", status)
				}
				s.run("cd " + s.path("shop"))
				s.write("shop/.escenv", "shop/dev\n") // not quiet
			}
			s.wantKey("AKIADEV")
		})
	}
}

// TestShellInsideElsewhere: a shell inside another adopts what it inherited,
// leaves, and its parent is as it was.
func TestShellInsideElsewhere(t *testing.T) {
	for _, e := range elsewheres {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := allowedHouse(t).startElsewhere(t, &e, "out")
			inner := strings.Join(e.argv(s.house), " ")
			s.run("cd " + s.path("shop"))
			s.wantSilence(s.run(inner))
			s.wantKey("AKIADEV")
			s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
			s.wantKey("")
			s.run("cd " + s.path("prod"))
			s.wantKey("AKIAPROD")
			s.run("exit")
			if e.name == "tcsh" {
				s.prompt() // it comes to a prompt before it exits
			}
			s.wantKey("AKIADEV")
			s.wantSilence(s.run("exec " + inner))
			s.wantKey("AKIADEV")
			s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
			s.wantKey("")
		})
	}
}

// TestGoneElsewhere: where each prompt inside notices that escenv has vanished,
// it is said once, and no credentials stay.
func TestGoneElsewhere(t *testing.T) {
	for _, e := range elsewheres {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := allowedHouse(t).startElsewhere(t, &e, "out")
			s.run("cd " + s.path("shop"))
			must(t, os.Remove(s.path("bin/escenv")))
			text := s.run("true")
			s.wantKey("AKIADEV") // they are still this directory's
			text += s.run("cd "+s.path("out")) + s.run("cd "+s.path("prod")) + s.run("true")
			if n := strings.Count(text, "escenv: error: "); n != 1 {
				t.Errorf("%s: it is said %d times:\n%s", e.name, n, text)
			}
			s.wantKey("")
		})
	}
}

// TestQuietElsewhere counts processes as TestAQuietPromptStartsNoProcess does.
// elvish, which sees no change of a file, starts one inside a project; tcsh,
// which sees whole seconds, until the second of a change is over.
func TestQuietElsewhere(t *testing.T) {
	strace := need(t, "strace") // to count processes
	for _, e := range elsewheres {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			h := allowedHouse(t)
			h.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIADEV"}, expires: time.Now().Add(time.Hour)})
			h.strace = strace
			s := h.startElsewhere(t, &e, "out")
			s.run(e.quiet)
			inside := 0
			if e.name == "elvish" {
				inside = 1
			}
			s.wantProcesses(0, "outside", e.quiet, 20)
			s.wantProcesses(0, "moving outside", "cd ..; cd out", 2)
			if e.name == "tcsh" { // looks twice at what has just changed, and nobody can set when that was
				time.Sleep(2 * time.Second)
			}
			s.wantProcesses(1+inside, "entering", "cd "+h.path("shop"), 1)
			s.settle(&e)
			s.wantProcesses(20*inside, "inside", e.quiet, 20)
			h.write("shop/.escenv", "shop/dev\n")
			s.wantProcesses(1, "an edit", e.quiet, 1)
			s.settle(&e)
			s.wantProcesses(3*inside, "after an edit", e.quiet, 3)
			h.newGeneration()
			s.wantProcesses(1, "a new generation", e.quiet, 1)
			s.settle(&e)
			must(t, os.Remove(h.path("shop/.escenv")))
			s.wantProcesses(1, "deletion", e.quiet, 1)
			s.wantProcesses(0, "after deletion", e.quiet, 3)
		})
	}
}

// settle comes back to the prompt until tcsh is sure that nothing changes any
// more.
func (s *shell) settle(e *elsewhere) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); e.name == "tcsh"; {
		before := len(s.trace())
		s.run(e.quiet)
		if len(s.trace()) == before {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("each prompt starts a process")
		}
	}
}
