//go:build !escenv_light

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/escenv/escenv/internal/build"
)

func (p *program) newVersionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the build, which escenv-agent must share",
		Description: help("Prints the build's id. escenv-agent --version prints the same id, or the two do not\nbelong together.",
			plainExit, "escenv version"),
		Action: func(c *cli.Context) error {
			if _, err := words(c, 0, 0); err != nil {
				return err
			}
			out := printer{w: p.stdout}
			out.printf("escenv %s\n", build.ID())
			return out.err
		},
	}
}
