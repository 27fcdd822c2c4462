//go:build !escenv_light

package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/esc"
	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newForgetCommand() *cli.Command {
	return &cli.Command{
		Name: "forget", Usage: "drop opened environments, or one, from the agent's memory",
		ArgsUsage: "[REF]",
		Description: help(`Drops what the agent keeps of an environment, or of all: the next use opens it
anew, with new sessions. Shells ask again at their next prompt; commands that run
keep what they have.`, plainExit, "escenv forget shop/dev"),
		Action: func(c *cli.Context) error {
			args, err := words(c, 0, 1)
			if err != nil {
				return err
			}
			return p.runForget(c.Context, first(args))
		},
	}
}

// runForget has the agent forget a reference, or all if it is empty.
func (p *program) runForget(ctx context.Context, text string) error {
	var args wire.ForgetArgs
	if text != "" {
		ref, err := p.parseRef(text)
		if err != nil {
			return err
		}
		args.Ref = ref
	}
	return p.forget(ctx, args)
}

// runAgentForget has the agent forget everything.
func (p *program) runAgentForget(ctx context.Context) error {
	return p.forget(ctx, wire.ForgetArgs{})
}

// forget has the agent forget, if there is one. One of another build forgets by
// being replaced.
func (p *program) forget(ctx context.Context, args wire.ForgetArgs) error {
	path, err := p.socketPath()
	if err != nil {
		return err
	}
	err = p.sharedClient(path).Call(ctx, wire.OpForget, args, nil)
	if hasKind(err, esc.BuildMismatch) {
		err = p.callShared(ctx, wire.OpForget, args, nil)
	}
	return p.unlessAbsent(err)
}
