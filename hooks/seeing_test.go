package hooks_test

import (
	"os"
	"strings"
	"testing"
)

const loadedDev = "escenv: loaded shop/dev: +AWS_ACCESS_KEY_ID +AWS_SECRET_ACCESS_KEY +AWS_SESSION_TOKEN"

// seeing is what a person has on the screen.
var seeing = []scenario{
	{name: "a line is a line, and nothing else is on the screen", play: func(s *shell) {
		s.wantScreen(s.run("cd "+s.path("shop")), loadedDev)
		s.wantScreen(s.run("cd ."))
		s.wantScreen(s.run("cd sub"))
		s.write("shop/.escenv", "shop/prod\n")
		s.wantScreen(s.run("cd ."), "escenv: unloaded shop/dev",
			"escenv: warning: "+s.path("shop/.escenv")+" is not allowed yet", "escenv: hint: escenv allow")
		s.wantScreen(s.run("cd ."))
		s.escenv("shop", "allow", "--yes")
		s.wantScreen(s.run("cd ."), "escenv: loaded shop/prod: +AWS_ACCESS_KEY_ID +STAGE")
		s.wantScreen(s.run("cd "+s.path("out")), "escenv: unloaded shop/prod")
	}},
	{name: "what a command leaves without an end stays apart", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.Remove(s.path("shop/.escenv")))
		lines := strings.Split(s.run("printf partial"), "\n")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "partial") || lines[1] != "escenv: unloaded shop/dev" {
			s.t.Errorf("%s: the screen has\n%s", s.name, s.text())
		}
	}, fits: func(l speech) bool { return l.ends }},
	{name: "a key that leads elsewhere", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("out"))
		s.run(phrase(s.speech().key, "DIR", s.path("shop")))
		s.press("dump" + s.speech().press)
		v := s.await("the prompt behind what is said", func(v view) bool {
			return strings.Contains(strings.Join(v.lines[s.from:v.row], "\n"), loadedDev) && strings.HasPrefix(v.lines[v.row], "$ ") && v.column == len("$ dump")
		})
		if v.lines[v.row-1] != loadedDev {
			s.t.Errorf("%s: what is said has no line of its own:\n%s", s.name, s.text())
		}
		s.wantScreen(s.run(""))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("the command ran with %q", got)
		}
	}, fits: func(l speech) bool { return l.press != "" }},
}

// wantScreen checks that the screen has these lines and nothing else.
func (s *shell) wantScreen(text string, lines ...string) {
	s.t.Helper()
	if want := strings.Join(append(lines, ""), "\n"); text != want {
		s.t.Errorf("%s: the screen has %q, want %q", s.name, text, want)
	}
}

// TestANarrowScreen: what is said wraps, and so does what is typed, and each
// prompt is where it belongs.
func TestANarrowScreen(t *testing.T) {
	narrow := func(t *testing.T) *house {
		t.Helper()
		h := allowedHouse(t)
		h.columns = 40
		return h
	}
	look := func(s *shell) {
		for range 2 {
			s.wantWrapped(s.run("cd "+s.path("shop")), loadedDev)
			s.wantKey("AKIADEV")
			long := strings.Repeat("abcdefghij", 9)
			s.wantWrapped(s.run("echo "+long), long)
			s.wantWrapped(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
		}
	}
	for _, name := range shellNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look(narrow(t).start(t, name, "out", "", ""))
		})
	}
	for _, e := range elsewheres {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			look(narrow(t).startElsewhere(t, &e, "out"))
		})
	}
}

// wantWrapped checks that the screen has this line and nothing else, in as many
// of its own as it takes.
func (s *shell) wantWrapped(text, line string) {
	s.t.Helper()
	if got := strings.ReplaceAll(text, "\n", ""); got != line {
		s.t.Errorf("%s: the screen has %q, want %q:\n%s", s.name, got, line, s.text())
	}
}

// TestTheTerminalAnswers what shells ask of one: fish waits for its attributes,
// line editors for where the cursor is.
func TestTheTerminalAnswers(t *testing.T) {
	s := newHouse(t).start(t, "bash", "out", "", "")
	s.wantText(s.run(`IFS= read -rsd c -p $'\e[c' answer; printf '%q\n' "$answer"`), `$'\E[?62;`)
	s.wantText(s.run(`printf '\e[6n'; IFS= read -rsd R answer; printf '%q\n' "$answer"`), `$'\E[4;1'`)
}
