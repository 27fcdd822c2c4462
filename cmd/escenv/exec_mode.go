package main

import (
	"context"
	"strings"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/process"
)

// A mode is one way to run a command, and why it is the one: the cheapest that
// does all that is asked.
type mode struct {
	name  string // replace, shared, pipes, output or pty
	how   string // in words
	why   string
	start func(context.Context, *process.Command) (process.Status, error)
}

func replaceMode(why string) mode {
	return mode{
		"replace", "the command takes escenv's place", why,
		func(_ context.Context, c *process.Command) (process.Status, error) {
			return process.Status{}, c.Replace()
		},
	}
}

// childMode leaves the command in escenv's process group.
func childMode(name, how, why string) mode {
	start := func(ctx context.Context, c *process.Command) (process.Status, error) {
		c.Screens = name == "output"
		return c.Child(ctx)
	}
	return mode{name, how, why, start}
}

func ptyMode(why string) mode {
	start := func(ctx context.Context, c *process.Command) (process.Status, error) { return c.Pty(ctx) }
	return mode{"pty", "the command has a terminal of its own", why, start}
}

// streams says which of a run's streams are terminals.
type streams struct{ in, out, err bool }

func (p *program) streams() streams {
	return streams{process.IsTerminal(p.stdin), process.IsTerminal(p.stdout), process.IsTerminal(p.stderr)}
}

// chooseMode chooses for a command whose output is masked or not, and for
// which escenv has to stay, because of reasons, or not.
func (x *execution) chooseMode(masked bool, reasons []string, on streams) mode {
	stays := strings.Join(reasons, " and ")
	pipes := childMode("pipes", "the command writes to pipes", stays)
	switch {
	case x.tty == "always":
		return ptyMode("--tty=always")
	case len(reasons) == 0:
		return replaceMode(x.nothingToDo())
	case !masked:
		return childMode("shared", "the command has escenv's own terminal and streams", stays)
	case x.tty == "never":
		pipes.why = "--tty=never, and " + stays
		return pipes
	case x.tty == "output" && (on.out || on.err):
		return childMode("output", "the command writes to a terminal of its own", "--tty=output, and "+stays)
	case on.out:
		return ptyMode("stdout is a terminal, and " + stays)
	case on.err:
		return childMode("output", "the command writes to a terminal of its own", "stderr is a terminal, stdout is not, and "+stays)
	}
	pipes.why = "neither stdout nor stderr is a terminal, and " + stays
	return pipes
}

// nothingToDo says why escenv need not stay.
func (x *execution) nothingToDo() string {
	switch {
	case x.replace:
		return "--replace"
	case x.mask == "never":
		return "nothing is to be masked"
	}
	return "there is no secret to mask"
}

// reasons are what escenv has to stay for.
func (x *execution) reasons(env *esc.Environment, masked, served bool) []string {
	var reasons []string
	for _, reason := range []struct {
		applies bool
		what    string
	}{
		{masked && x.mask == "always", "--mask=always"},
		{masked && x.mask == "auto", "there are secrets to mask"},
		{len(env.Files) > 0, "there are files to remove"},
		{served, "credentials are served until it ends"},
		{x.watchesExpiry() && !env.Expires.IsZero(), "--on-expiry=" + x.onExpiry},
		{x.timeout > 0, "--timeout"},
		{x.statusFile != "", "--status-file"},
	} {
		if reason.applies {
			reasons = append(reasons, reason.what)
		}
	}
	return reasons
}

// watchesExpiry reports whether credentials are to end rather than be renewed.
func (x *execution) watchesExpiry() bool { return x.onExpiry == "warn" || x.onExpiry == "kill" }

// serves decides whether the environment's credentials are served, for the
// command to ask for again before they end.
func (x *execution) serves(env *esc.Environment, on streams) (bool, error) {
	switch {
	case x.replace || x.noRefresh || x.watchesExpiry():
		return false, nil
	case !refreshable(env):
		if x.refresh {
			return false, esc.Errorf(esc.Invalid, "--refresh: %s sets no AWS credentials that expire", env.Name).
				WithHint("escenv %s --dry-run shows what it sets", x.name)
		}
		return false, nil
	}
	return x.refresh || x.onExpiry == "refresh" || on.in && on.out, nil
}

// refreshable reports whether env sets AWS credentials that end.
func refreshable(env *esc.Environment) bool {
	for _, v := range env.Variables {
		if v.Name != "AWS_SECRET_ACCESS_KEY" {
			continue
		}
		for _, i := range v.Leases {
			if i >= 0 && i < len(env.Leases) && !env.Leases[i].Expires.IsZero() {
				return true
			}
		}
	}
	return false
}
