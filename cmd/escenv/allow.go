//go:build !escenv_light

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/trust"
	"github.com/escenv/escenv/internal/wire"
)

// stampAge is how long a stamp nobody can still be using is kept.
const stampAge = 7 * 24 * time.Hour

func (p *program) newAllowCommand() *cli.Command {
	return &cli.Command{
		Name:      "allow",
		Usage:     "trust a .escenv as it is now",
		ArgsUsage: "[FILE]",
		Description: help(`Shows which environments the .escenv would open and which variables they would
set, asks, and records the file's path and content. FILE may be its
directory; without one it is the nearest at or above this directory. A file
that is edited or moved must be allowed again.

Without a terminal to ask on, the file is allowed at once.`,
			`0  allowed
1  not allowed; stderr says why
2  the command line was not understood`, "escenv allow"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			p.noAgentFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := words(c, 0, 1)
			if err != nil {
				return err
			}
			return p.runAllow(c.Context, first(args), c.Bool("yes"))
		},
	}
}

func (p *program) newDenyCommand() *cli.Command {
	return &cli.Command{
		Name:      "deny",
		Usage:     "never use a .escenv, whatever it says",
		ArgsUsage: "[FILE]",
		Description: help(`Takes back what escenv allow recorded, and says nothing about the file any more.
Shells that have loaded it unload it at their next prompt.`, plainExit, "escenv deny ~/src/shop"),
		Action: func(c *cli.Context) error {
			args, err := words(c, 0, 1)
			if err != nil {
				return err
			}
			return p.runDeny(first(args))
		},
	}
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// runAllow shows the file, asks, and records exactly the bytes it showed.
func (p *program) runAllow(ctx context.Context, path string, yes bool) error {
	file, err := p.findFile(path)
	if err != nil {
		return err
	}
	problem := p.showFile(ctx, file)
	if !yes && p.onTerminal() {
		if problem {
			p.sayWarn("what it opens cannot be shown, so look at it yourself")
		}
		yes, err := p.ask(ctx, "allow "+file.Path+"?")
		if err == nil && !yes {
			p.say("not allowed")
			err = statusError(exitFailed)
		}
		if err != nil {
			return err
		}
	}
	return p.decide(func(s trust.Store) error { return s.Allow(file.Canonical, file.Digest) })
}

func (p *program) runDeny(path string) error {
	canonical, err := p.canonicalPath(path)
	if err != nil {
		return err
	}
	return p.decide(func(s trust.Store) error { return s.Deny(canonical) })
}

// decide records a decision and has every shell look again.
func (p *program) decide(record func(trust.Store) error) error {
	decisions, err := p.trust()
	if err != nil {
		return err
	}
	if err := record(decisions); err != nil {
		return err
	}
	now := time.Now() // as the kernel dates files
	if err := p.stamps().Touch(now); err != nil {
		p.sayWarn("open shells notice only after cd: " + err.Error())
	}
	return p.stamps().Prune(now.Add(-stampAge))
}

// showFile prints what allowing the file leads to. It reports whether some of
// that is not known.
func (p *program) showFile(ctx context.Context, file *activation.File) (problem bool) {
	p.say(file.Path)
	for i, name := range file.Names() {
		var result wire.CheckResult
		if err := p.call(ctx, wire.OpCheck, wire.CheckArgs{Ref: file.Refs[i]}, &result); err != nil {
			p.explain(fmt.Errorf("checking %s: %w", name, err))
			problem = true
			continue
		}
		p.showEnvironment(name, result)
	}
	return problem
}

func (p *program) showEnvironment(name string, result wire.CheckResult) {
	line := "  opens " + name
	if len(result.Providers) > 0 {
		line += " with " + strings.Join(result.Providers, ", ")
	}
	p.say(line)
	if len(result.Variables) > 0 {
		p.say("  sets " + strings.Join(result.Variables, " "))
	}
	for _, v := range result.Variables {
		if why := activation.Dangerous(v); why != "" {
			p.sayWarn(v + " " + why + ": the hook leaves it out unless " + p.configFile() + " allows it")
		}
	}
}
