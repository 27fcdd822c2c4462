//go:build !escenv_light

package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

func (p *program) newExportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "print what a shell must evaluate in this directory; the hook calls it",
		ArgsUsage: "SHELL|json|direnv",
		Description: help(`Prints statements for a shell that bring the environment which the nearest
allowed .escenv names, or take it away where there is none. Variables of your
own come back when you leave, unless you changed them meanwhile. Without the
hook, evaluate it where you need it.

For editors and other programs, json prints what to set and to unset, what to
watch and when to come back, and direnv what direnv export json would print:
docs/shell.md describes both.

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
variables and files. Without -e they are those of the nearest allowed .escenv.

Secrets in the command's output are shown as [secret]. That catches accidents:
a command that means to show a secret can. On a terminal the command has a
terminal too, and AWS credentials that expire are served to it and renewed;
otherwise its output goes through pipes. Where nothing has to be done while it
runs, the command takes escenv's place. -v says which, and why.`,
			execExit, `escenv exec -e shop/dev -- aws s3 ls`),
		Flags:  slices.Concat([]cli.Flag{envFlag()}, p.executionFlags()),
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

func (p *program) newShellCommand() *cli.Command {
	return &cli.Command{
		Name:      "shell",
		Usage:     "start your shell in an environment",
		ArgsUsage: "[REF]",
		Description: help(`Runs $SHELL as escenv exec does, until you leave it. Without REF the environment
is that of the nearest allowed .escenv. ESCENV_ENV says in the shell where you
are, also when one is inside another: shop/dev > shop/prod.`,
			execExit, `escenv shell shop/prod`),
		Flags:  slices.Concat([]cli.Flag{envFlag()}, p.executionFlags()),
		Action: cli.ShowSubcommandHelp,
	}
}

func envFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "open `REF`; may be given again"}
}

// executionFlags are the flags exec, run and shell share.
func (p *program) executionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "mask", Value: "auto", Usage: "hide secrets; `WHEN`: auto, always, never"},
		&cli.BoolFlag{Name: "no-mask", Aliases: []string{"i", "interactive"}, Usage: "show secrets: --mask=never"},
		&cli.StringSliceFlag{Name: "mask-var", Usage: "mask the value of `NAME` however short it is; may be given again"},
		&cli.StringFlag{Name: "mask-style", Value: "plain", Usage: "what stands for one; `STYLE`: plain, name, width"},
		&cli.StringFlag{Name: "tty", Value: "auto", Usage: "its terminal; `WHEN`: auto, always, never, output"},
		&cli.BoolFlag{Name: "replace", Usage: "let the command take escenv's place, unmasked"},
		&cli.BoolFlag{Name: "refresh", Usage: "serve AWS credentials and renew them; the default on a terminal"},
		&cli.BoolFlag{Name: "no-refresh", Usage: "set AWS credentials as they are now"},
		&cli.StringFlag{Name: "on-expiry", Usage: "when credentials end; `WHAT`: refresh, warn, kill"},
		&cli.StringFlag{Name: "timeout", Usage: "end the command after `TIME`, as 90s or 1h30m"},
		&cli.BoolFlag{Name: "pristine", Usage: "give it few of your variables: HOME, PATH, ..."},
		&cli.BoolFlag{Name: "clear-aws", Usage: "give it none of your AWS_ variables"},
		&cli.StringFlag{Name: "status-file", Usage: "write how the run ended to `FILE`, as JSON"},
		&cli.BoolFlag{Name: "dry-run", Usage: "print what would be set and how it would run, and do not run it"},
		&cli.BoolFlag{Name: "json", Usage: "print that as JSON"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say how the command is run, and why"},
		p.noAgentFlag(),
	}
}
