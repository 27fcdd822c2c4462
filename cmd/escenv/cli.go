//go:build !escenv_light

package main

import (
	"cmp"
	"context"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/build"
)

// The whole command line. Builds with the tag escenv_light have another
// runCommand: see light.go.

// runCommand runs the command that the arguments name.
func (p *program) runCommand(ctx context.Context) error {
	cli.HelpPrinter = printHelp    // the library's one way to hear of it
	pages := &printer{w: p.stdout} // help is all that the library prints
	return cmp.Or(p.app(pages).RunContext(ctx, p.args), pages.err)
}

func (p *program) app(pages io.Writer) *cli.App {
	return &cli.App{
		Name:      "escenv",
		Usage:     "short-lived AWS credentials for a directory or a command",
		UsageText: "escenv COMMAND [OPTION]...",
		Version:   build.ID(),
		Description: help(`A directory's .escenv names an environment. With the hook in your shell's rc
file, cd brings its credentials and leaving takes them away:

   eval "$(escenv hook zsh)"

"escenv COMMAND --help" says more about each command.`,
			plainExit, `escenv exec -e shop/dev -- aws s3 ls`),
		HideVersion:               true,
		Flags:                     []cli.Flag{cli.HelpFlag}, // with a help command of our own it would be missing
		DisableSliceFlagSeparator: true,
		Writer:                    pages,
		ErrWriter:                 p.stderr,
		ExitErrHandler:            func(*cli.Context, error) {}, // main decides
		OnUsageError:              onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand("escenv", c.Args().First(), c.App.Commands)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: p.commands(),
	}
}

// onUsageError turns a flag the library refuses into a usageError.
func onUsageError(c *cli.Context, err error, _ bool) error {
	problem := err.Error()
	if name, unknown := strings.CutPrefix(problem, "flag provided but not defined: -"); unknown {
		problem = "there is no flag " + dashed(name)
	}
	if name, bare := strings.CutPrefix(problem, "flag needs an argument: -"); bare {
		problem = "the flag " + dashed(name) + " needs a value"
	}
	return usageError{problem, helpOf(c)}
}
