//go:build !escenv_light

package main

import (
	"github.com/urfave/cli/v2"
)

func (p *program) newExportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "print what a shell must evaluate in this directory; the hook calls it",
		ArgsUsage: "SHELL",
		Description: help(`Prints statements for bash, zsh or fish that bring the environment which the
nearest allowed .escenv names, or take it away where there is none. Variables
of your own come back when you leave, unless you changed them meanwhile.
Without the hook, evaluate it where you need it.

ESCENV_QUIET=1 keeps it from saying what it loads; errors are always said.`,
			`0  the statements do what the .escenv says, or it is not allowed
1  something went wrong: the statements take credentials away
2  the command line was not understood`, `eval "$(escenv export bash)"`),
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			return p.export(c.Context, args[0])
		},
	}
}

// exec and run never get here but for help: early.go runs them, with flags as
// exec_args.go reads them. What help and completion know of them is below.

func (p *program) newExecCommand() *cli.Command {
	return &cli.Command{
		Name:      "exec",
		Usage:     "run a command in an environment",
		ArgsUsage: "[--] COMMAND [ARG]...",
		Description: help(`Opens the environments, later ones winning, and runs the command with their
variables. Without -e they are those of the nearest allowed .escenv.

Secrets in the command's output are shown as [secret]. That catches accidents:
a command that means to show a secret can. On a terminal the command has a
terminal too; otherwise its output goes through pipes. With nothing to mask, or
with --no-mask, the command takes escenv's place.`,
			execExit, `escenv exec -e shop/dev -- aws s3 ls`),
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "open `REF`; may be given again"},
		}, p.executionFlags()...),
		Action: cli.ShowSubcommandHelp,
	}
}

func (p *program) newRunCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "exec, in the word order of esc run",
		ArgsUsage: "REF [-i] [--] COMMAND [ARG]...",
		Description: help(`Runs the command in the environment REF, as escenv exec -e REF does. Flags may
stand before or behind REF; those behind the command are the command's.`,
			execExit, `escenv run shop/dev -i aws s3 ls`),
		Flags:  p.executionFlags(),
		Action: cli.ShowSubcommandHelp,
	}
}

// executionFlags are the flags exec and run share.
func (p *program) executionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "no-mask", Aliases: []string{"i", "interactive"}, Usage: "show secrets in the output"},
		&cli.StringFlag{Name: "tty", Value: "auto", Usage: "give it a terminal; `WHEN`: auto, always, never"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say how the command is run, and why"},
		p.noAgentFlag(),
	}
}
