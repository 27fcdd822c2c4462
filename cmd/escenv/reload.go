//go:build !escenv_light

package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"
)

func (p *program) newReloadCommand() *cli.Command {
	return &cli.Command{
		Name:  "reload",
		Usage: "open the directory's environment anew",
		Description: help(`Has the agent forget what it has opened, and every shell ask again at its next
prompt: for credentials that were revoked before their time, or a role that has
changed.`, plainExit, "escenv reload"),
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			return p.runReload(c.Context)
		},
	}
}

func (p *program) runReload(ctx context.Context) error {
	if err := p.runAgentForget(ctx); err != nil {
		return err
	}
	return p.stamps().Touch(time.Now()) // as the kernel dates files
}
