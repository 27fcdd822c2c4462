package main

import "github.com/escenv/escenv/internal/process"

// runEarly does what cannot wait for the command line to be built: the pty's
// monitor, which is this program started again, and what prompts and commands
// wait for. ok is false if it is none of these.
func (p *program) runEarly() (status int, ok bool) {
	if status, ok := process.MonitorMain(p.args); ok {
		return status, true
	}
	if len(p.args) < 2 {
		return 0, false
	}
	switch p.args[1] {
	case "export":
		return p.runExport()
	case "exec":
		return p.runExecution(parseExec)
	case "run":
		return p.runExecution(parseRun)
	case "shell":
		return p.runExecution(p.parseShell)
	case "credential-process":
		return p.runCredentialProcess()
	case "--version", "-V":
		p.args[1] = "version" // as everybody types it
	}
	return 0, false
}
