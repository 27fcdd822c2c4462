package main

import (
	"github.com/urfave/cli/v2"
)

func (p *program) newRunCommand() *cli.Command {
	var x execution
	return &cli.Command{
		Name:      "run",
		Usage:     "exec, in the word order of esc run",
		ArgsUsage: "REF [-i] [--] COMMAND [ARG]...",
		Description: help(`Runs the command in the environment REF, as escenv exec -e REF does. Flags may
stand before or behind REF; those behind the command are the command's.`,
			execExit, `escenv run shop/dev -i aws s3 ls`),
		Flags: p.executionFlags(&x),
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usageError{"there is no environment to run in", "escenv run --help"}
			}
			args, err := leadingFlags(c, c.Args().Tail())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usageError{"there is no command to run", "escenv run " + c.Args().First() + " -- COMMAND"}
			}
			x.refs = *cli.NewStringSlice(c.Args().First())
			return p.runExec(c.Context, &x, args)
		},
	}
}
