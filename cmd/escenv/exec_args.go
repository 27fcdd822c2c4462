package main

import "strings"

// exec and run read their flags themselves: they are there before the command
// line's library is, which takes longer to start than they do.

// An execution is what exec was asked to do.
type execution struct {
	refs    []string
	noMask  bool
	tty     string // auto, always or never
	verbose bool
	private bool // --no-agent
	help    bool
	command []string
}

// parseExec reads the arguments of exec.
func parseExec(args []string) (*execution, error) {
	x := &execution{tty: "auto"}
	rest, err := x.flags(args, "escenv exec --help")
	if err != nil || x.help {
		return x, err
	}
	if x.command = rest; len(rest) == 0 {
		return x, usageError{"there is no command to run", withAnyReference}
	}
	return x, nil
}

// parseRun reads the arguments of run: the reference comes first, and flags may
// stand on both sides of it.
func parseRun(args []string) (*execution, error) {
	x := &execution{tty: "auto"}
	rest, err := x.flags(args, "escenv run --help")
	if err != nil || x.help {
		return x, err
	}
	if len(rest) == 0 {
		return x, usageError{"there is no environment to run in", "escenv run --help"}
	}
	if len(x.refs) > 0 {
		return x, usageError{"escenv run takes its environment as the first word", "escenv run " + rest[0] + " -- COMMAND"}
	}
	x.refs = rest[:1]
	command, err := x.flags(rest[1:], "escenv run --help")
	if err != nil || x.help {
		return x, err
	}
	if x.command = command; len(command) == 0 {
		return x, usageError{"there is no command to run", "escenv run " + rest[0] + " -- COMMAND"}
	}
	return x, nil
}

// flags reads leading flags, one dash or two before each, and returns what
// follows them, or what follows "--".
func (x *execution) flags(args []string, help string) (rest []string, err error) {
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0]
		args = args[1:]
		if word == "--" {
			return args, nil
		}
		name, value, joined := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
		set, takesValue := x.flag(name)
		switch {
		case set == nil:
			return nil, usageError{"there is no flag " + word, help}
		case takesValue && !joined && len(args) == 0:
			return nil, usageError{word + " needs a value", help}
		case takesValue && !joined:
			value, args = args[0], args[1:]
		case !takesValue && !joined:
			value = "true"
		}
		if !set(value) {
			return nil, usageError{word + ": say true or false", help}
		}
	}
	return args, nil
}

// flag returns what sets a flag and reports whether it could; it is nil if there
// is no flag of that name. takesValue is false for switches.
func (x *execution) flag(name string) (set func(value string) bool, takesValue bool) {
	var on *bool
	switch name {
	case "env", "e":
		return func(ref string) bool { x.refs = append(x.refs, ref); return true }, true
	case "tty":
		return func(when string) bool { x.tty = when; return true }, true
	case "no-mask", "interactive", "i":
		on = &x.noMask
	case "verbose", "v":
		on = &x.verbose
	case "no-agent":
		on = &x.private
	case "help", "h":
		on = &x.help
	default:
		return nil, false
	}
	return func(value string) (ok bool) {
		*on, ok = value == "true", value == "true" || value == "false"
		return ok
	}, false
}
