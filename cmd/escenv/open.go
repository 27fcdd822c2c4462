//go:build !escenv_light

package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/wire"
)

// formats that open can write, the default first.
var formats = [...]string{"json", "yaml", "dotenv", "shell", "fish", "string"}

// variableFormats are those of environment variables: they know no PATH.
var variableFormats = [...]string{"dotenv", "shell", "fish"}

func (p *program) newOpenCommand() *cli.Command {
	var ask wire.RenderArgs
	return &cli.Command{
		Name:      "open",
		Usage:     "open an environment and print its values, secrets in the clear",
		ArgsUsage: "REF [PATH]",
		Description: help(`Opens everything in the environment, or only what PATH needs, and prints it. A
PATH reads like a reference in a definition: aws.login.sessionToken, hosts[0],
["a key"]. The formats dotenv, shell and fish print the environmentVariables,
and take no PATH.`,
			plainExit, `escenv open shop/dev --format json | jq .aws
eval "$(escenv open shop/dev --format shell)"`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: formats[0], Usage: "print as `FORMAT`: " + strings.Join(formats[:], ", "), Destination: &ask.Format},
			p.noAgentFlag(),
		},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 2)
			if err != nil {
				return err
			}
			ask.Path = first(args[1:])
			return p.runOpen(c.Context, args[0], ask)
		},
	}
}

func (p *program) runOpen(ctx context.Context, ref string, args wire.RenderArgs) (err error) {
	if !slices.Contains(formats[:], args.Format) {
		return usageError{"there is no format " + args.Format + ": use " + strings.Join(formats[:], ", "), "escenv open --help"}
	}
	if args.Path != "" && slices.Contains(variableFormats[:], args.Format) {
		return usageError{args.Format + " is a format for all environmentVariables: it takes no PATH", "escenv open --help"}
	}
	if args.Ref, err = p.parseRef(ref); err != nil {
		return err
	}
	var result wire.RenderResult
	if err := p.call(ctx, wire.OpRender, args, &result); err != nil {
		return withHint(err, args.Path != "", "escenv env get "+args.Ref.String())
	}
	p.printDiagnostics(result.Warnings)
	_, err = p.stdout.Write(result.Text)
	return err
}
