package hooks_test

import (
	"os"
	"time"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

// following is what changes while a shell stays where it is.
var following = []scenario{
	{name: "a deleted file unloads", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.Remove(s.path("shop/.escenv")))
		s.wantText(s.run("true"), "escenv: unloaded shop/dev")
		s.wantKey("")
	}},
	{name: "an edit counts, even to the same second and older", play: func(s *shell) {
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
	{name: "untrusted is said once", play: func(s *shell) {
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
	{name: "a file appears, here and above", play: func(s *shell) {
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
	{name: "renewal at its time", play: func(s *shell) {
		now := time.Now()
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "first"}, expires: now.Add(2 * time.Hour), renew: now})
		s.wantText(s.run("cd "+s.path("shop")), "(119m)")
		s.wantKey("first")
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "second"}})
		s.awaitKey("second")
	}},
	{name: "every shell follows the generation", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIANEW"}})
		s.newGeneration()
		s.wantText(s.run("true"), "escenv: renewed shop/dev")
		s.wantKey("AKIANEW")
	}},
	{name: "credentials go when they cannot be opened", play: func(s *shell) {
		s.answer("shop/dev", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no", Hint: "look at the role"}})
		s.run("cd " + s.path("prod"))
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "escenv: error: sts says no")
		s.wantText(text, "escenv: hint: look at the role")
		s.wantKey("")
		s.wantSilence(s.run("true"))
		s.wantSilence(s.run("cd " + s.path("out")))
	}},
	{name: "a silent agent holds nobody up", play: func(s *shell) {
		s.answer("shop/dev", answer{silent: true})
		s.run("cd " + s.path("prod"))
		started := time.Now()
		s.wantText(s.run("cd "+s.path("shop")), "no answer for shop/dev within 2s")
		if took := time.Since(started); took > 10*time.Second {
			s.t.Errorf("the prompt took %v", took)
		}
		s.wantKey("")
	}},
	{name: "a file others may write is refused until it is mended", play: func(s *shell) {
		must(s.t, os.Chmod(s.path("shop/.escenv"), 0o622))
		text := s.run("cd " + s.path("shop"))
		s.wantText(text, "shop/.escenv can be written by anybody")
		s.wantText(text, "escenv: hint: chmod go-w")
		s.wantKey("")
		must(s.t, os.Chmod(s.path("shop/.escenv"), 0o600))
		s.awaitKey("AKIADEV")
	}},
	{name: "mistakes in the file have a place", play: func(s *shell) {
		s.write("shop/.escenv", "shop/dev\nAWS_KEY=$(id)\n")
		s.wantText(s.run("cd "+s.path("shop")), "shop/.escenv:2:1: a .escenv holds references")
		s.wantKey("")
	}},
	{name: "the runtime directory vanishes", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		must(s.t, os.RemoveAll(s.path("run/escenv/stamps")))
		must(s.t, os.Remove(s.path("run/escenv/generation")))
		s.wantSilence(s.run("true"))
		s.wantKey("AKIADEV")
		s.run("cd " + s.path("out"))
		s.wantKey("")
	}},
	{name: "escenv vanishes", play: func(s *shell) {
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
	{name: "two edits within a tick", play: func(s *shell) {
		for range 5 {
			s.run("cd " + s.path("shop"))
			s.run(s.and("echo shop/prod >.escenv", "cd sub", "echo shop/dev >../.escenv"))
			s.run("cd ..")
			s.wantKey("AKIADEV")
			s.run("cd " + s.path("out"))
		}
	}},
	{name: "an editor puts another file in its place", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.write("shop/.new", "shop/prod\n")
		must(s.t, os.Rename(s.path("shop/.new"), s.path("shop/.escenv")))
		s.wantText(s.run("true"), "is not allowed yet")
		s.wantKey("")
	}},
	{name: "credentials that end are gone, whoever is there to renew them", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		ends := time.Now().Add(4 * time.Second)
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEND"}, expires: ends})
		s.newGeneration()
		s.run("true")
		if got := s.env()["AWS_ACCESS_KEY_ID"]; got != "AKIAEND" && time.Now().Before(ends) {
			s.t.Errorf("%s: %q is not what the agent has renewed:\n%s", s.name, got, s.text())
		}
		s.silence() // and no agent can be started
		for time.Now().Before(ends) {
			s.run("true")
		}
		s.run("true")
		if got, set := s.env()["AWS_ACCESS_KEY_ID"]; set {
			s.t.Errorf("%s: %q has ended and is still there:\n%s", s.name, got, s.text())
		}
		s.wantSilence(s.run("true"))
	}},
	{name: "what has been refused since goes, and comes back", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.answer("shop/dev", answer{err: &wire.Error{Kind: esc.Refused, Summary: "sts says no"}})
		s.write("shop/.escenv", "shop/dev\n")
		s.wantText(s.run("true"), "escenv: error: sts says no")
		s.wantKey("")
		s.answer("shop/dev", answer{variables: map[string]string{"AWS_ACCESS_KEY_ID": "AKIANEW"}})
		s.write("shop/.escenv", "shop/dev\n")
		s.wantText(s.run("true"), "escenv: loaded shop/dev")
		s.wantKey("AKIANEW")
	}},
	{name: "an answer that is no better than the last is not news", play: func(s *shell) {
		s.run("cd " + s.path("shop"))
		s.write("shop/.escenv", "shop/dev\n")
		s.wantSilence(s.run("true"))
		s.wantKey("AKIADEV")
	}},
}
