package main

import "github.com/escenv/escenv/internal/process"

// runEarly does what cannot wait for the command line to be built: the pty's
// monitor, which is this program started again, and export, which a prompt
// waits for. ok is false if it is neither.
func (p *program) runEarly() (status int, ok bool) {
	if status, ok := process.MonitorMain(p.args); ok {
		return status, true
	}
	switch first(p.args[min(1, len(p.args)):]) {
	case "export":
		return p.runExport(p.args[2:]), true
	case "--version", "-V":
		p.args[1] = "version" // as everybody types it
	}
	return 0, false
}
