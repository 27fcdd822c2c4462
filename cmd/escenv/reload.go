//go:build !escenv_light

package main

import (
	"context"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
)

func (p *program) newReloadCommand() *cli.Command {
	return &cli.Command{
		Name:  "reload",
		Usage: "open the directory's environment anew",
		Description: help(`Has the agent forget what it has opened, and every shell ask again at its next
prompt: for credentials that were revoked before their time, or a role that has
changed. What escenv unload took away comes back.`, plainExit, "escenv reload"),
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			return p.runReload(c.Context)
		},
	}
}

func (p *program) runReload(ctx context.Context) error {
	if err := p.unpause(os.Getppid()); err != nil {
		return err
	}
	if err := p.runAgentForget(ctx); err != nil {
		return err
	}
	return p.stamps().Touch(time.Now()) // as the kernel dates files
}

func (p *program) newUnloadCommand() *cli.Command {
	return &cli.Command{
		Name:  "unload",
		Usage: "take the directory's environment out of this shell",
		Description: help(`At the next prompt this shell is as it would be without the .escenv that counts
here, and stays so until it goes where another counts, or none. Other shells
keep what they have. escenv reload brings it back.`, plainExit, "escenv unload"),
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			return p.runUnload(os.Getppid())
		},
	}
}

func (p *program) runUnload(shell int) error {
	if hook := p.hookStatus(shell); !hook.Installed {
		return esc.Errorf(esc.Invalid, "this shell has no hook, so it has nothing to unload").WithHint("%s", hook.Hint)
	}
	path, err := p.canonicalPath("")
	if err != nil {
		return err
	}
	if err := p.pause(shell, path); err != nil {
		return err
	}
	return p.stamps().Touch(time.Now())
}
