//go:build !escenv_light

package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/wire"
)

func (p *program) newCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "say whether a definition could be opened, without opening anything",
		ArgsUsage: "REF",
		Description: help(`Reads the definition and what it imports, and prints what is wrong with it as
file:line:col: summary. No provider is opened, no token is fetched.`,
			plainExit, "escenv check shop/dev"),
		Flags: []cli.Flag{jsonFlag(), p.noAgentFlag()},
		Action: func(c *cli.Context) error {
			args, err := words(c, 1, 1)
			if err != nil {
				return err
			}
			return p.runCheck(c.Context, args[0], c.Bool("json"))
		},
	}
}

func (p *program) runCheck(ctx context.Context, text string, asJSON bool) error {
	ref, err := p.parseRef(text)
	if err != nil {
		return err
	}
	var result wire.CheckResult
	if err := p.call(ctx, wire.OpCheck, wire.CheckArgs{Ref: ref}, &result); err != nil {
		return err
	}
	if asJSON {
		return p.printJSON(result)
	}
	p.printDiagnostics(result.Warnings)
	out := printer{w: p.stdout}
	out.printf("%s is fine\n", safe(result.Name))
	if len(result.Providers) > 0 {
		out.printf("  opens  %s\n", safe(strings.Join(result.Providers, ", ")))
	}
	if len(result.Variables) > 0 {
		out.printf("  sets   %s\n", safe(strings.Join(result.Variables, " ")))
	}
	return out.err
}

// jsonFlag asks for output that a program may read.
func jsonFlag() *cli.BoolFlag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON, for programs"}
}

// printJSON prints v for programs.
func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
