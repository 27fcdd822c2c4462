// Package process runs a command as if escenv were not there.
//
// There are three ways, each for when the one before cannot do: Replace gives
// the command this process; Child keeps it beside this process, in the same
// process group, with those streams carried that are masked; Pty gives it a
// terminal of its own, whose output is masked on its way to the user's. In
// each the command keeps its signals, its job control and its exit status.
package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/escenv/escenv/internal/mask"
)

// A Command is what to run.
type Command struct {
	Args   []string // the command's name and its arguments
	Path   string   // its file; searched for as Args[0] if empty
	Env    []string // all of its environment, without duplicates
	Stdin  *os.File
	Stdout *os.File
	Stderr *os.File

	// Secrets are masked in what the command writes. With nil, Child leaves the
	// command its streams and Pty carries them as they are.
	Secrets *mask.Set
	// Screens has Child give masked streams that are terminals a terminal that
	// is only written to, instead of a pipe.
	Screens bool
	Self    string // the file of this program, which Pty starts again: see MonitorMain
}

// Replace gives the command this process. It returns only if it cannot, a
// *StartError.
func (c *Command) Replace() error {
	path, err := c.lookPath()
	if err != nil {
		return err
	}
	err = launch(path, c.Args, func(path string, args []string) error { return syscall.Exec(path, args, c.Env) })
	return &StartError{Name: c.Args[0], Err: err}
}

// Find returns the file that the command would be, or a *StartError.
func (c *Command) Find() (string, error) { return c.lookPath() }

// A Status is how a command ended.
type Status struct {
	Exit   int            // its own exit status
	Signal syscall.Signal // the signal that killed it, or 0
}

// Code returns the status as shells show it: 128+n for signal n.
func (s Status) Code() int {
	if s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return s.Exit
}

func statusOf(ws syscall.WaitStatus) Status {
	if ws.Signaled() {
		return Status{Signal: ws.Signal()}
	}
	return Status{Exit: ws.ExitStatus()}
}

// The exit statuses of commands that did not start.
const (
	exitCannotExecute = 126
	exitNotFound      = 127
)

// A StartError says why a command did not start.
type StartError struct {
	Name string
	Err  error // a syscall.Errno
}

// Error returns "NAME: reason".
func (e *StartError) Error() string {
	if e.Code() == exitNotFound && !strings.Contains(e.Name, "/") {
		return e.Name + ": command not found"
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

// Unwrap returns the reason.
func (e *StartError) Unwrap() error { return e.Err }

// Code returns the exit status shells use: 127 if there is no such command,
// 126 if it cannot be executed.
func (e *StartError) Code() int {
	if errors.Is(e.Err, fs.ErrNotExist) || errors.Is(e.Err, syscall.ENOTDIR) {
		return exitNotFound
	}
	return exitCannotExecute
}
