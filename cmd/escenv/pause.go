package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/escenv/escenv/internal/activation"
	"github.com/escenv/escenv/internal/proc"
	"github.com/escenv/escenv/internal/safefile"
)

// A pause is one shell's wish to do without a .escenv: a note in the runtime
// directory that escenv unload leaves and the shell's next export finds. A shell
// that escenv put into another environment is born with one: a variable. It
// ends when the shell goes elsewhere, or asks for a reload.

// overVariable names the canonical path of the .escenv in whose place a command
// has the environment it was given.
const overVariable = "ESCENV_OVER"

// maxPause is the longest note that is read, in bytes.
const maxPause = 8 << 10

func (p *program) pauseNote(shell int) string {
	return filepath.Join(p.runtimeDir(), "unloaded", strconv.Itoa(shell))
}

// pause has a shell do without the .escenv at a canonical path; with none for
// "", whatever overVariable says.
func (p *program) pause(shell int, path string) error {
	started, err := proc.Started(shell)
	if err != nil {
		return err
	}
	note := p.pauseNote(shell)
	if err := os.MkdirAll(filepath.Dir(note), 0o700); err != nil {
		return err
	}
	p.sweepNotes(filepath.Dir(note))
	return safefile.Replace(note, []byte(started+"\n"+path), 0o600)
}

// sweepNotes removes those of shells that have ended.
func (p *program) sweepNotes(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if _, err := proc.Started(pid); err != nil {
				_ = p.resume(pid)
			}
		}
	}
}

// paused returns the canonical path of the .escenv that a shell does without,
// or nothing.
func (p *program) paused(shell int) string {
	if path, ok := p.noted(shell); ok {
		return path
	}
	return p.getenv(overVariable)
}

// noted returns the path in a shell's note.
func (p *program) noted(shell int) (path string, ok bool) {
	note := p.pauseNote(shell)
	if _, err := os.Lstat(note); err != nil { // as nearly always
		return "", false
	}
	text, _, err := safefile.Read(note, safefile.Rule{UID: os.Getuid(), Access: safefile.Private, Max: maxPause, NoFollow: true})
	if err != nil {
		return "", false
	}
	began, path, _ := strings.Cut(string(text), "\n")
	if started, err := proc.Started(shell); err != nil || started != began {
		return "", false // another process had that id
	}
	return path, true
}

// endPause ends a shell's pause where step has found that another .escenv counts,
// or none, or that it was asked to.
func (p *program) endPause(shell int, paused string, step *activation.Step) {
	if paused != "" && step.File != nil && step.File.Canonical == paused {
		return
	}
	over := p.getenv(overVariable) != ""
	if over {
		step.Changes = append(step.Changes, activation.Change{Op: activation.Unset, Name: overVariable})
	}
	if over || paused != "" {
		_ = p.resume(shell) // a note that stays is of no consequence elsewhere
	}
}

// unpause ends a shell's pause, also one that it was born with.
func (p *program) unpause(shell int) error {
	if p.getenv(overVariable) != "" {
		return p.pause(shell, "")
	}
	return p.resume(shell)
}

// resume removes a shell's note, if there is one.
func (p *program) resume(shell int) error {
	err := os.Remove(p.pauseNote(shell))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
