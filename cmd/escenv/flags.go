//go:build !escenv_light

package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The library stops reading flags at the first argument. Ours may stand
// behind arguments, too, as people type them.

// words returns a command's arguments, from to to of them, and sets the flags
// that stand among them.
func words(c *cli.Context, from, to int) ([]string, error) {
	found, err := setFlags(c, c.Args().Slice())
	if err != nil {
		return nil, err
	}
	switch n := len(found); {
	case n < from:
		return nil, usageError{c.Command.HelpName + " needs " + needed(c.Command.ArgsUsage, n), helpOf(c)}
	case n > to && to == 0:
		return nil, usageError{c.Command.HelpName + " takes no argument, and there is " + found[0], helpOf(c)}
	case n > to:
		return nil, usageError{c.Command.HelpName + " takes " + c.Command.ArgsUsage + " and no more", helpOf(c)}
	}
	return found, nil
}

// needed is what usage asks for behind the n arguments that are given.
func needed(usage string, n int) string {
	asked := strings.Fields(usage)
	return strings.Join(slices.DeleteFunc(asked[min(n, len(asked)):], func(word string) bool { return word[0] == '[' }), " and ")
}

// setFlags sets the flags among args and returns the words.
func setFlags(c *cli.Context, args []string) (found []string, err error) {
	for len(args) > 0 {
		word := args[0]
		switch {
		case word == "--":
			return append(found, args[1:]...), nil
		case len(word) > 1 && word[0] == '-':
			if args, err = setFlag(c, args); err != nil {
				return nil, err
			}
		default:
			found, args = append(found, word), args[1:]
		}
	}
	return found, nil
}

// setFlag sets the flag that args begin with, and returns what is behind it
// and its value.
func setFlag(c *cli.Context, args []string) ([]string, error) {
	word, rest := args[0], args[1:]
	name, value, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if name == "help" || name == "h" {
		return nil, errors.Join(cli.ShowSubcommandHelp(c), statusError(exitOK))
	}
	switch flag := findFlag(c.Command.Flags, name).(type) {
	case nil:
		return nil, usageError{"there is no flag " + dashed(name), helpOf(c)}
	case *cli.BoolFlag:
		if !joined {
			value = "true"
		}
	default:
		if !joined && len(rest) == 0 {
			return nil, usageError{"the flag " + dashed(flag.Names()[0]) + " needs a value", helpOf(c)}
		}
		if !joined {
			value, rest = rest[0], rest[1:]
		}
	}
	if err := c.Set(name, value); err != nil {
		return nil, usageError{word + ": " + err.Error(), helpOf(c)}
	}
	return rest, nil
}

// helpOf is how to ask for a command's help.
func helpOf(c *cli.Context) string {
	if c.Command == nil || c.Command.HelpName == "" {
		return "escenv --help"
	}
	return c.Command.HelpName + " --help"
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// dashed is a flag as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
