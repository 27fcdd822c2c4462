//go:build !escenv_light

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/escenv/escenv/hooks"
	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/esc"
)

// hookProgram is a program whose talk can be read back.
func hookProgram(t *testing.T, environ ...string) (p *program, talk func() string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p = &program{environ: append(environ, "HOME=/home/alice"), stdout: file, stderr: file, now: func() time.Time { return noon }}
	return p, func() string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestTheHookCallsAStablePath(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p, _ := hookProgram(t, "PATH=relative:/nowhere:"+dir)
	if self, err := p.self(); err != nil || self != own {
		t.Errorf("self = %s, %v", self, err)
	}
	link := filepath.Join(dir, "escenv")
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	if self, err := p.self(); err != nil || self != link {
		t.Errorf("self = %s, %v; want the link on PATH", self, err)
	}
}

func TestHookForShellsThatHaveOne(t *testing.T) {
	p, talk := hookProgram(t)
	if err := p.printScript("-zsh", hooks.Script); err != nil || !strings.Contains(talk(), "precmd_functions") || strings.Contains(talk(), "@ESCENV@") {
		t.Errorf("printScript: %v\n%s", err, talk())
	}
	for _, shell := range []string{"cmd.exe", "dash", "\x1b[31m"} {
		if status := p.report(p.printScript(shell, hooks.Script)); status != exitUsage {
			t.Errorf("%q: status %d", shell, status)
		}
	}
}

func TestOneLineSaysWhatHappened(t *testing.T) {
	set := activation.Change{Op: activation.Export, Name: "AWS_ACCESS_KEY_ID", Value: esc.NewSecret("AKIASECRET")}
	for _, c := range []struct {
		step activation.Step
		want string
	}{
		{activation.Step{}, ""},
		{activation.Step{
			Outcome: activation.Loaded, Name: "shop/dev", Expires: time.Date(2026, 11, 23, 12, 59, 59, 0, time.UTC),
			Changes: []activation.Change{{Op: activation.Save, Name: "X"}, set, {Op: activation.Unset, Name: "AWS_PROFILE"}, {Op: activation.Export, Name: "ESCENV_ENV"}},
		}, "escenv: loaded shop/dev: +AWS_ACCESS_KEY_ID -AWS_PROFILE (59m)\n"},
		{activation.Step{Outcome: activation.Renewed, Name: "shop/dev", Expires: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)}, "escenv: renewed shop/dev (3h)\n"},
		{activation.Step{Outcome: activation.Unloaded, Name: "shop/dev"}, "escenv: unloaded shop/dev\n"},
		{
			activation.Step{Untrusted: true, File: &activation.File{Path: "/p/\x1b[2J/.escenv"}},
			"escenv: warning: /p/\\x1b[2J/.escenv is not allowed yet\nescenv: hint: escenv allow\n",
		},
		{
			activation.Step{Name: "shop/dev", Refused: []activation.Refusal{{Name: "PATH", Why: "is code", Settable: true}, {Name: "a b", Why: "is no name"}}},
			"escenv: warning: PATH is left out of shop/dev: it is code\nescenv: warning: a b is left out of shop/dev: it is no name\n" +
				"escenv: hint: to allow it, put hook: {allow: [PATH]} into /home/alice/.config/escenv/config.yaml\n",
		},
	} {
		p, talk := hookProgram(t)
		p.announce(&c.step)
		if got := talk(); got != c.want {
			t.Errorf("%+v:\n got %q\nwant %q", c.step, got, c.want)
		}
		quiet, talk := hookProgram(t, "ESCENV_QUIET=1")
		quiet.announce(&activation.Step{Outcome: c.step.Outcome, Name: "x", Problem: esc.Errorf(esc.Refused, "no")})
		if got := talk(); got != "escenv: error: no\n" && c.step.Outcome != activation.Unchanged {
			t.Errorf("quiet: %q", got)
		}
	}
}

func TestStatusTellsThisShellsHookFromAnInheritedMarker(t *testing.T) {
	p, _ := hookProgram(t, "ESCENV_HOOK=zsh:4242", "SHELL=/usr/bin/fish")
	if s := p.hookStatus(4242); !s.Installed || s.Shell != "zsh" {
		t.Errorf("%+v", s)
	}
	if s := p.hookStatus(4243); s.Installed || !strings.Contains(s.Hint, "config.fish") {
		t.Errorf("%+v", s)
	}
}
