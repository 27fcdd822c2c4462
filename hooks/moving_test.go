package hooks_test

import (
	"os"
	"os/exec"
	"strings"
)

// moving is how people get from one directory, and one shell, to another.
var moving = []scenario{
	{name: "enter and leave", play: func(s *shell) {
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "escenv: loaded shop/dev: +AWS_ACCESS_KEY_ID +AWS_SECRET_ACCESS_KEY +AWS_SESSION_TOKEN")
		env := s.env()
		if env["AWS_SECRET_ACCESS_KEY"] != `dev'secret\` || env["AWS_SESSION_TOKEN"] != "dev token\n" {
			s.t.Errorf("the values are %q", env)
		}
		if env["ESCENV_ENV"] != "shop/dev" || env["ESCENV_VARS"] != "AWS_ACCESS_KEY_ID:AWS_SECRET_ACCESS_KEY:AWS_SESSION_TOKEN" {
			s.t.Errorf("the markers are %q", env)
		}
		for name := range env {
			if strings.HasPrefix(strings.ToLower(name), "__escenv") {
				s.t.Errorf("%s reaches children", name)
			}
		}
		s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
		for name := range s.env() {
			if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "ESCENV_") && name != "ESCENV_HOOK" {
				s.t.Errorf("%s is left", name)
			}
		}
	}},
	{name: "a project's own directories ask nobody", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		before := s.requests()
		s.wantSilence(s.run("cd sub"))
		s.wantSilence(s.run("cd deep"))
		s.wantSilence(s.run("cd ../.."))
		s.wantKey("AKIADEV")
		if s.requests() != before {
			s.t.Error("the agent was asked again")
		}
	}},
	{name: "on one line the new directory's credentials count", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.run(s.and("cd "+s.path("prod"), "dump"))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIAPROD" {
			s.t.Errorf("the command ran with %q", got)
		}
		s.run("cd " + s.path("out") + "; dump")
		if got, ok := s.dumped()["AWS_ACCESS_KEY_ID"]; ok {
			s.t.Errorf("the command ran with %q", got)
		}
	}},
	{name: "in a subshell too", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.wantSilence(s.run(phrase(s.speech().sub, "CMD", s.and("cd "+s.path("prod"), "dump"))))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIAPROD" {
			s.t.Errorf("the command ran with %q", got)
		}
		s.wantKey("AKIADEV")
	}, fits: func(l speech) bool { return l.sub != "" }},
	{name: "pushd, popd and cd -", play: func(s *shell) {
		s.run(s.and("pushd "+s.path("shop"), "dump"))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("pushd left %q", got)
		}
		s.run(s.and("popd", "dump"))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "" {
			s.t.Errorf("popd left %q", got)
		}
		s.run("cd -")
		s.wantKey("AKIADEV")
	}, fits: func(l speech) bool { return l.stack }},
	{name: "a switch is one step", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		text := s.run("cd " + s.path("prod"))
		s.wantText(text, "escenv: loaded shop/prod:")
		env := s.env()
		if _, stale := env["AWS_SESSION_TOKEN"]; stale || env["AWS_ACCESS_KEY_ID"] != "AKIAPROD" || env["STAGE"] != "prod" {
			s.t.Errorf("the environment is %q", env)
		}
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{name: "a shell inside adopts what it inherited", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.wantSilence(s.run(s.inner(s.name)))
		s.wantKey("AKIADEV")
		s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
		s.wantKey("")
		s.run("exit")
		s.wantKey("AKIADEV")
	}},
	{name: "a renamed and a linked directory", play: func(s *shell) {
		must(s.t, os.Symlink(s.path("shop"), s.path("link")))
		s.wantText(s.run("cd "+s.path("link/sub")), "escenv: loaded shop/dev")
		s.wantSilence(s.run("cd .."))
		if got := s.env()["ESCENV_FILE"]; got != s.path("link/.escenv") {
			s.t.Errorf("ESCENV_FILE is %s", got)
		}
		s.run("cd " + s.path("prod"))
		must(s.t, os.Rename(s.path("prod"), s.path("moved"))) // as somebody else does
		s.run("true")
		s.wantKey("") // what is moved must be allowed again
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{name: "a directory's name alone leads there", play: func(s *shell) {
		s.run(s.speech().autocd)
		s.run("cd " + s.root)
		s.wantText(s.run("./shop"), "escenv: loaded shop/dev")
		s.wantKey("AKIADEV")
		s.run("..")
		s.wantKey("")
	}},
	{name: "CDPATH", play: func(s *shell) {
		s.run(phrase(s.speech().cdpath, "DIR", s.root))
		s.run(s.and("cd shop/sub", "dump"))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("the command ran with %q", got)
		}
	}},
	{name: "a cd that fails changes nothing", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		before := s.requests()
		if _, status := s.status("cd " + s.path("nowhere")); !strings.HasPrefix(status, "1") {
			s.t.Errorf("the status is %q", status)
		}
		s.wantKey("AKIADEV")
		if s.requests() != before {
			s.t.Error("the agent was asked again")
		}
	}},
	{name: "cd alone goes home", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.run(s.and("cd", "dump"))
		if got, set := s.dumped()["AWS_ACCESS_KEY_ID"]; set {
			s.t.Errorf("at home there is %q", got)
		}
	}},
	{name: "the nearest file counts, and moving between two is one step", play: func(s *shell) {
		s.write("shop/sub/.escenv", "shop/prod\n")
		s.escenv("shop/sub", "allow", "--yes")
		s.run("cd " + s.path("shop"))
		before := s.requests()
		s.wantText(s.run("cd sub/deep"), "escenv: loaded shop/prod")
		env := s.env()
		if _, stale := env["AWS_SESSION_TOKEN"]; stale || env["AWS_ACCESS_KEY_ID"] != "AKIAPROD" {
			s.t.Errorf("the environment is %q", env)
		}
		s.wantText(s.run("cd ../.."), "escenv: loaded shop/dev")
		s.wantKey("AKIADEV")
		if steps := s.requests() - before; steps != 2 {
			s.t.Errorf("two moves were %d steps", steps)
		}
	}},
	{name: "odd names of directories", play: func(s *shell) {
		for _, name := range []string{"it's", "a b", "$HOME", "-n", "*", "\u00e9\u2028", "tab\there", "new\nline", "%s", "a\\"} {
			must(s.t, os.MkdirAll(s.path("odd/"+name), 0o700))
			s.write("odd/"+name+"/.escenv", "shop/dev\n")
			s.escenv("odd/"+name, "allow", "--yes")
			must(s.t, os.Symlink(s.path("odd/"+name), s.path("way")))
			s.run("cd -P " + s.path("way"))
			s.wantKey("AKIADEV")
			s.wantSilence(s.run("true"))
			s.run("cd " + s.path("out"))
			s.wantKey("")
			must(s.t, os.Remove(s.path("way")))
		}
	}, fits: func(l speech) bool { return l.physical }},
	{name: "the directory vanishes", play: func(s *shell) {
		s.run("cd " + s.path("shop/sub"))
		must(s.t, os.RemoveAll(s.path("shop")))
		s.run("true")
		s.wantKey("")
		s.run("cd " + s.path("prod"))
		s.wantKey("AKIAPROD")
	}},
	{name: "the directory is replaced by another of that name", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.Rename(s.path("shop"), s.path("was")))
		must(s.t, os.Mkdir(s.path("shop"), 0o700))
		s.write("shop/.escenv", "shop/prod\n")
		s.wantText(s.run("true"), "is not allowed yet")
		s.wantKey("")
	}},
	{name: "several moves on one line", play: func(s *shell) {
		s.run(s.and("cd "+s.path("shop"), "cd "+s.path("out"), "cd "+s.path("prod"), "cd "+s.path("shop/sub"), "dump"))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("the command ran with %q", got)
		}
		if _, stale := s.dumped()["STAGE"]; stale {
			s.t.Error("STAGE of prod is left")
		}
	}},
	{name: "a shell inside that leaves", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.run(s.inner(s.name))
		s.run("cd " + s.path("prod"))
		s.wantKey("AKIAPROD")
		s.run("exit")
		s.wantKey("AKIADEV")
		s.wantSilence(s.run("true"))
	}},
	{name: "shells of another kind inside", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		for _, other := range shellNames {
			s.run(s.inner(other))
			s.wantKey("AKIADEV")
			s.run("cd " + s.path("out"))
			s.wantKey("")
			s.run("exit")
			s.wantKey("AKIADEV")
		}
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{name: "exec the shell again", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.run("exec " + s.inner(s.name))
		s.wantKey("AKIADEV")
		s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
		s.wantKey("")
	}},
	{name: "a shell that was given an environment keeps it", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.wantSilence(s.run("escenv exec --no-mask -e shop/prod -- " + s.inner(s.name)))
		s.wantKey("AKIAPROD")
		s.wantSilence(s.run("cd sub"))
		s.wantSilence(s.run(s.inner(s.name))) // and so does one below it
		s.wantKey("AKIAPROD")
		s.run("exit")
		s.wantSilence(s.run("cd " + s.path("out")))
		s.wantKey("AKIAPROD") // it was there before the hook, and the hook takes away what is its own
		s.wantText(s.run("cd "+s.path("shop")), "escenv: loaded shop/dev")
		s.wantKey("AKIADEV")
		s.run("exit")
		s.wantKey("AKIADEV")
		s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
		s.wantKey("")
	}},
	{name: "a new shell in a project says nothing before its first prompt", play: func(s *shell) {
		inside := s.start(s.t, s.name, "shop", "", "")
		if text := inside.text(); strings.Contains(text, "escenv: ") {
			s.t.Errorf("%s: before the first prompt it says\n%s", s.name, text)
		}
		s.wantText(inside.run("dump"), "escenv: loaded shop/dev")
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("the first command ran with %q", got)
		}
		inside.wantSilence(inside.run("true"))
		inside.wantText(inside.run("cd "+s.path("prod")), "escenv: loaded shop/prod")
	}},
	{name: "a cd in the startup file is said when the prompt is there", play: func(s *shell) {
		inside := s.start(s.t, s.name, "out", "", "cd "+s.path("shop")+"; cd "+s.path("prod"))
		if text := inside.text(); strings.Contains(text, "escenv: ") {
			s.t.Errorf("%s: before the first prompt it says\n%s", s.name, text)
		}
		s.wantText(inside.run("true"), "escenv: loaded shop/prod")
		inside.wantKey("AKIAPROD")
	}},
	{name: "a pane of a terminal multiplexer that was started inside", play: func(s *shell) {
		tmux := need(s.t, "tmux")
		s.run("cd " + s.path("shop"))
		server := tmux + " -S " + s.path("tmux") + " -f /dev/null "
		pane := s.inner(s.name)
		s.run(server + "new-session -d -c " + s.path("out") + " '" + strings.ReplaceAll(pane, "'", `'"'"'`) + "'")
		s.t.Cleanup(func() { _ = exec.Command(tmux, "-S", s.path("tmux"), "kill-server").Run() })
		s.run(server + "send-keys 'dump' Enter")
		s.awaitDump()
		if got, set := s.dumped()["AWS_ACCESS_KEY_ID"]; set {
			s.t.Errorf("the pane outside has %q", got)
		}
	}},
	{name: "su to another user", play: func(s *shell) {
		if os.Getuid() != 0 {
			s.t.Skip("only root becomes somebody else without a password")
		}
		for _, dir := range []string{s.root, bin, s.path("shop"), s.path("home"), s.path("bin"), s.path("out")} {
			must(s.t, os.Chmod(dir, 0o755))
		}
		for _, file := range []string{"shop/.escenv", "bin/dump"} {
			must(s.t, os.Chmod(s.path(file), 0o755))
		}
		must(s.t, os.WriteFile(s.dump, nil, 0o600))
		must(s.t, os.Chown(s.dump, 65534, 65534))
		command := s.inner(s.name)
		rc, _ := speeches[s.name].start(s.path("home"))
		must(s.t, os.Chmod(rc, 0o644))
		s.run("cd " + s.path("shop"))
		s.run(need(s.t, "setpriv") + " --reuid=65534 --regid=65534 --clear-groups " + command)
		s.wantKey("") // root's decisions are not theirs
		s.run("cd " + s.path("out"))
		s.wantKey("")
		s.run("exit")
		s.wantKey("AKIADEV")
	}},
}
