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

func (p *program) newOpenCommand() *cli.Command {
	var args wire.RenderArgs
	return &cli.Command{
		Name:      "open",
		Usage:     "open an environment and print its values, secrets in the clear",
		ArgsUsage: "REF [PATH]",
		Description: help(`Opens everything in the environment, or only what PATH needs, and prints it. A
PATH reads like a reference in a definition: aws.login.sessionToken, hosts[0],
["a key"]. The formats dotenv, shell and fish print the environmentVariables.`,
			plainExit, `escenv open shop/dev --format json | jq .aws
eval "$(escenv open shop/dev --format shell)"`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: formats[0], Usage: strings.Join(formats[:], ", "), Destination: &args.Format},
			p.noAgentFlag(),
		},
		Action: func(c *cli.Context) error {
			// Flags may follow the reference, as in esc open.
			words, err := trailingFlags(c)
			if err != nil {
				return err
			}
			if len(words) < 1 || len(words) > 2 {
				return usageError{"escenv open takes a reference and at most one path", "escenv open --help"}
			}
			if len(words) == 2 {
				args.Path = words[1]
			}
			return p.runOpen(c.Context, words[0], args)
		},
	}
}

func (p *program) runOpen(ctx context.Context, ref string, args wire.RenderArgs) (err error) {
	if !slices.Contains(formats[:], args.Format) {
		return usageError{"there is no format " + args.Format + ": use " + strings.Join(formats[:], ", "), "escenv open --help"}
	}
	if args.Ref, err = p.parseRef(ref); err != nil {
		return err
	}
	var result wire.RenderResult
	if err := p.call(ctx, wire.OpRender, args, &result); err != nil {
		return err
	}
	p.printDiagnostics(result.Warnings)
	_, err = p.stdout.Write(result.Text)
	return err
}

// trailingFlags returns a command's arguments, and sets the flags that stand
// behind them.
func trailingFlags(c *cli.Context) ([]string, error) {
	var words []string
	rest := c.Args().Slice()
	for len(rest) > 0 {
		name, value, joined := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		if !strings.HasPrefix(rest[0], "-") || rest[0] == "-" {
			words, rest = append(words, rest[0]), rest[1:]
			continue
		}
		if rest[0] == "--" {
			return append(words, rest[1:]...), nil
		}
		rest = rest[1:]
		switch flag := findFlag(c.Command.Flags, name).(type) {
		case *cli.BoolFlag:
			if !joined {
				value = "true"
			}
		case nil:
			return nil, usageError{"flag provided but not defined: -" + name, c.Command.HelpName + " --help"}
		default:
			if !joined && len(rest) == 0 {
				return nil, usageError{"flag needs an argument: -" + flag.Names()[0], c.Command.HelpName + " --help"}
			}
			if !joined {
				value, rest = rest[0], rest[1:]
			}
		}
		if err := c.Set(name, value); err != nil {
			return nil, usageError{err.Error(), c.Command.HelpName + " --help"}
		}
	}
	return words, nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
