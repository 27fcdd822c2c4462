package main

import (
	"strings"

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
		HideHelpCommand: true,
		Flags:           p.executionFlags(&x),
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

// leadingFlags sets the flags that args begin with, and returns the rest.
func leadingFlags(c *cli.Context, args []string) ([]string, error) {
	wrong := func(problem string) ([]string, error) {
		return nil, usageError{problem, c.Command.HelpName + " --help"}
	}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0]
		args = args[1:]
		if word == "--" {
			return args, nil
		}
		name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		flag := findFlag(c.Command.Flags, name)
		if flag == nil {
			return wrong("flag provided but not defined: -" + name)
		}
		if _, isBool := flag.(*cli.BoolFlag); !given && isBool {
			value, given = "true", true
		}
		if !given {
			if len(args) == 0 {
				return wrong("flag needs an argument: -" + name)
			}
			value, args = args[0], args[1:]
		}
		if err := c.Set(name, value); err != nil {
			return wrong(err.Error())
		}
	}
	return args, nil
}
