package hooks_test

import (
	"strings"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// guesting is how a guest behaves.
var guesting = []scenario{
	{name: "Ctrl-C leaves a sane shell", play: func(s *shell) {
		s.run("cd " + s.path("prod"))
		s.answer("shop/dev", answer{silent: true})
		before := s.requests()
		s.enter("cd " + s.path("shop"))
		for s.requests() == before {
			time.Sleep(time.Millisecond) // until escenv waits for the agent
		}
		s.press("\x03")
		s.prompt()
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIADEV"}})
		s.awaitKey("AKIADEV") // it is tried again after a while
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{name: "$? and PIPESTATUS stay", play: func(s *shell) {
		for _, dir := range []string{"out", "shop"} {
			s.run("cd " + s.path(dir))
			s.write("shop/.escenv", "shop/dev\n") // not quiet in shop
			if _, status := s.status(s.speech().pipe); status != "4 3 4" {
				s.t.Errorf("the status is %q", status)
			}
		}
	}},
	{name: "sourcing the hook again changes nothing", play: func(s *shell) {
		s.set("AWS_ACCESS_KEY_ID", "mine")
		s.run("cd " + s.path("shop"))
		s.run(s.speech().source)

		s.wantSilence(s.run("true"))
		s.run("cd " + s.path("out"))
		s.wantKey("mine")
	}},
	{name: "the user's traps are theirs", play: func(s *shell) {
		s.run("trap 'echo interrupted' INT; trap 'true' EXIT")
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("out"))
		text := s.run("trap")
		s.wantText(text, "true")
		s.wantText(text, "trap -- 'echo interrupted' ")
	}, fits: func(l speech) bool { return l.traps }},
	{name: "allow asks on a terminal", play: func(s *shell) {
		s.write("shop/.escenv", "shop/dev\n# edited\n")
		s.run("cd " + s.path("shop"))
		for answer, want := range map[string]string{"n": "", "": ""} {
			s.enter("escenv allow")
			s.awaitText("[y/N]")
			text := s.run(answer)
			s.wantText(text, "escenv: not allowed")
			s.wantKey(want)
		}
		s.enter("escenv allow")
		s.awaitText("[y/N]")
		s.wantText(s.run("y"), "escenv: loaded shop/dev")
		s.wantText(s.text(), "opens shop/dev with aws-login")
		s.wantText(s.text(), "sets AWS_ACCESS_KEY_ID")
	}},
	{name: "ESCENV_QUIET keeps all but errors back", play: func(s *shell) {
		s.set("ESCENV_QUIET", "1")
		s.wantSilence(s.run("cd " + s.path("shop")))
		s.wantKey("AKIADEV")
		s.answer("shop/prod", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no"}})
		s.wantText(s.run("cd "+s.path("prod")), "escenv: error: sts says no")
	}},
	{name: "cd keeps its status", play: func(s *shell) {
		s.answer("shop/dev", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no"}})
		s.wantText(s.run("cd "+s.path("shop")+"; "+s.speech().status), "[0]")
	}},
	{name: "the user's configuration wants no word", play: func(s *shell) {
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIADEV"}, quiet: true})
		s.wantSilence(s.run("cd " + s.path("shop")))
		s.wantKey("AKIADEV")
		s.wantSilence(s.run("cd " + s.path("out")))
		s.wantKey("")
		s.answer("shop/dev", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no"}})
		s.wantText(s.run("cd "+s.path("shop")), "escenv: error: sts says no")
	}},
	{name: "without a PATH", play: func(s *shell) {
		dump := s.path("bin/dump")
		s.set("PATH", "")
		s.wantText(s.run(s.and("cd "+s.path("shop"), dump)), "escenv: loaded shop/dev")
		if got := s.dumped()["AWS_ACCESS_KEY_ID"]; got != "AKIADEV" {
			s.t.Errorf("the command ran with %q", got)
		}
		s.wantText(s.run("cd "+s.path("out")), "escenv: unloaded shop/dev")
	}},
	{name: "NO_COLOR, and no colour where nobody sees it", play: func(s *shell) {
		s.set("NO_COLOR", "1")
		from := s.from
		s.wantText(s.run("cd "+s.path("shop")), "escenv: loaded")
		for _, line := range s.styled(from) {
			if strings.HasPrefix(line, "escenv: ") {
				s.t.Errorf("it is coloured: %q", line)
			}
		}
	}},
	{name: "names that others use stay theirs", play: func(s *shell) {
		for _, name := range []string{"file", "found", "text", "state", "dir", "name", "stamp", "vars"} {
			s.hide(name, "mine")
		}
		s.run("cd " + s.path("shop"))
		s.run("cd " + s.path("out"))
		for _, name := range []string{"file", "found", "text", "state", "dir", "name", "stamp", "vars"} {
			s.wantText(s.run(`echo "[$`+name+`]"`), "[mine]")
		}
	}},
	{name: "a variable of the user's that cannot change", play: func(s *shell) {
		s.run("readonly STAGE=mine")
		s.run("cd " + s.path("prod"))
		s.wantKey("AKIAPROD") // all the others are there
		s.run("cd " + s.path("out"))
		s.wantKey("")
		s.wantText(s.run(`echo "[$STAGE]"`), "[mine]")
	}, fits: func(l speech) bool { return l.traps }},
}
