package main

import "cmp"

// parseShell reads the arguments of shell: at most one reference, among flags.
func (p *program) parseShell(args []string) (*execution, error) {
	x := newExecution("shell")
	rest, err := x.flags(args)
	if err == nil && len(rest) > 0 && !x.help {
		x.refs = append(x.refs, rest[0])
		rest, err = x.flags(rest[1:])
	}
	if err != nil || x.help {
		return x, err
	}
	if len(rest) > 0 {
		return x, usageError{"escenv shell takes one environment and no command", "escenv exec -e " + x.refs[0] + " -- " + rest[0]}
	}
	x.command = []string{cmp.Or(p.getenv("SHELL"), "/bin/sh")}
	return x, x.consistent()
}

// hintAt is how to name an environment to exec, run or shell.
func (p *program) hintAt(x *execution) string {
	if x.name == "shell" {
		return "escenv shell project/name"
	}
	return p.withReference(x.command)
}
