package hooks_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// scenarios happen in every shell. Each begins outside any project, with
// shop/.escenv and prod/.escenv allowed.
var scenarios = []struct {
	name string
	play func(s *shell)
}{
	{"enter and leave", func(s *shell) {
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
	{"a project's own directories ask nobody", func(s *shell) {
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
	{"on one line the new directory's credentials count", func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("prod") + " && dump")
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIAPROD" {
			s.t.Errorf("the command ran with %q", got)
		}
		s.run("cd " + s.path("out") + "; dump")
		if got, ok := s.dumped()["AWS_ACCESS_KEY_ID"]; ok {
			s.t.Errorf("the command ran with %q", got)
		}
	}},
	{"in a subshell too", func(s *shell) {
		if s.name == "fish" {
			return // it has none
		}
		s.run("cd " + s.path("shop"))
		s.wantSilence(s.run("( cd " + s.path("prod") + " && dump )"))
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIAPROD" {
			s.t.Errorf("the command ran with %q", got)
		}
		s.wantKey("AKIADEV")
	}},
	{"pushd, popd and cd -", func(s *shell) {
		s.run("pushd " + s.path("shop") + " && dump")
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("pushd left %q", got)
		}
		s.run("popd && dump")
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "" {
			s.t.Errorf("popd left %q", got)
		}
		s.run("cd -")
		s.wantKey("AKIADEV")
	}},
	{"a switch is one step", func(s *shell) {
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
	{"what was there comes back", func(s *shell) {
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
	{"an unexported variable stays one", func(s *shell) {
		if s.name == "fish" {
			s.run("set -g STAGE mine two")
		} else {
			s.run("STAGE='mine two'")
		}
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
	{"the user's own edits survive", func(s *shell) {
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
	{"a deleted file unloads", func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.Remove(s.path("shop/.escenv")))
		s.wantText(s.run("true"), "escenv: unloaded shop/dev")
		s.wantKey("")
	}},
	{"an edit counts, even to the same second and older", func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.write("shop/.escenv", "shop/prod\n")
		s.wantText(s.run("true"), "is not allowed yet")
		s.wantKey("")
		s.wantSilence(s.run("true"))
		s.escenv("shop", "allow", "--yes")
		s.wantText(s.run("true"), "escenv: loaded shop/prod")
		s.write("shop/.new", "shop/dev\n")
		long := time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC)
		must(s.t, os.Chtimes(s.path("shop/.new"), long, long))
		must(s.t, os.Rename(s.path("shop/.new"), s.path("shop/.escenv")))
		s.wantText(s.run("true"), "escenv: loaded shop/dev") // allowed before
		s.wantKey("AKIADEV")
	}},
	{"untrusted is said once", func(s *shell) {
		must(s.t, os.Mkdir(s.path("new"), 0o700))
		s.write("new/.escenv", "shop/dev\n")
		text := s.run("cd " + s.path("new"))
		s.wantText(text, "escenv: warning: "+s.path("new/.escenv")+" is not allowed yet")
		s.wantText(text, "escenv: hint: escenv allow")
		s.wantKey("")
		s.wantSilence(s.run("cd " + s.path("out")))
		s.wantSilence(s.run("cd " + s.path("new")))
		s.wantText(s.run("escenv allow --yes"), "escenv: loaded shop/dev")
		s.wantKey("AKIADEV")
		s.wantText(s.run("escenv deny"), "escenv: unloaded shop/dev")
		s.wantKey("")
	}},
	{"a file appears, here and above", func(s *shell) {
		must(s.t, os.MkdirAll(s.path("out/a/b"), 0o700))
		s.run("cd " + s.path("out/a/b"))
		s.write("out/.escenv", "shop/dev\n")
		s.wantText(s.run("true"), "not allowed yet")
		s.escenv("out", "allow", "--yes")
		s.wantText(s.run("true"), "loaded shop/dev")
		s.write("out/a/.escenv", "shop/prod\n")
		s.wantText(s.run("true"), "not allowed yet")
		s.wantKey("")
		must(s.t, os.Remove(s.path("out/a/.escenv")))
		s.wantText(s.run("true"), "loaded shop/dev")
	}},
	{"renewal at its time", func(s *shell) {
		now := time.Now()
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "first"}, expires: now.Add(2 * time.Hour), renew: now})
		s.wantText(s.run("cd "+s.path("shop")), "(119m)")
		s.wantKey("first")
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "second"}})
		s.awaitKey("second")
	}},
	{"every shell follows the generation", func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIANEW"}})
		now := time.Now()
		must(s.t, os.Chtimes(s.path("run/escenv/generation"), now, now))
		s.wantText(s.run("true"), "escenv: renewed shop/dev")
		s.wantKey("AKIANEW")
	}},
	{"credentials go when they cannot be opened", func(s *shell) {
		s.answer("shop/dev", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no", Hint: "look at the role"}})
		s.run("cd " + s.path("prod"))
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "escenv: error: sts says no")
		s.wantText(text, "escenv: hint: look at the role")
		s.wantKey("")
		s.wantSilence(s.run("true"))
		s.wantSilence(s.run("cd " + s.path("out")))
	}},
	{"a silent agent holds nobody up", func(s *shell) {
		s.answer("shop/dev", answer{silent: true})
		s.run("cd " + s.path("prod"))
		started := time.Now()
		s.wantText(s.run("cd "+s.path("shop")), "no answer for shop/dev within 2s")
		if took := time.Since(started); took > 10*time.Second {
			s.t.Errorf("the prompt took %v", took)
		}
		s.wantKey("")
	}},
	{"Ctrl-C leaves a sane shell", func(s *shell) {
		s.run("cd " + s.path("prod"))
		s.answer("shop/dev", answer{silent: true})
		before := s.requests()
		_, err := s.tty.WriteString("cd " + s.path("shop") + "\n")
		must(s.t, err)
		for s.requests() == before {
			time.Sleep(time.Millisecond) // until escenv waits for the agent
		}
		_, err = s.tty.WriteString("\x03")
		must(s.t, err)
		s.prompt()
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIADEV"}})
		s.awaitKey("AKIADEV") // it is tried again after a while
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{"$? and PIPESTATUS stay", func(s *shell) {
		for _, dir := range []string{"out", "shop"} {
			s.run("cd " + s.path(dir))
			s.write("shop/.escenv", "shop/dev\n") // not quiet in shop
			switch s.name {
			case "fish":
				if _, status := s.status("sh -c 'exit 3' | sh -c 'exit 4'"); status != "4 3 4" {
					s.t.Errorf("the status is %q", status)
				}
			default:
				if _, status := s.status("(exit 3) | (exit 4)"); status != "4 3 4" {
					s.t.Errorf("the status is %q", status)
				}
			}
		}
	}},
	{"a shell inside adopts what it inherited", func(s *shell) {
		s.run("cd " + s.path("shop"))
		inner := map[string]string{
			"bash": "bash --noprofile --rcfile " + s.path("home/rc") + " -i",
			"zsh":  "zsh -d -i", "fish": "fish --no-config -i -C 'source " + s.path("home/rc") + "'",
		}[s.name]
		s.wantSilence(s.run(inner))
		s.wantKey("AKIADEV")
		s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
		s.wantKey("")
		s.run("exit")
		s.wantKey("AKIADEV")
	}},
	{"sourcing the hook again changes nothing", func(s *shell) {
		s.set("AWS_ACCESS_KEY_ID", "mine")
		s.run("cd " + s.path("shop"))
		if s.name == "fish" {
			s.run("escenv hook fish | source")
		} else {
			s.run(`eval "$(escenv hook ` + s.name + `)"`)
		}
		s.wantSilence(s.run("true"))
		s.run("cd " + s.path("out"))
		s.wantKey("mine")
	}},
	{"escenv vanishes", func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.Remove(s.path("bin/escenv")))
		s.wantSilence(s.run("true"))
		text := s.run("cd " + s.path("out"))
		s.wantText(text, s.path("bin/escenv")+" is gone")
		s.wantKey("")
		s.wantSilence(s.run("cd " + s.path("prod")))
		s.wantSilence(s.run("true"))
		s.wantKey("")
	}},
	{"the user's traps are theirs", func(s *shell) {
		if s.name == "fish" {
			return
		}
		s.run("trap 'echo interrupted' INT; trap 'true' EXIT")
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("out"))
		text := s.run("trap")
		s.wantText(text, "true")
		s.wantText(text, "trap -- 'echo interrupted' ")
	}},
	{"no secret in a variable that is not exported", func(s *shell) {
		s.run("cd " + s.path("shop"))
		for line := range strings.SplitSeq(s.run("set"), "\n") {
			if strings.Contains(line, "secret") && !strings.Contains(line, "AWS_SECRET_ACCESS_KEY") {
				s.t.Errorf("a secret is in %q", line)
			}
		}
	}},
	{"dangerous names are left out", func(s *shell) {
		s.answer("shop/dev", answer{variables: map[string]string{"LD_PRELOAD": "/tmp/x.so", "PATH": "/tmp/x", "PROMPT_COMMAND": "id", "GOOD": "1"}})
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "LD_PRELOAD is left out of shop/dev")
		s.wantText(text, "hook: {allow: [")
		env := s.env()
		if _, set := env["LD_PRELOAD"]; set || strings.Contains(env["PATH"], "/tmp/x:") || env["GOOD"] != "1" {
			s.t.Errorf("the environment is %q", env)
		}
	}},
	{"allow asks on a terminal", func(s *shell) {
		s.write("shop/.escenv", "shop/dev\n# edited\n")
		s.run("cd " + s.path("shop"))
		for answer, want := range map[string]string{"n": "", "": ""} {
			_, err := s.tty.WriteString("escenv allow\n")
			must(s.t, err)
			s.await("[y/N] ")
			text := s.run(answer)
			s.wantText(text, "escenv: not allowed")
			s.wantKey(want)
		}
		_, err := s.tty.WriteString("escenv allow\n")
		must(s.t, err)
		s.await("[y/N] ")
		s.wantText(s.run("y"), "escenv: loaded shop/dev")
		s.wantText(s.text(), "opens shop/dev with aws-login")
		s.wantText(s.text(), "sets AWS_ACCESS_KEY_ID")
	}},
	{"a renamed and a linked directory", func(s *shell) {
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
	{"a file others may write is refused until it is mended", func(s *shell) {
		must(s.t, os.Chmod(s.path("shop/.escenv"), 0o622))
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "shop/.escenv can be written by anybody")
		s.wantText(text, "escenv: hint: chmod go-w")
		s.wantKey("")
		must(s.t, os.Chmod(s.path("shop/.escenv"), 0o600))
		s.awaitKey("AKIADEV")
	}},
	{"mistakes in the file have a place", func(s *shell) {
		s.write("shop/.escenv", "shop/dev\nAWS_KEY=$(id)\n")
		s.wantText(s.run("cd "+s.path("shop")), "shop/.escenv:2:1: a .escenv holds references")
		s.wantKey("")
	}},
	{"ESCENV_QUIET keeps all but errors back", func(s *shell) {
		s.set("ESCENV_QUIET", "1")
		s.wantSilence(s.run("cd " + s.path("shop")))
		s.wantKey("AKIADEV")
		s.answer("shop/prod", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no"}})
		s.wantText(s.run("cd "+s.path("prod")), "escenv: error: sts says no")
	}},
	{"the runtime directory vanishes", func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.RemoveAll(s.path("run/escenv/stamps")))
		must(s.t, os.Remove(s.path("run/escenv/generation")))
		s.wantSilence(s.run("true"))
		s.wantKey("AKIADEV")
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{"fish's universal variables are only hidden", func(s *shell) {
		if s.name != "fish" {
			return
		}
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
	}},
	{"status knows the hook", func(s *shell) {
		s.run("cd " + s.path("shop"))
		text := s.run("escenv status")
		s.wantText(text, "hook       installed in this "+s.name)
		s.wantText(text, "loaded     shop/dev")
	}},
}

func TestScenarios(t *testing.T) {
	for _, name := range shellNames {
		for _, scenario := range scenarios {
			t.Run(name+"/"+scenario.name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				h.escenv("shop", "allow", "--yes")
				h.escenv("prod", "allow", "--yes")
				scenario.play(h.start(t, name, "out", "", ""))
			})
		}
	}
}
