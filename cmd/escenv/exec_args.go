package main

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// exec, run and shell read their flags themselves: they are there before the
// command line's library is, which takes longer to start than they do.

// An execution is what exec was asked to do.
type execution struct {
	name    string // exec, run or shell
	refs    []string
	command []string

	mask     string   // auto, always or never
	maskVars []string // variables and files to mask however short they are
	style    string   // plain, name or width
	tty      string   // auto, always, never or output

	replace    bool
	pristine   bool
	clearAWS   bool
	refresh    bool // --refresh
	noRefresh  bool
	onExpiry   string // refresh, warn or kill; empty if nothing was said
	timeout    time.Duration
	statusFile string

	dryRun  bool
	json    bool
	verbose bool
	private bool // --no-agent
	help    bool
}

func newExecution(name string) *execution {
	return &execution{name: name, mask: "auto", style: "plain", tty: "auto"}
}

// helpCommand is what tells how to ask.
func (x *execution) helpCommand() string { return "escenv " + x.name + " --help" }

// parseExec reads the arguments of exec.
func parseExec(args []string) (*execution, error) {
	x := newExecution("exec")
	rest, err := x.flags(args)
	if err != nil || x.help {
		return x, err
	}
	if x.command = rest; len(rest) == 0 {
		return x, usageError{"there is no command to run", withAnyReference}
	}
	return x, x.consistent()
}

// parseRun reads the arguments of run: the reference comes first, and flags may
// stand on both sides of it.
func parseRun(args []string) (*execution, error) {
	x := newExecution("run")
	rest, err := x.flags(args)
	if err != nil || x.help {
		return x, err
	}
	if len(rest) == 0 {
		return x, usageError{"there is no environment to run in", x.helpCommand()}
	}
	if len(x.refs) > 0 {
		return x, usageError{"escenv run takes its environment as the first word", "escenv run " + rest[0] + " -- COMMAND"}
	}
	x.refs = rest[:1]
	command, err := x.flags(rest[1:])
	if err != nil || x.help {
		return x, err
	}
	if x.command = command; len(command) == 0 {
		return x, usageError{"there is no command to run", "escenv run " + rest[0] + " -- COMMAND"}
	}
	return x, x.consistent()
}

// consistent refuses flags that contradict each other.
func (x *execution) consistent() error {
	for _, clash := range []struct {
		both bool
		what string
	}{
		{x.refresh && x.noRefresh, "--refresh and --no-refresh"},
		{x.noRefresh && x.onExpiry == "refresh", "--no-refresh and --on-expiry=refresh"},
		{x.refresh && x.onExpiry != "" && x.onExpiry != "refresh", "--refresh and --on-expiry=" + x.onExpiry},
		{x.mask == "never" && x.tty == "output", "--mask=never and --tty=output"},
		{x.mask == "never" && len(x.maskVars) > 0, "--mask=never and --mask-var"},
		{x.replace && x.mask == "always", "--replace and --mask=always"},
		{x.replace && len(x.maskVars) > 0, "--replace and --mask-var"},
		{x.replace && (x.tty == "always" || x.tty == "output"), "--replace and --tty=" + x.tty},
		{x.replace && x.refresh, "--replace and --refresh"},
		{x.replace && x.onExpiry != "", "--replace and --on-expiry=" + x.onExpiry},
		{x.replace && x.timeout > 0, "--replace and --timeout"},
		{x.replace && x.statusFile != "", "--replace and --status-file"},
	} {
		if clash.both {
			return usageError{clash.what + " contradict each other", x.helpCommand()}
		}
	}
	if x.json && !x.dryRun {
		return usageError{"--json is how --dry-run prints; the result of a run is JSON in --status-file", x.helpCommand()}
	}
	return nil
}

// flags reads leading flags, one dash or two before each, and returns what
// follows them, or what follows "--".
func (x *execution) flags(args []string) (rest []string, err error) {
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
			return nil, usageError{"there is no flag " + word, x.helpCommand()}
		case takesValue && !joined && len(args) == 0:
			return nil, usageError{word + " needs a value", x.helpCommand()}
		case takesValue && !joined:
			value, args = args[0], args[1:]
		case !takesValue && !joined:
			value = "true"
		}
		if wrong := set(value); wrong != "" {
			return nil, usageError{strings.TrimSuffix(word, "="+value) + " " + value + ": " + wrong, x.helpCommand()}
		}
	}
	return args, nil
}

// A setter sets a flag; what it returns says what is wrong with the value.
type setter func(value string) (wrong string)

// flag returns what sets a flag; nil if there is none of that name. takesValue
// is false for switches.
func (x *execution) flag(name string) (set setter, takesValue bool) {
	if on := x.toggle(name); on != nil {
		return toggled(on), false
	}
	switch name {
	case "env", "e":
		return func(ref string) string { x.refs = append(x.refs, ref); return "" }, true
	case "mask":
		return oneOf(&x.mask, "auto", "always", "never"), true
	case "mask-var":
		return func(name string) string { x.maskVars = append(x.maskVars, name); return "" }, true
	case "mask-style":
		return oneOf(&x.style, "plain", "name", "width"), true
	case "tty":
		return oneOf(&x.tty, "auto", "always", "never", "output"), true
	case "on-expiry":
		return oneOf(&x.onExpiry, "refresh", "warn", "kill"), true
	case "timeout":
		return x.setTimeout, true
	case "status-file":
		return func(file string) string { x.statusFile = file; return "" }, true
	case "no-mask", "interactive", "i":
		return x.setNoMask, false
	}
	return nil, false
}

// toggle returns the switch of that name, nil if there is none.
func (x *execution) toggle(name string) *bool {
	return map[string]*bool{
		"replace": &x.replace, "pristine": &x.pristine, "clear-aws": &x.clearAWS,
		"refresh": &x.refresh, "no-refresh": &x.noRefresh,
		"dry-run": &x.dryRun, "json": &x.json, "verbose": &x.verbose, "v": &x.verbose,
		"no-agent": &x.private, "help": &x.help, "h": &x.help,
	}[name]
}

func toggled(on *bool) setter {
	return func(value string) string {
		if value != "true" && value != "false" {
			return "say true or false"
		}
		*on = value == "true"
		return ""
	}
}

func oneOf(to *string, choices ...string) setter {
	return func(value string) string {
		if !slices.Contains(choices, value) {
			last := len(choices) - 1
			return "use " + strings.Join(choices[:last], ", ") + " or " + choices[last]
		}
		*to = value
		return ""
	}
}

// setNoMask sets --no-mask, which is --mask=never.
func (x *execution) setNoMask(value string) (wrong string) {
	var on bool
	if wrong = toggled(&on)(value); on {
		x.mask = "never"
	}
	return wrong
}

// setTimeout takes seconds, or a number with a unit, as 90s or 1h30m.
func (x *execution) setTimeout(value string) string {
	if _, err := strconv.Atoi(value); err == nil {
		value += "s"
	}
	limit, err := time.ParseDuration(value)
	if err != nil || limit <= 0 {
		return "use seconds, or a time as 90s or 1h30m"
	}
	x.timeout = limit
	return ""
}
