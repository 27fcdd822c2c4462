package hooks_test

import (
	"os"
	"strings"
)

// variables is what becomes of variables.
var variables = []scenario{
	{name: "what was there comes back", play: func(s *shell) {
		s.set("AWS_ACCESS_KEY_ID", "mine")
		s.set("AWS_SESSION_TOKEN", "")
		s.set("AWS_PROFILE", "work")
		s.set("AWS_SECURITY_TOKEN", "old name")
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "-AWS_PROFILE")
		s.wantText(text, "-AWS_SECURITY_TOKEN")
		env := s.env()
		if _, set := env["AWS_PROFILE"]; set || env["AWS_ACCESS_KEY_ID"] != "AKIADEV" {
			s.t.Errorf("the environment is %q", env)
		}
		s.run("cd " + s.path("out"))
		env = s.env()
		token, set := env["AWS_SESSION_TOKEN"]
		_, secret := env["AWS_SECRET_ACCESS_KEY"]
		if env["AWS_ACCESS_KEY_ID"] != "mine" || token != "" || !set || secret || env["AWS_PROFILE"] != "work" || env["AWS_SECURITY_TOKEN"] != "old name" {
			s.t.Errorf("the environment is %q", env)
		}
	}},
	{name: "an unexported variable stays one", play: func(s *shell) {
		s.hide("STAGE", "mine two")
		s.run("cd " + s.path("prod"))
		if got := s.env()["STAGE"]; got != "prod" {
			s.t.Errorf("STAGE is %q", got)
		}
		s.run("cd " + s.path("out"))
		if got, set := s.env()["STAGE"]; set {
			s.t.Errorf("STAGE is exported: %q", got)
		}
		s.wantText(s.run(`echo "[$STAGE]"`), "[mine two]")
	}},
	{name: "the user's own edits survive", play: func(s *shell) {
		s.run("cd " + s.path("prod"))
		s.set("STAGE", "edited")
		s.unset("AWS_ACCESS_KEY_ID")
		s.set("AWS_ACCESS_KEY_ID", "own")
		s.run("cd " + s.path("out"))
		env := s.env()
		if env["STAGE"] != "edited" || env["AWS_ACCESS_KEY_ID"] != "own" {
			s.t.Errorf("the environment is %q", env)
		}
	}},
	{name: "fish's universal variables are only hidden", play: func(s *shell) {
		s.run("FISH_UNIT_TESTS_RUNNING=1 fish -i -C 'source ~/rc.fish'") // without its files fish has none, and tests need no completions
		s.run("set -Ux STAGE universal")
		s.run("cd " + s.path("prod"))
		if got := s.env()["STAGE"]; got != "prod" {
			s.t.Errorf("STAGE is %q", got)
		}
		s.run("cd " + s.path("out"))
		if got := s.env()["STAGE"]; got != "universal" {
			s.t.Errorf("STAGE is %q", got)
		}
		s.wantText(s.run("set -qg STAGE; or echo no global"), "no global")
		s.wantText(s.run("set -qU STAGE; and echo a universal one"), "a universal one")
	}, fits: func(l speech) bool { return l.universal }},
	{name: "no secret in a variable that is not exported", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		before := len(s.bytes())
		s.run("set")
		for line := range strings.SplitSeq(s.bytes()[before:], "\n") {
			if strings.Contains(line, "secret") && !strings.Contains(line, "AWS_SECRET_ACCESS_KEY") {
				s.t.Errorf("a secret is in %q", line)
			}
		}
	}},
	{name: "dangerous names are left out", play: func(s *shell) {
		s.answer("shop/dev", answer{variables: map[string]string{"LD_PRELOAD": "/tmp/x.so", "PATH": "/tmp/x", "PROMPT_COMMAND": "id", "GOOD": "1"}})
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "LD_PRELOAD is left out of shop/dev")
		s.wantText(text, "hook: {allow: [")
		env := s.env()
		if _, set := env["LD_PRELOAD"]; set || strings.Contains(env["PATH"], "/tmp/x:") || env["GOOD"] != "1" {
			s.t.Errorf("the environment is %q", env)
		}
	}},
	{name: "status knows the hook", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		text := s.run("escenv status")
		s.wantText(text, "hook       installed in this "+s.name)
		s.wantText(text, "loaded     shop/dev")
	}},
	{name: "unset, empty and set come back as they were", play: func(s *shell) {
		s.set("STAGE", "")
		s.run("cd " + s.path("prod"))
		s.run("cd " + s.path("out"))
		if stage, set := s.env()["STAGE"]; !set || stage != "" {
			s.t.Errorf("STAGE is %q, set: %v", stage, set)
		}
		s.unset("STAGE")
		s.run("cd " + s.path("prod"))
		s.run("cd " + s.path("out"))
		if stage, set := s.env()["STAGE"]; set {
			s.t.Errorf("STAGE is %q", stage)
		}
	}},
	{name: "what was there comes back from two environments away", play: func(s *shell) {
		s.set("AWS_ACCESS_KEY_ID", "mine")
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("prod"))
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("out"))
		s.wantKey("mine")
	}},
	{name: "values of every kind arrive", play: func(s *shell) {
		hostile := map[string]string{
			"QUOTES": `it's "quoted" \ back\\slash\`, "TEXT": "one\ntwo\n\n", "EMPTY": "", "CODE": "$(id) `id` ${HOME} !! %s *", "CONTROL": "\x01\x1b[31m\x7f\t\r", "WIDE": "\u00e9\u2028\U0001f600",
		}
		s.answer("shop/dev", answer{variables: hostile})
		s.run("cd " + s.path("shop"))
		env := s.env()
		for name, want := range hostile {
			if env[name] != want {
				s.t.Errorf("%s is %q, want %q", name, env[name], want)
			}
		}
	}},
	{name: "files are there while the environment is", play: func(s *shell) {
		s.answer("shop/dev", answer{files: map[string]string{"KUBE_FILE": "one\n"}})
		s.wantText(s.run("cd "+s.path("shop")), "+KUBE_FILE")
		path := s.wantFile("KUBE_FILE", "one\n")
		s.run(s.inner(s.name))
		if own := s.wantFile("KUBE_FILE", "one\n"); own == path {
			s.t.Error("the shell inside has its file from the one around it")
		}
		s.run("cd " + s.path("out"))
		s.run("exit")
		if s.wantFile("KUBE_FILE", "one\n") != path {
			s.t.Error("the shell inside took the file away")
		}
		s.run("cd " + s.path("prod"))
		if _, err := os.Stat(path); err == nil {
			s.t.Error("the file is left")
		}
	}},
	{name: "a subshell leaves the files of its shell alone", play: func(s *shell) {
		s.answer("shop/dev", answer{files: map[string]string{"KUBE_FILE": "one\n"}})
		s.run("cd " + s.path("shop"))
		path := s.wantFile("KUBE_FILE", "one\n")
		s.run(phrase(s.speech().sub, "CMD", s.and("cd "+s.path("prod"), "dump")))
		if _, set := s.dumped()["KUBE_FILE"]; set {
			s.t.Error("the file of the directory left is in the subshell")
		}
		if s.wantFile("KUBE_FILE", "one\n") != path {
			s.t.Error("the file has moved")
		}
	}, fits: func(l speech) bool { return l.sub != "" }},
}
