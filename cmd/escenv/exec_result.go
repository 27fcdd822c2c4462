package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/escenv/escenv/internal/process"
)

// A result is what --status-file tells a script about a run.
type result struct {
	Status      int       `json:"status"`           // escenv's own exit status
	Exit        *int      `json:"exit"`             // the command's; null if a signal ended it, or it did not run
	Signal      string    `json:"signal,omitempty"` // SIGTERM and the like
	Error       string    `json:"error,omitempty"`  // what went wrong in escenv
	Command     string    `json:"command"`          // its name; arguments may be secret
	Environment string    `json:"environment,omitempty"`
	Mode        string    `json:"mode,omitempty"` // replace, shared, pipes, output or pty
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended"`
}

// A resultFile is where a result goes; nil for nowhere.
type resultFile struct{ file *os.File }

// openResult opens the file before anything is run, so that one that cannot be
// written is found out in time.
func openResult(path string) (*resultFile, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nowhere
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // it holds no secret
	if err != nil {
		return nil, fmt.Errorf("opening the status file: %w", err)
	}
	return &resultFile{file}, nil
}

func (f *resultFile) write(r result) error {
	if f == nil {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		_, err = f.file.Write(append(text, '\n'))
	}
	if closed := f.file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("writing the status file: %w", err)
	}
	return nil
}

// resultOf describes a run; r is nil if it ended before it was one.
func resultOf(x *execution, r *run, began, ended time.Time, status process.Status, err error, code int) result {
	out := result{Status: code, Began: began.UTC(), Ended: ended.UTC()}
	out.Command = x.command[0]
	if err != nil {
		out.Error = err.Error()
	}
	if r != nil {
		out.Environment, out.Mode = r.env.Name, r.mode.name
	}
	switch _, ended := errors.AsType[*endedError](err); {
	case err != nil && !ended:
	case status.Signal != 0:
		out.Signal = unix.SignalName(status.Signal)
	default:
		out.Exit = &status.Exit
	}
	return out
}
